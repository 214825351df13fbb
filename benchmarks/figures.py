"""Samples to figures: medians over the rounds, with the least and the most of a round."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks import cost
from benchmarks.measure import Contender, Prediction, Sample, Warm


@dataclass(frozen=True)
class Figure:
    """A median, and the least and most of the rounds."""

    median: float
    least: float
    most: float


@dataclass(frozen=True)
class Pricing:
    """What dollars are computed from; headroom: the memory setting over the peak."""

    prices: cost.Prices
    headroom: float


@dataclass(frozen=True)
class Reading:
    """One contender warm, asked one input: milliseconds a request, and MB.

    p50: over all calls; its range is of the rounds' medians. p99: over all calls.
    cpu: processor time a request, of all threads; its range is of the rounds' means.
    peak: of the process up to the end of this input's calls.
    memory: the smallest setting that the peak fits into, with which `dollars` buys a million
    requests; both None where there is none.
    """

    p50: Figure
    p99: float
    cpu: Figure
    calls: int
    peak: Figure
    memory: int | None
    dollars: float | None
    answer: Sequence[Prediction]


@dataclass(frozen=True)
class Row:
    """One contender's figures: milliseconds of the cold start and of its parts, MB unzipped."""

    workload: str
    name: str
    rounds: int
    cold: Figure
    phases: Mapping[str, float]
    size: float
    warm: Mapping[str, Reading]

    @property
    def peak_small(self) -> Figure:
        """After the first input, which is the small one."""
        return next(iter(self.warm.values())).peak

    @property
    def peak_all(self) -> Figure:
        """After all inputs."""
        return list(self.warm.values())[-1].peak


def summarise(contender: Contender, samples: Sequence[Sample], pricing: Pricing) -> Row:
    """One contender's samples, of one round at least, as its figures."""
    return Row(
        workload=contender.workload,
        name=contender.name,
        rounds=len(samples),
        cold=_figure(samples, lambda sample: sample.cold * 1000),
        phases=_phases(samples),
        size=contender.size / 2**20,
        warm={
            asked.name: _reading([sample.warm[asked.name] for sample in samples], pricing)
            for asked in contender.inputs
        },
    )


def _reading(rounds: Sequence[Warm], pricing: Pricing) -> Reading:
    times = sorted(seconds * 1000 for warm in rounds for seconds in warm.seconds)
    medians = _figure(rounds, lambda warm: statistics.median(warm.seconds) * 1000)
    p50 = Figure(statistics.median(times), medians.least, medians.most)
    means = _figure(rounds, lambda warm: warm.cpu * 1000 / len(warm.seconds))
    # Over all calls: a round's processor time is counted in ticks of about ten milliseconds.
    cpu = Figure(sum(warm.cpu for warm in rounds) * 1000 / len(times), means.least, means.most)
    peak = _figure(rounds, lambda warm: warm.peak)
    memory = cost.memory_for(peak.median, pricing.headroom)
    dollars = None
    if memory is not None:
        milliseconds = cost.billed(p50.median, cpu.median, memory)
        dollars = cost.per_million(milliseconds, memory, pricing.prices)
    return Reading(
        p50=p50,
        p99=times[min(len(times) - 1, int(len(times) * 0.99))],
        cpu=cpu,
        calls=len(times),
        peak=peak,
        memory=memory,
        dollars=dollars,
        answer=rounds[-1].answer,
    )


def _phases(samples: Sequence[Sample]) -> Mapping[str, float]:
    """Medians of the parts that every round logged."""
    names = [name for name in samples[0].phases if all(name in one.phases for one in samples)]
    return {name: statistics.median(one.phases[name] for one in samples) for name in names}


def _figure[T](rounds: Sequence[T], value: Callable[[T], float]) -> Figure:
    values = [value(one) for one in rounds]
    return Figure(statistics.median(values), min(values), max(values))
