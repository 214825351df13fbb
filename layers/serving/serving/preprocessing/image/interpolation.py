"""What each pixel of a resized picture reads along one axis, for each of TensorFlow's methods.

The formulas, and the float32 they are rounded to step by step, are those of TensorFlow 2.21:
resize_*_op.cc, scale_and_translate_op.cc and sampling_kernels.h in tensorflow/core/kernels/image.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float32]
type Kernel = Callable[[Floats], Floats]

_HALF, _ONE = np.float32(0.5), np.float32(1)
_PI, _TINY = np.float32(np.pi), np.float32(1e-3)
_STEPS = 1024  # of TensorFlow's table of bicubic weights, from one pixel to the next


class Taps(NamedTuple):
    """What each output coordinate reads along one axis.

    places: source coordinates, shape (taps, outputs).
    weight: of each tap, float32 of the same shape; of bilinear only how far the output lies from
        its first tap towards its second, shape (1, outputs).
    scale: pixels of the source to one of the output.
    """

    places: NDArray[np.intp]
    weight: Floats
    scale: np.float32


def nearest(source: int, output: int) -> Taps:
    """The pixel in which the output's centre lies."""
    scale = _scale(source, output)
    index = np.floor(_centres(output) * scale)
    return Taps(_within(index, source)[None], np.ones((1, output), np.float32), scale)


def bilinear(source: int, output: int) -> Taps:
    """The two pixels between whose centres the output's lies."""
    scale = _scale(source, output)
    position = _centres(output) * scale - _HALF
    lower = np.floor(position)
    index = np.stack([lower, np.ceil(position)])
    return Taps(_within(index, source), (position - lower)[None], scale)


def bicubic(source: int, output: int) -> Taps:
    """Four pixels, weighted by Keys's cubic from a table; outside the source they weigh nothing."""
    scale = _scale(source, output)
    position = _centres(output) * scale - _HALF
    first = np.floor(position)
    step = np.rint((position - first) * np.float32(_STEPS)).astype(np.intp)
    x = np.arange(_STEPS + 1) / _STEPS
    near = ((1.5 * x - 2.5) * x * x + 1).astype(np.float32)
    x += 1
    far = (((-0.5 * x + 2.5) * x - 4) * x + 2).astype(np.float32)
    weight = np.stack([far[step], near[step], near[_STEPS - step], far[_STEPS - step]])
    index = first + np.arange(-1, 3, dtype=np.float32)[:, None]
    weight[(index < 0) | (index > source - 1)] = 0
    return Taps(_within(index, source), _normalised(weight), scale)


def area(source: int, output: int) -> Taps:
    """Every pixel that the output covers, weighted by how much of it; the sum is `scale`."""
    scale = _scale(source, output)
    edges = np.arange(output + 1, dtype=np.float32) * scale
    start, stop = edges[:-1], edges[1:]
    first, last = np.floor(start), np.ceil(stop)
    index = first + np.arange(int((last - first).max()), dtype=np.float32)[:, None]
    beyond = index + _ONE > stop
    weight = np.where(
        index < start,
        np.where(beyond, scale, index + _ONE - start),
        np.where(beyond, stop - index, _ONE),
    )
    weight[index >= last] = 0
    return Taps(_within(index, source), weight, scale)


def kernel(function: Kernel, radius: float, antialias: bool) -> Callable[[int, int], Taps]:
    """Pixels within a radius of the output's centre; stretched, when shrinking, to antialias."""

    def find(source: int, output: int) -> Taps:
        # Inverted and rounded twice: tf.image.resize gives the operation output / source.
        scale = np.float32(1 / float(_scale(output, source)))
        stretch = max(scale, _ONE) if antialias else _ONE
        position = _centres(output) * scale
        reach = np.float32(radius) * stretch
        first = _within(np.ceil(position - reach - _HALF), source)
        last = _within(np.floor(position + reach - _HALF), source)
        index = first + np.arange((last - first).max() + 1)[:, None]
        distance = index.astype(np.float32) + _HALF - position
        weight = function(np.abs(distance * (_ONE / stretch)))
        weight[index > last] = 0
        return Taps(np.minimum(index, last), _normalised(weight), scale)

    return find


def triangle(x: Floats) -> Floats:
    """1 at distance 0, 0 from distance 1 on: bilinear that can antialias."""
    return np.where(x < 1, _ONE - x, np.float32(0))


def keys_cubic(x: Floats) -> Floats:
    """Keys, "Cubic convolution interpolation for digital image processing" (1981)."""
    a, b, c, d = np.array([1.5, -2.5, -0.5, 2.5], np.float32)
    near = (a * x + b) * x * x + _ONE
    far = ((c * x + d) * x - np.float32(4)) * x + np.float32(2)
    return _piecewise(x, near, far)


def mitchell_cubic(x: Floats) -> Floats:
    """Mitchell and Netravali, "Reconstruction filters in computer graphics" (1988)."""
    dividends, divisors = np.array([[7, 8, -7, 10, 16], [6, 9, 18, 3, 9]], np.float32)
    a, b, c, d, e = dividends / divisors
    near = (a * x - np.float32(2)) * x * x + b
    far = ((c * x + np.float32(2)) * x - d) * x + e
    return _piecewise(x, near, far)


def lanczos(radius: int) -> Kernel:
    """A sine wave under the arch of a slower one."""

    def function(x: Floats) -> Floats:
        safe = np.maximum(x, _TINY)
        waves = np.float32(radius) * _sine(_PI * safe) * _sine(_PI * safe / np.float32(radius))
        value = waves / (_PI * _PI * safe * safe)
        return np.where(x < _TINY, _ONE, np.where(x > radius, np.float32(0), value))

    return function


def gaussian(x: Floats) -> Floats:
    """Of deviation 0.5, cut off at 1.5."""
    value = np.exp((-x * x).astype(np.float64) / 0.5).astype(np.float32)
    return np.where(x >= np.float32(1.5), np.float32(0), value)


def _scale(source: int, output: int) -> np.float32:
    return np.float32(source) / np.float32(output)


def _centres(output: int) -> Floats:
    return np.arange(output, dtype=np.float32) + _HALF


def _within(index: Floats, source: int) -> NDArray[np.intp]:
    return np.clip(index.astype(np.intp), 0, source - 1)


def _normalised(weight: Floats) -> Floats:
    """Weights of sum 1; the sum is made in order, as TensorFlow makes it."""
    total = np.add.accumulate(weight, axis=0)[-1]
    return np.asarray(weight * (_ONE / total), np.float32)


def _piecewise(x: Floats, near: Floats, far: Floats) -> Floats:
    return np.where(x >= 2, np.float32(0), np.where(x >= 1, far, near))


def _sine(x: Floats) -> Floats:
    """Rounded from float64, since NumPy's own float32 sine depends on the processor."""
    return np.sin(x.astype(np.float64)).astype(np.float32)
