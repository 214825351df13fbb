"""Pictures to model input: decode, resize, scale, stack into a batch."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from serving.errors import InputTooLarge, InvalidInput
from serving.preprocessing.image import fitting
from serving.preprocessing.image.decoding import decode_picture, open_picture
from serving.preprocessing.image.fitting import Box, Size
from serving.preprocessing.image.spec import ImagePreprocessing

__all__ = ["ImagePreprocessing", "decode", "open_picture", "preprocess_image", "resize", "scale"]

MAX_SIDE = 65_535  # where TensorFlow's way is taken, whose work grows with the longer side
MAX_BORDERED = 10  # times max_pixels: all pictures together with the borders put around them
ROWS = 64  # of a picture copied at a time
_FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "hamming": Image.Resampling.HAMMING,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
_BOXES: Mapping[tuple[str, str], Callable[[Size, Size], Box]] = {
    ("pillow", "crop"): fitting.crop,
    ("pillow", "crop_whole_pixels"): fitting.crop_like_load_img,
    ("tensorflow", "crop_whole_pixels"): fitting.crop_like_resizing,
}
_PLACES = {
    "pillow": fitting.place_like_pillow,
    "tensorflow": fitting.place_like_tensorflow,
}
_OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
}


def preprocess_image(images: Sequence[bytes], spec: ImagePreprocessing) -> NDArray[np.float32]:
    """Turn encoded pictures into one batch.

    Animated pictures give their first frame; transparency is dropped unless the model takes it.

    Returns shape (len(images), *spec.shape), float32, 0..255 as `spec.scaling` scales it.
    Raises UnsupportedMedia, MalformedInput or InputTooLarge for a picture that cannot be used.
    """
    if not images:
        return np.empty((0, *spec.shape), np.float32)
    opened = []
    left = spec.max_pixels
    for index, encoded in enumerate(images):
        with _naming(index):
            opened.append(open_picture(encoded, left))
        left -= opened[-1].width * opened[-1].height
    _check_sides([image.size for image in opened], spec)
    pixels = []
    for index, image in enumerate(opened):
        with _naming(index):
            pixels.append(resize(decode(image, spec), spec))
        image.close()
    return scale(np.stack(pixels), spec)


def decode(image: Image.Image, spec: ImagePreprocessing) -> Image.Image:
    """Decode what `open_picture` opened, upright if so specified and in the model's colours.

    Raises MalformedInput for data that does not decode and UnsupportedMedia for 32-bit pixels.
    """
    gap = spec.reducing_gap
    return decode_picture(
        image,
        color_mode=spec.color_mode,
        upright=spec.exif == "apply",
        least_side=None if gap is None else math.ceil(max(spec.height, spec.width) * gap),
        keep_16_bit=spec.grey_16_bit == "load_img",
    )


def resize(image: Image.Image, spec: ImagePreprocessing) -> NDArray[Any]:
    """Fit a decoded picture to the model's size.

    Returns shape (spec.height, spec.width, channels), of spec.resized_dtype; uint16 for 16-bit
    grey that is kept. Values 0..255, which TensorFlow's bicubic and lanczos overshoot.
    """
    target = (spec.width, spec.height)
    if spec.fit != "resize_then_pad":
        find = _BOXES.get((spec.resampling, spec.fit))
        box = find(image.size, target) if find else (0, 0, *image.size)
        return _RESAMPLE[spec.resampling](image, box, target, spec)
    left, top, right, bottom = _PLACES[spec.resampling](image.size, target)
    whole, inner = (0, 0, *image.size), (right - left, bottom - top)
    picture = _RESAMPLE[spec.resampling](image, whole, inner, spec)
    padded = np.full((spec.height, spec.width, spec.channels), spec.pad_value, picture.dtype)
    padded[top:bottom, left:right] = picture
    return padded


def scale(pixels: NDArray[Any], spec: ImagePreprocessing) -> NDArray[np.float32]:
    """Order the channels, do the scaling operation by operation, and lay out the axes.

    pixels: shape (..., height, width, channels). Returns shape (..., *spec.shape), float32.
    """
    if spec.channel_order == "bgr":
        pixels = pixels[..., ::-1]
    batch = np.array(pixels, np.float32, order="C")
    lines = batch.reshape(-1, spec.width * spec.channels)
    for step in spec.scaling:
        for operation, value in step.items():
            # One value a channel, repeated to a whole line: NumPy is slow over an axis of 3.
            operand = np.asarray(value, np.float32)
            repeated = np.tile(operand, spec.width) if operand.ndim else operand
            _OPERATIONS[operation](lines, repeated, out=lines)
    if spec.data_format == "channels_first":
        return np.ascontiguousarray(np.moveaxis(batch, -1, -3))
    return batch


@contextmanager
def _naming(index: int) -> Iterator[None]:
    """Put the instance's index in front of an error's message."""
    try:
        yield
    except InvalidInput as exc:
        raise type(exc)(f"instance {index}: {exc}") from exc


def _resample_pillow(
    image: Image.Image, box: Box, size: Size, spec: ImagePreprocessing
) -> NDArray[Any]:
    resized = image.resize(size, _FILTERS[spec.interpolation], box, spec.reducing_gap)
    return np.asarray(resized).reshape(size[1], size[0], spec.channels)


def _resample_tensorflow(
    image: Image.Image, box: Box, size: Size, spec: ImagePreprocessing
) -> NDArray[Any]:
    # Here: pictures that Pillow resizes need none of it; the others' golden one loads it at start.
    from serving.preprocessing.image import resizing

    pixels = _pixels(image, box, spec.channels)
    border = resizing.Border()
    if spec.fit == "pad_then_resize":
        columns, rows = fitting.border_like_resizing(image.size, size)
        border = resizing.Border(rows, columns, spec.pad_value or 0)
    antialias = bool(spec.antialias)
    resized = resizing.resize(pixels, size[1], size[0], spec.interpolation, antialias, border)
    if spec.resized_dtype == "uint8":
        return np.clip(np.rint(resized), 0, 255).astype(np.uint8)
    return resized


def _pixels(image: Image.Image, box: Box, channels: int) -> NDArray[Any]:
    """The part of a picture in a box of whole pixels, (height, width, channels).

    Copied a few rows at a time: NumPy's own copy of a whole picture takes twice its size.
    """
    left, top, right, bottom = (int(edge) for edge in box)
    dtype = np.uint16 if image.mode.startswith("I;16") else np.uint8
    pixels = np.empty((bottom - top, right - left, channels), dtype)
    for start in range(top, bottom, ROWS):
        stop = min(start + ROWS, bottom)
        rows = np.asarray(image.crop((left, start, right, stop)))
        pixels[start - top : stop - top] = rows.reshape(stop - start, right - left, channels)
    return pixels


_RESAMPLE: Mapping[str, Callable[[Image.Image, Box, Size, ImagePreprocessing], NDArray[Any]]] = {
    "pillow": _resample_pillow,
    "tensorflow": _resample_tensorflow,
}


def _check_sides(sizes: Sequence[Size], spec: ImagePreprocessing) -> None:
    """Refuse pictures so long and thin that TensorFlow's way would take minutes."""
    if spec.resampling != "tensorflow":
        return
    side = max(max(size) for size in sizes)
    if side > MAX_SIDE:
        raise InputTooLarge(f"expected sides of at most {MAX_SIDE} pixels, got {side}")
    if spec.fit != "pad_then_resize":
        return
    borders = [fitting.border_like_resizing(size, (spec.width, spec.height)) for size in sizes]
    pixels = sum(
        (width + 2 * columns) * (height + 2 * rows)
        for (width, height), (columns, rows) in zip(sizes, borders, strict=True)
    )
    if pixels > MAX_BORDERED * spec.max_pixels:
        raise InputTooLarge(
            f"expected at most {MAX_BORDERED * spec.max_pixels} pixels once the pictures are padded"
            f" to the aspect ratio {spec.width}:{spec.height}, got {pixels}"
        )
