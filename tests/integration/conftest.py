"""The real handlers and models against an S3 server over a real connection, watched."""

import itertools
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest

from local import s3
from serving import storage
from serving.storage import Location
from serving.uploads import rows
from serving.uploads.reconcile import Work, reconcile
from tests.conftest import MODALITIES, Context
from tests.uploads import File, differs, expect, notification, parse

_numbers = itertools.count()


class Killed(BaseException):
    """Ends a function as SIGKILL would: nothing in it catches this."""


@dataclass
class Watch:
    """The requests that functions send to S3. before: called with each one's operation, first.
    lost: the numbers of requests in `seen` whose answers get lost, so that they are sent again.
    """

    before: Callable[[str], None] = lambda _: None
    seen: list[str] = field(default_factory=list)
    lost: set[int] = field(default_factory=set)

    def sent(self, event_name: str, **_: Any) -> None:
        operation = event_name.rpartition(".")[2]
        self.before(operation)
        self.seen.append(operation)

    def answered(self, **_: Any) -> int | None:
        """The seconds to wait before the same is sent again, or None: botocore's convention."""
        number = len(self.seen) - 1
        if number not in self.lost:
            return None
        self.lost.remove(number)
        return 0

    @contextmanager
    def doing(self, before: Callable[[str], None]):
        """Call something before every request, for a while."""
        earlier, self.before = self.before, before
        try:
            yield
        finally:
            self.before = earlier

    @contextmanager
    def kill(self, count: int):
        """Let a number of requests pass, and none after them."""
        left = itertools.count(count, -1)

        def before(_: str) -> None:
            if next(left) <= 0:
                raise Killed

        with self.doing(before):
            yield

    @contextmanager
    def fail(self, count: int):
        """Let a number of requests pass, let one fail, and the others pass."""
        left = itertools.count(count, -1)

        def before(_: str) -> None:
            if next(left) == 0:
                raise OSError("S3 is away")

        with self.doing(before):
            yield


@dataclass(frozen=True)
class Buckets:
    """The two buckets, as a person and as S3's events see them."""

    client: Any
    uploads: str
    results: str
    handlers: dict[str, Any]
    watch: Watch

    def put(self, key: str, body: bytes, **extra: Any) -> dict[str, Any]:
        """Upload; returns the source as its answer must name it."""
        stored = self.client.put_object(Bucket=self.uploads, Key=key, Body=body, **extra)
        etag, version = stored["ETag"].strip('"'), stored.get("VersionId")
        return {"bucket": self.uploads, "key": key, "etag": etag, "version": version}

    def delete(self, key: str, bucket: str | None = None) -> None:
        self.client.delete_object(Bucket=bucket or self.uploads, Key=key)

    def deliver(self, *keys: str, seconds: float = 100.0) -> Any:
        """One event of keys of one modality; seconds: that the function has."""
        event = notification(self.uploads, *keys)
        return self.invoke(keys[0].split("/")[0], event, seconds)

    def invoke(self, modality: str, event: Any, seconds: float = 100.0) -> Any:
        return self.handlers[modality].handler(event, Context(milliseconds=int(1000 * seconds)))

    def answer(self, key: str) -> bool:
        """What an event of a key leads to, as another function does it that runs meanwhile."""
        predictor = self.handlers[key.split("/")[0]].predictor
        return reconcile(Work(Location(self.uploads, key), predictor, "meanwhile", lambda: 100.0))

    def found(self, bucket: str | None = None) -> dict[str, bytes]:
        """Every object of the results bucket."""
        bucket = bucket or self.results
        listed = self.client.list_objects_v2(Bucket=bucket).get("Contents", [])
        return {item["Key"]: self.read(item["Key"], bucket) for item in listed}

    def read(self, key: str, bucket: str | None = None) -> bytes:
        return self.client.get_object(Bucket=bucket or self.results, Key=key)["Body"].read()

    def documents(self) -> dict[str, Any]:
        return {key: parse(key, body) for key, body in self.found().items()}

    def pending(self) -> list[str]:
        """Keys of what was begun in parts and is not done."""
        uploads = self.client.list_multipart_uploads(Bucket=self.results).get("Uploads", [])
        return [upload["Key"] for upload in uploads]

    def check(self, *live: tuple[File, dict[str, Any]]) -> None:
        """Exactly one right answer for each live object, and nothing else."""
        expected: dict[str, Any] = {}
        for file, source in live:
            predictor = self.handlers[source["key"].split("/")[0]].predictor
            expected |= expect(file, source, predictor)
        found = self.documents()
        assert sorted(found) == sorted(expected)
        wrong = {key: differs(expected[key], found[key]) for key in expected}
        assert not any(wrong.values()), wrong
        assert self.pending() == []


@pytest.fixture(scope="session")
def server():
    server = s3.serve(0)
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def make_buckets(server, monkeypatch, handlers):
    """Makes two fresh buckets, versioned or not, and watches the functions' requests."""

    def make(versioned: bool = True, one: bool = False) -> Buckets:
        number = next(_numbers)
        uploads = f"uploads-{number}"
        results = uploads if one else f"results-{number}"
        monkeypatch.setenv("RESULTS_BUCKET", results)
        client = boto3.client("s3", endpoint_url=server)
        place = {"LocationConstraint": "eu-central-1"}
        for bucket in {uploads, results}:
            client.create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
            if versioned:
                client.put_bucket_versioning(
                    Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
                )
        watch.seen.clear()
        return Buckets(client, uploads, results, handlers, watch)

    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server)
    storage._client.cache_clear()
    watch = Watch()
    events = storage._client().meta.events
    events.register("before-send.s3", watch.sent)
    events.register_first("needs-retry.s3", watch.answered)
    yield make
    storage._client.cache_clear()


@pytest.fixture
def buckets(make_buckets) -> Buckets:
    return make_buckets()


@pytest.fixture
def predicted(handlers, monkeypatch) -> list[int]:
    """How many instances each prediction was for."""
    counts: list[int] = []
    for modality in MODALITIES:
        predictor = handlers[modality].predictor
        predict = predictor.predict

        def counted(instances, predict=predict):
            counts.append(len(instances))
            return predict(instances)

        monkeypatch.setattr(predictor, "predict", counted)
    return counts


@pytest.fixture
def small_parts(handlers, monkeypatch):
    """Chunks of two rows, and a part after every chunk or two, which S3 itself would refuse."""
    monkeypatch.setattr(rows, "PART_BYTES", 400)
    monkeypatch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", 1)
    for modality in MODALITIES:
        predictor = handlers[modality].predictor
        limits = predictor.manifest.limits._replace(batch_size=2)
        monkeypatch.setattr(predictor, "manifest", predictor.manifest._replace(limits=limits))
