"""Run one function under the Lambda runtime interface emulator that the SAM CLI ships.

The emulator starts Python at the first invocation, not before: that invocation's time is the
cold start, from process start to first answer. Python runs with `-S`, so that a dependency
missing from the layers is missing here too, however full the developer's environment is. It
writes no bytecode, as on Lambda, whose /var/task and /opt are read-only.
"""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import environment
from local.environment import EmulatorError
from local.package import Function

_INVOCATIONS = "/2015-03-31/functions/function/invocations"
_LOG_LINES = 40  # of the log's end, shown with an error


class FunctionError(EmulatorError):
    """The function raised, exited or ran out of time instead of answering."""


@dataclass(frozen=True)
class Answer:
    """What the function returned, and after how many seconds."""

    payload: Any
    seconds: float


@dataclass(frozen=True)
class Running:
    """One execution environment: the emulator and, after the first call, Python under it."""

    function: Function
    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def invoke(self, event: Any) -> Answer:
        """Call the function; the first call after `start` is the cold one.

        Raises FunctionError with the log's end when the function fails.
        """
        body = json.dumps(event).encode()
        limit = self.function.timeout + 10.0
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=limit)
        try:
            connection.connect()
            began = time.perf_counter()
            connection.request("POST", _INVOCATIONS, body)
            answered = connection.getresponse().read()
            seconds = time.perf_counter() - began
        except OSError as exc:
            message = f"{self.function.name} gave no answer: {exc}{self._tail()}"
            raise EmulatorError(message) from exc
        finally:
            connection.close()
        return Answer(self._payload(answered), seconds)

    def runtime_process(self) -> int:
        """The process id of Python under the emulator.

        Raises EmulatorError before the first call.
        """
        for pid in _session(self.process.pid) - {self.process.pid}:
            return pid
        raise EmulatorError(f"{self.function.name} has no Python process: nothing called it yet")

    def peak_memory(self) -> float:
        """The most memory that the Python process has held so far, MB (MiB, as Lambda counts).

        Raises EmulatorError before the first call.
        """
        return self._megabytes("VmHWM")

    def memory(self) -> float:
        """The memory that the Python process holds now, MB. Raises as `peak_memory` does."""
        return self._megabytes("VmRSS")

    def cpu_seconds(self) -> float:
        """Processor time that the Python process has used so far, by all of its threads.

        In steps of a scheduler's tick, a hundredth of a second as a rule, so take it over many
        calls. Raises EmulatorError before the first call.
        """
        stat = Path(f"/proc/{self.runtime_process()}/stat").read_text(encoding="utf-8")
        user, system = stat.rpartition(")")[2].split()[11:13]  # proc(5): utime and stime
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def logs(self) -> str:
        """Everything that the emulator and the function have written so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def _megabytes(self, field: str) -> float:
        status = Path(f"/proc/{self.runtime_process()}/status").read_text(encoding="utf-8")
        fields = dict(line.split(":", 1) for line in status.splitlines())
        return int(fields[field].split()[0]) / 1024

    def _payload(self, answered: bytes) -> Any:
        try:
            payload = json.loads(answered) if answered else None
        except ValueError:  # the emulator's own words, such as "Task timed out"
            text = answered.decode(errors="replace").strip()
            raise FunctionError(f"{self.function.name}: {text}{self._tail()}") from None
        if isinstance(payload, dict) and "errorType" in payload:
            message = f"{payload['errorType']}: {payload.get('errorMessage')}"
            raise FunctionError(f"{self.function.name}: {message}{self._tail()}")
        return payload

    def _tail(self) -> str:
        return "\n" + "\n".join(self.logs().splitlines()[-_LOG_LINES:])


@contextlib.contextmanager
def start(
    function: Function, env: Mapping[str, str] | None = None, launcher: Sequence[str] = ()
) -> Iterator[Running]:
    """Start the emulator for one function, and stop all of its processes at the end.

    env: variables over the template's own.
    launcher: a command that is given Python's command line and becomes it (exec).
    Raises EmulatorError where the emulator is missing or does not start within 10 seconds.
    """
    front, back = _free_ports()
    command = [
        *(str(environment.binary()), "--runtime-interface-emulator-address", f"127.0.0.1:{front}"),
        *("--runtime-api-address", f"127.0.0.1:{back}"),
        *launcher,
        *(sys.executable, "-S", "-s", "-m", "awslambdaric", function.handler),
    ]
    with tempfile.TemporaryDirectory(prefix="emulator-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=function.task_root,
                env=environment.variables(function, env or {}),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            running = Running(function, process, front, log)
            _wait_for_port(running)
            yield running
        finally:
            _stop(process)


def _free_ports() -> tuple[int, int]:
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]


def _wait_for_port(running: Running) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and running.process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", running.port)):
            return
        time.sleep(0.005)
    name = running.function.name
    raise EmulatorError(f"the emulator for {name} did not start:\n{running.logs()}")


def _session(leader: int) -> set[int]:
    """The processes of a session; the emulator leads its own, and Python stays in it."""
    found = set()
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(ValueError, OSError):
            if os.getsid(int(entry.name)) == leader:
                found.add(int(entry.name))
    return found


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the emulator to end, then end whatever is left of its session."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=3)
    for pid in _session(process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()
