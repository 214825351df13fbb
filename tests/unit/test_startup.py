"""What stands around a container's start: the clock of its stages, and the garbage collector."""

import gc
import time

import pytest

from serving import startup


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    monkeypatch.setattr(startup, "milliseconds", {})
    yield
    gc.unfreeze()


def test_what_no_stage_counts_is_imports():
    with startup.once():
        time.sleep(0.03)
        with startup.stage("Load"):
            time.sleep(0.02)
        with startup.stage("Load"):
            time.sleep(0.02)
        with startup.stage("WarmUp"):
            time.sleep(0.01)
    assert set(startup.milliseconds) == {"Import", "Load", "WarmUp"}
    assert startup.milliseconds["Import"] >= 30
    assert startup.milliseconds["Load"] >= 40
    assert startup.milliseconds["WarmUp"] >= 10


def test_garbage_is_not_looked_for_meanwhile_and_what_stays_is_passed_by_later():
    kept = []
    with startup.once():
        assert not gc.isenabled()
        kept.append([])
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
    assert not any(each is kept[0] for each in gc.get_objects())


def test_garbage_is_looked_for_again_after_a_start_that_fails():
    with pytest.raises(KeyError), startup.once():
        raise KeyError
    assert gc.isenabled()
