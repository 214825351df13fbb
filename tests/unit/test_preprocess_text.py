"""Texts become padded token indices; tests/pack compares them with Keras's own."""

from dataclasses import replace

import numpy as np
import pytest

from serving.errors import InputTooLarge, UnfitInput
from serving.preprocessing.text import TextPreprocessing, preprocess_text

SPEC = TextPreprocessing(
    word_index={"<oov>": 1, "good": 2, "bad": 3, "très": 4},
    oov_index=1,
    filters="!.,",
    lower=True,
    split=" ",
    char_level=False,
    maxlen=4,
    padding="pre",
    truncating="pre",
    value=0,
    max_characters=1_000,
)


def test_words_become_indices_padded_in_front():
    batch = preprocess_text(["Good, bad!", "TRÈS"], SPEC)
    assert batch.dtype == np.int32
    assert batch.tolist() == [[0, 0, 2, 3], [0, 0, 0, 4]]


def test_padding_behind():
    assert preprocess_text(["good"], replace(SPEC, padding="post")).tolist() == [[2, 0, 0, 0]]


@pytest.mark.parametrize(("side", "kept"), [("pre", [2, 2, 2, 3]), ("post", [4, 2, 2, 2])])
def test_long_texts_lose_their_start_or_their_end(side, kept):
    batch = preprocess_text(["très good good good bad"], replace(SPEC, truncating=side))
    assert batch.tolist() == [kept]


def test_unknown_words_become_the_oov_index_or_nothing():
    assert preprocess_text(["good 😀 bad"], SPEC).tolist() == [[0, 2, 1, 3]]
    assert preprocess_text(["good 😀 bad"], replace(SPEC, oov_index=None)).tolist() == [
        [0, 0, 2, 3]
    ]


def test_characters_as_tokens():
    spec = replace(SPEC, char_level=True, word_index={"g": 1, "o": 2}, oov_index=None)
    assert preprocess_text(["Go!"], spec).tolist() == [[0, 0, 1, 2]]


def test_a_batch_equals_its_texts_one_by_one():
    texts = ["good", "bad bad", "good, très bad", "x y z"]
    single = np.concatenate([preprocess_text([text], SPEC) for text in texts])
    assert np.array_equal(preprocess_text(texts, SPEC), single)


@pytest.mark.parametrize("text", ["", "   ", "!.,", "! . ,"])
def test_a_text_without_a_word_is_refused(text):
    with pytest.raises(UnfitInput, match="instance 1: expected a text with at least one word"):
        preprocess_text(["good", text], SPEC)


@pytest.mark.parametrize("value", [None, 5, b"good", ["good"]])
def test_what_is_no_text_is_refused(value):
    with pytest.raises(UnfitInput, match="expected a text, got"):
        preprocess_text([value], SPEC)


def test_a_long_text_is_refused_before_it_is_split():
    with pytest.raises(InputTooLarge, match="at most 1000 characters, got 1001"):
        preprocess_text(["x" * 1_001], SPEC)
