"""What was fitted on texts, from the files that the options name, held against the model."""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from pack.inputs import inputs_of, takes_strings
from pack.pickles import load_fitted
from pack.text import (
    SEQUENCE,
    SUBWORDS,
    WORDS,
    allow,
    option_of,
    say,
    strings,
    subwords,
    tokenizer,
    vectorization,
)
from pack.text.model_input import check_columns, check_indices, length_of
from pack.text.vocabulary import FILTERS, Vocabulary, preprocessing_of, read_word_index
from serving.preprocessing.text.strings import StringsPreprocessing
from serving.preprocessing.text.subwords import SubwordPreprocessing
from serving.preprocessing.text.tokenizer import Mode, TextPreprocessing
from serving.preprocessing.text.vectorization import VectorizationPreprocessing

type Spec = (
    TextPreprocessing | VectorizationPreprocessing | SubwordPreprocessing | StringsPreprocessing
)
type Read = Callable[[argparse.Namespace, keras.Model], tuple[Spec, keras.Model]]

KINDS: Mapping[type[Spec], str] = {
    TextPreprocessing: "tokenizer",
    VectorizationPreprocessing: "vectorization",
    SubwordPreprocessing: "subwords",
    StringsPreprocessing: "strings",
}
_PICKLED = (".pkl", ".pickle", ".joblib", ".skops")


def read(arguments: argparse.Namespace, model: keras.Model) -> tuple[Spec, keras.Model]:
    """The fitted preprocessing, and the model to serve behind it; see `pack.text.prepare`."""
    named = [name for name in _SOURCES if getattr(arguments, name)]
    if takes_strings(model):
        if named:
            raise ValueError(
                f"expected no {option_of(named[0])} for a model that takes strings itself"
            )
        return strings.read(arguments, model)
    if len(named) != 1:
        options = ", ".join(map(option_of, _SOURCES))
        raise ValueError(
            f"expected one of {options} for a model that takes numbers,"
            f" got {' and '.join(map(option_of, named)) or 'none'}"
        )
    return _SOURCES[named[0]](arguments, model)


def _read_vectorization(
    arguments: argparse.Namespace, model: keras.Model
) -> tuple[VectorizationPreprocessing, keras.Model]:
    allow(arguments, ("maxlen", "vocabulary"), "--vectorization")
    layer = vectorization.load_layer(
        arguments.vectorization, arguments.vocabulary, arguments.trust_pickle
    )
    counting = layer.get_config()["output_mode"] != "int"
    spec = vectorization.read_layer(
        layer,
        maxlen=None if counting else length_of(model, arguments.maxlen),
        max_characters=arguments.max_characters,
    )
    say(f"found in {arguments.vectorization}: {vectorization.describe(spec)}")
    if counting:
        check_columns(model, spec.columns)
    else:
        check_indices(model, len(spec.vocabulary) - 1, "is it another model's vocabulary?")
    return spec, model


def _read_tokenizer(arguments: argparse.Namespace, model: keras.Model) -> tuple[Spec, keras.Model]:
    """Of a file whose content says which library's it is."""
    path: Path = arguments.tokenizer
    if path.suffix in _PICKLED:
        return _with_words(
            arguments,
            model,
            tokenizer.read_object(load_fitted(path, arguments.trust_pickle, stand_ins=True)),
        )
    text = path.read_text(encoding="utf-8")
    content = _parsed(text, path)
    if isinstance(content, Mapping) and isinstance(content.get("model"), Mapping):
        return _read_subwords(arguments, model, content)
    try:
        words = tokenizer.read_json(text)
    except ValueError as exc:
        raise ValueError(f"{path}: {exc}{_hint(content)}") from exc
    return _with_words(arguments, model, words)


def _with_words(
    arguments: argparse.Namespace, model: keras.Model, words: Vocabulary
) -> tuple[TextPreprocessing, keras.Model]:
    """Of a Keras Tokenizer."""
    say(f"found in {arguments.tokenizer}: a Keras Tokenizer, {_count(words)}")
    return _sequenced(arguments, model, words, "a Keras Tokenizer", ()), model


