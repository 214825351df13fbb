"""Texts through our preprocessing give what Keras's TextVectorization gives."""

import argparse
import json
import pickle
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("tensorflow")

import keras
import onnxruntime
import tensorflow as tf
from keras import layers
from keras.layers import TextVectorization

from pack import models, text
from pack.text.vectorization import read_layer
from serving.errors import InputTooLarge, UnfitInput
from serving.preprocessing.text.vectorization import (
    VectorizationPreprocessing,
    preprocess_vectorization,
    tokens,
)
from tests.pack.test_tokenizer import SCRIPTS

pytestmark = pytest.mark.pack

SPACES = "\u00a0 \u1680 \u2003 \u2028 \u3000 \ufeff \x85 \x1c \x1f \x00 \t \n \v \f \r"
CORPUS = [
    *SCRIPTS,
    "It's a 'quoted' [UNK] word, snake_case and kebab-case; e.g. 3.14!",
    SPACES,
    "a\u00a0b a\u2028b a\x85b a\x1cb a\vb",
]
# Keras reads its own file of tokens with splitlines(), and its table's through NumPy, which drops
# a last NUL: no layer with tokens of such characters comes back from a file as it was.
FITTED = [each.replace("\0", "") for each in CORPUS]
SAVED = [each for each in SCRIPTS if each.isprintable()]
words = st.text(max_size=4) | st.sampled_from(" ".join(CORPUS).split(" "))
separators = st.sampled_from([" ", "  ", *SPACES])
texts = st.lists(st.tuples(words, separators), max_size=6).map(
    lambda parts: "".join(map("".join, parts))
)
options = st.fixed_dictionaries(
    {
        "standardize": st.sampled_from(
            [None, "lower", "strip_punctuation", "lower_and_strip_punctuation"]
        ),
        "split": st.sampled_from([None, "whitespace", "character"]),
        "ngrams": st.sampled_from([None, 1, 2, 3, (2,), (3, 1)]),
    }
).filter(lambda chosen: chosen["split"] or chosen["ngrams"] != (2,))  # a text has no pair of texts
modes = st.sampled_from(
    [
        *({"output_mode": "int", "output_sequence_length": length} for length in (1, 3, 12)),
        *({"output_mode": mode} for mode in ("multi_hot", "count", "tf_idf")),
        {"output_mode": "count", "pad_to_max_tokens": True, "max_tokens": 500},
        {"output_mode": "tf_idf", "pad_to_max_tokens": True, "max_tokens": 500},
        {"output_mode": "multi_hot", "max_tokens": 9},
        {"output_mode": "int", "output_sequence_length": 12, "max_tokens": 9},
    ]
)


def adapted(corpus=FITTED, **arguments):
    layer = TextVectorization(**arguments)
    layer.adapt(list(corpus))
    return layer


def spec_of(layer, maxlen=None):
    spec = read_layer(layer, maxlen=maxlen, max_characters=10_000)
    return VectorizationPreprocessing(**json.loads(json.dumps(spec._asdict())))


def of_layer(layer, batch):
    return layer(tf.constant([[each] for each in batch])).numpy()


@settings(deadline=None, max_examples=150)
@given(arguments=options, mode=modes, unseen=st.lists(texts, min_size=1, max_size=6))
def test_every_option_and_script_gives_the_numbers_of_the_layer(arguments, mode, unseen):
    layer = adapted(**arguments, **mode)
    spec = spec_of(layer)
    batch = [each for each in CORPUS + unseen if tokens(each, spec)]
    ours = preprocess_vectorization(batch, spec)
    theirs = of_layer(layer, batch)
    assert ours.dtype == (np.int32 if mode["output_mode"] == "int" else np.float32)
    assert ours.shape == theirs.shape
    assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("split", [None, "whitespace", "character"])
