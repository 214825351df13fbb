"""Numbers to as many numbers, each by itself."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving.errors import UnfitInput

_OPERATIONS: dict[str, np.ufunc] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
}

FUNCTIONS: dict[str, np.ufunc] = {
    function.__name__: function
    for function in (
        *(np.log, np.log2, np.log10, np.log1p, np.exp, np.exp2, np.expm1),
        *(np.sqrt, np.cbrt, np.square, np.absolute, np.fabs, np.negative, np.sign),
        *(np.sin, np.cos, np.tan, np.arcsin, np.arccos, np.arctan),
        *(np.sinh, np.cosh, np.tanh, np.arcsinh, np.arccosh, np.arctanh),
        *(np.floor, np.ceil, np.trunc, np.rint, np.deg2rad, np.rad2deg, np.degrees, np.radians),
    )
}
"""NumPy's own, by name. Their last bit may differ between processors, as NumPy's code for each
does; scikit-learn calls the same ones."""


class _Arithmetic(NamedTuple):
    operation: Literal["add", "subtract", "multiply", "divide"]
    values: Sequence[float] | float


class Arithmetic(_Arithmetic):
    """One operation with one number a column, or one for all."""

    def transform(self, x: NDArray[Any]) -> NDArray[np.float64]:
        result: NDArray[np.float64] = _OPERATIONS[self.operation](
            np.asarray(x, np.float64), self._values
        )
        return result

    @cached_property
    def _values(self) -> NDArray[np.float64]:
        return np.asarray(self.values, np.float64)


class Clip(NamedTuple):
    """No number under `low` or over `high`."""

    low: float
    high: float

    def transform(self, x: NDArray[Any]) -> NDArray[np.float64]:
        return np.clip(np.asarray(x, np.float64), self.low, self.high)


class Function(NamedTuple):
    """One of FUNCTIONS for every number."""

    name: str

    def transform(self, x: NDArray[Any]) -> NDArray[np.float64]:
        result: NDArray[np.float64] = FUNCTIONS[self.name](np.asarray(x, np.float64))
        return result


class Threshold(NamedTuple):
    """1 for a number over `threshold`, else 0."""

    threshold: float

    def transform(self, x: NDArray[Any]) -> NDArray[np.float64]:
        return (np.asarray(x, np.float64) > self.threshold).astype(np.float64)


class Finite(NamedTuple):
    """Nothing changed; refuses what scikit-learn's own check before the next step refuses.

    columns: places of those that may be otherwise. names: theirs, for messages. nan: whether NaN
        may pass.
    Raises UnfitInput for infinity, and for NaN unless it may pass.
    """

    columns: Sequence[int]
    names: Sequence[str]
    nan: bool

    def transform(self, x: NDArray[Any]) -> NDArray[Any]:
        numbers = np.asarray(x[:, list(self.columns)], np.float64)
        bad = np.isinf(numbers) if self.nan else ~np.isfinite(numbers)
        if bad.any():
            row, column = np.argwhere(bad)[0]
            raise UnfitInput(
                f"instance {row}: expected a number for {self.names[column]} that the"
                f" transformer's steps keep finite, got one that becomes {numbers[row, column]}"
            )
        return x
