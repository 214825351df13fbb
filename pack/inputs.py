"""What a model takes: its inputs, of which shape and type, and the layers that they go into."""

from collections.abc import Sequence
from typing import Any

import keras
from numpy.typing import NDArray

SINGLE = ((), (1,))  # shapes of an instance that is a single value


def inputs_of(model: keras.Model) -> list[Any]:
    """The model's inputs; none for a subclass of Model, whose own code alone knows them."""
    return list(getattr(model, "inputs", None) or ())


def takes_strings(model: keras.Model) -> bool:
    """Whether an input of the model is of strings."""
    return any(each.dtype == "string" for each in inputs_of(model))


def splits_texts(model: keras.Model) -> bool:
    """Whether a TextVectorization is in the model, at any depth."""
    found = model._flatten_layers(include_self=False, recursive=True)
    return any(isinstance(layer, keras.layers.TextVectorization) for layer in found)


def takers(model: keras.Model, position: int = 0) -> list[keras.layers.Layer]:
    """The layers into which one of the model's inputs goes, in their order."""
    if isinstance(model, keras.Sequential):
        return list(model.layers[:1])
    return [layer for layer in model.layers if node_of(layer, model.inputs[position])]


def node_of(layer: keras.layers.Layer, tensor: Any) -> Any:
    """The call of the layer that takes the tensor, or None; a shared layer has several calls."""
    nodes = getattr(layer, "_inbound_nodes", ())
    return next(
        (node for node in nodes if any(tensor is each for each in node.input_tensors)), None
    )


def first_layers(model: keras.Model, position: int = 0) -> list[keras.layers.Layer]:
    """As `takers`; in the place of a model in the model, the layers that take the input there."""
    found: list[keras.layers.Layer] = []
    for layer in takers(model, position) if inputs_of(model) else ():
        if isinstance(layer, keras.Model):
            found += first_layers(layer, _position(layer, inputs_of(model)[position]))
        else:
            found.append(layer)
    return found


def _position(inner: keras.Model, tensor: Any) -> int:
    node = node_of(inner, tensor)
    if node is None:  # the first layer of a Sequential
        return 0
    return next(i for i, each in enumerate(node.input_tensors) if each is tensor)


def check_shape(model: keras.Model, batch: NDArray[Any]) -> None:
    """Raise ValueError unless the model takes the batch as an engine gives it.

    Of several inputs each takes one place of the batch's second axis.
    """
    inputs = inputs_of(model)
    if not inputs:
        return  # its own call says what it takes
    several = len(inputs) > 1
    found = batch.shape[1:]
    counted = not several or found[:1] == (len(inputs),)
    expected = [tuple(each.shape[1:]) for each in inputs]
    if counted and all(_fits(shape, found[several:]) for shape in expected):
        return
    wanted = (len(inputs), *expected[0]) if several else expected[0]
    raise ValueError(f"the model takes inputs of shape {wanted}, preprocessing gives {found}")


def _fits(shape: Sequence[int | None], found: Sequence[int]) -> bool:
    if not found:
        return tuple(shape) in SINGLE
    return len(shape) == len(found) and all(
        want in (None, got) for want, got in zip(shape, found, strict=True)
    )
