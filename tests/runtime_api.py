"""Lambda's side of a function's process: the Runtime API and the endpoint of its credentials.

What SAM's emulator has not: a snapshot. `restore/next` is answered when the test says so.
"""

import contextlib
import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from local import environment
from local.package import Function

RUNTIME = "/2018-06-01/runtime"
CREDENTIALS = "/credentials"
SECONDS = 60  # for anything that a function is waited for
ARN = "arn:aws:lambda:us-east-1:123456789012:function:here:1"


@dataclass
class Api:
    """What the process asked for so far, and what it is answered.

    asked: methods and paths. reported: the bodies and error types of posts, by path. identity:
    what the endpoint of credentials gives.
    """

    asked: list[str] = field(default_factory=list)
    reported: dict[str, tuple[Any, str | None]] = field(default_factory=dict)
    identity: Mapping[str, str] = field(default_factory=dict)
    events: SimpleQueue[tuple[str, Any]] = field(default_factory=SimpleQueue)
    restored: threading.Event = field(default_factory=threading.Event)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def count(self, path: str) -> int:
        return sum(line.endswith(path) for line in self.asked)


@dataclass(frozen=True)
class Process:
    """A function's process, and Lambda as it sees it."""

    api: Api
    port: int
    process: subprocess.Popen[bytes]
    log: Path
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def wait_for_snapshot(self) -> None:
        """Until the process waits to be restored."""
        self._wait(lambda: self.api.count("/restore/next"), "asked to be restored")

    def restore(self) -> None:
        self.api.restored.set()

    def invoke(self, event: Any) -> Any:
        """What the function answers; raises AssertionError with its log if it fails."""
        identifier = f"request-{next(self._numbers)}"
        answer = f"{RUNTIME}/invocation/{identifier}"
        self.api.events.put((identifier, event))
        found = self.api.reported
        self._wait(lambda: found.keys() & {f"{answer}/response", f"{answer}/error"}, "answered")
        assert f"{answer}/response" in found, f"{found[f'{answer}/error']}:\n{self.logs()}"
        return found[f"{answer}/response"][0]

    def end(self) -> int:
        """The status that the process ends with by itself."""
        return self.process.wait(SECONDS)

    def logs(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def _wait(self, done, what: str) -> None:
        deadline = time.monotonic() + SECONDS
        with self.api.changed:
            while not done():
                assert self.process.poll() is None, f"it ended before it {what}:\n{self.logs()}"
                assert time.monotonic() < deadline, f"it has not {what}:\n{self.logs()}"
                self.api.changed.wait(0.1)


@contextlib.contextmanager
def start(
    function: Function, folder: Path, kind: str, probe: Path, **variables: str
) -> Iterator[Process]:
    """Start a built function's process as Lambda does, and end it.

    folder: for its log. kind: of initialization, "snap-start" or "on-demand". probe: the file of a
    handler that is called in place of the function's own, whose module it finds as PROBED.
    """
    api = Api()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(api))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_port
    env = {
        "AWS_LAMBDA_INITIALIZATION_TYPE": kind,
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{port}{CREDENTIALS}",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": "token",
        "PROBED": function.handler.partition(".")[0],
        **variables,
    }
    found = dict(environment.variables(function, env))
    found["PYTHONPATH"] = os.pathsep.join([found["PYTHONPATH"], str(probe.parent)])
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-S", "-s", "-m", "awslambdaric", f"{probe.stem}.handler"],
            cwd=function.task_root,
            env=found,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Process(api, port, process, log)
    finally:
        process.kill()
        process.wait()
        server.shutdown()
        server.server_close()


def _handler(api: Api) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else a body waits for 40 ms behind its headers

        def handle(self) -> None:
            with contextlib.suppress(
                ConnectionResetError, BrokenPipeError
            ):  # by a process that was ended
                super().handle()

        def do_GET(self) -> None:
            self._tell()
            if self.path == f"{RUNTIME}/restore/next":
                api.restored.wait()
                self._answer(200, b"")
            elif self.path == f"{RUNTIME}/invocation/next":
                identifier, event = api.events.get()
                headers = {
                    "Lambda-Runtime-Aws-Request-Id": identifier,
                    "Lambda-Runtime-Deadline-Ms": str(int(1000 * (time.time() + SECONDS))),
                    "Lambda-Runtime-Invoked-Function-Arn": ARN,
                }
                self._answer(200, json.dumps(event).encode(), headers)
            elif self.path == CREDENTIALS:
                self._answer(200, json.dumps(api.identity).encode())
            else:
                self._answer(404, b"")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kind = self.headers.get("Lambda-Runtime-Function-Error-Type")
            api.reported[self.path] = (json.loads(body), kind)
            self._tell()
            self._answer(202, b"")

        def _tell(self) -> None:
            with api.changed:
                api.asked.append(f"{self.command} {self.path}")
                api.changed.notify_all()

        def _answer(self, status: int, body: bytes, headers: Mapping[str, str] = {}) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler
