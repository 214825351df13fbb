"""What runs a model. Every engine has the one function `run`."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Engine(Protocol):
    """A loaded model."""

    def run(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """Outputs for a preprocessed batch, shape (len(batch), outputs)."""
        ...
