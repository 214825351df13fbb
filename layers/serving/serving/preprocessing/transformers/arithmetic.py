"""Numbers to as many numbers, each by itself, and the two steps that mix those of a row."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

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


@dataclass(frozen=True)
class Arithmetic:
    """One operation with one number a column, or one for all."""

    operation: Literal["add", "subtract", "multiply", "divide"]
    values: Sequence[float] | float

    def transform(self, x: NDArray[Any]) -> NDArray[np.float64]:
        result: NDArray[np.float64] = _OPERATIONS[self.operation](
            np.asarray(x, np.float64), self._values
        )
        return result

    @cached_property
    def _values(self) -> NDArray[np.float64]:
        return np.asarray(self.values, np.float64)


@dataclass(frozen=True)
class Clip:
    """No number under `low` or over `high`."""

    low: float
    high: float

    def transform(self, x: NDArray[Any]) -> NDArray[np.float64]:
        return np.clip(np.asarray(x, np.float64), self.low, self.high)


@dataclass(frozen=True)
class Function:
    """One of FUNCTIONS for every number."""

    name: str

    def transform(self, x: NDArray[Any]) -> NDArray[np.float64]:
        result: NDArray[np.float64] = FUNCTIONS[self.name](np.asarray(x, np.float64))
        return result


@dataclass(frozen=True)
class Threshold:
    """1 for a number over `threshold`, else 0."""

    threshold: float

    def transform(self, x: NDArray[Any]) -> NDArray[np.float64]:
        return (np.asarray(x, np.float64) > self.threshold).astype(np.float64)


@dataclass(frozen=True)
class Finite:
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


@dataclass(frozen=True)
class Normalize:
    """Every row divided by its l1, l2 or largest norm, as Normalizer does.

    A norm under ten times float64's epsilon counts as 1. The sums go from the first column to
    the last, whatever the batch: scikit-learn's depend on how its table lies in memory.
    """

    norm: Literal["l1", "l2", "max"]

    def transform(self, x: NDArray[Any]) -> NDArray[np.float64]:
        numbers = np.asarray(x, np.float64)
        norms = _NORMS[self.norm](numbers)
        norms[norms < 10 * np.finfo(np.float64).eps] = 1.0
        scaled: NDArray[np.float64] = numbers / norms[:, None]
        return scaled


def _l1(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.cumsum(np.abs(x), axis=1)[:, -1]


def _l2(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sqrt(np.cumsum(x * x, axis=1)[:, -1])


def _max(x: NDArray[np.float64]) -> NDArray[np.float64]:
    largest: NDArray[np.float64] = np.abs(x).max(axis=1)
    return largest


_NORMS = {"l1": _l1, "l2": _l2, "max": _max}


@dataclass(frozen=True)
class Project:
    """Products with each of `components` summed: `x @ components.T`, shape (rows, components).

    Summed from the first column to the last, so that a row's numbers are the same alone, in a
    batch and on any number of threads. BLAS, which scikit-learn uses, has another order on every
    machine; the two differ by rounding, about 1e-15 of the largest product.
    """

    components: Sequence[Sequence[float]]

    def transform(self, x: NDArray[Any]) -> NDArray[np.float64]:
        columns = np.asarray(x, np.float64).T
        summed = np.zeros((len(x), len(self.components)))
        for column, weights in zip(columns, self._weights, strict=True):
            summed += column[:, None] * weights
        return summed

    @cached_property
    def _weights(self) -> NDArray[np.float64]:
        return np.ascontiguousarray(np.array(self.components, np.float64).T)
