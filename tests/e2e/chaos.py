"""Uploads as they befall functions: put, overwritten, deleted, told of twice and out of order, and
answered by functions that are killed. What Lambda and SQS do around a function is done here.
"""

import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

from local.aws import Aws
from local.emulator import Running
from local.environment import EmulatorError
from tests.uploads import FILES, OWNER, RENTER, File, csv_file, messages, notification

DUPLICATES = 0.25  # events a change, beside the one that each has
KILLS, KILLS_OF_LONG = 0.05, 0.5  # of invocations
COLLISIONS = 0.5  # of invocations are about objects that another function is at, if there are any
LATEST_KILL, LATEST_KILL_OF_LONG = 0.08, 3.0  # seconds after an invocation began
LONG_ROWS = 100_000  # whose answer takes more than one part
WAITING = 200  # events that are taken in any order; more of them hold up the next change
AT_ONCE = 40  # objects that change in turns
LONG = "long"  # in the key of such a file
RECEIVES = 30  # of an event: more would be one that no retry can mend


@dataclass(frozen=True)
class Change:
    """What is put at a key, or None for a deletion."""

    key: str
    file: File | None


def plan(rng: random.Random, count: int) -> list[Change]:
    """So many changes to objects of all modalities, one to five an object, and some long files."""
    histories: list[list[Change]] = []
    while sum(map(len, histories)) < count:
        modality = rng.choice(list(FILES))
        suffix = rng.choice(FILES[modality]).suffix
        files = [file for file in FILES[modality] if file.suffix == suffix]
        key = f"{modality}/{len(histories)} ä+%{suffix}"
        choices = [rng.choice([*files, *files, None]) for _ in range(rng.randint(0, 4))]
        histories.append([Change(key, file) for file in (rng.choice(files), *choices)])
    changes = []
    for first in range(0, len(histories), AT_ONCE):
        turns = [history for history in histories[first : first + AT_ONCE] for _ in history]
        rng.shuffle(turns)
        changes += [history.pop(0) for history in turns]
    for number in range(3):
        for rows in ((OWNER, RENTER), (RENTER, OWNER)):
            file = csv_file(*rows * (LONG_ROWS // 2))
            changes.insert(
                rng.randrange(len(changes)), Change(f"numeric/{number} {LONG}.csv", file)
            )
    return changes


@dataclass
class Queue:
    """Events of one modality: keys, and how often each was received."""

    waiting: list[tuple[str, int]] = field(default_factory=list)
    taken: list[tuple[str, int]] = field(default_factory=list)
    closed: bool = False
    changed: threading.Condition = field(default_factory=threading.Condition)

    def put(self, key: str) -> None:
        """Add an event; wait while there are too many."""
        with self.changed:
            self.changed.wait_for(lambda: len(self.waiting) < WAITING)
            self.waiting.append((key, 1))
            self.changed.notify_all()

    def take(self, rng: random.Random, most: int) -> list[tuple[str, int]]:
        """Some events, whichever; none if all are done and no more will come."""
        with self.changed:
            self.changed.wait_for(lambda: self.waiting or (self.closed and not self.taken))
            rng.shuffle(self.waiting)
            if rng.random() < COLLISIONS:
                busy = {key for key, _ in self.taken}
                self.waiting.sort(key=lambda event: event[0] in busy)
            events = [self.waiting.pop() for _ in range(min(most, len(self.waiting)))]
            self.taken += events
            self.changed.notify_all()
            return events

    def finish(self, events: list[tuple[str, int]], failed: Iterable[tuple[str, int]]) -> None:
        """Forget events that were taken, and let the failed of them come again."""
        with self.changed:
            for event in events:
                self.taken.remove(event)
            self.waiting += [(key, received + 1) for key, received in failed]
            self.changed.notify_all()

    def close(self) -> None:
        with self.changed:
            self.closed = True
            self.changed.notify_all()


@dataclass
class Chaos:
    """live: what every object holds at last, with its source. tally: what happened how often."""

    aws: Aws
    bucket: str
    seed: int
    live: dict[str, tuple[File, dict[str, Any]]] = field(default_factory=dict)
    tally: Counter[str] = field(default_factory=Counter)
    queues: dict[str, Queue] = field(default_factory=lambda: {name: Queue() for name in FILES})

    def run(self, changes: list[Change], start: Callable[..., Any], workers: int) -> None:
        """Make the changes, and have their events answered by so many functions a modality."""
        with ExitStack() as stack:
            threads, functions = [], []
            for number in range(workers):
                for modality in FILES:
                    running = stack.enter_context(start(modality))
                    functions.append(running)
                    rng = random.Random(f"{self.seed} {modality} {number}")
                    threads.append(_Thread(self._work, running, self.queues[modality], rng))
            self._change(changes)
            for thread in threads:
                thread.join()
            for running in functions:
                self.tally["changed meanwhile"] += running.logs().count("changed meanwhile")
        failures = [thread.failure for thread in threads if thread.failure]
        if failures:
            raise ExceptionGroup("workers", failures)

    def _change(self, changes: list[Change]) -> None:
        rng = random.Random(self.seed)
        for change in changes:
            self.tally["changes"] += 1
            self._make(change)
            queue = self.queues[change.key.split("/")[0]]
            for _ in range(1 + (rng.random() < DUPLICATES)):
                self.tally["events"] += 1
                queue.put(change.key)
        for queue in self.queues.values():
            queue.close()

    def _make(self, change: Change) -> None:
        where = {"Bucket": self.bucket, "Key": change.key}
        if change.file is None:
            self.aws.s3.delete_object(**where)
            self.live.pop(change.key, None)
            return
        stored = self.aws.s3.put_object(**where, Body=change.file.body)
        place = {"bucket": self.bucket, "key": change.key}
        version = {"etag": stored["ETag"].strip('"'), "version": stored["VersionId"]}
        self.live[change.key] = (change.file, place | version)

    def _work(self, running: Running, queue: Queue, rng: random.Random) -> None:
        while events := queue.take(rng, rng.choice([1, 1, 1, 3])):
            failed = events
            try:
                failed = self._deliver(running, events, rng)
            finally:
                queue.finish(events, failed)
            assert all(received < RECEIVES for _, received in failed), failed

    def _deliver(self, running: Running, events: list[Any], rng: random.Random) -> list[Any]:
        """Returns the events that failed, as Lambda or SQS would learn it."""
        keys = [key for key, _ in events]
        event = notification(self.bucket, *keys)
        through_sqs = rng.random() < 0.5
        if through_sqs:
            event = messages(*(notification(self.bucket, key) for key in keys))
        self.tally["invocations"] += 1
        long = any(LONG in key for key in keys)
        if rng.random() < (KILLS_OF_LONG if long else KILLS):
            latest = LATEST_KILL_OF_LONG if long else LATEST_KILL
            threading.Timer(rng.uniform(0, latest), self._kill, [running]).start()
        try:
            payload = running.invoke(event).payload
        except EmulatorError as exc:
            killed = "signal: killed" in str(exc)
            self.tally["killed" if killed else f"raised {exc}"[:300]] += 1
            return events
        if not through_sqs:
            return []
        failed = {failure["itemIdentifier"] for failure in payload["batchItemFailures"]}
        self.tally["failed messages"] += len(failed)
        return [event for number, event in enumerate(events) if str(number) in failed]

    def _kill(self, running: Running) -> None:
        with suppress(EmulatorError, ProcessLookupError):
            os.kill(running.runtime_process(), signal.SIGKILL)


class _Thread(threading.Thread):
    """Keeps what its function raised, and is begun."""

    failure: Exception | None = None

    def __init__(self, target: Callable[..., None], *args: Any) -> None:
        super().__init__(daemon=True)
        self._call, self._with = target, args
        self.start()

    def run(self) -> None:
        try:
            self._call(*self._with)
        except Exception as exc:
            self.failure = exc
