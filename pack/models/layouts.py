"""Weights as Keras 1, cuDNN and Theano kept them, laid out as Keras 3 has them.

The rules are those of Keras 2.2.4's `preprocess_weights_for_loading` and `_convert_rnn_weights`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

type Arrays = list[NDArray[Any]]
_CONVOLUTIONS = ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "ConvLSTM2D")


def laid_out(layer: Any, arrays: Arrays, version: str, backend: str | None) -> Arrays:
    """A layer's arrays, in the file's order, as Keras 3's layer has them."""
    if isinstance(layer, keras.layers.Bidirectional):
        half = len(arrays) // 2
        forward = laid_out(layer.forward_layer, arrays[:half], version, backend)
        return forward + laid_out(layer.backward_layer, arrays[half:], version, backend)
    if isinstance(layer, keras.layers.TimeDistributed):
        return laid_out(layer.layer, arrays, version, backend)
    kind = type(layer).__name__
    if version.startswith(("0.", "1")) and kind in _KERAS_1:
        arrays = _KERAS_1[kind](layer, arrays)
    if backend == "theano" and kind in _CONVOLUTIONS:
        arrays = [_flipped(each) if each.ndim > 2 else each for each in arrays]
    return _from_cudnn(kind, arrays) if kind in _GATES and len(arrays) == 3 else arrays


def _flipped(kernel: NDArray[Any]) -> NDArray[Any]:
    """Theano convolves, the others correlate: the kernel turned around in each spatial axis."""
    return np.flip(kernel, axis=tuple(range(kernel.ndim - 2)))


def _gates(order: Sequence[int]) -> Callable[[Any, Arrays], Arrays]:
    """Keras 1 kept a recurrent layer's gates apart: kernel, recurrent kernel and bias of each."""

    def joined(layer: Any, arrays: Arrays) -> Arrays:
        if len(arrays) != 3 * len(order):
            return arrays
        return [
            np.concatenate([arrays[3 * gate + part] for gate in order], -1) for part in range(3)
        ]

    return joined


def _conv1d(layer: Any, arrays: Arrays) -> Arrays:
    kernel = arrays[0]
    if kernel.shape[:2] != (layer.kernel_size[0], 1) or kernel.shape[3] != layer.filters:
        kernel = kernel.transpose(2, 3, 1, 0)  # before Keras 1.1
    return [kernel[:, 0], *arrays[1:]]


def _conv2d(layer: Any, arrays: Arrays) -> Arrays:
    if layer.data_format != "channels_first":
        return arrays
    return [arrays[0].transpose(2, 3, 1, 0), *arrays[1:]]


def _from_cudnn(kind: str, arrays: Arrays) -> Arrays:
    """CuDNN's layout if these are in it, which the bias's length tells, else as they are."""
    gates = _GATES[kind]
    kernel, recurrent, bias = arrays
    units = recurrent.shape[0]
    if bias.shape != (2 * gates * units,):
        return arrays
    biases = bias.reshape(2, -1)
    return [
        np.hstack([_transposed_in_place(each) for each in np.hsplit(kernel, gates)]),
        np.hstack([each.T for each in np.hsplit(recurrent, gates)]),
        biases.sum(axis=0) if kind == "LSTM" else biases,
    ]


def _transposed_in_place(kernel: NDArray[Any]) -> NDArray[Any]:
    """The same shape, its numbers read along the columns as cuDNN kept them."""
    return kernel.T.reshape(kernel.shape, order="F")


_GATES = {"LSTM": 4, "GRU": 3}
_KERAS_1: Mapping[str, Callable[[Any, Arrays], Arrays]] = {
    "LSTM": _gates((0, 2, 1, 3)),  # kept as i, c, f, o; now i, f, c, o
    "GRU": _gates((0, 1, 2)),
    "Conv1D": _conv1d,
    "Conv2D": _conv2d,
}
