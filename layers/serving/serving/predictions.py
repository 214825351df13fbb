"""Model outputs to labelled predictions."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

type Prediction = dict[str, Any]


def label_outputs(
    outputs: NDArray[np.float32], task: str, labels: Sequence[str]
) -> list[Prediction]:
    """One prediction an instance: the label of the highest score, its score, and all scores.

    outputs: probabilities 0..1, shape (instances, labels) for the task "multiclass", or for
        "binary" (instances, 1), the probability of the second label.
    Scores stay float32, so that JSON shows their own digits and not those of a wider type.
    """
    scores = _SCORES[task](outputs)
    best = scores.argmax(axis=1)
    return [
        {"label": labels[index], "score": row[index], "scores": dict(zip(labels, row, strict=True))}
        for index, row in zip(best, scores, strict=True)
    ]


def _multiclass(outputs: NDArray[np.float32]) -> NDArray[np.float32]:
    return outputs


def _binary(outputs: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.hstack([1 - outputs, outputs])


_SCORES: dict[str, Callable[[NDArray[np.float32]], NDArray[np.float32]]] = {
    "multiclass": _multiclass,
    "binary": _binary,
}
