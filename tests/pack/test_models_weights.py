"""Weights without a model go with an architecture, and into no other."""

import json
import shutil
import zipfile

import pytest

pytest.importorskip("tensorflow", reason="needs TensorFlow: make setup-pack")

import h5py
import keras
import numpy as np

from pack import models
from tests.pack.data import code
from tests.pack.test_models_legacy import DATA, assert_same

pytestmark = pytest.mark.pack

CODE = "tests.pack.data.code"
BATCH = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)
SMALL = DATA / "tensorflow-2.12" / "mlp.weights-only.h5"


@pytest.fixture
def native(tmp_path):
    """Weights as Keras 3 saves them, its architecture as JSON, and the model."""
    model = code.small()
    model.save_weights(tmp_path / "small.weights.h5")
    (tmp_path / "small.json").write_text(model.to_json())
    return tmp_path / "small.weights.h5", tmp_path / "small.json", model


@pytest.mark.parametrize(
    "path", [SMALL, DATA / "keras-1.2.2" / "lstm.weights-only.h5"], ids=lambda path: path.name
)
def test_weights_alone_are_recognised_and_the_message_says_what_is_needed(path):
    with pytest.raises(ValueError, match=r"got weights alone .*--architecture.*module:function"):
        models.load(path)


def test_native_weights_alone_are_recognised_too(native):
    with pytest.raises(ValueError, match=r"got weights alone \(of dense, dense_1\)"):
        models.load(native[0])


def test_an_hdf5_file_of_something_else_is_told(tmp_path):
    with h5py.File(tmp_path / "table.h5", "w") as file:
        file["rows"] = [1, 2, 3]
    with pytest.raises(ValueError, match="expected a Keras model or its weights, got an HDF5 file"):
        models.load(tmp_path / "table.h5")


@pytest.mark.parametrize("name", ["tensorflow-2.12/mlp", "tensorflow-2.12/gru", "keras-1.2.2/lstm"])
def test_old_weights_go_with_their_own_json(name):
    weights = DATA / f"{name}.weights-only.h5"
    loaded = models.load(weights, architecture=str(DATA / f"{name}.json"))
    assert loaded.kind == "weights"
    assert_same(weights.with_name(f"{weights.name.partition('.')[0]}.h5"), loaded.model)


def test_old_weights_go_in_their_order_into_a_function_with_other_names():
    loaded = models.load(SMALL, architecture=f"{CODE}:small")
    assert_same(DATA / "tensorflow-2.12" / "mlp.h5", loaded.model)
    assert loaded.repairs == ["first: weights scaled by 1.2: hard_sigmoid has another slope now"]


def test_an_architecture_replaces_the_one_in_the_file():
    path = DATA / "tensorflow-2.12" / "mlp.h5"
    assert_same(path, models.load(path, architecture=f"{CODE}:small").model)


@pytest.mark.parametrize("renamed", ["small.weights.h5", "best.h5", "checkpoint"])
def test_native_weights_go_with_json_and_function_under_any_name(native, tmp_path, renamed):
    weights, architecture, model = native
    path = weights.rename(tmp_path / renamed)
    for source in (str(architecture), f"{CODE}:small"):
        loaded = models.load(path, architecture=source)
        assert (loaded.kind, loaded.repairs) == ("weights", [])
        np.testing.assert_array_equal(loaded.model(BATCH), model(BATCH))


def test_the_weights_of_a_keras_file_go_into_a_function(native, tmp_path):
    model = native[2]
    model.save(tmp_path / "whole.keras")
    loaded = models.load(tmp_path / "whole.keras", architecture=f"{CODE}:small")
    np.testing.assert_array_equal(loaded.model(BATCH), model(BATCH))


def test_the_weights_of_an_old_keras_file_keep_its_hard_sigmoid(native, tmp_path):
    model = native[2]
    model.save(tmp_path / "new.keras")
    with (
        zipfile.ZipFile(tmp_path / "new.keras") as new,
        zipfile.ZipFile(tmp_path / "old.keras", "w") as old,
    ):
        for name in new.namelist():
            content = new.read(name)
            old.writestr(name, b'{"keras_version": "2.15.0"}' if "metadata" in name else content)
    loaded = models.load(tmp_path / "old.keras", architecture=f"{CODE}:small").model
    first, second = model.layers
    hidden = np.clip(0.2 * (BATCH @ first.kernel.numpy() + first.bias.numpy()) + 0.5, 0, 1)
    expected = hidden @ second.kernel.numpy() + second.bias.numpy()
    np.testing.assert_allclose(loaded(BATCH), expected, atol=1e-6)


def test_seeds_of_dropout_are_no_weights(tmp_path):
    layers = [keras.Input((5,)), keras.layers.Dropout(0.5), keras.layers.Dense(2)]
    model = keras.Sequential(layers)
    model.save_weights(tmp_path / "dropout.weights.h5")
    (tmp_path / "dropout.json").write_text(model.to_json())
    loaded = models.load(
        tmp_path / "dropout.weights.h5", architecture=str(tmp_path / "dropout.json")
    )
    np.testing.assert_array_equal(loaded.model(BATCH), model(BATCH))


@pytest.mark.parametrize("kind", ["old", "native"])
@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("other", r"layer dense\w*: expected weights of shapes? \(5, 3\).*, the file has \(5, 4\)"),
        ("longer", r"expected .* (6 weights|of 3 layers)"),
        ("unbuilt", "expected a model that knows its inputs, got one never built"),
        ("nothing", r"expected a function that gives a keras\.Model, got a builtins\.str"),
        ("missing", "code has no missing"),
    ],
)
def test_another_architecture_is_refused_with_both_sides(native, kind, function, message):
    path = SMALL if kind == "old" else native[0]
    with pytest.raises(ValueError, match=message):
        models.load(path, architecture=f"{CODE}:{function}")


def test_fewer_layers_than_the_file_has_are_refused(native, tmp_path):
    config = json.loads(native[1].read_text())
    del config["config"]["layers"][-1]
    native[1].write_text(json.dumps(config))
    with pytest.raises(ValueError, match="expected the 2 weights of the architecture, got 4"):
        models.load(native[0], architecture=str(native[1]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"expected model\.to_json\(\)'s JSON, got"),
        ('{"layers": []}', "JSON, got one without class_name"),
    ],
)
def test_an_architecture_of_other_json_is_refused(tmp_path, content, message):
    (tmp_path / "other.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        models.load(SMALL, architecture=str(tmp_path / "other.json"))
    with pytest.raises(ValueError, match=r"expected model\.to_json\(\)'s JSON"):
        models.load(SMALL, architecture=str(tmp_path / "none.json"))


def test_the_configuration_alone_in_an_hdf5_file_is_refused(tmp_path):
    path = tmp_path / "bare.h5"
    shutil.copyfile(DATA / "tensorflow-2.12" / "mlp.h5", path)
    with h5py.File(path, "r+") as file:
        del file["model_weights"]
    with pytest.raises(ValueError, match="expected a model with weights, got its configuration"):
        models.load(path)
