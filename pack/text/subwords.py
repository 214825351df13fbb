"""A Hugging Face tokenizer's `tokenizer.json` to the settings of its preprocessing."""

from collections.abc import Mapping, Sequence
from typing import Any

from pack.text import INPUTS
from serving.preprocessing.text.sequences import Side
from serving.preprocessing.text.subwords import SubwordPreprocessing

_SIDES: Mapping[str, Side] = {"Left": "pre", "Right": "post"}
# A part of an input's name in the model -> what it takes.
_INPUT_NAMES = {"mask": "attention_mask", "type": "type_ids", "segment": "type_ids"}
_PADDING_TOKENS = ("[PAD]", "<pad>", "<|pad|>")


def read_subwords(
    content: Mapping[str, Any],
    *,
    maxlen: int,
    inputs: Sequence[Any] = ("ids",),
    special_tokens: bool = True,
    padding: Side | None = None,
    truncating: Side | None = None,
    pad_id: int | None = None,
    max_characters: int,
) -> SubwordPreprocessing:
    """The preprocessing of a parsed `tokenizer.json`.

    padding, truncating: None is the side that the file names, else "post", the library's default.
    pad_id: None is what the file names, else the id of its [PAD] or <pad>.

    Raises ValueError for a tokenizer that does not load, draws random tokens, or leaves no room
    for words in `maxlen`, and if no id for padding is known.
    """
    settings = content.get("padding") or {}
    cutting = content.get("truncation") or {}
    dropout = (content.get("model") or {}).get("dropout")
    if dropout:
        raise ValueError(
            f"expected a tokenizer of the same tokens every time, got one of dropout {dropout}"
        )
    spec = SubwordPreprocessing(
        tokenizer={**content, "padding": None, "truncation": None},
        special_tokens=special_tokens,
        maxlen=maxlen,
        padding=padding or _SIDES[settings.get("direction", "Right")],
        truncating=truncating or _SIDES[cutting.get("direction", "Right")],
        pad_id=_pad_id(content) if pad_id is None else pad_id,
        pad_type_id=settings.get("pad_type_id", 0),
        inputs=list(inputs),
        max_characters=max_characters,
    )
    added = spec.encoder.num_special_tokens_to_add(is_pair=False) if special_tokens else 0
    if maxlen <= added:
        raise ValueError(
            f"expected a maxlen over the {added} special tokens that the tokenizer adds,"
            f" got {maxlen}"
        )
    return spec


def name_inputs(names: Sequence[str], given: str | None) -> list[str]:
    """What each of a model's inputs takes: as given, between commas, or guessed from their names.

    Raises ValueError unless that is one of the library's names for each input, and none twice.
    """
    names = names or ["ids"]
    if given:
        chosen = [name.strip() for name in given.split(",")]
    else:
        chosen = [_guess(name) for name in names] if len(names) > 1 else ["ids"]
    unknown = [name for name in chosen if name not in INPUTS]
    if unknown or len(chosen) != len(names) or len(set(chosen)) != len(chosen):
        raise ValueError(
            f"expected --inputs, one of {', '.join(INPUTS)} for each of the model's inputs"
            f" {', '.join(names)}, got {', '.join(chosen)}"
        )
    return chosen


def _guess(name: str) -> str:
    return next((taken for part, taken in _INPUT_NAMES.items() if part in name), "ids")


def _pad_id(content: Mapping[str, Any]) -> int:
    settings = content.get("padding")
    if settings:
        return int(settings["pad_id"])
    added = {token["content"]: token["id"] for token in content.get("added_tokens") or ()}
    found = [added[token] for token in _PADDING_TOKENS if token in added]
    if not found:
        raise ValueError(
            f"expected a tokenizer that names its padding, got none of {', '.join(_PADDING_TOKENS)}"
            " among its added tokens: give --pad-value, the id that training padded with"
        )
    return int(found[0])
