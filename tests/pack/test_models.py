"""Keras 3's own files, the user's code in them, and what is no model at all."""

import argparse
import json
import pickle
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("tensorflow", reason="needs TensorFlow: make setup-pack")

import h5py
import keras
import numpy as np

from pack import models
from tests.conftest import ROOT
from tests.pack.data import code

pytestmark = pytest.mark.pack

CODE = "tests.pack.data.code"
BATCH = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)


@pytest.fixture
def saved(tmp_path):
    """A file of a functional model through some layers, of five numbers."""

    def save(*layers, name="model.keras"):
        inputs = outputs = keras.Input((5,), name="features")
        for layer in layers:
            outputs = layer(outputs)
        model = keras.Model(inputs, outputs)
        model.save(tmp_path / name)
        return tmp_path / name, model

    return save


def edited(path, change):
    """The `.keras` file with another configuration."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config)
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_help_needs_no_tensorflow():
    program = (
        "import argparse, sys; from pack import models;"
        " parser = argparse.ArgumentParser(); models.add_arguments(parser); parser.format_help();"
        " assert not {'keras', 'tensorflow', 'h5py', 'numpy'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_options_are_what_load_takes(saved):
    path, model = saved(keras.layers.Dense(2), keras.layers.Lambda(code.doubled, name="twice"))
    parser = argparse.ArgumentParser()
    models.add_arguments(parser)
    asked = parser.parse_args(["--model", str(path), "--lambda", f"twice={CODE}:doubled"])
    loaded = models.load(asked.model, asked.architecture, asked.custom_object, asked.lambdas)
    np.testing.assert_array_equal(loaded.model(BATCH), model(BATCH))


@pytest.mark.parametrize("name", ["model.keras", "model.h5", "model.hdf5"])
@pytest.mark.parametrize("renamed", ["model", "model.bin", "model.h5", "model.keras"])
def test_a_file_is_read_by_its_content_whatever_its_name(saved, tmp_path, name, renamed):
    path, model = saved(keras.layers.Dense(3), keras.layers.BatchNormalization(), name=name)
    loaded = models.load(path.rename(tmp_path / "moved").rename(tmp_path / renamed))
    assert loaded.kind == ("keras" if name == "model.keras" else "hdf5")
    assert loaded.repairs == []
    np.testing.assert_array_equal(loaded.model(BATCH), model(BATCH))


def test_an_unzipped_keras_folder_is_read(saved, tmp_path):
    path, model = saved(keras.layers.Dense(3))
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "folder")
    np.testing.assert_array_equal(models.load(tmp_path / "folder").model(BATCH), model(BATCH))


def test_several_inputs_and_outputs_keep_their_names_and_order(tmp_path):
    inputs = [keras.Input((5,), name=name) for name in ("zeta", "alpha")]
    joined = keras.layers.concatenate(inputs)
    outputs = [keras.layers.Dense(1, name=name)(joined) for name in ("late", "early")]
    for model in (
        keras.Model(inputs, outputs),
        keras.Model(inputs, dict(zip(("b", "a"), outputs, strict=True))),
    ):
        model.save(tmp_path / "many.keras")
        loaded = models.load(tmp_path / "many.keras").model
        assert [each.name for each in loaded.inputs] == ["zeta", "alpha"]
        found, expected = loaded([BATCH, BATCH * 2]), model([BATCH, BATCH * 2])
        keras.tree.map_structure(np.testing.assert_array_equal, found, expected)


def test_a_compiled_model_loads_without_its_loss(saved, tmp_path):
    path, model = saved(keras.layers.Dense(1))
    model.compile(optimizer="adam", loss=lambda y, z: keras.ops.mean(y - z), metrics=["mae"])
    with pytest.warns(UserWarning, match="lambda"):
        model.save(path)
    loaded = models.load(path).model
    assert not loaded.compiled
    np.testing.assert_array_equal(loaded(BATCH), model(BATCH))


def test_augmentation_is_left_out_and_the_weights_behind_it_stay_theirs(tmp_path):
    augment = keras.Sequential([keras.layers.RandomFlip(), keras.layers.RandomRotation(0.2)])
    layers = [augment, keras.layers.Conv2D(2, 3), keras.layers.RandomZoom(0.1)]
    model = keras.Sequential([keras.Input((8, 8, 3)), *layers, keras.layers.Conv2D(2, 3)])
    model.save(tmp_path / "augmented.keras")
    loaded = models.load(tmp_path / "augmented.keras")
    pictures = np.random.default_rng(0).random((2, 8, 8, 3))
    np.testing.assert_array_equal(
        loaded.model(pictures, training=True), model(pictures, training=False)
    )
    assert len(loaded.repairs) == 3


def test_normalization_exports_with_its_statistics(tmp_path):
    import onnxruntime

    layer = keras.layers.Normalization()
    layer.adapt(BATCH)
    model = keras.Sequential([keras.Input((5,)), layer, keras.layers.Dense(2)])
    model.save(tmp_path / "normalized.keras")
    loaded = models.load(tmp_path / "normalized.keras").model
    np.testing.assert_allclose(loaded(BATCH), model(BATCH), rtol=1e-6)
    loaded.export(tmp_path / "model.onnx", format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    (given,) = session.get_inputs()
    (found,) = session.run(None, {given.name: BATCH})
    np.testing.assert_allclose(found, model(BATCH), atol=1e-6)


def marked(marker):
    """A Python lambda whose running leaves a file, as the loaders would run it."""
    return eval(f"lambda t: (__import__('pathlib').Path({str(marker)!r}).touch(), t * 2)[1]")


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_code_in_a_file_is_never_run(tmp_path, name):
    marker = tmp_path / "ran"
    config = {
        "class_name": "__lambda__",
        "config": dict(
            zip(
                ("code", "defaults", "closure"),
                keras.src.utils.python_utils.func_dump(marked(marker)),
                strict=True,
            )
        ),
    }
    path = tmp_path / name
    model = keras.Sequential([keras.Input((5,)), keras.layers.Lambda(code.doubled, name="first")])
    model.save(path)

    def poison(layers):
        for layer in layers:
            if layer["class_name"] == "Lambda":
                layer["config"]["function"] = config

    if name == "model.keras":
        edited(path, lambda whole: poison(whole["config"]["layers"]))
    else:
        with h5py.File(path, "r+") as file:
            whole = json.loads(file.attrs["model_config"])
            poison(whole["config"]["layers"])
            file.attrs["model_config"] = json.dumps(whole)
    with pytest.raises(ValueError, match="--lambda first=module:function"):
        models.load(path)
    loaded = models.load(path, lambdas=[f"first={CODE}:doubled"])
    np.testing.assert_array_equal(loaded.model(BATCH), np.concatenate([BATCH, BATCH], -1))
    assert loaded.repairs == ["first: its code replaced by the function that --lambda names"]
    assert not marker.exists()


def test_keras_itself_refuses_the_code_of_old_files_too():
    path = ROOT / "tests" / "pack" / "data" / "models" / "keras-2.2.4" / "lambda.h5"
    with (
        warnings.catch_warnings(action="ignore"),
        pytest.raises(ValueError, match="Requested the deserialization of a `Lambda` layer"),
    ):
        keras.saving.load_model(path, compile=False, safe_mode=True)


def test_code_hidden_in_another_layer_is_refused(saved):
    path, _ = saved(keras.layers.Dense(3))

    def hide(config):
        dense = config["config"]["layers"][1]["config"]
        dense["activation"] = {"class_name": "__lambda__", "config": {"value": ["", None, None]}}

    edited(path, hide)
    with pytest.raises(ValueError, match="without code in it, got a Python lambda"):
        models.load(path)


def test_the_shape_of_a_lambda_layers_output_is_inferred(saved):
    layers = [keras.layers.Lambda(code.doubled, name="twice"), keras.layers.Dense(3)]
    path, model = saved(*layers)
    edited(path, lambda config: config["config"]["layers"][1]["config"].pop("output_shape", None))
    loaded = models.load(path, lambdas=[f"twice={CODE}:doubled"]).model
    assert loaded.get_layer("twice").output.shape == (None, 10)
    np.testing.assert_array_equal(loaded(BATCH), model(BATCH))


def test_all_lambda_layers_and_custom_objects_are_listed_at_once(saved):
    path, _ = saved(
        keras.layers.Lambda(code.doubled, name="one"),
        keras.layers.Lambda(code.twice_plus_one, name="two"),
        code.Scaled(3.0, name="scaled"),
        keras.layers.Dense(2, activation=code.swoosh, name="dense"),
    )
    with pytest.raises(ValueError) as caught:  # noqa: PT011, the message is what is tested
        models.load(path)
    words = str(caught.value)
    assert "--lambda one=module:function --lambda two=module:function" in words
    assert "got Scaled (scaled), swoosh (dense)" in words
    assert (
        "--custom-object Scaled=module:attribute --custom-object swoosh=module:attribute" in words
    )


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_custom_objects_that_are_named_are_used(saved, name):
    layers = [code.Scaled(3.0), keras.layers.Dense(2, activation=code.swoosh)]
    path, model = saved(*layers, name=name)
    named = [f"Scaled={CODE}:Scaled", f"swoosh={CODE}:swoosh"]
    loaded = models.load(path, custom_objects=named)
    np.testing.assert_array_equal(loaded.model(BATCH), model(BATCH))


@pytest.mark.parametrize("called", ["Registered", "my_package>Registered"])
@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_a_registered_name_goes_with_and_without_its_package(saved, monkeypatch, name, called):
    class Registered(code.Scaled):
        pass

    monkeypatch.setattr(code, "Registered", Registered, raising=False)
    keras.saving.register_keras_serializable("my_package")(Registered)
    path, model = saved(Registered(2.0), name=name)
    keras.saving.get_custom_objects().clear()
    with pytest.raises(ValueError, match="--custom-object Registered=module:attribute"):
        models.load(path)
    loaded = models.load(path, custom_objects=[f"{called}={CODE}:Registered"])
    np.testing.assert_array_equal(loaded.model(BATCH), model(BATCH))


def test_a_custom_regularizer_is_dropped_since_only_training_uses_it(saved):
    class Mine(keras.regularizers.Regularizer):
        def __call__(self, x):
            return 0.0

        def get_config(self):
            return {}

    path, model = saved(keras.layers.Dense(2, kernel_regularizer=Mine(), name="dense"))
    loaded = models.load(path)
    assert loaded.repairs == ["dense: kernel_regularizer Mine dropped, which only training uses"]
    np.testing.assert_array_equal(loaded.model(BATCH), model(BATCH))


def test_a_subclassed_model_needs_its_class_and_a_call(tmp_path, monkeypatch):
    class Mine(keras.Model):
        def __init__(self, **options):
            super().__init__(**options)
            self.dense = keras.layers.Dense(2)

        def call(self, tensor):
            return self.dense(tensor)

    monkeypatch.setattr(code, "Mine", Mine, raising=False)
    model = Mine()
    expected = model(BATCH)
    model.save(tmp_path / "mine.keras")
    with pytest.raises(ValueError, match="--custom-object Mine=module:attribute"):
        models.load(tmp_path / "mine.keras")
    loaded = models.load(tmp_path / "mine.keras", custom_objects=[f"Mine={CODE}:Mine"])
    np.testing.assert_array_equal(loaded.model(BATCH), expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"custom_objects": ["Scaled"]}, "expected NAME=module:attribute, got 'Scaled'"),
        ({"custom_objects": ["Scaled=code"]}, "expected module:attribute, got 'code'"),
        (
            {"custom_objects": ["A=no_such_module:b"]},
            "no_such_module:b: the module does not import",
        ),
        ({"custom_objects": [f"A={CODE}:missing"]}, "code has no missing"),
        ({"lambdas": [f"a={CODE}:doubled", f"a={CODE}:doubled"]}, "each name once, got a twice"),
        ({"lambdas": [f"dense={CODE}:doubled"]}, r"one of the Lambda layers \(none\), got dense"),
    ],
)
def test_an_option_that_names_nothing_is_refused(saved, options, message):
    path, _ = saved(keras.layers.Dense(2, name="dense"))
    with pytest.raises(ValueError, match=message):
        models.load(path, **options)


def test_an_argument_of_a_later_keras_is_dropped_if_it_says_nothing(saved):
    path, model = saved(keras.layers.Dense(2, name="dense"))

    def newer(config):
        config["config"]["layers"][1]["config"]["novelty"] = None

    edited(path, newer)
    loaded = models.load(path)
    assert loaded.repairs == ["dense: novelty dropped, which Keras 3 does not take"]
    np.testing.assert_array_equal(loaded.model(BATCH), model(BATCH))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.h5", b"", "an empty file"),
        ("model.pt", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "a PyTorch file"),
        ("model.pkl", pickle.dumps({"a": 1}), r"a pickle .*model\.save\('name\.keras'\)"),
        ("model.h5", b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
        ("model.json", b'{"class_name": "Sequential"}', "--architecture .*model.json"),
        ("model.h5", b"<!DOCTYPE html><html>", "a web page"),
        ("model.tflite", b"\x1c\x00\x00\x00TFL3", "a LiteRT"),
        ("model.h5", b"\x1f\x8b\x08\x00", "a gzip archive"),
        ("cp.ckpt.index", b"\x00\x00\x01\x02", "a TensorFlow checkpoint"),
        ("model.keras", b"PK\x03\x04broken", "the beginning of a zip file, cut short"),
        ("model.keras", b"hello world", "begins with b'hello wo'"),
    ],
)
def test_what_is_no_model_is_told_for_what_it_is(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"expected a Keras model: .*, got .*{message}"):
        models.load(tmp_path / name)


def test_a_zip_of_pytorch_or_of_anything_is_told(tmp_path):
    for inside, message in (("model/data.pkl", "a PyTorch file"), ("a.txt", r"it holds a\.txt")):
        with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
            archive.writestr(inside, "")
        with pytest.raises(ValueError, match=message):
            models.load(tmp_path / "model.keras")


def test_a_folder_without_a_model_says_what_is_in_it(tmp_path):
    (tmp_path / "cp.ckpt.index").touch()
    with pytest.raises(ValueError, match=r"without saved_model\.pb .*TensorFlow checkpoint"):
        models.load(tmp_path)
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "saved_model.pb").touch()
    with pytest.raises(ValueError, match=r"inner/saved_model\.pb"):
        models.load(tmp_path)


def test_a_file_cut_short_is_told(saved, tmp_path):
    path, _ = saved(keras.layers.Dense(200), name="model.h5")
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(ValueError, match="expected a whole HDF5 file, got one cut short"):
        models.load(path)


def test_a_path_with_nothing_there_is_told():
    with pytest.raises(FileNotFoundError, match="found nothing"):
        models.load(Path("no/such/model.keras"))


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_operations_between_layers_keep_their_arguments(tmp_path, name):
    inputs = keras.Input((5,))
    scaled = (inputs[:, 1:] / 2 + np.arange(4)) * 3
    outputs = keras.layers.Multiply()([keras.layers.Dense(4)(scaled), keras.ops.relu(scaled)])
    model = keras.Model(inputs, keras.ops.concatenate([outputs, scaled], axis=-1))
    model.save(tmp_path / name)
    np.testing.assert_array_equal(models.load(tmp_path / name).model(BATCH), model(BATCH))


def test_models_within_a_model_that_are_called_twice(tmp_path):
    one, other = keras.Input((5,)), keras.Input((5,))
    encoder = keras.Sequential([keras.Input((5,)), keras.layers.Dense(5)], name="encoder")
    inner = keras.Input((5,))
    decoder = keras.Model(inner, keras.layers.Dense(5)(inner), name="decoder")
    first = decoder(encoder(one))
    model = keras.Model([one, other], [first, encoder(decoder(encoder(other))), encoder(first)])
    for name in ("model.keras", "model.h5"):
        model.save(tmp_path / name)
        found, expected = (
            models.load(tmp_path / name).model([BATCH, -BATCH]),
            model([BATCH, -BATCH]),
        )
        keras.tree.map_structure(np.testing.assert_array_equal, found, expected)


def test_a_vocabulary_comes_with_a_keras_file_and_not_with_hdf5(tmp_path):
    layer = keras.layers.TextVectorization(output_sequence_length=3)
    layer.adapt(["good good food", "bad"])
    layers = [keras.Input((1,), dtype="string"), layer, keras.layers.Embedding(5, 2)]
    model = keras.Sequential([*layers, keras.layers.GlobalAveragePooling1D()])
    for name in ("words.keras", "words.h5"):
        model.save(tmp_path / name)
    texts = keras.ops.convert_to_tensor([["good food"], ["bad"]])
    loaded = models.load(tmp_path / "words.keras")
    assert loaded.repairs == []
    np.testing.assert_array_equal(loaded.model(texts), model(texts))
    with pytest.raises(ValueError, match=r"layer text_vectorization\w*: expected its vocabulary"):
        models.load(tmp_path / "words.h5")


@pytest.mark.filterwarnings("ignore:You passed `rms_scaling=True`:UserWarning")
def test_arguments_that_layers_take_without_naming_them_are_kept(saved):
    path, model = saved(keras.layers.LayerNormalization(rms_scaling=True))
    loaded = models.load(path)
    assert loaded.repairs == []
    np.testing.assert_array_equal(loaded.model(BATCH), model(BATCH))


def test_a_member_that_unpacks_to_far_more_than_it_holds_is_refused(saved, tmp_path):
    path, _ = saved(keras.layers.Dense(2))
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("assets/bomb", "w", force_zip64=True) as member,
    ):
        for _ in range(300):
            member.write(bytes(1 << 20))
    with pytest.raises(ValueError, match="assets/bomb unpacks to 314572800 bytes"):
        models.load(path)
