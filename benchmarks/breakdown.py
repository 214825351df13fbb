"""Where a cold start goes, by what the function itself logs at the end of its first request."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# The metrics of serving/telemetry.py, in milliseconds, in the order in which they happen.
PHASES = {
    "ImportTime": "imports",
    "LoadTime": "load the bundle",
    "WarmUpTime": "warm-up",
    "FirstCallTime": "first request",
}


def phases(logs: str) -> Mapping[str, float]:
    """Milliseconds by metric, from the embedded-metric-format records in a log; empty if none."""
    found: dict[str, float] = {}
    for record in _records(logs):
        for name in PHASES:
            if name in record:
                found.setdefault(name, _number(record[name]))
    return found


def _records(logs: str) -> Iterator[Mapping[str, Any]]:
    for line in logs.splitlines():
        if '"_aws"' not in line:
            continue
        try:
            record = json.loads(line[line.index("{") :])
        except ValueError:  # cut by another line of the emulator's
            continue
        if isinstance(record, dict):
            yield record


def _number(value: float | Sequence[float]) -> float:
    """A metric's value, which may stand in a list of one."""
    return float(value if isinstance(value, int | float) else value[0])
