"""What is no picture, is broken, or would take minutes or gigabytes is refused, and clearly."""

import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from serving.errors import InputTooLarge, InvalidInput, MalformedInput, UnsupportedMedia
from serving.preprocessing.image import preprocess_image
from serving.preprocessing.image.decoding import FORMATS
from tests.pictures import CAT, RAW, SPEC, TENSORFLOW, encode, picture


def test_long_thin_pictures_are_refused_where_they_would_take_minutes():
    stored = encode(Image.new("L", (70_000, 1)))
    assert preprocess_image([stored], RAW).shape == (1, 24, 32, 3)
    with pytest.raises(InputTooLarge, match="sides of at most 65535 pixels, got 70000"):
        preprocess_image([stored], TENSORFLOW)
    spec = TENSORFLOW._replace(fit="pad_then_resize", pad_value=0, max_pixels=1_000_000)
    stored = [encode(Image.new("L", (3_000, 10))), encode(Image.new("L", (1_000, 10)))]
    assert preprocess_image(stored, spec).shape == (2, 24, 32, 3)
    with pytest.raises(InputTooLarge, match=r"at most 10000000 pixels once .* aspect ratio 32:24"):
        preprocess_image([stored[0]] * 2, spec)


@pytest.mark.parametrize("content", [b"", b"hello", b"%PDF-1.7", b"<svg></svg>", CAT[:2]])
def test_what_is_no_picture_is_unsupported(content):
    with pytest.raises(UnsupportedMedia, match="expected a picture"):
        preprocess_image([content], SPEC)


def test_truncated_picture_is_malformed():
    with pytest.raises(MalformedInput, match="expected a whole picture, got JPEG"):
        preprocess_image([CAT[: len(CAT) // 2]], SPEC)


def test_decompression_bomb_is_refused_before_decoding():
    bomb = encode(Image.new("1", (30_000, 30_000)))
    assert len(bomb) < 200_000
    with pytest.raises(InputTooLarge, match="30000x30000 = 900000000"):
        preprocess_image([bomb], SPEC)


def test_40_megapixel_photo_is_read():
    photo = Image.new("RGB", (7_728, 5_176), "blue")
    tensor = preprocess_image([encode(photo, "JPEG")], RAW._replace(reducing_gap=3.0))[0]
    assert np.abs(tensor - [0, 0, 255]).max() <= 3


def test_32_bit_pixels_are_refused():
    stored = encode(Image.fromarray(np.zeros((24, 32), np.float32)), "TIFF")
    with pytest.raises(UnsupportedMedia, match="expected 8 or 16 bits a channel, got 32"):
        preprocess_image([stored], SPEC)


def test_the_bad_picture_of_a_batch_is_named():
    with pytest.raises(UnsupportedMedia, match="instance 1: "):
        preprocess_image([CAT, b"hello"], SPEC)


def test_a_batch_is_refused_before_any_picture_is_decoded():
    stored = [encode(picture(60, 40)), encode(picture(60, 40))]
    with pytest.raises(InputTooLarge, match="instance 1: expected at most 1600 pixels"):
        preprocess_image(stored, SPEC._replace(max_pixels=4_000))


def test_tiff_of_huge_tiles_is_refused():
    offset, tile = 8, 46_336
    tags = [
        *((256, 3, 1, 64), (257, 3, 1, 64), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1)),
        *((277, 3, 1, 1), (322, 4, 1, tile), (323, 4, 1, tile), (324, 4, 1, 400), (325, 4, 1, 17)),
    ]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    bomb = (b"II*\0" + struct.pack("<I", offset) + directory).ljust(400, b"\0") + bytes(17)
    with pytest.raises(InputTooLarge, match="expected tiles of at most 50000000 pixels"):
        preprocess_image([bomb], SPEC)


def test_tiff_of_endless_strips_is_refused():
    tall = Image.new("L", (1, 70_000))
    stored = encode(tall, "TIFF", tiffinfo={278: 1}, compression="tiff_deflate")
    assert len(Image.open(io.BytesIO(stored)).tag_v2[273]) == 70_000
    with pytest.raises(InputTooLarge, match="at most 65535 strips, got 70000"):
        preprocess_image([stored], SPEC)


def test_run_length_encoded_bmp_is_refused():
    stored = bytearray(encode(picture(32, 24, "P"), "BMP"))
    stored[30] = 1  # biCompression
    with pytest.raises(UnsupportedMedia, match="run-length encoded"):
        preprocess_image([bytes(stored)], SPEC)


@pytest.mark.parametrize("part", [b"\xff\xda\0\x02", b"\xff\xe1\0\x09Exif\0\0a"])
def test_jpeg_of_endless_small_parts_is_refused(part):
    with pytest.raises(InputTooLarge, match="expected a JPEG of at most 100"):
        preprocess_image([CAT[:2] + part * 200 + CAT[2:]], SPEC)


def test_broken_exif_in_a_whole_picture_counts_as_none():
    source = picture(32, 24)
    stored = encode(source, exif=b"Exif\0\0II*\0 garbage")
    assert np.array_equal(preprocess_image([stored], RAW)[0], np.asarray(source, np.float32))


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=300, deadline=None)
@given(st.sampled_from(FORMATS), st.data())
def test_damaged_pictures_never_raise_anything_else(kind, data):
    stored = bytearray(encode(picture(20, 15), kind))
    for _ in range(data.draw(st.integers(1, 8))):
        stored[data.draw(st.integers(0, len(stored) - 1))] = data.draw(st.integers(0, 255))
    try:
        batch = preprocess_image([bytes(stored)], SPEC)
    except InvalidInput:
        return
    assert np.isfinite(batch).all()


@pytest.mark.parametrize(
    "step",
    ["PIL.Image.Image.load", "PIL.Image.Image.getexif", "PIL.ImageOps.exif_transpose"],
)
def test_a_lack_of_memory_is_not_the_pictures_fault(step, monkeypatch):
    def fail(*_, **__):
        raise MemoryError

    lying = Image.Exif()
    lying[ExifTags.Base.Orientation] = 6
    monkeypatch.setattr(step, fail)
    with pytest.raises(MemoryError):
        preprocess_image([encode(picture(), "JPEG", exif=lying)], SPEC)
