"""Texts become padded token indices; tests/pack compares them with Keras's own."""

import numpy as np
import pytest

from serving.errors import InputTooLarge, UnfitInput
from serving.preprocessing.text.tokenizer import TextPreprocessing, preprocess_text, tokens

SPEC = TextPreprocessing(
    word_index={"<oov>": 1, "good": 2, "bad": 3, "très": 4},
    oov_index=1,
    start_index=None,
    filters="!.,",
    lower=True,
    split=" ",
    char_level=False,
    mode="int",
    maxlen=4,
    padding="pre",
    truncating="pre",
    value=0,
    columns=0,
    idf=None,
    max_characters=1_000,
)


def test_words_become_indices_padded_in_front():
    batch = preprocess_text(["Good, bad!", "TRÈS"], SPEC)
    assert batch.dtype == np.int32
    assert batch.tolist() == [[0, 0, 2, 3], [0, 0, 0, 4]]


def test_padding_behind():
    assert preprocess_text(["good"], SPEC._replace(padding="post")).tolist() == [[2, 0, 0, 0]]


@pytest.mark.parametrize(("side", "kept"), [("pre", [2, 2, 2, 3]), ("post", [4, 2, 2, 2])])
def test_long_texts_lose_their_start_or_their_end(side, kept):
    batch = preprocess_text(["très good good good bad"], SPEC._replace(truncating=side))
    assert batch.tolist() == [kept]


def test_unknown_words_become_the_oov_index_or_nothing():
    assert preprocess_text(["good 😀 bad"], SPEC).tolist() == [[0, 2, 1, 3]]
    assert preprocess_text(["good 😀 bad"], SPEC._replace(oov_index=None)).tolist() == [
        [0, 0, 2, 3]
    ]


def test_a_word_of_negative_index_is_left_out_though_there_is_an_oov_index():
    spec = SPEC._replace(word_index={**SPEC.word_index, "rare": -1})
    assert preprocess_text(["good rare bad new"], spec).tolist() == [[0, 2, 3, 1]]


def test_start_index_stands_in_front_of_every_text_even_of_unknown_words_alone():
    spec = SPEC._replace(start_index=9, oov_index=None, padding="post", truncating="post")
    assert preprocess_text(["good", "new", "bad bad bad bad"], spec).tolist() == [
        [9, 2, 0, 0],
        [9, 0, 0, 0],
        [9, 3, 3, 3],
    ]


def test_padding_has_the_value_that_the_spec_names():
    assert preprocess_text(["good"], SPEC._replace(value=7)).tolist() == [[7, 7, 7, 2]]


@pytest.mark.parametrize(
    ("mode", "row"),
    [
        ("binary", [0, 1, 1, 0]),
        ("count", [0, 1, 2, 0]),
        ("freq", [0, 0.25, 0.5, 0]),
        ("tfidf", [0, 0.5, 2 * (1 + np.log(2)), 0]),
    ],
)
def test_counting_modes_leave_out_indices_past_the_columns(mode, row):
    idf = [9, 0.5, 2, 9] if mode == "tfidf" else None
    spec = SPEC._replace(mode=mode, columns=4, idf=idf, word_index={"good": 2, "bad": 7})
    batch = preprocess_text(["good bad new good"], spec)
    assert batch.dtype == np.float32
    assert batch.tolist() == [[np.float32(value) for value in row]]


@pytest.mark.parametrize("filters", ["!.,", "!.,\u3002", ""])
@pytest.mark.parametrize("split", [" ", "\u3000", "--"])
def test_every_separator_gives_what_translate_and_split_give(filters, split):
    spec = SPEC._replace(filters=filters, split=split, lower=False)
    text = split.join(["a.b\u3002c", "", "--", "ÄÖ", "a b"]) + "\u3000!"
    table = str.maketrans(dict.fromkeys(filters, split))
    assert tokens(text, spec) == [word for word in text.translate(table).split(split) if word]


def test_characters_as_tokens():
    spec = SPEC._replace(char_level=True, word_index={"g": 1, "o": 2}, oov_index=None)
    assert preprocess_text(["Go!"], spec).tolist() == [[0, 0, 1, 2]]


def test_a_batch_equals_its_texts_one_by_one():
    texts = ["good", "bad bad", "good, très bad", "x y z"]
    single = np.concatenate([preprocess_text([text], SPEC) for text in texts])
    assert np.array_equal(preprocess_text(texts, SPEC), single)


@pytest.mark.parametrize("text", ["", "   ", "!.,", "! . ,"])
def test_a_text_without_a_word_is_refused(text):
    with pytest.raises(UnfitInput, match="instance 1: expected a text with at least one word"):
        preprocess_text(["good", text], SPEC)


def test_half_of_a_surrogate_pair_is_refused():
    with pytest.raises(UnfitInput, match=r"instance 1: .* half of a surrogate pair at 2"):
        preprocess_text(["good", "é \ud83d"], SPEC)


@pytest.mark.parametrize("value", [None, 5, b"good", ["good"]])
def test_what_is_no_text_is_refused(value):
    with pytest.raises(UnfitInput, match="expected a text, got"):
        preprocess_text([value], SPEC)


def test_a_long_text_is_refused_before_it_is_split():
    with pytest.raises(InputTooLarge, match="at most 1000 characters, got 1001"):
        preprocess_text(["x" * 1_001], SPEC)
