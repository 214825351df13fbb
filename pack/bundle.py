"""Write a bundle: compile, compare, and only then put the files in their place."""

import base64
import hashlib
import importlib.metadata
import json
import platform
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from pack.compile import compile_onnx, differences, load_keras, run_keras
from serving import golden, preprocessing
from serving.bundle import FORMAT, Bundle, Limits
from serving.predictor import Predictor

RANDOM_BATCHES = (1, 2, 7, 32)  # sizes; a batch axis that is not free fails on the second
VERSIONED = (
    *("keras", "tensorflow", "tensorflow-cpu", "tf2onnx", "onnx"),
    *("onnxruntime", "numpy", "pillow"),
)


@dataclass(frozen=True)
class Source:
    """All that a bundle is made from.

    state: the content of `preprocessing.json`. examples: raw instances for the golden file.
    tolerance: largest absolute difference of an output that is let through.
    """

    modality: str
    version: str
    model: Path
    state: Mapping[str, Any]
    task: str
    labels: Sequence[str]
    examples: Sequence[Any]
    limits: Limits
    tolerance: float
    metrics: Mapping[str, float]
    provenance: Mapping[str, str]


def write(source: Source, folder: Path) -> None:
    """Compile, verify and write the bundle; the folder is left as it was if anything fails.

    Raises ValueError with both sides if the parts do not fit together, or with the difference if
    the compiled model does not give the Keras model's outputs; errors of preprocessing the
    examples pass through.
    """
    _say("loading the Keras model")
    model = load_keras(source.model)
    preprocess = preprocessing.load(source.modality, source.state)
    batch = preprocess(source.examples)
    _check_shapes(model, batch, source)
    outputs = run_keras(model, batch)
    _check_probabilities(outputs, source.task)
    with tempfile.TemporaryDirectory() as scratch:
        staged = Path(scratch) / "bundle"
        staged.mkdir()
        _say("compiling to ONNX")
        compile_onnx(model, batch[:1], staged / "model.onnx")
        _compare(model, (staged / "model.onnx").read_bytes(), batch, source)
        shutil.copyfile(source.model, staged / "model.keras")
        _write_json(staged / "preprocessing.json", source.state)
        _write_json(staged / "golden.json", _golden(batch, outputs, source))
        _write_json(staged / "manifest.json", _manifest(source, staged))
        _say("loading the bundle as a function would")
        _prove(staged)
        _install(staged, folder)
    _say(f"wrote {folder}")


def _check_shapes(model: keras.Model, batch: NDArray[Any], source: Source) -> None:
    expected, found = model.input_shape[1:], batch.shape[1:]
    if expected != found:
        raise ValueError(f"the model takes inputs of shape {expected}, preprocessing gives {found}")
    outputs = model.output_shape[-1]
    wanted = len(source.labels) if source.task == "multiclass" else 1
    if outputs != wanted:
        raise ValueError(
            f"expected {wanted} outputs for {len(source.labels)} labels (two labels are one"
            f" sigmoid output, more are a softmax), the model has {outputs}"
        )


def _check_probabilities(outputs: NDArray[Any], task: str) -> None:
    sums = outputs.sum(axis=1)
    inside = ((outputs >= 0) & (outputs <= 1)).all()
    if not inside or (task == "multiclass" and not np.allclose(sums, 1, atol=1e-3)):
        raise ValueError(
            "expected probabilities, of all labels together 1; the model gives"
            f" {outputs.min():.3g} to {outputs.max():.3g}, together {sums.min():.3g} to"
            f" {sums.max():.3g}: end it in a sigmoid or softmax"
        )


def _compare(model: keras.Model, onnx: bytes, batch: NDArray[Any], source: Source) -> None:
    generator = np.random.default_rng(0)
    random = [_random_like(batch, size, generator) for size in RANDOM_BATCHES]
    for label, batches in (("examples", [batch]), ("random inputs", random)):
        difference = differences(model, onnx, batches)
        worst, mean = difference.max(), difference.mean()
        _say(f"Keras and ONNX on {label}: largest difference {worst:.2e}, mean {mean:.2e}")
        if not worst <= source.tolerance:
            raise ValueError(
                f"the compiled model's outputs differ by up to {worst:.2e}"
                f" on {label}, the tolerance is {source.tolerance:.2e}"
            )


def _random_like(batch: NDArray[Any], size: int, generator: np.random.Generator) -> NDArray[Any]:
    """Random inputs of the batch's dtype within the range of its values."""
    shape, low, high = (size, *batch.shape[1:]), batch.min(), batch.max()
    if np.issubdtype(batch.dtype, np.integer):
        return generator.integers(low, high, shape, batch.dtype, endpoint=True)
    return generator.uniform(low, high, shape).astype(batch.dtype)


def _golden(batch: NDArray[Any], outputs: NDArray[Any], source: Source) -> dict[str, Any]:
    instances = source.examples
    if source.modality == "image":
        instances = [{"b64": base64.b64encode(picture).decode()} for picture in instances]
    return {
        "instances": instances,
        "sha256": [golden.digest(tensor) for tensor in batch],
        "outputs": outputs.tolist(),
    }


def _manifest(source: Source, staged: Path) -> dict[str, Any]:
    found = {each.name: each.version for each in importlib.metadata.distributions()}
    return {
        "format": FORMAT,
        "name": source.modality,
        "version": source.version,
        "modality": source.modality,
        "task": source.task,
        "labels": list(source.labels),
        "engine": "onnx",
        "limits": asdict(source.limits),
        "tolerance": source.tolerance,
        "metrics": source.metrics,
        "provenance": source.provenance,
        "versions": {
            "python": platform.python_version(),
            **{package: found[package] for package in VERSIONED if package in found},
        },
        "files": {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(staged.iterdir())
        },
    }


def _prove(staged: Path) -> None:
    """Open the finished bundle with the serving code and run all its golden instances."""
    bundle = Bundle.open(staged)
    predictor = Predictor(bundle)
    case = golden.parse(bundle.read_json("golden.json"), bundle.manifest.modality)
    golden.check(case, predictor.preprocess, predictor.outputs, bundle.manifest.tolerance)


def _install(staged: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in staged.iterdir():
        shutil.copyfile(path, folder / path.name)


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _say(message: str) -> None:
    print(f"pack: {message}", flush=True)
