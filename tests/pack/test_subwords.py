"""Texts through our preprocessing give what the package tokenizers gives, one text at a time."""

import argparse
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("tensorflow")

import keras
from keras import layers
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from pack import text
from pack.text.subwords import read_subwords
from serving.errors import InputTooLarge, UnfitInput
from serving.preprocessing import load
from serving.preprocessing.text.subwords import SubwordPreprocessing, preprocess_subwords, tokens
from tests.pack.test_tokenizer import SCRIPTS

pytestmark = pytest.mark.pack

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
NAMES = ("ids", "attention_mask", "type_ids")
CORPUS = SCRIPTS * 3
SIDES = {"pre": "left", "post": "right"}


def word_piece():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=900, special_tokens=SPECIAL, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:1 $A:0 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def bpe():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<pad>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def unigram():
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=300,
        special_tokens=["<unk>", "<pad>", "</s>"],
        unk_token="<unk>",
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 2)]
    )
    return tokenizer


TRAINED = {build.__name__: build() for build in (word_piece, bpe, unigram)}
HIGHEST = max(TRAINED["word_piece"].get_vocab().values())
each_tokenizer = pytest.mark.parametrize("name", TRAINED)
words = st.text(max_size=4) | st.sampled_from(" ".join(SCRIPTS).split())
texts = st.lists(words, max_size=8).map(" ".join) | st.sampled_from(SCRIPTS)


def content_of(name):
    return json.loads(TRAINED[name].to_str())


def spec_of(content, **options):
    spec = read_subwords(content, **{"maxlen": 12, "max_characters": 1_000} | options)
    return SubwordPreprocessing.from_json(json.loads(json.dumps(spec._asdict())))


@each_tokenizer
@settings(deadline=None, max_examples=60)
@given(
    batch=st.lists(texts, min_size=1, max_size=6),
    maxlen=st.integers(3, 20),
    padding=st.sampled_from(["pre", "post"]),
    truncating=st.sampled_from(["pre", "post"]),
    special_tokens=st.booleans(),
)
def test_every_text_and_option_gives_the_ids_of_encode_padded_by_keras(
    name, batch, maxlen, padding, truncating, special_tokens
):
    tokenizer = Tokenizer.from_str(TRAINED[name].to_str())
    batch = [each for each in batch if tokenizer.encode(each, add_special_tokens=False).ids]
    tokenizer.enable_truncation(maxlen, direction=SIDES[truncating])
    encodings = [tokenizer.encode(each, add_special_tokens=special_tokens) for each in batch]
    spec = spec_of(
        content_of(name),
        maxlen=maxlen,
        padding=padding,
        truncating=truncating,
        special_tokens=special_tokens,
        inputs=NAMES,
        pad_id=4,
    )
    if not batch:
        return
    ours = preprocess_subwords(batch, spec)
    assert (ours.dtype, ours.shape) == (np.int32, (len(batch), 3, maxlen))
    for position, (input_name, value) in enumerate(zip(NAMES, (4, 0, 0), strict=True)):
        rows = [getattr(encoding, input_name) for encoding in encodings]
        theirs = keras.utils.pad_sequences(rows, maxlen, padding=padding, value=value)
        assert np.array_equal(ours[:, position], theirs)


@each_tokenizer
def test_threads_and_batches_do_not_change_the_ids(name, monkeypatch):
    spec = spec_of(content_of(name))
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    alone = np.concatenate([preprocess_subwords([each], spec) for each in SCRIPTS])
    together = preprocess_subwords(SCRIPTS, spec)
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "true")
    threaded = preprocess_subwords(SCRIPTS * 20, spec)
    assert np.array_equal(together, alone)
    assert np.array_equal(threaded, np.concatenate([alone] * 20))


def test_tokens_of_one_text_are_those_of_its_ids():
    spec = spec_of(content_of("word_piece"), maxlen=6)
    assert tokens("the lazy DOG", spec) == ["[CLS]", "the", "lazy", "dog", "[SEP]", "[PAD]"]


def test_padding_and_truncation_that_the_file_names_are_taken():
    tokenizer = Tokenizer.from_str(TRAINED["word_piece"].to_str())
    tokenizer.enable_padding(direction="left", pad_id=1, pad_type_id=5, pad_token="[UNK]")
    tokenizer.enable_truncation(4, direction="left")
    spec = spec_of(json.loads(tokenizer.to_str()), maxlen=5, inputs=NAMES)
    assert (spec.padding, spec.truncating, spec.pad_id, spec.pad_type_id) == ("pre", "pre", 1, 5)
    ids, mask, types = preprocess_subwords(["dog"], spec)[0].tolist()
    assert (ids[:2], mask, types[:2]) == ([1, 1], [0, 0, 1, 1, 1], [5, 5])


