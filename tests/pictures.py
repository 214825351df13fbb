"""Pictures and preprocessing that tests of pictures share."""

import io

import numpy as np
from PIL import Image

from serving.preprocessing.image.spec import ImagePreprocessing
from tests.conftest import EVENTS

SPEC = ImagePreprocessing(
    height=24,
    width=32,
    color_mode="rgb",
    channel_order="rgb",
    data_format="channels_last",
    exif="apply",
    grey_16_bit="high_byte",
    resampling="pillow",
    interpolation="bilinear",
    antialias=None,
    fit="stretch",
    pad_value=None,
    resized_dtype="uint8",
    scaling=[{"multiply": 1 / 127.5}, {"add": -1}],
    reducing_gap=None,
    max_pixels=50_000_000,
)
RAW = SPEC._replace(scaling=[])
TENSORFLOW = RAW._replace(
    resampling="tensorflow", antialias=False, resized_dtype="float32", exif="ignore"
)
CAT = (EVENTS / "cat.jpg").read_bytes()


def encode(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def picture(width: int = 60, height: int = 40, mode: str = "RGB") -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(values).convert(mode)
