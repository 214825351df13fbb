"""Pillow's decoders beside TensorFlow's: the same pixels, but for the default way with JPEG.

The bounds are what was measured, so that a new version of either that changes them is noticed.
"""

import struct
import zlib

import pytest

pytest.importorskip("tensorflow", reason="needs TensorFlow: make setup-pack")

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from serving.preprocessing.image.decoding import decode_picture, open_picture
from tests.conftest import EVENTS, ROOT
from tests.pictures import encode

pytestmark = pytest.mark.pack

PICTURES = sorted((ROOT / "training/examples/pictures").iterdir())
PHOTOS = [EVENTS / "cat.jpg", *(path for path in PICTURES if path.suffix == ".jpg")]
CMYK_PHOTO = PHOTOS.pop()
EIGHT_BITS = [path for path in PICTURES if "16_bit" not in path.name]  # the others: fidelity
CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}


def photo(seed: int, mode: str = "RGB", height: int = 151, width: int = 203) -> Image.Image:
    """Smooth waves of colour under some noise, as unlike random pixels as photos are."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width][:, None] / generator.uniform(6, 25, (2, 3, 1, 1))
    waves = 128 + 90 * np.sin(x) * np.cos(y)
    noise = generator.normal(0, 6, (height, width, 3))
    values = np.clip(np.moveaxis(waves, 0, -1) + noise, 0, 255).astype(np.uint8)
    image = Image.fromarray(values)
    if mode in ("RGBA", "LA"):
        image = image.convert("RGBA")
        image.putalpha(Image.fromarray(generator.integers(0, 256, (height, width), np.uint8)))
    return image.convert(mode)


def decode(encoded: bytes, color_mode: str = "rgb") -> np.ndarray:
    image = decode_picture(
        open_picture(encoded, 10**8),
        color_mode=color_mode,
        upright=False,
        least_side=None,
        keep_16_bit=False,
    )
    return np.asarray(image).reshape(image.height, image.width, CHANNELS[color_mode])


def by_tensorflow(encoded: bytes, color_mode: str = "rgb") -> np.ndarray:
    """As image_dataset_from_directory decodes it."""
    channels = CHANNELS[color_mode]
    return tf.io.decode_image(encoded, channels=channels, expand_animations=False).numpy()


def differences(encoded: bytes, theirs: np.ndarray) -> np.ndarray:
    return theirs.astype(int) - decode(encoded).astype(int)


def jpeg(quality: int, subsampling: int) -> bytes:
    image = photo(10 * quality + subsampling)
    return encode(image, "JPEG", quality=quality, subsampling=subsampling)


COMMON = [
    *(path.read_bytes() for path in PHOTOS),
    *(jpeg(quality, subsampling) for quality in (30, 50, 75, 90) for subsampling in (0, 1, 2)),
    encode(photo(1), "JPEG", progressive=True),
]
FINE = [jpeg(quality, subsampling) for quality in (95, 98, 100) for subsampling in (0, 1, 2)]
CMYK = [encode(photo(2, "CMYK"), "JPEG"), CMYK_PHOTO.read_bytes()]
NOISE = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
SHARP = encode(Image.fromarray(NOISE), "JPEG", quality=95)


@pytest.mark.parametrize("encoded", [*COMMON, *FINE, *CMYK, SHARP])
def test_jpeg_is_tensorflows_accurate_decoder_to_the_last_bit(encoded):
    theirs = tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE").numpy()
    assert np.array_equal(decode(encoded), theirs)


@pytest.mark.parametrize(
    ("encoded", "most", "mean", "share"),
    [
        *((encoded, 5, (0.98, 1.05), (0.83, 0.9)) for encoded in COMMON),
        *((encoded, 11, (1.0, 1.9), (0.86, 0.98)) for encoded in FINE),
        *((encoded, 3, (0.4, 1.5), (0.5, 1.0)) for encoded in CMYK),
        (SHARP, 9, (1.4, 1.6), (0.9, 0.95)),
    ],
)
def test_tensorflows_default_jpeg_decoder_differs_as_documented(encoded, most, mean, share):
    default = tf.io.decode_jpeg(encoded, channels=3).numpy()
    assert np.array_equal(default, by_tensorflow(encoded))
    difference = np.abs(differences(encoded, default))
    assert 0 < difference.max() <= most
    assert mean[0] <= difference.mean() <= mean[1]
    assert share[0] <= difference.any(axis=-1).mean() <= share[1]


@pytest.mark.parametrize("encoded", [*COMMON, *FINE])
def test_tensorflows_default_jpeg_decoder_shifts_colours(encoded):
    shift = differences(encoded, by_tensorflow(encoded)).mean(axis=(0, 1))
    assert np.abs(shift - [-1.17, 0.03, -1.34]).max() <= 0.05


def test_tensorflow_decodes_grey_jpeg_within_its_coarser_transform():
    encoded = encode(photo(3), "JPEG")
    ours = decode(encoded, "grayscale").astype(int)
    accurate = tf.io.decode_jpeg(encoded, channels=1, dct_method="INTEGER_ACCURATE").numpy()
    assert np.abs(ours - accurate).max() <= 1
    assert (ours != accurate).mean() <= 0.001
    assert np.abs(ours - by_tensorflow(encoded, "grayscale")).max() <= 3


def png_of_16_bits(channels: int, kind: int) -> bytes:
    """Pillow writes none but grey."""
    values = np.random.default_rng(channels).integers(0, 65536, (20, 30, channels))
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", 30, 20, 16, kind, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(content)) + name + content
        + struct.pack(">I", zlib.crc32(name + content))
        for name, content in parts
    )  # fmt: skip
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


GREY = np.random.default_rng(4).integers(0, 65536, (20, 30)).astype(np.uint16)
LOSSLESS = {
    **{f"png {mode}": encode(photo(5, mode)) for mode in ("1", "L", "LA", "P", "RGB", "RGBA")},
    "png P transparent": encode(photo(6, "P"), transparency=5),
    "png L transparent": encode(photo(6, "L"), transparency=100),
    "png 16 bits L": encode(Image.fromarray(GREY)),
    "png 16 bits LA": png_of_16_bits(2, 4),
    "png 16 bits RGB": png_of_16_bits(3, 2),
    "png 16 bits RGBA": png_of_16_bits(4, 6),
    "gif": encode(photo(7, "P"), "GIF"),
    "gif L": encode(photo(7, "L"), "GIF"),
    "gif transparent": encode(photo(7, "P"), "GIF", transparency=3),
    "gif animated": encode(
        photo(7, "P"), "GIF", save_all=True, append_images=[photo(8, "P"), photo(9, "P")]
    ),
    "bmp": encode(photo(8), "BMP"),
    "bmp L": encode(photo(8, "L"), "BMP"),
    "webp": encode(photo(9), "WEBP", quality=80),
    "webp lossless": encode(photo(9), "WEBP", lossless=True),
    **{path.name: path.read_bytes() for path in PICTURES if path.suffix != ".jpg"},
}
WITH_ALPHA = {
    name: LOSSLESS[name]
    for name in ("png LA", "png RGB", "png RGBA", "png P transparent", "png 16 bits RGBA", "bmp")
} | {"webp": encode(photo(1, "RGBA"), "WEBP"), "png L transparent": LOSSLESS["png L transparent"]}


@pytest.mark.parametrize("name", LOSSLESS)
def test_other_formats_are_tensorflows_to_the_last_bit(name):
    assert np.array_equal(decode(LOSSLESS[name]), by_tensorflow(LOSSLESS[name]))


@pytest.mark.parametrize("name", WITH_ALPHA)
def test_transparency_is_tensorflows_to_the_last_bit(name):
    encoded = WITH_ALPHA[name]
    assert np.array_equal(decode(encoded, "rgba"), by_tensorflow(encoded, "rgba"))


def test_tensorflow_truncates_where_pillow_rounds_png_to_grey():
    encoded = encode(photo(2))
    difference = decode(encoded, "grayscale").astype(int) - by_tensorflow(encoded, "grayscale")
    assert set(np.unique(difference)) == {0, 1}
    assert 0.4 <= difference.mean() <= 0.6


def test_tensorflow_takes_the_palette_of_a_bmp_for_grey():
    encoded = encode(photo(3, "P"), "BMP")
    assert not np.array_equal(decode(encoded), by_tensorflow(encoded))
    assert np.array_equal(by_tensorflow(encoded)[..., 0], np.asarray(photo(3, "P")))


@pytest.mark.parametrize("color_mode", CHANNELS)
@pytest.mark.parametrize("path", EIGHT_BITS, ids=lambda path: path.name)
def test_colours_are_those_of_load_img(path, color_mode):
    theirs = keras.utils.img_to_array(keras.utils.load_img(path, color_mode=color_mode))
    assert np.array_equal(decode(path.read_bytes(), color_mode), theirs)