@pytest.mark.parametrize(
    ("name", "empty"), [("bpe", ""), ("unigram", ""), ("word_piece", ""), ("word_piece", " \t ")]
)
def test_a_text_of_special_tokens_alone_is_refused(name, empty):
    with pytest.raises(UnfitInput, match="instance 1: expected a text with at least one word"):
        preprocess_subwords(["dog", empty], spec_of(content_of(name)))


@pytest.mark.parametrize("value", [None, 5, b"good", "\ud800"])
def test_what_is_no_text_is_refused(value):
    with pytest.raises(UnfitInput, match="instance 0: expected a text"):
        preprocess_subwords([value], spec_of(content_of("bpe")))


def test_a_long_text_is_refused():
    with pytest.raises(InputTooLarge, match="at most 1000 characters, got 1001"):
        preprocess_subwords(["x" * 1_001], spec_of(content_of("bpe")))


def with_dropout():
    content = content_of("bpe")
    return content | {"model": content["model"] | {"dropout": 0.1}}


def without_padding_token():
    return content_of("bpe") | {"added_tokens": []}


@pytest.mark.parametrize(
    ("content", "maxlen", "message"),
    [
        (with_dropout(), 9, "the same tokens every time, got one of dropout 0.1"),
        (without_padding_token(), 9, "names its padding, got none of .*: give --pad-value"),
        (content_of("word_piece"), 2, "a maxlen over the 2 special tokens .*, got 2"),
        (content_of("bpe") | {"model": {"type": "New"}}, 9, "got one that does not load"),
    ],
)
def test_a_tokenizer_that_cannot_be_served_is_refused(content, maxlen, message):
    with pytest.raises(ValueError, match=message):
        spec_of(content, maxlen=maxlen)


def prepared(model, *arguments):
    parser = argparse.ArgumentParser()
    text.add_arguments(parser)
    return text.prepare(parser.parse_args(list(map(str, arguments))), model)


def encoder(names=("token_ids",), indices=HIGHEST + 1, maxlen=9):
    inputs = [keras.Input((maxlen,), dtype="int32", name=name) for name in names]
    embedded = [layers.Embedding(indices, 2, name=f"of_{each.name}")(each) for each in inputs]
    x = layers.add(embedded) if len(embedded) > 1 else embedded[0]
    return keras.Model(inputs, layers.GlobalAveragePooling1D()(x))


@pytest.fixture
def file(tmp_path):
    (tmp_path / "tokenizer.json").write_text(TRAINED["word_piece"].to_str())
    return tmp_path / "tokenizer.json"


def test_a_tokenizer_json_is_known_by_its_content(file, capsys):
    model = encoder()
    state, served = prepared(model, "--tokenizer", file)
    assert served is model
    assert (
        state
        == {"kind": "subwords"}
        | spec_of(content_of("word_piece"), maxlen=9, max_characters=100_000)._asdict()
    )
    assert (
        f"a WordPiece tokenizer of Hugging Face's, {HIGHEST + 1} tokens" in capsys.readouterr().out
    )
    assert load("text", state)(["the dog"]).shape == (1, 9)


@pytest.mark.parametrize(
    ("names", "options", "inputs"),
    [
        (["padding_mask", "segment_ids", "token_ids"], [], [NAMES[1], NAMES[2], NAMES[0]]),
        (["input_ids", "attention_mask"], [], ["ids", "attention_mask"]),
        (["x", "y"], ["--inputs", "type_ids, ids"], ["type_ids", "ids"]),
    ],
)
def test_inputs_are_named_or_known_by_the_names_of_the_model(names, options, inputs, file):
    state, _ = prepared(encoder(names), "--tokenizer", file, *options)
    assert state["inputs"] == inputs


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (
            encoder(["x", "y"]),
            [],
            "one of ids, .* for each of the model's inputs x, y, got ids, ids",
        ),
        (encoder(), ["--inputs", "tokens"], "token_ids, got tokens"),
        (encoder(["mask", "ids"], 60), [], f"of_ids takes indices 0 to 59, .* up to {HIGHEST}: "),
        (encoder(maxlen=None), [], "expected --maxlen"),
        (encoder(), ["--mode", "int"], "none of --mode for a tokenizer.json"),
    ],
)
def test_what_does_not_fit_the_model_is_refused(model, options, message, file):
    with pytest.raises(ValueError, match=message):
        prepared(model, "--tokenizer", file, *options)


def test_every_option_reaches_the_state(file):
    options = ["--maxlen", "7", "--padding", "pre", "--truncating", "pre", "--pad-value", "1"]
    state, _ = prepared(encoder(maxlen=None), "--tokenizer", file, *options, "--no-special-tokens")
    named = ("maxlen", "padding", "truncating", "pad_id", "special_tokens")
    assert [state[name] for name in named] == [7, "pre", "pre", 1, False]
