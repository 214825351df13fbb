"""Call one function thousands of times with batches of changing sizes, and watch its memory."""

import itertools
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from local import emulator
from local.package import ROOT, Function

LARGEST = {"image": 8, "text": 32, "numeric": 512}  # instances in a call, 1 at least
EARLY = 1_000  # calls after which caches should be full
_POINTS = 200  # samples of memory, about, in a run


@dataclass(frozen=True)
class Course:
    """One function's memory: pairs of the calls so far and MB (MiB) resident after them.

    Among them are the first call, the last, and call EARLY where there was one.
    peak: the most that it ever held, MB.
    same: whether it gave the same answer before and after.
    """

    name: str
    points: Sequence[tuple[int, float]]
    peak: float
    same: bool


def soak(name: str, modality: str, function: Function, calls: int) -> Course:
    """Call a function so many times, directly.

    The first call has all instances of the bundle's golden file, and so has one more after the
    last. The others have 1 to LARGEST of them in turns, the sizes drawn evenly and the same in
    every run. Raises emulator.FunctionError when a call fails or is answered with a problem.
    """
    path = ROOT / "artifacts" / modality / "golden.json"
    instances: Sequence[Any] = json.loads(path.read_text(encoding="utf-8"))["instances"]
    batches = _batches(instances, LARGEST[modality])
    step = max(1, calls // _POINTS)
    with emulator.start(function) as running:
        before = _predictions(running, instances)
        points = [(1, running.memory())]
        for call in range(2, calls + 1):
            _predictions(running, next(batches))
            if call % step == 0 or call in (EARLY, calls):
                points.append((call, running.memory()))
        after = _predictions(running, instances)
        return Course(name, points, running.peak_memory(), before == after)


def _batches(instances: Sequence[Any], largest: int) -> Iterator[Sequence[Any]]:
    """Batches without end, of instances in turns."""
    turns = itertools.cycle(instances)
    sizes = random.Random(0)  # noqa: S311  nobody is to be surprised by them
    while True:
        yield list(itertools.islice(turns, sizes.randint(1, largest)))


def _predictions(running: emulator.Running, instances: Sequence[Any]) -> Sequence[Any]:
    answer = running.invoke({"instances": instances}).payload
    predictions: Sequence[Any] = answer.get("predictions", [])
    if len(predictions) != len(instances):
        raise emulator.FunctionError(f"expected {len(instances)} predictions, got {answer}")
    return predictions
