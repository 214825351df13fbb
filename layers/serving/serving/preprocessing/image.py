"""Pictures to model input: decode, convert, resize, scale, stack into a batch."""

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from serving.errors import InputTooLarge, InvalidInput, MalformedInput, UnsupportedMedia

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
MAX_SEGMENTS = 100  # of one kind in a JPEG; a camera's has one, a progressive one about ten
_STARTS = (
    ("JPEG", b"\xff\xd8\xff"),
    ("PNG", b"\x89PNG"),
    ("WEBP", b"RIFF"),
    ("GIF", b"GIF8"),
    ("BMP", b"BM"),
    ("TIFF", b"II"),
    ("TIFF", b"MM"),
)
MAX_STRIPS = 65_535  # of a TIFF: one for every row of the tallest picture of another format
_STRIP_OFFSETS, _TILE_WIDTH, _TILE_LENGTH = 273, 322, 323  # TIFF 6.0, sections 8 and 15
_RUN_LENGTH = (1, 2)  # biCompression of RLE8 and RLE4, which Pillow decodes byte by byte in Python
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
    """How a picture becomes a tensor; the fields are those of `preprocessing.json`.

    height, width: pixels of the model's input.
    color_mode: channels of the model's input, as `keras.utils.load_img` names them.
    interpolation: Pillow's filter of that name; all but nearest antialias when shrinking.
    fit: "crop" cuts the largest centred part of the model's aspect ratio, "stretch" distorts.
    scale, offset: applied to 0..255 as `keras.layers.Rescaling` does, `x * scale + offset`.
    reducing_gap: Pillow's `resize` and `thumbnail` parameter. A large picture is first shrunk by
        a whole factor, JPEG while it is decoded, to no less than this many times the final
        size; None decodes and resizes in full. Pillow calls 3.0 close to indistinguishable.
    max_pixels: pixels of all pictures of a batch together; more are refused before any is decoded.
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
    opened = []
    left = spec.max_pixels
    for index, encoded in enumerate(images):
        with _naming(index):
            opened.append(_open(encoded, left))
        left -= opened[-1].width * opened[-1].height
    pixels = np.empty((len(images), *spec.shape), np.uint8)
    for index, image in enumerate(opened):
        with _naming(index):
            pixels[index] = _decode(image, spec).reshape(spec.shape)
        image.close()
    batch = pixels.astype(np.float32)
    batch *= np.float32(spec.scale)
    batch += np.float32(spec.offset)
    return batch


@contextmanager
def _naming(index: int) -> Iterator[None]:
    """Put the instance's index in front of an error's message."""
    try:
        yield
    except InvalidInput as exc:
        raise type(exc)(f"instance {index}: {exc}") from exc


def _open(encoded: bytes, max_pixels: int) -> Image.Image:
    """Read a picture's header and refuse what is not worth decoding."""
    kind = next((kind for kind, start in _STARTS if encoded.startswith(start)), None)
    if kind is None:
        raise UnsupportedMedia(
            f"expected a picture ({', '.join(FORMATS)}), got {len(encoded)} bytes of another kind"
        )
    if kind == "JPEG":
        _check_segments(encoded)
    try:
        image = Image.open(io.BytesIO(encoded), formats=FORMATS)
    except Exception as exc:  # see _decode
        raise MalformedInput(
            f"expected a whole picture, got {kind} data that does not open"
        ) from exc
    _check_size(image, max_pixels)
    return image


def _check_segments(encoded: bytes) -> None:
    """Refuse a JPEG whose many small parts take minutes: scans, each over the whole picture,
    and EXIF segments, which Pillow joins one by one.
    """
    for name, marker in (("scans", b"\xff\xda"), ("EXIF segments", b"Exif\0\0")):
        found = encoded.count(marker)
        if found > MAX_SEGMENTS:
            raise InputTooLarge(f"expected a JPEG of at most {MAX_SEGMENTS} {name}, got {found}")


def _check_size(image: Image.Image, max_pixels: int) -> None:
    """Refuse what would take more memory or time than its size in bytes lets one expect."""
    pixels = image.width * image.height
    if pixels > max_pixels:
        raise InputTooLarge(
            f"expected at most {max_pixels} pixels (of what this request may have),"
            f" got {image.width}x{image.height} = {pixels}"
        )
    if image.format == "TIFF":
        _check_tiff(image.tag_v2, max_pixels)  # type: ignore[attr-defined]
    if image.format == "BMP" and image.info.get("compression") in _RUN_LENGTH:
        raise UnsupportedMedia("expected a BMP without compression, got a run-length encoded one")


def _check_tiff(tags: Mapping[int, Any], max_pixels: int) -> None:
    """Refuse huge tiles, which libtiff allocates whole, and strips by the hundred thousand."""
    tile = tags.get(_TILE_WIDTH, 0) * tags.get(_TILE_LENGTH, 0)
    if tile > max_pixels:
        raise InputTooLarge(f"expected tiles of at most {max_pixels} pixels, got {tile}")
    strips = len(tags.get(_STRIP_OFFSETS, ()))
    if strips > MAX_STRIPS:
        raise InputTooLarge(f"expected a TIFF of at most {MAX_STRIPS} strips, got {strips}")


def _decode(image: Image.Image, spec: ImagePreprocessing) -> NDArray[np.uint8]:
    """One picture as uint8 pixels of the model's size, shape (height, width[, channels])."""
    try:
        if spec.reducing_gap is not None:
            side = math.ceil(max(spec.height, spec.width) * spec.reducing_gap)
            image.draft(None, (side, side))  # JPEG alone: shrink by 2, 4 or 8 while decoding
        image.load()
        _turn_upright(image)
        image = _convert(image, _MODES[spec.color_mode])
        return np.asarray(_resize(image, spec))
    except (InvalidInput, MemoryError):
        raise
    except Exception as exc:  # Pillow's decoders promise no set of exceptions for bad bytes
        raise MalformedInput(
            f"expected a whole picture, got {image.format} data that does not decode"
        ) from exc


def _turn_upright(image: Image.Image) -> None:
    """Apply EXIF orientation; broken EXIF data in a whole picture counts as none."""
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except MemoryError:
        raise
    except Exception:  # see _decode
        return


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
