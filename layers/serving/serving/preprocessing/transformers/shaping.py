"""Columns made to look normal or uniform, and back: powers and quantiles."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving.errors import UnfitInput
from serving.preprocessing.transformers import normal
from serving.preprocessing.transformers.libm import exp, expm1, log, log1p

type Floats = NDArray[np.float64]

_SPACING = np.spacing(1.0)
_MARGIN = 1e-7  # scikit-learn's BOUNDS_THRESHOLD: this near to an end counts as the end


def _by_column(
    function: Callable[[Floats, float], Floats], x: NDArray[Any], powers: Sequence[float]
) -> Floats:
    columns = zip(np.asarray(x, np.float64).T, powers, strict=True)
    return np.stack([function(column, power) for column, power in columns], axis=1)


class BoxCox(NamedTuple):
    """`(x ** power - 1) / power`, as scipy.special.boxcox computes it; log(x) for power 0.

    names: of the columns, for messages. Infinite where it is over 1e308.
    Raises UnfitInput for a number that is not over 0.
    """

    names: Sequence[str]
    powers: Sequence[float]

    def transform(self, x: NDArray[Any]) -> Floats:
        small = np.asarray(x, np.float64) <= 0
        if small.any():
            row, column = np.argwhere(small)[0]
            raise UnfitInput(
                f"instance {row}: expected a number over 0 for {self.names[column]},"
                f" got {x[row, column]}"
            )
        return _by_column(_box_cox, x, self.powers)


def _box_cox(x: Floats, power: float) -> Floats:
    if abs(power) < 1e-19:
        return log(x)
    scaled = power * log(x)
    return np.where(scaled < 709.78, expm1(scaled) / power, np.copysign(np.inf, power))


class InverseBoxCox(NamedTuple):
    """The way back from BoxCox, as scipy.special.inv_boxcox computes it."""

    powers: Sequence[float]

    def transform(self, x: NDArray[Any]) -> Floats:
        return _by_column(_inverse_box_cox, x, self.powers)


def _inverse_box_cox(x: Floats, power: float) -> Floats:
    return exp(x) if power == 0 else exp(log1p(power * x) / power)


class YeoJohnson(NamedTuple):
    """Box-Cox of x + 1, mirrored below 0, as scipy.stats.yeojohnson computes it."""

    powers: Sequence[float]

    def transform(self, x: NDArray[Any]) -> Floats:
        return _by_column(_yeo_johnson, x, self.powers)


def _yeo_johnson(x: Floats, power: float) -> Floats:
    shaped, high = np.empty_like(x), x >= 0
    up, down = x[high], -x[~high]
    if abs(power) < _SPACING:
        shaped[high] = np.log1p(up)
    else:
        shaped[high] = np.expm1(power * np.log1p(up)) / power
    if abs(power - 2) > _SPACING:
        shaped[~high] = -np.expm1((2 - power) * np.log1p(down)) / (2 - power)
    else:
        shaped[~high] = -np.log1p(down)
    return shaped


class InverseYeoJohnson(NamedTuple):
    """The way back from YeoJohnson, as PowerTransformer computes it."""

    powers: Sequence[float]

    def transform(self, x: NDArray[Any]) -> Floats:
        return _by_column(_inverse_yeo_johnson, x, self.powers)


def _inverse_yeo_johnson(x: Floats, power: float) -> Floats:
    shaped, high = np.empty_like(x), x >= 0
    up, down = x[high], x[~high]
    if abs(power) < _SPACING:
        shaped[high] = np.exp(up) - 1
    else:
        shaped[high] = np.power(up * power + 1, 1 / power) - 1
    if abs(power - 2) > _SPACING:
        shaped[~high] = 1 - np.power(-(2 - power) * down + 1, 1 / (2 - power))
    else:
        shaped[~high] = 1 - np.exp(-down)
    return shaped


class _Quantiles(NamedTuple):
    quantiles: Sequence[Sequence[float]]
    references: Sequence[float]
    normal: bool


class Quantiles(_Quantiles):
    """The share of the training data below a value, as QuantileTransformer interpolates it.

    quantiles: by column, rising. references: the share that each is. normal: give the normal
        distribution's quantile of the share instead, within 5.2 of 0.
    """

    def transform(self, x: NDArray[Any]) -> Floats:
        columns = zip(np.asarray(x, np.float64).T, self._quantiles, strict=True)
        return np.stack([self._share(column, known) for column, known in columns], axis=1)

    def _share(self, x: Floats, known: Floats) -> Floats:
        # the mean of both directions, since repeated quantiles have a share at each end
        up = np.interp(x, known, self._references)
        down = np.interp(-x, -known[::-1], -self._references[::-1])
        share = np.where(np.isnan(x), np.nan, 0.5 * (up - down))
        share[x + _MARGIN > known[-1] if self.normal else x == known[-1]] = 1.0
        share[x - _MARGIN < known[0] if self.normal else x == known[0]] = 0.0
        return self._to_normal(share) if self.normal else share

    def _to_normal(self, share: Floats) -> Floats:
        ends = np.array([_MARGIN - _SPACING, 1 - (_MARGIN - _SPACING)])
        return np.clip(normal.quantile(share), *normal.quantile(ends))

    @cached_property
    def _references(self) -> Floats:
        return np.array(self.references, np.float64)

    @cached_property
    def _quantiles(self) -> list[Floats]:
        return [np.array(quantiles, np.float64) for quantiles in self.quantiles]


class InverseQuantiles(NamedTuple):
    """The way back from Quantiles, with the same fields."""

    quantiles: Sequence[Sequence[float]]
    references: Sequence[float]
    normal: bool

    def transform(self, x: NDArray[Any]) -> Floats:
        columns = zip(np.asarray(x, np.float64).T, self.quantiles, strict=True)
        return np.stack([self._value(column, np.array(known)) for column, known in columns], axis=1)

    def _value(self, x: Floats, known: Floats) -> Floats:
        share = normal.share(x) if self.normal else x
        value = np.interp(share, np.array(self.references), known)
        value = np.where(np.isnan(share), np.nan, value)
        value[share + _MARGIN > 1 if self.normal else share == 1] = known[-1]
        value[share - _MARGIN < 0 if self.normal else share == 0] = known[0]
        return value
