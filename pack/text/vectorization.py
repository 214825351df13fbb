"""A TextVectorization layer, in a model or a file, to the settings of its preprocessing."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.layers import TextVectorization
from numpy.typing import NDArray

from pack.models import vocabularies
from pack.pickles import load_fitted
from serving.preprocessing.text.vectorization import (
    VectorizationPreprocessing,
    preprocess_vectorization,
    tokens,
)

# The layer's arguments that a bundle reproduces; a configuration of another Keras has others too.
_ARGUMENTS = (
    *("max_tokens", "standardize", "split", "ngrams", "output_mode", "output_sequence_length"),
    *("pad_to_max_tokens", "sparse", "ragged", "encoding"),
)
_SAMPLES = (
    "The quick brown fox, it jumped over the lazy dog!",
    "ÀÉÎ Σας ΣΑΣ İstanbul STRASSE ẞ 你好，世界。 no\u00a0break thin\u2009space",
    "tab\tline\nreturn\r\x0b\x0cfeed\x1cnot\x85white 'quoted' it's [UNK] a_b-c",
    "the the the of",
    "x",
)


class NotCut(ValueError):
    """What lies in a model or its layer, so that no option makes a bundle repeat the layer."""


def read_layer(
    layer: TextVectorization, *, maxlen: int | None, max_characters: int
) -> VectorizationPreprocessing:
    """The preprocessing that gives what the layer gives, proven on a few texts.

    maxlen: stands for an `output_sequence_length` of None, which pads to the batch's longest text.

    Raises NotCut for what a bundle does not reproduce, naming it, and ValueError for Python code, a
    layer that was not adapted, and a length that is not known.
    """
    config = layer.get_config()
    _check_config(config)
    counting = config["output_mode"] != "int"
    vocabulary = [str(token) for token in layer.get_vocabulary()]
    if len(vocabulary) <= (1 if counting else 2):
        raise ValueError("expected a TextVectorization with a vocabulary, got one not adapted")
    ngrams = config["ngrams"]
    spec = VectorizationPreprocessing(
        vocabulary=vocabulary,
        standardize=config["standardize"],
        split=config["split"],
        ngrams=list(range(1, ngrams + 1)) if isinstance(ngrams, int) else ngrams and list(ngrams),
        output_mode=config["output_mode"],
        maxlen=0 if counting else _maxlen(config["output_sequence_length"], maxlen),
        columns=int(layer.compute_output_shape((None, 1))[-1]) if counting else 0,
        idf_weights=_idf_weights(layer),
        max_characters=max_characters,
    )
    _prove(layer, spec)
    return spec


def samples(spec: VectorizationPreprocessing) -> list[str]:
    """Texts that show what the layer does, those that it finds a token in."""
    return [text for text in _SAMPLES if tokens(text, spec)]


def describe(spec: VectorizationPreprocessing) -> str:
    """What was found, in words."""
    return f"a TextVectorization of output_mode {spec.output_mode}, {len(spec.vocabulary)} tokens"


def load_layer(path: Path, vocabulary: Path | None, trusted: bool) -> TextVectorization:
    """The layer of a file: a `.keras` model that has one, or JSON or a pickle of a dictionary.

    The dictionary has `config` (what `get_config()` gave), `vocabulary` (`get_vocabulary()`)
    and, for output_mode "tf_idf", `idf_weights`, one for each token of the vocabulary.
    vocabulary: a text file with a token a line, in place of the dictionary's.

    Raises ValueError for a file that holds no such layer.
    """
    if path.suffix == ".keras":
        model, misread = vocabularies.load_model(path)
        vocabularies.repaired(model, misread)
        found = _layers(model)
        if len(found) != 1:
            raise ValueError(f"{path}: expected one TextVectorization layer, got {len(found)}")
        return found[0]
    if path.suffix == ".json":
        fields = json.loads(path.read_text(encoding="utf-8"))
    else:
        fields = load_fitted(path, trusted)
    try:
        return _from_fields(fields, _lines(vocabulary) if vocabulary else None)
    except (TypeError, ValueError, KeyError) as exc:
        raise ValueError(f"{path}: {exc}") from exc


def _from_fields(fields: Any, vocabulary: Sequence[str] | None) -> TextVectorization:
    if not isinstance(fields, Mapping) or not isinstance(fields.get("config"), Mapping):
        raise ValueError(
            "expected an object with the TextVectorization's config and vocabulary,"
            f" got {', '.join(map(str, fields)) if isinstance(fields, Mapping) else type(fields)}"
        )
    config = fields["config"]
    for field in ("standardize", "split"):
        if not isinstance(config.get(field), str | None):
            raise ValueError(_custom(field, config[field]))
    tokens = vocabulary or fields.get("vocabulary") or config.get("vocabulary")
    if tokens is None:
        raise ValueError("expected a vocabulary, got none: give --vocabulary, a token a line")
    arguments = {name: config[name] for name in _ARGUMENTS if name in config}
    if isinstance(arguments.get("ngrams"), list):
        arguments["ngrams"] = tuple(arguments["ngrams"])
    weights = fields.get("idf_weights", config.get("idf_weights"))
    words = [token.decode() if isinstance(token, bytes) else str(token) for token in tokens]
    return TextVectorization(**arguments, vocabulary=words, idf_weights=weights)


def _check_config(config: Mapping[str, Any]) -> None:
    for field in ("standardize", "split"):
        if not isinstance(config[field], str | None):
            raise ValueError(_custom(field, config[field]))
    if config["output_mode"] == "one_hot" or config["ragged"]:
        kind = "ragged" if config["ragged"] else "one_hot"
        raise NotCut(f"expected a TextVectorization of one row a text, got one that is {kind}")
    if config["encoding"].lower() not in ("utf-8", "utf8"):
        raise NotCut(f"expected a TextVectorization of utf-8, got {config['encoding']}")


def _custom(field: str, value: Any) -> str:
    registered = value.get("config") if isinstance(value, Mapping) else None
    name = getattr(value, "__qualname__", None) or registered or repr(value)
    return (
        f"expected one of TextVectorization's own ways for {field}, got {name}: that is Python"
        " code, which a bundle does not hold"
    )


def _maxlen(of_layer: int | None, given: int | None) -> int:
    if of_layer is None and given is None:
        raise ValueError(
            "expected --maxlen, since the TextVectorization has no output_sequence_length: it pads"
            " to the longest text of a batch, so that an answer depends on the texts beside it"
        )
    if of_layer and given and of_layer != given:
        raise ValueError(f"expected the layer's output_sequence_length {of_layer}, got {given}")
    return of_layer or given or 0


def _idf_weights(layer: TextVectorization) -> list[float] | None:
    store: dict[str, NDArray[Any]] = {}
    layer.save_own_variables(store)
    return store["idf_weights"].tolist() if store else None


def _layers(model: keras.Model) -> list[TextVectorization]:
    """All of a model and the models in it."""
    flat = model._flatten_layers(include_self=False, recursive=True)
    return [layer for layer in flat if isinstance(layer, TextVectorization)]


def _lines(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _prove(layer: TextVectorization, spec: VectorizationPreprocessing) -> None:
    """Raise ValueError unless the preprocessing gives what the layer gives."""
    texts = samples(spec)
    ours = preprocess_vectorization(texts, spec)
    theirs = layer(tf.constant([[text] for text in texts]))
    theirs = (tf.sparse.to_dense(theirs) if layer.get_config()["sparse"] else theirs).numpy()
    width = min(ours.shape[1], theirs.shape[1])  # the longest's, if no output_sequence_length
    if not np.array_equal(ours[:, :width], theirs[:, :width]):
        raise NotCut(
            f"expected the layer's own numbers for {texts!r}, got {ours.tolist()} where it gives"
            f" {theirs.tolist()}"
        )