def test_every_character_is_lowered_stripped_and_split_as_tensorflow_does_it(split):
    characters = [chr(code) for code in range(0x3100) if not 0xD800 <= code < 0xE000]
    runs = ["x".join(characters[start : start + 64]) for start in range(0, len(characters), 64)]
    layer = adapted(["x"], split=split)
    theirs = layer._preprocess(tf.constant([[run] for run in runs]))
    theirs = theirs.to_list() if split else theirs.numpy().tolist()
    spec = spec_of(adapted(["x"], split=split, output_mode="count"))
    assert [[token.encode() for token in tokens(run, spec)] for run in runs] == theirs


def test_text_without_a_token_is_refused():
    spec = spec_of(adapted(output_mode="count"))
    with pytest.raises(UnfitInput, match="instance 1: expected a text with at least one word"):
        preprocess_vectorization(["a", " ?! \x0b"], spec)
    pairs = spec_of(adapted(output_mode="count", ngrams=(2,)))
    with pytest.raises(UnfitInput, match=r"instance 0: .* at least one run of 2 words, got none"):
        preprocess_vectorization(["alone"], pairs)


@pytest.mark.parametrize("value", [None, 5, b"good", "\ud800"])
def test_what_is_no_text_is_refused(value):
    with pytest.raises(UnfitInput, match="instance 0: expected a text"):
        preprocess_vectorization([value], spec_of(adapted(output_mode="count")))


def test_a_long_text_is_refused():
    with pytest.raises(InputTooLarge, match="at most 10000 characters, got 10001"):
        preprocess_vectorization(["x" * 10_001], spec_of(adapted(output_mode="count")))


def my_standardize(strings):
    return tf.strings.lower(strings)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"standardize": my_standardize}, "for standardize, got my_standardize"),
        ({"split": lambda strings: tf.strings.split(strings, "|")}, "for split, got .*<lambda>"),
        ({"ragged": True}, "one row a text, got one that is ragged"),
        ({"output_sequence_length": None}, "expected --maxlen, since the TextVectorization has no"),
        ({"output_mode": "count", "encoding": "latin-1"}, "of utf-8, got latin-1"),
    ],
)
def test_a_layer_that_cannot_be_reproduced_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        spec_of(TextVectorization(vocabulary=["a"], **arguments))


def test_a_layer_that_was_not_adapted_is_refused():
    with pytest.raises(ValueError, match="with a vocabulary, got one not adapted"):
        spec_of(TextVectorization(output_sequence_length=4))


def test_maxlen_stands_for_the_length_that_the_layer_lacks_and_for_no_other():
    theirs = of_layer(adapted(output_sequence_length=5), CORPUS)
    assert np.array_equal(preprocess_vectorization(CORPUS, spec_of(adapted(), 5)), theirs)
    with pytest.raises(ValueError, match="output_sequence_length 5, got 6"):
        spec_of(adapted(output_sequence_length=5), 6)


def prepared(model, *arguments):
    parser = argparse.ArgumentParser()
    text.add_arguments(parser)
    parser.add_argument("--trust-pickle", action="store_true")
    parser.add_argument("--engine", default="auto")
    return text.prepare(parser.parse_args(list(map(str, arguments))), model)


def strings(rank=2):
    return keras.Input((1,) * (rank - 1), dtype="string", name="review")


def classifier(x):
    x = layers.LSTM(3)(layers.Embedding(300, 4, mask_zero=True)(x))
    return layers.Dense(2, activation="softmax", name="stars")(x)


def functional():
    review = strings()
    return keras.Model(review, classifier(adapted(SAVED, output_sequence_length=9)(review)))


def sequential():
    after = [layers.Embedding(300, 4), layers.GlobalAveragePooling1D(), layers.Dense(1)]
    return keras.Sequential([strings(), adapted(SAVED, output_sequence_length=9), *after])


def sequential_without_input():
    model = keras.Sequential([adapted(SAVED, output_sequence_length=9), *sequential().layers[1:]])
    model(tf.constant([["a b c"]]))
    return model