def _read_word_index(
    arguments: argparse.Namespace, model: keras.Model
) -> tuple[TextPreprocessing, keras.Model]:
    path: Path = arguments.word_index
    pickled = path.suffix in _PICKLED
    found = (
        load_fitted(path, arguments.trust_pickle)
        if pickled
        else _parsed(path.read_text(encoding="utf-8"), path)
    )
    words = read_word_index(
        found,
        num_words=arguments.num_words,
        index_from=arguments.index_from or 0,
        start_index=arguments.start_index,
        oov_index=arguments.oov_index,
        filters=FILTERS if arguments.filters is None else arguments.filters,
        lower=not arguments.keep_case,
        split=" " if arguments.split is None else arguments.split,
        char_level=bool(arguments.char_level),
    )
    say(f"found in {path}: {_count(words)}")
    return _sequenced(arguments, model, words, "--word-index", WORDS), model


def _sequenced(
    arguments: argparse.Namespace,
    model: keras.Model,
    words: Vocabulary,
    found: str,
    own: Sequence[str],
) -> TextPreprocessing:
    """Of any vocabulary; what was `found` has options of its `own`."""
    mode: Mode = arguments.mode or "int"
    used = SEQUENCE if mode == "int" else ("mode",)
    allow(arguments, (*used, *own), f"{found} of mode {mode}")
    spec = preprocessing_of(
        words,
        mode=mode,
        maxlen=length_of(model, arguments.maxlen) if mode == "int" else 0,
        padding=arguments.padding or "pre",
        truncating=arguments.truncating or "pre",
        value=arguments.pad_value or 0,
        max_characters=arguments.max_characters,
    )
    if mode != "int":
        check_columns(model, spec.columns)
        return spec
    special = [index for index in (spec.oov_index, spec.start_index, spec.value) if index]
    check_indices(
        model,
        max([*spec.word_index.values(), *special]),
        "set num_words to the number of indices that the Embedding takes",
    )
    return spec


def _read_subwords(
    arguments: argparse.Namespace, model: keras.Model, content: Mapping[str, Any]
) -> tuple[SubwordPreprocessing, keras.Model]:
    allow(arguments, SUBWORDS, "a tokenizer.json")
    spec = subwords.read_subwords(
        content,
        maxlen=length_of(model, arguments.maxlen),
        inputs=subwords.name_inputs([each.name for each in inputs_of(model)], arguments.inputs),
        special_tokens=not arguments.no_special_tokens,
        padding=arguments.padding,
        truncating=arguments.truncating,
        pad_id=arguments.pad_value,
        max_characters=arguments.max_characters,
    )
    kind, ids = content["model"].get("type"), spec.encoder.get_vocab().values()
    say(
        f"found in {arguments.tokenizer}: a {kind} tokenizer of Hugging Face's, {len(ids)} tokens,"
        f" for the inputs {', '.join(spec.inputs)}"
    )
    check_indices(
        model,
        max(*ids, spec.pad_id),
        "is it another model's tokenizer?",
        spec.inputs.index("ids") if "ids" in spec.inputs else 0,
    )
    return spec, model


def _parsed(text: str, path: Path) -> Any:
    try:
        return json.loads(text)
    except ValueError as exc:
        raise ValueError(f"{path}: expected JSON, or a pickle named .pkl: {exc}") from exc


def _hint(content: Any) -> str:
    """The option that takes such a file, if one does."""
    if not isinstance(content, Mapping):
        return ""
    if "vocabulary" in content or content.get("class_name") == "TextVectorization":
        return "; --vectorization takes TextVectorization's config and vocabulary"
    if content and all(isinstance(index, int) for index in content.values()):
        return "; --word-index takes a dictionary of words"
    return ""


def _count(words: Vocabulary) -> str:
    return f"{len(words.word_index)} {'characters' if words.char_level else 'words'}"


_SOURCES: Mapping[str, Read] = {
    "tokenizer": _read_tokenizer,
    "word_index": _read_word_index,
    "vectorization": _read_vectorization,
}
