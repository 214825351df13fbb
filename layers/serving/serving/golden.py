"""A bundle's golden file: inputs whose preprocessed batch and outputs are known.

`pack` writes it with the Keras model's own outputs. The same check then proves the compiled
model at pack time, warms a container up, and holds a release to its answers.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving.errors import BundleError, InvalidInput


class Golden(NamedTuple):
    """instances: raw inputs. sha256: `digest` of the preprocessed tensor of each. outputs: of the
    Keras model, by name, each of shape (instances, ...).
    """

    instances: Sequence[Any]
    sha256: Sequence[str]
    outputs: Mapping[str, NDArray[np.float32]]

    def first(self) -> "Golden":
        """The first instance alone, which is what a cold start can afford."""
        outputs = {name: values[:1] for name, values in self.outputs.items()}
        return Golden(self.instances[:1], self.sha256[:1], outputs)


def digest(batch: NDArray[Any]) -> str:
    """sha256 of an array's dtype, shape and little-endian bytes; of objects, of them as JSON.

    JSON tells a string from a number, 1 from 1.0 and both from true, and has all of a float's
    digits.
    """
    header = f"{batch.dtype.name}{batch.shape}".encode()
    if batch.dtype == object:
        return hashlib.sha256(header + json.dumps(batch.tolist()).encode()).hexdigest()
    content = np.ascontiguousarray(batch, batch.dtype.newbyteorder("<")).tobytes()
    return hashlib.sha256(header + content).hexdigest()


def differences(found: NDArray[Any], expected: NDArray[Any]) -> NDArray[np.float64]:
    """How far outputs are apart: absolutely, and as a fraction of expected values over 1.

    The digits of float32 end 0.016 apart at 200,000, so that no absolute tolerance fits both a
    probability and a price.
    """
    wide = expected.astype(np.float64)
    apart: NDArray[np.float64] = np.abs(found - wide) / np.maximum(1, np.abs(wide))
    return apart


def parse(fields: Mapping[str, Any], modality: str) -> Golden:
    """Read a parsed `golden.json`; pictures stand in it as base64, as in a request."""
    instances = fields["instances"]
    if modality == "image":
        instances = [base64.b64decode(instance["b64"]) for instance in instances]
    outputs = {name: np.asarray(values, np.float32) for name, values in fields["outputs"].items()}
    return Golden(instances, fields["sha256"], outputs)


def check(
    golden: Golden,
    preprocess: Callable[[Sequence[Any]], NDArray[Any]],
    run: Callable[[NDArray[Any]], Sequence[NDArray[Any]]],
    tolerance: float,
) -> float:
    """Run the golden instances; return the largest of the outputs' `differences`.

    Raises BundleError if one is refused, a preprocessed one has another digest, or an output
    differs by more than the tolerance.
    """
    if not golden.sha256 or len(golden.sha256) != len(golden.instances):
        raise BundleError(
            f"expected a hash for each golden instance, got {len(golden.sha256)} for"
            f" {len(golden.instances)}"
        )
    try:
        # One by one: together they may be over what one request may have.
        batch = np.concatenate([preprocess([instance]) for instance in golden.instances])
    except InvalidInput as exc:
        raise BundleError(f"golden inputs are refused here: {exc}") from exc
    for index, expected in enumerate(golden.sha256):
        if digest(batch[index, ...]) != expected:  # an array even where it holds one text
            raise BundleError(f"golden instance {index}: preprocessing gave another tensor")
    largest = 0.0
    for (name, values), found in zip(golden.outputs.items(), run(batch), strict=True):
        difference = float(differences(found, values).max())
        if not difference <= tolerance:  # also refuses NaN
            raise BundleError(
                f"golden output {name} differs by {difference}, tolerance {tolerance}"
            )
        largest = max(largest, difference)
    return largest
