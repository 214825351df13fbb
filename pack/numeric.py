"""Pack a model of rows of features.

What scaled and encoded the rows before training is named by its file:

    a fitted scikit-learn transformer, Pipeline or ColumnTransformer   --transformer FILE
    nothing: the model takes the numbers as they are                   --columns a,b,c
    nothing: every column is an input of the model, by its name        nothing

A model with StringLookup, Hashing, a FeatureSpace or others that take strings gets them as they
are, and is served by the Keras engine, which needs TensorFlow.

The names and the order of a transformer's columns come from the table that it was fitted on. Its
fitted numbers become JSON, which NumPy applies when rows are served, and pack compares the two on
rows drawn from the transformer's own ranges and categories. What cannot be repeated to the last
bit is refused, naming the step; only the sums of PCA, TruncatedSVD and Normalizer may differ by
rounding. A transformer fitted on float32 is to be fitted again on float64.
"""

import argparse
import random
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

    from pack.columns import Columns
    from serving.preprocessing.numeric import Kind

_BOOLEAN = ":boolean"
_PLAIN = frozenset({"number", "boolean"})  # kinds of a matrix of floats
_BOOLEANS = (False, True)
_DRAWS = 50  # rows drawn for each that is wanted, before it is said that none can be found


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that say how a row became the model's input."""
    add = parser.add_argument_group("rows, what was fitted on them").add_argument
    add(
        "--transformer",
        type=Path,
        help="a fitted scikit-learn transformer: .skops, or .joblib or .pkl, which are pickles"
        " (default: none, rows of numbers go to the model as they are)",
    )
    add(
        "--columns",
        metavar="NAME,NAME,...",
        help="names of all columns in the model's order, where there is no transformer or it was"
        f" fitted on an array (default: x0,x1,...). With NAME{_BOOLEAN} a column is true or false"
        " in requests, as it was in the training table; a table's transformer does not tell that",
    )


def prepare(
    arguments: argparse.Namespace, model: "keras.Model"
) -> tuple[dict[str, Any], "keras.Model"]:
    """The content of `preprocessing.json` for a model of rows, and that model.

    Prints how the comparison with scikit-learn went.
    Raises ValueError, naming both sides, for a transformer that cannot be repeated, differs, or
    does not fit the model or the columns.
    """
    from pack.columns import check_width, columns_of, width_of
    from pack.inputs import takes_strings
    from pack.transformer import load_transformer, prove, read_table

    columns = _parse_columns(arguments.columns)
    if arguments.transformer is None:
        return _untransformed(model, columns_of(model, columns)), model
    if takes_strings(model):
        raise ValueError("expected no --transformer for a model that takes strings itself")
    width = width_of(model)
    fitted = load_transformer(arguments.transformer, arguments.trust_pickle)
    reading = read_table(fitted, columns)
    check_width(reading.state["columns"], reading.width, width)
    print(f"pack: {prove(reading)}", flush=True)
    return reading.state, model


def generate_rows(
    state: dict[str, Any], count: int, generator: random.Random, model: Any = None
) -> list[Any]:
    """Rows by name that the state takes, drawn from the ranges and categories that are in it.

    model: whose own look-up tables are drawn from, for a state without a step.

    Raises ValueError if hardly any is taken, or no values are known.
    """
    if state["step"] is None:
        return _draw_rows(state["columns"], count, generator, model)
    from pack.transformer import draw_rows
    from serving.errors import UnfitInput
    from serving.preprocessing.numeric import NumericPreprocessing, preprocess_numerical_features

    spec = NumericPreprocessing.from_json(state)
    rows: list[Any] = []
    for row in draw_rows(state, _DRAWS * count, generator):
        try:
            preprocess_numerical_features([row], spec)
        except UnfitInput as exc:
            refusal = exc
            continue
        rows.append(row)
        if len(rows) == count:
            return rows
    raise ValueError(f"expected to draw {count} rows that fit, got {len(rows)}: {refusal}")


def _untransformed(model: "keras.Model", columns: "Columns") -> dict[str, Any]:
    """The state of numbers in one matrix, or of values that the model takes each by its type."""
    from pack.columns import indices_of
    from pack.transformer import read_table

    if _PLAIN.issuperset(columns.values()):
        return read_table(None, columns).state
    indices = indices_of(model, columns)
    return {"columns": columns, "optional": [], "step": None, "indices": indices}


def _draw_rows(
    columns: "Columns", count: int, generator: random.Random, model: Any
) -> list[dict[str, Any]]:
    """Rows of values that the model's own layers name."""
    from pack.inputs import inputs_of
    from pack.lookups import values_of

    several = len(inputs_of(model)) > 1
    known = {
        name: _BOOLEANS if kind == "boolean" else values_of(model, place if several else 0)
        for place, (name, kind) in enumerate(columns.items())
    }
    unknown = [name for name, kind in columns.items() if not known[name] and kind != "number"]
    if unknown:
        raise ValueError(
            f"expected --examples, got none, and no layer that tells values of {', '.join(unknown)}"
        )
    return [
        {name: _draw(kind, known[name], generator) for name, kind in columns.items()}
        for _ in range(count)
    ]


def _draw(kind: "Kind", values: Sequence[Any], generator: random.Random) -> Any:
    if kind == "number":
        return generator.uniform(min(values, default=-1.0), max(values, default=2.0))
    value = generator.choice(values)
    return round(value) if kind in ("int32", "int64") else value


def _parse_columns(text: str | None) -> "dict[str, Kind] | None":
    if text is None:
        return None
    columns: dict[str, Kind] = {}
    for part in text.split(","):
        name = part.strip()
        kind: Kind = "boolean" if name.endswith(_BOOLEAN) else "number"
        name = name.removesuffix(_BOOLEAN)
        if not name or name in columns:
            raise ValueError(f"--columns: expected names that differ, got {text!r}")
        columns[name] = kind
    return columns
