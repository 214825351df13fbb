"""A fitted target transformer to the way back from a model's outputs."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from pack.transformer.flow import Flow, Node, Notes, Signal, Step, chain, finite
from pack.transformer.scaling import arithmetic, function_name, quantile_fields
from pack.transformer.table import count_columns
from serving.preprocessing.transformers import TargetTransformer, inverse

_OPPOSITE = {"log1p": "expm1", "log": "exp", "log2": "exp2", "sqrt": "square"}
_DRAWN = 500


def read_target_transformer(fitted: Any) -> dict[str, Any]:
    """Turn a fitted target transformer into what `TargetTransformer.from_json` reads.

    fitted: StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler, PowerTransformer,
        QuantileTransformer, FunctionTransformer with NumPy's own inverse_func, a Pipeline of
        them, or a TransformedTargetRegressor with one of these.
    Compared with the fitted `inverse_transform` on drawn answers, to the last bit.
    Raises ValueError for everything else, naming the step and what would work instead, or the
    answer for which the two differ.
    """
    fitted = _target_transformer(fitted)
    outputs = count_columns(fitted)
    if outputs is None:
        raise ValueError(f"expected a fitted target transformer, got {type(fitted).__name__}")
    signals = tuple(Signal(f"output {i}") for i in range(outputs))
    where = "" if isinstance(fitted, Pipeline) else type(fitted).__name__
    node = _read(Step(where, fitted, Flow(signals), Notes()))
    state = {"outputs": int(outputs), "step": node}
    _prove(fitted, state)
    return state


def _target_transformer(fitted: Any) -> Any:
    """What transforms the targets: of a TransformedTargetRegressor its part, else itself."""
    return fitted.transformer_ if hasattr(fitted, "regressor_") else fitted


def _prove(fitted: Any, state: Mapping[str, Any]) -> None:
    """Compare with the fitted `inverse_transform` on drawn answers, to the last bit."""
    spec, generator = TargetTransformer.from_json(state), np.random.default_rng(0)
    spread = 10 ** generator.uniform(-2, 0.5, (_DRAWN, 1))
    drawn = generator.standard_normal((_DRAWN, spec.outputs)) * spread
    drawn[: _DRAWN // 2] = generator.random((_DRAWN // 2, spec.outputs))
    ours, theirs = inverse(drawn, spec), _undo(fitted, drawn)
    neither = ~np.isfinite(ours) & ~np.isfinite(theirs)
    wrong = np.argwhere((ours != theirs) & ~neither)
    if len(wrong):
        row, column = wrong[0]
        raise ValueError(
            f"output {column}: expected scikit-learn's {theirs[row, column]!r} from"
            f" {drawn[row, column]!r}, got {ours[row, column]!r}"
        )


def _undo(fitted: Any, drawn: NDArray[np.float64]) -> NDArray[np.float64]:
    """scikit-learn's own way back; NaN for an answer that overflows between two steps.

    One such is an error for its whole batch, so a batch with one is tried answer by answer.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return np.asarray(fitted.inverse_transform(drawn.copy()), np.float64)
        except ValueError:
            if len(drawn) == 1:
                return np.full(drawn.shape, np.nan)
    return np.concatenate([_undo(fitted, answer[None]) for answer in drawn])


def _read(step: Step) -> Node:
    if step.fitted is None or (isinstance(step.fitted, str) and step.fitted == "passthrough"):
        return chain([])
    reader = _READERS.get(type(step.fitted))
    if reader is None:
        supported = ", ".join(sorted(kind.__name__ for kind in _READERS))
        raise ValueError(
            f"{step.where}: expected one of {supported}, got {type(step.fitted).__name__}: undo"
            " it where the answer is read, or train on targets scaled by one of these"
        )
    return reader(step)


def _pipeline(step: Step) -> Node:
    return chain(
        _read(replace(step, where=f"step {name!r}", fitted=fitted))
        for name, fitted in reversed(step.fitted.steps)
    )


def _standard_scaler(step: Step) -> Node:
    scaler = step.fitted
    return _stretch(step, scaler.scale_, scaler.mean_ if scaler.with_mean else None)


def _robust_scaler(step: Step) -> Node:
    scaler = step.fitted
    scale = scaler.scale_ if scaler.with_scaling else None
    return _stretch(step, scale, scaler.center_ if scaler.with_centering else None)


def _max_abs_scaler(step: Step) -> Node:
    return _stretch(step, step.fitted.scale_, None)


def _stretch(step: Step, scale: Any, centre: Any) -> Node:
    nodes = []
    if scale is not None:
        nodes.append(arithmetic("multiply", finite(step, "scale_", scale)))
    if centre is not None:
        nodes.append(arithmetic("add", finite(step, "its centre", centre)))
    return chain(nodes)


def _min_max_scaler(step: Step) -> Node:
    scaler = step.fitted
    return chain(
        [
            arithmetic("subtract", finite(step, "min_", scaler.min_)),
            arithmetic("divide", finite(step, "scale_", scaler.scale_)),
        ]
    )


def _power_transformer(step: Step) -> Node:
    power = step.fitted
    name = "InverseBoxCox" if power.method == "box-cox" else "InverseYeoJohnson"
    node: Node = {"step": name, "powers": finite(step, "lambdas_", power.lambdas_)}
    if not power.standardize:
        return node
    return chain([_standard_scaler(replace(step, fitted=power._scaler)), node])


def _quantile_transformer(step: Step) -> Node:
    return {"step": "InverseQuantiles", **quantile_fields(step)}


def _function(step: Step) -> Node:
    transformer = step.fitted
    if transformer.inverse_func is None and transformer.func is None:
        return chain([])
    if transformer.inverse_func is None:
        name = getattr(transformer.func, "__name__", "")
        wanted = _OPPOSITE.get(name, {v: k for k, v in _OPPOSITE.items()}.get(name))
        raise ValueError(
            f"{step.where}: expected an inverse_func{f', np.{wanted}' if wanted else ''},"
            " got none, with which scikit-learn's inverse_transform gives back what it gets"
        )
    name = function_name(step, transformer.inverse_func, transformer.inv_kw_args)
    return {"step": "Function", "name": name}


_READERS: Mapping[type, Callable[[Step], Node]] = {
    FunctionTransformer: _function,
    MaxAbsScaler: _max_abs_scaler,
    MinMaxScaler: _min_max_scaler,
    Pipeline: _pipeline,
    PowerTransformer: _power_transformer,
    QuantileTransformer: _quantile_transformer,
    RobustScaler: _robust_scaler,
    StandardScaler: _standard_scaler,
}
