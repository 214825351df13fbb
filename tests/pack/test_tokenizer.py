"""Texts through our preprocessing give what Keras's Tokenizer and pad_sequences give."""

import argparse
import json
import pickle
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("tensorflow")

import keras
from keras._tf_keras.keras.preprocessing.text import Tokenizer

from pack import text
from pack.text.tokenizer import read_json, read_object
from pack.text.vocabulary import preprocessing_of, read_word_index
from serving.errors import InputTooLarge, UnfitInput
from serving.preprocessing.text.tokenizer import TextPreprocessing, preprocess_text

pytestmark = pytest.mark.pack

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
SCRIPTS = [
    "The quick brown fox, it jumped over the lazy dog!",
    "Fußgänger in der STRASSE; ẞ und ß",
    "ΟΔΥΣΣΕΥΣ ΣΑΣ ὈΔΥΣΣΕΎΣ, Σ. σ ς",
    "İstanbul ISPARTA ılık İİ",
    "Съешь ещё этих мягких французских булок",
    "ՀԱՅԵՐԵՆ գիր, ႠႡႢ აბგ ᲐᲑᲒ",
    "שָׁלוֹם עולם",
    "مرحبا بالعالم، كيف؟",
    "नमस्ते दुनिया। হ্যালো বিশ্ব",
    "வணக்கம் உலகம் తెలుగు ಕನ್ನಡ മലയാളം",
    "สวัสดีชาวโลก ລາວ ខ្មែរ မြန်မာ",
    "你好，世界。 こんにちは 世界 안녕하세요 세계",
    "ᏣᎳᎩ ꭰꭱ 𐐀𐐨 Ⰰⰰ ǅ Ⅷ Ⓐ",
    "e\u0301 é A\u030a Å ﬁ ﬀ",
    "no\u00a0break thin\u2009space zero\u200bwidth line\u2028end \x00 \x1f \x85",
    "👩‍👩‍👧 👍🏽 🇨🇭 ❤️\r\n",
]

words = st.text(max_size=4) | st.sampled_from(" ".join(SCRIPTS).split())
texts = st.lists(words, max_size=8).map(" ".join) | st.sampled_from(SCRIPTS)
tokenizers = st.fixed_dictionaries(
    {
        "num_words": st.none() | st.integers(0, 12),
        "filters": st.just(FILTERS) | st.text(max_size=5),
        "lower": st.booleans(),
        "split": st.just(" ") | st.text(min_size=1, max_size=2),
        "char_level": st.booleans(),
        "oov_token": st.none() | st.just("<unknown>") | st.text(max_size=2),
    }
)
sides = st.sampled_from(["pre", "post"])


def spec_of(tokenizer, maxlen=10, **options):
    spec = preprocessing_of(
        read_json(tokenizer.to_json()), maxlen=maxlen, max_characters=10_000, **options
    )
    return TextPreprocessing(**json.loads(json.dumps(spec._asdict())))


def fitted(texts=("a b b c c c",), **options):
    tokenizer = Tokenizer(**options)
    tokenizer.fit_on_texts(texts)
    return tokenizer


def has_token(tokenizer, text):
    everything = Tokenizer(
        filters=tokenizer.filters,
        lower=tokenizer.lower,
        split=tokenizer.split,
        char_level=tokenizer.char_level,
    )
    everything.fit_on_texts([text])
    return bool(everything.word_index)


@settings(deadline=None, max_examples=400)
@given(
    corpus=st.lists(texts, min_size=1, max_size=6),
    unseen=st.lists(texts, max_size=6),
    options=tokenizers,
    maxlen=st.integers(1, 20),
    padding=sides,
    truncating=sides,
    value=st.integers(0, 9),
)
def test_every_option_and_script_gives_the_sequences_of_keras(
    corpus, unseen, options, maxlen, padding, truncating, value
):
    tokenizer = fitted(corpus, **options)
    if not tokenizer.word_index:
        return
    batch = [text for text in corpus + unseen if has_token(tokenizer, text)]
    spec = spec_of(tokenizer, maxlen, padding=padding, truncating=truncating, value=value)
    ours = preprocess_text(batch, spec)
    theirs = keras.utils.pad_sequences(
        tokenizer.texts_to_sequences(batch), maxlen, "int32", padding, truncating, value
    )
    assert ours.dtype == np.int32
    assert np.array_equal(ours, theirs.reshape(ours.shape))


