"""What the rounds come to: a row for each function, size and input, and what it would cost."""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks import cost
from benchmarks.cost import Prices
from benchmarks.sweep.extremes import Least
from benchmarks.sweep.rounds import Calls, Round

KNEE = 1.1  # times the best p50 that still count as the best


@dataclass(frozen=True)
class Row:
    """One input of one function at one size over all rounds: milliseconds, MB (MiB), dollars.

    killed: rounds in which the container was killed at this input, of `rounds`.
    cold: median over rounds, of the function's first input; the same in all rows of a size.
    p50: median of all warm calls; p50_range: least and most of the rounds' medians.
    p99: of all warm calls, which are few: the slowest of fewer than a hundred.
    cpu: processor time of a call, median over rounds. peak: the most of a round.
    dollars: of a million calls that take as long as these, billed one by one.
    """

    modality: str
    input: str
    megabytes: int
    rounds: int
    killed: int
    calls: int
    cold: float | None
    cold_range: tuple[float, float] | None
    p50: float | None
    p50_range: tuple[float, float] | None
    p99: float | None
    cpu: float | None
    peak: float | None
    dollars: float | None


@dataclass(frozen=True)
class Advice:
    """Sizes for one function, MB; None where none of those measured will do.

    survives: the smallest at which no container was killed, extremes among them.
    safe: the smallest of those that also has room above every peak, cost.HEADROOM.
    cheapest: of the first input. knee: the smallest within KNEE of the best p50, by input.
    """

    modality: str
    survives: int | None
    safe: int | None
    cheapest: int | None
    knee: Mapping[str, int]


def summarise(rounds: Sequence[Round], prices: Prices) -> list[Row]:
    """Rows in the order of the rounds, those of one size together."""
    found: dict[tuple[str, int], list[Round]] = {}
    for one in rounds:
        found.setdefault((one.modality, one.megabytes), []).append(one)
    return [
        _row(name, taken, megabytes, prices)
        for (_, megabytes), taken in found.items()
        for name in taken[0].calls
    ]


def _row(name: str, taken: Sequence[Round], megabytes: int, prices: Prices) -> Row:
    colds = [one.cold * 1000 for one in taken if one.cold is not None]
    survived = [calls for one in taken if (calls := one.calls[name]) is not None]
    warm = sorted(seconds * 1000 for calls in survived for seconds in calls.seconds)
    p50s = [statistics.median(calls.seconds) * 1000 for calls in survived]
    return Row(
        modality=taken[0].modality,
        input=name,
        megabytes=megabytes,
        rounds=len(taken),
        killed=len(taken) - len(survived),
        calls=len(warm),
        cold=statistics.median(colds) if colds else None,
        cold_range=(min(colds), max(colds)) if colds else None,
        p50=statistics.median(warm) if warm else None,
        p50_range=(min(p50s), max(p50s)) if warm else None,
        p99=warm[math.ceil(0.99 * len(warm)) - 1] if warm else None,
        cpu=_cpu(survived),
        peak=max((calls.peak for calls in survived), default=None),
        dollars=_dollars(warm, megabytes, prices),
    )


def _cpu(survived: Sequence[Calls]) -> float | None:
    return statistics.median(calls.cpu * 1000 for calls in survived) if survived else None


def _dollars(warm: Sequence[float], megabytes: int, prices: Prices) -> float | None:
    """Of a million: every call's own duration is rounded up, so the mean is of bills."""
    if not warm:
        return None
    return statistics.mean(cost.per_million(each, megabytes, prices) for each in warm)


def advise(rows: Sequence[Row], extremes: Sequence[Least]) -> Iterator[Advice]:
    """For every function, from what was measured alone."""
    for modality in dict.fromkeys(row.modality for row in rows):
        own = [row for row in rows if row.modality == modality]
        limits = [least for least in extremes if least.modality == modality]
        names = list(dict.fromkeys(row.input for row in own))
        alive = [row for row in own if not row.killed]
        prices = {row.megabytes: row.dollars for row in alive if row.input == names[0]}
        priced = {size: dollars for size, dollars in prices.items() if dollars is not None}
        yield Advice(
            modality=modality,
            survives=_smallest(own, limits, 0),
            safe=_smallest(own, limits, cost.HEADROOM),
            cheapest=min(priced, key=lambda size: priced[size], default=None),
            knee={name: _knee(found) for name in names if (found := _measured(alive, name))},
        )


def _measured(rows: Sequence[Row], name: str) -> list[tuple[int, float]]:
    """Pairs of size and p50."""
    return [(row.megabytes, row.p50) for row in rows if row.input == name and row.p50 is not None]


def _knee(measured: Sequence[tuple[int, float]]) -> int:
    best = min(p50 for _, p50 in measured)
    return min(size for size, p50 in measured if p50 <= KNEE * best)


def _smallest(rows: Sequence[Row], extremes: Sequence[Least], room: float) -> int | None:
    """The smallest size that kills nothing and is `room` times every peak."""
    if any(least.megabytes is None for least in extremes):
        return None
    killed = [row.megabytes for row in rows if row.killed]
    above = max([least.killed for least in extremes if least.killed] + killed, default=0)
    peaks = [row.peak for row in rows if row.peak is not None]
    peaks += [least.peak for least in extremes if least.peak is not None]
    fitting = (row.megabytes for row in rows if row.megabytes > above)
    return min((size for size in fitting if size >= room * max(peaks, default=0)), default=None)
