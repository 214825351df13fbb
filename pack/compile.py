"""Compile a Keras model to ONNX and measure how far the two are apart."""

import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
from numpy.typing import NDArray

from pack.inputs import takes_strings
from serving.engines.keras import run
from serving.engines.onnx import OnnxEngine
from serving.errors import BundleError
from serving.golden import differences

type Array = NDArray[Any]

LARGE = 65_536  # bytes of a tensor from which on it is worth mapping

RANDOM_BATCHES = (1, 2, 7, 32)  # sizes; a batch axis that is not free fails on the second


class NotCompiled(ValueError):
    """The model cannot be compiled, or the compiled model gives other outputs."""


@dataclass(frozen=True)
class Difference:
    """`golden.differences` of all outputs between the Keras and the compiled model."""

    inputs: str
    largest: float
    mean: float


def output_names(model: keras.Model, outputs: Sequence[Array]) -> list[str]:
    """Names for a model's outputs in the order in which `run` gives them."""
    structure = getattr(model, "_outputs_struct", None)
    if isinstance(structure, Mapping):
        return sorted(structure)
    names = list(getattr(model, "output_names", []))
    if len(names) != len(outputs):
        return [f"output_{i}" for i in range(len(outputs))]
    # A layer that is called twice names two outputs alike.
    return names if len(set(names)) == len(names) else [f"{n}_{i}" for i, n in enumerate(names)]


def compile_onnx(model: keras.Model, batch: Array, path: Path) -> None:
    """Write the model's forward pass as ONNX, its batch axis free and called "batch".

    Beside `path` is `path` with `.data` behind it, if the model has large weights.
    Raises NotCompiled with the converter's reason, or for a model of strings.
    """
    if takes_strings(model):
        raise NotCompiled(
            "it takes strings, whose look-up and splitting no converter compiles: --engine auto"
            " keeps such a model whole, for the Keras engine"
        )
    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)  # the reason is told below
    try:
        run(model, batch[:1])  # Keras exports no model that was never called
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of Keras's own, about NumPy
            model.export(path, format="onnx", verbose=False)
        compiled = onnx.load(path)
    except Exception as exc:  # the converter promises no set of exceptions
        reason = str(exc).strip().split("\n")[0]
        raise NotCompiled(f"it does not convert to ONNX: {type(exc).__name__}: {reason}") from exc
    _replace_erfc(compiled.graph)
    unknown = {
        node.op_type for node in compiled.graph.node if not onnx.defs.has(node.op_type, node.domain)
    }
    if unknown:
        raise NotCompiled(f"ONNX has no operator for TensorFlow's {', '.join(sorted(unknown))}")
    for value in (*compiled.graph.input, *compiled.graph.output):
        dims = value.type.tensor_type.shape.dim
        if dims:
            dims[0].dim_param = "batch"
    compiled.graph.doc_string = ""  # a counter of the process: the same model gives the same bytes
    # Large weights in a file of their own, which is mapped where it is served and not read.
    weights = path.with_name(f"{path.name}.data")
    onnx.save(
        compiled, path, save_as_external_data=True, location=weights.name, size_threshold=LARGE
    )
    if weights.exists():  # readable by its owner alone, and a function runs as another
        weights.chmod(path.stat().st_mode)


def _replace_erfc(graph: onnx.GraphProto) -> None:
    """Put `1 - erf(x)` for `erfc(x)`, which TensorFlow's exact GELU has and ONNX lacks."""
    nodes = list(graph.node)
    if all(node.op_type != "Erfc" for node in nodes):
        return
    del graph.node[:]
    graph.initializer.append(onnx.numpy_helper.from_array(np.float32(1), "one of erfc"))
    for node in nodes:
        if node.op_type != "Erfc":
            graph.node.append(node)
            continue
        erf = f"{node.output[0]} erf"
        graph.node.append(onnx.helper.make_node("Erf", node.input, [erf]))
        graph.node.append(onnx.helper.make_node("Sub", ["one of erfc", erf], node.output))


def compare(model: keras.Model, path: Path, batch: Array, tolerance: float) -> list[Difference]:
    """Run both models on the examples and on random inputs of several batch sizes.

    Raises NotCompiled if ONNX Runtime refuses the model or an output differs by more than the
    tolerance.
    """
    generator = np.random.default_rng(0)
    random = [_random_like(batch, size, generator) for size in RANDOM_BATCHES]
    try:
        engine = OnnxEngine(path)
        measured = [
            _difference("examples", model, engine, [batch]),
            _difference("random inputs", model, engine, random),
        ]
    except BundleError as exc:
        raise NotCompiled(str(exc)) from exc
    for difference in measured:
        if not difference.largest <= tolerance:  # also refuses NaN
            raise NotCompiled(
                f"the compiled model's outputs differ by up to {difference.largest:.2e}"
                f" on {difference.inputs}, the tolerance is {tolerance:.2e}"
            )
    return measured


def _difference(
    inputs: str, model: keras.Model, engine: OnnxEngine, batches: Sequence[Array]
) -> Difference:
    parts = []
    for batch in batches:
        try:
            compiled = engine.run(batch)
        except Exception as exc:  # ONNX Runtime's exceptions share no other base
            raise NotCompiled(f"ONNX Runtime fails on a batch of {len(batch)}: {exc}") from exc
        for ours, theirs in zip(compiled, run(model, batch), strict=True):
            if ours.shape != theirs.shape:
                raise NotCompiled(
                    f"Keras gives an output of shape {theirs.shape} where the compiled model"
                    f" gives {ours.shape}, on a batch of {len(batch)}"
                )
            parts.append(differences(ours, theirs).ravel())
    every = np.concatenate(parts)
    return Difference(inputs, float(every.max()), float(every.mean()))


def _random_like(batch: Array, size: int, generator: np.random.Generator) -> Array:
    """Random inputs of the batch's dtype, within the range of its values, or of objects' values."""
    if batch.dtype == object:
        picked = generator.integers(len(batch), size=(size, batch.shape[1]))
        return np.take_along_axis(batch, picked, axis=0)
    # Inputs that are stacked have a range each, and so have the columns of rows.
    rows = batch.ndim == 2 and np.issubdtype(batch.dtype, np.floating)
    axes = (0, 2) if batch.ndim == 3 else 0 if rows else None
    low, high = batch.min(axes, keepdims=True), batch.max(axes, keepdims=True)
    shape = (size, *batch.shape[1:])
    if np.issubdtype(batch.dtype, np.integer):
        return generator.integers(low, high, shape, batch.dtype, endpoint=True)
    return generator.uniform(low, high, shape).astype(batch.dtype)
