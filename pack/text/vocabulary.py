"""Words and their indices to the settings of the text preprocessing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from serving.preprocessing.text.sequences import Side
from serving.preprocessing.text.tokenizer import Mode, TextPreprocessing

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'  # the Tokenizer's default


@dataclass(frozen=True)
class Vocabulary:
    """What is known of the words, before a length or a mode is chosen.

    The fields are those of TextPreprocessing, and:
    columns: of a matrix: the Tokenizer's `num_words`, or one more than its words.
    document_count, index_docs: as the Tokenizer's attributes; 0 where no documents were counted.
    """

    word_index: Mapping[str, int]
    oov_index: int | None
    start_index: int | None
    filters: str
    lower: bool
    split: str
    char_level: bool
    columns: int
    document_count: int
    index_docs: Mapping[int, int]

    def __post_init__(self) -> None:
        """Raise ValueError for an empty split, at which Python splits no text."""
        if not self.split and not self.char_level:
            raise ValueError("expected a split of at least 1 character, got an empty one")


def read_word_index(
    word_index: Any,
    *,
    num_words: int | None = None,
    index_from: int = 0,
    start_index: int | None = None,
    oov_index: int | None = None,
    filters: str = FILTERS,
    lower: bool = True,
    split: str = " ",
    char_level: bool = False,
) -> Vocabulary:
    """Read a plain dictionary of words and indices.

    `num_words`, `index_from`, `start_index` and `oov_index` are `keras.datasets.imdb.load_data`'s
    `num_words`, `index_from`, `start_char` and `oov_char`; the rest is the Tokenizer's.

    Raises ValueError for anything but a dictionary of whole numbers by word.
    """
    moved = {word: index + index_from for word, index in whole_indices(word_index).items()}
    kept = {word: index for word, index in moved.items() if not num_words or index < num_words}
    if not kept:
        raise ValueError(f"expected a word of an index under {num_words}, got none")
    return Vocabulary(
        kept,
        oov_index,
        start_index,
        filters,
        lower,
        split,
        char_level,
        columns=num_words or max([*kept.values(), oov_index or 0, start_index or 0]) + 1,
        document_count=0,
        index_docs={},
    )


def preprocessing_of(
    vocabulary: Vocabulary,
    *,
    mode: Mode = "int",
    maxlen: int = 0,
    padding: Side = "pre",
    truncating: Side = "pre",
    value: int = 0,
    max_characters: int,
) -> TextPreprocessing:
    """The preprocessing that gives what `texts_to_sequences` and `pad_sequences` give, or
    `texts_to_matrix` in the other modes; the defaults are `pad_sequences`'s.

    Raises ValueError for a `maxlen` under 1 in mode "int", and for mode "tfidf" if no documents
    were counted.
    """
    if mode == "int" and maxlen < 1:
        raise ValueError(f"expected maxlen of at least 1, got {maxlen}")
    return TextPreprocessing(
        word_index=vocabulary.word_index,
        oov_index=vocabulary.oov_index,
        start_index=vocabulary.start_index,
        filters=vocabulary.filters,
        lower=vocabulary.lower,
        split=vocabulary.split,
        char_level=vocabulary.char_level,
        mode=mode,
        maxlen=maxlen if mode == "int" else 0,
        padding=padding,
        truncating=truncating,
        value=value,
        columns=0 if mode == "int" else vocabulary.columns,
        idf=_idf(vocabulary) if mode == "tfidf" else None,
        max_characters=max_characters,
    )


def whole_indices(word_index: Any) -> dict[str, int]:
    """The dictionary, its numbers Python's own; raise ValueError unless it is one."""
    if not isinstance(word_index, Mapping):
        raise ValueError(f"expected whole numbers by word, got a {type(word_index).__name__}")
    for word, index in word_index.items():
        whole = isinstance(index, int | np.integer) and not isinstance(index, bool) and index >= 0
        if not whole or not isinstance(word, str):
            raise ValueError(f"expected whole numbers by word, got {index!r} for {word!r}")
    return {word: int(index) for word, index in word_index.items()}


def _idf(vocabulary: Vocabulary) -> list[float]:
    """The formula of `Tokenizer.sequences_to_matrix`."""
    total = vocabulary.document_count
    if not total:
        raise ValueError("expected a Tokenizer that has counted documents for mode tfidf, got 0")
    documents = [vocabulary.index_docs.get(index, 0) for index in range(vocabulary.columns)]
    return [float(np.log(1 + total / (1 + number))) for number in documents]
