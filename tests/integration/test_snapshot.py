"""The hooks of SnapStart, run in this process by the runtime client's own runner."""

import json
import os
import random

import boto3
import numpy as np
import pytest

from serving import queue, snapshot, startup, storage, telemetry
from serving.storage import Location
from tests.conftest import Context

runner = pytest.importorskip(
    "awslambdaric.lambda_runtime_hooks_runner", reason="Lambda's runtime client is for Linux"
)
WHERE = Location("bucket", "key")


@pytest.fixture
def registered(monkeypatch):
    """The hooks in fresh registries, as the handlers register them under SnapStart."""
    import snapshot_restore_py

    monkeypatch.setattr(snapshot_restore_py, "_before_snapshot_registry", [])
    monkeypatch.setattr(snapshot_restore_py, "_after_restore_registry", [])
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    assert snapshot.register(*snapshot.FOR_SOME_REQUESTS)
    yield
    for module in (storage, queue):
        module._client.cache_clear()
    storage._signer.cache_clear()


def drawn(restore) -> tuple[float, float]:
    """What both generators give first in a copy."""
    restore()
    return random.random(), np.random.random()  # noqa: NPY002


def copies(restore) -> list[tuple[float, float]]:
    """The same of two copies of one snapshot."""
    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    found = []
    for _ in range(2):
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        found.append(drawn(restore))
    return found


@pytest.mark.usefixtures("registered")
def test_two_copies_of_a_snapshot_do_not_draw_the_same_numbers():
    runner.run_before_snapshot()
    first, second = copies(lambda: None)
    assert first == second
    (random_first, numpy_first), (random_second, numpy_second) = copies(runner.run_after_restore)
    assert random_first != random_second
    assert numpy_first != numpy_second


@pytest.mark.usefixtures("registered")
def test_a_copy_signs_with_its_own_credentials(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "BEFORE")
    assert "BEFORE" in storage.presign_download(WHERE, 60)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AFTER")
    assert "BEFORE" in storage.presign_download(WHERE, 60)
    runner.run_before_snapshot()
    runner.run_after_restore()
    signed = storage.presign_download(WHERE, 60)
    assert "AFTER" in signed
    assert "BEFORE" not in signed


@pytest.mark.usefixtures("registered")
def test_no_client_is_kept():
    storage.connect()
    queue._client()
    runner.run_before_snapshot()
    caches = (storage._client, storage._signer, queue._client)
    assert [made.cache_info().currsize for made in caches] == [0, 0, 0]


def metrics(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines() if '"_aws"' in line]


@pytest.mark.usefixtures("registered")
def test_the_first_request_of_a_copy_tells_of_the_restoring_and_not_of_the_start(
    handlers, load_event, capsys, monkeypatch
):
    monkeypatch.setattr(telemetry, "_cold", True)
    monkeypatch.setattr(startup, "milliseconds", {"Import": 100.0})
    runner.run_before_snapshot()
    runner.run_after_restore()
    capsys.readouterr()
    for _ in range(2):
        handlers["text"].handler(load_event("text_rest_review"), Context())
    first, second = metrics(capsys.readouterr().out)
    assert 0 <= first["RestoreTime"][0] < 10_000  # Lambda gives the hooks 10 s
    assert first["ColdStarts"] == [1]
    assert "ImportTime" not in first
    assert "RestoreTime" not in second


def test_nothing_is_registered_without_snapstart(monkeypatch):
    import snapshot_restore_py

    for kind in ("on-demand", "provisioned-concurrency", None):
        if kind is None:
            monkeypatch.delenv("AWS_LAMBDA_INITIALIZATION_TYPE", raising=False)
        else:
            monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", kind)
        assert not snapshot.register()
    assert snapshot_restore_py.get_before_snapshot() == []
    assert snapshot_restore_py.get_after_restore() == []
    assert "AWS_LAMBDA_INITIALIZATION_TYPE" not in os.environ
