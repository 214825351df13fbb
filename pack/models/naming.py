"""Objects named on the command line: `module:attribute` of the user's own code."""

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Named:
    """What the command line names of the user's own code."""

    custom: Mapping[str, Any] = field(default_factory=dict)  # --custom-object, by name
    lambdas: Mapping[str, Callable[..., Any]] = field(default_factory=dict)  # --lambda, by layer


def resolve(reference: str) -> Any:
    """What `module:attribute` names; the module is looked for in the current directory first.

    Raises ValueError if the reference is of another form or names nothing.
    """
    module_name, _, attribute = reference.partition(":")
    if not module_name or not attribute:
        raise ValueError(f"expected module:attribute, got {reference!r}")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found = importlib.import_module(module_name)
    except Exception as exc:  # the user's own code may raise anything
        raise ValueError(f"{reference}: the module does not import: {exc}") from exc
    for name in attribute.split("."):
        if not hasattr(found, name):
            raise ValueError(f"{reference}: {module_name} has no {attribute}")
        found = getattr(found, name)
    return found


def resolve_pairs(option: str, pairs: Iterable[str]) -> dict[str, Any]:
    """Objects by name, of `NAME=module:attribute` each.

    Raises ValueError if one is of another form, names nothing, or a name comes twice.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, reference = pair.rpartition("=")
        if not name or not equals:
            raise ValueError(f"{option}: expected NAME=module:attribute, got {pair!r}")
        if name in found:
            raise ValueError(f"{option}: expected each name once, got {name} twice")
        found[name] = resolve(reference)
    return found
