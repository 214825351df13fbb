"""A scikit-learn transformer's fitted numbers, applied by NumPy in scikit-learn's own order.

`pack` writes a tree of steps, each a JSON object that names its class under "step" and gives the
class's fields. A step takes a matrix of shape (rows, columns) and gives another: float64 with NaN,
or objects with None, where a value is missing. None changes its input.

    Chain, Parts, Select                           composing
    Impute, Indicate                               missing
    Lookup, OneHot, Bins                           encoding
    Arithmetic, Clip, Function, Finite, ...        arithmetic
    Products, Splines                              expanding
    BoxCox, YeoJohnson, Quantiles, and inverses    shaping
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.preprocessing.transformers.arithmetic import (
    Arithmetic,
    Clip,
    Finite,
    Function,
    Normalize,
    Project,
    Threshold,
)
from serving.preprocessing.transformers.composing import Chain, Part, Parts, Select, Transformer
from serving.preprocessing.transformers.encoding import Bins, Lookup, OneHot
from serving.preprocessing.transformers.expanding import Products, Splines
from serving.preprocessing.transformers.missing import Impute, Indicate
from serving.preprocessing.transformers.shaping import (
    BoxCox,
    InverseBoxCox,
    InverseQuantiles,
    InverseYeoJohnson,
    Quantiles,
    YeoJohnson,
)

__all__ = ["TargetTransformer", "Transformer", "build", "inverse"]

_LEAVES: dict[str, Callable[..., Transformer]] = {
    leaf.__name__: leaf
    for leaf in (
        *(Arithmetic, Clip, Finite, Function, Normalize, Project, Threshold, Select),
        *(Bins, Lookup, OneHot, Products, Splines, Impute, Indicate, Quantiles, InverseQuantiles),
        *(BoxCox, InverseBoxCox, YeoJohnson, InverseYeoJohnson),
    )
}


def build(node: Mapping[str, Any]) -> Transformer:
    """The step that a node of the tree describes, with all that are inside it.

    Raises KeyError for a step of another name, TypeError for fields that are not its own.
    """
    fields = {name: value for name, value in node.items() if name != "step"}
    compose = _COMPOSERS.get(node["step"])
    return compose(fields) if compose else _LEAVES[node["step"]](**fields)


def _chain(fields: Mapping[str, Any]) -> Transformer:
    return Chain([build(node) for node in fields["steps"]])


def _parts(fields: Mapping[str, Any]) -> Transformer:
    return Parts([Part(part["columns"], build(part["step"])) for part in fields["parts"]])


_COMPOSERS: dict[str, Callable[[Mapping[str, Any]], Transformer]] = {
    "Chain": _chain,
    "Parts": _parts,
}


@dataclass(frozen=True)
class TargetTransformer:
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
