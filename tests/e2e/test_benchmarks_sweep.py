"""The limits hold as Lambda's do, and the sweep runs under them."""

import json
import subprocess
import sys
import time

import pytest

from benchmarks import limits, machine
from tests.programs import run

pytestmark = pytest.mark.e2e


@pytest.fixture
def limited():
    """Makes limits as `limits.group` does; skips where this machine lets nobody make them."""
    try:
        with limits.group(1769):
            return limits.group
    except machine.Unavailable as exc:
        pytest.skip(str(exc))


def python(group, code: str) -> subprocess.CompletedProcess:
    command = [*group.launcher(), sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_busy_loop_at_a_quarter_of_a_vcpu_gets_a_quarter_of_the_time(limited):
    spin = "import time\nend = time.monotonic() + 2\nwhile time.monotonic() < end: pass"
    with limited(round(limits.MEGABYTES_PER_VCPU / 4)) as group:
        began = time.monotonic()
        assert python(group, spin).returncode == 0
        share = group.cpu_seconds() / (time.monotonic() - began)
    # The kernel may overdraw a helping and takes it from the next ones; a busy machine gives less.
    assert 0.05 < share < 0.35


def test_process_over_its_memory_is_killed_and_another_is_not(limited):
    with limited(128) as group:
        assert python(group, "bytearray(64 << 20)").returncode == 0
        assert not group.killed()
        assert python(group, "bytearray(256 << 20)").returncode != 0
        assert group.killed()


def test_one_size_is_measured_and_its_groups_are_gone(built, start, limited, tmp_path):
    before = set(limits.CGROUPS.rglob("lambda-*"))
    arguments = ("--sizes", "512", "--rounds", "1", "--calls", "1", "--seconds", "0")
    run("benchmarks.sweep", *arguments, "--no-extremes", "--out", str(tmp_path))
    results = json.loads((tmp_path / "sweep.json").read_text())
    assert len(results["rows"]) == 9
    assert {row["modality"] for row in results["rows"]} == {"image", "text", "numeric"}
    for row in results["rows"]:
        assert (row["megabytes"], row["killed"], row["calls"]) == (512, 0, 1)
        assert 0 < row["cpu"] < row["cold"]
        assert 30 < row["peak"] < 512
    assert "| 512 | 0.29 |" in (tmp_path / "sweep.md").read_text()
    assert (tmp_path / "sweep.svg").read_text().startswith("<svg")
    assert set(limits.CGROUPS.rglob("lambda-*")) <= before
