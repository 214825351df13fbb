"""What is sent to the numeric function."""

import functools
import json
import string
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from benchmarks.soak.calls import Request
from benchmarks.soak.mix import EVERYWHERE, Card, draw_size, fixed
from local.package import ROOT

MOST = 512  # rows of a request
CSV = "text/csv"

type Row = Mapping[str, Any]


@functools.cache
def applications() -> Sequence[Row]:
    """A loan each, by the names of its columns."""
    path = ROOT / "training/examples/applications.json"
    rows: Sequence[Row] = json.loads(path.read_text(encoding="utf-8"))
    return rows


def draw_row(random: Random) -> Row:
    """An application with another amount, now and then an unknown job or a missing income."""
    row = {**random.choice(applications()), "Amount": random.randint(100, 5_000)}
    chance = random.random()
    if chance < 0.1:
        row["Job"] = "".join(random.choices(string.ascii_lowercase, k=9))
    elif chance < 0.2:
        row["Income"] = None
    return row


def draw_rows(random: Random) -> list[Row]:
    """A batch."""
    return [draw_row(random) for _ in range(draw_size(random, MOST))]


def write_csv(rows: Sequence[Row]) -> str:
    """A table; None is an empty cell."""
    names = list(applications()[0])
    lines = [
        ",".join("" if row[name] is None else str(row[name]) for name in names) for row in rows
    ]
    return "\n".join([",".join(names), *lines, ""])


def _one(random: Random) -> Request:
    number, row = random.choice(list(enumerate(applications())))
    return Request("JSON of one row", {"instances": [row]}, predictions=1, same=str(number))


def _list(random: Random) -> Request:
    number, row = random.choice(list(enumerate(applications())))
    instances = [[row[name] for name in applications()[0]]]
    same = str(number)
    return Request("JSON of one list", {"instances": instances}, predictions=1, same=same)


def _batch(random: Random) -> Request:
    rows = draw_rows(random)
    return Request("JSON of many rows", {"instances": rows}, predictions=len(rows))


def _lists(random: Random) -> Request:
    rows = [[row[name] for name in applications()[0]] for row in draw_rows(random)]
    return Request("JSON of many lists", {"instances": rows}, predictions=len(rows))


def _csv(random: Random) -> Request:
    rows = draw_rows(random)
    media = random.choice((CSV, f"{CSV}; charset=utf-8"))
    return Request("CSV", write_csv(rows).encode(), media, predictions=len(rows))


_UNKNOWN: Row = {**applications()[0], "Colour": "red"}
_TYPED: Row = {**applications()[0], "Age": "old"}
CARDS = (
    *EVERYWHERE,
    Card(138, _one),
    Card(80, _list),
    Card(30, _batch),
    Card(20, _lists),
    Card(50, _csv),
    fixed(Request("400 broken CSV", b"Age,Home\n1\n", CSV, 400), 2),
    fixed(Request("400 a column twice", b"Age,Age\n1,1\n", CSV, 400), 2),
    fixed(Request("413 10,001 rows", {"instances": [[]] * 10_001}, status=413), 2),
    fixed(Request("415 Content-Type", b"a", "text/plain", 415), 2),
    fixed(Request("415 charset", b"a", f"{CSV}; charset=utf-16", 415), 2),
    fixed(Request("422 a column missing", b"Age\n1\n", CSV, 422), 2),
    fixed(Request("422 an unknown column", {"instances": [_UNKNOWN]}, status=422), 2),
    fixed(Request("422 a text for a number", {"instances": [_TYPED]}, status=422), 2),
)
