"""Steps made of steps: one after the other, or side by side."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

type Batch = NDArray[Any] | list[NDArray[Any]]
"""A matrix; before the first step a list of its columns, which may be of several dtypes."""


class Transformer(Protocol):
    """One fitted step: shape (rows, columns) in, (rows, other columns) out."""

    def transform(self, x: Any) -> Any: ...


class Chain(NamedTuple):
    """One step after the other, as in a Pipeline; without steps nothing is changed."""

    steps: Sequence[Transformer]

    def transform(self, x: Batch) -> Any:
        for step in self.steps:
            x = step.transform(x)
        return x


class Part(NamedTuple):
    """A step and the places of the columns that it gets; None: all of them."""

    columns: Sequence[int] | None
    step: Transformer


class Parts(NamedTuple):
    """Several steps' outputs side by side, as in a ColumnTransformer or FeatureUnion."""

    parts: Sequence[Part]

    def transform(self, x: Batch) -> NDArray[Any]:
        outputs = [part.step.transform(_pick(x, part.columns)) for part in self.parts]
        return outputs[0] if len(outputs) == 1 else np.hstack(outputs)


class Select(NamedTuple):
    """Some of the columns."""

    columns: Sequence[int]

    def transform(self, x: NDArray[Any]) -> NDArray[Any]:
        return x[:, list(self.columns)]


def _pick(x: Batch, columns: Sequence[int] | None) -> Batch:
    if columns is None:
        return x
    if isinstance(x, list):
        return np.stack([x[column] for column in columns], axis=1)
    return x[:, list(columns)]
