"""What the tests that need Docker share: whether there is one, `sam local`, plain containers."""

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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse

from local.package import ROOT

ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]
SAM = Path(sys.executable).with_name("sam")
OPTIONS = ("--skip-pull-image", "--parameter-overrides", f"Architecture={ARCHITECTURE}")
REQUESTS = {
    "image": ("image_rest_cat", "cat"),
    "text": ("text_rest_review", "fewer stars"),
    "numeric": ("numeric_rest_application", "good"),
}
_INVOCATIONS = "/2015-03-31/functions/function/invocations"


def require(image: str) -> None:
    """Skip the test where Docker or an image is missing; fail it under REQUIRE_DOCKER=1."""
    missing = _what_is_missing(image)
    if missing and os.environ.get("REQUIRE_DOCKER") == "1":
        pytest.fail(f"REQUIRE_DOCKER=1, but {missing}")
    if missing:
        pytest.skip(missing)


def invoke(function: str, event: Path, *options: str) -> Any:
    """What a function answers under `sam local invoke`."""
    command = [SAM, "local", "invoke", function, "--event", event, *OPTIONS, *options]
    done = subprocess.run(
        command, cwd=ROOT, env=_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    try:
        return json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        pytest.fail(f"expected an answer as the last line:\n{done.stdout}{done.stderr}")


@contextlib.contextmanager
def start_api(log: Path, *options: str) -> Iterator[int]:
    """The port of a `sam local start-api`, which writes to a log file."""
    port = _free_port()
    command = [SAM, "local", "start-api", "--port", str(port), *OPTIONS, *options]
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


def post(port: int, path: str, body: bytes, content_type: str = "application/json") -> Any:
    """The status and the parsed answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    with contextlib.closing(connection):
        connection.request("POST", path, body, {"Content-Type": content_type})
        response = connection.getresponse()
        return response.status, json.loads(response.read())


@contextlib.contextmanager
def container(image: str, handler: str, **variables: str) -> Iterator["Container"]:
    """A function's container as Lambda runs it: for another user than root, who can write to /tmp.

    variables: over the image's own.
    The container is removed at the end, whatever happens.
    """
    settings = [word for item in variables.items() for word in ("--env", "=".join(item))]
    limits = ["--read-only", "--tmpfs", "/tmp", "--user", "993:990"]
    name = run(
        *("run", "--detach", "--publish", "127.0.0.1::8080", *limits, *settings, image, handler)
    ).strip()
    try:
        yield Container(name)
    finally:
        run("rm", "--force", "--volumes", name)


class Container:
    """A running function's container."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = int(run("port", name, "8080").splitlines()[0].rpartition(":")[2])

    def invoke(self, event: Any) -> Any:
        """What the function answers to an event, as AWS documents it for local tests."""
        body = json.dumps(event).encode()
        deadline = time.monotonic() + 20
        while True:  # Docker takes connections before the container does
            try:
                return post(self.port, _INVOCATIONS, body)[1]
            except (OSError, http.client.HTTPException):
                assert time.monotonic() < deadline, self.logs()
                time.sleep(0.1)

    def logs(self) -> str:
        """Everything that the container has written so far."""
        done = subprocess.run(
            ["docker", "logs", self.name],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        )
        return done.stdout


def run(*arguments: str, stdin: str | None = None) -> str:
    """What a docker command prints; a failed test shows why it failed."""
    done = subprocess.run(
        ["docker", *arguments], input=stdin, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"docker {' '.join(arguments)}:\n{done.stderr}"
    return done.stdout


def _what_is_missing(image: str) -> str | None:
    if shutil.which("docker") is None:
        return "no docker command is installed"
    if not _succeeds("docker", "info"):
        return "no Docker engine is running"
    if not _succeeds("docker", "image", "inspect", image):
        return f"Docker has no image {image}"
    return None


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _environment() -> dict[str, str]:
    """Without the variables of the templates' names: `sam local` would take them for the value.

    And without credentials, with which it asks AWS for the account's number, in vain.
    """
    template = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    names = {
        *template["Globals"]["Function"]["Environment"]["Variables"],
        "POWERTOOLS_SERVICE_NAME",
    }
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in names and not name.startswith("AWS_")
    }
    return {**kept, "SAM_CLI_TELEMETRY": "0"}


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _wait(process: subprocess.Popen, port: int, log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.1)
    pytest.fail(f"sam local start-api did not start:\n{log.read_text()}")
