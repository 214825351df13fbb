"""Several functions at one object, each stopped, resumed and killed between any two requests."""

import threading
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.storage import Location
from serving.uploads.reconcile import Work, reconcile
from tests.integration.conftest import Buckets, Killed
from tests.uploads import FILES, File, jsonl_file

ROWS = [f"Row {number} was fresh and rich." for number in range(6)]
OBJECTS = {
    "document": FILES["text"][:3],
    "rows": (
        jsonl_file(*ROWS),
        jsonl_file(5, *reversed(ROWS)),
        jsonl_file("A single row."),
        replace(FILES["text"][4], body=b"\n"),
        File(".jsonl", b"PAR1", status=415),
    ),
}


class Worker(threading.Thread):
    """A function that waits before each of its requests until it is told to go on."""

    def __init__(self, work: Work) -> None:
        super().__init__(daemon=True)
        self.work, self.done, self.killed = work, False, False
        self._go, self._stopped = threading.Semaphore(0), threading.Semaphore(0)
        self.start()
        self._stopped.acquire()

    def run(self) -> None:
        """Sets `done` if the event is answered and needs not come again."""
        try:
            self.done = reconcile(self.work)
        except (Killed, Exception):
            self.done = False
        finally:
            self._go = None
            self._stopped.release()

    def wait(self) -> None:
        """Before a request, in the worker's own thread."""
        self._stopped.release()
        self._go.acquire()
        if self.killed:
            raise Killed

    def step(self) -> bool:
        """One request; False if the worker has ended."""
        if self._go is not None:
            self._go.release()
            self._stopped.acquire()
        return self._go is not None


class Model:
    """One object, the events of it that are still to be delivered, and who is at it."""

    def __init__(self, buckets: Buckets, files: tuple[File, ...]) -> None:
        self.buckets, self.files = buckets, files
        self.key = f"text/a{files[0].suffix}"
        self.live: list = []
        self.events, self.workers = 0, []

    def put(self, number: int) -> None:
        file = self.files[number % len(self.files)]
        self.live = [(file, self.buckets.put(self.key, file.body))]
        self.events += 1

    def delete(self, _: int) -> None:
        self.buckets.delete(self.key)
        self.live = []
        self.events += 1

    def begin(self, number: int) -> None:
        """Deliver an event, or one again that was delivered before."""
        self.events -= self.events > 0
        seconds = 0.0 if number % 3 == 0 else 100.0
        predictor = self.buckets.handlers["text"].predictor
        where = Location(self.buckets.uploads, self.key)
        self.workers.append(Worker(Work(where, predictor, "request", lambda: seconds)))

    def step(self, number: int) -> None:
        """Some requests of one worker."""
        if self.workers:
            worker = self.workers[number % len(self.workers)]
            for _ in range(1 + number // 4):
                if not worker.step():
                    self._end(worker)
                    break

    def kill(self, number: int) -> None:
        if self.workers:
            worker = self.workers[number % len(self.workers)]
            worker.killed = True
            assert not worker.step()
            self._end(worker)

    def settle(self) -> None:
        """Let all end, and deliver each event that is left."""
        for _ in range(100):
            if not self.workers and not self.events:
                return
            if not self.workers:
                self.begin(1)
            while self.workers[0].step():
                pass
            self._end(self.workers[0])
        raise AssertionError("the events come to no end")

    def _end(self, worker: Worker) -> None:
        worker.join()
        self.workers.remove(worker)
        self.events += not worker.done


OPERATIONS = st.tuples(
    st.sampled_from(["put", "put", "delete", "begin", "begin", "step", "step", "step", "kill"]),
    st.integers(0, 40),
)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("files", OBJECTS.values(), ids=OBJECTS)
@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=60)
@given(operations=st.lists(OPERATIONS, min_size=4, max_size=30))
def test_whatever_comes_between_the_last_version_has_the_one_answer(
    make_buckets, files, operations
):
    buckets = make_buckets()
    model = Model(buckets, files)

    def before(_: str) -> None:
        if isinstance(worker := threading.current_thread(), Worker):
            worker.wait()

    with buckets.watch.doing(before):
        try:
            for name, number in operations:
                getattr(model, name)(number)
            model.settle()
        finally:
            while model.workers:
                model.kill(0)
    buckets.check(*model.live)
