"""The normal distribution's share below a value and its inverse, bit for bit scipy's.

Formulas and coefficients: `ndtr`, `erf`, `erfc` and `ndtri` of S. L. Moshier's Cephes library
(netlib.org/cephes), which scipy.special computes with.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from serving.preprocessing.transformers.libm import exp, log

type Floats = NDArray[np.float64]

_EXP_MINUS_2 = 0.13533528323661269189
_ROOT_2_PI = 2.50662827463100050242
_ROOT_HALF = 0.70710678118654752440
_LARGEST = 7.09782712893383996843e2

_CENTRE = (
    (
        *(-5.99633501014107895267e1, 9.80010754185999661536e1, -5.66762857469070293439e1),
        *(1.39312609387279679503e1, -1.23916583867381258016e0),
    ),
    (
        *(1.0, 1.95448858338141759834e0, 4.67627912898881538453e0, 8.63602421390890590575e1),
        *(-2.25462687854119370527e2, 2.00260212380060660359e2, -8.20372256168333339912e1),
        *(1.59056225126211695515e1, -1.18331621121330003142e0),
    ),
)
_TAIL = (
    (
        *(4.05544892305962419923e0, 3.15251094599893866154e1, 5.71628192246421288162e1),
        *(4.40805073893200834700e1, 1.46849561928858024014e1, 2.18663306850790267539e0),
        *(-1.40256079171354495875e-1, -3.50424626827848203418e-2, -8.57456785154685413611e-4),
    ),
    (
        *(1.0, 1.57799883256466749731e1, 4.53907635128879210584e1, 4.13172038254672030440e1),
        *(1.50425385692907503408e1, 2.50464946208309415979e0, -1.42182922854787788574e-1),
        *(-3.80806407691578277194e-2, -9.33259480895457427372e-4),
    ),
)
_FAR_TAIL = (
    (
        *(3.23774891776946035970e0, 6.91522889068984211695e0, 3.93881025292474443415e0),
        *(1.33303460815807542389e0, 2.01485389549179081538e-1, 1.23716634817820021358e-2),
        *(3.01581553508235416007e-4, 2.65806974686737550832e-6, 6.23974539184983293730e-9),
    ),
    (
        *(1.0, 6.02427039364742014255e0, 3.67983563856160859403e0, 1.37702099489081330271e0),
        *(2.16236993594496635890e-1, 1.34204006088543189037e-2, 3.28014464682127739104e-4),
        *(2.89247864745380683936e-6, 6.79019408009981274425e-9),
    ),
)
_ERF = (
    (
        *(9.60497373987051638749e0, 9.00260197203842689217e1, 2.23200534594684319226e3),
        *(7.00332514112805075473e3, 5.55923013010394962768e4),
    ),
    (
        *(1.0, 3.35617141647503099647e1, 5.21357949780152679795e2, 4.59432382970980127987e3),
        *(2.26290000613890934246e4, 4.92673942608635921086e4),
    ),
)
_ERFC = (
    (
        *(2.46196981473530512524e-10, 5.64189564831068821977e-1, 7.46321056442269912687e0),
        *(4.86371970985681366614e1, 1.96520832956077098242e2, 5.26445194995477358631e2),
        *(9.34528527171957607540e2, 1.02755188689515710272e3, 5.57535335369399327526e2),
    ),
    (
        *(1.0, 1.32281951154744992508e1, 8.67072140885989742329e1, 3.54937778887819891062e2),
        *(9.75708501743205489753e2, 1.82390916687909736289e3, 2.24633760818710981792e3),
        *(1.65666309194161350182e3, 5.57535340817727675546e2),
    ),
)
_ERFC_FAR = (
    (
        *(5.64189583547755073984e-1, 1.27536670759978104416e0, 5.01905042251180477414e0),
        *(6.16021097993053585195e0, 7.40974269950448939160e0, 2.97886665372100240670e0),
    ),
    (
        *(1.0, 2.26052863220117276590e0, 9.39603524938001434673e0, 1.20489539808096656605e1),
        *(1.70814450747565897222e1, 9.60896809063285878198e0, 3.36907645100081516050e0),
    ),
)


def quantile(share: Floats) -> Floats:
    """The value below which a share of the distribution lies; -inf for 0 and inf for 1.

    share: 0 to 1 or NaN, one dimension.
    """
    values = np.where(share == 0, -np.inf, np.where(share == 1, np.inf, np.nan))
    inside = (share > 0) & (share < 1)
    values[inside] = _quantile(share[inside])
    return values


def _quantile(share: Floats) -> Floats:
    mirrored = share > 1 - _EXP_MINUS_2
    lower = np.where(mirrored, 1 - share, share)
    centre = lower > _EXP_MINUS_2
    values = np.empty_like(share)
    values[centre] = _central_quantile(lower[centre])
    tails = _tail_quantile(lower[~centre])
    values[~centre] = np.where(mirrored[~centre], tails, -tails)
    return values


def _central_quantile(share: Floats) -> Floats:
    y = share - 0.5
    square = y * y
    return (
        y + y * (square * _polynomial(square, _CENTRE[0]) / _polynomial(square, _CENTRE[1]))
    ) * (_ROOT_2_PI)


def _tail_quantile(share: Floats) -> Floats:
    x = np.sqrt(-2.0 * log(share))
    first, z = x - log(x) / x, 1.0 / x
    near = z * _polynomial(z, _TAIL[0]) / _polynomial(z, _TAIL[1])
    far = z * _polynomial(z, _FAR_TAIL[0]) / _polynomial(z, _FAR_TAIL[1])
    return first - np.where(x < 8.0, near, far)


def share(value: Floats) -> Floats:
    """The share of the distribution below a value; one dimension, NaN gives NaN."""
    x = value * _ROOT_HALF
    shares, near = np.full_like(x, np.nan), np.abs(x) < 1.0
    shares[near] = 0.5 + 0.5 * _erf(x[near])
    far = np.abs(x) >= 1.0
    tails = 0.5 * _erfc(np.abs(x[far]))
    shares[far] = np.where(x[far] > 0, 1.0 - tails, tails)
    return shares


def _erf(x: Floats) -> Floats:
    z = x * x
    return x * _polynomial(z, _ERF[0]) / _polynomial(z, _ERF[1])


def _erfc(x: Floats) -> Floats:
    """For x of 1 and more."""
    exponential = exp(-x * x)
    near = exponential * _polynomial(x, _ERFC[0]) / _polynomial(x, _ERFC[1])
    far = exponential * _polynomial(x, _ERFC_FAR[0]) / _polynomial(x, _ERFC_FAR[1])
    return np.where(x * x > _LARGEST, 0.0, np.where(x < 8.0, near, far))


def _polynomial(x: Floats, coefficients: Sequence[float]) -> Floats:
    """Horner's rule, the highest power's coefficient first."""
    value = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value = value * x + coefficient
    return value
