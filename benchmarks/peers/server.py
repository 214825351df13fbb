"""One peer's server: started, called over HTTP, watched, and ended with all of its processes."""

import contextlib
import http.client
import json
import os
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.peers import commands, protocols
from benchmarks.peers.processes import Processes
from local.emulator import Answer

_START = 120.0  # seconds until the first answer; more than any needs on a busy machine
_LIMIT = 60.0  # seconds for an answer
_POLL = 0.02  # seconds between two tries to get the first answer, which cost the server time too
_LOG_CHARACTERS = 3000  # of a log's end, shown with an error


class ServerError(Exception):
    """The server ended, or gave no answer in time."""


@dataclass
class Server:
    """A peer that serves one model; its first call waits for it to be ready."""

    name: str
    process: subprocess.Popen[bytes]
    processes: Processes
    connection: http.client.HTTPConnection
    log: Path
    began: float  # of the process, by time.perf_counter
    ready: bool = field(default=False)

    def invoke(self, event: Mapping[str, Any]) -> Answer:
        """Answer a REST event as a function would: `{"statusCode", "body"}`.

        Seconds of the first call count from the start of the process, polls and all; of the
        others from the sending of the request on a connection that is kept open. What turns the
        event into the peer's protocol and back is in no call's seconds.
        Raises ServerError when the server ends or does not answer.
        """
        protocol = protocols.native(self.name)
        body = json.dumps(protocol.encode(protocols.instances(event))).encode()
        if self.ready:
            status, answered, seconds = self._call(protocol.path, body)
        else:
            status, answered = self._first(protocol.path, body)
            seconds = time.perf_counter() - self.began
            self.ready = True
        if status != http.HTTPStatus.OK:
            text = answered.decode(errors="replace")
            return Answer({"statusCode": status, "body": text}, seconds)
        predictions = protocol.decode(json.loads(answered))
        body_text = json.dumps({"predictions": predictions})
        return Answer({"statusCode": status, "body": body_text}, seconds)

    def peak_memory(self) -> float:
        """The most memory of all processes together, MB; see Processes.peak_memory."""
        return self.processes.peak_memory()

    def cpu_seconds(self) -> float:
        """Processor time that all processes have used so far."""
        return self.processes.cpu_seconds()

    def logs(self) -> str:
        """Everything that the server has written so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def _first(self, path: str, body: bytes) -> tuple[int, bytes]:
        deadline = time.monotonic() + _START
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                status, answered = self._request(path, body)
                if not _loading(status, answered):
                    return status, answered
            time.sleep(_POLL)
        code = self.process.poll()
        ended = "did not answer in time" if code is None else f"ended with {code}"
        raise ServerError(f"{self.name} {ended}:\n{self.logs()[-_LOG_CHARACTERS:]}")

    def _call(self, path: str, body: bytes) -> tuple[int, bytes, float]:
        """A call on the open connection, or on a new one where the server has closed it."""
        try:
            began = time.perf_counter()
            with contextlib.suppress(http.client.RemoteDisconnected, ConnectionError):
                return (*self._request(path, body), time.perf_counter() - began)
            self.connection.connect()
            began = time.perf_counter()
            return (*self._request(path, body), time.perf_counter() - began)
        except (OSError, http.client.HTTPException) as exc:
            tail = self.logs()[-_LOG_CHARACTERS:]
            raise ServerError(f"{self.name} gave no answer: {exc}\n{tail}") from exc

    def _request(self, path: str, body: bytes) -> tuple[int, bytes]:
        try:
            self.connection.request("POST", path, body, {"content-type": "application/json"})
            response = self.connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            raise


@contextlib.contextmanager
def run(name: str, programs: Path, variables: Mapping[str, str]) -> Iterator[Server]:
    """Start a peer from its environment's folder of programs, in an empty folder of its own.

    variables: what its app reads. All processes have ended when the context has.
    """
    command = commands.command(name)
    processes = Processes(uuid.uuid4().hex)
    with tempfile.TemporaryDirectory(prefix="peer-", ignore_cleanup_errors=True) as folder:
        home, log = Path(folder) / "home", Path(folder) / "log"
        home.mkdir()
        program, *arguments = command.line
        with log.open("wb") as output:
            began = time.perf_counter()
            process = subprocess.Popen(
                [str(programs / program), *arguments],
                cwd=home,
                env={
                    **_environment(programs, home),
                    **variables,
                    **command.variables,
                    **processes.variables,
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        connection = http.client.HTTPConnection("127.0.0.1", command.port, timeout=_LIMIT)
        try:
            yield Server(name, process, processes, connection, log, began)
        finally:
            connection.close()
            processes.stop(process)


def _loading(status: int, answered: bytes) -> bool:
    """Whether a server that listens has no model yet; MLServer says so with a 404, then a 400."""
    return status in (404, 502, 503) or (status == 400 and b"is not ready" in answered)


def _environment(programs: Path, home: Path) -> Mapping[str, str]:
    """What a server finds around it: its programs, an empty home, and nothing of the caller's."""
    return {
        "PATH": os.pathsep.join([str(programs), os.defpath]),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(commands.APPS),
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
