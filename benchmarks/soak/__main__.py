"""`python -m benchmarks.soak`: one container a function, 100,000 mixed requests each."""

import argparse
import dataclasses
import json
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.soak import course, report
from benchmarks.soak.calls import UnexpectedAnswer
from benchmarks.soak.course import Course
from benchmarks.soak.mix import DECK
from local import environment, package

FOLDER = Path(__file__).parents[1]


def main() -> int:
    """Soak the functions, write and print the figures; 1 if a thread or a file was left open."""
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: stops the emulators
    layers = [layer / "python" for layer in package.function("image").layers]
    facts = machine.describe([*layers, environment.VAR_RUNTIME])
    calls = -(-arguments.calls // DECK) * DECK
    try:
        courses = [course.run(one, calls, _tell) for one in arguments.functions]
    except UnexpectedAnswer as exc:
        sys.exit(f"soak: {exc}")
    _write(courses, facts, arguments.out)
    return 0 if all(map(report.is_closed, courses)) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    add = parser.add_argument
    more = f"of each function, rounded up to whole decks of {DECK} (default: 100000)"
    add("--calls", type=int, default=100_000, help=more)
    names = list(course.CARDS)
    add("--functions", nargs="+", choices=names, default=names, help="(default: all three)")
    add("--out", type=Path, default=FOLDER, help="folder of the results (default: benchmarks)")
    return parser


def _tell(line: str) -> None:
    print(f"soak: {line}", file=sys.stderr, flush=True)


def _write(courses: Sequence[Course], facts: Mapping[str, Any], folder: Path) -> None:
    """Write soak.json, soak.md and soak.svg, and print the Markdown."""
    measured = {"machine": facts, "courses": [dataclasses.asdict(course) for course in courses]}
    markdown = report.to_markdown(courses, facts)
    (folder / "soak.json").write_text(json.dumps(measured) + "\n", encoding="utf-8")
    (folder / "soak.md").write_text(markdown, encoding="utf-8")
    (folder / "soak.svg").write_text(report.to_svg(courses), encoding="utf-8")
    print(markdown)


if __name__ == "__main__":
    sys.exit(main())
