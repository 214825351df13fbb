"""The model itself under TensorFlow: for bundles that do not compile, and for who wants it."""

import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from serving.engines import cast, refused, threads
from serving.errors import BundleError


class KerasEngine:
    """One Keras model, traced for inference; code stored in its file is never run."""

    def __init__(self, path: Path) -> None:
        """Load and trace a `.keras` file; raise BundleError if that fails.

        The trace is a graph for batches of any size. Calling the model would go through Python
        layer by layer, and `predict` through a training loop, at 10 to 100 times the time.
        """
        # Read when TensorFlow computes for the first time.
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(threads()))
        os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
        if not zipfile.is_zipfile(path):
            raise BundleError(
                f"{path}: expected a .keras file, which is a ZIP archive, got another"
            )
        try:
            self._model = keras.saving.load_model(path, compile=False, safe_mode=True)
            self._graph = _trace(self._model)
        except Exception as exc:  # Keras's loading promises no set of exceptions
            raise BundleError(f"Keras does not load the model: {exc}") from exc

    def run(self, batch: NDArray[Any]) -> Sequence[NDArray[Any]]:
        """See `Engine`; the batch is cast to the inputs' own types, as Keras would do it."""
        try:
            outputs = self._graph(*_split(self._model.inputs, batch))
        except tf.errors.InvalidArgumentError as exc:
            raise refused() from exc
        return [_to_numpy(output) for output in outputs]


def run(model: keras.Model, batch: NDArray[Any]) -> Sequence[NDArray[Any]]:
    """Any Keras model's outputs for a batch as an Engine takes it, in the order of the model's.

    Not traced, for models that are run a few times.
    """
    known = getattr(model, "inputs", None)  # a subclass of Model may have none
    outputs = _call(model, *_split(known, batch)) if known else model(batch, training=False)
    return [_to_numpy(output) for output in keras.tree.flatten(outputs)]


def _trace(model: keras.Model) -> Any:
    signature = [tf.TensorSpec((None, *each.shape[1:]), each.dtype) for each in model.inputs]
    graph = tf.function(
        lambda *inputs: _call(model, *inputs), input_signature=signature, autograph=False
    )
    return graph.get_concrete_function()


def _call(model: keras.Model, *inputs: Any) -> Sequence[Any]:
    """The outputs as a flat list; of outputs with names, in the order of the names."""
    if isinstance(model, keras.Sequential):
        (given,) = inputs
    else:  # a list, or by their names
        given = keras.tree.pack_sequence_as(model.input, inputs)
    outputs: Sequence[Any] = keras.tree.flatten(model(given, training=False))
    return outputs


def _split(inputs: Sequence[Any], batch: NDArray[Any]) -> list[Any]:
    """A tensor for each of the model's inputs, of its type and rank."""
    parts = [batch] if len(inputs) == 1 else np.moveaxis(batch, 1, 0)
    return [_tensor(each, part) for each, part in zip(inputs, parts, strict=True)]


def _tensor(described: Any, values: NDArray[Any]) -> tf.Tensor:
    if values.ndim == len(described.shape) - 1 and described.shape[-1] == 1:
        values = values[..., np.newaxis]  # an instance is a single value
    if described.dtype == "string":
        return tf.constant(values, tf.string)
    return tf.constant(cast(values, described.dtype))


def _to_numpy(output: Any) -> NDArray[Any]:
    """bfloat16 as float32, since JSON's writer, as most of NumPy, has no word for it."""
    wide = tf.cast(output, tf.float32) if output.dtype == tf.bfloat16 else output
    array: NDArray[Any] = keras.ops.convert_to_numpy(wide)
    return array
