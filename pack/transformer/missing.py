"""Imputers and indicators of missing values."""

from dataclasses import replace
from typing import Any

import numpy as np

from pack.transformer.categories import is_missing
from pack.transformer.flow import (
    Flow,
    Node,
    Signal,
    Step,
    fresh,
    names,
    note_kind,
    require,
)
from serving.preprocessing.numeric import Kind


def read_simple_imputer(step: Step) -> tuple[Node, Flow]:
    """A value for what is missing, and indicators of it if asked."""
    imputer = step.fitted
    marker = _read_marker(step)
    statistics = list(imputer.statistics_)
    kept = [
        place
        for place, value in enumerate(statistics)
        if imputer.keep_empty_features or value == value  # NaN is dropped
    ]
    values = np.array([statistics[place] for place in kept], object).astype(imputer._fill_dtype)
    listed = [value.item() if isinstance(value, np.generic) else value for value in values.tolist()]
    filled = []
    for place, value in zip(kept, listed, strict=True):
        signal = step.flow.signals[place]
        filled.append(replace(signal, missing=frozenset() if marker is None else signal.missing))
        _note(step, signal, _check_value(step, value))
    indicated = [int(i) for i in imputer.indicator_.features_] if imputer.add_indicator else []
    indicators = fresh(f"missing {step.flow.signals[i].name}" for i in indicated)
    node = {
        "step": "Impute",
        "marker": marker,
        "kept": kept,
        "values": listed,
        "indicators": indicated,
    }
    return node, Flow((*filled, *indicators.signals), step.flow.sparse)


def read_missing_indicator(step: Step) -> tuple[Node, Flow]:
    """1 where a value was missing."""
    indicator = step.fitted
    marker = _read_marker(step)
    columns = [int(i) for i in indicator.features_]
    others = [s for i, s in enumerate(step.flow.signals) if i not in columns]
    if indicator.features == "missing-only" and indicator.error_on_new and others:
        if marker is not None:
            raise ValueError(
                f"{step.where}: expected MissingIndicator(error_on_new=False), got True together"
                f" with missing_values={marker!r}"
            )
        require(step, others)
    sparse = indicator.sparse is True or (indicator.sparse == "auto" and step.flow.sparse)
    flow = fresh((f"missing {names(step.flow)[i]}" for i in columns), sparse, dtype=np.dtype(bool))
    return {"step": "Indicate", "marker": marker, "columns": columns}, flow


def _read_marker(step: Step) -> float | str | None:
    """What counts as missing; None for a missing value itself."""
    marker = step.fitted.missing_values
    for signal in step.flow.signals:
        if signal.column is not None and is_missing(marker):
            step.notes.markers[signal.column] = marker
    if is_missing(marker):
        return None
    if isinstance(marker, str):
        return str(marker)
    if isinstance(marker, int | float | np.number) and np.isfinite(marker):
        return float(marker)
    raise ValueError(
        f"{step.where}: expected missing_values to be NaN, None, a number or a string,"
        f" got {marker!r}"
    )


def _check_value(step: Step, value: Any) -> Any:
    if isinstance(value, str) or (isinstance(value, int | float) and np.isfinite(value)):
        return value
    raise ValueError(
        f"{step.where}: expected numbers, strings or booleans to fill in, got {value!r}"
    )


def _note(step: Step, signal: Signal, value: Any) -> None:
    """Note what a fill value tells of its column; a constant among objects is a guess."""
    column, kind = signal.column, _kind(value)
    if step.fitted._fit_dtype.kind == "O" and column is not None:
        step.notes.objects.add(column)
        if step.fitted.strategy == "constant":
            step.notes.guesses.setdefault(column, kind)
            return
    note_kind(step, signal, kind)


def _kind(value: Any) -> Kind:
    if isinstance(value, str):
        return "category"
    return "boolean" if isinstance(value, bool) else "number"
