"""Who is measured, and on what."""

import dataclasses
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.measure import Contender
from local import package, payloads
from local.package import ROOT, Function

HANDLERS = ROOT / "benchmarks" / "handlers"
SCRATCH = ROOT / ".build" / "benchmarks"
KERAS = ROOT / ".build" / "keras"  # the container image's packages, installed without Docker
FLOOR, MINIMAL, OURS, NAIVE = "bare handler", "hand-minimal", "this package", "naive TensorFlow"
IMPORT, ENGINE = "import Keras", "Keras engine"
BUNDLES = str(ROOT / "artifacts")  # the built package has the same, less model.keras
SLOW = 120  # seconds a function with TensorFlow may take; more than it needs on a busy machine
EVENTS = {
    "image": "image_rest_cat",
    "text": "text_rest_review",
    "numeric": "numeric_rest_application",
}

type Prediction = Mapping[str, Any]


class Unavailable(Exception):
    """This machine lacks what a contender needs."""


@dataclass(frozen=True)
class Packages:
    """TensorFlow and what goes with it as a layer, and the versions in it."""

    layer: Path
    versions: Mapping[str, str]


def contenders(
    modalities: Sequence[str], engine: Packages | None, naive: Packages | None
) -> list[Contender]:
    """All contenders of these modalities, those with TensorFlow where their packages are."""
    found = []
    for modality in modalities:
        event = payloads.load(EVENTS[modality])
        for name, function in _functions(modality, engine, naive).items():
            found.append(Contender(modality, name, function, event))
    return found


def find_engine() -> Packages:
    """The packages of the container image. Raises Unavailable where they are not installed."""
    stamp = KERAS / ".stamp"
    if not stamp.is_file():
        name = stamp.relative_to(ROOT)
        raise Unavailable(f"its packages are not installed: run `make {name}`")
    names = ("tensorflow", "tensorflow-cpu", "keras", "numpy", "pillow", "orjson")
    return Packages(KERAS, machine.versions([KERAS / "python"], names))


def find_naive(python: str) -> Packages:
    """Prepare the naive handlers with the Python that has TensorFlow.

    Raises Unavailable where it has none, or is of another version than this one.
    """
    command = [python, str(ROOT / "benchmarks" / "naive.py"), BUNDLES, str(SCRATCH)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise Unavailable(f"the naive handlers cannot be prepared: {reason[0]}")
    found = json.loads(done.stdout.splitlines()[-1])
    expected = list(sys.version_info[:2])
    if found["python"] != expected:
        raise Unavailable(f"expected TensorFlow for Python {expected}, got {found['python']}")
    return Packages(_layer("tensorflow", found["packages"]), found["versions"])


def keras_engine(modality: str) -> Function:
    """The built function under the engine keras, on the packages of the container image."""
    ours = package.function(modality)
    [built] = [layer for layer in ours.layers if (layer / "artifacts").is_dir()]
    # Without the built layer's bundles: a zip has no model.keras.
    serving = _layer("serving", built / "python")
    variables = {**ours.environment, "ARTIFACTS_DIR": BUNDLES, "ENGINE": "keras"}
    return dataclasses.replace(ours, layers=(KERAS, serving), environment=variables, timeout=SLOW)


def _layer(name: str, packages: Path | str) -> Path:
    """A layer of packages that lie elsewhere."""
    link = SCRATCH / name / "python"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(packages)
    return link.parent


def _functions(
    modality: str, engine: Packages | None, naive: Packages | None
) -> Mapping[str, Function]:
    """A function for each contender, all with this package's memory size and variables."""
    ours = package.function(modality)
    variables = {
        **ours.environment,
        "ARTIFACTS_DIR": BUNDLES,
        "NAIVE_DIR": str(SCRATCH),
        # The first round, which does not count, leaves the rivals' bytecode compiled.
        "PYTHONDONTWRITEBYTECODE": "",
    }
    rival = dataclasses.replace(ours, task_root=HANDLERS, environment=variables)
    functions = {
        FLOOR: dataclasses.replace(rival, handler="bare.handler"),
        MINIMAL: dataclasses.replace(rival, handler=f"minimal_{modality}.handler"),
        OURS: ours,
    }
    if engine:
        floor = dataclasses.replace(functions[FLOOR], layers=(engine.layer,), timeout=SLOW)
        functions |= {IMPORT: dataclasses.replace(floor, handler="import_keras.handler")}
        functions |= {ENGINE: keras_engine(modality)}
    if naive:
        slow = dataclasses.replace(rival, layers=(naive.layer,), timeout=SLOW)
        functions |= {NAIVE: dataclasses.replace(slow, handler=f"naive_{modality}.handler")}
    return functions


def prediction(answer: Any) -> Prediction | None:
    """The one prediction in a contender's answer; None for the floor's, which has none."""
    if "body" not in answer:
        return None
    predictions = json.loads(answer["body"])["predictions"]
    return {"label": predictions[0]["label"], "score": float(predictions[0]["score"])}
