"""Take samples: start a function cold, call it, call it again, read its memory."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from local import emulator
from local.package import Function

LOG_CHARACTERS = 3000  # of a log's end, shown with an error


@dataclass(frozen=True)
class Contender:
    """One way of doing one modality's work, and the event that asks for it."""

    modality: str
    name: str
    function: Function
    event: Any


@dataclass(frozen=True)
class Effort:
    """How much to measure.

    rounds: cold starts of every contender; the contenders take turns.
    calls, seconds: warm calls in a round end at whichever comes first.
    """

    rounds: int
    calls: int
    seconds: float


@dataclass(frozen=True)
class Sample:
    """One cold start and the warm calls after it: seconds and MB (MiB, as Lambda counts)."""

    cold: float
    warm: Sequence[float]
    memory: float
    answer: Any


@dataclass(frozen=True)
class Row:
    """One contender's figures over all rounds: milliseconds and MB.

    cold, memory: medians over rounds. warm_p50, warm_p99: over all warm calls together.
    *_range: least and most of a round; for warm_p50, of the rounds' medians.
    """

    modality: str
    name: str
    cold: float
    cold_range: tuple[float, float]
    warm_p50: float
    warm_p50_range: tuple[float, float]
    warm_p99: float
    calls: int
    memory: float
    memory_range: tuple[float, float]
    answer: Any


def measure(
    contenders: Sequence[Contender], effort: Effort, progress: Callable[[str], None]
) -> list[Row]:
    """Measure all contenders in turns, after one round that only warms the page cache."""
    samples: list[list[Sample]] = [[] for _ in contenders]
    for turn in range(effort.rounds + 1):
        for contender, taken in zip(contenders, samples, strict=True):
            calls = effort if turn else Effort(1, 1, effort.seconds)
            sample = take(contender, calls)
            label = f"round {turn} of {effort.rounds}" if turn else "first round, not counted"
            progress(f"{label}: {contender.modality}, {contender.name}: {sample.cold:.2f} s cold")
            if turn:
                taken.append(sample)
    return [summarise(*pair) for pair in zip(contenders, samples, strict=True)]


def take(contender: Contender, effort: Effort) -> Sample:
    """One cold start and its warm calls.

    Raises emulator.FunctionError when the contender fails or answers with a problem.
    """
    with emulator.start(contender.function) as running:
        first = running.invoke(contender.event)
        if first.payload.get("statusCode", 200) != 200:
            raise emulator.FunctionError(
                f"{contender.modality}, {contender.name}: expected an answer, got {first.payload}"
                f"\n{running.logs()[-LOG_CHARACTERS:]}"
            )
        warm = list(_warm(running, contender.event, effort))
        return Sample(first.seconds, warm, running.peak_memory(), first.payload)


def _warm(running: emulator.Running, event: Any, effort: Effort) -> Iterator[float]:
    until = time.monotonic() + effort.seconds
    for _ in range(effort.calls):
        yield running.invoke(event).seconds
        if time.monotonic() > until:
            return


def summarise(contender: Contender, samples: Sequence[Sample]) -> Row:
    """Medians, ranges and percentiles of one contender's samples."""
    cold = [sample.cold * 1000 for sample in samples]
    warm = sorted(seconds * 1000 for sample in samples for seconds in sample.warm)
    p50s = [statistics.median(sample.warm) * 1000 for sample in samples]
    memory = [sample.memory for sample in samples]
    return Row(
        modality=contender.modality,
        name=contender.name,
        cold=statistics.median(cold),
        cold_range=(min(cold), max(cold)),
        warm_p50=statistics.median(warm),
        warm_p50_range=(min(p50s), max(p50s)),
        warm_p99=warm[min(len(warm) - 1, int(len(warm) * 0.99))],
        calls=len(warm),
        memory=statistics.median(memory),
        memory_range=(min(memory), max(memory)),
        answer=samples[-1].answer,
    )
