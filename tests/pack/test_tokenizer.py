"""Texts through our preprocessing give what Keras's Tokenizer and pad_sequences give."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("tensorflow")

import keras
from keras._tf_keras.keras.preprocessing.text import Tokenizer

from pack.tokenizer import read_tokenizer
from serving.errors import InputTooLarge, UnfitInput
from serving.preprocessing.text import TextPreprocessing, preprocess_text

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


def spec_of(tokenizer, maxlen=10, padding="pre", truncating="pre"):
    state = read_tokenizer(
        tokenizer.to_json(),
        maxlen=maxlen,
        padding=padding,
        truncating=truncating,
        max_characters=10_000,
    )
    return TextPreprocessing(**json.loads(json.dumps(state)))


def fitted(texts=("a b b c c c",), **options):
    tokenizer = Tokenizer(**options)
    tokenizer.fit_on_texts(texts)
    return tokenizer


def has_token(tokenizer, text):
    everything = Tokenizer(
        filters=tokenizer.filters, split=tokenizer.split, char_level=tokenizer.char_level
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
)
def test_every_option_and_script_gives_the_sequences_of_keras(
    corpus, unseen, options, maxlen, padding, truncating
):
    tokenizer = fitted(corpus, **options)
    if not tokenizer.word_index:
        return
    batch = [text for text in corpus + unseen if has_token(tokenizer, text)]
    ours = preprocess_text(batch, spec_of(tokenizer, maxlen, padding, truncating))
    theirs = keras.utils.pad_sequences(
        tokenizer.texts_to_sequences(batch), maxlen, "int32", padding, truncating
    )
    assert ours.dtype == np.int32
    assert np.array_equal(ours, theirs.reshape(ours.shape))


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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "got no JSON"),
        ("[]", "got class_name 'list'"),
        ('{"class_name": "TextVectorization", "config": {}}', "got class_name 'TextVectorization'"),
        ('{"class_name": "Tokenizer", "config": {"lower": true}}', "got one without num_words"),
        (fitted().to_json().replace('"lower": true', '"lower": 1'), "expected bool .* lower"),
        (Tokenizer().to_json(), "word_index is empty"),
        (fitted().to_json().replace('"oov_token": null', '"oov_token": "x"'), "lacks its oov_tok"),
    ],
)
def test_other_json_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        read_tokenizer(text, maxlen=1, padding="pre", truncating="pre", max_characters=1)


def test_maxlen_of_zero_is_refused():
    with pytest.raises(ValueError, match="maxlen of at least 1, got 0"):
        spec_of(fitted(), maxlen=0)
