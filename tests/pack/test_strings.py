"""Models that take strings are served whole by the Keras engine, with the answers of `predict`."""

import json
import sys
import warnings

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="needs TensorFlow: make setup-pack")

import keras
import tensorflow as tf
from keras import layers
from keras.utils import FeatureSpace

from pack.__main__ import main
from serving.bundle import Bundle
from serving.errors import UnfitInput
from serving.predictor import Predictor

pytestmark = pytest.mark.pack

WORDS = ["good dog", "bad", "a good, good day!", "Größe 你好 \N{SNOWMAN}"]
TEXTS = [*WORDS, "the bad dog\nsat"]
HOMES = ["own", "rent", "own", "with\u2028parents", "other"]
ROWS = [
    {"age": 41.5, "home": "own", "rooms": 3, "garden": True},
    {"age": 20, "home": "rent", "rooms": 1, "garden": False},
    {"age": 33, "home": "unheard of", "rooms": 9, "garden": True},
    {"age": 65.25, "home": "with\u2028parents", "rooms": 3, "garden": False},
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder of a user, with examples in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "texts.json").write_text(json.dumps(TEXTS))
    (tmp_path / "rows.json").write_text(json.dumps(ROWS))
    return tmp_path


@pytest.fixture
def pack(folder, monkeypatch):
    """Save a model and run `python -m pack` on it, with the examples or without."""

    def run(modality, model, *options, examples=True) -> Predictor:
        keras.utils.set_random_seed(0)
        model.save("model.keras")
        given = ["--examples", {"text": "texts.json", "numeric": "rows.json"}[modality]]
        common = [modality, "--model", "model.keras", "--out", "bundle", *given * examples]
        task = () if "--task" in options or "--labels" in options else ("--task", "embedding")
        monkeypatch.setattr(sys, "argv", ["pack", *common, *task, *options])
        main()
        return Predictor(Bundle.open(folder / "bundle"))

    return run


def command(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["pack", *words])
    main()


def served(predictor, instances):
    return np.stack([each["embedding"] for each in predictor.predict(instances).predictions])


def predicted(model, texts):
    """By the original, on tensors of the shape that it takes."""
    shape = [-1, *model.inputs[0].shape[1:]]
    return model.predict(tf.reshape(tf.constant(texts), shape), verbose=0)


def columns(rows, model):
    """The rows as `predict` takes them, a tensor an input."""
    return {
        each.name: tf.constant([[row[each.name]] for row in rows], each.dtype)
        for each in model.inputs
    }


def text_input(rank=2):
    return keras.Input((1,) * (rank - 1), dtype="string", name="review")


def adapted(layer, values):
    layer.adapt(tf.constant([[value] for value in values]))
    return layer


def vectorization(**arguments):
    return adapted(layers.TextVectorization(**arguments), TEXTS)


def behind(x, mask=True):
    x = layers.GlobalAveragePooling1D()(layers.Embedding(300, 4, mask_zero=mask)(x))
    return layers.Dense(2)(x)


def classifier(**arguments):
    review = text_input()
    return keras.Model(review, behind(vectorization(**arguments)(review)))


def two_views():
    """Words and characters of one text, which no cut can part."""
    review = text_input(rank=1)
    words = vectorization(output_mode="tf_idf")(review)
    characters = vectorization(output_mode="count", split="character")(review)
    return keras.Model(review, layers.Dense(3)(layers.Concatenate()([words, characters])))


def nested_lookup():
    """A category that is the whole text, in a model in the model."""
    inner = text_input()
    found = adapted(layers.StringLookup(), WORDS)(inner)
    lookup = keras.Model(inner, layers.Flatten()(layers.Embedding(9, 3)(found)))
    return keras.Sequential([text_input(), lookup, layers.Dense(2)])


def hashed():
    review = text_input()
    bins = layers.Hashing(num_bins=7, salt=3)(review)
    return keras.Model(review, layers.Flatten()(layers.Embedding(7, 3)(bins)))


def ragged():
    review = text_input()
    return keras.Model(review, behind(vectorization(ragged=True)(review), mask=False))


