"""A scikit-learn transformer's fitted numbers, applied by NumPy in scikit-learn's own order.

`pack` writes a tree of steps, each a JSON object that names its class under "step" and gives the
class's fields. A step takes a matrix of shape (rows, columns) and gives another: float64 with NaN,
or objects with None, where a value is missing. None changes its input. One that keeps what it
computes from its fields is a subclass of them: a named tuple has no place for more.

    composing    Chain, Parts, Select
    missing      Impute, Indicate
    encoding     Lookup, OneHot, Bins
    arithmetic   Arithmetic, Clip, Function, Threshold, Finite
    sums         Normalize, Project
    expanding    Products, Splines
    shaping      BoxCox, YeoJohnson, Quantiles, and their inverses
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving.preprocessing.transformers.composing import Chain, Part, Parts, Transformer

__all__ = ["TargetTransformer", "Transformer", "build", "inverse"]

_MODULES = {  # imported when a step is built: a cold start needs few of them
    **dict.fromkeys(("Select",), "composing"),
    **dict.fromkeys(("Impute", "Indicate"), "missing"),
    **dict.fromkeys(("Lookup", "OneHot", "Bins"), "encoding"),
    **dict.fromkeys(("Arithmetic", "Clip", "Function", "Threshold", "Finite"), "arithmetic"),
    **dict.fromkeys(("Normalize", "Project"), "sums"),
    **dict.fromkeys(("Products", "Splines"), "expanding"),
    **dict.fromkeys(("BoxCox", "YeoJohnson", "Quantiles"), "shaping"),
    **dict.fromkeys(("InverseBoxCox", "InverseYeoJohnson", "InverseQuantiles"), "shaping"),
}


def build(node: Mapping[str, Any]) -> Transformer:
    """The step that a node of the tree describes, with all that are inside it.

    Raises KeyError for a step of another name, TypeError for fields that are not its own.
    """
    fields = {name: value for name, value in node.items() if name != "step"}
    compose = _COMPOSERS.get(node["step"])
    if compose is not None:
        return compose(fields)
    module = import_module(f"{__name__}.{_MODULES[node['step']]}")
    leaf: Callable[..., Transformer] = getattr(module, node["step"])
    return leaf(**fields)


def _chain(fields: Mapping[str, Any]) -> Transformer:
    return Chain([build(node) for node in fields["steps"]])


def _parts(fields: Mapping[str, Any]) -> Transformer:
    return Parts([Part(part["columns"], build(part["step"])) for part in fields["parts"]])


_COMPOSERS: dict[str, Callable[[Mapping[str, Any]], Transformer]] = {
    "Chain": _chain,
    "Parts": _parts,
}


class TargetTransformer(NamedTuple):
    """What was done to a regression's targets before training, to be undone after it.

    outputs: how many numbers an answer has. step: the way back, as a step like any other.
    """

    outputs: int
    step: Transformer

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> "TargetTransformer":
        """Build from what `pack` wrote."""
        return cls(state["outputs"], build(state["step"]))


def inverse(outputs: NDArray[np.floating], spec: TargetTransformer) -> NDArray[np.float64]:
    """Do what the fitted target transformer's `inverse_transform` does, to the last bit.

    outputs: the model's, shape (instances, spec.outputs); taken as float64 first, where
        scikit-learn would compute in float32 if it were given float32.
    Returns the same shape, float64, with NaN or infinity where the inverse has no finite value.
    Raises ValueError for another shape.
    """
    if outputs.ndim != 2 or outputs.shape[1] != spec.outputs:
        raise ValueError(
            f"expected outputs of shape (instances, {spec.outputs}), got {outputs.shape}"
        )
    with np.errstate(all="ignore"):
        undone: NDArray[np.float64] = spec.step.transform(outputs.astype(np.float64))
    return undone