def exported_around_a_model():
    numbers = keras.Input((None,), dtype="int64")
    return keras.Sequential(
        [
            strings(),
            adapted(SAVED, output_sequence_length=9),
            keras.Model(numbers, classifier(numbers)),
            layers.Activation("tanh"),
        ]
    )


def several_outputs():
    review = strings(rank=1)
    counts = adapted(SAVED, output_mode="tf_idf", ngrams=2)(review)
    hidden = layers.Dense(4, activation="relu")(counts)
    joined = layers.Concatenate()([hidden, counts])
    return keras.Model(
        review, {"b": layers.Dense(1, name="b")(hidden), "a": layers.Dense(2, name="a")(joined)}
    )


def sparse_counts():
    review = strings()
    counts = adapted(
        SAVED, output_mode="count", sparse=True, pad_to_max_tokens=True, max_tokens=300
    )
    return keras.Model(review, layers.Dense(3)(counts(review)))


MODELS = [
    *(functional, sequential, sequential_without_input, exported_around_a_model),
    *(several_outputs, sparse_counts),
]


@pytest.mark.parametrize("build", MODELS)
def test_the_model_behind_the_layer_gives_the_outputs_of_the_whole_on_strings(build, tmp_path):
    build().save(tmp_path / "whole.keras")
    whole = keras.saving.load_model(tmp_path / "whole.keras", compile=False)
    state, rest = prepared(whole)
    fields = dict(state)
    assert fields.pop("kind") == "vectorization"
    spec = VectorizationPreprocessing(**json.loads(json.dumps(fields)))
    batch = preprocess_vectorization(CORPUS, spec)
    assert batch.shape[1:] == rest.inputs[0].shape[1:]
    theirs = whole(tf.reshape(tf.constant(CORPUS), [-1, *whole.inputs[0].shape[1:]]))
    tf.nest.assert_same_structure(theirs, rest(batch))
    rest.save(tmp_path / "rest.keras")
    rest = keras.saving.load_model(tmp_path / "rest.keras", compile=False)
    for one, other in zip(tf.nest.flatten(rest(batch)), tf.nest.flatten(theirs), strict=True):
        assert np.allclose(one, other, atol=1e-6)


