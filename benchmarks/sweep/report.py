"""The sweep as Markdown, and all of it as JSON."""

import dataclasses
import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks import cost, limits
from benchmarks.sweep.extremes import PICTURE, Least
from benchmarks.sweep.rows import KNEE, Advice, Row


def to_json(
    rows: Sequence[Row],
    extremes: Sequence[Least],
    advice: Sequence[Advice],
    facts: Mapping[str, Any],
) -> str:
    """Everything measured, in full precision."""
    measured = {
        "rows": [dataclasses.asdict(row) for row in rows],
        "extremes": [dataclasses.asdict(least) for least in extremes],
        "advice": [dataclasses.asdict(one) for one in advice],
    }
    return json.dumps({**facts, **measured}, indent=1) + "\n"


def to_markdown(
    rows: Sequence[Row],
    extremes: Sequence[Least],
    advice: Sequence[Advice],
    facts: Mapping[str, Any],
) -> str:
    """A table a function, the extremes, and which size follows from them."""
    lines = ["# Memory sizes", "", *_facts(facts), *_advice(advice)]
    for modality in dict.fromkeys(row.modality for row in rows):
        lines += _table([row for row in rows if row.modality == modality])
    lines += _extremes(extremes)
    return "\n".join(lines) + "\n"


def _facts(facts: Mapping[str, Any]) -> list[str]:
    machine = ", ".join(f"{name} {value}" for name, value in facts["machine"].items())
    prices = facts["prices"]
    return [
        "The built functions under the Lambda runtime interface emulator, the Python process held",
        "by control groups to the memory of each size, without swap, and to Lambda's share of a",
        f"processor, size / {limits.MEGABYTES_PER_VCPU:,} vCPU, dealt out every"
        f" {limits.PERIOD // 1000} ms.",
        f"Medians with the least and most of {facts['rounds']} rounds in which the sizes took"
        " turns; p99",
        "over all warm calls. Calls come 20 to 40 ms after the answer before, as a single caller's",
        "do, so that each finds a whole helping of time; without a pause a call takes CPU / share.",
        "Cold is at the share too, the pessimistic case: measured on AWS, initialisation has about",
        "one vCPU at any size (M. Hart, 2019), so expect the cold start of 1,769 MB there.",
        "Peak memory is of the Python process, MB as Lambda counts them (MiB), by an input or",
        "those before it. Dollars are of a million warm calls, each rounded up to 1 ms, at",
        f"${prices['gb_second']:.10f} a GB-second and ${prices['request']:.7f} a request; cold",
        "starts, the API and logs are not in them.",
        "",
        f"- machine: {machine}",
        *(f"- not measured: {reason}" for reason in facts["skipped"]),
    ]


def _advice(advice: Sequence[Advice]) -> list[str]:
    lines = [
        "",
        "Kills nothing: the smallest size at which no container was killed or held more than it,",
        f"extremes below too. Safe: the smallest that has {cost.HEADROOM} times every peak.",
        "Cheapest: for the first input, by calls that come with pauses; without them a small size",
        "takes CPU / share and gains nothing. Knee: the smallest within"
        f" {KNEE - 1:.0%} of the best warm p50.",
        "",
        "| MB | kills nothing | safe | cheapest | knee |",
        "|---|---|---|---|---|",
    ]
    for one in advice:
        knees = ", ".join(f"{name} {size:,}" for name, size in one.knee.items())
        sizes = (_size(one.survives), _size(one.safe), _size(one.cheapest))
        lines.append(f"| {' | '.join([one.modality, *sizes, knees])} |")
    return lines


def _table(rows: Sequence[Row]) -> Iterator[str]:
    names = list(dict.fromkeys(row.input for row in rows))
    columns = [f"{name}: p50, ms | p99, ms | $" for name in names]
    yield from ("", f"## {rows[0].modality}", "")
    yield f"Processor time of a call and peak: {'; '.join(_needs(rows, name) for name in names)}."
    yield ""
    yield f"| MB | vCPU | cold, ms | {' | '.join(columns)} |"
    yield "|" + "---|" * (3 + 3 * len(names))
    for size in dict.fromkeys(row.megabytes for row in rows):
        own = {row.input: row for row in rows if row.megabytes == size}
        cold = _spread(own[names[0]].cold, own[names[0]].cold_range)
        cells = [f"{size:,}", f"{limits.vcpus(size):.2f}", cold]
        yield f"| {' | '.join([*cells, *(_cells(own[name]) for name in names)])} |"


def _needs(rows: Sequence[Row], name: str) -> str:
    """What an input takes at any size: the median of the sizes, and the most."""
    own = [row for row in rows if row.input == name]
    cpus = [row.cpu for row in own if row.cpu is not None]
    if not cpus:
        return f"{name}, killed everywhere"
    peak = max(row.peak for row in own if row.peak is not None)
    return f"{name}, {_number(statistics.median(cpus))} ms and {peak:,.0f} MB"


def _cells(row: Row) -> str:
    if row.killed:
        return f"killed {row.killed} of {row.rounds} | | "
    return f"{_spread(row.p50, row.p50_range)} | {_number(row.p99)} | {_number(row.dollars)}"


def _extremes(extremes: Sequence[Least]) -> list[str]:
    if not extremes:
        return []
    lines = [
        "",
        "## Extremes",
        "",
        f"Files at the limits, uploaded: 50 megapixels in {PICTURE // 10**6} MB (the picture, then"
        " zeros), and 6 MB",
        "of JSON. Killed at: the largest size that is too small. Seconds: cold start included.",
        "",
        "| | killed at, MB | answered from, MB | peak, MB | seconds there | outcome |",
        "|---|---|---|---|---|---|",
    ]
    for one in extremes:
        figures = (_size(one.killed), _size(one.megabytes), _number(one.peak, 0))
        cells = [f"{one.modality}: {one.name}", *figures, _number(one.seconds, 1)]
        lines.append(f"| {' | '.join([*cells, one.outcome or ''])} |")
    return lines


def _spread(value: float | None, limits: tuple[float, float] | None) -> str:
    if value is None or limits is None:
        return "killed"
    low, high = limits
    return f"{_number(value)} ({_number(low)} to {_number(high)})"


def _number(value: float | None, digits: int | None = None) -> str:
    """Three digits or so, unless told how many behind the point."""
    if value is None:
        return ""
    if digits is None:
        digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}"


def _size(megabytes: int | None) -> str:
    return f"{megabytes:,}" if megabytes is not None else "none"
