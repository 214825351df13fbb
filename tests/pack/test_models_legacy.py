"""Files of Keras 1 and 2 give the numbers that their own Keras gave."""

import hashlib
import json
import shutil
import warnings
from pathlib import Path

import pytest

pytest.importorskip("tensorflow", reason="needs TensorFlow: make setup-pack")

import h5py
import keras
import numpy as np

from pack import models

pytestmark = pytest.mark.pack

DATA = Path(__file__).parent / "data" / "models"
FILES = [path for path in sorted(DATA.glob("*/*")) if path.suffix in (".h5", ".keras")]
WHOLE = [path for path in FILES if "weights-only" not in path.name]
OPTIONS = {
    "keras-2.2.4/lambda.h5": {"lambdas": ["lambda_1=tests.pack.data.code:twice_plus_one"]},
    "tf_keras-2.21/lambda.keras": {"lambdas": ["lambda=tests.pack.data.code:twice_plus_one"]},
    "tensorflow-2.12/custom.h5": {
        "custom_objects": [
            "My=tests.pack.data.code:Scaled",
            "swoosh=tests.pack.data.code:swoosh",
        ]
    },
}


def label(path) -> str:
    return f"{path.parent.name}/{path.name}"


def recorded(path, model):
    """The inputs of a file, as its model takes them, and what its own Keras predicted."""
    arrays, stem = np.load(path.parent / "outputs.npz"), path.name.partition(".")[0]
    names = [name for name in arrays.files if name.rpartition(".")[0] == stem]
    inputs = [arrays[name] for name in names if ".x" in name]
    return inputs if len(inputs) > 1 else inputs[0], [arrays[n] for n in names if ".y" in n]


def assert_same(path, model, atol=1e-5):
    inputs, expected = recorded(path, model)
    found = keras.tree.flatten(model(inputs, training=False))
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=atol, rtol=1e-5)


def load(name, **options):
    return models.load(DATA / name, **OPTIONS.get(name, {}), **options)


@pytest.fixture
def altered(tmp_path):
    """A copy of an HDF5 file, its configuration and its weights changed."""

    def alter(name, change_layer=lambda layer: None, change_file=lambda file: None):
        path = tmp_path / "altered.h5"
        shutil.copyfile(DATA / name, path)
        with h5py.File(path, "r+") as file:
            config = json.loads(file.attrs["model_config"])
            layers = config["config"]
            for layer in layers["layers"] if isinstance(layers, dict) else layers:
                change_layer(layer)
            file.attrs["model_config"] = json.dumps(config)
            change_file(file)
        return path

    return alter


@pytest.mark.parametrize("path", WHOLE, ids=label)
def test_a_file_of_any_keras_gives_what_that_keras_predicted(path):
    before = hashlib.sha256(path.read_bytes()).digest()
    loaded = load(label(path))
    assert loaded.kind == {".h5": "hdf5", ".keras": "keras"}[path.suffix]
    assert_same(path, loaded.model)
    assert hashlib.sha256(path.read_bytes()).digest() == before


@pytest.mark.parametrize("path", [p for p in WHOLE if label(p) not in OPTIONS], ids=label)
def test_what_was_loaded_is_an_ordinary_keras_3_model(path, tmp_path):
    load(label(path)).model.save(tmp_path / "again.keras")
    assert_same(path, keras.saving.load_model(tmp_path / "again.keras"))


