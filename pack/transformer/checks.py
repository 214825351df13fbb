"""What scikit-learn checks before a step computes, and what is checked before one is read."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from pack.transformer.categories import is_missing
from pack.transformer.flow import Node, Step, require


def check_fitted(step: Step) -> None:
    """Raise ValueError for an estimator that is not fitted."""
    try:
        check_is_fitted(step.fitted)
    except NotFittedError as exc:
        raise ValueError(f"{step.where}: expected it to be fitted, got {exc}") from exc


def check_doubles(step: Step, numeric: bool) -> None:
    """scikit-learn computes in float32 where it was fitted on float32, or is given float32."""
    for name, value in vars(step.fitted).items():
        if name != "dtype" and any(map(_is_narrow, _dtypes(value))):
            raise ValueError(
                f"{step.where}: expected it to be fitted on float64 columns, got float32 in"
                f" {name}: convert the table with astype('float64')"
            )
    if numeric and any(_is_narrow(s.dtype) for s in step.flow.signals):
        raise ValueError(
            f"{step.where}: expected float64 columns from the steps before, got float32: set"
            " dtype=np.float64 there"
        )


def _dtypes(value: Any) -> Iterator[Any]:
    if isinstance(value, np.dtype):
        yield value
    for each in value if isinstance(value, list | tuple) else [value]:
        if isinstance(each, np.ndarray):
            yield each.dtype


def _is_narrow(dtype: Any) -> bool:
    return dtype in (np.float32, np.float16)


def checks(step: Step) -> Iterator[Node]:
    """Note which values scikit-learn refuses here; a node for those that a step before may make."""
    fitted, signals = step.fitted, step.flow.signals
    if isinstance(fitted, FunctionTransformer) and not fitted.validate:
        return
    accepts = get_tags(fitted).input_tags.allow_nan and not isinstance(fitted, FunctionTransformer)
    if hasattr(fitted, "missing_values"):
        accepts = is_missing(fitted.missing_values)
    if not accepts:
        require(step, signals)
    if isinstance(fitted, OneHotEncoder | OrdinalEncoder) and fitted.handle_unknown == "error":
        accepts = False
    wild = [place for place, signal in enumerate(signals) if signal.wild]
    if wild:
        names = [signals[place].name for place in wild]
        yield {"step": "Finite", "columns": wild, "names": names, "nan": bool(accepts)}
