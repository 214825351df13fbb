"""Steps that give more columns than they get, or fewer."""

from itertools import combinations, combinations_with_replacement
from typing import Any

import numpy as np

from pack.transformer.flow import Flow, Node, Step, chain, finite, fresh, names
from pack.transformer.scaling import arithmetic
from serving.preprocessing.transformers.sums import Project

_WITH_EDGES = ("constant", "linear")


def read_selector(step: Step) -> tuple[Node, Flow]:
    """The columns of `get_support`."""
    columns = [int(i) for i in step.fitted.get_support(indices=True)]
    flow = Flow(tuple(step.flow.signals[i] for i in columns), step.flow.sparse)
    return {"step": "Select", "columns": columns}, flow


def read_polynomial(step: Step) -> tuple[Node, Flow]:
    """Products in scikit-learn's order: the last factor first, or the first for sparse input."""
    terms = _terms(step.fitted, len(step.flow.signals))
    if not step.flow.sparse:
        terms = [term[::-1] for term in terms]
    flow = fresh((f"product {i}" for i in range(len(terms))), step.flow.sparse, wild=True)
    return {"step": "Products", "terms": terms}, flow


def _terms(transformer: Any, columns: int) -> list[list[int]]:
    """The columns multiplied for each output, as `powers_` has them in a wide matrix."""
    degree = transformer.degree
    lowest, highest = (0, degree) if isinstance(degree, int | np.integer) else degree
    combine = combinations if transformer.interaction_only else combinations_with_replacement
    terms: list[list[int]] = [[]] if transformer.include_bias else []
    for length in range(max(1, lowest), highest + 1):
        terms += map(list, combine(range(columns), length))
    return terms


def read_splines(step: Step) -> tuple[Node, Flow]:
    """The knots of every column, and the lines on which the basis goes on outside."""
    transformer = step.fitted
    degree, kind = int(transformer.degree), transformer.extrapolation
    linear = kind == "linear" and degree < 2
    if degree < 1 or (linear and len(step.flow.signals) > 1):
        raise ValueError(
            f"{step.where}: expected a degree of 1 or more, and of 2 or more for linear"
            f" extrapolation of several columns, got {degree}: scikit-learn's own arithmetic"
            " moves the other columns' ends there; give each column a transformer of its own"
        )
    if transformer.sparse_output and _takes_missing(transformer) and kind not in _WITH_EDGES:
        raise ValueError(
            f"{step.where}: expected sparse_output=False with handle_missing='zeros', got True,"
            " with which scikit-learn gives a missing value what another row's value has"
        )
    edges = [_edges(spline, degree, kind) for spline in transformer.bsplines_]
    node: Node = {
        "step": "Splines",
        "names": names(step.flow),
        "degree": degree,
        "knots": [finite(step, "the knots", spline.t) for spline in transformer.bsplines_],
        "periodic": kind == "periodic",
        "edges": edges if kind in _WITH_EDGES else None,
        "strict": kind == "error",
    }
    _check_knots(step, node)
    width = transformer.bsplines_[0].c.shape[1]
    return _without_last(step, node, width)


def _takes_missing(transformer: Any) -> bool:
    return getattr(transformer, "handle_missing", "error") == "zeros"


def _check_knots(step: Step, node: Node) -> None:
    degree = node["degree"]
    for name, knots in zip(node["names"], node["knots"], strict=True):
        if not knots[degree] < knots[-degree - 1]:
            raise ValueError(f"{step.where}: expected at least two values of {name}, got one alone")


def _edges(spline: Any, degree: int, kind: str) -> dict[str, Any]:
    low, high = spline.t[degree], spline.t[-degree - 1]
    ends = np.array([spline(low), spline(high)])
    slopes = np.array([spline(low, nu=1), spline(high, nu=1)])
    if kind == "constant":
        slopes = np.zeros_like(slopes)
    elif degree < 2:  # the derivative of the second function is not 0 at the ends
        degree += 1
    keep = np.arange(ends.shape[1])
    for place, outer in ((0, keep >= degree), (1, keep < len(keep) - degree)):
        ends[place, outer] = slopes[place, outer] = 0.0
    return {
        "low": float(low),
        "high": float(high),
        "below": ends[0].tolist(),
        "falling": slopes[0].tolist(),
        "above": ends[1].tolist(),
        "rising": slopes[1].tolist(),
    }


def _without_last(step: Step, node: Node, width: int) -> tuple[Node, Flow]:
    """Without include_bias the last function of every column is dropped."""
    outputs = [(name, i) for name in names(step.flow) for i in range(width)]
    kept = [
        place for place, (_, i) in enumerate(outputs) if step.fitted.include_bias or i < width - 1
    ]
    flow = fresh(
        (f"{outputs[i][0]} spline {outputs[i][1]}" for i in kept),
        step.fitted.sparse_output,
        wild=True,
    )
    if len(kept) == len(outputs):
        return node, flow
    return chain([node, {"step": "Select", "columns": kept}]), flow


def read_pca(step: Step) -> tuple[Node, Flow]:
    """`x @ components_.T - mean_ @ components_.T`, divided by the deviations if whitened."""
    pca = step.fitted
    step.notes.inexact.append(step.where)
    project: Node = {
        "step": "Project",
        "components": finite(step, "components_", pca.components_),
    }
    offset = Project(project["components"]).transform(np.array([pca.mean_]))[0]
    nodes = [project, arithmetic("subtract", offset.tolist())]
    if pca.whiten:
        deviations = np.sqrt(pca.explained_variance_)
        nodes.append(arithmetic("divide", np.maximum(deviations, np.finfo(float).eps).tolist()))
    return chain(nodes), _components(step, "component")


def read_svd(step: Step) -> tuple[Node, Flow]:
    """`x @ components_.T`; scipy sums a sparse matrix in this same order."""
    if not step.flow.sparse:
        step.notes.inexact.append(step.where)
    components = finite(step, "components_", step.fitted.components_)
    return {"step": "Project", "components": components}, _components(step, "component")


def _components(step: Step, name: str) -> Flow:
    return fresh((f"{name} {i}" for i in range(len(step.fitted.components_))), wild=True)
