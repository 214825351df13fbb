"""What a loaded model calculates with beside its weights: statistics and vocabularies."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

_WORDS = (
    keras.layers.TextVectorization,
    keras.layers.StringLookup,
    keras.layers.IntegerLookup,
)


def ready(model: keras.Model, path: Path) -> keras.Model:
    """The same model, the statistics of its Normalization layers made constants.

    Keras keeps them as tensors, and its export to ONNX takes those for inputs of the model.

    Raises ValueError for a vocabulary that did not come with the weights, as in HDF5 files.
    """
    for layer in _layers(model):
        if isinstance(layer, keras.layers.Normalization) and layer.mean is not None:
            layer.mean, layer.variance = np.array(layer.mean), np.array(layer.variance)
        if isinstance(layer, _WORDS) and not layer.get_vocabulary(include_special_tokens=False):
            raise ValueError(
                f"{path}: layer {layer.name}: expected its vocabulary, got none: HDF5 files leave"
                " it out, so save the model as .keras"
            )
    return model


def _layers(model: Any) -> Iterator[Any]:
    for layer in getattr(model, "layers", ()):
        yield layer
        yield from _layers(layer)
