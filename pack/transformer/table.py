"""A whole transformer: the table's columns in, the state of `preprocessing.json` out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sklearn.pipeline import FeatureUnion, Pipeline

from pack.transformer.flow import Flow, Node, Notes, Signal, Step, chain, note_used
from pack.transformer.reading import read
from serving.preprocessing.numeric import Kind


@dataclass(frozen=True)
class Reading:
    """A transformer that was read.

    state: what `NumericPreprocessing.from_json` reads. width: how many outputs. inputs: names of
    all columns of the training table, in its order. named: whether the transformer knows them.
    """

    fitted: Any
    state: dict[str, Any]
    width: int
    inputs: list[str]
    named: bool
    notes: Notes


def read_transformer(fitted: Any, columns: Mapping[str, Kind] | None = None) -> dict[str, Any]:
    """The state of `read_table` alone."""
    return read_table(fitted, columns).state


def read_table(fitted: Any, columns: Mapping[str, Kind] | None = None) -> Reading:
    """Turn a fitted transformer into what `NumericPreprocessing.from_json` reads.

    fitted: of scikit-learn, nested in any way, fitted on float64 or integer numbers, strings and
        booleans; None for no transformer at all.
    columns: names and kinds of the table's columns where the transformer was fitted on an array
        and knows none (otherwise x0, x1, …) or where a number is true or false in requests.
        "number" says nothing new of a column.

    Columns keep the table's order; those that nothing uses are left out.
    Raises ValueError for what cannot be repeated, naming the step and what would work instead.
    """
    known = _names(fitted) if fitted is not None else None
    inputs = _inputs(fitted, known, columns)
    if len(set(inputs)) < len(inputs):
        twice = next(name for name in inputs if inputs.count(name) > 1)
        raise ValueError(f"expected every column once, got {twice!r} more than once")
    notes = Notes()
    flow = Flow(tuple(Signal(name, name, frozenset([name])) for name in inputs))
    node, outputs = read(Step(_where(fitted), fitted, flow, notes))
    _finish(notes, outputs)
    if not outputs.signals:
        raise ValueError("expected a transformer with outputs, got one without any")
    used = [name for name in inputs if name in notes.used]
    state = {
        "columns": {name: _kind(name, notes, columns) for name in used},
        "optional": [name for name in used if name not in notes.required],
        "step": _rooted(node, {inputs.index(name): i for i, name in enumerate(used)}),
    }
    named = known is not None
    return Reading(fitted, state, len(outputs.signals), inputs, named, notes)


def _where(fitted: Any) -> str:
    """Nothing for what is made of named steps: their names say where they stand."""
    return "" if hasattr(fitted, "get_params") and _steps(fitted) else type(fitted).__name__


def _steps(fitted: Any) -> list[Any]:
    if isinstance(fitted, Pipeline):
        return [step for _, step in fitted.steps]
    if isinstance(fitted, FeatureUnion):
        return [step for _, step in fitted.transformer_list]
    return [step for _, step, _ in getattr(fitted, "transformers_", [])]


def _names(fitted: Any) -> list[str] | None:
    """Of the table's columns, if it was a table."""
    names = getattr(fitted, "feature_names_in_", None)
    if names is not None:
        return [str(name) for name in names]
    return next(filter(None, map(_names, _first(fitted))), None)


def _first(fitted: Any) -> list[Any]:
    """Estimators inside that get all of the table's columns."""
    if isinstance(fitted, FeatureUnion):
        return [step for step in _steps(fitted) if not isinstance(step, str)]
    steps = [s for s in _steps(fitted) if s is not None and not isinstance(s, str)]
    return steps[:1] if isinstance(fitted, Pipeline) else []


def count_columns(fitted: Any) -> int | None:
    """How many columns a fitted estimator takes; None if it does not know."""
    count: int | None = getattr(fitted, "n_features_in_", None)
    return count or next(filter(None, map(count_columns, _first(fitted))), None)


def _inputs(fitted: Any, known: list[str] | None, columns: Mapping[str, Kind] | None) -> list[str]:
    given = list(columns) if columns is not None else None
    if known is not None:
        if given is not None and given != known:
            raise ValueError(
                f"expected the columns that the transformer was fitted on ({', '.join(known)}),"
                f" got {', '.join(given)}"
            )
        return known
    count = count_columns(fitted)
    if given is None:
        if count is None:
            read(Step(_where(fitted), fitted, Flow(()), Notes()))  # may say more of what it is
            raise ValueError(
                "expected a fitted transformer, or names of the columns, got a"
                f" {type(fitted).__name__} that knows neither names nor number of its columns"
            )
        return [f"x{i}" for i in range(count)]
    if count is not None and count != len(given):
        raise ValueError(f"expected {count} columns, got {len(given)}: {', '.join(given)}")
    return given


def _finish(notes: Notes, outputs: Flow) -> None:
    """What reaches the model must be a number and there."""
    note_used(notes, outputs)
    for signal in outputs.signals:
        notes.required.update(signal.missing)
        if signal.column is not None and _noted(signal.column, notes) == "category":
            raise ValueError(
                f"expected numbers for the model, got the strings of {signal.column}: put"
                " OneHotEncoder or OrdinalEncoder after the last step that has them"
            )


def _kind(name: str, notes: Notes, columns: Mapping[str, Kind] | None) -> Kind:
    """What the steps take the column for; a number may be said to be a boolean."""
    noted = _noted(name, notes)
    given = (columns or {}).get(name, "number")
    if given in ("number", noted):
        return noted
    if (noted, given) == ("number", "boolean"):
        return given
    raise ValueError(f"expected {name} to be a {noted} as the transformer has it, got a {given}")


def _noted(name: str, notes: Notes) -> Kind:
    return notes.kinds.get(name) or notes.guesses.get(name, "number")


def _rooted(node: Node, places: Mapping[int, int]) -> Node:
    """The node with a choice of columns before anything that needs them in one matrix.

    Columns of numbers and of strings are apart until then. places: of the columns that are used.
    """
    if node["step"] == "Chain" and node["steps"]:
        first, *rest = node["steps"]
        return chain([_rooted(first, places), *rest])
    if node["step"] == "Parts":
        return {"step": "Parts", "parts": [_rooted_part(part, places) for part in node["parts"]]}
    return {"step": "Parts", "parts": [{"columns": list(places.values()), "step": node}]}


def _rooted_part(part: Node, places: Mapping[int, int]) -> Node:
    if part["columns"] is None:
        return {"columns": None, "step": _rooted(part["step"], places)}
    return {"columns": [places[i] for i in part["columns"]], "step": part["step"]}