def test_the_model_behind_the_layer_compiles_to_onnx(tmp_path):
    whole = sequential()
    state, rest = prepared(whole)
    rest.export(tmp_path / "rest.onnx", format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(tmp_path / "rest.onnx")
    (tensor,) = session.get_inputs()
    assert (tensor.name, tensor.type, tensor.shape[1:]) == ("tokens", "tensor(int64)", [9])
    del state["kind"]
    batch = preprocess_vectorization(CORPUS, VectorizationPreprocessing(**state))
    (ours,) = session.run(None, {"tokens": batch.astype(np.int64)})
    assert np.allclose(ours, whole(tf.constant([[each] for each in CORPUS])), atol=1e-5)


def test_maxlen_makes_a_model_of_any_length_one_of_that_length():
    review = strings()
    whole = keras.Model(review, classifier(adapted()(review)))
    state, rest = prepared(whole, "--maxlen", 14)
    assert (state["maxlen"], rest.inputs[0].shape) == (14, (None, 14))
    batch = preprocess_vectorization(["the dog"], spec_of(adapted(), 14))
    assert np.allclose(rest(batch), whole(tf.constant([["the dog"]])), atol=1e-6)  # it has a mask


def with_lookup():
    review = strings()
    looked_up = layers.StringLookup(vocabulary=["a"])(review)
    return keras.Model(review, layers.Flatten()(layers.Embedding(3, 2)(looked_up)))


def with_two_layers():
    review = strings()
    counts = [adapted(output_mode="count", split=split) for split in ("whitespace", "character")]
    return keras.Model(review, layers.Concatenate()([layer(review) for layer in counts]))


def with_numbers_too():
    review, age = strings(rank=1), keras.Input((1,))
    return keras.Model(
        [review, age], layers.Concatenate()([adapted(output_mode="count")(review), age])
    )


def with_text_passed_on():
    review = strings()
    return keras.Model(review, [layers.Dense(1)(adapted(output_mode="count")(review)), review])


def ragged():
    review = strings()
    words = adapted(ragged=True)(review)
    return keras.Model(review, layers.GlobalAveragePooling1D()(layers.Embedding(300, 2)(words)))


UNCUT = [
    (with_lookup, "behind the model's input of strings, got StringLookup"),
    (with_two_layers, "one layer that takes the text, got text_vectorization.*, text_vec"),
    (with_text_passed_on, "go into the layer .* alone, got other uses"),
    (ragged, "one row a text, got one that is ragged"),
]


@pytest.mark.parametrize(("build", "message"), UNCUT)
def test_a_model_that_cannot_be_cut_is_kept_whole_and_the_reason_told(build, message, capsys):
    whole = build()
    state, served = prepared(whole)
    assert served is whole
    assert state == {"kind": "strings", "max_characters": 100_000}
    assert re.search(f"kept whole, for the Keras engine: .*{message}", capsys.readouterr().out)


@pytest.mark.parametrize(("build", "message"), UNCUT)
def test_a_model_that_cannot_be_cut_is_refused_for_onnx(build, message):
    with pytest.raises(ValueError, match=f"{message}.*--engine auto keeps such a model whole"):
        prepared(build(), "--engine", "onnx")


def test_a_model_that_can_be_cut_is_kept_whole_where_keras_is_named():
    whole = functional()
    state, served = prepared(whole, "--engine", "keras", "--max-characters", "9")
    assert (state, served) == ({"kind": "strings", "max_characters": 9}, whole)


@pytest.mark.parametrize("options", [(), ("--engine", "keras")])
def test_a_length_has_no_use_for_a_model_that_is_kept_whole(options):
    build = functional if options else with_lookup
    with pytest.raises(ValueError, match="none of --maxlen for a model that is kept whole"):
        prepared(build(), "--maxlen", 9, *options)


def test_a_length_that_is_missing_is_asked_for_and_keeps_no_model_whole():
    review = strings()
    with pytest.raises(ValueError, match="expected --maxlen, since the TextVectorization has no"):
        prepared(keras.Model(review, classifier(adapted()(review))))


def with_three_texts():
    reviews = keras.Input((3,), dtype="string")
    return keras.Model(reviews, layers.StringLookup(vocabulary=["a"])(reviews))


@pytest.mark.parametrize("engine", ["auto", "onnx", "keras"])
@pytest.mark.parametrize(
    ("build", "message"),
    [
        (with_numbers_too, "one input, a text, got one of 2 inputs: python -m pack numeric takes"),
        (with_three_texts, r"of shape \(batch,\) or \(batch, 1\), got \(None, 3\)"),
    ],
)
def test_a_model_of_anything_but_one_text_is_refused(build, message, engine):
    with pytest.raises(ValueError, match=message):
        prepared(build(), "--engine", engine)


def test_a_file_for_a_model_that_has_the_layer_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no --vectorization for a model that takes strings"):
        prepared(functional(), "--vectorization", tmp_path / "v.json")


def numbers(indices=300, maxlen=9):
    x = keras.Input((maxlen,), dtype="int32")
    pooled = layers.GlobalAveragePooling1D()(layers.Embedding(indices, 2, name="w")(x))
    return keras.Model(x, layers.Dense(1)(pooled))


def save_keras(layer, folder):
    keras.Sequential([keras.Input((1,), dtype="string"), layer]).save(folder / "v.keras")
    return [folder / "v.keras"]


def fields_of(layer):
    return {"config": layer.get_config(), "vocabulary": layer.get_vocabulary()}


def save_json(layer, folder):
    (folder / "v.json").write_text(json.dumps(fields_of(layer)))
    return [folder / "v.json"]


def save_pickle(layer, folder):
    (folder / "v.pkl").write_bytes(pickle.dumps(fields_of(layer)))
    return [folder / "v.pkl", "--trust-pickle"]


def save_lines(layer, folder):
    (folder / "v.json").write_text(json.dumps({"config": layer.get_config()}))
    (folder / "v.txt").write_text("\n".join(layer.get_vocabulary()), encoding="utf-8")
    return [folder / "v.json", "--vocabulary", folder / "v.txt"]


@pytest.mark.parametrize("kind", ["in the model", "in a file"])
def test_tokens_that_keras_parts_when_it_loads_a_layer_are_whole_again(kind, tmp_path):
    corpus = ["wait\x85what good", "a\u2028b good z"]
    trained = adapted(corpus, output_sequence_length=9)
    after = [layers.Embedding(300, 4), layers.GlobalAveragePooling1D()]
    path = tmp_path / "m.keras"
    keras.Sequential([strings(), trained, *after]).save(path)
    loaded = keras.saving.load_model(path, compile=False)
    assert not np.array_equal(of_layer(loaded.layers[0], corpus), of_layer(trained, corpus))
    if kind == "in the model":
        state, _ = prepared(models.load(path).model)
    else:
        state, _ = prepared(numbers(), "--vectorization", path)
    del state["kind"]
    ours = preprocess_vectorization(corpus, VectorizationPreprocessing(**state))
    assert np.array_equal(ours, of_layer(trained, corpus))


@pytest.mark.parametrize("save", [save_keras, save_json, save_pickle, save_lines])
def test_a_layer_from_every_kind_of_file_is_the_layer(save, tmp_path, capsys):
    layer = adapted(SAVED, output_sequence_length=9, ngrams=(1, 2))
    model = numbers()
    state, served = prepared(model, "--vectorization", *save(layer, tmp_path))
    assert served is model
    assert state == (
        {"kind": "vectorization"} | spec_of(layer)._asdict() | {"max_characters": 100_000}
    )
    assert "a TextVectorization of output_mode int" in capsys.readouterr().out


def test_idf_weights_come_from_json(tmp_path):
    layer = adapted(SAVED, output_mode="tf_idf")
    columns = layer.vocabulary_size()
    model = keras.Sequential([keras.Input((columns,)), layers.Dense(1)])
    weights = spec_of(layer).idf_weights
    (tmp_path / "v.json").write_text(json.dumps(fields_of(layer) | {"idf_weights": weights}))
    state, _ = prepared(model, "--vectorization", tmp_path / "v.json")
    assert state["idf_weights"] == weights


@pytest.mark.parametrize(
    ("content", "model", "message"),
    [
        ({"vocabulary": ["a"]}, numbers(), "config and vocabulary, got vocabulary"),
        ({"config": {}}, numbers(), "expected a vocabulary, got none"),
        ({"config": {"split": {"config": "mine"}}, "vocabulary": ["a"]}, numbers(), "got mine"),
        ({"config": {}, "vocabulary": ["a", "a"]}, numbers(), "repeated"),
        ({"config": {}, "vocabulary": ["a", "b"]}, numbers(3), "w takes indices 0 to 2, .* to 3"),
        (
            {"config": {}, "vocabulary": ["a"]},
            numbers(9, None),
            "expected --maxlen, since the model",
        ),
        (
            {"config": {"output_sequence_length": 4}, "vocabulary": ["a"]},
            numbers(),
            "output_sequence_length 4, got 9",
        ),
        (
            {"config": {"output_mode": "count"}, "vocabulary": ["a"]},
            numbers(),
            "got rows of 2 columns",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_refused(content, model, message, tmp_path):
    (tmp_path / "v.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=message):
        prepared(model, "--vectorization", tmp_path / "v.json")
