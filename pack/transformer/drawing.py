"""Rows drawn from what a state was fitted on: its categories, bins and centres."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pack.transformer.flow import Node
from serving.preprocessing.transformers import build

type Row = dict[str, Any]
type Columns = list[str | None]
"""Which of the table's columns stands where, as long as it is still itself."""

_TYPICAL = np.array([-1.5, -0.5, 0.0, 0.3, 1.0, 1.5])  # what scalers give
_BACK: Mapping[str, str] = {
    "add": "subtract",
    "subtract": "add",
    "multiply": "divide",
    "divide": "multiply",
}
_POWERS = ("BoxCox", "YeoJohnson")
_REASONABLE = 1e100
_PLAIN: Mapping[str, Sequence[Any]] = {
    "number": (-1.0, 0.0, 1.0, 2.0),
    "category": ("a",),
    "boolean": (False, True),
}
_ODD: Mapping[str, Sequence[Any]] = {
    "number": (None, 0, -1, 1e-9, 0.5, 12345.678, -1e6, 1e15, 1e300),
    "category": (None, "", "an unknown \N{SNOWMAN}", "nan"),
    "boolean": (None, True, False),
}


def draw_rows(state: Mapping[str, Any], count: int, generator: random.Random) -> list[Row]:
    """Rows as a request gives them, by name, near the data that the steps were fitted on."""
    samples = _Samples(state["columns"])
    samples.walk(state["step"], list(state["columns"]))
    return [
        {name: _draw(samples, name, kind, generator) for name, kind in state["columns"].items()}
        for _ in range(count)
    ]


def discrete_columns(state: Mapping[str, Any]) -> set[str]:
    """Those whose numbers are categories: one beside them is another category or none."""
    samples = _Samples(state["columns"])
    samples.walk(state["step"], list(state["columns"]))
    return samples.discrete


def spoil(state: Mapping[str, Any], rows: Sequence[Row], generator: random.Random) -> list[Row]:
    """The rows, each with one odd value: missing, unknown, far away."""
    kinds = list(state["columns"].items())
    spoilt = []
    for row in rows:
        name, kind = generator.choice(kinds)
        spoilt.append(row | {name: generator.choice(_ODD[kind])})
    return spoilt


def _draw(samples: "_Samples", name: str, kind: str, generator: random.Random) -> Any:
    found = samples.values[name]
    fitting = [value for value in found if isinstance(value, str) == (kind == "category")]
    fitting = fitting if fitting and kind != "boolean" else list(_PLAIN[kind])
    between = kind == "number" and name not in samples.discrete and generator.random() < 0.7
    if between:
        return generator.uniform(min(fitting), max(fitting))
    return generator.choice(fitting)


class _Samples:
    """values: like the training data's, by column. discrete: columns of numbered categories."""

    def __init__(self, names: Iterable[str]) -> None:
        self.values: dict[str, list[Any]] = {name: [] for name in names}
        self.discrete: set[str] = set()

    def walk(self, node: Node, columns: Columns) -> Columns | None:
        """Note what a node tells of its columns; gives those that come out unchanged, if all do."""
        return _WALKS.get(node["step"], _walk_leaf)(self, node, columns)

    def note(self, columns: Columns, values: Iterable[Iterable[Any]]) -> None:
        """values: of each column; what is out of all reason is left out."""
        for column, found in zip(columns, values, strict=True):
            if column is not None:
                self.values[column] += filter(_is_reasonable, found)


def _is_reasonable(value: Any) -> bool:
    return isinstance(value, str) or abs(value) < _REASONABLE


def _walk_chain(samples: _Samples, node: Node, columns: Columns) -> Columns | None:
    steps = node["steps"]
    for place, step in enumerate(steps):
        if step["step"] in ("Arithmetic", *_POWERS):
            samples.note(columns, _undo(steps[place:], len(columns)))
            return None
        kept = samples.walk(step, columns)
        if kept is None:
            return None
        columns = kept
    return columns


def _walk_parts(samples: _Samples, node: Node, columns: Columns) -> Columns | None:
    outputs: Columns = []
    whole = True
    for part in node["parts"]:
        places = range(len(columns)) if part["columns"] is None else part["columns"]
        kept = samples.walk(part["step"], [columns[i] for i in places])
        whole = whole and kept is not None
        outputs += kept or []
    return outputs if whole else None


def _walk_impute(samples: _Samples, node: Node, columns: Columns) -> Columns:
    kept = [columns[i] for i in node["kept"]]
    samples.note(kept, ([value] for value in node["values"]))
    if node["marker"] is not None:
        samples.note(columns, [[node["marker"]]] * len(columns))
    return [*kept, *[None] * len(node["indicators"])]


def _walk_lookup(samples: _Samples, node: Node, columns: Columns) -> None:
    samples.note(columns, node["categories"])
    samples.discrete.update(column for column in columns if column is not None)


def _walk_leaf(samples: _Samples, node: Node, columns: Columns) -> None:
    if node["step"] in ("Arithmetic", *_POWERS):
        return samples.note(columns, _undo([node], len(columns)))
    found = _VALUES.get(node["step"])
    values = found(node) if found else [_TYPICAL.tolist()] * len(columns)
    return samples.note(columns, values if len(values) > 1 else list(values) * len(columns))


def _undo(steps: Sequence[Node], width: int) -> list[list[float]]:
    """What typical results of a power and arithmetic were before, by column."""
    run: list[Node] = []
    for step in steps:
        if step["step"] != "Arithmetic" and (run or step["step"] not in _POWERS):
            break
        run.append(step)
    values = np.repeat(_TYPICAL[:, None], width, axis=1)
    with np.errstate(all="ignore"):
        for step in reversed(run):
            values = build(_reversed(step)).transform(values)
    finite: list[list[float]] = [column[np.isfinite(column)].tolist() for column in values.T]
    return finite


def _reversed(step: Node) -> Node:
    if step["step"] == "Arithmetic":
        return step | {"operation": _BACK[step["operation"]]}
    return {"step": f"Inverse{step['step']}", "powers": step["powers"]}


_WALKS: Mapping[str, Callable[[_Samples, Node, Columns], Columns | None]] = {
    "Chain": _walk_chain,
    "Parts": _walk_parts,
    "Impute": _walk_impute,
    "Lookup": _walk_lookup,
    "Select": lambda _, node, columns: [columns[i] for i in node["columns"]],
    "Finite": lambda _, node, columns: columns,
}
_VALUES: Mapping[str, Callable[[Node], Sequence[Sequence[float]]]] = {
    "Bins": lambda node: [[min(e) - 1, *e, max(e) + 1] if e else [0.0] for e in node["edges"]],
    "Quantiles": lambda node: node["quantiles"],
    "Splines": lambda node: [k[node["degree"] : -node["degree"]] for k in node["knots"]],
    "Threshold": lambda node: [[node["threshold"] + offset for offset in (-1.0, 0.0, 1.0)]],
    "Function": lambda _: [[0.1, 0.5, 1.0, 3.0, 50.0]],
}
