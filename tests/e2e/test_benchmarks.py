"""The benchmark runs, and hand-minimal does the same work as this package."""

import subprocess
import sys

import pytest

from local.package import ROOT

pytestmark = pytest.mark.e2e


def test_one_round_of_the_benchmark_gives_one_answer_for_each_model(built, start, tmp_path):
    effort = ["--rounds", "1", "--calls", "1", "--seconds", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *effort, "--out", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "hand-minimal" in (tmp_path / "results.md").read_text()
    assert (tmp_path / "results.svg").read_text().startswith("<svg")
