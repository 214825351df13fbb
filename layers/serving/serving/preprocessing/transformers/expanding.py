"""Numbers to more numbers: products of columns, and bases of splines."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving.errors import UnfitInput

type Floats = NDArray[np.float64]


class _Products(NamedTuple):
    terms: Sequence[Sequence[int]]


class Products(_Products):
    """Products of columns, as PolynomialFeatures gives them.

    terms: for each output the places of the columns that are multiplied, from left to right; the
        empty one is 1.
    """

    def transform(self, x: NDArray[Any]) -> Floats:
        columns = np.asarray(x, np.float64).T
        products = np.empty((len(self._factors) + 1, len(x)))
        products[0] = 1.0
        for first, last, shorter, factors in self._degrees:
            np.multiply(products[shorter], columns[factors], out=products[first:last])
        return products[self._outputs].T

    @cached_property
    def _factors(self) -> dict[tuple[int, ...], int]:
        """Every product needed on the way, shorter ones first, and its row."""
        needed = {tuple(term[:length]) for term in self.terms for length in range(1, len(term) + 1)}
        return {term: row for row, term in enumerate(sorted(needed, key=lambda t: (len(t), t)), 1)}

    @cached_property
    def _degrees(self) -> list[tuple[int, int, list[int], list[int]]]:
        """By degree: first row, end, rows of the products one factor shorter, last factors."""
        degrees = []
        for degree in range(1, max(map(len, self.terms), default=0) + 1):
            terms = [term for term in self._factors if len(term) == degree]
            shorter = [self._factors.get(term[:-1], 0) for term in terms]
            first = self._factors[terms[0]]
            degrees.append((first, first + len(terms), shorter, [term[-1] for term in terms]))
        return degrees

    @cached_property
    def _outputs(self) -> list[int]:
        return [self._factors.get(tuple(term), 0) for term in self.terms]


class Edges(NamedTuple):
    """Where a spline's inner range ends, and the lines by which its basis goes on outside.

    Below, output i is `below[i] + (x - low) * falling[i]`; above it, the same with `above`,
    `high` and `rising`.
    """

    low: float
    high: float
    below: Sequence[float]
    falling: Sequence[float]
    above: Sequence[float]
    rising: Sequence[float]


class _Splines(NamedTuple):
    names: Sequence[str]
    degree: int
    knots: Sequence[Sequence[float]]
    periodic: bool
    edges: Sequence[dict[str, Any]] | None
    strict: bool


class Splines(_Splines):
    """B-spline basis functions of every column, as SplineTransformer gives them.

    names: of the columns, for messages. degree, knots: of the splines, by column. periodic:
        values wrap around. edges: by column; null where the polynomials go on. strict: refuse
        values outside the inner range. A missing value gives 0 everywhere.
    The recursion is de Boor's in the order of scipy's `_deBoor_D`.
    Raises UnfitInput if strict.
    """

    def transform(self, x: NDArray[Any]) -> Floats:
        columns = np.asarray(x, np.float64).T
        return np.hstack([self._basis(column, place) for place, column in enumerate(columns)])

    def _basis(self, x: Floats, place: int) -> Floats:
        knots, missing = self._knots[place], np.isnan(x)
        low, high = knots[self.degree], knots[-self.degree - 1]
        if self.strict:
            self._demand_inside(x, low, high, self.names[place])
        if self.periodic:
            x = low + (x - low) % (high - low)
        x = np.where(missing, low, x)
        if self.edges is None:
            basis = self._evaluate(x, knots)
        else:
            basis = self._with_edges(x, knots, Edges(**self.edges[place]))
        basis[missing] = 0.0
        return basis

    def _demand_inside(self, x: Floats, low: float, high: float, name: str) -> None:
        outside = (x < low) | (x > high)
        if outside.any():
            row = int(outside.argmax())
            raise UnfitInput(
                f"instance {row}: expected a number from {low} to {high} for {name}, got {x[row]}"
            )

    def _with_edges(self, x: Floats, knots: Floats, edges: Edges) -> Floats:
        below, above = x < edges.low, x > edges.high
        basis = self._evaluate(np.clip(x, edges.low, edges.high), knots)
        basis[below] = edges.below + (x[below, None] - edges.low) * np.array(edges.falling)
        basis[above] = edges.above + (x[above, None] - edges.high) * np.array(edges.rising)
        return basis

    def _evaluate(self, x: Floats, knots: Floats) -> Floats:
        """Every basis function at x, (len(x), functions); all but degree + 1 of a row are 0."""
        degree, functions = self.degree, len(knots) - self.degree - 1
        interval = np.searchsorted(knots, x, side="right") - 1
        interval = np.clip(interval, degree, functions - 1)
        basis = np.zeros((len(x), functions))
        places = interval[:, None] + np.arange(-degree, 1)
        np.put_along_axis(basis, places, _de_boor(x, knots, interval, degree).T, axis=1)
        if self.periodic:
            kept = functions - degree
            basis[:, :degree] += basis[:, kept:]
            return basis[:, :kept]
        return basis

    @cached_property
    def _knots(self) -> list[Floats]:
        return [np.array(knots, np.float64) for knots in self.knots]


def _de_boor(x: Floats, knots: Floats, interval: NDArray[np.intp], degree: int) -> Floats:
    """The degree + 1 basis functions that are not 0 in the interval, (degree + 1, len(x))."""
    values = np.zeros((degree + 1, len(x)))
    values[0] = 1.0
    for order in range(1, degree + 1):
        lower = values.copy()
        values[0] = 0.0
        for n in range(1, order + 1):
            right, left = knots[interval + n], knots[interval + n - order]
            apart = right != left
            share = np.divide(lower[n - 1], right - left, out=np.zeros(len(x)), where=apart)
            values[n - 1] += share * (right - x)
            values[n] = share * (x - left)
    return values
