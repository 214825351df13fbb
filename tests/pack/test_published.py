"""Models that nobody here trained, from their published files to their authors' own answers.

published/*.json hold what each package's own code gave its model and got from it, as
published/record.py recorded it. A probability may differ by 1e-5, for the rounding of another
library's sums; 2e-7 was measured.
"""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tensorflow", reason="needs TensorFlow: make setup-pack")
pytest.importorskip("sklearn", reason="needs scikit-learn: make setup-pack")

import joblib
import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from serving.bundle import Bundle
from serving.errors import UnfitInput
from serving.predictor import Predictor
from tests.conftest import ROOT

pytestmark = pytest.mark.pack

PUBLISHED = ROOT / ".data/published"
RECORDS = Path(__file__).parent / "published"
PROBABILITY = 1e-5
EMOTIONS = "angry,disgust,fear,happy,sad,surprise,neutral"
# Of fer's pictures, those of the model's own size and without colour: there is nothing to resize.
GREY_64 = 2
TOXICITY = "toxic,severe_toxic,obscene,threat,insult,identity_hate"
AFTERGLOW = (
    *("log10_E0", "log10_theta_jn", "log10_theta_c", "log10_n0"),
    *("p", "log10_eps_e", "log10_eps_B", "log10_nu"),
)


@dataclass(frozen=True)
class Case:
    """A packed model; what it takes, and what its authors' code made of that (see record.py)."""

    predictor: Predictor
    instances: Sequence[Any]
    authors: dict[str, Any]

    def tensors(self):
        """sha256 of each instance's float32 tensor, as record.py hashes it."""
        tensors = [self.predictor.preprocess([instance])[0] for instance in self.instances]
        return [hashlib.sha256(each.astype("<f4").tobytes()).hexdigest() for each in tensors]

    def scores(self):
        """Probabilities that are served, in the order of the labels."""
        predictions = self.predictor.predict(self.instances).predictions
        return np.array([list(prediction["scores"].values()) for prediction in predictions])


@pytest.fixture(scope="module")
def published():
    """The packages' files, fetched once and checked against their sha256."""
    subprocess.run(["make", "published"], cwd=ROOT, check=True)
    return PUBLISHED


@pytest.fixture(scope="module")
def pack(published, tmp_path_factory):
    """Run `python -m pack` as a user does; it refuses answers that are not the authors'."""

    def run(modality: str, model: str, examples: Path, expected: Any, *options: str) -> Predictor:
        folder = tmp_path_factory.mktemp("packed")
        (folder / "expected.json").write_text(json.dumps(expected))
        given = ["--model", published / model, "--examples", examples, *options]
        proof = ["--expected", folder / "expected.json", "--engine", "onnx"]
        subprocess.run(
            [sys.executable, "-m", "pack", modality, *given, *proof, "--out", folder / "bundle"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT / "layers/serving")},
            check=True,
        )
        return Predictor(Bundle.open(folder / "bundle"))

    return run


@pytest.fixture(scope="module")
def fer(pack, tmp_path_factory):
    """FER: TensorFlow's bilinear without antialias comes nearest to cv2.resize, cv2.imread turns
    pictures upright, and the rest is `__preprocess_input(v2=True)`.
    """
    authors = read_record("fer")
    paths = authors["inputs"][:GREY_64]
    predictor = pack(
        *("image", "fer/data/emotion_model.hdf5", copied(paths, tmp_path_factory)),
        authors["outputs"][:GREY_64],
        *("--preset", "Resizing", "--resized-dtype", "uint8", "--exif", "apply"),
        *("--scaling", "divide=255", "subtract=0.5", "multiply=2", "--labels", EMOTIONS),
    )
    return Case(predictor, read_pictures(authors), authors)


@pytest.fixture(scope="module")
def ebeer(pack, tmp_path_factory):
    """ebeer: `load_img`, then Pillow's own `resize`, which is bicubic, and no scaling."""
    authors = read_record("ebeer")
    beers = json.loads((PUBLISHED / "ebeer/metadata.json").read_text(encoding="utf-8"))
    predictor = pack(
        *("image", "ebeer/trained_model.h5", copied(authors["inputs"], tmp_path_factory)),
        authors["outputs"],
        *("--preset", "load_img", "--interpolation", "bicubic", "--scaling", "none"),
        *("--labels", ",".join(beer["name"] for beer in beers)),
    )
    return Case(predictor, read_pictures(authors), authors)


@pytest.fixture(scope="module")
def tox_block(pack, published, tmp_path_factory):
    """tox-block: its Tokenizer is an attribute of an object of its own, in a pickle."""
    authors, folder = read_record("tox-block"), tmp_path_factory.mktemp("fitted")
    trained = published / "tox_block/trained_models"
    (folder / "texts.json").write_text(json.dumps(authors["inputs"]))
    predictor = pack(
        *("text", trained / "lstm_model_0.1.2.h5", folder / "texts.json", authors["outputs"]),
        *("--tokenizer", trained / "encoder_0.1.2.pkl", "--trust-pickle"),
        *("--task", "multilabel", "--labels", TOXICITY),
    )
    return Case(predictor, authors["inputs"], authors)


