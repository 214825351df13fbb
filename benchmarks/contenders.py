"""Who is measured, and on what."""

import dataclasses
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import Contender
from local import package, payloads
from local.package import ROOT, Function

HANDLERS = ROOT / "benchmarks" / "handlers"
SCRATCH = ROOT / ".build" / "benchmarks"
FLOOR, MINIMAL, OURS, NAIVE = "bare handler", "hand-minimal", "this package", "naive TensorFlow"
BUNDLES = str(ROOT / "artifacts")  # the built package has the same, less model.keras
EVENTS = {
    "image": "image_rest_cat",
    "text": "text_rest_review",
    "numeric": "numeric_rest_application",
}


type Prediction = Mapping[str, Any]


class Unavailable(Exception):
    """This machine lacks what a contender needs."""


@dataclass(frozen=True)
class Rivals:
    """TensorFlow's packages as a layer, and the versions in it."""

    layer: Path
    versions: Mapping[str, str]


def contenders(modalities: Sequence[str], rivals: Rivals | None) -> list[Contender]:
    """All contenders of these modalities, the naive ones where TensorFlow is at hand."""
    found = []
    for modality in modalities:
        event = payloads.load(EVENTS[modality])
        for name, function in _functions(modality, rivals).items():
            found.append(Contender(modality, name, function, event))
    return found


def find_rivals(python: str) -> Rivals:
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
    layer = SCRATCH / "tensorflow"
    layer.mkdir(exist_ok=True)
    link = layer / "python"
    link.unlink(missing_ok=True)
    link.symlink_to(found["packages"])
    return Rivals(layer, found["versions"])


def _functions(modality: str, rivals: Rivals | None) -> Mapping[str, Function]:
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
    if rivals is None:
        return functions
    handler = f"naive_{modality}.handler"
    naive = dataclasses.replace(rival, handler=handler, layers=(rivals.layer,), timeout=120)
    return {**functions, NAIVE: naive}


def prediction(answer: Any) -> Prediction | None:
    """The one prediction in a contender's answer; None for the floor's, which has none."""
    if "body" not in answer:
        return None
    predictions = json.loads(answer["body"])["predictions"]
    return {"label": predictions[0]["label"], "score": float(predictions[0]["score"])}
