"""What runs a model. Every engine has the one function `run`."""

from collections.abc import Sequence
from typing import Any, Protocol

from numpy.typing import NDArray


class Engine(Protocol):
    """A loaded model.

    A model of several inputs, such as token indices and their mask, gets them stacked: its batch
    has the shape (instances, inputs, ...), and input i is `batch[:, i]`.
    """

    def run(self, batch: NDArray[Any]) -> Sequence[NDArray[Any]]:
        """The outputs for a preprocessed batch, each of shape (len(batch), ...)."""
        ...