@pytest.mark.parametrize("build", [two_views, nested_lookup, hashed, ragged])
def test_texts_are_answered_as_predict_answers_them(pack, build, capsys):
    model = build()
    predictor = pack("text", model)
    assert predictor.manifest.engine == "keras"
    np.testing.assert_allclose(served(predictor, TEXTS), predicted(model, TEXTS), atol=1e-6)
    unseen = ["Bad good day", "zzz", "\u2028x\u0085", "\N{GRINNING FACE} dog"]
    np.testing.assert_allclose(served(predictor, unseen), predicted(model, unseen), atol=1e-6)
    said = capsys.readouterr().out
    assert "kept whole, for the Keras engine: expected " in said
    assert "not compiled: it takes strings" in said


def test_a_model_that_could_be_cut_is_kept_whole_where_keras_is_named(pack):
    model = classifier(output_sequence_length=6)
    predictor = pack("text", model, "--engine", "keras", "--labels", "u,v", "--logits")
    assert predictor.state == {"kind": "strings", "max_characters": 100_000}
    expected = keras.ops.softmax(predicted(model, TEXTS))
    found = [list(each["scores"].values()) for each in predictor.predict(TEXTS).predictions]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_same_model_is_cut_and_compiled_by_default_with_the_same_answers(pack, folder):
    model = classifier(output_sequence_length=6)
    whole = served(pack("text", model, "--engine", "keras"), TEXTS)
    predictor = pack("text", model)
    assert (predictor.manifest.engine, predictor.state["kind"]) == ("onnx", "vectorization")
    np.testing.assert_allclose(served(predictor, TEXTS), whole, atol=1e-6)


def test_padding_to_the_longest_text_is_fine_where_it_is_masked(pack):
    model = classifier()
    predictor = pack("text", model, "--engine", "keras")
    np.testing.assert_allclose(served(predictor, TEXTS), predicted(model, TEXTS), atol=1e-6)
    alone = np.concatenate([served(predictor, [text]) for text in TEXTS])
    np.testing.assert_allclose(alone, served(predictor, TEXTS), atol=1e-6)


@pytest.mark.parametrize("texts", [TEXTS, ["two words"]])
def test_outputs_that_depend_on_the_texts_beside_are_refused(pack, folder, texts):
    review = text_input()
    model = keras.Model(review, behind(vectorization()(review), mask=False))
    (folder / "texts.json").write_text(json.dumps(texts))
    with pytest.raises(SystemExit, match=r"text 1: expected the same outputs alone as among other"):
        pack("text", model, "--engine", "keras")
    assert not (folder / "bundle").exists()


def test_outputs_as_long_as_the_longest_text_are_refused(pack):
    review = text_input()
    model = keras.Model(review, layers.Embedding(300, 2)(vectorization()(review)))
    with pytest.raises(SystemExit, match=r"expected the same outputs alone .* differ by inf"):
        pack("text", model, "--engine", "keras")


def test_outputs_that_depend_on_the_rows_beside_are_refused(pack, folder):
    home = keras.Input((1,), dtype="string", name="home")
    age = keras.Input((1,), name="age")
    index = layers.StringLookup(vocabulary=["own"], output_mode="one_hot")(home)
    centred = age - keras.ops.mean(age, axis=0, keepdims=True)
    model = keras.Model([home, age], layers.Concatenate()([index, centred]))
    rows = [{"home": row["home"], "age": row["age"]} for row in ROWS]
    (folder / "rows.json").write_text(json.dumps(rows))
    with pytest.raises(SystemExit, match=r"row 1: expected the same outputs alone as among others"):
        pack("numeric", model)


def odd_tokens(layer):
    review = text_input()
    return keras.Model(review, layers.Flatten()(layers.Embedding(40, 3)(layer(review))))


ODD = ["a\u2028b", "c\x85d", "e\rf", "", "plain", "plain"]


@pytest.mark.parametrize(
    "layer",
    [
        layers.StringLookup,
        lambda: layers.StringLookup(mask_token="", num_oov_indices=2),
        lambda: layers.StringLookup(oov_token=None),
        lambda: layers.TextVectorization(split=None, standardize=None, output_sequence_length=1),
    ],
    ids=["lookup", "mask", "no oov token", "vectorization"],
)
def test_tokens_that_keras_reads_wrongly_from_its_file_are_repaired(pack, layer, capsys):
    model = odd_tokens(adapted(layer(), ODD))
    predictor = pack("text", model, "--engine", "keras")
    texts = [text for text in ODD if text] + ["a", "b", "None", "zzz"]
    np.testing.assert_allclose(served(predictor, texts), predicted(model, texts), atol=1e-6)
    assert any("its vocabulary read as it was written" in each for each in predictor.manifest.notes)
    own = keras.saving.load_model("model.keras", compile=False)
    assert not np.allclose(predicted(own, texts), predicted(model, texts))


