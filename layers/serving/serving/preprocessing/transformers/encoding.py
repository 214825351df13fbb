"""Categories and ranges to numbers."""

from collections.abc import Sequence
from functools import cached_property
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving.errors import UnfitInput, describe, shorten
from serving.preprocessing.transformers.missing import find_missing

type Category = str | float | bool


class _Lookup(NamedTuple):
    names: Sequence[str]
    categories: Sequence[Sequence[Category]]
    values: Sequence[Sequence[float | None]]
    unknown: Sequence[float | None]
    missing: Sequence[float | None]
    strict: bool


class Lookup(_Lookup):
    """A number in the place of every category, column by column.

    names: of the columns, for messages. categories: numbers in rising order, or strings.
    values: one a category; null is NaN. unknown, missing: one a column, for what is no category
        and for a missing value. strict: refuse what is no category instead.
    Raises UnfitInput if strict.
    """

    def transform(self, x: NDArray[Any]) -> NDArray[np.float64]:
        find = self._find_objects if x.dtype == object else self._find_numbers
        found = np.empty(x.shape)
        for place, values in enumerate(self._tables):
            codes = find(x[:, place], place)
            if self.strict:
                self._demand_known(x[:, place], codes, place)
            found[:, place] = values[codes]
        return found

    def _find_numbers(self, column: NDArray[Any], place: int) -> NDArray[np.intp]:
        known = self._numbers[place]
        codes = np.searchsorted(known[:-1], column)  # the last is NaN, equal to nothing
        codes[known[codes] != column] = len(known) - 1
        codes[np.isnan(column)] = len(known)
        return codes

    def _find_objects(self, column: NDArray[Any], place: int) -> NDArray[np.intp]:
        known, other = self._positions[place], len(self.categories[place])
        codes = np.fromiter(map(known.get, column.tolist(), repeat(other)), np.intp, len(column))
        unknown = np.flatnonzero(codes == other)
        codes[unknown[find_missing(column[unknown])]] = other + 1
        return codes

    def _demand_known(self, column: NDArray[Any], codes: NDArray[np.intp], place: int) -> None:
        categories = self.categories[place]
        unknown = codes == len(categories)
        if unknown.any():
            row = int(unknown.argmax())
            raise UnfitInput(
                f"instance {row}: expected one of {len(categories)} known values"
                f" ({shorten(', '.join(map(str, categories)))}) for {self.names[place]},"
                f" got {describe(column[row : row + 1].tolist()[0])}"
            )

    @cached_property
    def _tables(self) -> list[NDArray[np.float64]]:
        """The values of each column, that of what is no category, and that of a missing one."""
        columns = zip(self.values, self.unknown, self.missing, strict=True)
        return [np.array([*values, other, none], np.float64) for values, other, none in columns]

    @cached_property
    def _numbers(self) -> list[NDArray[np.float64]]:
        return [np.array([*values, np.nan], np.float64) for values in self.categories]

    @cached_property
    def _positions(self) -> list[dict[Any, int]]:
        return [{value: i for i, value in enumerate(values)} for values in self.categories]


class _OneHot(NamedTuple):
    widths: Sequence[int]


class OneHot(_OneHot):
    """A column of 0 and 1 for each of `widths[i]` positions of column i; -1 stands in none."""

    def transform(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        encoded = np.zeros((len(x), sum(self.widths)))
        rows, columns = np.nonzero(x >= 0)
        places = self._starts[columns] + x[rows, columns].astype(np.intp)
        encoded[rows, places] = 1.0
        return encoded

    @cached_property
    def _starts(self) -> NDArray[np.intp]:
        return np.cumsum([0, *self.widths[:-1]])


class _Bins(NamedTuple):
    edges: Sequence[Sequence[float]]


class Bins(_Bins):
    """The number of each column's inner edges that are no larger than the value."""

    def transform(self, x: NDArray[Any]) -> NDArray[np.float64]:
        columns = zip(self._edges, np.asarray(x, np.float64).T, strict=True)
        found = [np.searchsorted(edges, column, side="right") for edges, column in columns]
        return np.stack(found, axis=1).astype(np.float64)

    @cached_property
    def _edges(self) -> list[NDArray[np.float64]]:
        return [np.array(edges, np.float64) for edges in self.edges]
