"""A Keras Tokenizer's JSON to the settings of the text preprocessing."""

import json
from collections.abc import Mapping
from typing import Any, Literal

type Side = Literal["pre", "post"]

_TYPES: dict[str, tuple[type, ...]] = {
    "num_words": (int, type(None)),
    "filters": (str,),
    "lower": (bool,),
    "split": (str,),
    "char_level": (bool,),
    "oov_token": (str, type(None)),
    "word_index": (str,),
}


def read_tokenizer(
    tokenizer_json: str, *, maxlen: int, padding: Side, truncating: Side, max_characters: int
) -> dict[str, Any]:
    """Turn `Tokenizer.to_json()` into the fields of `serving.preprocessing.text.TextPreprocessing`.

    Only words that `num_words` lets through are kept: those with a smaller index. Shorter
    sequences are padded with 0, the index that a Tokenizer gives to no word. A Tokenizer's
    `analyzer` does not stand in its JSON and cannot be reproduced.

    Raises ValueError for text that is not a fitted Tokenizer's JSON and for a `maxlen` under 1.
    """
    if maxlen < 1:
        raise ValueError(f"expected maxlen of at least 1, got {maxlen}")
    config = _read_config(tokenizer_json)
    word_index = _read_word_index(config["word_index"])
    oov_token, num_words = config["oov_token"], config["num_words"]
    if not word_index or (oov_token is not None and oov_token not in word_index):
        raise ValueError(
            "expected a Tokenizer fitted by fit_on_texts, got one whose word_index"
            f" {'is empty' if not word_index else f'lacks its oov_token {oov_token!r}'}"
        )
    return {
        "word_index": {w: i for w, i in word_index.items() if not num_words or i < num_words},
        "oov_index": None if oov_token is None else word_index[oov_token],
        "filters": config["filters"],
        "lower": config["lower"],
        "split": config["split"],
        "char_level": config["char_level"],
        "maxlen": maxlen,
        "padding": padding,
        "truncating": truncating,
        "value": 0,
        "max_characters": max_characters,
    }


def _read_config(tokenizer_json: str) -> Mapping[str, Any]:
    """The `config` of a Tokenizer's JSON, every field that is read checked for its type."""
    try:
        state = json.loads(tokenizer_json)
    except ValueError as exc:
        raise ValueError(f"expected the JSON of a Keras Tokenizer, got no JSON: {exc}") from exc
    name = state.get("class_name") if isinstance(state, dict) else type(state).__name__
    if name != "Tokenizer" or not isinstance(state.get("config"), dict):
        raise ValueError(
            "expected the JSON of a Keras Tokenizer, with class_name 'Tokenizer' and a config,"
            f" got class_name {name!r}"
        )
    config: dict[str, Any] = state["config"]
    missing = [field for field in _TYPES if field not in config]
    if missing:
        raise ValueError(f"expected a Tokenizer's config, got one without {', '.join(missing)}")
    for field, types in _TYPES.items():
        if not isinstance(config[field], types):
            expected = " or ".join(kind.__name__ for kind in types)
            got = type(config[field]).__name__
            raise ValueError(f"expected {expected} for the Tokenizer's {field}, got {got}")
    return config


def _read_word_index(word_index_json: str) -> dict[str, int]:
    """Words and indices; the Tokenizer keeps them as JSON inside its JSON."""
    word_index = json.loads(word_index_json)
    if not isinstance(word_index, dict) or not all(
        type(index) is int for index in word_index.values()
    ):
        raise ValueError("expected whole numbers by word in the Tokenizer's word_index, got others")
    return word_index
