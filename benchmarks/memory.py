"""`python -m benchmarks.memory`: memory over 10,000 calls of changing batch sizes."""

import argparse
import dataclasses
import json
import math
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import contenders, machine
from benchmarks.contenders import ENGINE, OURS
from benchmarks.soak import EARLY, LARGEST, Course, soak
from local import environment, package
from local.package import Function

FOLDER = Path(__file__).parent
ONEDNN = "TensorFlow's default"
COLOURS = {"image": "#5f8dd3", "text": "#d9822b", "numeric": "#1b7f4b"}


def main() -> int:
    """Soak every function, write and print the figures; 1 if an answer changed on the way."""
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: stops the emulators
    try:
        engine = contenders.find_engine()
    except contenders.Unavailable as exc:
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


WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 420, 45, 215, 35, 35
LABEL = 15  # pixels from one label to the next, at least
GRID = 100  # MB between lines


def to_svg(courses: Sequence[Course]) -> str:
    """Memory over calls, a line a function, named at its end; the axis starts at 0."""
    calls = max(course.points[-1][0] for course in courses)
    top = math.ceil(max(course.peak for course in courses) / GRID) * GRID
    shapes = ['<text x="0" y="16" font-weight="bold">resident memory, MB, over calls</text>']
    shapes += [_grid_line(value, top) for value in range(0, top + 1, GRID)]
    shapes += [_call(number, calls) for number in (0, calls // 2, calls)]
    below = 0.0
    for course in sorted(courses, key=lambda course: -course.points[-1][1]):
        label = max(_y(course.points[-1][1], top), below + LABEL)
        below = label
        shapes.append(_curve(course, calls, top, label))
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    style = 'font-family="sans-serif" font-size="12" fill="#333"'
    body = "\n".join(shapes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n{body}\n</svg>\n'
    )


def _y(megabytes: float, top: int) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * megabytes / top


def _grid_line(megabytes: int, top: int) -> str:
    y = _y(megabytes, top)
    return (
        f'<path d="M{LEFT},{y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
        f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{megabytes}</text>'
    )


def _call(number: int, calls: int) -> str:
    x = LEFT + (WIDTH - RIGHT - LEFT) * number / calls
    return f'<text x="{x:.1f}" y="{HEIGHT - 10}" text-anchor="middle">{number:,}</text>'


def _curve(course: Course, calls: int, top: int, label: float) -> str:
    right = WIDTH - RIGHT
    steps = [
        f"{LEFT + (right - LEFT) * call / calls:.1f},{_y(megabytes, top):.1f}"
        for call, megabytes in course.points
    ]
    colour = "#c0392b" if ONEDNN in course.name else COLOURS[course.name.partition(",")[0]]
    dashes = ' stroke-dasharray="5 3"' if OURS in course.name else ""
    last = course.points[-1][1]
    return (
        f'<path d="M{" ".join(steps)}" fill="none" stroke="{colour}" stroke-width="1.5"{dashes}/>'
        f'<text x="{right + 6}" y="{label + 4:.1f}" fill="{colour}">{course.name}: {last:.0f}'
        "</text>"
    )


if __name__ == "__main__":
    sys.exit(main())
