"""Tables as they are read: which kind a file is, what a row is, and what a bad one costs."""

import gzip
import io
import json
from contextlib import contextmanager
from itertools import islice

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving import storage
from serving.errors import (
    InputTooLarge,
    InvalidInput,
    MalformedInput,
    UnfitInput,
    UnsupportedMedia,
)
from serving.storage import Location
from serving.uploads import lines, tables
from tests.unit.conftest import in_memory
from tests.uploads import HEADER, OWNER, RENTER

pytestmark = pytest.mark.usefixtures("memory_for_s3")

NUMBERS = [12, "owner", 48, 41, "married", "no", "fixed", 60, 180, 6500, 0, 900, 1450]
BOM = b"\xef\xbb\xbf"


@contextmanager
def table(predictor, body: bytes, suffix: str = ".csv", position: int = 0):
    where, stored = Location("uploads", f"a{suffix}"), in_memory(body)
    with tables.opened(where, stored, predictor, position) as rows:
        yield rows


def read(predictor, body: bytes, suffix: str = ".csv"):
    """Instances, and in place of those that are none the kinds of their errors."""
    with table(predictor, body, suffix) as rows:
        found = [row.instance for row in rows.rows if row is not None]
    return converted(rows, [type(row) if isinstance(row, InvalidInput) else row for row in found])


def converted(rows, found):
    """With the instances that the good ones stand for in their places."""
    good = iter(rows.convert([row for row in found if not isinstance(row, type | InvalidInput)]))
    together = [row if isinstance(row, type | InvalidInput) else next(good) for row in found]
    return [list(row) if isinstance(row, tuple) else row for row in together]


@pytest.fixture
def numeric(handlers):
    return handlers["numeric"].predictor


@pytest.fixture
def text(handlers):
    return handlers["text"].predictor


def rows_of(*rows: str, end: str = "\n") -> bytes:
    return "".join(f"{row}{end}" for row in (HEADER, *rows)).encode()


@pytest.mark.parametrize(
    "body",
    [
        rows_of(OWNER, OWNER),
        rows_of(OWNER, OWNER, end="\r\n"),
        BOM + rows_of(OWNER, OWNER),
        rows_of(OWNER, OWNER).rstrip(b"\n"),
        b"\n\r\n" + rows_of(OWNER, "", "  ", OWNER, ""),
        gzip.compress(rows_of(OWNER, OWNER)),
        gzip.compress(rows_of(OWNER)) + gzip.compress(f"{OWNER}\n".encode()),
        rows_of(OWNER.replace("owner", '"owner"'), OWNER),
    ],
    ids=["lf", "crlf", "bom", "no-last-end", "blank-lines", "gzip", "two-gzips", "quotes"],
)
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".jsonl"])
def test_a_table_has_the_rows_that_stand_in_it(numeric, body, suffix):
    assert read(numeric, body, suffix) == [NUMBERS, NUMBERS]


def test_columns_are_taken_by_name_in_any_order(numeric):
    header, row = (",".join(reversed(line.split(","))) for line in (HEADER, OWNER))
    assert read(numeric, f"{header}\n{row}\n".encode()) == [NUMBERS]


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".csv"])
@pytest.mark.parametrize("row", [dict(zip(HEADER.split(","), NUMBERS, strict=True)), NUMBERS])
def test_json_lines_are_told_by_what_they_begin_with(numeric, suffix, row):
    body = f"\n  {json.dumps(row)}\r\n\n{json.dumps(row)}".encode()
    assert read(numeric, body, suffix) == [row, row]
    assert read(numeric, BOM + body, suffix) == [row, row]


@pytest.mark.parametrize(
    ("suffix", "body", "texts"),
    [
        (".csv", b"text\nrich\nstale\n", ["rich", "stale"]),
        (".csv", b'review\n"rich, fresh"\n', ["rich, fresh"]),
        (".csv", b"id,text\n1,rich\n2,stale\n", ["rich", "stale"]),
        (".csv", b'id,text\n1,"two\nlines"\n2,"a ""word"""\n', ["two\nlines", 'a "word"']),
        (".jsonl", b'{"text": "rich"}\n{"id": 1, "text": "stale"}\n', ["rich", "stale"]),
        (".jsonl", b'"rich"\n"stale"\n', ["rich", "stale"]),
        (".jsonl", b'null\n{"text": "stale"}\n', [None, "stale"]),
        (".jsonl", b'oops\n{"text": "stale"}\n', [MalformedInput, "stale"]),
        (".jsonl", b'{"id": 1}\n{"text": "stale"}\n', [UnfitInput, "stale"]),
        (".jsonl", b"text\nrich\n", ["rich"]),
        (".jsonl", b'"id","text"\n1,rich\n', ["rich"]),
        (".csv", b'{"text": "rich"}\n', ["rich"]),
        (".csv", b"text\nnul\x00in it\n", ["nul\x00in it"]),
    ],
)
def test_texts_are_read_from_either_kind_of_file(text, suffix, body, texts):
    assert read(text, body, suffix) == texts


