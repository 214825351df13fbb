"""The built package in Lambda's container image, by `sam local`."""

import contextlib
import http.client
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local import package, payloads
from local.package import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.docker]

ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]
IMAGE = f"public.ecr.aws/lambda/python:3.12-{ARCHITECTURE}"
OPTIONS = ("--skip-pull-image", "--parameter-overrides", f"Architecture={ARCHITECTURE}")
SAM = Path(sys.executable).with_name("sam")
REQUESTS = {
    "image": ("image_rest_cat", "cat"),
    "text": ("text_rest_review", "fewer stars"),
    "numeric": ("numeric_rest_application", "good"),
}


@pytest.fixture(scope="module", autouse=True)
def _docker(built):
    missing = what_is_missing()
    if missing and os.environ.get("REQUIRE_DOCKER") == "1":
        pytest.fail(f"REQUIRE_DOCKER=1, but {missing}")
    if missing:
        pytest.skip(missing)


def what_is_missing() -> str | None:
    """Why `sam local` cannot run on this machine, or None."""
    if shutil.which("docker") is None:
        return "no docker command is installed"
    if not _succeeds("docker", "info"):
        return "no Docker engine is running"
    if not _succeeds("docker", "image", "inspect", IMAGE):
        return f"Docker has no image {IMAGE}"
    return None


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def api(_docker, tmp_path_factory):
    """The port of `sam local start-api`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("sam") / "start-api.log"
    command = [SAM, "local", "start-api", "--port", str(port), *OPTIONS]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=_environment(), stdout=output, stderr=subprocess.STDOUT
        )
    try:
        _wait(process, port, log)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.mark.parametrize("modality", REQUESTS)
def test_sam_local_invoke_predicts(modality):
    event, label = REQUESTS[modality]
    command = [
        *(SAM, "local", "invoke", f"{modality.title()}Function", *OPTIONS),
        *("--event", payloads.EVENTS / f"{event}.json"),
    ]
    done = subprocess.run(
        command, cwd=ROOT, env=_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    response = json.loads(done.stdout.splitlines()[-1])
    assert response["statusCode"] == 200, done.stderr
    assert json.loads(response["body"])["predictions"][0]["label"] == label


def test_start_api_takes_a_binary_jpeg(api):
    jpeg = payloads.body(payloads.load("image_rest_cat"))
    assert jpeg.startswith(b"\xff\xd8"), "the payload is not a JPEG"
    status, answer = _post(api, "/predict/image", jpeg, "image/jpeg")
    assert (status, answer["predictions"][0]["label"]) == (200, "cat")


@pytest.mark.parametrize("modality", ["text", "numeric"])
def test_start_api_takes_json(api, modality):
    event, label = REQUESTS[modality]
    body = payloads.body(payloads.load(event))
    status, answer = _post(api, f"/predict/{modality}", body, "application/json")
    assert (status, answer["predictions"][0]["label"]) == (200, label)


def test_start_api_answers_bad_input_with_a_problem(api):
    status, answer = _post(api, "/predict/image", b"not a picture", "image/jpeg")
    assert (status, answer["status"]) == (415, 415)


def _post(port: int, path: str, body: bytes, content_type: str) -> tuple[int, dict]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    with contextlib.closing(connection):
        connection.request("POST", path, body, {"Content-Type": content_type})
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def _environment() -> dict[str, str]:
    """Without the variables of the template's names: `sam local` would take them for the value."""
    names = package.function("image").environment
    kept = {name: value for name, value in os.environ.items() if name not in names}
    return {**kept, "SAM_CLI_TELEMETRY": "0"}


def _wait(process: subprocess.Popen, port: int, log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.1)
    pytest.fail(f"sam local start-api did not start:\n{log.read_text()}")
