"""`python -m benchmarks.memory`: memory over 10,000 calls of changing batch sizes."""

import argparse
import dataclasses
import itertools
import json
import random
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import contenders, machine
from benchmarks.contenders import ENGINE, OURS
from benchmarks.lines import Line, Panel, draw
from benchmarks.svg import COLOURS
from local import emulator, environment, package
from local.package import ROOT, Function

FOLDER = Path(__file__).parent
LARGEST = {"image": 8, "text": 32, "numeric": 512}  # instances in a call, 1 at least
EARLY = 1_000  # calls after which caches should be full
_POINTS = 200  # samples of memory, about, in a run
HEIGHT = 420  # pixels of the chart
ONEDNN = "TensorFlow's default"


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


def main() -> int:
    """Soak every function, write and print the figures; 1 if an answer changed on the way."""
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: stops the emulators
    try:
        engine = contenders.find_engine()
    except machine.Unavailable as exc:
        sys.exit(f"memory: {ENGINE}: {exc}")
    layers = [layer / "python" for layer in package.function("image").layers]
    described = machine.describe([*layers, environment.VAR_RUNTIME])
    facts = {"machine": described, "engine": engine.versions, "calls": arguments.calls}
    courses = []
    for name, modality, function in _functions():
        courses.append(soak(name, modality, function, arguments.calls))
        print(f"memory: {_line(courses[-1])}", file=sys.stderr, flush=True)
    _write(courses, facts, arguments.out)
    return 0 if all(course.same for course in courses) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    add = parser.add_argument
    add("--calls", type=int, default=10_000, help="of each function (default: 10000)")
    add("--out", type=Path, default=FOLDER, help="folder of the results (default: benchmarks)")
    return parser


def _functions() -> Iterator[tuple[str, str, Function]]:
    """Name, modality and function of the Keras engine, of one with oneDNN, and of the zip."""
    for modality in LARGEST:
        yield f"{modality}, {ENGINE}", modality, contenders.keras_engine(modality)
    ours = contenders.keras_engine("numeric")
    variables = {**ours.environment, "TF_ENABLE_ONEDNN_OPTS": "1"}
    default = dataclasses.replace(ours, environment=variables)
    yield f"numeric, {ONEDNN}", "numeric", default
    for modality in LARGEST:
        yield f"{modality}, {OURS}", modality, package.function(modality)


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


def _write(courses: Sequence[Course], facts: Mapping[str, Any], folder: Path) -> None:
    """Write memory.json, memory.md and memory.svg, and print the Markdown."""
    measured = {**facts, "courses": [dataclasses.asdict(course) for course in courses]}
    markdown = to_markdown(courses, facts)
    (folder / "memory.json").write_text(json.dumps(measured) + "\n", encoding="utf-8")
    (folder / "memory.md").write_text(markdown, encoding="utf-8")
    (folder / "memory.svg").write_text(to_svg(courses), encoding="utf-8")
    print(markdown)


def to_markdown(courses: Sequence[Course], facts: Mapping[str, Any]) -> str:
    """A line a function, and what it was taken on."""
    described, engine = (
        ", ".join(f"{name} {value}" for name, value in facts[kind].items())
        for kind in ("machine", "engine")
    )
    sizes = ", ".join(f"{modality} 1 to {most}" for modality, most in LARGEST.items())
    lines = [
        "# Memory",
        "",
        f"Resident memory of the functions' Python process, MB (MiB), over {facts['calls']:,}",
        "direct calls under the Lambda runtime interface emulator. Instances: the bundles' golden",
        "ones in turns. Answers: whether all golden instances were answered alike before and",
        "after, to the last digit.",
        "",
        f"- batch sizes, drawn evenly: {sizes}",
        f"- {ENGINE}: the container image's function; {OURS}: the zip's, under ONNX Runtime",
        f"- {ONEDNN}: the {ENGINE} with TF_ENABLE_ONEDNN_OPTS=1, which it sets to 0 itself",
        f"- machine: {described}",
        f"- packages of the {ENGINE}: {engine}",
        "",
        f"| | after the first call | after {EARLY:,} | at the end | since call {EARLY:,} | peak"
        " | answers |",
        "|---|---|---|---|---|---|---|",
        *map(_line, courses),
    ]
    return "\n".join(lines) + "\n"


def _line(course: Course) -> str:
    first, last = course.points[0][1], course.points[-1][1]
    early = dict(course.points).get(EARLY)
    since = ("", "") if early is None else (f"{early:.0f}", f"{last - early:+.1f}")
    answers = "same" if course.same else "changed"
    cells = [course.name, f"{first:.0f}", since[0], f"{last:.0f}", since[1], f"{course.peak:.0f}"]
    return f"| {' | '.join([*cells, answers])} |"


def to_svg(courses: Sequence[Course]) -> str:
    """Memory over calls, a line a function, named at its end."""
    lines = [
        Line(
            f"{course.name}: {course.points[-1][1]:.0f}",
            course.points,
            "#c0392b" if ONEDNN in course.name else COLOURS[course.name.partition(",")[0]],
            dashed=OURS in course.name,
        )
        for course in courses
    ]
    return draw([Panel("resident memory, MB, over calls", lines)], HEIGHT)


if __name__ == "__main__":
    sys.exit(main())
