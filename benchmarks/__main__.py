"""`python -m benchmarks`: measure this package beside its floor, its aim and its alternative."""

import argparse
import functools
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import contenders, machine, report
from benchmarks.measure import Effort, Row, measure
from local import environment, package

FOLDER = Path(__file__).parent
CLOSE = 0.01  # largest difference of a score that still counts as the same answer


def main() -> int:
    """Measure, write the results, print the table; 1 if a contender gives another answer."""
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: stops the emulators
    skipped: list[str] = []
    find_naive = functools.partial(contenders.find_naive, arguments.tensorflow_python)
    engine = _find(contenders.ENGINE, contenders.find_engine, skipped)
    naive = _find(contenders.NAIVE, find_naive, skipped)
    layers = [layer / "python" for layer in package.function("image").layers]
    described = machine.describe([*layers, environment.VAR_RUNTIME])
    effort = Effort(arguments.rounds, arguments.calls, arguments.seconds)
    rows = measure(contenders.contenders(arguments.only, engine, naive), effort, _say)
    facts = {
        "machine": {**described, **(naive.versions if naive else {})},
        "engine": engine.versions if engine else {},
        "rounds": effort.rounds,
        "skipped": skipped,
    }
    print(report.write(rows, facts, arguments.out))
    return _compare(rows)


def _find(
    name: str, find: Callable[[], contenders.Packages], skipped: list[str]
) -> contenders.Packages | None:
    """A contender's packages; None, and a word in `skipped`, where this machine has none."""
    try:
        return find()
    except contenders.Unavailable as exc:
        skipped.append(f"{name}: {exc}")
        _say(f"not measured: {skipped[-1]}")
        return None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("--rounds", type=int, default=7, help="cold starts of each (default: 7)")
    add("--calls", type=int, default=100, help="most warm calls in a round (default: 100)")
    add("--seconds", type=float, default=5.0, help="most seconds of warm calls (default: 5)")
    add("--only", nargs="+", default=list(contenders.EVENTS), choices=list(contenders.EVENTS))
    add("--out", type=Path, default=FOLDER, help="folder of the results (default: benchmarks)")
    add(
        "--tensorflow-python",
        default=sys.executable,
        help="a Python with TensorFlow for the naive handlers (default: this one)",
    )
    return parser


def _compare(rows: Sequence[Row]) -> int:
    """Whether hand-minimal and the Keras engine did this package's work, by their answers."""
    different = 0
    answers = {(row.modality, row.name): contenders.prediction(row.answer) for row in rows}
    for (modality, name), other in answers.items():
        ours = answers[modality, contenders.OURS]
        if name in (contenders.MINIMAL, contenders.ENGINE) and not _same(ours, other):
            _say(f"{modality}: expected one answer, got {ours} and that of {name}, {other}")
            different = 1
    return different


def _same(one: contenders.Prediction | None, other: contenders.Prediction | None) -> bool:
    if one is None or other is None:
        return False
    difference: float = abs(one["score"] - other["score"])
    return bool(one["label"] == other["label"]) and difference < CLOSE


def _say(message: str) -> None:
    print(f"bench: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
