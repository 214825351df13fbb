"""Write a bundle: compile, compare, and only then put the files in their place."""

import base64
import hashlib
import importlib.metadata
import json
import platform
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import keras
from numpy.typing import NDArray

from pack.compile import NotCompiled, compare, compile_onnx
from pack.examples import Examples
from serving import golden
from serving.bundle import FORMAT, Bundle, Limits, Output
from serving.predictor import Predictor

VERSIONED = (
    *("keras", "tensorflow", "tensorflow-cpu", "tf2onnx", "onnx", "scikit-learn"),
    *("onnxruntime", "numpy", "pillow", "tokenizers"),
)
FILES = (
    *("model.onnx", "model.onnx.data", "model.keras"),
    *("preprocessing.json", "golden.json", "manifest.json"),
)

type Say = Callable[[str], None]


@dataclass(frozen=True)
class Source:
    """All that a bundle is made from.

    model: loaded, and cut to what follows preprocessing. model_file: the `.keras` file to copy if
    it is that very model. portable: whether Keras alone can load it, without code of the user's or
    a folder of TensorFlow's; one that is not is served compiled or not at all. state: the content
    of `preprocessing.json`. batch: the preprocessed examples. values: the Keras model's outputs
    for them, by name. engine: "onnx" refuses a model that does not compile, "auto" leaves it to
    the engine "keras". tolerance: largest of `golden.differences` that is let through.
    """

    modality: str
    version: str
    model: keras.Model
    model_file: Path | None
    portable: bool
    state: Mapping[str, Any]
    outputs: Sequence[Output]
    examples: Examples
    batch: NDArray[Any]
    values: Mapping[str, NDArray[Any]]
    engine: Literal["auto", "onnx", "keras"]
    limits: Limits
    tolerance: float
    metrics: Mapping[str, float]
    provenance: Mapping[str, str]
    notes: Sequence[str]


def write(source: Source, folder: Path, say: Say) -> None:
    """Compile, verify and write the bundle; the folder is left as it was if anything fails.

    Raises NotCompiled with the reason if the model was to be compiled and cannot be, and
    BundleError if the finished bundle does not give the golden outputs.
    """
    with tempfile.TemporaryDirectory() as scratch:
        staged = Path(scratch) / "bundle"
        staged.mkdir()
        engine = _compile(source, staged / "model.onnx", say)
        _save_model(source, staged / "model.keras")
        _write_json(staged / "preprocessing.json", source.state)
        _write_json(staged / "golden.json", _golden(source))
        _write_json(staged / "manifest.json", _manifest(source, engine, staged))
        say("loading the bundle as a function would")
        _prove(staged)
        _install(staged, folder)


def _compile(source: Source, path: Path, say: Say) -> str:
    """Write the ONNX model if there is to be one, and say which engine serves the bundle."""
    if source.engine == "keras":
        _demand_portable(source, "--engine keras was named")
        return "keras"
    say("compiling to ONNX")
    try:
        compile_onnx(source.model, source.batch, path)
        for difference in compare(source.model, path, source.batch, source.tolerance):
            say(
                f"Keras and ONNX on {difference.inputs}:"
                f" largest difference {difference.largest:.2e}, mean {difference.mean:.2e}"
            )
    except NotCompiled as exc:
        if source.engine == "onnx":
            raise
        _demand_portable(source, str(exc))
        for file in path.parent.glob("model.onnx*"):
            file.unlink()
        say(f"not compiled: {exc}")
        say("the bundle is marked for the Keras engine, which needs TensorFlow where it is served")
        return "keras"
    return "onnx"


def _demand_portable(source: Source, why: str) -> None:
    if not source.portable:
        raise NotCompiled(
            f"{why}, and the Keras engine cannot serve it: it loads a .keras file without custom"
            " objects, Lambda layers or SavedModels"
        )


def _save_model(source: Source, path: Path) -> None:
    if not source.portable:
        return
    if source.model_file:
        shutil.copyfile(source.model_file, path)
        return
    source.model.save(path)


def _golden(source: Source) -> dict[str, Any]:
    few, kept = source.examples.few()
    instances = few.instances
    if source.modality == "image":
        instances = [{"b64": base64.b64encode(picture).decode()} for picture in instances]
    return {
        "source": "generated" if few.generated else "examples",
        "instances": instances,
        "sha256": [golden.digest(source.batch[place, ...]) for place in kept],
        "outputs": {name: values[kept].tolist() for name, values in source.values.items()},
    }


def _manifest(source: Source, engine: str, staged: Path) -> dict[str, Any]:
    found = {each.name: each.version for each in importlib.metadata.distributions()}
    return {
        "format": FORMAT,
        "name": source.modality,
        "version": source.version,
        "modality": source.modality,
        "outputs": [output._asdict() for output in source.outputs],
        "engine": engine,
        "limits": source.limits._asdict(),
        "tolerance": source.tolerance,
        "metrics": source.metrics,
        "provenance": source.provenance,
        "notes": list(source.notes),
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
    predictor.predict(case.instances[:1])


def _install(staged: Path, folder: Path) -> None:
    """Put the files in place; those of an earlier bundle that this one lacks are removed.

    All are copied before the first is renamed, so that a full disk leaves the folder as it was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    blocked = [name for name in FILES if (folder / name).is_dir()]
    if blocked:
        raise ValueError(f"{folder}: expected to write {blocked[0]}, found a folder of that name")
    with tempfile.TemporaryDirectory(prefix=".pack-", dir=folder) as beside:
        shutil.copytree(staged, beside, dirs_exist_ok=True)
        for name in FILES:
            if (staged / name).exists():
                (Path(beside) / name).replace(folder / name)
            else:
                (folder / name).unlink(missing_ok=True)


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
