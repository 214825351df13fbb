"""Every peer of the benchmark serves the bundled model as the naive handler does."""

import base64
import importlib.util
import json
import os
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

from benchmarks import machine, peers, preparation, sizes
from benchmarks.peers import protocols
from local import payloads
from local.package import ROOT

pytestmark = pytest.mark.e2e

NAIVE = (
    "import json, sys, naive_numeric as n; print(json.dumps(n.handler(json.load(sys.stdin), 0)))"
)
needs_peers = pytest.mark.skipif(
    not peers.STAMP.is_file(), reason="the other servers are not installed: make peers"
)


def prediction(answer: dict) -> tuple[str, float]:
    [found] = json.loads(answer["body"])["predictions"]
    return found["label"], found["score"]


@pytest.fixture(scope="module")
def event() -> dict:
    return payloads.load("numeric_rest_application")


@pytest.fixture(scope="module")
def naive(event) -> tuple[str, float]:
    """What the naive handler answers with this Python's TensorFlow."""
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("the naive handler needs TensorFlow: make setup-pack")
    preparation.find_peer("FastAPI", sys.executable)  # fits what the handler reads
    folders = {"ARTIFACTS_DIR": str(ROOT / "artifacts"), "NAIVE_DIR": str(peers.FITTED)}
    done = subprocess.run(
        [sys.executable, "-c", NAIVE],
        input=json.dumps(event),
        env={**os.environ, **folders, "PYTHONPATH": str(ROOT / "benchmarks" / "handlers")},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return prediction(json.loads(done.stdout.splitlines()[-1]))


@needs_peers
@pytest.mark.parametrize("name", peers.NAMES)
def test_peer_answers_a_row_as_the_naive_handler_does_and_ends(name, event, naive):
    peer = preparation.find_peer(name, sys.executable)
    with peers.start(peer, "numeric") as server:
        first, second = server.invoke(event), server.invoke(event)
        assert server.cpu_seconds() > 0
        assert server.peak_memory() > 100  # TensorFlow alone takes more
    assert first.payload["statusCode"] == 200, first.payload
    label, score = prediction(first.payload)
    assert label == naive[0]
    assert score == pytest.approx(naive[1], abs=0.01)
    assert prediction(second.payload)[0] == label
    assert second.seconds < first.seconds
    assert server.processes.ids() == []
    assert peer.sizes["numeric"] > 500e6


@needs_peers
def test_peer_tells_what_is_wrong_with_a_request(event):
    broken = {**event, "body": json.dumps({"instances": [{"Seniority": 1}]})}
    with peers.start(preparation.find_peer("FastAPI", sys.executable), "numeric") as server:
        assert server.invoke(broken).payload["statusCode"] == 500


@needs_peers
def test_no_process_is_left_when_the_caller_fails_during_the_start():
    started = []

    def fail() -> None:
        with peers.start(preparation.find_peer("BentoML", sys.executable), "text") as server:
            time.sleep(2)  # its worker, which leads a session of its own, may run by now
            started.append((server, server.processes.ids()))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    [(server, ids)] = started
    assert ids
    assert server.processes.ids() == []


@needs_peers
def test_size_counts_what_a_modality_needs():
    needed = peers.find("FastAPI").sizes
    assert needed["text"] < needed["image"] < needed["numeric"]  # Pillow, then SciPy and pandas


def test_rows_are_columns_in_the_inference_protocol():
    rows = [{"Age": 41, "Home": "owner"}, {"Age": None, "Home": "rent"}]
    event = {
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps({"instances": rows}),
    }
    age, home = protocols.native("MLServer").encode(protocols.instances(event))["inputs"]
    assert (age["name"], age["datatype"], age["data"]) == ("Age", "FP64", [41, None])
    assert (home["name"], home["datatype"], home["data"]) == ("Home", "BYTES", ["owner", "rent"])


def test_picture_in_a_body_is_an_instance_in_base64():
    [instance] = protocols.instances(payloads.load("image_rest_cat"))
    assert base64.b64decode(instance["b64"]) == (payloads.EVENTS / "cat.jpg").read_bytes()


def test_packages_of_a_peer_are_those_that_it_requires_with_their_requirements():
    found = sizes.distributions(Path(sysconfig.get_path("purelib")))
    assert sizes.closure(found, ["ruff"]) == {"ruff"}
    assert sizes.closure(found, ["boto3"]) >= {"boto3", "botocore", "jmespath", "six"}
    # An extra counts where it is asked for: moto's server brings Flask.
    assert "flask" not in sizes.closure(found, ["moto"])
    assert "flask" in sizes.closure(found, ["moto[server]"])
    one, both = (sizes.size(found, names) for names in (["boto3"], ["boto3", "botocore"]))
    assert 0 < one < both


def test_missing_packages_are_told(monkeypatch, tmp_path):
    monkeypatch.setattr(peers, "STAMP", tmp_path / ".stamp")
    with pytest.raises(machine.Unavailable, match="make peers"):
        peers.find("BentoML")
