"""Pack a model of rows of features.

What scaled and encoded the rows before training is named by its file:

    a fitted scikit-learn transformer, Pipeline or ColumnTransformer   --transformer FILE
    nothing: the model takes the numbers as they are                   --columns a,b,c

The names and the order of the columns come from the table that the transformer was fitted on.
Its fitted numbers become JSON, which NumPy applies when rows are served, and pack compares the
two on rows drawn from the transformer's own ranges and categories. What cannot be repeated to
the last bit is refused, naming the step; only the sums of PCA, TruncatedSVD and Normalizer may
differ by rounding. A transformer fitted on float32 is to be fitted again on float64.
"""

import argparse
import random
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

    from pack.transformer import Reading
    from serving.preprocessing.numeric import Kind

_BOOLEAN = ":boolean"
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
    from pack.transformer import load_transformer, prove, read_table

    width = _input_width(model)
    columns = _parse_columns(arguments.columns)
    fitted = None
    if arguments.transformer is not None:
        fitted = load_transformer(arguments.transformer, arguments.trust_pickle)
    elif columns is None:
        columns = {f"x{i}": "number" for i in range(_demand_width(width))}
    reading = read_table(fitted, columns)
    _check_width(reading, width)
    if fitted is not None:
        print(f"pack: {prove(reading)}", flush=True)
    return reading.state, model


def generate_rows(state: dict[str, Any], count: int, generator: random.Random) -> list[Any]:
    """Rows by name that the state takes, drawn from the ranges and categories that are in it.

    Raises ValueError if hardly any is taken.
    """
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


def _input_width(model: "keras.Model") -> int | None:
    """How many numbers a row has; None if the model leaves it open."""
    inputs: Sequence[Any] = getattr(model, "inputs", None) or ()
    if not inputs:
        return None
    if len(inputs) > 1 or len(inputs[0].shape) != 2:
        found = ", ".join(str(tuple(each.shape)) for each in inputs)
        raise ValueError(f"expected a model of one input, (batch, numbers), got {found}")
    width: int | None = inputs[0].shape[1]
    return width


def _demand_width(width: int | None) -> int:
    if width is None:
        raise ValueError(
            "expected --transformer or --columns, got neither, and a model that does not say how"
            " many numbers it takes"
        )
    return width


def _check_width(reading: "Reading", width: int | None) -> None:
    if width not in (None, reading.width):
        names = ", ".join(reading.state["columns"])
        raise ValueError(
            f"expected {width} numbers a row, which the model takes, got {reading.width} from the"
            f" columns {names}"
        )


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
