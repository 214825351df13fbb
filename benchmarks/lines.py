"""Curves over numbers of calls, as SVG: panels below each other, each with an axis from 0."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.svg import document

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 720, 45, 215, 35, 35
LABEL = 15  # pixels from one label to the next, at least
MOST_GRID_LINES = 8


@dataclass(frozen=True)
class Line:
    """One curve: what stands at its end, and its points, calls and value."""

    label: str
    points: Sequence[tuple[int, float]]
    colour: str
    dashed: bool = False


@dataclass(frozen=True)
class Panel:
    """Curves on one axis, which ends above the highest of them."""

    title: str
    lines: Sequence[Line]

    def top(self) -> float:
        """The highest line of the grid."""
        highest = max(value for line in self.lines for _, value in line.points)
        return math.ceil(highest / self.step()) * self.step()

    def step(self) -> float:
        """From one line of the grid to the next: 1, 2 or 5 times a power of ten."""
        highest = max(value for line in self.lines for _, value in line.points)
        power = 10.0 ** math.floor(math.log10(highest))
        steps = (power * part for part in (0.1, 0.2, 0.5, 1, 2))
        return next(step for step in steps if highest / step <= MOST_GRID_LINES)


def draw(panels: Sequence[Panel], height: int) -> str:
    """A chart; height: of each panel with its title and numbers, in pixels."""
    shapes = [
        shape
        for number, panel in enumerate(panels)
        for shape in _panel(panel, number * height, (number + 1) * height)
    ]
    return document(shapes, WIDTH, len(panels) * height)


def _panel(panel: Panel, upper: int, lower: int) -> list[str]:
    """Between two heights in the chart."""
    calls = max(call for line in panel.lines for call, _ in line.points)
    top, step = panel.top(), panel.step()

    def y(value: float) -> float:
        return lower - BOTTOM - (lower - upper - BOTTOM - TOP) * value / top

    def x(call: float) -> float:
        return LEFT + (WIDTH - RIGHT - LEFT) * call / calls

    shapes = [f'<text x="0" y="{upper + 16}" font-weight="bold">{panel.title}</text>']
    for count in range(round(top / step) + 1):
        shapes.append(_grid_line(count * step, y(count * step)))
    for call in (0, calls // 2, calls):
        middle = f'x="{x(call):.1f}" y="{lower - 10}" text-anchor="middle"'
        shapes.append(f"<text {middle}>{call:,}</text>")
    below = 0.0
    for line in sorted(panel.lines, key=lambda line: -line.points[-1][1]):
        below = max(y(line.points[-1][1]), below + LABEL)
        steps = " ".join(f"{x(call):.1f},{y(value):.1f}" for call, value in line.points)
        shapes.append(_curve(line, steps, below))
    return shapes


def _grid_line(value: float, y: float) -> str:
    return (
        f'<path d="M{LEFT},{y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
        f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'
    )


def _curve(line: Line, steps: str, label: float) -> str:
    dashes = ' stroke-dasharray="5 3"' if line.dashed else ""
    place = f'x="{WIDTH - RIGHT + 6}" y="{label + 4:.1f}"'
    return (
        f'<path d="M{steps}" fill="none" stroke="{line.colour}" stroke-width="1.5"{dashes}/>'
        f'<text {place} fill="{line.colour}">{line.label}</text>'
    )
