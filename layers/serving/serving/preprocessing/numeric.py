"""Rows of named features to model input, by a fitted scikit-learn transformer's numbers.

`pack` writes the transformer's fitted numbers to `preprocessing.json`; here NumPy applies them in
the same order and in float64, as scikit-learn does, and the result is cast to float32 at the end.
A model that looks up its strings itself gets the checked values as they are.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving.errors import UnfitInput, describe, shorten
from serving.preprocessing.transformers import Transformer, build
from serving.preprocessing.transformers.missing import find_missing

type Row = Sequence[Any] | Mapping[str, Any]
type Kind = Literal["number", "category", "boolean", "int32", "int64"]

_NUMBERS: frozenset[type] = frozenset({int, float, type(None)})
_KINDS: dict[str, tuple[str, frozenset[type]]] = {
    "number": ("a number", _NUMBERS),
    "category": ("a string", frozenset({str, type(None)})),
    "boolean": ("true or false", frozenset({bool, type(None)})),
    "int32": ("a whole number of 32 bits", _NUMBERS),
    "int64": ("a whole number of 64 bits", _NUMBERS),
}


class NumericPreprocessing(NamedTuple):
    """How rows become a matrix; the fields are those of `preprocessing.json`.

    columns: name and kind of every feature, in the order in which a row without names gives
        them: a "number", a "category", which is a string, a "boolean", 0 or 1 to the steps, or
        a whole number that fits "int32" or "int64".
    optional: the features whose values may be missing.
    step: what is done to the matrix of all columns; None gives it to the model as it is, which
        takes no missing values.
    indices: how many entries a table of the model has, by the column that it is looked up by.
    """

    columns: Mapping[str, Kind]
    optional: frozenset[str]
    step: Transformer | None
    indices: Mapping[str, int]

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> "NumericPreprocessing":
        """Build from a parsed `preprocessing.json`.

        Raises ValueError for optional features that nothing fills.
        """
        step = None if state["step"] is None else build(state["step"])
        optional = frozenset(state["optional"])
        if step is None and optional:
            names = ", ".join(sorted(optional))
            raise ValueError(f"expected no optional features without a step, got {names}")
        return cls(state["columns"], optional, step, state.get("indices", {}))


def preprocess_numerical_features(
    rows: Sequence[Row], spec: NumericPreprocessing
) -> NDArray[np.float32 | np.object_]:
    """Turn rows, each a list in column order or a mapping by name, into one batch.

    A missing value is None or NaN; numbers may be of any finite size, categories are strings.
    Infinity is refused whatever the transformer made of it: JSON has none.

    Returns shape (len(rows), outputs of the transformer), float32; without a step (len(rows),
    columns), objects that are float, str, bool or int, as the columns' kinds are.
    Raises UnfitInput for missing, unknown or wrongly typed features and for numbers that are
    too far from the training data's for float32.
    """
    if spec.step is None:
        return _checked(read_columns(rows, spec), spec)
    with np.errstate(over="ignore"):
        batch = transform_rows(rows, spec).astype(np.float32)
    finite = np.isfinite(batch)
    if not finite.all():
        row, output = np.argwhere(~finite)[0]
        raise UnfitInput(
            f"instance {row}: expected numbers like those of the training data, got one that is"
            f" too large for float32, or no number, once transformed (output {output})"
        )
    return batch


def transform_rows(rows: Sequence[Row], spec: NumericPreprocessing) -> NDArray[np.float64]:
    """Do what the fitted transformer's `transform` does, to the last bit.

    Steps that sum (Project, Normalize) differ from scikit-learn's by rounding, since they sum in
    an order that does not hang on the machine or the batch.

    Returns shape (len(rows), outputs of the transformer), float64.
    Raises UnfitInput for missing, unknown or wrongly typed features, and TypeError where there is
    no step.
    """
    if spec.step is None:
        raise TypeError("expected a step, got none: the model takes the columns as they are")
    with np.errstate(all="ignore"):
        return np.asarray(spec.step.transform(read_columns(rows, spec)), np.float64)


def read_columns(rows: Sequence[Row], spec: NumericPreprocessing) -> list[NDArray[Any]]:
    """Every feature of all rows, in the order of `spec.columns`, each of shape (len(rows),).

    Numbers and booleans are float64 with NaN, where missing, categories objects with None, and
    whole numbers objects that are int, with None.
    Raises UnfitInput for missing, unknown or wrongly typed features.
    """
    transposed = _transpose(rows, list(spec.columns))
    return [_column(*named, spec) for named in zip(spec.columns, transposed, strict=True)]


def _transpose(rows: Sequence[Row], names: list[str]) -> list[Sequence[Any]]:
    """Rows to columns in the model's order, every row checked to have just these features."""
    if all(issubclass(kind, Mapping) for kind in set(map(type, rows))):
        return _transpose_mappings(rows, names)  # type: ignore[arg-type]
    for index, row in enumerate(rows):
        if not isinstance(row, list | tuple):
            raise UnfitInput(
                f"instance {index}: expected a list of {len(names)} features or an object that"
                f" names them, got {describe(row)}{' among lists' * isinstance(row, Mapping)}"
            )
        if len(row) != len(names):
            raise UnfitInput(
                f"instance {index}: expected {len(names)} features ({', '.join(names)}),"
                f" got {len(row)}"
            )
    return list(zip(*rows, strict=True))


