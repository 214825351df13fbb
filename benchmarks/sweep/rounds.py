"""Run a function at one memory size: a cold start, then warm calls of every input."""

import dataclasses
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks import inputs, limits
from benchmarks.inputs import Input
from benchmarks.limits import Group
from local import emulator, package
from local.emulator import Running
from local.environment import EmulatorError
from local.package import Function

LEAST = 2  # warm calls of an input in a round, however long they take
LOG_CHARACTERS = 3000  # of a log's end, shown with an error
_PAUSE = limits.PERIOD / 1e6  # seconds


@dataclass(frozen=True)
class Effort:
    """How much to measure.

    rounds: containers of each function at each size; the sizes take turns.
    calls, seconds: warm calls of an input in a round end at whichever comes first.
    """

    rounds: int
    calls: int
    seconds: float


@dataclass(frozen=True)
class Calls:
    """Warm calls of one input in one container.

    seconds: of each call. cpu: processor seconds of a call on average. peak: the most memory, MB
    (MiB), that the container held until then, by this input or those before it.
    """

    seconds: Sequence[float]
    cpu: float
    peak: float


@dataclass(frozen=True)
class Round:
    """One function at one size.

    cold: seconds from the start of the process to the first answer; None if it was killed first.
    calls: by input; None for an input that a container was killed at, or that took it over its
        memory all the same: a group is not charged for pages of files that others read before.
    """

    modality: str
    megabytes: int
    cold: float | None
    calls: Mapping[str, Calls | None]


def measure(
    modalities: Sequence[str],
    sizes: Sequence[int],
    effort: Effort,
    progress: Callable[[str], None],
) -> list[Round]:
    """All sizes of all functions in turns, after a start of each that warms the page cache.

    Raises machine.Unavailable where nothing can be limited, and emulator.FunctionError when a
    function fails for another reason than its memory.
    """
    for modality in modalities:
        once = Effort(1, 1, 0)
        take(modality, max(sizes), inputs.load(modality)[:1], once)
    rounds = []
    for turn in range(1, effort.rounds + 1):
        for megabytes in sizes:
            progress(f"round {turn} of {effort.rounds}: {megabytes} MB")
            for modality in modalities:
                rounds.append(take(modality, megabytes, inputs.load(modality), effort))
    return rounds


def take(modality: str, megabytes: int, asked: Sequence[Input], effort: Effort) -> Round:
    """One round; a container that is killed at an input is followed by one for the next input."""
    function = sized(package.function(modality), megabytes)
    cold: float | None = None
    calls: dict[str, Calls | None] = {}
    while left := asked[len(calls) :]:
        with (
            limits.group(megabytes) as group,
            emulator.start(function, launcher=group.launcher()) as running,
        ):
            try:
                for one in left:
                    first = answer(running, one)
                    if not calls:
                        cold = first
                    taken = _warm(running, group, one, effort)
                    calls[one.name] = taken if taken.peak <= megabytes else None
            except EmulatorError:
                if not group.killed():
                    raise
                calls[asked[len(calls)].name] = None
    return Round(modality, megabytes, cold, calls)


def sized(function: Function, megabytes: int) -> Function:
    """The function with another memory setting, which it reads for its number of threads."""
    return dataclasses.replace(function, memory=megabytes)


def answer(running: Running, one: Input) -> float:
    """Seconds of a call that is answered well; raises emulator.FunctionError otherwise."""
    called = running.invoke(one.event)
    if called.payload["statusCode"] != 200:
        end = running.logs()[-LOG_CHARACTERS:]
        raise emulator.FunctionError(f"{one.name}: expected an answer, got {called.payload}\n{end}")
    return called.seconds


def _warm(running: Running, group: Group, one: Input, effort: Effort) -> Calls:
    """Calls that come one to two periods after the answer before, at no fixed moment.

    Each finds a whole helping of processor time, as a single caller does.
    """
    pauses = random.Random(0)  # noqa: S311  the same in every run
    seconds: list[float] = []
    before, until = group.cpu_seconds(), time.monotonic() + effort.seconds
    while len(seconds) < effort.calls and (len(seconds) < LEAST or time.monotonic() < until):
        time.sleep(pauses.uniform(_PAUSE, 2 * _PAUSE))
        seconds.append(answer(running, one))
    cpu = (group.cpu_seconds() - before) / len(seconds)
    return Calls(seconds, cpu, running.peak_memory())
