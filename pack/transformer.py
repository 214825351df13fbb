"""A fitted scikit-learn ColumnTransformer to the settings of the numeric preprocessing.

What cannot be reproduced to the last bit is refused here, when a bundle is made, and not served
nearly right.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

type Kind = Literal["number", "category"]
type Fitted = dict[str, Any]


def read_transformer(transformer: ColumnTransformer) -> dict[str, Any]:
    """Turn a fitted ColumnTransformer into what `NumericPreprocessing.from_json` reads.

    Its blocks are SimpleImputer, StandardScaler and OneHotEncoder(handle_unknown="ignore"),
    alone or in a Pipeline, fitted on a DataFrame of float64 or integer numbers and of strings.
    Columns keep the order of `feature_names_in_`; dropped ones are left out.

    Raises ValueError for everything else, naming the step and what would work in its place.
    """
    if not isinstance(transformer, ColumnTransformer):
        raise ValueError(f"expected a ColumnTransformer, got {type(transformer).__name__}")
    if not hasattr(transformer, "feature_names_in_"):
        raise ValueError(
            "expected a ColumnTransformer fitted on a DataFrame, whose columns have names;"
            " got one fitted on an array, or not fitted"
        )
    if transformer.transformer_weights:
        raise ValueError("expected no transformer_weights: scale inside the model instead")
    blocks: list[dict[str, Any]] = []
    kinds: dict[str, Kind] = {}
    for name, fitted, columns in transformer.transformers_:
        if (isinstance(fitted, str) and fitted == "drop") or len(columns) == 0:
            continue
        block, kind = _read_block(name, fitted)
        _note_kinds(kinds, block["columns"], kind)
        blocks.append(block)
    ordered = [str(name) for name in transformer.feature_names_in_ if name in kinds]
    return {"columns": {name: kinds[name] for name in ordered}, "blocks": blocks}


def _note_kinds(kinds: dict[str, Kind], columns: Sequence[str], kind: Kind) -> None:
    for column in columns:
        if kinds.setdefault(column, kind) != kind:
            raise ValueError(
                f"expected column {column!r} to be a {kinds[column]} in every block,"
                f" got a {kind} in another: give the DataFrame a second column for it"
            )


def _read_block(name: str, fitted: Any) -> tuple[dict[str, Any], Kind]:
    """One block with its columns and steps, and the kind of its columns."""
    steps = _steps(name, fitted)
    read = [(type(step).__name__, _reader(where, step)(where, step)) for where, step in steps]
    first = steps[0][1]
    kind = _kind(first)
    encoders = [i for i, (_, step) in enumerate(steps) if isinstance(step, OneHotEncoder)]
    if encoders != ([len(steps) - 1] if kind == "category" else []):
        raise ValueError(
            f"{name}: expected numbers without OneHotEncoder, or strings with OneHotEncoder as"
            f" the last step, got {kind} columns with {', '.join(step for step, _ in read)}"
        )
    columns = [str(column) for column in first.feature_names_in_]
    return {"columns": columns, "steps": [list(step) for step in read]}, kind


def _steps(name: str, fitted: Any) -> list[tuple[str, Any]]:
    """A block's estimators, each with words for where it stands."""
    if not isinstance(fitted, Pipeline):
        return [(name, fitted)]
    steps = [(f"{name}, step {key!r}", step) for key, step in fitted.steps]
    kept = [(where, step) for where, step in steps if step not in (None, "passthrough")]
    if not kept:
        raise ValueError(f"{name}: expected at least one step, got passthrough alone")
    return kept


def _kind(first: Any) -> Kind:
    """What a block's first step was fitted on."""
    if isinstance(first, StandardScaler):
        return "number"
    if isinstance(first, OneHotEncoder):
        return "category"
    return "category" if isinstance(first.statistics_[0], str) else "number"


def _read_imputer(where: str, step: SimpleImputer) -> Fitted:
    missing = step.missing_values
    if not (missing is None or missing is pd.NA or _is_nan(missing)):
        raise ValueError(
            f"{where}: expected SimpleImputer(missing_values=np.nan),"
            f" got missing_values={missing!r}: put NaN into the table instead"
        )
    # scikit-learn rounds the statistics to the training table's dtype, which is private
    if getattr(step, "_fit_dtype", None) == np.float32:
        raise ValueError(f"{where}: expected float64 columns, got float32: convert the table")
    statistics = step.statistics_.tolist()
    if any(map(_is_nan, statistics)):
        raise ValueError(
            f"{where}: expected a value in every column of the training table, got an empty"
            " one: leave it out, or set keep_empty_features=True"
        )
    if isinstance(statistics[0], str):
        _demand_strings(where, statistics)
    else:
        statistics = [_number(where, value) for value in statistics]
    indicators = step.indicator_.features_.tolist() if step.add_indicator else []
    return {"statistics": statistics, "indicators": indicators}


def _read_scaler(where: str, step: StandardScaler) -> Fitted:
    mean = step.mean_ if step.with_mean else np.zeros(step.n_features_in_)
    scale = step.scale_ if step.with_std else np.ones(step.n_features_in_)
    if not np.isfinite([mean, scale]).all():
        raise ValueError(f"{where}: expected finite means and scales, got a column without values")
    return {"mean": mean.tolist(), "scale": scale.tolist()}


def _read_encoder(where: str, step: OneHotEncoder) -> Fitted:
    expected = {
        "handle_unknown": "ignore",
        "drop": None,
        "min_frequency": None,
        "max_categories": None,
    }
    for parameter, value in expected.items():
        got = getattr(step, parameter)
        if not (got is None if value is None else got == value):
            raise ValueError(f"{where}: expected OneHotEncoder({parameter}={value!r}), got {got!r}")
    categories = [values.tolist() for values in step.categories_]
    for values in categories:
        _demand_strings(where, values)
    return {"categories": categories}


def _demand_strings(where: str, values: Sequence[Any]) -> None:
    for value in values:
        if not isinstance(value, str):
            raise ValueError(
                f"{where}: expected categories that are strings, got {value!r}: convert the column"
                " with astype(str), or where values are missing put SimpleImputer in front"
            )


def _number(where: str, value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise ValueError(
        f"{where}: expected either numbers or strings to fill in, got numbers and {value!r}:"
        " give each kind of column its own block"
    )


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


_READERS: Mapping[type, Callable[[str, Any], Fitted]] = {
    SimpleImputer: _read_imputer,
    StandardScaler: _read_scaler,
    OneHotEncoder: _read_encoder,
}


def _reader(where: str, step: Any) -> Callable[[str, Any], Fitted]:
    """The reader for just this class: a subclass may compute otherwise."""
    reader = _READERS.get(type(step))
    if reader is None:
        supported = ", ".join(kind.__name__ for kind in _READERS)
        got = type(step).__name__ if not isinstance(step, str) else step
        raise ValueError(
            f"{where}: expected {supported}, got {got}; numbers pass through"
            " StandardScaler(with_mean=False, with_std=False) as they are"
        )
    return reader
