"""Vocabularies of strings in `.keras` files, which Keras does not always read as it wrote them.

Keras 3.15 writes a token a line, and reads with `splitlines`, which also parts tokens at U+0085,
U+2028 and others. It leaves out empty tokens at the end, and takes the line of no token, None, for
one. A token too many moves all behind it, and every later word gets another word's index.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras


@dataclass(frozen=True)
class Misread:
    """A StringLookup that Keras reads wrongly, and why it could not be repaired, if so."""

    layer: Any
    problem: str | None


def load_model(
    path: Path, custom_objects: Mapping[str, Any] | None = None
) -> tuple[keras.Model, Sequence[Misread]]:
    """Keras's own load_model for inference, with the vocabularies that the file has.

    Also returns the layers that Keras reads wrongly, for `repaired`. Such a layer has its
    vocabulary as an argument, and a model that is saved anew has it in its configuration, whence
    Keras reads it rightly. Raises what Keras raises.
    """
    misread: list[Misread] = []
    own = keras.layers.StringLookup.load_assets
    keras.layers.StringLookup.load_assets = lambda layer, folder: _load(layer, folder, own, misread)
    try:
        model = keras.saving.load_model(
            path, custom_objects=custom_objects, compile=False, safe_mode=True
        )
    finally:
        keras.layers.StringLookup.load_assets = own
    return model, misread


def repaired(model: keras.Model, misread: Sequence[Misread]) -> list[str]:
    """The names of the layers, StringLookup or TextVectorization, that were repaired.

    Raises ValueError for a vocabulary that the file does not tell.
    """
    names = _names(model)
    for each in misread:
        if each.problem:
            raise ValueError(f"layer {names[id(each.layer)]}: {each.problem}")
    return [names[id(each.layer)] for each in misread]


def _names(model: keras.Model) -> dict[int, str]:
    """Of every StringLookup; one within a TextVectorization has that layer's name."""
    names: dict[int, str] = {}
    for layer in model._flatten_layers(include_self=False, recursive=True):
        names.setdefault(id(layer), layer.name)
        if isinstance(layer, keras.layers.TextVectorization):
            names[id(layer._lookup_layer)] = layer.name
    return names


def _load(layer: Any, folder: str, own: Any, misread: list[Misread]) -> None:
    """In the place of the layer's `load_assets`; a TextVectorization calls it twice."""
    path = Path(folder) / "vocabulary.txt"
    if layer.input_vocabulary is not None or not path.exists():
        own(layer, folder)  # the configuration has it
        return
    try:
        text = path.read_bytes().decode()
        if text.count("\r\n") == text.count("\n"):  # written on Windows
            text = text.replace("\r\n", "\n")
        written = _tokens(text, layer)
        if text.splitlines() == written:
            own(layer, folder)
        if _vocabulary(layer) != written:
            _give(layer, written)
            misread.append(Misread(layer, None))
    except ValueError as exc:
        misread.append(Misread(layer, str(exc)))


def _tokens(text: str, layer: Any) -> list[str]:
    """The tokens of a file; raise ValueError unless they are as many as were saved."""
    tokens, size = text.split("\n"), layer.get_config()["vocabulary_size"]
    if size is None:
        return text.rstrip("\n").split("\n")
    first = _special(layer)
    breaks = [
        place for place in range(first, len(tokens) - 1) if tokens[place : place + 2] == ["", ""]
    ]
    if len(tokens) == size + 1 and len(breaks) == 1:  # a token that is a line break
        tokens[breaks[0] : breaks[0] + 2] = ["\n"]
    if len(tokens) == size + 1 and not tokens[-1]:
        tokens.pop()
    if len(tokens) != size:
        raise ValueError(
            f"expected a vocabulary of {size} tokens, got {len(tokens)} lines in the file, which"
            " has a token a line: one with a line break in it cannot be told from two; save the"
            " model with the layer made anew, its vocabulary an argument"
        )
    return tokens


def _special(layer: Any) -> int:
    """How many tokens in front stand for padding and for unknown ones."""
    masked = layer.mask_token is not None and layer.output_mode == "int"
    return int(layer.num_oov_indices + masked)


def _vocabulary(layer: Any) -> list[str]:
    return [str(token) for token in layer.get_vocabulary()]


def _give(layer: Any, written: list[str]) -> None:
    """Set the vocabulary as if it had been the layer's argument."""
    if layer.output_mode == "tf_idf":
        weights = layer.idf_weights_const.numpy().tolist()
        layer.set_vocabulary(written, weights)
        layer.input_vocabulary, layer.input_idf_weights = written, weights
    else:
        tokens = written[_special(layer) :]
        layer.set_vocabulary(tokens)
        layer.input_vocabulary = tokens
    if _vocabulary(layer) != written:
        raise ValueError(
            "expected Keras to keep the tokens of the file, got others from the layer, of encoding"
            f" {layer.encoding}"
        )
