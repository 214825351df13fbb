"""What a model of texts takes: of which length, which indices."""

import keras

from pack.inputs import first_layers, inputs_of


def embedding_of(model: keras.Model, position: int = 0) -> keras.layers.Embedding | None:
    """The Embedding into which one of the model's inputs goes, in the model or a model in it."""
    layers = first_layers(model, position)
    return next((each for each in layers if isinstance(each, keras.layers.Embedding)), None)


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
