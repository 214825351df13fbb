"""What runs a model. Every engine has the one function `run`."""

import os
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from serving.errors import UnfitInput

MEGABYTES_PER_CPU = 1769  # AWS Lambda's documentation: at 1,769 MB a function has one vCPU


class Engine(Protocol):
    """A loaded model.

    A model of several inputs, such as token indices and their mask, gets them stacked: its batch
    has the shape (instances, inputs, ...), and input i is `batch[:, i]`. A batch of dtype object
    holds columns of several types; strings among them only the engine keras takes.
    """

    def run(self, batch: NDArray[Any]) -> Sequence[NDArray[Any]]:
        """The outputs for a preprocessed batch, each of shape (len(batch), ...).

        Raises UnfitInput for values that the model itself refuses.
        """
        ...


def cast(values: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    """The values in an input's own type; raise UnfitInput for a number too large for it."""
    try:
        with np.errstate(over="raise"):
            return values.astype(dtype, copy=False)
    except FloatingPointError as exc:
        raise UnfitInput(
            f"expected numbers that {np.dtype(dtype).name} can hold, got a larger one"
        ) from exc


def refused() -> UnfitInput:
    """What stands for an engine's own error about a value: an index or a string out of a table."""
    return UnfitInput("expected values that the model knows, got one that it does not take")


def threads() -> int:
    """Threads for the processors that Lambda gives at this memory size, at least one.

    Lambda shows two or more processors at any size and limits the time on them; more threads
    than the share only wait for each other.
    """
    megabytes = int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", MEGABYTES_PER_CPU))
    return max(1, round(megabytes / MEGABYTES_PER_CPU))
