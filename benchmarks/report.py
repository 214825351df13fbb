"""Figures to JSON, Markdown and charts."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks import aims, charts
from benchmarks.breakdown import PHASES
from benchmarks.contenders import ENGINE, IMPORT, MINIMAL, NAIVE, OURS
from benchmarks.facts import Facts
from benchmarks.figures import Figure, Reading, Row

# What the Keras engine was meant to reach: its warm p50 at most one Nth of the naive handler's,
# and its cold start this many seconds after that of `import keras` at the latest.
FASTER = {"image": 4, "numeric": 20}
LATER = 1.0


def write(rows: Sequence[Row], facts: Facts, folder: Path) -> str:
    """Write results.json, results.md, results.svg and warm.svg; return the Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    markdown = to_markdown(rows, facts)
    files = {
        "results.json": to_json(rows, facts),
        "results.md": markdown,
        "results.svg": charts.cold(rows),
        "warm.svg": charts.warm(rows),
    }
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    return markdown


def to_json(rows: Sequence[Row], facts: Facts) -> str:
    """Everything measured, in full precision; of answers the first prediction."""
    measured = [dataclasses.asdict(row) for row in rows]
    for reading in (reading for row in measured for reading in row["warm"].values()):
        reading["answer"] = next(iter(reading["answer"]), None)
    return json.dumps({**dataclasses.asdict(facts), "rows": measured}, indent=1) + "\n"


def to_markdown(rows: Sequence[Row], facts: Facts) -> str:
    """The aims, the tables of each workload, and what they were taken on."""
    lines = ["# Benchmark", "", *facts.lines(), "", "## Aims", ""]
    lines += aims.table(rows, facts.dependencies)
    for workload in dict.fromkeys(row.workload for row in rows):
        of_workload = [row for row in rows if row.workload == workload]
        lines += ["", f"## {workload}", "", *_starts(of_workload)]
        for name in of_workload[0].warm:
            warm = [row for row in of_workload if row.name != IMPORT]
            lines += ["", f"### {workload}, {name}", "", *_warm(warm, name)]
    lines += [*_breakdown(rows), *_engine(rows)]
    return "\n".join(lines) + "\n"


def _starts(rows: Sequence[Row]) -> list[str]:
    """Cold start, memory and size of one workload's contenders."""
    minimal = next((row for row in rows if row.name == MINIMAL), rows[0])
    lines = [
        "| | rounds | cold, ms | ratio | peak, small, MB | ratio | peak, all, MB | ratio"
        " | unzipped, MB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        everything = (_spread(row.peak_all, 0), _ratio(row.peak_all, minimal.peak_all))
        cells = [
            row.name,
            str(row.rounds),
            _spread(row.cold, 0),
            _ratio(row.cold, minimal.cold),
            _spread(row.peak_small, 0),
            _ratio(row.peak_small, minimal.peak_small),
            *(everything if row.name != IMPORT else ("", "")),
            f"{row.size:,.1f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _warm(rows: Sequence[Row], name: str) -> list[str]:
    """One input's table."""
    readings = {row.name: row.warm[name] for row in rows}
    minimal = readings.get(MINIMAL, readings[rows[0].name])
    lines = [
        "| | warm p50, ms | ratio | p99, ms | calls | CPU, ms a request | memory size, MB"
        " | $ a million |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for contender, reading in readings.items():
        cells = [
            contender,
            _spread(reading.p50, 2),
            _ratio(reading.p50, minimal.p50),
            f"{reading.p99:.2f}",
            str(reading.calls),
            _spread(reading.cpu, 2),
            *_price(reading),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _price(reading: Reading) -> tuple[str, str]:
    if reading.memory is None or reading.dollars is None:
        return "none is large enough", ""
    return f"{reading.memory:,}", f"{reading.dollars:.2f}"


def _breakdown(rows: Sequence[Row]) -> list[str]:
    """Where this package's cold starts go; nothing where the functions log nothing of it."""
    lines = []
    for row in (row for row in rows if row.name in (OURS, ENGINE) and row.phases):
        parts = [row.phases.get(name) for name in PHASES]
        rest = row.cold.median - sum(part for part in parts if part is not None)
        cells = ["" if part is None else f"{part:.1f}" for part in parts]
        cells += [f"{rest:.1f}", f"{row.cold.median:.1f}"]
        lines.append(f"| {row.workload}, {row.name} | {' | '.join(cells)} |")
    if not lines:
        return []
    title = "Milliseconds, by the function's own metrics; medians. The rest is the interpreter, the"
    note = [title, "runtime client, what each of them imports, and the emulator."]
    header = f"| | {' | '.join(PHASES.values())} | rest | cold |"
    rule = f"|---|{'---|' * (len(PHASES) + 2)}"
    return ["", "## Where a cold start goes", "", *note, "", header, rule, *lines]


def _engine(rows: Sequence[Row]) -> list[str]:
    """The Keras engine beside its alternative and its floor; nothing where it was not measured."""
    found = {(row.workload, row.name): row for row in rows}
    lines = []
    for workload in (row.workload for row in rows if row.name == IMPORT):
        engine, naive = found[workload, ENGINE], found.get((workload, NAIVE))
        later = (engine.cold.median - found[workload, IMPORT].cold.median) / 1000
        small = next(iter(engine.warm))
        faster = _ratio(naive.warm[small].p50, engine.warm[small].p50) if naive else ""
        aim = FASTER.get(workload, "")
        lines.append(f"| {workload}, {small} | {faster} | {aim} | {later:.2f} | {LATER:.2f} |")
    if not lines:
        return []
    title = ("", f"## {ENGINE}", "", "Of the medians above.", "")
    header = (
        f"| | times as fast, warm, as {NAIVE} | aim, at least"
        f" | cold, s after `import keras` | aim, at most |"
    )
    return [*title, header, "|---|---|---|---|---|", *lines]


def _ratio(one: Figure, other: Figure) -> str:
    return f"{one.median / other.median:.2f}"


def _spread(figure: Figure, digits: int) -> str:
    median, least, most = (f"{value:,.{digits}f}" for value in dataclasses.astuple(figure))
    return f"{median} ({least} to {most})"
