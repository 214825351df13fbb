"""Steps that give as many numbers as they get."""

from dataclasses import replace
from typing import Any

import numpy as np

from pack.transformer.flow import (
    DOUBLE,
    Flow,
    Node,
    Step,
    altered,
    chain,
    finite,
    names,
)
from serving.preprocessing.transformers.arithmetic import FUNCTIONS


def arithmetic(operation: str, values: Any) -> Node:
    """One operation with one number a column."""
    return {"step": "Arithmetic", "operation": operation, "values": values}


def read_standard_scaler(step: Step) -> tuple[Node, Flow]:
    """`(x - mean_) / scale_`."""
    scaler = step.fitted
    mean = scaler.mean_ if scaler.with_mean else None
    return _centre_and_divide(step, ("mean_", mean), ("scale_", scaler.scale_))


def read_robust_scaler(step: Step) -> tuple[Node, Flow]:
    """`(x - center_) / scale_`."""
    scaler = step.fitted
    centre = scaler.center_ if scaler.with_centering else None
    scale = scaler.scale_ if scaler.with_scaling else None
    return _centre_and_divide(step, ("center_", centre), ("scale_", scale))


def read_max_abs_scaler(step: Step) -> tuple[Node, Flow]:
    """`x / scale_`, clipped to -1..1 if asked."""
    node, flow = _centre_and_divide(step, ("", None), ("scale_", step.fitted.scale_))
    if not getattr(step.fitted, "clip", False):
        return node, flow
    return chain([node, {"step": "Clip", "low": -1.0, "high": 1.0}]), flow


def _centre_and_divide(
    step: Step, centre: tuple[str, Any], scale: tuple[str, Any]
) -> tuple[Node, Flow]:
    nodes = []
    if centre[1] is not None:
        nodes.append(arithmetic("subtract", finite(step, *centre)))
    if scale[1] is not None:
        nodes.append(divide(step, *scale))
    return chain(nodes), altered(step.flow, step.flow.sparse)


def divide(step: Step, attribute: str, scale: Any) -> Node:
    """scikit-learn multiplies a sparse matrix by the reciprocals, which is another last bit."""
    divisors = finite(step, attribute, scale)
    if step.flow.sparse:
        return arithmetic("multiply", (1.0 / np.array(divisors)).tolist())
    return arithmetic("divide", divisors)


def read_min_max_scaler(step: Step) -> tuple[Node, Flow]:
    """`x * scale_ + min_`, clipped to the range if asked."""
    scaler = step.fitted
    nodes = [
        arithmetic("multiply", finite(step, "scale_", scaler.scale_)),
        arithmetic("add", finite(step, "min_", scaler.min_)),
    ]
    if getattr(scaler, "clip", False):
        low, high = map(float, scaler.feature_range)
        nodes.append({"step": "Clip", "low": low, "high": high})
    return chain(nodes), altered(step.flow)


def read_power_transformer(step: Step) -> tuple[Node, Flow]:
    """Box-Cox or Yeo-Johnson by the fitted powers, standardized if asked."""
    power = step.fitted
    powers = finite(step, "lambdas_", power.lambdas_)
    node: Node = {"step": "YeoJohnson", "powers": powers}
    if power.method == "box-cox":
        node = {"step": "BoxCox", "names": names(step.flow), "powers": powers}
    if not power.standardize:
        return node, altered(step.flow)
    scaler, _ = read_standard_scaler(replace(step, fitted=power._scaler, flow=altered(step.flow)))
    return chain([node, scaler]), altered(step.flow)


def read_quantile_transformer(step: Step) -> tuple[Node, Flow]:
    """The share of the training data below a value, or the normal distribution's quantile of it."""
    return {"step": "Quantiles", **quantile_fields(step)}, altered(step.flow)


def quantile_fields(step: Step) -> dict[str, Any]:
    """What the step and its inverse are made of."""
    transformer = step.fitted
    return {
        "quantiles": finite(step, "quantiles_", np.transpose(transformer.quantiles_)),
        "references": transformer.references_.tolist(),
        "normal": transformer.output_distribution == "normal",
    }


def read_normalizer(step: Step) -> tuple[Node, Flow]:
    """Each row divided by its norm."""
    if step.fitted.norm != "max":
        step.notes.inexact.append(step.where)
    return {"step": "Normalize", "norm": step.fitted.norm}, altered(step.flow)


def read_binarizer(step: Step) -> tuple[Node, Flow]:
    """1 for what is over the threshold."""
    threshold = float(step.fitted.threshold)
    return {"step": "Threshold", "threshold": threshold}, altered(step.flow, step.flow.sparse)


def read_function(step: Step) -> tuple[Node, Flow]:
    """Nothing, or one of NumPy's functions of one number."""
    transformer = step.fitted
    if transformer.func is None:
        return chain([]), step.flow
    name = function_name(step, transformer.func, transformer.kw_args)
    narrow = [s.dtype for s in step.flow.signals if s.dtype not in (DOUBLE, np.dtype(np.int64))]
    if narrow or step.flow.sparse:
        got = f"numbers of {narrow[0]}" if narrow else "a sparse matrix"
        raise ValueError(
            f"{step.where}: expected float64 numbers in an array for {name}, got {got}:"
            " set dtype=np.float64, sparse_output=False and sparse_threshold=0 in the steps before"
        )
    return {"step": "Function", "name": name}, altered(step.flow)


def function_name(step: Step, function: Any, arguments: Any) -> str:
    """Which of FUNCTIONS it is; raise ValueError for any other function, naming it."""
    name: str = getattr(function, "__name__", "")
    if arguments:
        raise ValueError(f"{step.where}: expected no kw_args or inv_kw_args, got {arguments!r}")
    if FUNCTIONS.get(name) is not function:
        got = f"{getattr(function, '__module__', '')}.{name or type(function).__name__}"
        raise ValueError(
            f"{step.where}: expected one of NumPy's {', '.join(FUNCTIONS)}, got {got}, whose code"
            " would have to be deployed: apply it to the table, or to the columns of a request,"
            " before this transformer"
        )
    return name
