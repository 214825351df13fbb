"""What a model of texts takes: where its inputs go, of which length, which indices."""

from typing import Any

import keras


def inputs_of(model: keras.Model) -> list[Any]:
    """The model's inputs; none for a subclass of Model, whose own code alone knows them."""
    return list(getattr(model, "inputs", None) or ())


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


def embedding_of(model: keras.Model, position: int = 0) -> keras.layers.Embedding | None:
    """The Embedding into which one of the model's inputs goes, in the model or a model in it."""
    tensor = inputs_of(model)[position] if inputs_of(model) else None
    for layer in takers(model, position) if tensor is not None else ():
        if isinstance(layer, keras.layers.Embedding):
            return layer
        if isinstance(layer, keras.Model):
            return embedding_of(layer, _position(layer, tensor))
    return None


def _position(inner: keras.Model, tensor: Any) -> int:
    node = node_of(inner, tensor)
    if node is None:  # the first layer of a Sequential
        return 0
    return next(i for i, each in enumerate(node.input_tensors) if each is tensor)


def length_of(model: keras.Model, given: int | None) -> int:
    """The length of a sequence: that of the model's input, else the one given.

    Raises ValueError if neither is known, if they differ, and for an input of another rank.
    """
    shapes = [tuple(each.shape) for each in inputs_of(model)]
    if any(len(shape) != 2 for shape in shapes):
        found = ", ".join(map(str, shapes))
        raise ValueError(f"expected a model of sequences, of shape (batch, maxlen), got {found}")
    fixed: int | None = next((shape[1] for shape in shapes if shape[1]), None)
    if given and fixed and given != fixed:
        raise ValueError(f"expected maxlen {fixed}, which the model takes, got {given}")
    length = fixed if given is None else given
    if length is None:
        raise ValueError("expected --maxlen, since the model takes sequences of any length")
    if length < 1:
        raise ValueError(f"expected maxlen of at least 1, got {length}")
    return length


def check_columns(model: keras.Model, columns: int) -> None:
    """Raise ValueError unless the model takes rows of so many numbers."""
    shapes = [tuple(each.shape) for each in inputs_of(model)]
    if any(len(shape) != 2 or shape[1] not in (None, columns) for shape in shapes):
        raise ValueError(
            f"expected rows of the model's shape {', '.join(map(str, shapes))}, got rows of"
            f" {columns} columns"
        )


def check_indices(model: keras.Model, highest: int, advice: str, position: int = 0) -> None:
    """Raise ValueError if the Embedding behind an input does not take the highest index.

    TensorFlow fails on such an index on a processor, and gives zeros for it on a GPU.
    """
    embedding = embedding_of(model, position)
    if embedding is not None and highest >= embedding.input_dim:
        raise ValueError(
            f"the Embedding {embedding.name} takes indices 0 to {embedding.input_dim - 1}, the"
            f" text's go up to {highest}: {advice}"
        )