@pytest.mark.parametrize(
    ("name", "repairs"),
    [
        ("tensorflow-2.12/gru.h5", ["gru: time_major=False dropped, which Keras 3 does not take"]),
        (
            "keras-2.1.6/lstm.h5",
            [
                "embedding_1: batch_input_shape=[None, 6] made an input layer",
                "lstm_1: weights scaled by 1.2: hard_sigmoid has another slope now",
            ],
        ),
        (
            "keras-2.1.6/stateful.h5",
            [
                "lstm_1: stateful=True dropped: each request begins with a fresh state",
                "lstm_1_input: batches of 4 made batches of any size",
            ],
        ),
        (
            "tensorflow-2.12/functional.h5",
            [
                "thresholded_re_lu: ThresholdedReLU made ReLU(threshold=0.3)",
                "activation: Keras 2's hard_sigmoid, 0.2 x + 0.5, made Keras 3's of 1.2 x",
            ],
        ),
        (
            "tensorflow-2.12/augmented.h5",
            ["random_flip: RandomFlip dropped, which only training uses"],
        ),
        (
            "tensorflow-2.12/caffe_pre.h5",
            ["tf.nn.bias_add: TensorFlow's nn.bias_add made Keras's Add"],
        ),
        (
            "tensorflow-2.12/slashes.h5",
            ["block_dense, block_out: / in its name made _, which Keras 3 does not take"],
        ),
        (
            "keras-2.2.4/cudnn.h5",
            ["cu_dnnlstm_1: CuDNNLSTM made LSTM, its weights laid out anew"],
        ),
        (
            "keras-1.2.2/cnn.h5",
            [
                "convolution2d_1, convolution2d_2: Keras 1's Convolution2D written as Conv2D is"
                " since Keras 2",
                "convolution2d_1, convolution2d_2: kernel read as TensorFlow's;"
                " Keras 1 did not tell it from Theano's",
            ],
        ),
        (
            "tensorflow-2.12/custom.h5",
            ["dense: kernel_initializer <lambda> dropped, which only training uses"],
        ),
    ],
)
def test_each_repair_is_told_with_its_layers(name, repairs):
    found = load(name).repairs
    assert set(repairs) <= set(found), found


def test_a_model_that_needs_no_repair_tells_none(tmp_path):
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(tmp_path / "plain.keras")
    assert models.load(tmp_path / "plain.keras").repairs == []


def test_keras_3_alone_would_give_other_numbers_for_hard_sigmoid():
    path = DATA / "tensorflow-2.12" / "mlp.h5"
    with warnings.catch_warnings(action="ignore"):
        silent = keras.saving.load_model(path, compile=False)
    inputs, (expected,) = recorded(path, silent)
    assert np.abs(silent(inputs) - expected).max() > 0.01
    assert_same(path, load("tensorflow-2.12/mlp.h5").model)


def test_hard_sigmoid_of_a_keras_3_file_is_left_as_it_is(tmp_path):
    layers = [keras.Input((6, 3)), keras.layers.LSTM(4, recurrent_activation="hard_sigmoid")]
    model = keras.Sequential([*layers, keras.layers.Dense(2, activation="hard_sigmoid")])
    batch = np.random.default_rng(0).normal(size=(5, 6, 3))
    for name in ("new.keras", "new.h5"):
        model.save(tmp_path / name)
        loaded = models.load(tmp_path / name)
        np.testing.assert_array_equal(loaded.model(batch), model(batch))


def test_a_simple_rnn_of_hard_sigmoid_is_scaled_with_its_recurrent_weights(altered):
    def use_hard_sigmoid(layer):
        if layer["class_name"] == "SimpleRNN":
            layer["config"]["activation"] = "hard_sigmoid"

    path = altered("keras-2.2.4/rnns.h5", use_hard_sigmoid)
    model = models.load(path).model
    with h5py.File(path) as file:
        group = file["model_weights"]["simple_rnn_1"]["simple_rnn_1"]
        kernel, recurrent, bias = (
            np.array(group[name]) for name in ("kernel:0", "recurrent_kernel:0", "bias:0")
        )
    sequences = np.load(DATA / "keras-2.2.4" / "outputs.npz")["rnns.x0"]
    state, expected = np.zeros((len(sequences), 4)), []
    for step in sequences.swapaxes(0, 1):
        state = np.clip(0.2 * (step @ kernel + state @ recurrent + bias) + 0.5, 0, 1)
        expected.append(state)
    found = keras.Model(model.inputs[0], model.get_layer("simple_rnn_1").output)(sequences)
    np.testing.assert_allclose(found, np.swapaxes(expected, 0, 1), atol=1e-6)


def test_outputs_of_a_recurrent_layer_through_hard_sigmoid_are_refused(altered):
    def use_hard_sigmoid(layer):
        if layer["class_name"] == "LSTM":
            layer["config"]["activation"] = "hard_sigmoid"

    with pytest.raises(ValueError, match="layer lstm_1: expected another activation"):
        models.load(altered("keras-2.1.6/lstm.h5", use_hard_sigmoid))


def test_kernels_that_theano_kept_are_turned_around(altered):
    def to_theano(file):
        group = file["model_weights"]
        group.attrs["backend"] = file.attrs["backend"] = "theano"
        for name in ("conv2d_1", "conv2d_transpose_1"):
            kernel = group[name][name]["kernel:0"]
            kernel[...] = np.array(kernel)[::-1, ::-1]

    path = altered("keras-2.2.4/cnn.h5", change_file=to_theano)
    assert_same(DATA / "keras-2.2.4" / "cnn.h5", models.load(path).model)


