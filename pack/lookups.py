"""Values like those that a model was trained on, from the layers that its inputs go into."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import layers

from pack.inputs import first_layers

_FREQUENT = 2_000  # of a vocabulary, which begins with the most frequent tokens
_SPREAD = (-1.5, -0.5, 0.0, 0.5, 1.5)  # standard deviations


def values_of(model: keras.Model, position: int = 0) -> Sequence[Any]:
    """Strings, or numbers in order, that one of the model's inputs had; none if no layer tells."""
    for layer in first_layers(model, position):
        find = next((_FOUND[kind] for kind in _FOUND if isinstance(layer, kind)), None)
        values = find(layer) if find else ()
        if values:
            return values
    return ()


def generate_texts(model: keras.Model, count: int, generator: random.Random) -> list[str]:
    """Texts of the vocabulary that the model's text goes into: its words together, or one each.

    Raises ValueError if no layer has one.
    """
    known = [text for text in values_of(model)[:_FREQUENT] if text.strip()]
    if not known:
        raise ValueError(
            "expected --examples, got none, and no vocabulary right behind the model's input"
        )
    whole = not any(isinstance(layer, layers.TextVectorization) for layer in first_layers(model))
    return [
        " ".join(generator.choice(known) for _ in range(1 if whole else 1 + 3 * index))
        for index in range(count)
    ]


def _tokens(layer: Any) -> list[str]:
    return [str(token) for token in layer.get_vocabulary(include_special_tokens=False)]


def _integers(layer: Any) -> list[int]:
    return sorted(int(token) for token in layer.get_vocabulary(include_special_tokens=False))


def _near_mean(layer: Any) -> list[float]:
    if layer.mean is None:
        return []
    mean, deviation = np.ravel(layer.mean), np.sqrt(np.ravel(layer.variance))
    return [float(mean[0] + factor * deviation[0]) for factor in _SPREAD] if mean.size == 1 else []


def _around_bins(layer: Any) -> list[float]:
    edges = [float(edge) for edge in layer.bin_boundaries]
    return [edges[0] - 1, *edges, edges[-1] + 1] if edges else []


_FOUND: Mapping[type, Callable[[Any], Sequence[Any]]] = {
    layers.StringLookup: _tokens,
    layers.TextVectorization: _tokens,
    layers.IntegerLookup: _integers,
    layers.Normalization: _near_mean,
    layers.Discretization: _around_bins,
}
