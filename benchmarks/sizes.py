"""How many bytes a contender needs unzipped, bytecode included where it is installed."""

import functools
import importlib.metadata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import Distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

type Installed = Mapping[str, Distribution]


def files(*paths: Path) -> int:
    """Bytes of these files, and of all files in these folders."""
    return sum(_file_or_folder(path) for path in paths)


def required(folder: Path, roots: Iterable[str]) -> int:
    """Bytes of these requirements, and of all that they require, in one site-packages folder."""
    found = distributions(folder)
    return size(found, closure(found, roots))


def _file_or_folder(path: Path) -> int:
    found = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in found if file.is_file())


@functools.cache
def distributions(folder: Path) -> Installed:
    """The distributions of one site-packages folder by their names, as `pip` compares them."""
    found = importlib.metadata.distributions(path=[str(folder)])
    return {canonicalize_name(distribution.name): distribution for distribution in found}


def closure(installed: Installed, roots: Iterable[str]) -> set[str]:
    """The names of these requirements and of everything that they require, extras and all."""
    found: set[tuple[str, str]] = set()
    waiting = list(_wanted([Requirement(root) for root in roots]))
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in found or name not in installed:
            continue
        found.add((name, extra))
        required = map(Requirement, installed[name].requires or ())
        waiting += _wanted([each for each in required if _applies(each, extra)])
    return {name for name, _ in found}


def size(installed: Installed, names: Iterable[str]) -> int:
    """The bytes of all files of these distributions, bytecode included."""
    return sum(_size(installed[name]) for name in names)


def _wanted(requirements: Sequence[Requirement]) -> Iterator[tuple[str, str]]:
    """Name and extra of each; a requirement's own needs stand under the extra ""."""
    for requirement in requirements:
        for extra in ("", *requirement.extras):
            yield canonicalize_name(requirement.name), extra


def _applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


@functools.cache  # TensorFlow's list of files takes seconds to read
def _size(distribution: Distribution) -> int:
    paths = [Path(str(file.locate())) for file in distribution.files or ()]
    return sum(path.stat().st_size for path in paths if path.is_file())
