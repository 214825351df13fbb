"""Send one function its mix, and watch its process."""

import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

from benchmarks.soak import image, mix, numeric, text, uploads
from benchmarks.soak.calls import Call, UnexpectedAnswer, check, probe
from benchmarks.soak.mix import DECK
from local import aws, emulator, package

CARDS = {"image": image.CARDS, "text": text.CARDS, "numeric": numeric.CARDS}
BUCKET = 5 * DECK  # calls whose probes and processor time are taken together


@dataclass(frozen=True)
class Sample:
    """The process after so many calls: MB (MiB) resident, open threads and files, CPU seconds."""

    calls: int
    memory: float
    threads: int
    files: int
    cpu: float


@dataclass(frozen=True)
class Bucket:
    """Up to `calls` calls: the probe's milliseconds, and CPU milliseconds of any call."""

    calls: int
    p50: float
    p99: float
    cpu: float


@dataclass(frozen=True)
class Course:
    """What a function was sent, and how it fared.

    kinds, entrances: how many calls of each. seconds: what all of it took. peak: MB.
    samples: after the first call, and after every deck.
    """

    modality: str
    kinds: Mapping[str, int]
    entrances: Mapping[str, int]
    samples: Sequence[Sample]
    buckets: Sequence[Bucket]
    peak: float
    seconds: float


@dataclass
class _Watch:
    """What is known so far."""

    running: emulator.Running
    process: Path  # of the one container, in /proc: gone if another took its place
    kinds: Counter[str] = field(default_factory=Counter)
    entrances: Counter[str] = field(default_factory=Counter)
    answers: dict[str, Any] = field(default_factory=dict)  # by Call.same, as they were first
    probes: list[float] = field(default_factory=list)  # milliseconds, of this bucket
    samples: list[Sample] = field(default_factory=list)
    buckets: list[Bucket] = field(default_factory=list)

    def make(self, call: Call) -> None:
        answer = self.running.invoke(call.event)
        predictions = check(call, answer.payload)
        if call.same and self.answers.setdefault(call.same, predictions) != predictions:
            expected = self.answers[call.same]
            raise UnexpectedAnswer(f"{call.kind}: expected {expected} again, got {predictions}")
        self.kinds[call.kind] += 1
        self.entrances[call.entrance] += 1
        if call.kind == "probe":
            self.probes.append(1000 * answer.seconds)

    def sample(self, calls: int) -> None:
        threads, files = (len(list((self.process / part).iterdir())) for part in ("task", "fd"))
        memory, cpu = self.running.memory(), self.running.cpu_seconds()
        self.samples.append(Sample(calls, memory, threads, files, cpu))

    def close_bucket(self, calls: int) -> None:
        begin = self.buckets[-1].calls if self.buckets else 0
        before = next(sample for sample in self.samples if sample.calls >= begin)
        cpu = 1000 * (self.samples[-1].cpu - before.cpu) / (calls - begin)
        p99 = statistics.quantiles(self.probes, n=100, method="inclusive")[98]
        self.buckets.append(Bucket(calls, statistics.median(self.probes), p99, cpu))
        self.probes.clear()


def run(modality: str, calls: int, tell: Callable[[str], None]) -> Course:
    """Send a function so many calls, one at a time, in its one container.

    calls: a multiple of DECK.
    tell: is given a line for every tenth of them.
    The first call, which starts the process, is a probe that does not count.
    Raises UnexpectedAnswer for one whose status, number of predictions or, where the same is sent
    twice, any digit is not as it must be, and emulator.FunctionError where there is no answer.
    """
    began = perf_counter()
    random = Random(0)  # noqa: S311  every run is to be the same
    with aws.start_apart(uploads.INPUT, uploads.RESULTS) as s3:
        env = {**s3.environment, "RESULTS_BUCKET": uploads.RESULTS}
        with emulator.start(package.function(modality), env) as running:
            running.invoke(probe(modality).event)
            files = uploads.calls(modality, s3, random)
            mixed = mix.calls(modality, CARDS[modality], files, random)
            watch = _follow(running, mixed, calls, lambda line: tell(f"{modality}: {line}"))
            peak = running.peak_memory()
    return Course(
        modality,
        dict(watch.kinds),
        dict(watch.entrances),
        watch.samples,
        watch.buckets,
        peak,
        perf_counter() - began,
    )


def _follow(
    running: emulator.Running, mixed: Iterator[Call], calls: int, tell: Callable[[str], None]
) -> _Watch:
    watch = _Watch(running, Path(f"/proc/{running.runtime_process()}"))
    watch.sample(0)
    bucket = BUCKET if calls >= 10 * BUCKET else DECK
    tenth = max(calls // 10, DECK)
    for number in range(1, calls + 1):
        watch.make(next(mixed))
        if number % DECK == 0:
            watch.sample(number)
        if number % bucket == 0 or number == calls:
            watch.close_bucket(number)
        if number % tenth == 0:
            memory, p50 = watch.samples[-1].memory, watch.buckets[-1].p50
            tell(f"{number:,} calls, {memory:.1f} MB, probe {p50:.2f} ms")
    return watch
