"""The sweep as SVG: a line of panels a function, warm p50 and dollars over memory size."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.svg import document
from benchmarks.sweep.rows import Row

WIDTH, PANEL, HEIGHT = 760, 300, 190
LEFT, TOP, GAP, BELOW = 45, 24, 75, 45  # pixels around a panel: axis, title, between, sizes
COLOURS = ("#1b7f4b", "#5f8dd3", "#d9822b", "#7a4fa3")  # of a function's inputs in turns
MARKED = (128, 256, 512, 1024, 1769, 3008)  # sizes named below a panel


@dataclass(frozen=True)
class Panel:
    """Where the panel is, and the scales of its two axes, both logarithmic."""

    left: int
    top: int
    sizes: tuple[int, int]
    values: tuple[float, float]

    def x(self, megabytes: int) -> float:
        low, high = self.sizes
        return self.left + PANEL * _part(megabytes, low, high)

    def y(self, value: float) -> float:
        return self.top + HEIGHT * (1 - _part(value, *self.values))


def to_svg(rows: Sequence[Row]) -> str:
    """Sizes at which a container was killed have no point."""
    shapes: list[str] = []
    modalities = list(dict.fromkeys(row.modality for row in rows))
    line = TOP + HEIGHT + BELOW + 20
    for number, modality in enumerate(modalities):
        own = [row for row in rows if row.modality == modality and not row.killed]
        top = number * line + 20 + TOP
        shapes += _legend(list(dict.fromkeys(row.input for row in own)), modality, top)
        shapes += _panel(own, LEFT, top, "warm p50, ms, by MB", lambda row: row.p50)
        right = LEFT + PANEL + GAP
        shapes += _panel(own, right, top, "dollars a million, by MB", lambda row: row.dollars)
    height = len(modalities) * line + 5
    return document(shapes, WIDTH, height)


def _legend(names: Sequence[str], modality: str, top: int) -> list[str]:
    """The function's name and its inputs' in their colours, above its panels."""
    shapes = [f'<text x="0" y="{top - 26}" font-weight="bold">{modality}</text>']
    for place, (name, colour) in enumerate(zip(names, COLOURS, strict=False)):
        x = LEFT + 40 + place * 130
        shapes.append(
            f'<path d="M{x},{top - 30}h22" stroke="{colour}" stroke-width="2.5"/>'
            f'<text x="{x + 28}" y="{top - 26}">{name}</text>'
        )
    return shapes


def _panel(
    rows: Sequence[Row], left: int, top: int, title: str, value: Callable[[Row], float | None]
) -> list[str]:
    found = [(row, number) for row in rows if (number := value(row)) is not None]
    if not found:
        return []
    sizes = [row.megabytes for row, _ in found]
    panel = Panel(left, top, (min(sizes), max(sizes)), _bounds([number for _, number in found]))
    shapes = [f'<text x="{left}" y="{top - 8}" fill="#777">{title}</text>']
    shapes += [_across(panel, tick) for tick in _ticks(panel.values)]
    shapes += [_down(panel, size) for size in MARKED if panel.sizes[0] <= size <= panel.sizes[1]]
    names = dict.fromkeys(row.input for row, _ in found)
    for name, colour in zip(names, COLOURS, strict=False):
        points = [(row.megabytes, number) for row, number in found if row.input == name]
        shapes.append(_curve(panel, points, colour))
    return shapes


def _curve(panel: Panel, points: Sequence[tuple[int, float]], colour: str) -> str:
    places = [(panel.x(megabytes), panel.y(value)) for megabytes, value in points]
    steps = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in places)
    line = f'<path d="M{steps}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
    return f'{line}<g fill="{colour}">{dots}</g>'


def _across(panel: Panel, value: float) -> str:
    y = panel.y(value)
    return (
        f'<path d="M{panel.left},{y:.1f}h{PANEL}" stroke="#e4e4e4"/>'
        f'<text x="{panel.left - 6}" y="{y + 4:.1f}" text-anchor="end">{value:,g}</text>'
    )


def _down(panel: Panel, megabytes: int) -> str:
    x, bottom = panel.x(megabytes), panel.top + HEIGHT
    return (
        f'<path d="M{x:.1f},{panel.top}V{bottom}" stroke="#f0f0f0"/>'
        f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{megabytes:,}</text>'
    )


def _bounds(values: Sequence[float]) -> tuple[float, float]:
    """From the tick below the least to the tick above the most."""
    low, high = min(values), max(values)
    ticks = _ticks((low / 10, high * 10))
    return max(t for t in ticks if t <= low), min(t for t in ticks if t >= high)


def _ticks(values: tuple[float, float]) -> list[float]:
    """1, 2 and 5 of every power of ten between two values."""
    powers = range(math.floor(math.log10(values[0])), math.ceil(math.log10(values[1])) + 1)
    steps = (digit * 10.0**power for power in powers for digit in (1, 2, 5))
    return [step for step in steps if values[0] <= step <= values[1]]


def _part(value: float, low: float, high: float) -> float:
    """Where a value is between two others on a logarithmic scale, 0 to 1."""
    return math.log(value / low) / math.log(high / low) if high > low else 0.5
