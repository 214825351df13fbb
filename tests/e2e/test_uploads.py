"""The built functions at many uploads, killed at random, and at one that is long."""

import json
import logging
import os
import random
import time

import pytest

from local import aws
from local.emulator import FunctionError, Running
from serving.predictor import Predictor
from tests.e2e.chaos import DUPLICATES, Chaos, plan
from tests.uploads import FILES, HEADER, OWNER, RENTER, differs, expect, notification, parse

pytestmark = pytest.mark.e2e

EVENTS = int(os.environ.get("CHAOS_EVENTS", "10000"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))
INPUT, OUTPUT = "chaos-uploads", "chaos-results"
WORKERS = 2  # functions a modality
_log = logging.getLogger(__name__)


@pytest.fixture(scope="module")
def apart():
    """S3 that does not share a processor's time with the threads of these tests."""
    with aws.start_apart(INPUT, OUTPUT) as started:
        yield started


@pytest.fixture(scope="module")
def start_at(start, apart):
    """Start a built function that works on these buckets."""

    def start_one(modality: str, **variables: str):
        return start(modality, **apart.environment, RESULTS_BUCKET=OUTPUT, **variables)

    return start_one


def listing(s3) -> list[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=OUTPUT)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def test_every_object_has_exactly_one_right_answer_whatever_happened(apart, start_at):
    changes = plan(random.Random(SEED), round(EVENTS / (1 + DUPLICATES)))
    chaos = Chaos(apart, INPUT, SEED)
    began = time.monotonic()
    chaos.run(changes, start_at, WORKERS)
    seconds = round(time.monotonic() - began)
    _log.info("%s objects live, %s, %s s", len(chaos.live), dict(chaos.tally), seconds)
    assert chaos.tally["killed"] > EVENTS / 200
    predictors = {modality: Predictor.load(modality) for modality in FILES}
    expected = {}
    for key, (file, source) in chaos.live.items():
        expected |= expect(file, source, predictors[key.split("/")[0]])
    assert sorted(listing(apart.s3)) == sorted(expected)
    wrong = {}
    for key, answer in expected.items():
        found = parse(key, apart.download(OUTPUT, key))
        if difference := differs(answer, found):
            wrong[key] = difference
    assert wrong == {}
    assert "Uploads" not in apart.s3.list_multipart_uploads(Bucket=OUTPUT)


def answer(running: Running, key: str) -> int:
    """Deliver an event until the function has not to be called again; returns how often."""
    for count in range(1, 20):
        try:
            running.invoke(notification(INPUT, key))
        except FunctionError as exc:
            if "ExceptionGroup" not in str(exc):
                raise
            continue
        return count
    raise AssertionError(f"{key} comes to no end")


def table(rows: int) -> bytes:
    return f"{HEADER}\n{f'{OWNER}\n{RENTER}\n' * (rows // 2)}".encode()


def test_memory_does_not_hang_on_the_number_of_rows(apart, start_at):
    peaks = {}
    for rows in (10_000, 100_000, 1_000_000):
        key = f"numeric/{rows}.csv"
        apart.upload(INPUT, key, table(rows))
        with start_at("numeric") as running:
            began = time.monotonic()
            calls = answer(running, key)
            seconds = time.monotonic() - began
            peaks[rows] = running.peak_memory()
        *_, last = apart.download(OUTPUT, f"{key}.jsonl").splitlines()
        assert json.loads(last) == {"rows": rows, "predictions": rows, "errors": 0}
        _log.info("%s rows: %.0f MB, %.1f s, %s calls", rows, peaks[rows], seconds, calls)
    assert peaks[1_000_000] < peaks[100_000] + 16  # measured: 125 and 133 MB, 133 for 4,000,000
    assert peaks[1_000_000] < peaks[10_000] + 40  # 111 MB: less than a part of the answer
