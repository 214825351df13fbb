"""Texts to model input: split into words, look up their indices, pad to one length.

The words and indices are those of Keras's `Tokenizer.texts_to_sequences`, the padding that of
`keras.utils.pad_sequences`; neither is imported.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from serving.errors import InputTooLarge, UnfitInput, describe


@dataclass(frozen=True)
class TextPreprocessing:
    """How a text becomes token indices; the fields are those of `preprocessing.json`.

    word_index: index of every word the model knows, those under the Tokenizer's `num_words`.
    oov_index: stands for every other word; None leaves other words out.
    filters, lower, split, char_level: as the Tokenizer's arguments of those names.
    maxlen, padding, truncating, value: as `pad_sequences`'s.
    max_characters: a longer text is refused before it is split.
    """

    word_index: Mapping[str, int]
    oov_index: int | None
    filters: str
    lower: bool
    split: str
    char_level: bool
    maxlen: int
    padding: Literal["pre", "post"]
    truncating: Literal["pre", "post"]
    value: int
    max_characters: int

    @cached_property
    def translation(self) -> dict[int, str]:
        """The table for `str.translate` that puts the separator for every filtered character."""
        return str.maketrans(dict.fromkeys(self.filters, self.split))


def preprocess_text(texts: Sequence[str], spec: TextPreprocessing) -> NDArray[np.int32]:
    """Turn texts into one batch of padded token indices.

    Returns shape (len(texts), maxlen), int32, 0 to the largest index of the vocabulary.
    Raises InputTooLarge for a text that is too long and UnfitInput for what is not a text or
    has no token in it.
    """
    sequences = [_sequence(text, index, spec) for index, text in enumerate(texts)]
    lengths = np.fromiter(map(len, sequences), np.intp, len(sequences))
    positions = np.arange(spec.maxlen)
    if spec.padding == "pre":
        filled = positions >= spec.maxlen - lengths[:, None]
    else:
        filled = positions < lengths[:, None]
    batch = np.full((len(sequences), spec.maxlen), spec.value, np.int32)
    batch[filled] = np.fromiter(chain.from_iterable(sequences), np.int32, lengths.sum())
    return batch


def _sequence(text: str, index: int, spec: TextPreprocessing) -> list[int]:
    """Indices of one text's tokens, no more than `maxlen` of them."""
    if not isinstance(text, str):
        raise UnfitInput(f"instance {index}: expected a text, got {describe(text)}")
    if len(text) > spec.max_characters:
        raise InputTooLarge(
            f"instance {index}: expected a text of at most {spec.max_characters} characters,"
            f" got {len(text)}"
        )
    tokens = _tokens(text, spec)
    if not tokens:
        raise UnfitInput(f"instance {index}: expected a text with at least one word, got none")
    known = spec.word_index
    if spec.oov_index is None:
        indices = [known[token] for token in tokens if token in known]
    else:
        indices = [known.get(token, spec.oov_index) for token in tokens]
    return indices[-spec.maxlen :] if spec.truncating == "pre" else indices[: spec.maxlen]


def _tokens(text: str, spec: TextPreprocessing) -> Sequence[str]:
    """As `text_to_word_sequence`; for char_level every character is a token, unfiltered."""
    if spec.lower:
        text = text.lower()
    if spec.char_level:
        return text
    words: Iterable[str] = text.translate(spec.translation).split(spec.split)
    return [word for word in words if word]
