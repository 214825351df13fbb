"""Drawn rows through the state and through scikit-learn's own transformer, compared."""

import random
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from pack.transformer.drawing import Row, discrete_columns, draw_rows, spoil
from pack.transformer.table import Reading
from serving.errors import UnfitInput
from serving.preprocessing.numeric import (
    NumericPreprocessing,
    preprocess_numerical_features,
    read_columns,
    transform_rows,
)
from serving.preprocessing.transformers import build

TOLERANCE = 1e-12  # relative, of outputs and of inputs, where a step sums with BLAS
_PERTURBATIONS = 8


def prove(reading: Reading, count: int = 200) -> str:
    """Compare the state with the fitted transformer on drawn rows, half of them with odd values.

    Both must give the same float64, to the last bit or, where a step sums with BLAS, within
    TOLERANCE and what a change of the inputs by TOLERANCE makes; and both must refuse the same
    rows, or give what float32 does not hold.

    Returns a sentence that tells how it went. Raises ValueError naming the first output that
    differs, or the first row that only one of the two takes.
    """
    spec = NumericPreprocessing.from_json(reading.state)
    generator = random.Random(0)  # noqa: S311  not for secrets
    plain = draw_rows(reading.state, count, generator)
    rows = [*plain, *spoil(reading.state, plain, generator)]
    reasons = [_refusal(row, spec) for row in rows]
    taken = [row for row, reason in zip(rows, reasons, strict=True) if reason is None]
    for row, reason in zip(rows, reasons, strict=True):
        if reason is not None and _takes(reading, row):
            raise ValueError(f"the row {row} is taken by scikit-learn, and refused here: {reason}")
    if not taken:
        raise ValueError(
            f"expected to draw rows that fit, got {len(rows)} like {rows[0]}, and"
            f" none is taken: {reasons[0]}"
        )
    _compare(reading, taken, spec)
    how = "to the last bit"
    if reading.notes.inexact:
        how = f"within {TOLERANCE} (sums of {', '.join(reading.notes.inexact)})"
    return (
        f"{len(rows)} drawn rows: {len(taken)} equal scikit-learn's {how},"
        f" {len(rows) - len(taken)} refused by both"
    )


def _refusal(row: Row, spec: NumericPreprocessing) -> str | None:
    try:
        preprocess_numerical_features([row], spec)
    except UnfitInput as exc:
        return str(exc)
    return None


def _takes(reading: Reading, row: Row) -> bool:
    try:
        output = _transform(reading, [row])
    except ValueError:
        return False
    with np.errstate(over="ignore"):
        return bool(np.isfinite(output.astype(np.float32)).all())


def _compare(reading: Reading, rows: Sequence[Row], spec: NumericPreprocessing) -> None:
    ours = transform_rows(rows, spec)
    theirs = _transform(reading, rows)
    if ours.shape != theirs.shape:
        raise ValueError(f"expected {theirs.shape[1]} outputs as fitted, got {ours.shape[1]}")
    allowed = _allowed(rows, ours, spec, reading) if reading.notes.inexact else np.zeros_like(ours)
    wrong = np.argwhere(~(np.abs(ours - theirs) <= allowed))
    if len(wrong):
        row, column = wrong[0]
        raise ValueError(
            f"{_output_name(reading, column)}: expected scikit-learn's {theirs[row, column]!r}"
            f" within {allowed[row, column]:.1e}, got {ours[row, column]!r} for {rows[row]}"
        )


def _allowed(
    rows: Sequence[Row], ours: NDArray[np.float64], spec: NumericPreprocessing, reading: Reading
) -> NDArray[np.float64]:
    """How far each output may be off: TOLERANCE, and what inputs off by TOLERANCE make of it."""
    step = build(reading.state["step"])
    moved = np.zeros_like(ours)
    generator = np.random.default_rng(0)
    discrete = discrete_columns(reading.state)
    for _ in range(_PERTURBATIONS):
        columns = read_columns(rows, spec)
        for place, (name, kind) in enumerate(spec.columns.items()):
            if kind == "number" and name not in discrete:
                signs = generator.choice([-1.0, 1.0], len(rows))
                columns[place] = columns[place] * (1 + TOLERANCE * signs)
        try:
            change = np.abs(np.asarray(step.transform(columns), np.float64) - ours)
        except UnfitInput:  # a number at the very end of its range
            continue
        moved = np.maximum(moved, change)
    allowed: NDArray[np.float64] = moved + TOLERANCE * np.abs(ours)
    return allowed + TOLERANCE * np.median(np.abs(ours), axis=0)


def _transform(reading: Reading, rows: Sequence[Row]) -> NDArray[np.float64]:
    """The rows as a table like the one in training, through the fitted transformer."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            output = reading.fitted.transform(_table(reading, rows))
        except (AttributeError, TypeError, ValueError) as exc:
            raise ValueError(
                f"expected the transformer to take what is served, such as {rows[0]}, got"
                f" {type(exc).__name__}: {exc} (was it fitted by another version of scikit-learn,"
                " or on other kinds of columns?)"
            ) from exc
    return np.asarray(output.toarray() if sparse.issparse(output) else output, np.float64)


def _table(reading: Reading, rows: Sequence[Row]) -> Any:
    columns = {}
    for name in reading.inputs:
        kind = reading.state["columns"].get(name, "unused")
        columns[name] = _series(reading, name, kind, [row.get(name, 0.0) for row in rows])
    table = pd.DataFrame(columns)
    return table if reading.named else table.to_numpy()


def _series(reading: Reading, name: str, kind: str, values: list[Any]) -> "pd.Series[Any]":
    if kind == "boolean" and None not in values and name not in reading.notes.objects:
        return pd.Series(values, dtype=bool)
    if kind == "category" or kind == "boolean" or name in reading.notes.objects:
        marker = reading.notes.markers.get(name, np.nan)
        return pd.Series([marker if value is None else value for value in values], dtype=object)
    return pd.Series(values, dtype=np.float64)


def _output_name(reading: Reading, column: int) -> str:
    try:
        return str(reading.fitted.get_feature_names_out()[column])
    except (AttributeError, ValueError, NotImplementedError):
        return f"output {column}"
