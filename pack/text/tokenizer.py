"""A Keras Tokenizer, from its JSON or a pickle, to a vocabulary."""

import json
from collections.abc import Mapping
from typing import Any

from pack.text.vocabulary import FILTERS, Vocabulary, whole_indices

LEFT_OUT = -1

_TYPES: dict[str, tuple[type, ...]] = {
    "num_words": (int, type(None)),
    "filters": (str,),
    "lower": (bool,),
    "split": (str,),
    "char_level": (bool,),
    "oov_token": (str, type(None)),
}
# What a Tokenizer did before it had the attribute.
_DEFAULTS: Mapping[str, Any] = {
    "num_words": None,
    "filters": FILTERS,
    "lower": True,
    "split": " ",
    "char_level": False,
    "oov_token": None,
    "document_count": 0,
    "index_docs": {},
}


def read_json(tokenizer_json: str) -> Vocabulary:
    """Read what `Tokenizer.to_json()` gave; its `analyzer` does not stand there.

    Raises ValueError for text that is not a fitted Tokenizer's JSON.
    """
    try:
        state = json.loads(tokenizer_json)
        if isinstance(state, str):  # json.dump(tokenizer.to_json(), file), as tutorials have it
            state = json.loads(state)
    except ValueError as exc:
        raise ValueError(f"expected the JSON of a Keras Tokenizer, got no JSON: {exc}") from exc
    name = state.get("class_name") if isinstance(state, dict) else type(state).__name__
    if name != "Tokenizer" or not isinstance(state.get("config"), dict):
        raise ValueError(
            "expected the JSON of a Keras Tokenizer, with class_name 'Tokenizer' and a config,"
            f" got class_name {name!r}"
        )
    config: dict[str, Any] = state["config"]
    missing = [field for field in (*_TYPES, "word_index") if field not in config]
    if missing:
        raise ValueError(f"expected a Tokenizer's config, got one without {', '.join(missing)}")
    documents = _unpacked(config, "index_docs").items()
    dictionaries = {
        "word_index": _unpacked(config, "word_index"),
        "index_docs": {int(index): number for index, number in documents},
    }
    return _vocabulary({**_DEFAULTS, **config, **dictionaries}, early=False)


def read_object(tokenizer: Any) -> Vocabulary:
    """Read a Tokenizer that was pickled by a Keras of any age, or an object with one in it.

    Raises ValueError for another object, one with an `analyzer`, and one that was not fitted.
    """
    attributes = dict(vars(_tokenizer_in(tokenizer)))
    analyzer = attributes.get("analyzer")
    if analyzer is not None:
        name = getattr(analyzer, "__qualname__", repr(analyzer))
        raise ValueError(
            f"expected a Tokenizer without an analyzer, got one with {name}: that is Python code,"
            " which a bundle does not hold"
        )
    if "nb_words" in attributes:  # Keras 1's name
        attributes["num_words"] = attributes["nb_words"]
    return _vocabulary({**_DEFAULTS, **attributes}, early="index_word" not in attributes)


def _tokenizer_in(found: Any) -> Any:
    """The object itself, or the one Tokenizer among its attributes; a user's own class may do more
    to a text than its Tokenizer, which cannot be seen here.
    """
    if _is_tokenizer(found):
        return found
    inside = {
        name: each for name, each in getattr(found, "__dict__", {}).items() if _is_tokenizer(each)
    }
    kind = f"{type(found).__module__}.{type(found).__name__}"
    if len(inside) != 1:
        raise ValueError(f"expected a Keras Tokenizer, got a {kind}")
    (name,) = inside
    print(
        f"pack: note: found the Tokenizer in {kind}.{name}; what else that class does is not packed"
    )
    return inside[name]


def _is_tokenizer(found: Any) -> bool:
    return type(found).__name__ == "Tokenizer" and hasattr(found, "word_index")


def _vocabulary(fields: Mapping[str, Any], early: bool) -> Vocabulary:
    """Of a Tokenizer's attributes, every one checked for its type.

    early: fitted by keras_preprocessing 1.0.1 or a Keras before it, of June 2018 or earlier. Those
        left known words of num_words and over out even where there was an oov_token, and did not
        lower single characters.
    """
    for field, types in _TYPES.items():
        if not isinstance(fields[field], types):
            expected = " or ".join(kind.__name__ for kind in types)
            got = type(fields[field]).__name__
            raise ValueError(f"expected {expected} for the Tokenizer's {field}, got {got}")
    word_index, oov_token = fields["word_index"], fields["oov_token"]
    if not word_index or (oov_token is not None and oov_token not in word_index):
        raise ValueError(
            "expected a Tokenizer fitted by fit_on_texts, got one whose word_index"
            f" {'is empty' if not word_index else f'lacks its oov_token {oov_token!r}'}"
        )
    known, num_words = whole_indices(word_index), fields["num_words"]
    kept = {word: index for word, index in known.items() if not num_words or index < num_words}
    if early and oov_token is not None:
        kept = dict.fromkeys(known, LEFT_OUT) | kept
    return Vocabulary(
        kept,
        None if oov_token is None else known[oov_token],
        None,
        fields["filters"],
        fields["lower"] and not (early and fields["char_level"]),
        fields["split"],
        fields["char_level"],
        num_words or len(known) + 1,
        fields["document_count"],
        fields["index_docs"],
    )


def _unpacked(config: Mapping[str, Any], field: str) -> Mapping[Any, Any]:
    """A dictionary of the Tokenizer, which it keeps as JSON inside its JSON."""
    packed = config.get(field, "{}")
    unpacked = json.loads(packed) if isinstance(packed, str) else packed
    if not isinstance(unpacked, dict) or packed is unpacked:
        raise ValueError(
            f"expected JSON of an object for the Tokenizer's {field}, got {type(packed).__name__}"
        )
    return unpacked
