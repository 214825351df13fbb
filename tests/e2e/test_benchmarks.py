"""The benchmarks run, and everyone in them does the same work."""

import json
import subprocess
import sys

import pytest

from benchmarks import contenders
from local.package import ROOT

pytestmark = pytest.mark.e2e

STAMP = contenders.KERAS / ".stamp"
needs_engine = pytest.mark.skipif(
    not STAMP.is_file(),
    reason=f"the container's packages are not installed: make {STAMP.relative_to(ROOT)}",
)


def run(module: str, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_one_round_of_the_benchmark_gives_one_answer_for_each_model(built, start, tmp_path):
    run("benchmarks", "--rounds", "1", "--calls", "1", "--seconds", "1", "--out", str(tmp_path))
    results = (tmp_path / "results.md").read_text()
    assert "| hand-minimal |" in results
    assert ("| Keras engine |" in results) == STAMP.is_file()
    assert ("not measured: Keras engine" in results) == (not STAMP.is_file())
    assert (tmp_path / "results.svg").read_text().startswith("<svg")


@needs_engine
def test_short_soak_writes_the_memory_of_every_function(built, start, tmp_path):
    run("benchmarks.memory", "--calls", "20", "--out", str(tmp_path))
    assert "| numeric, Keras engine |" in (tmp_path / "memory.md").read_text()
    courses = json.loads((tmp_path / "memory.json").read_text())["courses"]
    assert [course["points"][-1][0] for course in courses] == [20] * 7
    assert (tmp_path / "memory.svg").read_text().startswith("<svg")
