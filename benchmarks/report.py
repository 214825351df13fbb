"""Figures to JSON, Markdown and a chart."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.contenders import ENGINE, FLOOR, IMPORT, MINIMAL, NAIVE, OURS, prediction
from benchmarks.measure import Row

# What the Keras engine was meant to reach: its warm p50 at most one Nth of the naive handler's,
# and its cold start this many seconds after that of `import keras` at the latest.
FASTER = {"image": 4, "numeric": 20}
LATER = 1.0
HEADER = (
    "| | cold, ms | ratio | warm p50, ms | ratio | p99, ms | peak memory, MB | ratio | answer |",
    "|---|---|---|---|---|---|---|---|---|",
)


def to_json(rows: Sequence[Row], facts: Mapping[str, Any]) -> str:
    """Everything measured, in full precision."""
    measured = [{**dataclasses.asdict(row), "answer": prediction(row.answer)} for row in rows]
    return json.dumps({**facts, "rows": measured}, indent=1) + "\n"


def to_markdown(rows: Sequence[Row], facts: Mapping[str, Any]) -> str:
    """One table a modality, and what they were taken on."""
    lines = ["# Benchmark", "", *_facts(facts)]
    for modality in dict.fromkeys(row.modality for row in rows):
        of_modality = [row for row in rows if row.modality == modality]
        lines += ["", f"## {modality}", "", *HEADER]
        lines += [_line(row, of_modality) for row in of_modality]
    lines += _engine(rows)
    return "\n".join(lines) + "\n"


def _engine(rows: Sequence[Row]) -> list[str]:
    """The Keras engine beside its alternative and its floor; nothing where it was not measured."""
    found = {(row.modality, row.name): row for row in rows}
    lines = []
    for modality in dict.fromkeys(row.modality for row in rows):
        if (modality, ENGINE) not in found:
            continue
        engine = found[modality, ENGINE]
        later = (engine.cold - found[modality, IMPORT].cold) / 1000
        naive = found.get((modality, NAIVE))
        faster = f"{naive.warm_p50 / engine.warm_p50:.1f}" if naive else ""
        aim = FASTER.get(modality, "")
        lines.append(f"| {modality} | {faster} | {aim} | {later:.2f} | {LATER:.2f} |")
    if not lines:
        return []
    title = ("", f"## {ENGINE}", "", "Of the medians above.", "")
    header = (
        f"| | times as fast, warm, as {NAIVE} | aim, at least"
        f" | cold, s after `import keras` | aim, at most |"
    )
    return [*title, header, "|---|---|---|---|---|", *lines]


def _line(row: Row, rows: Sequence[Row]) -> str:
    minimal = next((other for other in rows if other.name == MINIMAL), row)
    cells = [
        row.name,
        _spread(row.cold, row.cold_range, 0),
        f"{row.cold / minimal.cold:.2f}",
        _spread(row.warm_p50, row.warm_p50_range, 2),
        f"{row.warm_p50 / minimal.warm_p50:.2f}",
        f"{row.warm_p99:.2f}",
        _spread(row.memory, row.memory_range, 0),
        f"{row.memory / minimal.memory:.2f}",
        _answer(prediction(row.answer)),
    ]
    return f"| {' | '.join(cells)} |"


def _answer(found: Mapping[str, Any] | None) -> str:
    return f"{found['label']} {found['score']:.4f}" if found else ""


def _spread(value: float, limits: tuple[float, float], digits: int) -> str:
    low, high = limits
    return f"{value:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def _facts(facts: Mapping[str, Any]) -> list[str]:
    machine = ", ".join(f"{name} {value}" for name, value in facts["machine"].items())
    engine = ", ".join(f"{name} {version}" for name, version in facts["engine"].items())
    skipped = [f"- not measured: {reason}" for reason in facts["skipped"]]
    return [
        "Under the Lambda runtime interface emulator; bytecode compiled, page cache warm.",
        "Cold: from the start of the Python process to the first answer. Medians, with the least",
        f"and most of {facts['rounds']} rounds in which the contenders took turns; p99 over all",
        f"warm calls. MB as Lambda counts them (MiB). Ratios are to {MINIMAL}.",
        "",
        f"{OURS} is the function of the zip package, under ONNX Runtime; {ENGINE} is the same",
        f"function on the container image's packages, started without Docker; {IMPORT} is the bare",
        "handler with that line. All of a modality have the zip function's memory setting, which",
        "gives both engines one thread, and the others what their libraries take; the emulator",
        "limits neither memory nor processor time.",
        "",
        f"- machine: {machine}",
        *([f"- packages of the {ENGINE}: {engine}"] if engine else []),
        *skipped,
    ]


BAR, LINE, LEFT, WIDTH = 14, 22, 150, 720
COLOURS = {
    FLOOR: "#9aa0a6",
    MINIMAL: "#5f8dd3",
    OURS: "#1b7f4b",
    IMPORT: "#c9b6dd",
    ENGINE: "#7a4fa3",
    NAIVE: "#d9822b",
}


def to_svg(rows: Sequence[Row]) -> str:
    """Cold start of every contender as bars on one scale."""
    longest = max(row.cold for row in rows)
    shapes, y = [], 24
    for modality in dict.fromkeys(row.modality for row in rows):
        shapes.append(f'<text x="0" y="{y}" font-weight="bold">{modality}, cold start</text>')
        y += LINE - BAR // 2
        for row in (row for row in rows if row.modality == modality):
            shapes.append(_bar(row, y, longest))
            y += LINE
        y += LINE
    size = f'width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}"'
    style = 'font-family="sans-serif" font-size="12" fill="#333"'
    body = "\n".join(shapes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n{body}\n</svg>\n'
    )


def _bar(row: Row, y: int, longest: float) -> str:
    width = max(1, round((WIDTH - LEFT - 80) * row.cold / longest))
    text = y + BAR - 3
    return (
        f'<text x="8" y="{text}">{row.name}</text>'
        f'<rect x="{LEFT}" y="{y}" width="{width}" height="{BAR}" fill="{COLOURS[row.name]}"/>'
        f'<text x="{LEFT + width + 6}" y="{text}">{row.cold:,.0f} ms</text>'
    )


def write(rows: Sequence[Row], facts: Mapping[str, Any], folder: Path) -> str:
    """Write results.json, results.md and results.svg; return the Markdown."""
    markdown = to_markdown(rows, facts)
    (folder / "results.json").write_text(to_json(rows, facts), encoding="utf-8")
    (folder / "results.md").write_text(markdown, encoding="utf-8")
    (folder / "results.svg").write_text(to_svg(rows), encoding="utf-8")
    return markdown