@pytest.mark.filterwarnings("ignore:Skipping nested container")  # Keras's, of what it then raises
@pytest.mark.parametrize("mode", ["multi_hot", "tf_idf"])
def test_a_file_that_keras_fails_on_for_its_tokens_is_loaded(pack, folder, mode):
    review = text_input()
    counts = adapted(layers.TextVectorization(standardize=None, output_mode=mode), ODD)(review)
    model = keras.Model(review, layers.Dense(3)(counts))
    predictor = pack("text", model, "--engine", "keras")
    texts = ["a\u2028b", "plain c\x85d", "other"]
    np.testing.assert_allclose(served(predictor, texts), predicted(model, texts), atol=1e-6)
    with pytest.raises(ValueError, match="could not be loaded"):
        keras.saving.load_model("model.keras", compile=False)


def test_a_line_break_among_characters_is_a_token_again(pack):
    model = two_views()
    assert "\n" in model.layers[2].get_vocabulary()
    predictor = pack("text", model)
    texts = ["a\nb", "a b", "\n\n\nx"]
    np.testing.assert_allclose(served(predictor, texts), predicted(model, texts), atol=1e-6)


def test_tokens_with_a_line_break_in_them_are_refused(pack):
    with pytest.raises(SystemExit, match=r"layer string_lookup.*: expected a vocabulary of 3 tok"):
        pack("text", odd_tokens(adapted(layers.StringLookup(), ["a\nb", "c"])))


def test_a_vocabulary_that_reads_well_leaves_the_file_as_it_is(pack, folder):
    predictor = pack("text", nested_lookup())
    assert not predictor.manifest.notes
    assert (folder / "bundle/model.keras").read_bytes() == (folder / "model.keras").read_bytes()


class Doubled(layers.Layer):
    """A layer of the user's own."""

    def call(self, x):
        return 2 * x


@pytest.mark.parametrize("engine", ["auto", "keras"])
def test_custom_layers_cannot_be_served_whole(pack, folder, engine):
    (folder / "doubling.py").write_text("from tests.pack.test_strings import Doubled\n")
    model = nested_lookup()
    model.add(Doubled())
    with pytest.raises(SystemExit, match=r"the Keras engine cannot serve it: .*custom objects"):
        pack("text", model, "--engine", engine, "--custom-object", "Doubled=doubling:Doubled")
    assert not (folder / "bundle").exists()


def lower(strings):
    return tf.strings.lower(strings)


def test_python_code_in_a_layer_is_refused_by_its_name(pack):
    with pytest.raises(
        SystemExit, match=r"own ways for standardize, got lower: that is Python cod"
    ):
        pack("text", classifier(standardize=lower, output_sequence_length=3))


def test_outputs_that_are_strings_are_refused(pack):
    review = text_input()
    model = keras.Model(review, [hashed()(review), review])
    with pytest.raises(
        SystemExit, match=r"expected numbers, the model gives strings, such as \[b'g"
    ):
        pack("text", model)


@pytest.mark.parametrize(
    ("instance", "message"),
    [
        (5, "instance 1: expected a text, got the number 5"),
        (" \n", "instance 1: expected a text with at least one word, got none"),
        ("\ud800", "instance 1: expected a text of whole characters"),
    ],
)
def test_what_is_no_text_is_refused(pack, instance, message):
    predictor = pack("text", hashed())
    with pytest.raises(UnfitInput, match=message):
        predictor.predict(["good", instance])


def test_generated_texts_come_from_the_vocabulary(pack, folder):
    pack("text", nested_lookup(), examples=False)
    golden = json.loads((folder / "bundle/golden.json").read_text())
    assert golden["source"] == "generated"
    assert set(golden["instances"]) <= set(WORDS)


def test_texts_that_nothing_tells_of_are_asked_for(pack):
    with pytest.raises(SystemExit, match="expected --examples, got none, and no vocabulary"):
        pack("text", hashed(), examples=False)


