"""Pictures to model input: decode, convert, resize, scale, stack into a batch."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from serving.errors import InputTooLarge, InvalidInput, MalformedInput, UnsupportedMedia

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
_MODES = {"rgb": "RGB", "grayscale": "L"}
_CHANNELS = {"rgb": 3, "grayscale": 1}
Image.MAX_IMAGE_PIXELS = None  # max_pixels decides, see _open
_INTERPOLATIONS = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "hamming": Image.Resampling.HAMMING,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


@dataclass(frozen=True)
class ImagePreprocessing:
    """How a picture becomes a tensor; the fields are the manifest's.

    height, width: pixels of the model's input.
    color_mode: channels of the model's input, as `keras.utils.load_img` names them.
    interpolation: Pillow's filter of that name; all but nearest antialias when shrinking.
    fit: "crop" cuts the largest centred part of the model's aspect ratio, "stretch" distorts.
    scale, offset: applied to 0..255 as `keras.layers.Rescaling` does, `x * scale + offset`.
    reducing_gap: Pillow's `resize` and `thumbnail` parameter. A large picture is first shrunk by
        a whole factor, JPEG while it is decoded, to no less than this many times the final
        size; None decodes and resizes in full. Pillow calls 3.0 close to indistinguishable.
    max_pixels: a picture of more pixels is refused before it is decoded.
    """

    height: int
    width: int
    color_mode: Literal["rgb", "grayscale"]
    interpolation: Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]
    fit: Literal["crop", "stretch"]
    scale: float
    offset: float
    reducing_gap: float | None
    max_pixels: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of one preprocessed picture."""
        return self.height, self.width, _CHANNELS[self.color_mode]


def preprocess_image(images: Sequence[bytes], spec: ImagePreprocessing) -> NDArray[np.float32]:
    """Turn encoded pictures into one batch.

    Animated pictures give their first frame, EXIF orientation is applied, transparency is
    dropped as `keras.utils.load_img` drops it, 16-bit grey keeps its high byte.

    Returns shape (len(images), height, width, channels), float32, `scale * 0..255 + offset`.
    Raises UnsupportedMedia, MalformedInput or InputTooLarge for a picture that cannot be used.
    """
    pixels = np.empty((len(images), *spec.shape), np.uint8)
    for index, encoded in enumerate(images):
        try:
            pixels[index] = _decode(encoded, spec).reshape(spec.shape)
        except InvalidInput as exc:
            raise type(exc)(f"instance {index}: {exc}") from exc
    batch = pixels.astype(np.float32)
    batch *= np.float32(spec.scale)
    batch += np.float32(spec.offset)
    return batch


def _decode(encoded: bytes, spec: ImagePreprocessing) -> NDArray[np.uint8]:
    """One picture as uint8 pixels of the model's size, shape (height, width[, channels])."""
    image = _open(encoded, spec)
    try:
        if spec.reducing_gap is not None:
            side = math.ceil(max(spec.height, spec.width) * spec.reducing_gap)
            image.draft(None, (side, side))  # JPEG alone: shrink by 2, 4 or 8 while decoding
        ImageOps.exif_transpose(image, in_place=True)
        image = _convert(image, _MODES[spec.color_mode])
        return np.asarray(_resize(image, spec))
    except (InvalidInput, MemoryError):
        raise
    except Exception as exc:  # Pillow's decoders promise no set of exceptions for bad bytes
        raise MalformedInput(
            f"expected a whole picture, got {image.format} data that does not decode"
        ) from exc


def _open(encoded: bytes, spec: ImagePreprocessing) -> Image.Image:
    """Read a picture's header and refuse what is not worth decoding."""
    try:
        image = Image.open(io.BytesIO(encoded), formats=FORMATS)
    except Exception as exc:  # see _decode
        raise UnsupportedMedia(
            f"expected a picture ({', '.join(FORMATS)}), got {len(encoded)} bytes of another kind"
        ) from exc
    pixels = image.width * image.height
    if pixels > spec.max_pixels:
        raise InputTooLarge(
            f"expected a picture of at most {spec.max_pixels} pixels,"
            f" got {image.width}x{image.height} = {pixels}"
        )
    return image


def _convert(image: Image.Image, mode: str) -> Image.Image:
    """To 8 bits a channel in the model's colour mode."""
    if image.mode.startswith("I;16"):  # Pillow would clip at 255 instead of scaling
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise UnsupportedMedia("expected 8 or 16 bits a channel, got 32")
    return image if image.mode == mode else image.convert(mode)


def _resize(image: Image.Image, spec: ImagePreprocessing) -> Image.Image:
    """To the model's size; a picture that has it already is left as it is."""
    size = (spec.width, spec.height)
    if image.size == size:
        return image
    box = (0.0, 0.0, float(image.width), float(image.height))
    if spec.fit == "crop":
        box = _centred_box(image.width, image.height, spec.width / spec.height)
    return image.resize(size, _INTERPOLATIONS[spec.interpolation], box, spec.reducing_gap)


def _centred_box(width: int, height: int, aspect: float) -> tuple[float, float, float, float]:
    """The largest centred (left, top, right, bottom) of that aspect ratio, in fractional pixels."""
    crop_width = min(width, height * aspect)
    crop_height = min(height, width / aspect)
    left, top = (width - crop_width) / 2, (height - crop_height) / 2
    return left, top, left + crop_width, top + crop_height
