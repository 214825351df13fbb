"""Rows of named features to model input, by a fitted scikit-learn transformer's numbers.

The transformer is a ColumnTransformer of pipelines. `pack` writes its fitted numbers to
`preprocessing.json`; here NumPy applies them in the same order and in float64, as scikit-learn
does, and the result is cast to float32 at the end.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from serving.errors import UnfitInput, describe, shorten

type Row = Sequence[Any] | Mapping[str, Any]


class Transformer(Protocol):
    """One fitted step: an array of shape (rows, columns) in, another out."""

    def transform(self, x: NDArray[Any]) -> NDArray[Any]: ...


@dataclass(frozen=True)
class SimpleImputer:
    """Put `statistics`, one value a column, where a value is missing.

    indicators: columns for which a further column of 0 and 1 says what was missing.
    """

    statistics: Sequence[Any]
    indicators: Sequence[int]

    def transform(self, x: NDArray[Any]) -> NDArray[Any]:
        missing = _missing(x)
        filled = np.where(missing, np.asarray(self.statistics, x.dtype), x)
        if not self.indicators:
            return filled
        return np.hstack([filled, missing[:, list(self.indicators)].astype(x.dtype)])


@dataclass(frozen=True)
class StandardScaler:
    """`(x - mean) / scale`, each one value a column."""

    mean: Sequence[float]
    scale: Sequence[float]

    def transform(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        scaled: NDArray[np.float64] = (x - np.asarray(self.mean)) / np.asarray(self.scale)
        return scaled


@dataclass(frozen=True)
class OneHotEncoder:
    """One column of 0 and 1 for each category of each column; an unknown category is all 0."""

    categories: Sequence[Sequence[str]]

    def transform(self, x: NDArray[Any]) -> NDArray[np.float64]:
        encoded = np.zeros((len(x), sum(map(len, self.categories))))
        start = 0
        for column, positions in zip(x.T, self._positions, strict=True):
            codes = np.fromiter((positions.get(value, -1) for value in column), np.intp, len(x))
            known = np.flatnonzero(codes >= 0)
            encoded[known, start + codes[known]] = 1.0
            start += len(positions)
        return encoded

    @cached_property
    def _positions(self) -> list[dict[str, int]]:
        return [{value: i for i, value in enumerate(values)} for values in self.categories]


_STEPS: dict[str, type[SimpleImputer | StandardScaler | OneHotEncoder]] = {
    "SimpleImputer": SimpleImputer,
    "StandardScaler": StandardScaler,
    "OneHotEncoder": OneHotEncoder,
}


@dataclass(frozen=True)
class Block:
    """Some columns and the steps they go through, one after the other."""

    columns: Sequence[str]
    steps: Sequence[Transformer]


@dataclass(frozen=True)
class NumericPreprocessing:
    """How rows become a matrix; the fields are those of `preprocessing.json`.

    columns: name and kind, "number" or "category", of every feature, in the order in which a
        row without names gives them.
    blocks: their outputs stand side by side in the result.
    """

    columns: Mapping[str, Literal["number", "category"]]
    blocks: Sequence[Block]

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> "NumericPreprocessing":
        """Build from a parsed `preprocessing.json`."""
        blocks = [
            Block(block["columns"], [_STEPS[name](**fitted) for name, fitted in block["steps"]])
            for block in state["blocks"]
        ]
        return cls(state["columns"], blocks)

    @cached_property
    def imputed(self) -> frozenset[str]:
        """Columns whose values may be missing: every block that has them begins by imputing."""
        demanding = [b for b in self.blocks if not isinstance(b.steps[0], SimpleImputer)]
        return frozenset(self.columns).difference(*(block.columns for block in demanding))


def preprocess_numerical_features(
    rows: Sequence[Row], spec: NumericPreprocessing
) -> NDArray[np.float32]:
    """Turn rows, each a list in column order or a mapping by name, into one batch.

    A missing value is None or NaN; numbers may be of any finite size, categories are strings.

    Returns shape (len(rows), outputs of the transformer), float32.
    Raises UnfitInput for missing, unknown or wrongly typed features and for numbers that are
    too far from the training data's for float32.
    """
    with np.errstate(over="ignore"):
        batch = transform_rows(rows, spec).astype(np.float32)
    finite = np.isfinite(batch).all(axis=1)
    if not finite.all():
        raise UnfitInput(
            f"instance {finite.argmin()}: expected numbers like those of the training data,"
            " got one that is too large for float32 once scaled"
        )
    return batch


def transform_rows(rows: Sequence[Row], spec: NumericPreprocessing) -> NDArray[np.float64]:
    """Do what the fitted ColumnTransformer's `transform` does, to the last bit.

    Returns shape (len(rows), outputs of the transformer), float64.
    Raises UnfitInput for missing, unknown or wrongly typed features.
    """
    columns = {
        name: _column(name, values, spec)
        for name, values in zip(spec.columns, _transpose(rows, list(spec.columns)), strict=True)
    }
    outputs = []
    for block in spec.blocks:
        x = np.stack([columns[name] for name in block.columns], axis=1)
        for step in block.steps:
            x = step.transform(x)
        outputs.append(x)
    return np.hstack(outputs)


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
    """One feature of every row: float64 with NaN, or object with None, where it is missing."""
    kind = spec.columns[name]
    allowed = {float, int, type(None)} if kind == "number" else {str, type(None)}
    if not set(map(type, values)) <= allowed:
        index, value = next((i, v) for i, v in enumerate(values) if type(v) not in allowed)
        expected = "a number" if kind == "number" else "a string"
        raise UnfitInput(f"instance {index}: expected {expected} for {name}, got {describe(value)}")
    column = _numbers(name, values) if kind == "number" else np.array(values, object)
    missing = _missing(column)
    if name not in spec.imputed and missing.any():
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


def _missing(x: NDArray[Any]) -> NDArray[np.bool_]:
    if x.dtype == object:
        return np.asarray(x == np.array(None, object), np.bool_)
    return np.isnan(x)
