"""What the package was meant to reach, beside what it reached in this run."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from benchmarks import peers
from benchmarks.contenders import MINIMAL, MODALITIES, OURS
from benchmarks.figures import Row

COLD = 1.5  # times hand-minimal
WARM_RATIO = 1.2  # times hand-minimal, pictures
WARM_MORE = 1.0  # ms above hand-minimal, texts and rows
MEMORY = 1.3  # times hand-minimal
MOST = {"image": 160, "text": 128, "numeric": 128, "mobilenet": 160}  # MB, the small input
DEPENDENCIES = 150  # MB of the dependencies layer

type Aim = tuple[str, float, str, float, str]  # what, measured, at most or under, limit, unit
HEADER = ("| | measured | aim | |", "|---|---|---|---|")


def table(rows: Sequence[Row], dependencies: float) -> list[str]:
    """A line an aim, and whether it was met; dependencies: MB of that layer."""
    aims = [aim for pair in _pairs(rows) for part in PARTS for aim in part(*pair)]
    aims += list(_peers(rows))
    aims.append(("dependencies layer, unzipped", dependencies, "under", DEPENDENCIES, " MB"))
    return [*HEADER, *map(_line, aims)]


def met(measured: float, word: str, limit: float) -> bool:
    """Whether a figure is within its limit, compared as it is, not as it is printed."""
    return measured < limit if word == "under" else measured <= limit


def _line(aim: Aim) -> str:
    what, measured, word, limit, unit = aim
    digits = 0 if unit == " MB" else 2
    verdict = "met" if met(measured, word, limit) else "**not met**"
    return f"| {what} | {measured:.{digits}f}{unit} | {word} {limit:g}{unit} | {verdict} |"


def _pairs(rows: Sequence[Row]) -> Iterator[tuple[Row, Row]]:
    """This package and the hand-minimal handler, for each workload."""
    found = {(row.workload, row.name): row for row in rows}
    for workload, name in found:
        if name == OURS and (workload, MINIMAL) in found:
            yield found[workload, OURS], found[workload, MINIMAL]


def _cold(ours: Row, minimal: Row) -> Iterator[Aim]:
    ratio = ours.cold.median / minimal.cold.median
    yield f"{ours.workload}: cold, to {MINIMAL}", ratio, "at most", COLD, " times"


def _warm(ours: Row, minimal: Row) -> Iterator[Aim]:
    pictures = MODALITIES[ours.workload] == "image"
    for name, reading in ours.warm.items():
        what = f"{ours.workload}: warm p50, {name}"
        one, other = reading.p50.median, minimal.warm[name].p50.median
        if pictures:
            yield f"{what}, to {MINIMAL}", one / other, "at most", WARM_RATIO, " times"
        else:
            yield f"{what}, above {MINIMAL}", one - other, "at most", WARM_MORE, " ms"


def _memory(ours: Row, minimal: Row) -> Iterator[Aim]:
    small = next(iter(ours.warm))
    peak = ours.peak_small.median
    for name, ratio in (
        (small, peak / minimal.peak_small.median),
        ("all inputs", ours.peak_all.median / minimal.peak_all.median),
    ):
        what = f"{ours.workload}: peak memory, {name}, to {MINIMAL}"
        yield what, ratio, "at most", MEMORY, " times"
    yield f"{ours.workload}: peak memory, {small}", peak, "under", MOST[ours.workload], " MB"


PARTS: Sequence[Callable[[Row, Row], Iterator[Aim]]] = (_cold, _warm, _memory)


def _peers(rows: Sequence[Row]) -> Iterator[Aim]:
    """This package's time as a part of the fastest server's, for each input."""
    for ours in (row for row in rows if row.name == OURS):
        for name, reading in ours.warm.items():
            times: Mapping[str, float] = {
                row.name: row.warm[name].p50.median
                for row in rows
                if row.workload == ours.workload and row.name in peers.NAMES
            }
            if times:
                fastest = min(times, key=lambda peer: times[peer])
                what = f"{ours.workload}: warm p50, {name}, to {fastest}, the fastest server"
                yield what, reading.p50.median / times[fastest], "under", 1, " times"
