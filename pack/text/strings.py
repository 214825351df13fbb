"""A model that takes strings: cut behind its TextVectorization, or kept whole."""

import argparse

import keras

from pack.inputs import SINGLE, inputs_of
from pack.text import allow, cutting, say, vectorization
from serving.preprocessing.text.strings import StringsPreprocessing
from serving.preprocessing.text.vectorization import VectorizationPreprocessing

type Spec = VectorizationPreprocessing | StringsPreprocessing


def read(arguments: argparse.Namespace, model: keras.Model) -> tuple[Spec, keras.Model]:
    """The preprocessing and the model to serve: what is behind its TextVectorization, or all of it.

    Raises ValueError for a model of another input, for options that have no use, and with the
    engine onnx for a model that cannot be cut.
    """
    _check_one_text(model)
    if arguments.engine == "keras":
        return _keep(arguments, model, "--engine keras was named")
    try:
        return _read_layer(arguments, model)
    except vectorization.NotCut as exc:
        if arguments.engine == "onnx":
            raise ValueError(
                f"{exc}; --engine auto keeps such a model whole, for the Keras engine"
            ) from exc
        return _keep(arguments, model, str(exc).splitlines()[0])


def _check_one_text(model: keras.Model) -> None:
    inputs = inputs_of(model)
    if len(inputs) > 1:
        raise ValueError(
            f"expected a model of one input, a text, got one of {len(inputs)} inputs: python -m"
            " pack numeric takes rows of named strings and numbers"
        )
    if tuple(inputs[0].shape[1:]) not in SINGLE:
        raise ValueError(
            "expected a text as the model's input, of shape (batch,) or (batch, 1), got"
            f" {tuple(inputs[0].shape)}"
        )


def _keep(
    arguments: argparse.Namespace, model: keras.Model, why: str
) -> tuple[StringsPreprocessing, keras.Model]:
    """The whole model, which gets its texts as they are."""
    allow(arguments, (), f"a model that is kept whole ({why})")
    say(f"kept whole, for the Keras engine: {why}")
    return StringsPreprocessing(arguments.max_characters), model


def _read_layer(
    arguments: argparse.Namespace, model: keras.Model
) -> tuple[VectorizationPreprocessing, keras.Model]:
    """Of a model that begins with the layer."""
    allow(arguments, ("maxlen",), "a TextVectorization layer in the model")
    layer = cutting.find_layer(model)
    spec = vectorization.read_layer(
        layer, maxlen=arguments.maxlen, max_characters=arguments.max_characters
    )
    rest = cutting.cut(model, layer, spec)
    say(f"found the layer {layer.name}, taken out of the model: {vectorization.describe(spec)}")
    return spec, rest
