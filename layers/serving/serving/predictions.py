"""Model outputs to labelled predictions, by what each output's task is."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.bundle import Output
from serving.errors import UnfitInput
from serving.preprocessing import Inverse

type Array = NDArray[Any]
type Prediction = dict[str, Any]


def label_outputs(
    outputs: Sequence[Array], described: Sequence[Output], inverses: Mapping[str, Inverse]
) -> list[Prediction]:
    """One prediction an instance; a model of several outputs gives one of each, by their names.

        multiclass, binary   {"label": "ship", "score": 0.9, "scores": {"ship": 0.9, ...}}
        multilabel           {"labels": ["sea", "sun"], "scores": {"sea": 0.9, ...}}
        regression           {"value": 3.5}, or {"values": {"price": 3.5, ...}} of several
        embedding            {"embedding": [...]}

    outputs: in the order of `described`, each of shape (instances, ...). inverses: what undoes the
        scaling of a regression's target, by the output's name.
    Scores and values are float32, so that JSON shows their own digits and not a wider type's.
    Raises UnfitInput for an instance whose outputs are not finite.
    """
    columns = []
    for values, output in zip(outputs, described, strict=True):
        finished = _finish(values, output, inverses.get(output.name))
        _check_finite(finished)
        columns.append(_PREDICTIONS[output.task](finished, output))
    if len(described) == 1:
        return columns[0]
    names = [output.name for output in described]
    return [dict(zip(names, parts, strict=True)) for parts in zip(*columns, strict=True)]


def _finish(values: Array, output: Output, inverse: Inverse | None) -> Array:
    """Probabilities from logits, values from scaled ones."""
    if values.dtype.kind == "f":
        values = values.astype(np.float32, copy=False)
    if output.logits:
        return (softmax if output.task == "multiclass" else sigmoid)(values)
    if inverse is None:
        return values
    with np.errstate(over="ignore"):  # what is not finite is refused
        return inverse(values.reshape(len(values), -1)).astype(np.float32)


def softmax(logits: Array) -> Array:
    """Probabilities that add up to 1 along the last axis, of the logits' own type."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: Array = powers / powers.sum(axis=-1, keepdims=True)
    return probabilities


def sigmoid(logits: Array) -> Array:
    """Probabilities 0..1 of the logits' own type."""
    with np.errstate(over="ignore"):  # exp(large) is infinite, and 1 / infinite is right
        probabilities: Array = 1 / (1 + np.exp(-logits))
    return probabilities


def _check_finite(values: Array) -> None:
    finite = np.isfinite(values.reshape(len(values), -1)).all(axis=1)
    if not finite.all():
        raise UnfitInput(
            f"instance {finite.argmin()}: expected values in the range the model was trained"
            " on, got values so large that it has no finite answer"
        )


def _multiclass(scores: Array, output: Output) -> list[Prediction]:
    return _classified(scores, scores.argmax(axis=1), output.labels)


def _binary(probabilities: Array, output: Output) -> list[Prediction]:
    second = probabilities.reshape(-1, 1)
    chosen = (second[:, 0] > output.threshold).astype(np.intp)
    return _classified(np.hstack([1 - second, second]), chosen, output.labels)


def _classified(scores: Array, chosen: Array, labels: Sequence[str]) -> list[Prediction]:
    return [
        {"label": labels[index], "score": row[index], "scores": dict(zip(labels, row, strict=True))}
        for index, row in zip(chosen.tolist(), _rows(scores, len(labels)), strict=True)
    ]


def _rows(scores: Array, width: int) -> Iterator[tuple[Any, ...]]:
    """Each row's scores, taken one by one from the whole: a view of every row takes NumPy longer.

    Raises ValueError for rows of another width.
    """
    values = iter(scores.reshape(len(scores), width).ravel())
    return zip(*[values] * width, strict=True)


def _multilabel(scores: Array, output: Output) -> list[Prediction]:
    names = np.array(output.labels, object)
    return [
        {"labels": names[over].tolist(), "scores": dict(zip(output.labels, row, strict=True))}
        for over, row in zip(scores > output.threshold, scores, strict=True)
    ]


def _regression(values: Array, output: Output) -> list[Prediction]:
    rows = values.reshape(len(values), -1)
    if rows.shape[1] == 1 and not output.labels:
        return [{"value": value} for value in rows[:, 0]]
    if not output.labels:
        return [{"values": row} for row in rows]
    return [{"values": dict(zip(output.labels, row, strict=True))} for row in rows]


def _embedding(values: Array, _: Output) -> list[Prediction]:
    return [{"embedding": value} for value in np.ascontiguousarray(values)]


_PREDICTIONS: dict[str, Callable[[Array, Output], list[Prediction]]] = {
    "multiclass": _multiclass,
    "binary": _binary,
    "multilabel": _multilabel,
    "regression": _regression,
    "embedding": _embedding,
}