def _transpose_mappings(rows: Sequence[Mapping[str, Any]], names: list[str]) -> list[Sequence[Any]]:
    expected = frozenset(names)
    for index, row in enumerate(rows):
        if row.keys() == expected:
            continue
        missing = [name for name in names if name not in row]
        unknown = sorted(row.keys() - expected)
        parts = [f"missing: {', '.join(missing)}"] if missing else []
        parts += [f"unknown: {shorten(', '.join(unknown))}"] if unknown else []
        raise UnfitInput(
            f"instance {index}: expected {len(names)} features, got {len(row)} ({'; '.join(parts)})"
        )
    return [[row[name] for row in rows] for name in names]


def _column(name: str, values: Sequence[Any], spec: NumericPreprocessing) -> NDArray[Any]:
    kind = spec.columns[name]
    expected, allowed = _KINDS[kind]
    if not set(map(type, values)) <= allowed:
        index, value = next((i, v) for i, v in enumerate(values) if type(v) not in allowed)
        raise UnfitInput(f"instance {index}: expected {expected} for {name}, got {describe(value)}")
    column = _READERS[kind](name, values)
    if name not in spec.optional:
        missing = find_missing(column)
        if missing.any():
            raise UnfitInput(f"instance {missing.argmax()}: expected a value for {name}, got none")
    return column


def _strings(_: str, values: Sequence[Any]) -> NDArray[np.object_]:
    return np.array(values, object)


def _whole_numbers(name: str, values: Sequence[Any], kind: str) -> NDArray[np.object_]:
    """3.0 is one too; a cast would make 3 of 3.7, and another number of one out of range."""
    limits = np.iinfo(kind)
    for index, value in enumerate(values):
        if value is None or (limits.min <= value <= limits.max and value == int(value)):
            continue
        raise UnfitInput(
            f"instance {index}: expected {_KINDS[kind][0]} for {name}, got {describe(value)}"
        )
    return np.array([value if value is None else int(value) for value in values], object)


def _numbers(name: str, values: Sequence[Any]) -> NDArray[np.float64]:
    try:
        column = np.array(values, np.float64)
    except OverflowError:  # an integer over 1.8e308
        column = np.array([_infinite_if_huge(value) for value in values], np.float64)
    infinite = np.isinf(column)
    if infinite.any():
        raise UnfitInput(
            f"instance {infinite.argmax()}: expected a finite number for {name},"
            " got one too large for float64"
        )
    return column


def _infinite_if_huge(value: float | None) -> float | None:
    return np.inf if isinstance(value, int) and abs(value) > sys.float_info.max else value


def _checked(columns: Sequence[NDArray[Any]], spec: NumericPreprocessing) -> NDArray[np.object_]:
    """The columns side by side, once all of them are what the model's inputs can hold."""
    batch = np.empty((len(columns[0]), len(columns)), object)
    for place, (name, column) in enumerate(zip(spec.columns, columns, strict=True)):
        kind = spec.columns[name]
        if kind == "number":
            _check_size(name, column)
        if kind == "category":
            _check_characters(name, column)
        if name in spec.indices:
            _check_indices(name, column, spec.indices[name])
        batch[:, place] = (column.astype(bool) if kind == "boolean" else column).tolist()
    return batch


def _check_size(name: str, column: NDArray[np.float64]) -> None:
    with np.errstate(over="ignore"):
        infinite = np.isinf(column.astype(np.float32))
    if infinite.any():
        raise UnfitInput(
            f"instance {infinite.argmax()}: expected a number for {name}, got one too large for"
            " float32"
        )


def _check_indices(name: str, column: NDArray[np.object_], count: int) -> None:
    """An engine may count a negative one from the table's end, and fails on one behind it."""
    outside = (column < 0) | (column >= count)
    if outside.any():
        index = int(outside.argmax())
        raise UnfitInput(
            f"instance {index}: expected a whole number of 0 to {count - 1} for {name}, got"
            f" {describe(column[index])}"
        )


def _check_characters(name: str, column: NDArray[np.object_]) -> None:
    for index, text in enumerate(column):
        try:
            text.encode()
        except UnicodeEncodeError as exc:
            raise UnfitInput(
                f"instance {index}: expected a string of whole characters for {name}, got half of"
                f" a surrogate pair at {exc.start}"
            ) from exc


_READERS: dict[str, Callable[[str, Sequence[Any]], NDArray[Any]]] = {
    "number": _numbers,
    "boolean": _numbers,
    "category": _strings,
    "int32": partial(_whole_numbers, kind="int32"),
    "int64": partial(_whole_numbers, kind="int64"),
}