def test_weights_go_by_name_not_by_order(altered):
    def reverse(file):
        group = file["model_weights"]
        group.attrs["layer_names"] = list(group.attrs["layer_names"])[::-1]

    path = altered("tensorflow-2.12/functional.h5", change_file=reverse)
    assert_same(DATA / "tensorflow-2.12" / "functional.h5", models.load(path).model)


def test_weights_of_a_nested_model_go_by_name(altered):
    def reverse(file):
        group = file["model_weights"]["base"]
        names = list(group.attrs["weight_names"])  # a convolution's two, a normalisation's four
        group.attrs["weight_names"] = names[2:] + names[:2]

    path = altered("keras-2.2.4/transfer.h5", change_file=reverse)
    assert_same(DATA / "keras-2.2.4" / "transfer.h5", models.load(path).model)


@pytest.mark.parametrize(
    ("layer_class", "key", "value", "message"),
    [
        ("GRU", "time_major", True, r"layer gru: expected an argument of Keras 3.*time_major=True"),
        ("GRU", "zoneout", 0.1, r"layer gru: expected an argument of Keras 3.*zoneout=0.1"),
        ("InputLayer", "ragged", True, "layer input_1: expected an input of one length"),
        (
            "Dense",
            "units",
            7,
            r"layer dense: expected weights of shapes \(3, 7\), \(7,\), the file has \(3, 1\)",
        ),
    ],
)
def test_what_would_change_the_numbers_is_refused(altered, layer_class, key, value, message):
    def change(layer):
        if layer["class_name"] == layer_class:
            layer["config"][key] = value

    with pytest.raises(ValueError, match=message):
        models.load(altered("tensorflow-2.12/gru.h5", change))


def test_a_layer_that_keras_1_alone_had_is_refused_by_name(altered):
    def change(layer):
        if layer["class_name"] == "Dense":
            layer["class_name"] = "MaxoutDense"

    with pytest.raises(ValueError, match=r"layer dense_1: .* got MaxoutDense"):
        models.load(altered("keras-1.2.2/lstm.h5", change))


def test_batch_normalization_of_another_mode_is_refused(altered):
    def change(layer):
        if layer["class_name"] == "BatchNormalization":
            layer["config"]["mode"] = 1

    with pytest.raises(ValueError, match="expected a BatchNormalization of mode 0, got mode 1"):
        models.load(altered("keras-1.2.2/cnn.h5", change))


def test_a_function_of_tensorflow_without_an_equal_is_refused_by_name(altered):
    def change(layer):
        if layer["class_name"] == "TFOpLambda":
            layer["config"]["function"] = "signal.stft"

    with pytest.raises(ValueError, match=r"expected a TensorFlow function .* got signal.stft"):
        models.load(altered("tensorflow-2.12/caffe_pre.h5", change))


def test_a_link_out_of_the_file_is_refused(altered):
    def link(file):
        group = file["model_weights"]["dense"]
        del group["dense"]
        group["dense"] = h5py.ExternalLink(str(DATA / "keras-2.1.6" / "lstm.h5"), "/")

    with pytest.raises(ValueError, match=r"expected dense/kernel:0 in the HDF5 file itself, got a"):
        models.load(altered("tensorflow-2.12/mlp.h5", change_file=link))


@pytest.mark.parametrize("config", ['{"class_name": "Sequential"}', '{"config": {}}', "[]", "{"])
def test_a_broken_configuration_is_refused(tmp_path, config):
    path = tmp_path / "broken.h5"
    shutil.copyfile(DATA / "tensorflow-2.12" / "mlp.h5", path)
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = config
    with pytest.raises(ValueError, match=r"expected a configuration|Expecting"):
        models.load(path)


def test_a_model_never_built_is_refused(tmp_path):
    model = keras.Sequential([keras.layers.Dense(2)])
    with h5py.File(tmp_path / "never.h5", "w") as file:
        file.attrs["keras_version"] = "2.12.0"
        file.attrs["model_config"] = json.dumps(
            {"class_name": "Sequential", "config": model.get_config()}
        )
        file.create_group("model_weights").attrs["layer_names"] = []
    with pytest.raises(ValueError, match=r"never built: begin it with keras\.Input"):
        models.load(tmp_path / "never.h5")