@pytest.fixture(scope="module")
def deepglow(pack, published, tmp_path_factory):
    """DeepGlow: its own scaling is a CSV file of means and deviations, of 8 features and of the
    log10 of 117 answers; as scikit-learn's transformers, those of the answers' natural logarithm.
    """
    authors, folder = read_record("deepglow"), tmp_path_factory.mktemp("fitted")
    factors = np.loadtxt(published / "DeepGlow/data/scale_facs_ism_final.csv").reshape(-1, 2)
    features, answers = factors[: len(AFTERGLOW)], factors[len(AFTERGLOW) :]
    joblib.dump(scaler(features, AFTERGLOW), folder / "features.joblib")
    logarithm = FunctionTransformer(np.log, inverse_func=np.exp).fit(np.ones((1, len(answers))))
    flux = make_pipeline(logarithm, scaler(answers * np.log(10)))
    joblib.dump(flux, folder / "flux.joblib")
    (folder / "rows.json").write_text(json.dumps(authors["inputs"]))
    predictor = pack(
        *("numeric", "DeepGlow/data/model-ism-final.hdf5", folder / "rows.json"),
        authors["outputs"],
        *("--transformer", folder / "features.joblib", "--trust-pickle"),
        *("--task", "regression", "--target-transformer", folder / "flux.joblib"),
    )
    return Case(predictor, authors["inputs"], authors)


def scaler(factors, names=None):
    """A StandardScaler as one fitted on the authors' table would be."""
    fitted = StandardScaler()
    fitted.mean_, fitted.scale_ = factors.T.copy()
    fitted.var_, fitted.n_features_in_ = fitted.scale_**2, len(factors)
    if names:
        fitted.feature_names_in_ = np.array(names, object)
    return fitted


def read_record(package):
    return json.loads((RECORDS / f"{package}.json").read_text(encoding="utf-8"))


def read_pictures(authors):
    return [(ROOT / path).read_bytes() for path in authors["inputs"]]


def copied(paths, tmp_path_factory):
    """A folder of these pictures alone, in this order."""
    folder = tmp_path_factory.mktemp("pictures")
    for index, path in enumerate(paths):
        shutil.copy(ROOT / path, folder / f"{index:02d}{Path(path).suffix}")
    return folder


@pytest.mark.parametrize("package", ["ebeer", "tox_block", "deepglow"])
def test_the_model_is_given_the_authors_tensors_to_the_last_bit(package, request):
    case = request.getfixturevalue(package)
    assert case.tensors() == case.authors["sha256"]


def test_a_grey_face_of_the_models_size_is_the_authors_tensor_to_the_last_bit(fer):
    assert fer.tensors()[:GREY_64] == fer.authors["sha256"][:GREY_64]


@pytest.mark.parametrize("package", ["ebeer", "tox_block"])
def test_served_probabilities_are_the_authors(package, request):
    case = request.getfixturevalue(package)
    np.testing.assert_allclose(case.scores(), case.authors["outputs"], rtol=0, atol=PROBABILITY)


def test_emotions_of_a_grey_face_of_the_models_size_are_the_authors(fer):
    authors = fer.authors["outputs"][:GREY_64]
    np.testing.assert_allclose(fer.scores()[:GREY_64], authors, rtol=0, atol=PROBABILITY)


def test_other_faces_are_within_a_level_of_cv2_and_emotions_within_two_hundredths(fer):
    """cv2 rounds grey and the weights of its bilinear to integers, which is not repeated here: of
    photographs one pixel in eight was a level off, and a probability by up to 0.012.
    """
    others = fer.instances[GREY_64:]
    levels = (fer.predictor.preprocess(others).reshape(len(others), -1) / 2 + 0.5) * 255
    pixels = [np.frombuffer(base64.b64decode(each), np.uint8) for each in fer.authors["pixels"]]
    assert np.abs(np.rint(levels) - np.array(pixels[GREY_64:])).max() <= 1
    authors = fer.authors["outputs"][GREY_64:]
    np.testing.assert_allclose(fer.scores()[GREY_64:], authors, rtol=0, atol=0.02)


def test_a_text_has_every_label_over_the_threshold(tox_block):
    prediction = tox_block.predictor.predict(["You are a stupid idiot and I hate you!"])
    assert prediction.predictions[0]["labels"] == ["toxic", "obscene", "insult"]


def test_a_text_without_a_known_word_is_refused_where_the_authors_predict_on_padding(tox_block):
    with pytest.raises(UnfitInput):
        tox_block.predictor.predict(["???"])


def test_the_model_answers_a_row_as_the_authors(deepglow):
    predictor, rows = deepglow.predictor, deepglow.instances
    (outputs,) = predictor.outputs(predictor.preprocess(rows))
    np.testing.assert_allclose(outputs, deepglow.authors["outputs"], rtol=0, atol=1e-5)


def test_served_light_curves_are_the_authors(deepglow):
    """A flux is 10 to the power of the model's answer times 6: 2e-6 there is 3e-5 of a flux."""
    predictions = deepglow.predictor.predict(deepglow.instances).predictions
    served = [prediction["values"] for prediction in predictions]
    np.testing.assert_allclose(served, deepglow.authors["flux"], rtol=5e-5)
