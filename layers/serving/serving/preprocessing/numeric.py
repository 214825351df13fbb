"""Rows of named features to model input, by a fitted scikit-learn transformer's numbers.

`pack` writes the transformer's fitted numbers to `preprocessing.json`; here NumPy applies them in
the same order and in float64, as scikit-learn does, and the result is cast to float32 at the end.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from serving.errors import UnfitInput, describe, shorten
from serving.preprocessing.transformers import Transformer, build
from serving.preprocessing.transformers.missing import find_missing

type Row = Sequence[Any] | Mapping[str, Any]
type Kind = Literal["number", "category", "boolean"]

_KINDS: dict[str, tuple[str, frozenset[type]]] = {
    "number": ("a number", frozenset({int, float, type(None)})),
    "category": ("a string", frozenset({str, type(None)})),
    "boolean": ("true or false", frozenset({bool, type(None)})),
}


@dataclass(frozen=True)
class NumericPreprocessing:
    """How rows become a matrix; the fields are those of `preprocessing.json`.

    columns: name and kind of every feature, in the order in which a row without names gives
        them: a "number", a "category", which is a string, or a "boolean", 0 or 1 to the steps.
    optional: the features whose values may be missing.
    step: what is done to the matrix of all columns.
    """

    columns: Mapping[str, Kind]
    optional: frozenset[str]
    step: Transformer

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> "NumericPreprocessing":
        """Build from a parsed `preprocessing.json`."""
        return cls(state["columns"], frozenset(state["optional"]), build(state["step"]))


def preprocess_numerical_features(
    rows: Sequence[Row], spec: NumericPreprocessing
) -> NDArray[np.float32]:
    """Turn rows, each a list in column order or a mapping by name, into one batch.

    A missing value is None or NaN; numbers may be of any finite size, categories are strings.
    Infinity is refused whatever the transformer made of it: JSON has none.

    Returns shape (len(rows), outputs of the transformer), float32.
    Raises UnfitInput for missing, unknown or wrongly typed features and for numbers that are
    too far from the training data's for float32.
    """
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
    Raises UnfitInput for missing, unknown or wrongly typed features.
    """
    with np.errstate(all="ignore"):
        return np.asarray(spec.step.transform(read_columns(rows, spec)), np.float64)


def read_columns(rows: Sequence[Row], spec: NumericPreprocessing) -> list[NDArray[Any]]:
    """Every feature of all rows, in the order of `spec.columns`, each of shape (len(rows),).

    Numbers and booleans are float64 with NaN, categories objects with None, where missing.
    Raises UnfitInput for missing, unknown or wrongly typed features.
    """
    transposed = _transpose(rows, list(spec.columns))
    return [_column(*named, spec) for named in zip(spec.columns, transposed, strict=True)]


def _transpose(rows: Sequence[Row], names: list[str]) -> list[Sequence[Any]]:
    """Rows to columns in the model's order, every row checked to have just these features."""
    if all(isinstance(row, Mapping) for row in rows):
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
    column = np.array(values, object) if kind == "category" else _numbers(name, values)
    if name not in spec.optional:
        missing = find_missing(column)
        if missing.any():
            raise UnfitInput(f"instance {missing.argmax()}: expected a value for {name}, got none")
    return column


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