@pytest.mark.parametrize(
    ("row", "error"),
    [
        (b"1,2,3", MalformedInput),
        (OWNER.encode() + b",more", MalformedInput),
        (OWNER.replace("owner", '"owner"x').encode(), MalformedInput),
        (OWNER.replace("owner", "ow\xff").encode("latin-1"), MalformedInput),
        (OWNER.replace("owner", '"ow\xff\nner"').encode("latin-1"), MalformedInput),
        (OWNER.replace("owner", '"ow\nner\xff"').encode("latin-1"), MalformedInput),
        (OWNER.encode() + b"\r" + OWNER.encode(), MalformedInput),
        (b"x" * 1_000_001, InputTooLarge),
        (b'"' + b"x" * 200_000 + b'"', MalformedInput),
    ],
    ids=["short", "long", "quote", "utf8", "utf8-first", "utf8-last", "cr", "endless", "wide"],
)
def test_a_bad_row_is_one_error_and_the_rows_around_it_are_read(numeric, row, error):
    body = rows_of(OWNER) + row + b"\n" + f"{OWNER}\n".encode()
    assert read(numeric, body) == [NUMBERS, error, NUMBERS]


def test_cells_that_are_no_numbers_are_left_to_preprocessing_to_refuse(numeric):
    row = OWNER.replace("12,", "1\x002,", 1)
    assert read(numeric, rows_of(row)) == [["1\x002", *NUMBERS[1:]]]


def test_a_lone_quote_costs_the_rows_behind_it_up_to_a_field_that_is_too_long(numeric):
    rows = [OWNER, OWNER.replace("owner", '"owner'), *[RENTER] * 4000]
    found = read(numeric, rows_of(*rows))
    assert found[:2] == [NUMBERS, MalformedInput]
    assert MalformedInput not in found[2:]
    assert 4000 - 131_072 / len(RENTER) - 2 < len(found) - 2 < 4000


def test_a_quote_that_is_never_closed_is_one_error_at_the_end(numeric):
    body = rows_of(OWNER, OWNER.replace("owner", '"owner'), OWNER)
    assert read(numeric, body) == [NUMBERS, MalformedInput]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", MalformedInput),
        (BOM, MalformedInput),
        (b"\n \n\r\n", MalformedInput),
        (b"\n" * 2_000_000 + rows_of(OWNER), MalformedInput),
        (gzip.compress(b""), MalformedInput),
        (b"PK\x03\x04 as an xlsx begins", UnsupportedMedia),
        (b"PAR1 as a parquet begins", UnsupportedMedia),
        (b"\xd0\xcf\x11\xe0\xa1\xb1 as an old xls begins", UnsupportedMedia),
        (gzip.compress(b"PAR1"), UnsupportedMedia),
        (rows_of(OWNER).decode().encode("utf-16"), UnsupportedMedia),
        (rows_of(OWNER).decode().encode("utf-16-le"), UnsupportedMedia),
        (bytes(range(254, 0, -1)), MalformedInput),
        (b'"' + rows_of(OWNER), MalformedInput),
        (b"x" * 2_000_000, InputTooLarge),
        (b"Age,Age\n1,2\n", MalformedInput),
        (b"Age\n1\n", UnfitInput),
        (rows_of(OWNER).replace(b"Age", b"AGE"), UnfitInput),
        (rows_of(OWNER, end="\r"), MalformedInput),
    ],
)
def test_a_file_that_is_no_table_of_the_model_is_refused_as_a_whole(numeric, body, error):
    with pytest.raises(InvalidInput) as refused:
        read(numeric, body)
    assert refused.type is error


def test_texts_need_a_column_of_that_name_beside_others(text):
    with pytest.raises(
        UnfitInput, match="expected a column 'text', or one column alone, got id, x"
    ):
        read(text, b"id,x\n1,2\n")


