"""`tf.image.resize` in NumPy: the same float32 operations in the same order, without TensorFlow.

Results are TensorFlow's to the last bit; only the kernels with a sine or an exponential, lanczos
and gaussian, may round differently. Sums are made tap by tap over whole rows and never by a
matrix product, whose order of additions, and so whose last bits, depend on the processor.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import reduce
from operator import iadd
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving.preprocessing.image import interpolation
from serving.preprocessing.image.interpolation import Floats, Taps

type Pixels = NDArray[np.uint8] | Floats
type Find = Callable[[int, int], Taps]
type Blend = Callable[[Pixels, Taps, Taps], Floats]

BLOCK = 2**16  # values worked on at a time: 256 KB of float32 stay in a processor's cache


class Border(NamedTuple):
    """What is put around a picture before it is resized: rows above and below, columns aside."""

    rows: int = 0
    columns: int = 0
    value: float = 0.0


def resize(
    images: Pixels,
    height: int,
    width: int,
    method: str,
    antialias: bool = False,
    border: Border | None = None,
) -> Floats:
    """Do what `tf.image.resize(images, (height, width), method, antialias=antialias)` does.

    images: uint8 or float32, shape (..., source height, source width, channels).
    method: one of METHODS; antialias does nothing to nearest and area, as in TensorFlow.
    border: as if it had been put around the images first, at no cost in memory.

    Returns float32, shape (..., height, width, channels); bicubic and lanczos overshoot the range
    of the source. Raises KeyError for another method.
    """
    border = border or Border()
    *batch, source_height, source_width, channels = images.shape
    find, blend = (_ANTIALIASED if antialias else _PLAIN)[method]
    rows = find(source_height + 2 * border.rows, height)
    columns = _by_channel(find(source_width + 2 * border.columns, width), channels)
    lines = images.reshape(*batch, source_height, source_width * channels)
    output = np.empty((*batch, height, width * channels), np.float32)
    for block in _blocks(height, images.size // source_height + 2 * border.columns * channels):
        index = rows.places[:, block]
        start, stop = int(index.min()), int(index.max()) + 1
        band = _band(lines, start, stop, border, channels)
        taps = Taps(index - start, rows.weight[:, block], rows.scale)
        output[..., block, :] = blend(band, taps, columns)
    return output.reshape(*batch, height, width, channels)


def _by_channel(taps: Taps, channels: int) -> Taps:
    """The taps of columns, for lines in which a pixel's channels stand side by side."""
    index = taps.places[..., None] * channels + np.arange(channels)
    weight = np.repeat(taps.weight, channels, axis=1)
    return Taps(index.reshape(len(index), -1), weight, taps.scale)


def _blocks(height: int, line: int) -> Iterator[slice]:
    """The output's rows in blocks, for source lines of so many values."""
    step = max(1, BLOCK // line)
    for start in range(0, height, step):
        yield slice(start, min(start + step, height))


def _band(lines: Pixels, start: int, stop: int, border: Border, channels: int) -> Pixels:
    """Lines start to stop of the bordered picture; a view of the source if it has no border."""
    if not (border.rows or border.columns):
        return lines[..., start:stop, :]
    *batch, height, width = lines.shape
    side = border.columns * channels
    dtype = np.result_type(lines, np.uint8 if border.value in range(256) else np.float32)
    band = np.full((*batch, stop - start, width + 2 * side), border.value, dtype)
    first, last = max(start, border.rows), min(stop, border.rows + height)
    if first < last:
        source = lines[..., first - border.rows : last - border.rows, :]
        band[..., first - start : last - start, side : side + width] = source
    return band


def _pick(lines: Pixels, rows: Taps, columns: Taps) -> Floats:
    found = lines.take(rows.places[0], axis=-2).take(columns.places[0], axis=-1)
    return np.asarray(found, np.float32)


def _interpolate(lines: Pixels, rows: Taps, columns: Taps) -> Floats:
    """Between left and right first, then between the upper and the lower row."""
    upper, lower = (_between(lines.take(row, axis=-2), columns) for row in rows.places)
    return _towards(upper, lower, rows.weight[0, :, None])


def _between(lines: Pixels, columns: Taps) -> Floats:
    left, right = (lines.take(column, axis=-1).astype(np.float32) for column in columns.places)
    return _towards(left, right, columns.weight[0])


def _towards(a: Floats, b: Floats, way: Floats) -> Floats:
    """The way from a to b, a + (b - a) * way, in the place of b."""
    b -= a
    b *= way
    b += a
    return b


def _rows_first(lines: Pixels, rows: Taps, columns: Taps) -> Floats:
    return _sum_columns(_sum_rows(lines, rows), columns)


def _columns_first(lines: Pixels, rows: Taps, columns: Taps) -> Floats:
    """The mean over the area, whose weights are shares of whole pixels."""
    mean = _sum_rows(_sum_columns(lines, columns), rows)
    mean *= np.float32(1 / float(rows.scale * columns.scale))
    return mean


def _sum_rows(lines: Pixels, rows: Taps) -> Floats:
    taps = zip(rows.places, rows.weight[..., None], strict=True)
    return reduce(iadd, (lines.take(index, axis=-2) * weight for index, weight in taps))


def _sum_columns(lines: Pixels, columns: Taps) -> Floats:
    taps = zip(columns.places, columns.weight, strict=True)
    return reduce(iadd, (lines.take(index, axis=-1) * weight for index, weight in taps))


_KERNELS: Mapping[str, tuple[interpolation.Kernel, float]] = {
    "bilinear": (interpolation.triangle, 1),
    "bicubic": (interpolation.keys_cubic, 2),
    "lanczos3": (interpolation.lanczos(3), 3),
    "lanczos5": (interpolation.lanczos(5), 5),
    "gaussian": (interpolation.gaussian, 1.5),
    "mitchellcubic": (interpolation.mitchell_cubic, 2),
}


def _by_kernel(antialias: bool) -> dict[str, tuple[Find, Blend]]:
    return {
        method: (interpolation.kernel(*kernel, antialias), _rows_first)
        for method, kernel in _KERNELS.items()
    }


_PLAIN: Mapping[str, tuple[Find, Blend]] = {
    **_by_kernel(antialias=False),
    "nearest": (interpolation.nearest, _pick),
    "bilinear": (interpolation.bilinear, _interpolate),
    "bicubic": (interpolation.bicubic, _rows_first),
    "area": (interpolation.area, _columns_first),
}
_ANTIALIASED: Mapping[str, tuple[Find, Blend]] = {
    **_PLAIN,
    **_by_kernel(antialias=True),
}
METHODS = tuple(_PLAIN)
