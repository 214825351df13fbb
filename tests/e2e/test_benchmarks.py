"""The benchmarks run, and everyone in them does the same work."""

import importlib.util
import json

import pytest

from benchmarks import contenders, inputs, peers
from tests.programs import run

pytestmark = pytest.mark.e2e

LEAST = ("--rounds", "1", "--slow-rounds", "1", "--calls", "1")
STAMP = contenders.KERAS / ".stamp"


def test_one_round_of_the_benchmark_gives_one_answer_for_each_model(built, start, tmp_path):
    modalities, without = ("image", "text", "numeric"), ("--without", *peers.NAMES)
    run("benchmarks", *LEAST, "--only", *modalities, *without, "--out", str(tmp_path))
    results = (tmp_path / "results.md").read_text()
    assert "| hand-minimal |" in results
    assert ("| Keras engine |" in results) == STAMP.is_file()
    assert ("not measured: Keras engine" in results) == (not STAMP.is_file())
    rows = json.loads((tmp_path / "results.json").read_text())["rows"]
    ours = {row["workload"]: row for row in rows if row["name"] == contenders.OURS}
    assert {name: list(row["warm"]) for name, row in ours.items()} == {
        name: [asked.name for asked in inputs.load(name)] for name in modalities
    }
    for chart in ("results.svg", "warm.svg"):
        assert (tmp_path / chart).read_text().startswith("<svg")


def test_mobilenet_is_packed_and_measured_where_tensorflow_is(built, start, tmp_path):
    without = ("--without", contenders.NAIVE, *peers.NAMES)
    run("benchmarks", *LEAST, "--only", "numeric", "mobilenet", *without, "--out", str(tmp_path))
    results = (tmp_path / "results.md").read_text()
    installed = importlib.util.find_spec("tensorflow") is not None
    assert ("### mobilenet, 12 MP" in results) == installed
    assert ("not measured: mobilenet" in results) == (not installed)
