"""How many bytes a contender needs unzipped, bytecode included where it is installed."""

import importlib.metadata
import re
from collections.abc import Iterable
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9._-]+")


def files(*paths: Path) -> int:
    """Bytes of these files, and of all files in these folders."""
    return sum(_file_or_folder(path) for path in paths)


def _file_or_folder(path: Path) -> int:
    found = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in found if file.is_file())


def distributions(names: Iterable[str]) -> int:
    """Bytes of installed distributions and of all that they require, optional extras left out.

    Names that are not installed count nothing, as another platform's requirements do.
    """
    installed = {_key(one.name): one for one in importlib.metadata.distributions()}
    wanted, seen = [_key(name) for name in names], set[str]()
    while wanted:
        name = wanted.pop()
        if name in installed and name not in seen:
            seen.add(name)
            wanted += _required(installed[name])
    return sum(_installed(installed[name]) for name in seen)


def _required(distribution: importlib.metadata.Distribution) -> list[str]:
    lines = (line for line in distribution.requires or () if "extra ==" not in line)
    return [_key(found[0]) for line in lines if (found := _NAME.match(line))]


def _installed(distribution: importlib.metadata.Distribution) -> int:
    located = (Path(str(file.locate())) for file in distribution.files or ())
    return sum(path.stat().st_size for path in located if path.is_file())


def _key(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
