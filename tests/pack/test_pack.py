"""A bundle holds what Keras computes, or it is not written."""

import subprocess
import sys

import pytest

pytest.importorskip("tensorflow", reason="needs TensorFlow: make setup-pack")

import keras
import numpy as np

from pack import bundle as packing
from pack.__main__ import LIMITS
from pack.compile import load_keras
from serving import golden
from serving.bundle import Bundle
from serving.predictor import Predictor
from tests.conftest import MODALITIES, ROOT

pytestmark = pytest.mark.pack

STATE = {
    "columns": {"a": "number", "b": "number"},
    "blocks": [
        {
            "columns": ["a", "b"],
            "steps": [["StandardScaler", {"mean": [0.0, 1.0], "scale": [1.0, 2.0]}]],
        }
    ],
}


@pytest.fixture
def model(tmp_path):
    """A Keras file of a network with two inputs and three classes."""
    keras.utils.set_random_seed(0)
    layers = [keras.Input((2,), name="features"), keras.layers.Dense(3, activation="softmax")]
    path = tmp_path / "source.keras"
    keras.Sequential(layers).save(path)
    return path


@pytest.fixture
def source(model):
    """What a bundle of that model is made from, with changes."""

    def make(**changes):
        fields = {
            "modality": "numeric",
            "version": "2.0.0",
            "model": model,
            "state": STATE,
            "task": "multiclass",
            "labels": ["x", "y", "z"],
            "examples": [{"a": 1.0, "b": 2.0}, [3, 4]][:1],
            "limits": LIMITS["numeric"],
            "tolerance": 1e-4,
            "metrics": {},
            "provenance": {},
        }
        return packing.Source(**fields | changes)

    return make


def test_a_packed_model_serves_what_keras_computes(source, tmp_path):
    folder = tmp_path / "bundle"
    packing.write(source(), folder)
    predictor = Predictor(Bundle.open(folder))
    rows = [{"a": a, "b": b} for a, b in np.random.default_rng(0).normal(size=(50, 2)).tolist()]
    predicted = predictor.predict(rows).predictions
    expected = keras.saving.load_model(folder / "model.keras").predict(
        predictor.preprocess(rows), verbose=0
    )
    found = [list(prediction["scores"].values()) for prediction in predicted]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert predictor.manifest.version == "2.0.0"


def test_a_model_that_differs_too_much_is_not_packed_and_the_difference_is_told(source, tmp_path):
    folder = tmp_path / "bundle"
    with pytest.raises(
        ValueError, match=r"differ by up to \d\.\d\de-\d\d .*tolerance is -1\.00e\+00"
    ):
        packing.write(source(tolerance=-1.0), folder)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": ["x", "y"]}, "expected 2 outputs for 2 labels .* the model has 3"),
        (
            {"task": "binary", "labels": ["x", "y"]},
            "expected 1 outputs for 2 labels .* the model has 3",
        ),
        (
            {
                "state": {
                    "columns": {"a": "number"},
                    "blocks": [
                        {
                            "columns": ["a"],
                            "steps": [["StandardScaler", {"mean": [0.0], "scale": [1.0]}]],
                        }
                    ],
                },
                "examples": [[1.0]],
            },
            r"takes inputs of shape \(2,\), preprocessing gives \(1,\)",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused_with_both_sides(source, tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        packing.write(source(**changes), tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_packing_twice_gives_the_same_bytes(source, tmp_path):
    for name in ("one", "two"):
        packing.write(source(), tmp_path / name)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_a_model_of_logits_is_refused(source, tmp_path):
    layers = [keras.Input((2,)), keras.layers.Dense(3, bias_initializer="ones")]
    keras.Sequential(layers).save(tmp_path / "logits.keras")
    with pytest.raises(ValueError, match="expected probabilities"):
        packing.write(source(model=tmp_path / "logits.keras"), tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_the_command_packs_from_files(model, tmp_path):
    joblib = pytest.importorskip("joblib")
    pandas = pytest.importorskip("pandas")
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import StandardScaler

    table = pandas.DataFrame({"a": [0.0, 1.0, 5.0], "b": [2.0, 2.5, 3.0]})
    transformer = ColumnTransformer([("numbers", StandardScaler(), ["a", "b"])]).fit(table)
    joblib.dump(transformer, tmp_path / "transformer.joblib")
    (tmp_path / "examples.json").write_text('[{"a": 1, "b": 2}, {"b": 3, "a": 4}]')
    command = [
        *(sys.executable, "-m", "pack", "numeric", "--model", model, "--labels", "x,y,z"),
        *("--transformer", tmp_path / "transformer.joblib"),
        *("--examples", tmp_path / "examples.json", "--out", tmp_path / "bundle"),
    ]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT / "layers" / "serving"), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Keras and ONNX on random inputs: largest difference" in done.stdout
    predictor = Predictor(Bundle.open(tmp_path / "bundle"))
    np.testing.assert_array_equal(
        predictor.preprocess(table.to_dict("records")), transformer.transform(table).astype("f4")
    )


@pytest.mark.parametrize("name", MODALITIES)
def test_the_bundled_keras_model_gives_the_golden_answers(name):
    bundle = Bundle.open(ROOT / "artifacts" / name)
    predictor = Predictor(bundle)
    case = golden.parse(bundle.read_json("golden.json"), name)
    model = load_keras(bundle.folder / "model.keras")
    golden.check(
        case,
        predictor.preprocess,
        lambda batch: np.asarray(model(batch, training=False)),
        bundle.manifest.tolerance,
    )
