"""The model itself under TensorFlow: for bundles that do not compile, and to check the others."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.errors import BundleError

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # errors; read when TensorFlow is imported
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras


class KerasEngine:
    """One Keras model, loaded for inference; code stored in its file is never run."""

    def __init__(self, path: Path) -> None:
        """Load a `.keras` file; raise BundleError if Keras refuses it."""
        try:
            self._model = keras.saving.load_model(path, compile=False, safe_mode=True)
        except Exception as exc:  # Keras's loading promises no set of exceptions
            raise BundleError(f"Keras does not load the model: {exc}") from exc

    def run(self, batch: NDArray[Any]) -> Sequence[NDArray[Any]]:
        """See `Engine`."""
        return run(self._model, batch)


def run(model: keras.Model, batch: NDArray[Any]) -> Sequence[NDArray[Any]]:
    """A Keras model's outputs for a batch as an Engine takes it, in the order of the model's."""
    several = len(getattr(model, "inputs", None) or ()) > 1  # a subclass of Model may have none
    inputs = list(np.moveaxis(batch, 1, 0)) if several else batch
    outputs = keras.tree.flatten(model(inputs, training=False))
    return [keras.ops.convert_to_numpy(output) for output in outputs]
