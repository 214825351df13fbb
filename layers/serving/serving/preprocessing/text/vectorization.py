"""Texts to model input as Keras's `TextVectorization` layer does it; TensorFlow is not imported.

What the layer gets from TensorFlow, in its words: `tf.strings.lower` without an encoding lowers
A to Z alone, the pattern of its `regex_replace` is ASCII's punctuation, `tf.strings.split` splits
at ASCII's six kinds of white space, `tf.strings.unicode_split` gives code points.
"""

import string
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import chain, repeat
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving.preprocessing.text.sequences import check_texts, check_tokens, count, pad

_LOWERED = bytes.maketrans(string.ascii_uppercase.encode(), string.ascii_lowercase.encode())
_PUNCTUATION = string.punctuation.encode()
_SPACES = bytes.maketrans(b"\t\n\v\f\r", b"     ")
_FIRST_TOKEN = {"int": 2, "multi_hot": 1, "count": 1, "tf_idf": 1}  # behind mask and [UNK]


class _VectorizationPreprocessing(NamedTuple):
    vocabulary: Sequence[str]
    standardize: Literal["lower", "strip_punctuation", "lower_and_strip_punctuation"] | None
    split: Literal["whitespace", "character"] | None
    ngrams: Sequence[int] | None
    output_mode: Literal["int", "multi_hot", "count", "tf_idf"]
    maxlen: int
    columns: int
    idf_weights: Sequence[float] | None
    max_characters: int


class VectorizationPreprocessing(_VectorizationPreprocessing):
    """How a text becomes model input; the fields are those of `preprocessing.json` but "kind".

    vocabulary: what `TextVectorization.get_vocabulary()` gives: for output_mode "int" it begins
        with "" (padding) and "[UNK]" (any other token), for the others with "[UNK]".
    standardize, split, output_mode: as the layer's arguments of those names.
    ngrams: lengths of the runs of tokens that count as tokens, in order; None: single tokens.
    maxlen: the layer's `output_sequence_length`, for output_mode "int"; 0 in others.
    columns: numbers in a row, 0 for output_mode "int".
    idf_weights: weight of each column, for output_mode "tf_idf" alone.
    max_characters: a longer text is refused before it is split.
    """

    @cached_property
    def indices(self) -> dict[str, int]:
        """Index of every known token."""
        first = _FIRST_TOKEN[self.output_mode]
        return dict(zip(self.vocabulary[first:], range(first, len(self.vocabulary)), strict=True))

    @cached_property
    def weights(self) -> NDArray[np.float32]:
        """`idf_weights` as an array; the layer keeps them and multiplies in float32."""
        return np.asarray(self.idf_weights, np.float32)


def preprocess_vectorization(
    texts: Sequence[str], spec: VectorizationPreprocessing
) -> NDArray[Any]:
    """Turn texts into one batch: token indices, or how often each token stands in them.

    Returns shape (len(texts), maxlen), int32, 0 to the largest index; or (len(texts), columns),
    float32, 0 and up. The layer itself gives int64, of the same values, in all but "tf_idf".
    Raises InputTooLarge for a text that is too long and UnfitInput for what is not a text or
    has no token in it.
    """
    check_texts(texts, spec.max_characters)
    found = [tokens(text, spec) for text in texts]
    check_tokens(list(map(len, found)), _token(spec))
    return encode(*sequences(found, spec), spec)


def tokens(text: str, spec: VectorizationPreprocessing) -> list[str]:
    """Standardize, split, join to n-grams; the empty token, which the layer masks, is left out."""
    table, unwanted = _STANDARDIZE[spec.standardize]
    standardized = text.encode().translate(table, unwanted)
    found = _SPLIT[spec.split](standardized)
    if spec.ngrams is None:
        return found
    return list(chain.from_iterable(_runs(found, length) for length in spec.ngrams))


def sequences(
    found: Sequence[Sequence[str]], spec: VectorizationPreprocessing
) -> tuple[NDArray[np.int32], Sequence[int]]:
    """The indices of all texts' tokens, one text after the other, and how many each text has."""
    lengths = list(map(len, found))
    unknown = _FIRST_TOKEN[spec.output_mode] - 1
    indices = map(spec.indices.get, chain.from_iterable(found), repeat(unknown))
    return np.fromiter(indices, np.int32, sum(lengths)), lengths


def encode(
    flat: NDArray[np.int32], lengths: Sequence[int], spec: VectorizationPreprocessing
) -> NDArray[Any]:
    """The batch of the output mode, from what `sequences` gives."""
    if spec.output_mode == "int":
        return pad(flat, lengths, spec.maxlen, "post", "post", 0)
    rows, columns, counts = count(flat, lengths, spec.columns)
    weights = counts if spec.idf_weights is None else spec.weights[columns]
    matrix = np.zeros((len(lengths), spec.columns), np.float32)
    matrix[rows, columns] = _VALUES[spec.output_mode](counts, weights)
    return matrix


def _runs(found: Sequence[str], length: int) -> list[str]:
    """As `tf.strings.ngrams` with a blank between."""
    return list(map(" ".join, zip(*(found[start:] for start in range(length)), strict=False)))


def _token(spec: VectorizationPreprocessing) -> str:
    shortest = min(spec.ngrams or [1])
    return "word" if shortest == 1 else f"run of {shortest} words"


# A table and what to delete, for `bytes.translate`: in UTF-8 ASCII's bytes stand for ASCII alone.
_STANDARDIZE: dict[str | None, tuple[bytes | None, bytes]] = {
    None: (None, b""),
    "lower": (_LOWERED, b""),
    "strip_punctuation": (None, _PUNCTUATION),
    "lower_and_strip_punctuation": (_LOWERED, _PUNCTUATION),
}
_SPLIT: dict[str | None, Callable[[bytes], list[str]]] = {
    None: lambda text: [text.decode()] if text else [],
    # Not str.split(), which splits at Unicode's white space; decoding once is faster than by word
    "whitespace": lambda text: list(filter(None, text.translate(_SPACES).decode().split(" "))),
    "character": lambda text: list(text.decode()),
}
_VALUES: dict[str, Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]] = {
    "multi_hot": lambda counts, _: np.ones_like(counts),
    "count": lambda counts, _: counts,
    "tf_idf": lambda counts, weights: counts.astype(np.float32) * weights,
}