@settings(deadline=None, max_examples=150)
@given(
    corpus=st.lists(texts, min_size=1, max_size=6),
    unseen=st.lists(texts, max_size=6),
    options=tokenizers,
    mode=st.sampled_from(["binary", "count", "tfidf", "freq"]),
)
def test_every_mode_gives_the_matrix_of_keras(corpus, unseen, options, mode):
    tokenizer = fitted(corpus, **options)
    if not tokenizer.word_index:
        return
    batch = [text for text in corpus + unseen if has_token(tokenizer, text)]
    ours = preprocess_text(batch, spec_of(tokenizer, mode=mode))
    theirs = tokenizer.texts_to_matrix(batch, mode).astype(np.float32)
    assert ours.dtype == np.float32
    assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("char_level", [False, True])
@pytest.mark.parametrize("text", SCRIPTS)
def test_a_sentence_of_each_script_gives_the_sequence_of_keras(text, char_level):
    tokenizer = fitted(SCRIPTS, char_level=char_level, oov_token="<unknown>", num_words=60)
    theirs = keras.utils.pad_sequences(tokenizer.texts_to_sequences([text]), 10)
    assert np.array_equal(preprocess_text([text], spec_of(tokenizer)), theirs)


def test_vocabulary_ends_before_num_words():
    spec = spec_of(fitted(num_words=3, oov_token="?"))
    assert spec.word_index == {"?": 1, "c": 2}
    assert spec.oov_index == 1


def test_no_oov_token_means_no_oov_index():
    assert spec_of(fitted()).oov_index is None


def test_oov_token_that_is_also_a_word_has_the_index_of_the_word():
    assert spec_of(fitted(oov_token="b", num_words=3)).oov_index == 3


def test_text_without_a_word_is_refused():
    with pytest.raises(UnfitInput, match="instance 1: expected a text with at least one word"):
        preprocess_text(["a", " ?! "], spec_of(fitted()))


def test_long_text_is_refused():
    with pytest.raises(InputTooLarge, match="at most 10000 characters, got 10001"):
        preprocess_text(["a" * 10_001], spec_of(fitted()))


def without(tokenizer, *attributes, **others):
    """A Tokenizer as one pickled by an older Keras loads: some attributes are not there."""
    old = Tokenizer.__new__(Tokenizer)
    kept = {name: value for name, value in vars(tokenizer).items() if name not in attributes}
    vars(old).update(kept | others)
    return old


def test_a_pickled_tokenizer_gives_what_its_json_gives():
    tokenizer = fitted(SCRIPTS, num_words=60, oov_token="?")
    loaded = pickle.loads(pickle.dumps(tokenizer))
    assert read_object(loaded) == read_json(tokenizer.to_json())


def test_attributes_that_an_old_pickle_lacks_have_the_behaviour_of_their_time():
    tokenizer = fitted(SCRIPTS)
    old = without(tokenizer, "oov_token", "analyzer", "char_level", "num_words", nb_words=60)
    ours = preprocess_text(
        SCRIPTS, preprocessing_of(read_object(old), maxlen=10, max_characters=1000)
    )
    tokenizer.num_words = 60
    assert np.array_equal(
        ours, keras.utils.pad_sequences(tokenizer.texts_to_sequences(SCRIPTS), 10)
    )


def sequences_of_2018(texts, word_index, num_words, oov_token, char_level):
    """texts_to_sequences of keras_preprocessing 1.0.1, its oov_token the last of the words."""
    rows = []
    for sentence in texts:
        found = []
        for word in sentence if char_level else sentence.lower().split():
            index = word_index.get(word)
            if index is not None and index >= num_words:
                continue
            found += [word_index[oov_token] if index is None else index]
        rows.append(found)
    return rows


@pytest.mark.parametrize("char_level", [False, True])
def test_a_tokenizer_of_2018_leaves_rare_words_out_and_has_its_oov_token_last(char_level):
    tokenizer = fitted(["A b b c c c d d d d"], char_level=char_level)
    words = {"d": 1, "c": 2, "b": 3, "a": 4, "?": 5} | ({" ": 6, "A": 7} if char_level else {})
    old = without(tokenizer, "index_word", word_index=words, num_words=3, oov_token="?")
    texts = ["d c A x", "X c", "d b"]
    spec = preprocessing_of(read_object(old), maxlen=8, max_characters=99)
    theirs = sequences_of_2018(texts, words, 3, "?", char_level)
    assert np.array_equal(preprocess_text(texts, spec), keras.utils.pad_sequences(theirs, 8))


