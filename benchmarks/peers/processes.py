"""All processes of a server, however they came to be: found by a variable that they inherit.

A session would not do: BentoML's workers lead sessions of their own.
"""

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

_MARK = "BENCHMARK_PEER"
_GRACE = 3.0  # seconds that a server has to end by itself


@dataclass(frozen=True)
class Processes:
    """The processes whose environment has this mark."""

    mark: str

    @property
    def variables(self) -> dict[str, str]:
        """What the first process needs in its environment."""
        return {_MARK: self.mark}

    def ids(self) -> list[int]:
        """The processes that run now."""
        wanted = f"{_MARK}={self.mark}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(ValueError, OSError):
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
        return found

    def cpu_seconds(self) -> float:
        """Processor time of all processes, and of those that have ended and were waited for."""
        return sum(_cpu_ticks(pid) for pid in self.ids()) / os.sysconf("SC_CLK_TCK")

    def peak_memory(self) -> float:
        """An estimate of the most memory that all held together, MB (MiB, as Lambda counts).

        The sum of each process's proportional share now (a page that two share counts half in
        each) and of how far its resident memory has been above the present. It is exact for one
        process, and too high where several had their peaks at different times.
        """
        return sum(_peak_kilobytes(pid) for pid in self.ids()) / 1024

    def stop(self, first: subprocess.Popen[bytes]) -> None:
        """Ask the first process to end, then end whatever is left."""
        first.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            first.wait(timeout=_GRACE)
        while left := self.ids():
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)
        first.wait()


def _cpu_ticks(pid: int) -> int:
    with contextlib.suppress(OSError):
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        # proc(5): utime, stime, cutime and cstime
        return sum(int(ticks) for ticks in stat.rpartition(")")[2].split()[11:15])
    return 0


def _peak_kilobytes(pid: int) -> int:
    with contextlib.suppress(OSError):
        status = _fields(Path(f"/proc/{pid}/status"))
        share = _fields(Path(f"/proc/{pid}/smaps_rollup"))["Pss"]
        return share + status["VmHWM"] - status["VmRSS"]
    return 0


def _fields(path: Path) -> dict[str, int]:
    """The fields of a file in /proc that are given in kB."""
    lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    return {line[0].rstrip(":"): int(line[1]) for line in lines if line[-1] == "kB"}
