"""Hold a process to the processor time and memory of a Lambda function, by Linux control groups.

A function has one vCPU at 1,769 MB and a share in proportion at other sizes (AWS Lambda Developer
Guide, "Configure Lambda function memory"). Its time is dealt out every 20 ms, as the pauses of a
spinning function show (github.com/pwrdrvr/lambda-throttling). There is no swap.
"""

import contextlib
import shlex
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import Unavailable

CGROUPS = Path("/sys/fs/cgroup")
MEGABYTES_PER_VCPU = 1769
PERIOD = 20_000  # microseconds from one helping of processor time to the next
_MEGABYTE = 2**20


@dataclass(frozen=True)
class Group:
    """Where the processes of one limited group are written down, and where the kernel counts.

    folders: one of the group's for each hierarchy of controllers.
    killed_in: file whose line `oom_kill N` counts the processes killed for memory.
    time_in: file with processor time, see `cpu_seconds`.
    """

    folders: tuple[Path, ...]
    killed_in: Path
    time_in: Path

    def launcher(self) -> tuple[str, ...]:
        """A command that joins the group, then becomes the command line that it is given."""
        files = [shlex.quote(str(folder / "cgroup.procs")) for folder in self.folders]
        joins = " && ".join(f"echo $$ > {file}" for file in files)
        return ("sh", "-c", f'{joins} && exec "$@"', "sh")

    def killed(self) -> bool:
        """Whether the kernel has killed a process of the group because its memory was full."""
        return int(_fields(self.killed_in)["oom_kill"]) > 0

    def cpu_seconds(self) -> float:
        """Processor time that the group has used so far."""
        if self.time_in.name == "cpuacct.usage":
            return int(self.time_in.read_text(encoding="ascii")) / 1e9
        return int(_fields(self.time_in)["usage_usec"]) / 1e6


def vcpus(megabytes: int) -> float:
    """The share of a processor that Lambda gives to a function of this memory size."""
    return megabytes / MEGABYTES_PER_VCPU


def quota(megabytes: int) -> int:
    """Microseconds of processor time in each PERIOD, over all threads together."""
    return round(PERIOD * vcpus(megabytes))


@contextlib.contextmanager
def group(megabytes: int, root: Path = CGROUPS) -> Iterator[Group]:
    """A group with the limits of this memory size, removed at the end.

    Its processes must have been ended before. Both layouts of control groups will do: one hierarchy
    (v2), or one for each controller (v1). Raises Unavailable with the reason where neither can be
    written.
    """
    name = f"lambda-{uuid.uuid4().hex[:12]}"
    unified = (root / "cgroup.controllers").is_file()
    limited, settings = (_one if unified else _several)(root, name, megabytes)
    with contextlib.ExitStack() as stack:
        try:
            for folder in limited.folders:
                folder.mkdir()
                stack.callback(_remove, folder)
            for file, value in settings.items():
                file.write_text(value, encoding="ascii")
        except OSError as exc:
            raise Unavailable(f"control groups cannot be written: {exc}") from exc
        yield limited


def _one(root: Path, name: str, megabytes: int) -> tuple[Group, Mapping[Path, str]]:
    """Layout v2: https://docs.kernel.org/admin-guide/cgroup-v2.html."""
    given = (root / "cgroup.subtree_control").read_text(encoding="ascii").split()
    if missing := {"cpu", "memory"} - set(given):
        raise Unavailable(
            f"expected the controllers cpu and memory in {root}/cgroup.subtree_control,"
            f" it lacks {' and '.join(sorted(missing))}"
        )
    folder = root / name
    settings = {
        folder / "cpu.max": f"{quota(megabytes)} {PERIOD}",
        folder / "memory.max": str(megabytes * _MEGABYTE),
        folder / "memory.swap.max": "0",
    }
    return Group((folder,), folder / "memory.events", folder / "cpu.stat"), settings


def _several(root: Path, name: str, megabytes: int) -> tuple[Group, Mapping[Path, str]]:
    """Layout v1: https://docs.kernel.org/admin-guide/cgroup-v1/memory.html."""
    controllers = ("cpu", "cpuacct", "memory")
    if missing := [each for each in controllers if not (root / each).is_dir()]:
        raise Unavailable(f"expected the control groups {', '.join(missing)} in {root}")
    # cpu and cpuacct are often links to one hierarchy.
    cpu, cpuacct, memory = ((root / each).resolve() / name for each in controllers)
    settings = {
        cpu / "cpu.cfs_period_us": str(PERIOD),
        cpu / "cpu.cfs_quota_us": str(quota(megabytes)),
        memory / "memory.limit_in_bytes": str(megabytes * _MEGABYTE),
        memory / "memory.swappiness": "0",
    }
    folders = tuple(dict.fromkeys((cpu, cpuacct, memory)))
    return Group(folders, memory / "memory.oom_control", cpuacct / "cpuacct.usage"), settings


def _remove(folder: Path) -> None:
    """Remove a group as soon as the kernel is done with its last process, which was ended."""
    deadline = time.monotonic() + 5
    while True:
        try:
            return folder.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.01)


def _fields(file: Path) -> Mapping[str, str]:
    """A file of lines `name value`."""
    lines = file.read_text(encoding="ascii").splitlines()
    return dict(line.split(maxsplit=1) for line in lines)
