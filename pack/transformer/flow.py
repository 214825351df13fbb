"""What flows between the steps of a transformer while it is read, column by column.

Reading a transformer follows its columns from the table to the model. That tells which of the
table's columns are strings, which of their values may be missing, and where scikit-learn would
compute something else than float64 arithmetic on a whole matrix.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from serving.preprocessing.numeric import Kind

type Node = dict[str, Any]

DOUBLE = np.dtype(np.float64)


@dataclass(frozen=True)
class Signal:
    """One column between two steps.

    name: for messages. column: the table's column that it still is, but for filled gaps. missing:
    the table's columns without whose value this one is missing. dtype: in scikit-learn. wild:
    whether finite numbers in the table may make it NaN or infinite.
    """

    name: str
    column: str | None = None
    missing: frozenset[str] = frozenset()
    dtype: np.dtype[Any] = DOUBLE
    wild: bool = False


@dataclass(frozen=True)
class Flow:
    """The columns between two steps, and whether scikit-learn has them as a sparse matrix."""

    signals: tuple[Signal, ...]
    sparse: bool = False


@dataclass
class Notes:
    """What is learnt of the table's columns on the way, by name.

    kinds: of those that a step tells apart. guesses: for those that none does. required: must
    have a value. used: any step gets. objects: were Python objects in training. markers: what
    stood for a missing value there. inexact: where steps stand whose sums depend on BLAS.
    """

    kinds: dict[str, Kind] = field(default_factory=dict)
    guesses: dict[str, Kind] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    objects: set[str] = field(default_factory=set)
    markers: dict[str, Any] = field(default_factory=dict)
    inexact: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Step:
    """A fitted estimator, words for where it stands, and what flows into it."""

    where: str
    fitted: Any
    flow: Flow
    notes: Notes


def chain(nodes: Iterable[Node]) -> Node:
    """Nodes one after the other; one alone is itself, chains inside are opened."""
    steps: list[Node] = []
    for node in nodes:
        steps += node["steps"] if node["step"] == "Chain" else [node]
    return steps[0] if len(steps) == 1 else {"step": "Chain", "steps": steps}


def altered(flow: Flow, sparse: bool = False) -> Flow:
    """As many numbers, each computed from its own column."""
    return Flow(
        tuple(replace(s, column=None, dtype=DOUBLE, wild=True) for s in flow.signals), sparse
    )


def fresh(names: Iterable[str], sparse: bool = False, **signal: Any) -> Flow:
    """New columns of finite numbers that are never missing, unless told otherwise."""
    return Flow(tuple(Signal(name, **signal) for name in names), sparse)


def names(flow: Flow) -> list[str]:
    """Of the columns, for messages."""
    return [signal.name for signal in flow.signals]


def require(step: Step, signals: Iterable[Signal]) -> None:
    """Note that the table's columns behind these must have values."""
    for signal in signals:
        step.notes.required.update(signal.missing)


def note_used(notes: Notes, flow: Flow) -> None:
    """Note that a request must have the table's columns that are in this flow."""
    notes.used.update(signal.column for signal in flow.signals if signal.column is not None)


def note_kind(step: Step, signal: Signal, kind: Kind) -> None:
    """Note what a step takes its column for; a boolean is also a number.

    Raises ValueError if another step takes the same column for something else.
    """
    column = signal.column
    if column is None:
        return
    known = step.notes.kinds.setdefault(column, kind)
    if known == kind:
        return
    if "category" in (known, kind):
        raise ValueError(
            f"{step.where}: expected column {column!r} to be a {known} everywhere, got a {kind}"
            " here: give the table a second column for it"
        )
    step.notes.kinds[column] = "boolean"


def finite(step: Step, attribute: str, values: Any) -> list[Any]:
    """A fitted array as a list; raise ValueError for NaN and infinity, as an empty column gives."""
    array = np.asarray(values, np.float64)
    if not np.isfinite(array).all():
        raise ValueError(
            f"{step.where}: expected finite numbers in {attribute}, got"
            f" {array[~np.isfinite(array)][0]}, as a column without values gives: leave it out"
        )
    listed: list[Any] = array.tolist()
    return listed
