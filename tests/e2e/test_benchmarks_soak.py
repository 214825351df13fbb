"""The soak sends every kind of request, is answered as it must be, and writes what it found."""

import json
from collections import Counter
from dataclasses import replace

import pytest

from benchmarks import contenders
from benchmarks.soak import calls, course, mix, report
from local.package import ROOT
from tests.programs import run

pytestmark = pytest.mark.e2e

STAMP = contenders.KERAS / ".stamp"
needs_engine = pytest.mark.skipif(
    not STAMP.is_file(),
    reason=f"the container's packages are not installed: make {STAMP.relative_to(ROOT)}",
)
STATUSES = {"400", "404", "405", "413", "415", "422"}


def test_short_mixed_soak_sends_everything_to_every_function(built, start, tmp_path):
    number = 2 * mix.DECK
    run("benchmarks.soak", "--calls", str(number), "--out", str(tmp_path))
    courses = json.loads((tmp_path / "soak.json").read_text())["courses"]
    assert [one["modality"] for one in courses] == list(course.CARDS)
    for one in courses:
        kinds = Counter(one["kinds"])
        assert kinds.total() == one["samples"][-1]["calls"] == number
        assert kinds["probe"] == number // mix.PROBE
        assert {kind[:3] for kind in kinds} >= STATUSES
        assert sum(n for kind, n in kinds.items() if kind.startswith("upload")) == 2 * mix.UPLOADS
        assert {"rest", "http", "url", "direct", "sqs"} <= one["entrances"].keys()
    assert "| numeric |" in (tmp_path / "soak.md").read_text()
    assert (tmp_path / "soak.svg").read_text().startswith("<svg")


def test_growth_and_open_files_are_told():
    samples = [course.Sample(calls, 80 + calls / 5_000, 3, 9, 0) for calls in range(0, 20_001, 400)]
    leaking = [*samples[:-1], replace(samples[-1], files=10)]
    buckets = [course.Bucket(2_000, 1, 2, 3)]
    grown = course.Course("text", {}, {}, samples, buckets, 84, 60)
    assert "| +2.00 | 82.0 to 84.0 | 84 |" in report.to_markdown([grown], {})
    assert report.is_closed(grown)
    assert not report.is_closed(replace(grown, samples=leaking))


@pytest.mark.parametrize(
    "payload",
    [
        {"statusCode": 400, "body": '{"predictions": [1]}'},
        {"statusCode": 200, "body": '{"predictions": []}'},
        {"statusCode": 200, "body": '{"predictions": [1, 2]}'},
    ],
)
def test_answer_of_another_status_or_length_stops_the_soak(payload):
    with pytest.raises(calls.UnexpectedAnswer, match="expected status 200 and 1 predictions"):
        calls.check(calls.probe("text"), payload)


@needs_engine
def test_short_soak_writes_the_memory_of_every_function(built, start, tmp_path):
    run("benchmarks.memory", "--calls", "20", "--out", str(tmp_path))
    assert "| numeric, Keras engine |" in (tmp_path / "memory.md").read_text()
    courses = json.loads((tmp_path / "memory.json").read_text())["courses"]
    assert [course["points"][-1][0] for course in courses] == [20] * 7
    assert (tmp_path / "memory.svg").read_text().startswith("<svg")