def test_the_users_own_outputs_are_compared(pack, folder):
    model = hashed()
    np.save("expected.npy", predicted(model, TEXTS))
    pack("text", model, "--expected", "expected.npy")
    np.save("expected.npy", predicted(model, TEXTS[::-1]))
    with pytest.raises(SystemExit, match=r"texts.json, text \d: expected .*as --expected has it"):
        pack("text", model, "--expected", "expected.npy")


def table():
    """A model of named columns of four types, its inputs as a dictionary."""
    inputs = {
        "home": keras.Input((1,), dtype="string", name="home"),
        "age": keras.Input((1,), name="age"),
        "rooms": keras.Input((1,), dtype="int32", name="rooms"),
        "garden": keras.Input((1,), dtype="bool", name="garden"),
    }
    lookup = adapted(layers.StringLookup(output_mode="one_hot"), HOMES)
    rooms = layers.IntegerLookup(vocabulary=[1, 2, 3], output_mode="one_hot")
    scale = layers.Normalization(axis=None, mean=40.0, variance=100.0)
    garden = keras.ops.cast(inputs["garden"], "float32")
    parts = [lookup(inputs["home"]), scale(inputs["age"]), rooms(inputs["rooms"]), garden]
    return keras.Model(inputs, layers.Dense(2)(layers.Concatenate()(parts)))


def listed():
    """The same as a list of inputs without an axis of their own, and a hashed string."""
    home = keras.Input((), dtype="string", name="home")
    age = keras.Input((), name="age")
    rooms = keras.Input((), dtype="int64", name="rooms")
    garden = keras.Input((), dtype="bool", name="garden")
    bins = layers.Embedding(5, 3)(layers.Hashing(5)(home))
    numbers = [keras.ops.cast(each, "float32")[:, None] for each in (age, rooms, garden)]
    joined = layers.Concatenate()([bins, *numbers])
    return keras.Model([home, age, rooms, garden], layers.Dense(2)(joined))


@pytest.mark.parametrize("build", [table, listed])
def test_rows_are_answered_as_predict_answers_them(pack, build):
    model = build()
    predictor = pack("numeric", model)
    assert predictor.manifest.engine == "keras"
    assert list(predictor.features) == [each.name for each in model.inputs]
    given = columns(ROWS, model)
    if build is listed:
        given = [given[each.name][:, 0] for each in model.inputs]
    expected = model.predict(given, verbose=0)
    np.testing.assert_allclose(served(predictor, ROWS), expected, atol=1e-5)
    lists = [[row[name] for name in predictor.features] for row in ROWS]
    np.testing.assert_array_equal(served(predictor, lists), served(predictor, ROWS))


def test_kinds_follow_the_types_of_the_inputs(pack):
    kinds = {"age": "number", "garden": "boolean", "home": "category", "rooms": "int32"}
    assert pack("numeric", table()).features == kinds


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rooms": 3.7}, "expected a whole number of 32 bits for rooms, got the number 3.7"),
        (
            {"rooms": 2**31},
            "expected a whole number of 32 bits for rooms, got the number 2147483648",
        ),
        ({"home": 5}, "expected a string for home, got the number 5"),
        ({"home": None}, "expected a value for home, got none"),
        ({"garden": 1}, "expected true or false for garden, got the number 1"),
        ({"age": "old"}, "expected a number for age, got the string 'old'"),
        ({"pets": 1}, r"expected 4 features, got 5 \(unknown: pets\)"),
    ],
)
def test_rows_that_do_not_fit_are_refused_with_both_sides(pack, changes, message):
    predictor = pack("numeric", table())
    with pytest.raises(UnfitInput, match=f"instance 1: {message}"):
        predictor.predict([ROWS[0], ROWS[1] | changes])
    without = {name: value for name, value in ROWS[0].items() if name != "home"}
    with pytest.raises(UnfitInput, match=r"got 3 \(missing: home\)"):
        predictor.predict([without])


