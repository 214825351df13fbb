"""What a loaded model calculates with beside its weights, as constants of its graph."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np


def freeze(model: keras.Model) -> keras.Model:
    """Make the statistics of Normalization layers NumPy arrays; the same model.

    Keras keeps them as tensors, and its export to ONNX takes those for inputs of the model.
    """
    for layer in _layers(model):
        if isinstance(layer, keras.layers.Normalization) and layer.mean is not None:
            layer.mean, layer.variance = np.array(layer.mean), np.array(layer.variance)
    return model


def _layers(model: Any) -> Iterator[Any]:
    for layer in getattr(model, "layers", ()):
        yield layer
        yield from _layers(layer)
