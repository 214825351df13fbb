"""Preprocessing that the bundled models do not use gives the same bytes under every setting too."""

import hashlib
import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("tensorflow", reason="needs TensorFlow: make setup-pack")
pytest.importorskip("sklearn", reason="needs scikit-learn: make setup-pack")

import numpy as np
import pandas as pd
from keras._tf_keras.keras.preprocessing.text import Tokenizer
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, PowerTransformer, QuantileTransformer

from pack.text.tokenizer import read_object
from pack.text.vocabulary import preprocessing_of
from pack.transformer import read_transformer
from serving.bundle import Bundle
from tests.conftest import ROOT
from tests.unit.test_determinism import FEATURES, SETTINGS

pytestmark = pytest.mark.pack

HASH = """
import base64, hashlib, json, sys
from serving import preprocessing

modality, state, instances = json.load(sys.stdin)
if modality == "image":
    instances = [base64.b64decode(instance) for instance in instances]
preprocess = preprocessing.load(modality, state)
whole = preprocess(instances)
alone = [preprocess([instance])[0] for instance in instances]
assert whole.tobytes() == b"".join(tensor.tobytes() for tensor in alone)
print(hashlib.sha256(whole.tobytes()).hexdigest())
"""


def pictures(**changes):
    bundle = Bundle.open(ROOT / "artifacts/image")
    instances = [instance["b64"] for instance in bundle.read_json("golden.json")["instances"]]
    return "image", bundle.read_json("preprocessing.json") | changes, instances


def tensorflow(interpolation, antialias):
    return pictures(
        resampling="tensorflow",
        interpolation=interpolation,
        antialias=antialias,
        fit="stretch",
        resized_dtype="float32",
        reducing_gap=None,
    )


def rows():
    generator = np.random.default_rng(0)
    table = pd.DataFrame(generator.lognormal(size=(200, 4)), columns=list("abcd"))
    steps = (PowerTransformer(), QuantileTransformer(n_quantiles=50), PolynomialFeatures(), PCA(5))
    state = read_transformer(make_pipeline(*steps).fit(table))
    return "numeric", state, table.head(40).to_dict("records")


def texts():
    documents = ["the cat sat", "the dog sat on the cat", "a dog", "über the Straße the the"]
    tokenizer = Tokenizer()
    tokenizer.fit_on_texts(documents)
    spec = preprocessing_of(read_object(tokenizer), mode="tfidf", max_characters=1_000)
    return "text", {"kind": "tokenizer", **spec._asdict()}, documents


CASES = {
    "bilinear": lambda: tensorflow("bilinear", antialias=False),
    "antialiased bicubic": lambda: tensorflow("bicubic", antialias=True),
    "lanczos": lambda: tensorflow("lanczos3", antialias=True),
    "transformer": rows,
    "tf-idf": texts,
}


@pytest.mark.parametrize("case", CASES)
def test_the_bytes_are_the_same_under_every_setting(case):
    given = json.dumps(CASES[case]())
    found = {}
    for name, setting in SETTINGS.items():
        environment = os.environ | {"PYTHONPATH": str(ROOT / "layers/serving")} | setting
        command = [sys.executable, "-W", "ignore", "-c", HASH]
        done = subprocess.run(
            command, input=given, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        found[name] = done.stdout.strip()
    assert len(set(found.values())) == 1, found
    assert len(next(iter(found.values()))) == hashlib.sha256().digest_size * 2
    assert FEATURES  # without which "a lesser processor" would be this one
