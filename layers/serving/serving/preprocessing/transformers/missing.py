"""Missing values: found, filled, told of."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


def find_missing(x: NDArray[Any]) -> NDArray[np.bool_]:
    """Where float64 is NaN, or an object is None or NaN; the shape of x."""
    if x.dtype == object:
        return np.asarray((x == np.array(None, object)) | (x != x), np.bool_)
    return np.isnan(x)


class Impute(NamedTuple):
    """Put a value where one is missing, as SimpleImputer does.

    marker: the value that counts as missing, null: a missing one. kept: places of the columns
        that come out; scikit-learn drops those that were empty in training. values: what is put
        into each of these. indicators: places of the columns, of all that come in, for which a
        further column of 0 and 1 says what was missing.
    """

    marker: float | str | None
    kept: Sequence[int]
    values: Sequence[Any]
    indicators: Sequence[int]

    def transform(self, x: NDArray[Any]) -> NDArray[Any]:
        gaps = _gaps(x, self.marker)
        if x.dtype != object and any(isinstance(value, str) for value in self.values):
            x = x.astype(object)
        kept = x if len(self.kept) == x.shape[1] else x[:, list(self.kept)]
        holes = gaps if len(self.kept) == x.shape[1] else gaps[:, list(self.kept)]
        filled = np.where(holes, np.asarray(self.values, x.dtype), kept)
        if not self.indicators:
            return filled
        return np.hstack([filled, gaps[:, list(self.indicators)].astype(x.dtype)])


class Indicate(NamedTuple):
    """1 where a value of one of these columns is missing, else 0, as MissingIndicator does."""

    marker: float | str | None
    columns: Sequence[int]

    def transform(self, x: NDArray[Any]) -> NDArray[np.float64]:
        return _gaps(x[:, list(self.columns)], self.marker).astype(np.float64)


def _gaps(x: NDArray[Any], marker: float | str | None) -> NDArray[np.bool_]:
    return find_missing(x) if marker is None else np.asarray(x == marker, np.bool_)
