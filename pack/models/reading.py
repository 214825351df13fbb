"""What the repair of one configuration knows, finds and notes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras

from pack.models.naming import Named

type Config = dict[str, Any]
NAMED = 3  # layers that a note names before it only counts the others


@dataclass(frozen=True)
class Reading:
    """One model's reading: given to each repair, which adds to the last four."""

    version: int  # of the Keras that wrote the configuration: 1, 2 or 3
    code: Named
    objects: dict[str, Any] = field(default_factory=dict)  # what Keras is given to load with
    notes: dict[str, list[str]] = field(default_factory=dict)  # repairs, with their layers
    unknown: dict[str, list[str]] = field(default_factory=dict)  # custom names, with their layers
    lambda_layers: list[str] = field(default_factory=list)

    def note(self, layer: str, repair: str) -> None:
        self.notes.setdefault(repair, []).append(layer)

    def named(self, *names: str | None) -> Any:
        """The custom object that one of the names has, with or without its package; or None."""
        registered = keras.saving.get_custom_objects()
        for name in (name for name in names if name):
            for each in (name, short(name)):
                if each in self.code.custom:
                    return self.code.custom[each]
            if name in registered:  # by a module that was imported for another name
                return registered[name]
        return None


def begin(version: str, code: Named) -> Reading:
    """The reading of a model of that Keras; before 1.0 its files were as 1's."""
    return Reading(max(1, int(version.partition(".")[0])), code)


def short(name: str) -> str:
    """`MyLayer` of `my_package>MyLayer`, as register_keras_serializable names it."""
    return name.rpartition(">")[2]


def repairs(reading: Reading) -> Sequence[str]:
    """The notes as lines, one a repair, each with the layers that it was made in."""
    return [f"{_layers(layers)}: {repair}" for repair, layers in reading.notes.items()]


def demand_named(reading: Reading, path: Path) -> None:
    """Raise ValueError that lists all Lambda layers and custom objects which nobody named."""
    lines = []
    if unnamed := [name for name in reading.lambda_layers if name not in reading.code.lambdas]:
        options = " ".join(f"--lambda {name}=module:function" for name in unnamed)
        lines.append(
            f"expected a function for each Lambda layer, got none for {', '.join(unnamed)}: the"
            f" code in the file is never run, so write it as your own and name it, {options}"
        )
    if reading.unknown:
        found = ", ".join(f"{name} ({_layers(names)})" for name, names in reading.unknown.items())
        options = " ".join(
            f"--custom-object {short(name)}=module:attribute" for name in reading.unknown
        )
        lines.append(
            f"expected Keras's own layers and functions, got {found}: name yours, {options}"
        )
    if wrong := sorted(set(reading.code.lambdas) - set(reading.lambda_layers)):
        lines.append(
            f"--lambda: expected one of the Lambda layers ({_layers(reading.lambda_layers)}),"
            f" got {', '.join(wrong)}"
        )
    if lines:
        raise ValueError(f"{path}: " + "; ".join(lines))


def _layers(names: Sequence[str]) -> str:
    unique = list(dict.fromkeys(names))
    more = f" and {len(unique) - NAMED} more" if len(unique) > NAMED else ""
    return ", ".join(unique[:NAMED]) + more if unique else "none"
