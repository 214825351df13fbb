"""Take samples: start a contender cold, call it, call it with every input, read its memory."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from benchmarks.breakdown import phases
from benchmarks.inputs import Input
from local.emulator import Answer, FunctionError

LOG_CHARACTERS = 3000  # of a log's end, shown with an error

type Prediction = Mapping[str, Any]


class Running(Protocol):
    """One started contender: a function under the emulator, or a server.

    The first call's seconds count from the start of its process. Memory is in MB (MiB).
    """

    def invoke(self, event: Any) -> Answer: ...
    def peak_memory(self) -> float: ...
    def cpu_seconds(self) -> float: ...
    def logs(self) -> str: ...


@dataclass(frozen=True)
class Contender:
    """One way of doing one workload.

    start: starts it anew. inputs: what it is asked, the first one cold too.
    size: bytes of the packages, code and model that it needs, unzipped.
    slow: it takes seconds to start, so it is measured in fewer rounds.
    floor: it answers with nothing, `{}`.
    """

    workload: str
    name: str
    start: Callable[[], AbstractContextManager[Running]]
    inputs: Sequence[Input]
    size: int
    slow: bool = False
    floor: bool = False


@dataclass(frozen=True)
class Effort:
    """How much to measure.

    rounds, slow_rounds: cold starts of every contender, and of those that are slow.
    calls, seconds: warm calls of an input in a round end at whichever comes first.
    """

    rounds: int
    slow_rounds: int
    calls: int
    seconds: float


@dataclass(frozen=True)
class Warm:
    """The calls of one input in a warm process: their seconds, and the processor time of all.

    peak: the most memory that the process has held up to their end, MB.
    """

    seconds: Sequence[float]
    cpu: float
    peak: float
    answer: Sequence[Prediction]


@dataclass(frozen=True)
class Sample:
    """One cold start in seconds, its parts in milliseconds, and the warm calls by input."""

    cold: float
    phases: Mapping[str, float]
    warm: Mapping[str, Warm]


def measure(
    contenders: Sequence[Contender], effort: Effort, progress: Callable[[str], None]
) -> list[list[Sample]]:
    """The samples of every contender, taken in turns.

    A first round, with one call of the first input alone, only warms the page cache and lets
    bytecode be compiled; it does not count.
    """
    samples: list[list[Sample]] = [[] for _ in contenders]
    for turn in range(max(effort.rounds, effort.slow_rounds) + 1):
        for contender, taken in zip(contenders, samples, strict=True):
            if turn > (effort.slow_rounds if contender.slow else effort.rounds):
                continue
            sample = take(contender, effort) if turn else take(contender, None)
            label = f"round {turn} of {effort.rounds}" if turn else "first round, not counted"
            progress(f"{label}: {contender.workload}, {contender.name}: {sample.cold:.2f} s cold")
            if turn:
                taken.append(sample)
    return samples


def take(contender: Contender, effort: Effort | None) -> Sample:
    """One cold start and its warm calls; without effort, the cold call alone.

    Raises FunctionError when the contender fails or does not answer every instance.
    """
    first = contender.inputs[0]
    with contender.start() as running:
        cold = running.invoke(first.event)
        predictions(contender, first, running, cold)
        warm: dict[str, Warm] = {}
        if effort:
            for asked in contender.inputs:
                warm[asked.name] = _warm(contender, asked, running, effort)
        return Sample(cold.seconds, phases(running.logs()), warm)


def _warm(contender: Contender, asked: Input, running: Running, effort: Effort) -> Warm:
    predictions(contender, asked, running, running.invoke(asked.event))  # its own first call
    before = running.cpu_seconds()
    answers = list(_calls(running, asked.event, effort))
    cpu = running.cpu_seconds() - before
    answer = predictions(contender, asked, running, answers[-1])
    seconds = [one.seconds for one in answers]
    return Warm(seconds, cpu, running.peak_memory(), answer)


def _calls(running: Running, event: Any, effort: Effort) -> Iterator[Answer]:
    until = time.monotonic() + effort.seconds
    for _ in range(effort.calls):
        yield running.invoke(event)
        if time.monotonic() > until:
            return


def predictions(
    contender: Contender, asked: Input, running: Running, answer: Answer
) -> Sequence[Prediction]:
    """Label and score for each instance; none for a floor, which answers with nothing.

    Raises FunctionError when they are not as many as the instances.
    """
    if contender.floor and answer.payload == {}:
        return []
    found = read(answer.payload) if answer.payload.get("statusCode") == 200 else []
    if len(found) != asked.instances:
        raise FunctionError(
            f"{contender.workload}, {contender.name}: expected {asked.instances} predictions for"
            f" {asked.name}, got {str(answer.payload)[:LOG_CHARACTERS]}"
            f"\n{running.logs()[-LOG_CHARACTERS:]}"
        )
    return found


def read(payload: Any) -> list[Prediction]:
    """Label and score of every prediction in an answer's body."""
    found = json.loads(payload["body"])["predictions"]
    return [{"label": one["label"], "score": float(one["score"])} for one in found]
