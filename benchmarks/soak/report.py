"""The soak's figures as a table and a chart."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.lines import Line, Panel, draw
from benchmarks.soak.course import Bucket, Course, Sample
from benchmarks.soak.mix import DECK, PROBE
from benchmarks.svg import COLOURS

PER = 10_000  # calls that the slope is told for
HEIGHT = 210  # pixels of a panel


def to_markdown(courses: Sequence[Course], facts: Mapping[str, Any]) -> str:
    """A line a function for memory, one for latency, and what each was sent."""
    calls = courses[0].samples[-1].calls
    machine = ", ".join(f"{name} {value}" for name, value in facts.items())
    lines = [
        "# Soak",
        "",
        f"{calls:,} mixed calls of each built function, one after the other in one container under",
        "the Lambda runtime interface emulator, uploads in moto's S3. Every answer had the status",
        "and the number of predictions that it must have; what was sent more than once alone was",
        f"answered alike to the last digit each time. Every {PROBE}th call is the probe, the same",
        f"small request; the mix repeats every {DECK} calls, in another order and with other",
        "inputs. One call went before.",
        "",
        f"- machine: {machine}",
        "- growth: least squares over the second half of the calls; range: in that half",
        "- tenths: medians (least to most) of their buckets, the first bucket left out",
        "",
        "Memory of the functions' Python process, MB (MiB):",
        "",
        f"| | first call | after {DECK} | half | end | growth per {PER:,} | range | peak"
        " | threads | open files |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *map(_memory, courses),
        "",
        "The probe's latency, ms, and processor time of the process, ms a call, in the first and",
        "the last tenth:",
        "",
        "| | p50 | last | p99 | last | CPU | last |",
        "|---|---|---|---|---|---|---|",
        *map(_latency, courses),
        "",
        "What was sent, and how often:",
        "",
        *(line for course in courses for line in _sent(course)),
    ]
    return "\n".join(lines) + "\n"


def is_closed(course: Course) -> bool:
    """Whether no more threads and files are open at the end than after the first deck."""
    first, last = _settled(course), course.samples[-1]
    return (first.threads, first.files) == (last.threads, last.files)


def to_svg(courses: Sequence[Course]) -> str:
    """Memory, latency and processor time over calls."""
    memory = [
        _line(course, [(sample.calls, sample.memory) for sample in course.samples], "{:.0f}")
        for course in courses
    ]
    p50 = [_line(course, _over(course, lambda one: one.p50), "{:.1f}") for course in courses]
    p99 = [_line(course, _over(course, lambda one: one.p99), "{:.1f}, p99") for course in courses]
    dashed = [Line(line.label, line.points, line.colour, dashed=True) for line in p99]
    cpu = [_line(course, _over(course, lambda one: one.cpu), "{:.1f}") for course in courses]
    panels = [
        Panel("resident memory, MB, over mixed calls", memory),
        Panel("latency of the same small request, ms: median and p99", [*p50, *dashed]),
        Panel("processor time, ms a call, of all calls", cpu),
    ]
    return draw(panels, HEIGHT)


def _line(course: Course, points: Sequence[tuple[int, float]], shown: str) -> Line:
    label = f"{course.modality}: {shown.format(points[-1][1])}"
    return Line(label, points, COLOURS[course.modality])


def _over(course: Course, value: Callable[[Bucket], float]) -> list[tuple[int, float]]:
    return [(bucket.calls, value(bucket)) for bucket in course.buckets]


def _settled(course: Course) -> Sample:
    """When every kind was there once."""
    return course.samples[1]


def _memory(course: Course) -> str:
    first, settled, last = course.samples[0], _settled(course), course.samples[-1]
    half = [sample for sample in course.samples if sample.calls >= last.calls / 2]
    values = [sample.memory for sample in half]
    cells = [
        *(f"{sample.memory:.0f}" for sample in (first, settled, half[0], last)),
        _growth(half),
        f"{min(values):.1f} to {max(values):.1f}",
        f"{course.peak:.0f}",
        f"{settled.threads}, {last.threads}",
        f"{settled.files}, {last.files}",
    ]
    return _row(course.modality, cells)


def _growth(samples: Sequence[Sample]) -> str:
    if len(samples) < 2:
        return ""
    calls, memory = zip(*((sample.calls, sample.memory) for sample in samples), strict=True)
    return f"{PER * statistics.linear_regression(calls, memory).slope:+.2f}"


def _latency(course: Course) -> str:
    """First and last tenth; the first bucket, in which the process warms up, is in neither."""
    tenth = max(1, len(course.buckets) // 10)
    first, last = course.buckets[1 : tenth + 1] or course.buckets, course.buckets[-tenth:]
    values: tuple[Callable[[Bucket], float], ...] = (
        lambda bucket: bucket.p50,
        lambda bucket: bucket.p99,
        lambda bucket: bucket.cpu,
    )
    cells = [_spread(list(map(value, part))) for value in values for part in (first, last)]
    return _row(course.modality, cells)


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def _row(name: str, cells: Sequence[str]) -> str:
    return f"| {' | '.join([name, *cells])} |"


def _sent(course: Course) -> list[str]:
    kinds, entrances = (
        ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items()))
        for counts in (course.kinds, course.entrances)
    )
    return [f"- {course.modality}: {kinds}; by {entrances}; in {course.seconds / 60:.1f} minutes"]
