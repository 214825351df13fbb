"""Pictures of every kind become the tensor the model was trained on, or a clear refusal."""

import io
import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from serving.errors import InputTooLarge, InvalidInput, MalformedInput, UnsupportedMedia
from serving.preprocessing.image import FORMATS, ImagePreprocessing, preprocess_image
from tests.conftest import EVENTS

SPEC = ImagePreprocessing(
    height=24,
    width=32,
    color_mode="rgb",
    interpolation="bilinear",
    fit="stretch",
    scale=1 / 127.5,
    offset=-1.0,
    reducing_gap=None,
    max_pixels=50_000_000,
)
RAW = replace(SPEC, scale=1.0, offset=0.0)
CAT = (EVENTS / "cat.jpg").read_bytes()


def encode(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def picture(width: int = 60, height: int = 40, mode: str = "RGB") -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(values).convert(mode)


def test_batch_has_the_models_shape_dtype_and_range():
    batch = preprocess_image([CAT, encode(picture())], SPEC)
    assert batch.shape == (2, 24, 32, 3)
    assert batch.dtype == np.float32
    assert batch.min() >= -1
    assert batch.max() <= 1


def test_resize_is_pillows_own_to_the_last_bit():
    source = picture(61, 47)
    expected = np.asarray(source.resize((32, 24), Image.Resampling.BILINEAR), np.float32)
    assert np.array_equal(preprocess_image([encode(source)], RAW)[0], expected)


def test_picture_of_the_models_size_is_only_scaled():
    source = picture(32, 24)
    expected = np.asarray(source, np.float32) * np.float32(1 / 127.5) + np.float32(-1)
    assert np.array_equal(preprocess_image([encode(source)], SPEC)[0], expected)


def test_crop_keeps_the_centre_of_the_models_aspect_ratio():
    source = Image.new("RGB", (90, 24), "red")
    source.paste(Image.new("RGB", (32, 24), "blue"), (29, 0))
    tensor = preprocess_image([encode(source)], replace(RAW, fit="crop"))[0]
    assert (tensor == [0, 0, 255]).all()


def test_exif_orientation_is_applied():
    upright = picture(24, 32)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned; the viewer turns back by 90 degrees clockwise
    stored = encode(upright.transpose(Image.Transpose.ROTATE_90), exif=exif)
    spec = replace(RAW, height=32, width=24)
    assert np.array_equal(preprocess_image([stored], spec)[0], np.asarray(upright, np.float32))


def test_first_frame_of_an_animation_counts():
    frames = [Image.new("RGB", (32, 24), colour) for colour in ("red", "blue")]
    stored = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert (preprocess_image([stored], RAW)[0] == [255, 0, 0]).all()


def test_16_bit_grey_is_scaled_and_not_clipped():
    values = np.linspace(0, 65535, 32 * 24).astype(np.uint16).reshape(24, 32)
    tensor = preprocess_image([encode(Image.fromarray(values))], RAW)[0]
    assert np.array_equal(tensor[..., 0], (values >> 8).astype(np.float32))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK"])
def test_every_colour_mode_reads_as_pillow_converts_it(mode):
    source = picture(32, 24, "RGB").convert(mode)
    stored = encode(source, "TIFF" if mode == "CMYK" else "PNG")
    expected = np.asarray(Image.open(io.BytesIO(stored)).convert("RGB"), np.float32)
    assert np.array_equal(preprocess_image([stored], RAW)[0], expected)


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_read(kind):
    tensor = preprocess_image([encode(Image.new("RGB", (64, 48), "blue"), kind)], RAW)[0]
    assert np.abs(tensor - [0, 0, 255]).max() <= 3


def test_grayscale_model_gets_one_channel():
    spec = replace(RAW, color_mode="grayscale")
    source = picture(32, 24)
    expected = np.asarray(source.convert("L"), np.float32)[..., None]
    assert np.array_equal(preprocess_image([encode(source)], spec)[0], expected)


def test_reducing_gap_stays_close_to_a_full_resize():
    ramp = np.linspace(0, 255, 1200).astype(np.uint8)
    pixels = np.stack([np.tile(ramp, (900, 1)), np.tile(ramp[:900, None], (1, 1200))], -1)
    photo = Image.fromarray(np.dstack([pixels, pixels[..., 0][:, ::-1]]))
    stored = encode(photo, "JPEG", quality=95)
    full, shrunk = (
        preprocess_image([stored], replace(RAW, reducing_gap=gap)) for gap in (None, 3.0)
    )
    assert np.abs(full - shrunk).max() <= 4


def test_same_bytes_give_the_same_tensor():
    assert np.array_equal(preprocess_image([CAT], SPEC), preprocess_image([CAT], SPEC))


def test_batch_equals_its_pictures_one_by_one():
    stored = [CAT, encode(picture()), encode(picture(300, 20), "BMP")]
    single = np.concatenate([preprocess_image([one], SPEC) for one in stored])
    assert np.array_equal(preprocess_image(stored, SPEC), single)


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
    tensor = preprocess_image([encode(photo, "JPEG")], replace(RAW, reducing_gap=3.0))[0]
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
        preprocess_image(stored, replace(SPEC, max_pixels=4_000))


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
