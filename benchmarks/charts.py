"""Figures to charts: small panels of dots on logarithmic scales, as SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import peers
from benchmarks.contenders import ENGINE, FLOOR, IMPORT, MINIMAL, NAIVE, OURS
from benchmarks.figures import Figure, Row
from benchmarks.svg import document

WIDTH, LINE, TITLE, GAP = 760, 17, 24, 26
EDGE = 6  # pixels left free on either side
LABEL, VALUE = 104, 54  # pixels for a contender's name and for its figure
SERVER = "#b3564d"
COLOURS = {
    FLOOR: "#9aa0a6",
    MINIMAL: "#3f74c4",
    OURS: "#1b7f4b",
    IMPORT: "#b49bd0",
    ENGINE: "#7a4fa3",
    NAIVE: "#d9822b",
    **dict.fromkeys(peers.NAMES, SERVER),
}


@dataclass(frozen=True)
class Panel:
    """A title and, by contender, milliseconds."""

    title: str
    figures: Sequence[tuple[str, Figure]]


def cold(rows: Sequence[Row]) -> str:
    """The cold start of every contender, a panel a workload; one scale."""
    panels = []
    for workload in dict.fromkeys(row.workload for row in rows):
        figures = [(row.name, row.cold) for row in rows if row.workload == workload]
        panels.append(Panel(f"{workload}, cold start", figures))
    scale = _limits(panels)
    grid = [panels[start : start + 2] for start in range(0, len(panels), 2)]
    note = "process start to first answer; median, least and most; logarithmic scale"
    return _svg([[(panel, scale) for panel in line] for line in grid], 2, note)


def warm(rows: Sequence[Row]) -> str:
    """The warm p50 of every contender, a line of panels a workload; a panel's own scale."""
    grid = []
    for workload in dict.fromkeys(row.workload for row in rows):
        of_workload = [row for row in rows if row.workload == workload and row.name != IMPORT]
        panels = [
            Panel(f"{workload}, {name}", [(row.name, row.warm[name].p50) for row in of_workload])
            for name in of_workload[0].warm
        ]
        grid.append([(panel, _limits([panel])) for panel in panels])
    columns = max(len(line) for line in grid)
    note = "warm p50, one request at a time; least and most of a round; logarithmic scales"
    return _svg(grid, columns, note)


type Scale = tuple[float, float]


def _limits(panels: Sequence[Panel]) -> Scale:
    """The least and the most of all, with some room, as powers of ten."""
    figures = [figure for panel in panels for _, figure in panel.figures]
    low, high = min(one.least for one in figures), max(one.most for one in figures)
    return math.log10(low) - 0.08, math.log10(high) + 0.08


def _svg(grid: Sequence[Sequence[tuple[Panel, Scale]]], columns: int, note: str) -> str:
    width = (WIDTH - 2 * EDGE - GAP * (columns - 1)) // columns
    shapes, y = [], 0
    for line in grid:
        for column, (panel, scale) in enumerate(line):
            shapes.append(f'<g transform="translate({EDGE + column * (width + GAP)},{y})">')
            shapes += [*_panel(panel, scale, width), "</g>"]
        y += TITLE + LINE * max(len(panel.figures) for panel, _ in line) + GAP
    y += 8
    shapes.append(f'<text x="{EDGE}" y="{y}" fill="#666">{note}</text>')
    y += 10
    return document(shapes, WIDTH, y, font=11)


def _panel(panel: Panel, scale: Scale, width: int) -> list[str]:
    right, bottom = width - VALUE, TITLE + LINE * len(panel.figures)
    shapes = [f'<text x="0" y="14" font-weight="bold">{panel.title}</text>']
    for tick in _ticks(scale, right - LABEL):
        x = _x(tick, scale, right)
        shapes.append(f'<path d="M{x:.1f},{TITLE}V{bottom}" stroke="#e3e3e3"/>')
        shapes.append(
            f'<text x="{x:.1f}" y="{bottom + 11}" fill="#888" font-size="9"'
            f' text-anchor="middle">{_time(tick)}</text>'
        )
    for number, (name, figure) in enumerate(panel.figures):
        shapes.append(_dot(name, figure, scale, right, TITLE + LINE * number + LINE // 2))
    return shapes


def _dot(name: str, figure: Figure, scale: Scale, right: int, y: int) -> str:
    least, median, most = (
        _x(value, scale, right) for value in (figure.least, figure.median, figure.most)
    )
    colour, weight = COLOURS[name], ' font-weight="bold"' if name == OURS else ""
    return (
        f'<text x="0" y="{y + 4}"{weight}>{name}</text>'
        f'<path d="M{least:.1f},{y}H{most:.1f}" stroke="{colour}" stroke-width="2"/>'
        f'<circle cx="{median:.1f}" cy="{y}" r="4" fill="{colour}"/>'
        f'<text x="{right + 6}" y="{y + 4}"{weight}>{_time(figure.median)}</text>'
    )


def _x(value: float, scale: Scale, right: int) -> float:
    low, high = scale
    return LABEL + (right - LABEL) * (math.log10(value) - low) / (high - low)


def _ticks(scale: Scale, pixels: int) -> list[float]:
    """Powers of ten, three times them too or every second alone, as there is room for labels."""
    low, high = scale
    decade = pixels / (high - low)
    factors = (1, 3) if decade > 90 else (1,)
    powers = range(math.floor(low), math.ceil(high) + 1, 1 if decade > 36 else 2)
    ticks = [factor * 10.0**power for power in powers for factor in factors]
    return [tick for tick in ticks if low <= math.log10(tick) <= high]


def _time(milliseconds: float) -> str:
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:.3g} s"
    return f"{milliseconds:.2g} ms" if milliseconds < 10 else f"{milliseconds:.0f} ms"
