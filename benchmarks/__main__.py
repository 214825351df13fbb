"""`python -m benchmarks`: measure this package beside its floor, its aim and its alternative."""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import contenders, machine, report
from benchmarks.measure import Effort, Row, measure
from local import environment, package

FOLDER = Path(__file__).parent
CLOSE = 0.01  # largest difference of a score that still counts as the same answer


def main() -> int:
    """Measure, write the results, print the table; 1 if hand-minimal gives another answer."""
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: stops the emulators
    skipped: list[str] = []
    rivals = None
    try:
        rivals = contenders.find_rivals(arguments.tensorflow_python)
    except contenders.Unavailable as exc:
        skipped.append(f"{contenders.NAIVE}: {exc}")
    layers = [layer / "python" for layer in package.function("image").layers]
    described = machine.describe([*layers, environment.VAR_RUNTIME])
    effort = Effort(arguments.rounds, arguments.calls, arguments.seconds)
    rows = measure(contenders.contenders(arguments.only, rivals), effort, _say)
    versions = rivals.versions if rivals else {}
    facts = {
        "machine": {**described, **versions},
        "rounds": effort.rounds,
        "skipped": skipped,
    }
    print(report.write(rows, facts, arguments.out))
    return _compare(rows)


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
    """Whether hand-minimal did the same work as this package, by its answer."""
    different = 0
    answers = {(row.modality, row.name): contenders.prediction(row.answer) for row in rows}
    for modality in dict.fromkeys(row.modality for row in rows):
        ours = answers[modality, contenders.OURS]
        minimal = answers[modality, contenders.MINIMAL]
        if ours is None or minimal is None or not _same(ours, minimal):
            _say(f"{modality}: expected one answer, got {ours} and hand-minimal's {minimal}")
            different = 1
    return different


def _same(one: contenders.Prediction, other: contenders.Prediction) -> bool:
    difference: float = abs(one["score"] - other["score"])
    return bool(one["label"] == other["label"]) and difference < CLOSE


def _say(message: str) -> None:
    print(f"bench: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
