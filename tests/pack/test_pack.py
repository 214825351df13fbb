"""A bundle holds what Keras computes, or it is not written."""

import json
import shutil
import subprocess
import sys

import pytest

pytest.importorskip("tensorflow", reason="needs TensorFlow: make setup-pack")
pytest.importorskip("sklearn", reason="needs scikit-learn: make setup-pack")

import joblib
import keras
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from pack.__main__ import main
from serving.bundle import Bundle
from serving.errors import BundleError
from serving.predictor import Predictor
from tests.conftest import MODALITIES, ROOT

pytestmark = pytest.mark.pack

TABLE = pd.DataFrame(
    {"a": [0.0, 1.0, 5.0, 2.0], "b": [2.0, 2.5, 3.0, 9.0], "c": ["x", "y", "x", "z"]}
)
ROWS = TABLE.to_dict("records")
WIDTH = 5


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder of a user, with a fitted transformer and examples in it."""
    monkeypatch.chdir(tmp_path)
    blocks = [
        ("numbers", StandardScaler(), ["a", "b"]),
        ("categories", OneHotEncoder(handle_unknown="ignore"), ["c"]),
    ]
    joblib.dump(ColumnTransformer(blocks).fit(TABLE), "transformer.joblib")
    (tmp_path / "rows.json").write_text(json.dumps(ROWS))
    return tmp_path


@pytest.fixture
def save(folder):
    """Save a network of the transformer's columns that ends in the given layers, by name."""

    def make(*outputs: keras.layers.Layer) -> None:
        keras.utils.set_random_seed(0)
        features = keras.Input((WIDTH,), name="features")
        x = keras.layers.Dense(4, activation="relu")(features)
        results = [layer(x) for layer in outputs]
        keras.Model(features, results if len(results) > 1 else results[0]).save("model.keras")

    return make


@pytest.fixture
def pack(folder, monkeypatch):
    """Run `python -m pack numeric` on those files."""

    def run(*options: str) -> Predictor:
        common = ["--model", "model.keras", "--transformer", "transformer.joblib"]
        given = ["--trust-pickle", "--examples", "rows.json", "--out", "bundle", *options]
        monkeypatch.setattr(sys, "argv", ["pack", "numeric", *common, *given])
        main()
        return Predictor(Bundle.open(folder / "bundle"))

    return run


def softmax(name="scores"):
    return keras.layers.Dense(3, activation="softmax", name=name)


def outputs_of_keras(predictor):
    model = keras.saving.load_model("model.keras", compile=False)
    return model.predict(predictor.preprocess(ROWS), verbose=0)


def test_a_packed_model_serves_what_keras_computes(save, pack, capsys):
    save(softmax())
    predictor = pack("--labels", "u,v,w", "--version", "2.0.0")
    predicted = predictor.predict(ROWS).predictions
    found = [list(prediction["scores"].values()) for prediction in predicted]
    np.testing.assert_allclose(found, outputs_of_keras(predictor), atol=1e-6)
    assert predictor.manifest.version == "2.0.0"
    assert predictor.manifest.engine == "onnx"
    said = capsys.readouterr().out
    assert "Keras and ONNX on random inputs: largest difference" in said


def test_preprocessing_is_that_of_scikit_learn(save, pack, folder):
    save(softmax())
    expected = joblib.load(folder / "transformer.joblib").transform(TABLE)
    found = pack("--labels", "u,v,w").preprocess(ROWS)
    np.testing.assert_array_equal(found, expected.astype(np.float32))


def test_several_named_outputs_are_served(save, pack):
    save(softmax("mood"), keras.layers.Dense(1, name="age"))
    predictor = pack("--output", "age=regression", "--output", "mood=multiclass:sad,so,glad")
    mood, age = outputs_of_keras(predictor)
    predicted = predictor.predict(ROWS).predictions
    assert list(predicted[0]) == ["mood", "age"]
    np.testing.assert_allclose([each["age"]["value"] for each in predicted], age[:, 0], atol=1e-6)
    glad = [each["mood"]["scores"]["glad"] for each in predicted]
    np.testing.assert_allclose(glad, mood[:, 2], atol=1e-6)


