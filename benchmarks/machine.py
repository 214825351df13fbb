"""What the figures were taken on, and what it lacks."""

import importlib.metadata
import os
import platform
from collections.abc import Iterable, Mapping
from pathlib import Path

_PACKAGES = ("numpy", "onnxruntime", "pillow", "aws-lambda-powertools", "orjson", "awslambdaric")


class Unavailable(Exception):
    """This machine lacks what is to be measured, or does not let it be measured."""


def describe(folders: Iterable[Path]) -> Mapping[str, str | int | float]:
    """Processor, cores, memory in GiB, load before the start, and the versions in `folders`."""
    pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count() or 0,
        "memory_gib": round(pages * page / 2**30, 1),
        "load_before": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **versions(folders, _PACKAGES),
    }


def versions(folders: Iterable[Path], packages: Iterable[str]) -> Mapping[str, str]:
    """The versions of those of `packages` that are installed in `folders`."""
    found = {
        distribution.name.lower().replace("_", "-"): distribution.version
        for distribution in importlib.metadata.distributions(path=[str(path) for path in folders])
    }
    return {name: found[name] for name in packages if name in found}


def _cpu() -> str:
    """The processor's name as Linux gives it; arm64 has none there."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