def test_a_feature_space_is_served(pack, folder):
    space = FeatureSpace(
        {
            "age": "float_normalized",
            "home": "string_categorical",
            "rooms": "integer_categorical",
            "garden": FeatureSpace.float_discretized(num_bins=2),
        },
        crosses=[("home", "rooms")],
        crossing_dim=8,
    )
    names = list(ROWS[0])
    data = {name: [row[name] for row in ROWS] for name in names}
    data["garden"] = [float(value) for value in data["garden"]]
    space.adapt(tf.data.Dataset.from_tensor_slices(data))
    model = keras.Model(space.get_inputs(), layers.Dense(2)(space.get_encoded_features()))
    rows = [row | {"garden": float(row["garden"])} for row in ROWS]
    (folder / "rows.json").write_text(json.dumps(rows))
    predictor = pack("numeric", model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of Keras's own, about its dictionary
        expected = model.predict(columns(rows, model), verbose=0)
    np.testing.assert_allclose(served(predictor, rows), expected, atol=1e-5)


def test_a_column_of_texts_is_split_by_the_model(pack, folder):
    words, age = keras.Input((), dtype="string", name="job"), keras.Input((1,), name="age")
    counts = vectorization(output_mode="multi_hot")(words)
    model = keras.Model([words, age], layers.Dense(2)(layers.Concatenate()([counts, age])))
    rows = [{"job": text, "age": place} for place, text in enumerate(TEXTS)]
    (folder / "rows.json").write_text(json.dumps(rows))
    given = columns(rows, model)
    expected = model.predict([given["job"][:, 0], given["age"]], verbose=0)
    np.testing.assert_allclose(served(pack("numeric", model), rows), expected, atol=1e-5)


def test_generated_rows_are_drawn_from_the_layers(pack, folder):
    pack("numeric", table(), examples=False)
    golden = json.loads((folder / "bundle/golden.json").read_text())
    assert golden["source"] == "generated"
    for row in golden["instances"]:
        assert row["home"] in HOMES
        assert row["rooms"] in (1, 2, 3)
        assert 20 < row["age"] < 60


def test_columns_that_nothing_tells_of_are_asked_for(pack):
    with pytest.raises(
        SystemExit, match=r"--examples, .* no layer that tells values of home, room"
    ):
        pack("numeric", listed(), examples=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--columns", "home,age,rooms,garden"),
            "inputs in its order, age, garden, home, rooms, got home, age, rooms, garden",
        ),
        (
            ("--columns", "age,garden,home:boolean,rooms"),
            "no boolean for home, which takes strings",
        ),
        (("--engine", "onnx"), "it takes strings"),
        (("--transformer", "t.skops"), "no --transformer for a model that takes strings itself"),
        (("--reference", "mine:preprocess"), "got one that takes strings as they are"),
    ],
)
def test_options_that_do_not_fit_such_a_model_are_refused(pack, folder, options, message):
    with pytest.raises(SystemExit, match=message):
        pack("numeric", table(), *options)
    assert not (folder / "bundle").exists()


def test_a_number_can_be_true_or_false_in_requests(pack, folder):
    model = table()
    predictor = pack("numeric", model, "--columns", "age,garden,home,rooms:boolean", examples=False)
    assert predictor.features["rooms"] == "boolean"
    row = ROWS[0] | {"rooms": True}
    expected = model.predict(columns([ROWS[0] | {"rooms": 1}], model), verbose=0)
    np.testing.assert_allclose(served(predictor, [row]), expected, atol=1e-5)


def test_one_input_of_several_strings_takes_columns_by_their_names(pack, folder):
    names = keras.Input((2,), dtype="string", name="names")
    index = layers.StringLookup(vocabulary=["a", "b", "ä"])(names)
    model = keras.Model(names, layers.Flatten()(layers.Embedding(4, 2)(index)))
    rows = [{"first": "a", "last": "ä"}, {"first": "?", "last": "b"}]
    (folder / "rows.json").write_text(json.dumps(rows))
    predictor = pack("numeric", model, "--columns", "first,last")
    assert predictor.features == {"first": "category", "last": "category"}
    expected = model.predict(tf.constant([list(row.values()) for row in rows]), verbose=0)
    np.testing.assert_allclose(served(predictor, rows), expected, atol=1e-6)


def test_one_input_of_whole_numbers_refuses_others(pack, folder):
    codes = keras.Input((2,), dtype="int64", name="codes")
    scaled = keras.ops.cast(codes, "float32") / 1e12
    model = keras.Model(codes, layers.Dense(2)(scaled))
    rows = [[1, 2**40], [-5, 2**41 + 1]]
    (folder / "rows.json").write_text(json.dumps(rows))
    predictor = pack("numeric", model)
    assert predictor.features == {"x0": "int64", "x1": "int64"}
    expected = model.predict(np.array(rows), verbose=0)
    np.testing.assert_allclose(served(predictor, rows), expected, atol=1e-6)
    with pytest.raises(UnfitInput, match=r"a whole number of 64 bits for x1, got the number 0\.5"):
        predictor.predict([[1, 0.5]])


