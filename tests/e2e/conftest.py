"""The built package, a local S3, and each function once under the runtime emulator."""

import contextlib
import signal
import subprocess
from collections.abc import Callable, Iterator

import pytest

from local import aws, emulator, environment, package
from local.aws import Aws
from local.emulator import Running
from local.package import ROOT

UPLOADS, RESULTS = "uploads", "results"
LOG_CHARACTERS = 6000  # of a log's end, shown with a failed test
_running: dict[str, Running] = {}


@pytest.fixture(scope="session")
def built() -> None:
    """The package, built anew by `make` when a source is newer: no test runs stale code."""
    done = subprocess.run(["make", "build"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"make build failed:\n{done.stdout}{done.stderr}"
    package.load.cache_clear()


@pytest.fixture(scope="session")
def local_aws() -> Iterator[Aws]:
    """A moto server with the two buckets."""
    with aws.start(UPLOADS, RESULTS) as started:
        yield started


@pytest.fixture(scope="session")
def start(built, local_aws) -> Callable[..., contextlib.AbstractContextManager[Running]]:
    """Start a modality's built function under the emulator, with further variables."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: stops the emulators
    try:
        environment.binary()
    except environment.EmulatorError as exc:
        pytest.skip(str(exc))

    def start_one(modality: str, **variables: str):
        env = {**local_aws.environment, "RESULTS_BUCKET": RESULTS, **variables}
        return emulator.start(package.function(modality), env)

    return start_one


@pytest.fixture(scope="session")
def function(start) -> Iterator[Callable[[str], Running]]:
    """One execution environment a modality, started when first asked for, kept to the end."""
    with contextlib.ExitStack() as stack:

        def get(modality: str) -> Running:
            if modality not in _running:
                _running[modality] = stack.enter_context(start(modality))
            return _running[modality]

        yield get
        _running.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    """Show the functions' logs with a failed test."""
    report = yield
    if report.failed:
        for name, running in _running.items():
            report.sections.append((f"end of the {name} function's log", tail(running)))
    return report


def tail(running: Running) -> str:
    return running.logs()[-LOG_CHARACTERS:]
