"""Compile a Keras model to ONNX and measure how far the two are apart."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import onnx

from serving.engines.onnx import OnnxEngine

type Array = NDArray[Any]


def load_keras(path: Path) -> keras.Model:
    """Load a `.keras` or `.h5` file for inference; code stored in the file is never run.

    Raises ValueError unless the model has one input and one output.
    """
    model = keras.saving.load_model(path, compile=False, safe_mode=True)
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ValueError(
            "expected a model with 1 input and 1 output,"
            f" got {len(model.inputs)} and {len(model.outputs)}"
        )
    return model


def compile_onnx(model: keras.Model, example: Array, path: Path) -> None:
    """Write the model's forward pass as ONNX, its batch axis free and called "batch"."""
    model(example)  # Keras exports no model that was never called
    model.export(path, format="onnx", verbose=False)
    compiled = onnx.load(path)
    for value in (*compiled.graph.input, *compiled.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    compiled.graph.doc_string = ""  # a counter of the process: the same model gives the same bytes
    onnx.save(compiled, path)


def run_keras(model: keras.Model, batch: Array) -> Array:
    """The Keras model's own outputs, shape (len(batch), outputs)."""
    outputs: Array = keras.ops.convert_to_numpy(model(batch, training=False))
    return outputs


def differences(model: keras.Model, onnx_bytes: bytes, batches: Iterable[Array]) -> Array:
    """Absolute differences of all outputs between the Keras and the compiled model, flat."""
    engine = OnnxEngine(onnx_bytes)
    parts = [np.abs(engine.run(batch) - run_keras(model, batch)) for batch in batches]
    return np.concatenate([part.ravel() for part in parts])
