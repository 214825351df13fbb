"""Every kind of fitted estimator and what reads it; those that are made of others are read here."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA, IncrementalPCA, TruncatedSVD
from sklearn.feature_selection import SelectorMixin
from sklearn.impute import KNNImputer, MissingIndicator, SimpleImputer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)

from pack.transformer import encoding, expanding, missing, scaling
from pack.transformer.checks import check_doubles, check_fitted, checks
from pack.transformer.flow import Flow, Node, Step, altered, chain, note_kind, note_used

type Reader = Callable[[Step], tuple[Node, Flow]]

_NUMERIC: Mapping[type, Reader] = {
    Binarizer: scaling.read_binarizer,
    IncrementalPCA: expanding.read_pca,
    KBinsDiscretizer: encoding.read_discretizer,
    MaxAbsScaler: scaling.read_max_abs_scaler,
    MinMaxScaler: scaling.read_min_max_scaler,
    Normalizer: scaling.read_normalizer,
    PCA: expanding.read_pca,
    PolynomialFeatures: expanding.read_polynomial,
    PowerTransformer: scaling.read_power_transformer,
    QuantileTransformer: scaling.read_quantile_transformer,
    RobustScaler: scaling.read_robust_scaler,
    SplineTransformer: expanding.read_splines,
    StandardScaler: scaling.read_standard_scaler,
    TruncatedSVD: expanding.read_svd,
}
_OTHERS: Mapping[type, Reader] = {
    FunctionTransformer: scaling.read_function,
    MissingIndicator: missing.read_missing_indicator,
    OneHotEncoder: encoding.read_one_hot_encoder,
    OrdinalEncoder: encoding.read_ordinal_encoder,
    SimpleImputer: missing.read_simple_imputer,
    TargetEncoder: encoding.read_target_encoder,
}
_LEAVES = {**_NUMERIC, **_OTHERS}
_SPARSE = (  # read as scikit-learn treats a sparse matrix; the rest are read for arrays
    *(Binarizer, FunctionTransformer, IncrementalPCA, MaxAbsScaler, MissingIndicator, PCA),
    *(PolynomialFeatures, RobustScaler, SelectorMixin, SimpleImputer, StandardScaler, TruncatedSVD),
)
_INSTEAD = {
    KNNImputer: "its neighbours change with the last bits of BLAS's distances; use SimpleImputer",
}


def read(step: Step) -> tuple[Node, Flow]:
    """The node of a fitted estimator, whatever is inside it, and what flows out of it.

    Raises ValueError for what NumPy cannot repeat, naming where it stands.
    """
    if step.fitted is None or (isinstance(step.fitted, str) and step.fitted == "passthrough"):
        return chain([]), step.flow
    composer = _COMPOSERS.get(type(step.fitted))
    return composer(step) if composer else _read_leaf(step)


def _read_leaf(step: Step) -> tuple[Node, Flow]:
    reader = _find_reader(step)
    check_fitted(step)
    check_doubles(step, type(step.fitted) in _NUMERIC)
    note_used(step.notes, step.flow)
    if type(step.fitted) in _NUMERIC:
        for signal in step.flow.signals:
            note_kind(step, signal, "number")
    try:
        before = list(checks(step))
        node, flow = reader(step)
    except AttributeError as exc:
        raise ValueError(
            f"{step.where}: expected a {type(step.fitted).__name__} as scikit-learn"
            f" {sklearn.__version__} fits it, got one of another version: {exc}; fit it again"
        ) from exc
    return chain([*before, node]), flow


def _find_reader(step: Step) -> Reader:
    """The reader for just this class: a subclass may compute otherwise."""
    kind = type(step.fitted)
    reader = _LEAVES.get(kind)
    selects = isinstance(step.fitted, SelectorMixin) and kind.transform is SelectorMixin.transform
    if reader is None and not selects:
        supported = ", ".join(sorted(each.__name__ for each in (*_LEAVES, *_COMPOSERS)))
        instead = _INSTEAD.get(kind, "put what it does into the model, or before the request")
        if hasattr(step.fitted, "predict") and not hasattr(step.fitted, "transform"):
            instead = "it predicts, so save what is before it, pipeline[:-1]"
        raise ValueError(
            f"{step.where}: expected one of {supported} or a feature selector,"
            f" got {kind.__name__}: {instead}"
        )
    if step.flow.sparse and not isinstance(step.fitted, _SPARSE):
        raise ValueError(
            f"{step.where}: expected an array for {kind.__name__}, got a sparse matrix: set"
            " sparse_output=False and sparse_threshold=0 in the steps before"
        )
    return reader or expanding.read_selector


def _read_pipeline(step: Step) -> tuple[Node, Flow]:
    nodes, flow = [], step.flow
    for name, fitted in step.fitted.steps:
        where = f"{step.where}, step {name!r}" if step.where else f"step {name!r}"
        node, flow = read(replace(step, where=where, fitted=fitted, flow=flow))
        nodes.append(node)
    return chain(nodes), flow


def _read_columns(step: Step) -> tuple[Node, Flow]:
    transformer = step.fitted
    check_fitted(replace(step, where=step.where or "ColumnTransformer"))
    parts: list[tuple[str, Any, list[int] | None]] = []
    for name, fitted, _ in transformer.transformers_:
        columns = [int(i) for i in transformer._transformer_to_input_indices[name]]
        if columns and not (isinstance(fitted, str) and fitted == "drop"):
            parts.append((name, fitted, columns))
    return _read_parts(step, parts, bool(transformer.sparse_output_))


def _read_union(step: Step) -> tuple[Node, Flow]:
    parts: list[tuple[str, Any, list[int] | None]] = [
        (name, fitted, None)
        for name, fitted in step.fitted.transformer_list
        if not (isinstance(fitted, str) and fitted == "drop")
    ]
    return _read_parts(step, parts, None)


def _read_parts(
    step: Step, parts: list[tuple[str, Any, list[int] | None]], sparse: bool | None
) -> tuple[Node, Flow]:
    """sparse: whether the outputs are; None: if one of them is."""
    weights = step.fitted.transformer_weights or {}
    nodes, flows = [], []
    for name, fitted, columns in parts:
        flow = step.flow
        if columns is not None:
            flow = replace(flow, signals=tuple(flow.signals[i] for i in columns))
        where = f"{step.where}, {name}" if step.where else name
        node, flow = read(replace(step, where=where, fitted=fitted, flow=flow))
        if weights.get(name) is not None:
            note_used(step.notes, flow)
            node = chain([node, scaling.arithmetic("multiply", float(weights[name]))])
            flow = altered(flow, flow.sparse)
        nodes.append({"columns": columns, "step": node})
        flows.append(flow)
    signals = tuple(signal for flow in flows for signal in flow.signals)
    if sparse is None:
        sparse = any(flow.sparse for flow in flows)
    return {"step": "Parts", "parts": nodes}, Flow(signals, sparse)


_COMPOSERS: Mapping[type, Reader] = {
    ColumnTransformer: _read_columns,
    FeatureUnion: _read_union,
    Pipeline: _read_pipeline,
}