def test_whole_numbers_are_compared_with_those_of_training(pack, folder):
    codes = keras.Input((2,), dtype="int32")
    model = keras.Model(codes, layers.Flatten()(layers.Embedding(9, 2)(codes)))
    (folder / "rows.json").write_text(json.dumps([{"a": 1, "b": 2}, {"a": 3, "b": 8}]))
    (folder / "coding.py").write_text(
        "def same(table):\n    return table[['a', 'b']]\n"
        "def other(table):\n    return table[['b', 'a']]\n"
    )
    pack("numeric", model, "--columns", "a,b", "--reference", "coding:same")
    with pytest.raises(SystemExit, match="coding:other and the bundle part"):
        pack("numeric", model, "--columns", "a,b", "--reference", "coding:other")
    assert "1 here, 2 in training" in (folder / "bundle.skew.html").read_text()


def test_several_inputs_of_numbers_alone_are_columns_too(pack, folder):
    inputs = [keras.Input((1,), name=name) for name in ("width", "height")]
    model = keras.Model(inputs, layers.Dense(2)(layers.Concatenate()(inputs)))
    rows = [{"height": 1.5, "width": 2}, {"height": -3, "width": 0.25}]
    (folder / "rows.json").write_text(json.dumps(rows))
    predictor = pack("numeric", model, "--engine", "onnx")
    assert predictor.features == {"width": "number", "height": "number"}
    given = [np.array([[row[name]] for row in rows]) for name in predictor.features]
    np.testing.assert_allclose(served(predictor, rows), model.predict(given, verbose=0), atol=1e-6)


@pytest.mark.parametrize("served_by", ["onnx", "keras"])
def test_an_index_out_of_the_models_table_is_refused_by_its_name(pack, folder, served_by):
    inputs = [keras.Input((1,), name=name, dtype="int32") for name in ("job", "home")]
    table = layers.Embedding(5, 2)
    hidden = layers.Flatten()(layers.Concatenate()([table(each) for each in inputs]))
    (folder / "rows.json").write_text(json.dumps([[1, 2], [4, 0]]))
    predictor = pack("numeric", keras.Model(inputs, layers.Dense(1)(hidden)))
    assert predictor.manifest.engine == "onnx"
    predictor = Predictor(Bundle.open(folder / "bundle"), served_by)
    for outside in (-7, -1, 5, 99):
        message = (
            f"instance 1: expected a whole number of 0 to 4 for home, got the number {outside}"
        )
        with pytest.raises(UnfitInput, match=message):
            predictor.predict([[1, 2], [1, outside]])


def test_a_string_that_no_table_has_is_refused_by_its_instance(pack, folder):
    (folder / "texts.json").write_text(json.dumps(WORDS[:2]))
    lookup = layers.StringLookup(vocabulary=WORDS[:2], num_oov_indices=0)
    review = text_input()
    predictor = pack("text", keras.Model(review, layers.Embedding(3, 2)(lookup(review))))
    with pytest.raises(UnfitInput, match="instance 2: expected values that the model knows"):
        predictor.predict([WORDS[0], WORDS[1], "unheard of", WORDS[0]])


def test_inputs_of_another_type_are_refused(pack):
    inputs = [keras.Input((1,), name=name, dtype="uint8") for name in ("a", "b")]
    model = keras.Model(inputs, layers.Concatenate()(inputs))
    with pytest.raises(
        SystemExit, match=r"input a: expected strings, floats.* or int64, got uint8"
    ):
        pack("numeric", model)


@pytest.mark.parametrize(("modality", "build"), [("text", hashed), ("numeric", table)])
def test_such_a_bundle_is_checked_and_shown(pack, modality, build, monkeypatch, capsys):
    pack(modality, build())
    command(monkeypatch, "check", "bundle")
    assert (
        "the same tensors to the last bit, outputs of the engine keras" in capsys.readouterr().out
    )
    command(monkeypatch, "show", "bundle")
    shown = capsys.readouterr().out
    assert f"{modality} model, version 1.0.0, engine keras" in shown
    assert {"text": "kind 'strings'", "numeric": "step None"}[modality] in shown
