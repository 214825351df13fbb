"""The categories of a fitted encoder, and what they tell of the table's columns."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pack.transformer.flow import Signal, Step, note_kind, require
from serving.preprocessing.numeric import Kind

_LARGEST_EXACT = 2.0**53  # from here on a JSON number may mean its neighbour


@dataclass(frozen=True)
class Known:
    """One column's categories: their places in `categories_`, and that of a missing value."""

    categories: list[Any]
    places: list[int]
    missing: int | None


def read_categories(step: Step, strict: bool) -> list[Known]:
    """Every column's categories, with what they tell of the column noted."""
    known = []
    for signal, values in zip(step.flow.signals, step.fitted.categories_, strict=True):
        read = _read_column(step, signal, values)
        if strict and read.missing is None:
            require(step, [signal])
        known.append(read)
    return known


def _read_column(step: Step, signal: Signal, values: NDArray[Any]) -> Known:
    if values.dtype.kind not in "OUbiuf":
        raise ValueError(
            f"{step.where}: expected categories that are strings, booleans or numbers in"
            f" {signal.name}, got {values.dtype}: convert the column with astype(str)"
        )
    listed = [value.item() if isinstance(value, np.generic) else value for value in values.tolist()]
    empty = [place for place, value in enumerate(listed) if is_missing(value)]
    if len(empty) > 1:
        raise ValueError(
            f"{step.where}: expected one mark for missing values of {signal.name}, got both None"
            " and NaN as categories, which a request cannot tell apart: use one in training"
        )
    _check_imputed(step, signal, bool(empty))
    places = [place for place in range(len(listed)) if place not in empty]
    kinds = {_kind(step, signal, listed[place]) for place in places}
    if len(kinds) > 1:
        raise ValueError(
            f"{step.where}: expected categories of one kind in {signal.name}, got"
            f" {' and '.join(sorted(kinds))}: convert the column, for instance with astype(str)"
        )
    if kinds == {"number"}:
        places.sort(key=listed.__getitem__)
    for kind in kinds:
        note_kind(step, signal, kind)
    if signal.column is not None:
        _note_column(step, signal.column, values, listed[empty[0]] if empty else np.nan)
    return Known([listed[place] for place in places], places, empty[0] if empty else None)


def _note_column(step: Step, column: str, values: NDArray[Any], marker: Any) -> None:
    if values.dtype.kind == "O":
        step.notes.objects.add(column)
    if is_missing(marker) and not _is_nan(marker):
        step.notes.markers[column] = marker


def _check_imputed(step: Step, signal: Signal, has_missing: bool) -> None:
    """None that an imputer of NaN let through is a category that no request can name."""
    imputed = signal.column is not None and not signal.missing
    if imputed and has_missing and step.fitted.categories == "auto":
        raise ValueError(
            f"{step.where}: expected no missing value among the categories of {signal.name}, which"
            " is imputed before, got one: set the imputer's missing_values to the table's own"
        )


def _kind(step: Step, signal: Signal, value: Any) -> Kind:
    if isinstance(value, str):
        return "category"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float) and abs(value) < _LARGEST_EXACT:
        return "number"
    raise ValueError(
        f"{step.where}: expected categories that are strings, booleans or numbers under 2**53 in"
        f" {signal.name}, got {value!r}: convert the column with astype(str)"
    )


def is_missing(value: Any) -> bool:
    """Whether it is None, NaN or pandas's NA."""
    return value is None or type(value).__name__ == "NAType" or _is_nan(value)


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)
