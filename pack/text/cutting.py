"""A model that begins with a TextVectorization layer, cut behind it."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.layers import TextVectorization

from pack.text.model_input import node_of, takers
from pack.text.vectorization import samples
from serving.preprocessing.text.vectorization import (
    VectorizationPreprocessing,
    preprocess_vectorization,
)


def find_layer(model: keras.Model) -> TextVectorization:
    """The layer into which a model's one input of strings goes.

    Raises ValueError if there is none, naming what is there in its place.
    """
    if len(model.inputs) != 1:
        raise ValueError(
            f"expected a model of one input, a text, got one of {len(model.inputs)} inputs"
        )
    found = takers(model)
    if len(found) > 1:
        names = ", ".join(layer.name for layer in found)
        raise ValueError(f"expected one layer that takes the text, got {names}")
    first = found[0] if found else None
    if isinstance(first, TextVectorization):
        return first
    raise ValueError(
        "expected a TextVectorization layer right behind the model's input of strings, got"
        f" {type(first).__name__ if first else 'no layer'}: what else takes strings (StringLookup,"
        " Hashing, TensorFlow's functions) only TensorFlow can run, on strings that no engine is"
        " given here; pack the model of numbers behind it, with --vectorization, --tokenizer or"
        " --word-index for its words"
    )


def cut(model: keras.Model, layer: TextVectorization, spec: VectorizationPreprocessing) -> Any:
    """The model behind the layer, its input what the layer gives, its outputs the same.

    Raises ValueError if the text goes anywhere else too, and if the cut model behind the
    preprocessing does not give the whole model's outputs for a few texts.
    """
    dtype = layer.compute_output_spec(model.inputs[0]).dtype
    numbers = keras.Input((spec.maxlen or spec.columns,), dtype=dtype, name="tokens")
    if isinstance(model, keras.Sequential):
        outputs = numbers
        for following in model.layers[1:]:
            outputs = following(outputs)
    else:
        # Not by calling it: Keras takes counts for one axis more than they have, and would refuse
        outputs = _behind(layer, model)._run_through_graph(numbers, lambda operation: operation)
    rest = keras.Model(numbers, outputs, name=model.name)
    if spec.output_mode == "int" and layer.compute_output_shape((None, 1))[1] is None:
        return rest  # the whole model's outputs for a text depend on the texts beside it
    texts = samples(spec)
    strings = tf.reshape(tf.constant(texts), [-1, *model.inputs[0].shape[1:]])
    _compare(rest(preprocess_vectorization(texts, spec)), model(strings))
    return rest


def _behind(layer: TextVectorization, model: keras.Model) -> keras.Model:
    node = node_of(layer, model.inputs[0])
    try:
        return keras.Model(node.output_tensors[0], model.output)
    except ValueError as exc:
        raise ValueError(
            f"expected the text to go into the layer {layer.name} alone, got other uses: {exc}"
        ) from exc


def _compare(ours: Any, theirs: Any) -> None:
    for one, other in zip(tf.nest.flatten(ours), tf.nest.flatten(theirs), strict=True):
        if not np.allclose(one, other, rtol=1e-4, atol=1e-5):
            largest = np.abs(one - other).max()
            raise ValueError(
                "expected the outputs of the whole model from the model behind its"
                f" TextVectorization, got others, by up to {largest:.2e}"
            )