def test_a_scaled_target_is_scaled_back(save, pack, folder):
    save(keras.layers.Dense(1, name="price"))
    scaler = StandardScaler().fit([[100.0], [300.0], [900.0]])
    joblib.dump(scaler, folder / "target.joblib")
    predictor = pack("--task", "regression", "--target-transformer", "target.joblib")
    expected = scaler.inverse_transform(outputs_of_keras(predictor).astype(np.float64))
    found = [each["value"] for each in predictor.predict(ROWS).predictions]
    np.testing.assert_allclose(found, expected[:, 0], rtol=1e-6)


def test_logits_are_served_as_probabilities(save, pack):
    save(keras.layers.Dense(3))
    predictor = pack("--labels", "u,v,w", "--logits")
    expected = keras.ops.convert_to_numpy(keras.ops.softmax(outputs_of_keras(predictor)))
    found = [list(each["scores"].values()) for each in predictor.predict(ROWS).predictions]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_model_that_differs_too_much_is_not_compiled_and_the_difference_is_told(
    save, pack, folder
):
    save(softmax())
    with pytest.raises(
        SystemExit, match=r"differ by up to \d\.\d\de-\d\d .*tolerance is 1\.00e-12"
    ):
        pack("--labels", "u,v,w", "--tolerance", "1e-12", "--engine", "onnx")
    assert not (folder / "bundle").exists()


def erfinv(x):
    """A function that TensorFlow runs and ONNX has no operator for."""
    return keras.ops.erfinv(keras.ops.tanh(x) / 2)


def test_a_model_that_does_not_convert_is_refused_where_onnx_is_asked_for(save, pack, folder):
    save(erfinv)
    with pytest.raises(SystemExit, match="ONNX has no operator for TensorFlow's Erfinv"):
        pack("--task", "embedding", "--engine", "onnx")
    assert not (folder / "bundle").exists()


def test_a_model_that_does_not_convert_is_left_to_keras(save, pack, folder, capsys):
    save(erfinv)
    predictor = pack("--task", "embedding")
    assert predictor.manifest.engine == "keras"
    assert not (folder / "bundle/model.onnx").exists()
    assert "marked for the Keras engine" in capsys.readouterr().out
    found = [each["embedding"] for each in predictor.predict(ROWS).predictions]
    model = keras.saving.load_model("model.keras", compile=False)
    np.testing.assert_allclose(found, model(predictor.preprocess(ROWS)), atol=1e-6)


def test_exact_gelu_compiles(save, pack):
    save(lambda x: keras.layers.Dense(2, name="values")(keras.activations.gelu(x)))
    predictor = pack("--task", "embedding", "--engine", "onnx")
    found = [each["embedding"] for each in predictor.predict(ROWS).predictions]
    np.testing.assert_allclose(found, outputs_of_keras(predictor), atol=1e-6)


class Stubborn(keras.layers.Layer):
    """A layer of the user's own around that function."""

    def call(self, x):
        return erfinv(x)


@pytest.mark.parametrize("engine", ["auto", "keras"])
def test_custom_code_that_does_not_convert_cannot_be_served(save, pack, folder, engine):
    save(Stubborn(name="values"))
    (folder / "mine.py").write_text("from tests.pack.test_pack import Stubborn\n")
    options = ("--task", "embedding", "--custom-object", "Stubborn=mine:Stubborn")
    with pytest.raises(SystemExit, match="the Keras engine cannot serve it"):
        pack(*options, "--engine", engine)
    assert not (folder / "bundle").exists()


def test_the_keras_engine_can_be_asked_for(save, pack):
    save(softmax())
    predictor = pack("--labels", "u,v,w", "--engine", "keras")
    assert predictor.manifest.engine == "keras"
    found = [list(each["scores"].values()) for each in predictor.predict(ROWS).predictions]
    np.testing.assert_allclose(found, outputs_of_keras(predictor), atol=1e-6)


def test_packing_twice_gives_the_same_bytes(save, pack, folder):
    save(softmax())
    pack("--labels", "u,v,w")
    shutil.copytree(folder / "bundle", folder / "first")
    pack("--labels", "u,v,w")
    for path in (folder / "first").iterdir():
        assert path.read_bytes() == (folder / "bundle" / path.name).read_bytes(), path.name


