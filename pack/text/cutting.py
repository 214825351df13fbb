"""A model that begins with a TextVectorization layer, cut behind it."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.layers import TextVectorization

from pack.inputs import node_of, takers
from pack.models.configuration import REFUSALS
from pack.text.vectorization import NotCut, samples
from serving.preprocessing.text.vectorization import (
    VectorizationPreprocessing,
    preprocess_vectorization,
)


def find_layer(model: keras.Model) -> TextVectorization:
    """The layer into which a model's one input of strings goes, and it alone.

    Raises NotCut if there is none, naming what is there in its place, or if there are others.
    """
    found = takers(model)
    if len(found) > 1:
        names = ", ".join(layer.name for layer in found)
        raise NotCut(f"expected one layer that takes the text, got {names}")
    first = found[0] if found else None
    if not isinstance(first, TextVectorization):
        raise NotCut(
            "expected a TextVectorization layer right behind the model's input of strings, got"
            f" {type(first).__name__ if first else 'no layer'}"
        )
    if not isinstance(model, keras.Sequential):
        _behind(first, model)
    return first


def cut(model: keras.Model, layer: TextVectorization, spec: VectorizationPreprocessing) -> Any:
    """The model behind the layer, its input what the layer gives, its outputs the same.

    Raises NotCut if Keras makes no model of what is behind the layer, and if that model behind the
    preprocessing does not give the whole model's outputs for a few texts.
    """
    try:
        rest = _rest(model, layer, spec)
    except REFUSALS as exc:
        raise NotCut(f"expected a model of what is behind {layer.name}, Keras says: {exc}") from exc
    if spec.output_mode == "int" and layer.compute_output_shape((None, 1))[1] is None:
        return rest  # the whole model's outputs for a text depend on the texts beside it
    texts = samples(spec)
    strings = tf.reshape(tf.constant(texts), [-1, *model.inputs[0].shape[1:]])
    _compare(rest(preprocess_vectorization(texts, spec)), model(strings))
    return rest


def _rest(model: keras.Model, layer: TextVectorization, spec: VectorizationPreprocessing) -> Any:
    dtype = layer.compute_output_spec(model.inputs[0]).dtype
    numbers = keras.Input((spec.maxlen or spec.columns,), dtype=dtype, name="tokens")
    if isinstance(model, keras.Sequential):
        outputs = numbers
        for following in model.layers[1:]:
            outputs = following(outputs)
    else:
        # Not by calling it: Keras takes counts for one axis more than they have, and would refuse
        outputs = _behind(layer, model)._run_through_graph(numbers, lambda operation: operation)
    return keras.Model(numbers, outputs, name=model.name)


def _behind(layer: TextVectorization, model: keras.Model) -> keras.Model:
    node = node_of(layer, model.inputs[0])
    try:
        return keras.Model(node.output_tensors[0], model.output)
    except ValueError as exc:
        raise NotCut(
            f"expected the text to go into the layer {layer.name} alone, got other uses: {exc}"
        ) from exc


def _compare(ours: Any, theirs: Any) -> None:
    for one, other in zip(tf.nest.flatten(ours), tf.nest.flatten(theirs), strict=True):
        if not np.allclose(one, other, rtol=1e-4, atol=1e-5):
            largest = np.abs(one - other).max()
            raise NotCut(
                "expected the outputs of the whole model from the model behind its"
                f" TextVectorization, got others, by up to {largest:.2e}"
            )
