"""Encoded pictures to pixels in the model's colours, by Pillow; what would harm is refused first.

Beside TensorFlow's decoders: PNG, GIF, BMP and WebP give the same pixels, and so does JPEG by
`tf.io.decode_jpeg(…, dct_method="INTEGER_ACCURATE")`. TensorFlow's default, which decode_image and
with it `image_dataset_from_directory` always use, is a coarser transform that Pillow does not have.
Up to quality 92 it changes 86 % of the pixels, a value by 1.0 of 255 on average and by 5 at most;
at quality 100 97 %, 1.9 and 11. On average red is 1.2 lower, blue 1.3, green the same, at every
quality, and no resize averages that away. Grey from colour PNG differs by at most 1, since
TensorFlow truncates where Pillow rounds. TensorFlow takes the palette indices of a BMP for grey.
"""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import ExifTags, Image

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
_UPRIGHT = 1  # EXIF 2.3, tag Orientation
_RUN_LENGTH = (1, 2)  # biCompression of RLE8 and RLE4, which Pillow decodes byte by byte in Python
_MODES = {"rgb": "RGB", "grayscale": "L", "rgba": "RGBA"}
Image.MAX_IMAGE_PIXELS = None  # max_pixels decides, see open_picture


def open_picture(encoded: bytes, max_pixels: int) -> Image.Image:
    """Read a picture's header and refuse what is not worth decoding.

    Raises UnsupportedMedia for another kind of data, MalformedInput for a broken header, and
    InputTooLarge for more than max_pixels or what would take more memory or time than its size
    in bytes lets one expect.
    """
    kind = next((kind for kind, start in _STARTS if encoded.startswith(start)), None)
    if kind is None:
        raise UnsupportedMedia(
            f"expected a picture ({', '.join(FORMATS)}), got {len(encoded)} bytes of another kind"
        )
    if kind == "JPEG":
        _check_segments(encoded)
    try:
        image = Image.open(io.BytesIO(encoded), formats=(kind,))
    except MemoryError:
        raise
    except Exception as exc:  # see decode_picture
        raise MalformedInput(
            f"expected a whole picture, got {kind} data that does not open"
        ) from exc
    _check_size(image, max_pixels)
    return image


def decode_picture(
    image: Image.Image,
    *,
    color_mode: str,
    upright: bool,
    least_side: int | None,
    keep_16_bit: bool,
) -> Image.Image:
    """Decode an opened picture, the first frame of an animation, to the model's colours.

    color_mode: as `keras.utils.load_img`'s; transparency is dropped as load_img drops it.
    upright: apply EXIF orientation.
    least_side: a JPEG may be shrunk by 2, 4 or 8 while it is decoded, to no less than this.
    keep_16_bit: treat 16-bit grey as load_img does, which keeps it for grayscale and clips it at
        255 for the others; otherwise its high byte counts, as TensorFlow decodes it.

    Raises MalformedInput for data that does not decode and UnsupportedMedia for 32-bit pixels.
    """
    try:
        if least_side is not None:
            image.draft(None, (least_side, least_side))
        image.load()
        if upright:
            _turn_upright(image)
        return _convert(image, _MODES[color_mode], keep_16_bit)
    except (InvalidInput, MemoryError):
        raise
    except Exception as exc:  # Pillow's decoders promise no set of exceptions for bad bytes
        raise MalformedInput(
            f"expected a whole picture, got {image.format} data that does not decode"
        ) from exc


def _check_segments(encoded: bytes) -> None:
    """Refuse a JPEG whose many small parts take minutes: scans, each over the whole picture,
    and EXIF segments, which Pillow joins one by one.
    """
    for name, marker in (("scans", b"\xff\xda"), ("EXIF segments", b"Exif\0\0")):
        found = encoded.count(marker)
        if found > MAX_SEGMENTS:
            raise InputTooLarge(f"expected a JPEG of at most {MAX_SEGMENTS} {name}, got {found}")


def _check_size(image: Image.Image, max_pixels: int) -> None:
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


def _turn_upright(image: Image.Image) -> None:
    """Apply EXIF orientation; broken EXIF data in a whole picture counts as none."""
    try:
        if image.getexif().get(ExifTags.Base.Orientation, _UPRIGHT) == _UPRIGHT:
            return
        from PIL import ImageOps  # here: few pictures lie on their side

        ImageOps.exif_transpose(image, in_place=True)
    except MemoryError:
        raise
    except Exception:  # see decode_picture
        return


def _convert(image: Image.Image, mode: str, keep_16_bit: bool) -> Image.Image:
    """To the model's colour mode; see decode_picture for grey of 16 bits."""
    if image.mode in ("I", "F"):
        raise UnsupportedMedia("expected 8 or 16 bits a channel, got 32")
    if image.mode.startswith("I;16"):
        if keep_16_bit and mode == "L":
            return image
        if not keep_16_bit:
            image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image if image.mode == mode else image.convert(mode)
