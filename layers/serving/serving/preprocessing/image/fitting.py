"""Which part of a picture is resized, to what size, and what is put around it.

Sizes are (width, height) and boxes (left, top, right, bottom), in pixels, as Pillow has them. The
rounding of each function is that of the library function it names.
"""

import numpy as np

type Size = tuple[int, int]
type Box = tuple[float, float, float, float]
type WholeBox = tuple[int, int, int, int]


def crop(size: Size, target: Size) -> Box:
    """The largest centred box of the target's aspect ratio, in fractions of pixels.

    As `PIL.ImageOps.fit` cuts it.
    """
    (width, height), aspect = size, target[0] / target[1]
    crop_width = min(width, height * aspect)
    crop_height = min(height, width / aspect)
    left, top = (width - crop_width) / 2, (height - crop_height) / 2
    return left, top, left + crop_width, top + crop_height


def crop_like_load_img(size: Size, target: Size) -> WholeBox:
    """As `keras.utils.load_img(keep_aspect_ratio=True)` cuts it, in whole pixels.

    Of a thin picture that may be none; Pillow then samples the line between two.
    """
    (width, height), (to_width, to_height) = size, target
    crop_width = min(width, height * to_width // to_height)
    crop_height = min(height, width * to_height // to_width)
    return _centred(size, crop_width, crop_height)


def crop_like_resizing(size: Size, target: Size) -> WholeBox:
    """As `keras.layers.Resizing(crop_to_aspect_ratio=True)` cuts it, in whole pixels.

    `keras.preprocessing.image.smart_resize`, and with it `image_dataset_from_directory`, do the
    same.
    """
    (width, height), (to_width, to_height) = size, target
    crop_width = max(min(width, _quotient(height * to_width, to_height)), 1)
    crop_height = max(min(height, _quotient(width * to_height, to_width)), 1)
    return _centred(size, crop_width, crop_height)


def border_like_resizing(size: Size, target: Size) -> Size:
    """Columns on the left, and as many on the right; rows above, and as many below.

    As `keras.layers.Resizing(pad_to_aspect_ratio=True)` puts them around before it resizes. An
    odd pixel is left out, so the aspect ratio is not always quite the target's.
    """
    (width, height), (to_width, to_height) = size, target
    wide = max(width, _quotient(height * to_width, to_height))
    high = max(height, _quotient(width * to_height, to_width))
    return (wide - width) // 2, (high - height) // 2


def place_like_pillow(size: Size, target: Size) -> WholeBox:
    """Where in the target the whole picture goes, as `PIL.ImageOps.pad` puts it."""
    (width, height), (to_width, to_height) = size, target
    if width / height > to_width / to_height:
        to_height = round(height / width * to_width)
    elif width / height < to_width / to_height:
        to_width = round(width / height * to_height)
    # ImageOps.pad itself leaves nothing of a picture that is so thin.
    to_width, to_height = max(to_width, 1), max(to_height, 1)
    left, top = round((target[0] - to_width) * 0.5), round((target[1] - to_height) * 0.5)
    return left, top, left + to_width, top + to_height


def place_like_tensorflow(size: Size, target: Size) -> WholeBox:
    """Where in the target the whole picture goes, as `tf.image.resize_with_pad` puts it."""
    source, wanted = np.array([size, target], np.float32)
    fitted = source / (source / wanted).max()
    left, top = (max(int(np.floor(gap)), 0) for gap in (wanted - fitted) / np.float32(2))
    # resize_with_pad itself fails on a picture that is so thin.
    width, height = (max(int(np.floor(side)), 1) for side in fitted)
    return left, top, left + width, top + height


def _quotient(dividend: int, divisor: int) -> int:
    """Divided in float32 and truncated, which TensorFlow does in a graph."""
    return int(np.float32(dividend) / np.float32(divisor))


def _centred(size: Size, width: int, height: int) -> WholeBox:
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return left, top, left + width, top + height
