"""Keras 2's hard_sigmoid, which Keras 3 calculates otherwise without a word.

Until Keras 2.15 it was clip(0.2 x + 0.5, 0, 1); it is clip(x / 6 + 0.5, 0, 1) since, up to 0.083
away. Until Keras 2.2 it was also the gates' own activation in LSTM and GRU. The old one of x is
the new one of 1.2 x, and x is linear in the weights in front of it.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from pack.models.reading import Reading

SLOPE = 1.2
# The gates that go through the recurrent activation: of LSTM's i, f, c and o all but c; of GRU's
# z, r and h all but h; and how many there are.
_CELLS = {"LSTMCell": ((0, 1, 3), 4), "ConvLSTMCell": ((0, 1, 3), 4), "GRUCell": ((0, 1), 3)}
_WEIGHTS = ("kernel", "pointwise_kernel", "recurrent_kernel", "bias")
_INNER = ("layer", "forward_layer", "backward_layer", "cell")


def fold(model: keras.Model, reading: Reading) -> None:
    """Scale the weights in front of each hard_sigmoid by 1.2, and note the layers.

    Raises ValueError for a recurrent layer whose outputs themselves go through it.
    """
    seen: set[int] = set()
    for layer, owner in _walk(model, model.name):
        if id(layer) not in seen and _fold(layer, owner):
            reading.note(owner, f"weights scaled by {SLOPE}: hard_sigmoid has another slope now")
        seen.add(id(layer))


def _walk(layer: Any, owner: str) -> Iterator[tuple[Any, str]]:
    """The layer and all within it, each with the name of the layer that a model lists."""
    yield layer, owner
    for each in getattr(layer, "layers", []):
        yield from _walk(each, each.name)
    inner = [getattr(layer, name, None) for name in _INNER]
    for each in [*inner, *(getattr(layer, "cells", None) or [])]:
        if isinstance(each, keras.layers.Layer):
            yield from _walk(each, owner)


def _fold(layer: Any, owner: str) -> bool:
    hard, kind = keras.activations.hard_sigmoid, type(layer).__name__
    if not any(hasattr(layer, name) for name in _WEIGHTS):
        return False  # a recurrent layer tells its cell's activations as its own
    if kind not in _CELLS:
        return getattr(layer, "activation", None) is hard and _scale(layer, slice(None))
    if layer.activation is hard:
        raise ValueError(
            f"layer {owner}: expected another activation of the outputs than hard_sigmoid, whose"
            f" equal Keras {keras.__version__} has not"
        )
    return layer.recurrent_activation is hard and _scale(layer, _columns(layer, *_CELLS[kind]))


def _columns(cell: Any, gates: Sequence[int], count: int) -> Sequence[int]:
    units = cell.recurrent_kernel.shape[-1] // count
    return [gate * units + unit for gate in gates for unit in range(units)]


def _scale(layer: Any, columns: slice | Sequence[int]) -> bool:
    kernel = "pointwise_kernel" if hasattr(layer, "pointwise_kernel") else "kernel"
    for name in (kernel, "recurrent_kernel", "bias"):
        variable = getattr(layer, name, None)
        if variable is not None:
            values = np.array(variable)
            values[..., columns] *= SLOPE
            variable.assign(values)
    return True
