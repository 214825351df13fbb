"""Texts to model input: split into words, look up their indices, pad to one length or count.

The words and indices are those of Keras's `Tokenizer.texts_to_sequences`, the padding that of
`keras.utils.pad_sequences`, the counts those of `Tokenizer.sequences_to_matrix`; none is imported.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from itertools import chain, repeat
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving.preprocessing.text.sequences import Side, check_texts, check_tokens, count, pad

type Mode = Literal["int", "binary", "count", "tfidf", "freq"]


class _TextPreprocessing(NamedTuple):
    word_index: Mapping[str, int]
    oov_index: int | None
    start_index: int | None
    filters: str
    lower: bool
    split: str
    char_level: bool
    mode: Mode
    maxlen: int
    padding: Side
    truncating: Side
    value: int
    columns: int
    idf: Sequence[float] | None
    max_characters: int


class TextPreprocessing(_TextPreprocessing):
    """How a text becomes model input; the fields are those of `preprocessing.json` but "kind".

    word_index: index of every word that the model knows; a word of a negative one is left out.
    oov_index: stands for every other word; None leaves other words out.
    start_index: stands in front of every text, as in `keras.datasets.imdb`; None puts nothing.
    filters, lower, split, char_level: as the Tokenizer's arguments of those names.
    mode: "int" gives sequences, the others a row of numbers each, as `texts_to_matrix`'s modes.
    maxlen, padding, truncating, value: as `pad_sequences`'s, for mode "int"; maxlen is 0 in others.
    columns: numbers in a row, 0 for mode "int"; an index of as many and over counts for none.
    idf: weight of each column, for mode "tfidf" alone.
    max_characters: a longer text is refused before it is split.
    """

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """`idf` as an array."""
        return np.asarray(self.idf, np.float64)

    @cached_property
    def translation(self) -> dict[int, str]:
        """The table for `str.translate` that puts the separator for every filtered character."""
        return str.maketrans(dict.fromkeys(self.filters, self.split))

    @cached_property
    def byte_translation(self) -> bytes | None:
        """The same for `bytes.translate`; None unless all of it is single ASCII characters."""
        if not self.filters.isascii() or not self.split.isascii() or len(self.split) != 1:
            return None
        return bytes.maketrans(self.filters.encode(), self.split.encode() * len(self.filters))


def preprocess_text(texts: Sequence[str], spec: TextPreprocessing) -> NDArray[Any]:
    """Turn texts into one batch: padded token indices, or how often each token stands in them.

    Returns shape (len(texts), maxlen), int32, 0 to the largest index; or (len(texts), columns),
    float32, 0 and up.
    Raises InputTooLarge for a text that is too long and UnfitInput for what is not a text or
    has no token in it.
    """
    check_texts(texts, spec.max_characters)
    words = [tokens(text, spec) for text in texts]
    check_tokens(list(map(len, words)))
    return encode(*sequences(words, spec), spec)


def tokens(text: str, spec: TextPreprocessing) -> Sequence[str]:
    """As `text_to_word_sequence`; for char_level every character is a token, unfiltered."""
    if spec.lower:
        text = text.lower()
    if spec.char_level:
        return text
    return list(filter(None, _separate(text, spec).split(spec.split)))


def sequences(
    words: Sequence[Sequence[str]], spec: TextPreprocessing
) -> tuple[NDArray[np.int32], Sequence[int]]:
    """The indices of all texts' tokens, one text after the other, and how many each text has."""
    lengths = list(map(len, words))
    unknown = repeat(-1 if spec.oov_index is None else spec.oov_index)
    found = map(spec.word_index.get, chain.from_iterable(words), unknown)
    flat = np.fromiter(found, np.int32, sum(lengths))
    known = flat >= 0
    if not known.all():
        rows = np.repeat(np.arange(len(lengths)), lengths)
        flat, lengths = flat[known], np.bincount(rows[known], minlength=len(lengths)).tolist()
    if spec.start_index is None:
        return flat, lengths
    starts = np.cumsum([0, *lengths[:-1]])
    return np.insert(flat, starts, spec.start_index), [length + 1 for length in lengths]


def encode(
    flat: NDArray[np.int32], lengths: Sequence[int], spec: TextPreprocessing
) -> NDArray[Any]:
    """The batch of the mode, from what `sequences` gives."""
    if spec.mode == "int":
        return pad(flat, lengths, spec.maxlen, spec.padding, spec.truncating, spec.value)
    rows, columns, counts = count(flat, lengths, spec.columns)
    idf = counts if spec.idf is None else spec.weights[columns]
    matrix = np.zeros((len(lengths), spec.columns), np.float32)
    matrix[rows, columns] = _VALUES[spec.mode](counts, np.asarray(lengths)[rows], idf)
    return matrix


def _separate(text: str, spec: TextPreprocessing) -> str:
    """The separator in the place of every filtered character.

    An ASCII character is one byte of UTF-8 that stands for nothing else, and bytes are translated
    twenty times as fast as a text that is not ASCII.
    """
    if spec.byte_translation is None:
        return text.translate(spec.translation)
    return text.encode().translate(spec.byte_translation).decode()


# From a token's count in a text, the text's length and the token's weight
_VALUES: dict[str, Callable[[NDArray[Any], NDArray[Any], NDArray[Any]], NDArray[Any]]] = {
    "binary": lambda counts, _, __: np.ones_like(counts),
    "count": lambda counts, _, __: counts,
    "freq": lambda counts, lengths, _: counts / lengths,
    "tfidf": lambda counts, _, idf: (1 + np.log(counts)) * idf,
}
