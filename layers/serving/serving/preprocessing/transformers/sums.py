"""The two steps that add up the numbers of a row, in an order that is always the same."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Normalize(NamedTuple):
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


class _Project(NamedTuple):
    components: Sequence[Sequence[float]]


class Project(_Project):
    """Products with each of `components` summed: `x @ components.T`, shape (rows, components).

    Summed from the first column to the last, so that a row's numbers are the same alone, in a
    batch and on any number of threads. BLAS, which scikit-learn uses, has another order on every
    machine; the two differ by rounding, about 1e-15 of the largest product.
    """

    def transform(self, x: NDArray[Any]) -> NDArray[np.float64]:
        columns = np.asarray(x, np.float64).T
        summed = np.zeros((len(x), len(self.components)))
        for column, weights in zip(columns, self._weights, strict=True):
            summed += column[:, None] * weights
        return summed

    @cached_property
    def _weights(self) -> NDArray[np.float64]:
        return np.ascontiguousarray(np.array(self.components, np.float64).T)
