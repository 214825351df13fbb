"""A fitted transformer from its file."""

import warnings
from pathlib import Path
from typing import Any

from sklearn.exceptions import InconsistentVersionWarning

from pack.pickles import load_fitted


def load_transformer(path: Path, trusted: bool) -> Any:
    """What `pack.pickles.load_fitted` gives, with a printed note if another scikit-learn saved it.

    Raises what `load_fitted` raises.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", InconsistentVersionWarning)
        fitted = load_fitted(path, trusted)
    saved = [w.message for w in caught if isinstance(w.message, InconsistentVersionWarning)]
    if saved:
        print(
            f"pack: note: {path}: fitted with scikit-learn {saved[0].original_sklearn_version},"
            f" read and compared with {saved[0].current_sklearn_version} here",
            flush=True,
        )
    return fitted