def test_packing_again_leaves_nothing_of_the_bundle_before(save, pack, folder):
    save(softmax())
    pack("--labels", "u,v,w")
    (folder / "bundle/README.md").write_text("a model card")
    pack("--labels", "u,v,w", "--engine", "keras")
    names = {path.name for path in (folder / "bundle").iterdir()}
    assert names == set(Bundle.open(folder / "bundle").manifest.files) | {
        *("manifest.json", "README.md")
    }


def test_examples_that_nobody_gave_are_generated_and_marked(save, pack, folder, monkeypatch):
    save(softmax())
    options = ["--model", "model.keras", "--transformer", "transformer.joblib", "--trust-pickle"]
    monkeypatch.setattr(
        sys, "argv", ["pack", "numeric", *options, "--labels", "u,v,w", "--out", "bundle"]
    )
    main()
    assert json.loads((folder / "bundle/golden.json").read_text())["source"] == "generated"
    pack("--labels", "u,v,w")
    assert json.loads((folder / "bundle/golden.json").read_text())["source"] == "examples"


def test_outputs_that_are_not_the_users_own_are_refused(save, pack, folder):
    save(softmax())
    expected = keras.saving.load_model("model.keras").predict(
        pack("--labels", "u,v,w").preprocess(ROWS), verbose=0
    )
    np.save("expected.npy", expected)
    pack("--labels", "u,v,w", "--expected", "expected.npy")
    expected[2, 1] += 0.01
    np.save("expected.npy", expected)
    with pytest.raises(SystemExit, match=r"rows\.json, row 3: expected .*difference 1\.00e-02"):
        pack("--labels", "u,v,w", "--expected", "expected.npy")


def test_a_model_of_another_width_is_refused_with_both_sides(pack, folder):
    keras.Sequential([keras.Input((7,)), softmax()]).save("model.keras")
    with pytest.raises(SystemExit, match=r"pack: no bundle written: .*7.*5"):
        pack("--labels", "u,v,w")
    assert not (folder / "bundle").exists()


def test_a_pickle_is_opened_only_if_it_is_trusted(save, folder, monkeypatch):
    save(softmax())
    options = ["--model", "model.keras", "--transformer", "transformer.joblib"]
    monkeypatch.setattr(
        sys, "argv", ["pack", "numeric", *options, "--labels", "u,v,w", "--out", "bundle"]
    )
    with pytest.raises(SystemExit, match="expected --trust-pickle"):
        main()


def run(*command: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "pack", *command],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT / "layers" / "serving"), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", MODALITIES)
def test_help_teaches_without_loading_tensorflow(name):
    done = run(name, "--help")
    assert done.returncode == 0
    for option in ("--model", "--labels", "--examples", "--trust-pickle", "--reference"):
        assert option in done.stdout
    assert "tensorflow" not in done.stderr


def test_pack_computes_as_the_keras_engine_does():
    done = run("check", "artifacts/numeric", "--engine", "keras")
    assert "oneDNN custom operations are on" not in done.stderr + done.stdout


@pytest.mark.parametrize("engine", ["onnx", "keras"])
@pytest.mark.parametrize("name", MODALITIES)
def test_every_bundled_model_checks_under_both_engines(name, engine):
    done = run("check", f"artifacts/{name}", "--engine", engine)
    assert done.returncode == 0, done.stderr
    assert "the same tensors to the last bit" in done.stdout
    assert f"engine {engine} within" in done.stdout


def test_an_altered_bundle_does_not_check(tmp_path):
    folder = shutil.copytree(ROOT / "artifacts/numeric", tmp_path / "numeric")
    (folder / "model.keras").write_bytes(b"altered")
    done = run("check", str(folder))
    assert done.returncode == 1
    assert "not as it was packed" in done.stderr
    assert "model.keras of sha256" in done.stderr


@pytest.mark.parametrize("name", MODALITIES)
def test_show_tells_what_is_in_a_bundle(name):
    done = run("show", f"artifacts/{name}")
    assert done.returncode == 0, done.stderr
    manifest = Bundle.open(ROOT / "artifacts" / name).manifest
    for word in (name, manifest.engine, manifest.outputs[0].task, *manifest.outputs[0].labels):
        assert word in done.stdout


def test_show_of_no_bundle_says_so(tmp_path):
    done = run("show", str(tmp_path))
    assert done.returncode == 1
    assert "expected a bundle's manifest.json" in done.stderr