def my_analyzer(text):
    return text.split("|")


class MyTokenizer(Tokenizer):
    pass


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (fitted(["a|b"], analyzer=my_analyzer), "without an analyzer, got one with my_analyzer"),
        (OrderedDict(a=1), "expected a Keras Tokenizer, got a collections.OrderedDict"),
        (MyTokenizer(), "got a .*MyTokenizer"),
        (Tokenizer(), "word_index is empty"),
        (without(fitted(), split=""), "split of at least 1 character"),
        (without(fitted(), word_index={"a": 1.5}), "whole numbers by word, got 1.5 for 'a'"),
        (without(fitted(), word_index={7: 1}), "whole numbers by word, got 1 for 7"),
    ],
)
def test_an_object_that_cannot_be_reproduced_is_refused(found, message):
    with pytest.raises(ValueError, match=message):
        read_object(found)


def test_a_word_index_gives_the_sequences_of_the_imdb_data_set():
    # As load_data does with 8 words, start_char 1, oov_char 2 and index_from 3
    words = {"the": 1, "film": 2, "was": 3, "good": 4, "bad": 5}
    raw = [[1, 2, 3, 4], [5], [1, 1, 1, 1, 1, 1]]
    theirs = [[1] + [index + 3 if index + 3 < 8 else 2 for index in row] for row in raw]
    texts = ["The film was good.", "bad", "the " * 6]
    found = read_word_index(words, num_words=8, index_from=3, start_index=1, oov_index=2)
    spec = preprocessing_of(found, maxlen=5, max_characters=99)
    assert np.array_equal(preprocess_text(texts, spec), keras.utils.pad_sequences(theirs, 5))
    assert preprocess_text(["unheard"], spec).tolist() == [[0, 0, 0, 1, 2]]


def test_a_character_index_counts_characters():
    found = read_word_index({"a": np.int64(1), "B": 2}, char_level=True, lower=False)
    spec = preprocessing_of(found, mode="count", max_characters=99)
    assert preprocess_text(["aB ab"], spec).tolist() == [[0, 2, 1]]


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"a": "b"}, "whole numbers by word, got 'b' for 'a'"),
        ({"a": -1}, "got -1 for 'a'"),
        ({"a": True}, "got True for 'a'"),
        (["a"], "whole numbers by word, got a list"),
        ({"a": 5}, "an index under 3, got none"),
    ],
)
def test_what_is_no_word_index_is_refused(found, message):
    with pytest.raises(ValueError, match=message):
        read_word_index(found, num_words=3)


def test_mode_tfidf_needs_counted_documents():
    with pytest.raises(ValueError, match="counted documents for mode tfidf"):
        preprocessing_of(read_word_index({"a": 1}), mode="tfidf", max_characters=9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "got no JSON"),
        ("[]", "got class_name 'list'"),
        ('{"class_name": "TextVectorization", "config": {}}', "got class_name 'TextVectorization'"),
        ('{"class_name": "Tokenizer", "config": {"lower": true}}', "got one without num_words"),
        (fitted().to_json().replace('"lower": true', '"lower": 1'), "expected bool .* lower"),
        (fitted().to_json().replace('"word_index": ', '"word_index": 3, "w": '), "word_index, got"),
        (Tokenizer().to_json(), "word_index is empty"),
        (fitted().to_json().replace('"oov_token": null', '"oov_token": "x"'), "lacks its oov_tok"),
    ],
)
def test_other_json_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        read_json(text)


def test_json_of_the_json_as_tutorials_save_it_is_read():
    tokenizer = fitted()
    assert read_json(json.dumps(tokenizer.to_json())) == read_json(tokenizer.to_json())


def test_maxlen_of_zero_is_refused():
    with pytest.raises(ValueError, match="maxlen of at least 1, got 0"):
        spec_of(fitted(), maxlen=0)


def prepared(model, *options):
    parser = argparse.ArgumentParser()
    text.add_arguments(parser)
    parser.add_argument("--trust-pickle", action="store_true")
    return text.prepare(parser.parse_args(list(map(str, options))), model)


def embedding(indices=20, maxlen=None):
    words = keras.Input((maxlen,))
    x = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(indices, 2, name="w")(words))
    return keras.Model(words, keras.layers.Dense(1)(x))


