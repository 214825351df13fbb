"""Archives as they are read: which files count, and what a bad one costs."""

import io
import struct
import zipfile
from contextlib import contextmanager
from itertools import islice

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.errors import InputTooLarge, InvalidInput, MalformedInput, UnsupportedMedia
from serving.storage import Location
from serving.uploads import archives
from tests.unit.conftest import in_memory

pytestmark = pytest.mark.usefixtures("memory_for_s3")

REPEATS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture
def image(handlers):
    return handlers["image"].predictor


def pack(*files: tuple[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", kind) as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name), content, kind)
    return buffer.getvalue()


@contextmanager
def opened(predictor, body: bytes, position: int = 0):
    where = Location("uploads", "image/a.zip")
    with archives.opened(where, in_memory(body), predictor, position) as rows:
        yield rows


def read(predictor, body: bytes):
    """Names with contents, or with the kinds of their errors."""
    with opened(predictor, body) as rows:
        found = [(row.name, row.instance) for row in rows.rows]
    return [(name, type(it) if isinstance(it, InvalidInput) else it) for name, it in found]


THREE = [("a.png", b"one"), ("folder/b.png", b"two" * 1000), ("folder/deeper/c.png", b"three")]


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_files_in_folders_are_read_in_the_order_of_the_archive(image, kind):
    assert read(image, pack(*THREE, kind=kind)) == THREE


def test_folders_and_what_systems_put_beside_files_are_no_pictures(image):
    others = ["folder/", "__MACOSX/._a.png", "__MACOSX/folder/._b.png", ".DS_Store", "x/._c.png"]
    body = pack(*((name, b"") for name in others), ("a.png", b"one"))
    assert read(image, body) == [("a.png", b"one")]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_two_rows(image):
    files = [("a.png", b"one"), ("a.png", b"two")]
    assert read(image, pack(*files)) == files


def test_names_in_any_script_are_kept(image):
    files = [("日本語/ü 😀.png", b"one")]
    assert read(image, pack(*files)) == files


def test_bytes_in_front_of_an_archive_do_not_matter(image):
    assert read(image, b"#!/bin/sh\n" + pack(*THREE)) == THREE


def test_an_archive_with_a_comment_is_read(image):
    body = pack(*THREE)
    assert read(image, body[:-2] + struct.pack("<H", 300) + b"c" * 300) == THREE


def test_a_large_archive_is_read_piece_by_piece(image, monkeypatch):
    monkeypatch.setattr(archives, "_WHOLE_BYTES", 0)
    monkeypatch.setattr(archives, "_BUFFER", 64)
    files = [(f"{number}.png", bytes([number]) * 700) for number in range(50)]
    assert read(image, pack(*files, kind=zipfile.ZIP_STORED)) == files


def test_an_archive_without_a_picture_has_no_rows(image):
    assert read(image, pack()) == []
    assert read(image, pack(("folder/", b""))) == []


def test_a_damaged_file_is_one_error_among_the_others(image):
    body = pack(*THREE).replace(b"folder/b.png", b"folder/B.png", 1)
    assert read(image, body) == [THREE[0], ("folder/b.png", MalformedInput), THREE[2]]
    body = bytearray(pack(*THREE, kind=zipfile.ZIP_STORED))
    body[body.index(b"twotwo")] ^= 1
    assert read(image, bytes(body)) == [THREE[0], ("folder/b.png", MalformedInput), THREE[2]]


def test_an_encrypted_file_is_refused_and_the_others_are_read(image):
    body = bytearray(pack(*THREE))
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        body[body.index(header) + flags] |= 1
    assert read(image, bytes(body)) == [("a.png", UnsupportedMedia), *THREE[1:]]


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_file_packed_in_a_rare_way_is_refused(image, kind):
    assert read(image, pack(("a.png", b"one"), kind=kind)) == [("a.png", UnsupportedMedia)]


def test_a_file_over_the_limit_is_refused_unread(image):
    bomb = pack(("a.png", b"\0" * 25_000_001), ("b.png", b"two"))
    assert len(bomb) < 50_000
    assert read(image, bomb) == [("a.png", InputTooLarge), ("b.png", b"two")]


def test_a_file_that_lies_about_its_size_is_refused(image):
    body = pack(("a.png", b"\0" * 5_000_000))
    size = struct.pack("<I", 5_000_000)
    assert body.count(size) == 2
    assert read(image, body.replace(size, struct.pack("<I", 100))) == [("a.png", MalformedInput)]


def test_files_that_overlap_are_refused(image):
    """The bomb of David Fifield: many entries of the directory share one file's bytes."""
    body = bytearray(pack(("a.png", b"one"), ("b.png", b"two")))
    second = body.rindex(b"PK\x01\x02")
    body[second + 42 : second + 46] = struct.pack("<I", 0)
    assert read(image, bytes(body))[1] == ("b.png", MalformedInput)


def test_a_directory_that_would_not_fit_in_memory_is_refused_unread(image, monkeypatch):
    monkeypatch.setattr(archives, "DIRECTORY_BYTES", 150)
    assert read(image, pack(THREE[0], THREE[1])) == THREE[:2]
    with pytest.raises(InputTooLarge, match="expected a ZIP archive with a directory of at most"):
        read(image, pack(*THREE))


@pytest.mark.parametrize(("most", "allowed"), [(200, True), (150, False)])
def test_the_size_of_a_directory_is_found_in_an_archive_of_over_4_gb_too(
    image, monkeypatch, most, allowed
):
    """Writers put 0xFFFFFFFF where they leave the size to the ZIP64 record."""
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 2)
    body = bytearray(pack(*THREE))
    body[-22 + 8 : -22 + 20] = b"\xff" * 12
    monkeypatch.setattr(archives, "DIRECTORY_BYTES", most)
    if allowed:
        assert read(image, bytes(body)) == THREE
    else:
        with pytest.raises(InputTooLarge, match=r"at most 150 bytes, got 1\d\d$"):
            read(image, bytes(body))


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", UnsupportedMedia),
        (b"Rar!\x1a\x07", UnsupportedMedia),
        (pack(*THREE)[:-30], UnsupportedMedia),
        (pack(*THREE)[:-5], UnsupportedMedia),
        (pack(*THREE).replace(b"PK\x01\x02", b"PK\x01\x00"), MalformedInput),
    ],
)
def test_what_is_no_archive_is_refused_as_a_whole(image, body, error):
    with pytest.raises(InvalidInput) as refused:
        read(image, body)
    assert refused.type is error


def test_an_archive_opened_again_behind_any_file_has_those_that_were_left(image):
    body = pack(("folder/", b""), *THREE, (".DS_Store", b""))
    for count in range(4):
        with opened(image, body) as rows:
            first = list(islice(rows.rows, count))
            position = rows.position()
        with opened(image, body, position) as rows:
            assert [row.name for row in (*first, *rows.rows)] == [name for name, _ in THREE]


@REPEATS
@given(st.lists(st.tuples(st.integers(0, 499), st.integers(0, 255)), min_size=1, max_size=6))
def test_whatever_is_damaged_only_the_caller_is_to_blame(handlers, changes):
    body = bytearray(pack(*THREE))
    for at, value in changes:
        body[at % len(body)] = value
    try:
        read(handlers["image"].predictor, bytes(body))
    except InvalidInput:
        return