def test_wrong_columns_are_named(numeric):
    body = rows_of(OWNER).replace(b"Age", b"Alter").replace(b"Time,", b"", 1)
    with pytest.raises(UnfitInput) as refused:
        read(numeric, body)
    assert str(refused.value) == (
        "expected 13 columns, got 12 (missing: Time, Age; unknown: Alter)"
    )


@pytest.mark.parametrize("cut", [-1, -5, -20, 12])
def test_gzip_that_is_cut_short_is_refused_as_a_whole(numeric, cut):
    with pytest.raises(MalformedInput, match="expected a whole gzip file"):
        read(numeric, gzip.compress(rows_of(*[OWNER, RENTER] * 1000))[:cut])


def test_gzip_with_a_flipped_bit_is_refused_as_a_whole(numeric):
    packed = bytearray(gzip.compress(rows_of(*[OWNER, RENTER] * 1000)))
    packed[-6] ^= 1
    with pytest.raises(MalformedInput, match="expected a whole gzip file"):
        read(numeric, bytes(packed))


def test_a_connection_that_breaks_inside_gzip_is_no_fault_of_the_file(numeric, monkeypatch):
    class Broken(io.RawIOBase):
        def readable(self):
            return True

        def readinto(self, buffer):
            raise ConnectionResetError("S3 is away")

    @contextmanager
    def opened(where, stored, start=0, stop=None):
        begins = io.BytesIO(gzip.compress(rows_of(*[OWNER] * 100))[:20])
        yield io.BufferedReader(Chained(begins, Broken()))

    class Chained(io.RawIOBase):
        def __init__(self, *files):
            self.files = list(files)

        def readable(self):
            return True

        def readinto(self, buffer):
            count = self.files[0].readinto(buffer)
            if not count:
                self.files.pop(0)
                return self.files[0].readinto(buffer)
            return count

    monkeypatch.setattr(storage, "opened", opened)
    with pytest.raises(ConnectionResetError):
        read(numeric, b"some")


def test_a_line_without_end_is_not_read_to_its_end(numeric, monkeypatch):
    monkeypatch.setattr(lines, "SKIPPED_BYTES", 3_000_000)
    assert read(numeric, rows_of(OWNER, "x" * 2_900_000, OWNER)) == [
        NUMBERS,
        InputTooLarge,
        NUMBERS,
    ]
    with pytest.raises(InputTooLarge, match="expected lines, got one of over 3000000 bytes"):
        read(numeric, rows_of(OWNER, "x" * 4_100_000, OWNER))


def test_blank_lines_are_handed_out_too_so_that_a_file_of_them_can_be_interrupted(numeric):
    with table(numeric, rows_of(OWNER) + b"\n" * 100_000) as rows:
        assert sum(row is None for row in rows.rows) == 100_000


PIECES = st.sampled_from(
    [
        OWNER,
        RENTER,
        "",
        " ",
        '"',
        "1,2",
        '"a\nb"',
        "\r",
        "\x00",
        "ü",
        "[1]",
        '{"Age": 1}',
        "\n",
        ",",
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(PIECES, max_size=12), st.booleans(), st.sampled_from(["\n", "\r\n"]))
def test_a_file_opened_again_at_any_row_has_the_rows_that_were_left(handlers, pieces, packed, end):
    predictor = handlers["numeric"].predictor
    body = rows_of(*pieces, end=end)
    body = gzip.compress(body) if packed else body
    whole = [_plain(row) for row in _all(predictor, body, 0)]
    for count in range(len(whole) + 1):
        with table(predictor, body) as rows:
            first = [_plain(row) for row in islice(rows.rows, count)]
            position = rows.position()
        assert first + [_plain(row) for row in _all(predictor, body, position)] == whole


def _all(predictor, body: bytes, position: int):
    with table(predictor, body, position=position) as rows:
        return list(rows.rows)


def _plain(row):
    return None if row is None else repr(row.instance)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=300), st.sampled_from([".csv", ".jsonl", ".csv.gz"]))
def test_whatever_a_file_holds_only_the_caller_is_to_blame(handlers, body, suffix):
    for modality in ("numeric", "text"):
        predictor = handlers[modality].predictor
        try:
            found = read(predictor, body, suffix)
        except InvalidInput:
            continue
        for row in found:
            if isinstance(row, type):
                continue
            try:
                predictor.predict([row])
            except InvalidInput:
                continue