def test_a_bundle_of_an_older_format_says_that_it_must_be_packed_again(tmp_path):
    (tmp_path / "manifest.json").write_text('{"format": 1, "task": "binary"}')
    with pytest.raises(BundleError, match="expected a bundle of format 2, got 1: pack it again"):
        Bundle.open(tmp_path)


def reference(folder, shift):
    """The user's own preprocessing, exact or off by a little."""
    (folder / "mine.py").write_text(
        "import joblib\n"
        "def preprocess(table):\n"
        f"    return joblib.load('transformer.joblib').transform(table) + {shift}\n"
    )
    sys.modules.pop("mine", None)


def test_skew_of_the_outputs_is_refused_unless_it_is_allowed(save, pack, folder):
    save(softmax())
    options = ("--labels", "u,v,w", "--reference", "mine:preprocess")
    reference(folder, shift=0)
    pack(*options)
    shutil.rmtree(folder / "bundle")
    reference(folder, shift=0.1)
    with pytest.raises(SystemExit, match=r"part, and the model's outputs differ by \d.*--allow"):
        pack(*options)
    assert not (folder / "bundle").exists()
    assert "They part at" in (folder / "bundle.skew.html").read_text()
    pack(*options, "--allow-skew")


def test_code_that_ends_the_program_is_no_success(save, pack, folder):
    save(softmax())
    (folder / "ending.py").write_text("def preprocess(table):\n    raise SystemExit(0)\n")
    with pytest.raises(SystemExit, match="code of yours ended the program with 0"):
        pack("--labels", "u,v,w", "--reference", "ending:preprocess")


def test_a_bundle_that_cannot_be_put_in_place_leaves_the_folder_as_it_was(save, pack, folder):
    save(softmax())
    (folder / "bundle/golden.json").mkdir(parents=True)
    (folder / "bundle/model.onnx").write_text("old")
    with pytest.raises(SystemExit, match=r"expected to write golden\.json, found a folder"):
        pack("--labels", "u,v,w")
    assert (folder / "bundle/model.onnx").read_text() == "old"
    assert {path.name for path in (folder / "bundle").iterdir()} == {"golden.json", "model.onnx"}


@pytest.mark.parametrize("metrics", ["5", '{"accuracy": "high"}', '{"accuracy": NaN}', "{"])
def test_metrics_that_are_no_numbers_are_refused(save, pack, folder, metrics):
    save(softmax())
    (folder / "metrics.json").write_text(metrics)
    with pytest.raises(SystemExit, match=r"metrics\.json: expected"):
        pack("--labels", "u,v,w", "--metrics", "metrics.json")


def test_probabilities_are_refused_as_logits(save, pack):
    save(softmax())
    with pytest.raises(SystemExit, match="expected logits, the model gives probabilities"):
        pack("--labels", "u,v,w", "--logits")


def test_outputs_that_are_not_finite_are_refused_by_their_example(save, pack):
    save(lambda x: keras.ops.log(x - 1e6))
    with pytest.raises(SystemExit, match=r"expected finite numbers.*rows\.json, row 1"):
        pack("--task", "embedding")


def test_examples_may_be_more_than_one_request_may_have(folder, monkeypatch):
    from PIL import Image

    for name in ("a.png", "b.png"):
        Image.new("RGB", (30, 20)).save(folder / name)
    pictures = keras.Input((8, 8, 3))
    means = keras.layers.GlobalAveragePooling2D(name="means")(pictures)
    keras.Model(pictures, means).save("model.keras")
    options = ["--model", "model.keras", "--preset", "load_img", "--scaling", "divide=255"]
    given = ["--max-pixels", "700", "--task", "embedding", "--examples", ".", "--out", "bundle"]
    monkeypatch.setattr(sys, "argv", ["pack", "image", *options, *given])
    main()
    golden = json.loads((folder / "bundle/golden.json").read_text())
    assert len(golden["instances"]) == 2


def test_an_example_that_preprocessing_refuses_is_named(save, pack, folder):
    save(softmax())
    (folder / "rows.json").write_text(json.dumps([*ROWS, {**ROWS[0], "a": "many"}]))
    with pytest.raises(SystemExit, match=r"rows\.json, row 5: expected a number for a, got"):
        pack("--labels", "u,v,w")