@pytest.fixture
def files(tmp_path):
    """Files of every kind of what is fitted, by name."""
    tokenizer = fitted(["a b b c c c"])
    (tmp_path / "t.json").write_text(tokenizer.to_json())
    (tmp_path / "t.pickle").write_bytes(pickle.dumps(tokenizer))
    (tmp_path / "w.json").write_text(json.dumps(tokenizer.word_index))
    (tmp_path / "w.pkl").write_bytes(pickle.dumps(tokenizer.word_index))
    return tmp_path


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--tokenizer", "t.json"], "a Keras Tokenizer, 3 words"),
        (["--tokenizer", "t.pickle", "--trust-pickle"], "a Keras Tokenizer, 3 words"),
        (["--word-index", "w.json"], "3 words"),
        (["--word-index", "w.pkl", "--trust-pickle"], "3 words"),
    ],
)
def test_every_file_gives_the_same_state_and_the_model_its_length(options, found, files, capsys):
    model = embedding(maxlen=7)
    state, served = prepared(model, options[0], files / options[1], *options[2:])
    assert served is model
    expected = spec_of(fitted(["a b b c c c"]), maxlen=7)._asdict() | {"max_characters": 100_000}
    assert state == {"kind": "tokenizer"} | expected
    assert found in capsys.readouterr().out


def test_every_option_reaches_the_state(files):
    options = ["--padding", "post", "--truncating", "post", "--pad-value", "4", "--maxlen", "3"]
    words = ["--num-words", "9", "--index-from", "5", "--start-index", "1", "--oov-index", "2"]
    splits = ["--filters", ";", "--split", "_", "--keep-case", "--max-characters", "50"]
    state, _ = prepared(
        embedding(), "--word-index", files / "w.json", *options, *words, *splits, "--char-level"
    )
    assert state == {
        "kind": "tokenizer",
        "word_index": {"c": 6, "b": 7, "a": 8},
        "oov_index": 2,
        "start_index": 1,
        "filters": ";",
        "lower": False,
        "split": "_",
        "char_level": True,
        "mode": "int",
        "maxlen": 3,
        "padding": "post",
        "truncating": "post",
        "value": 4,
        "columns": 0,
        "idf": None,
        "max_characters": 50,
    }


@pytest.mark.parametrize(
    ("options", "model", "message"),
    [
        (["--tokenizer", "t.json"], embedding(), "expected --maxlen, since the model takes"),
        (["--tokenizer", "t.json", "--maxlen", "5"], embedding(9, 7), "maxlen 7.*, got 5"),
        (["--tokenizer", "t.json"], embedding(3, 7), "w takes indices 0 to 2, .* up to 3: set num"),
        (["--tokenizer", "t.json", "--pad-value", "9"], embedding(9, 7), "0 to 8, .* up to 9"),
        (["--tokenizer", "t.pickle"], embedding(9, 7), "expected --trust-pickle"),
        (["--tokenizer", "w.json"], embedding(9, 7), "--word-index takes a dictionary of words"),
        (["--word-index", "t.json"], embedding(9, 7), "whole numbers by word, got 'Tokenizer'"),
        (["--tokenizer", "t.json", "--split", "_"], embedding(9, 7), "none of --split"),
        (["--tokenizer", "t.json", "--mode", "count"], embedding(9, 7), "got rows of 4 columns"),
        (
            ["--tokenizer", "t.json", "--mode", "count", "--maxlen", "7"],
            embedding(9, 7),
            "none of --maxlen for a Keras Tokenizer of mode count",
        ),
        ([], embedding(9, 7), "expected one of --tokenizer, .* got none"),
        (
            ["--tokenizer", "t.json", "--word-index", "w.json"],
            embedding(9, 7),
            "got --tokenizer and --word-index",
        ),
        (
            ["--tokenizer", "t.json"],
            keras.Sequential([keras.Input((7, 4)), keras.layers.LSTM(2)]),
            r"of shape \(batch, maxlen\), got \(None, 7, 4\)",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(options, model, message, files, monkeypatch):
    monkeypatch.chdir(files)
    with pytest.raises(ValueError, match=message):
        prepared(model, *options)


def test_an_embedding_in_a_model_in_the_model_is_found(files):
    inner = keras.Sequential([keras.Input((None,)), keras.layers.Embedding(3, 2, name="inner")])
    words = keras.Input((5,))
    model = keras.Model(words, keras.layers.Flatten()(inner(words)))
    with pytest.raises(ValueError, match="the Embedding inner takes indices 0 to 2"):
        prepared(model, "--tokenizer", files / "t.json")
