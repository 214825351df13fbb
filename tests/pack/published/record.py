"""Record what the authors' own code answers: `python tests/pack/published/record.py PACKAGE`.

Each published package runs as it is, in the Keras that it was written for, and what it gives its
model and gets from it is written to a JSON file beside this one. Only another input needs that
again. From the repository's root, after `make published`, with Python 3.12:

    python -m venv .data/authors && . .data/authors/bin/activate
    pip install tensorflow==2.21.0 tf_keras==2.21.0 opencv-python-headless==4.14.0.94 \
        importlib_resources pandas scikit-learn joblib pillow "setuptools<81"
    for package in deepglow ebeer fer tox-block; do
        python tests/pack/published/record.py $package  # apart, because fer stops eager execution
    done

Nothing of the authors' is changed but what no longer exists: for tox-block, whose pickle is of
2020, the module keras_preprocessing and an attribute that its Tokenizer lacks. The faces are cut
out of NASA's portrait of Eileen Collins, which is in the public domain.
"""

import base64
import hashlib
import importlib
import json
import os
import platform
import sys
import types
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
EXAMPLES = ROOT / "training/examples/pictures"
os.environ |= {"TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
sys.path.append(str(ROOT / ".data/published"))

import cv2  # noqa: E402  here and below: TensorFlow reads the settings above
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

# The last so dark that the model is not sure.
PICTURES = [
    *(f"training/examples/pictures/{path.name}" for path in sorted(EXAMPLES.iterdir())),
    "tests/pack/published/rocket_dark.png",
]
# FER takes a square out of a picture; these are squares whole.
FACES = [
    "tests/pack/published/face_64_grey.png",
    "training/examples/pictures/8_moon_16_bit.png",
    "tests/pack/published/face_96.png",
    "training/examples/pictures/9_coffee_32.bmp",
]
TEXTS = [
    "This is a perfectly nice sentence about gardening.",
    "You are a stupid idiot and I hate you!",
    "go kill yourself",
    "See http://foo.bar.com/x and 192.168.0.1 — thanks",
    'WHO wrote this?!\nI\'m NOT "amused"... (really)\tBye',
    "Der Artikel über İstanbul ist Quatsch, naïve Ωmega",
    "what an ugly hat " * 40,
    "xyzzyplugh shut up",
    "damn",
]
# z, then log10 of energy/1e53 erg and of density/cm^-3, theta_c, theta_jn/theta_c, p, log10 of
# eps_e*(p-2)/(p-1), of eps_B and of xi_N; last the frequency in Hz. At the Emulator's reference
# distance, without redshift, its flux at its own times is 10 to the power of its model's answers.
AFTERGLOWS = [
    ([0.0, -0.5, 0.1, 0.1, 0.3, 2.4, -1.2, -2.5, -0.2], 1e9),
    ([0.0, 0.2, -2.0, 0.05, 1.5, 2.2, -1.0, -3.0, 0.0], 5e14),
    ([0.0, -1.2, 1.1, 0.2, 1.2, 2.7, -0.9, -1.8, -0.5], 2.4e17),
    ([0.0, -0.9, -1.3, 0.12, 0.9, 2.5, -1.5, -2.0, -0.1], 3e9),
    ([0.0, 1.5, 0.0, 0.03, 0.5, 2.9, -2.5, -4.5, 0.0], 1e12),
]


class Recorded:
    """A model that keeps what it is given and what it gives."""

    def __init__(self, model):
        self.model = model
        self.calls = []

    def __getattr__(self, name):
        return getattr(self.model, name)

    def predict(self, x, **options):
        return self._keep(x, self.model.predict(x, **options))

    def __call__(self, x):
        return self._keep(x, self.model(x))

    def _keep(self, x, outputs):
        self.calls.append((np.array(x), np.array(outputs)))
        return outputs


def record_fer():
    from fer import FER

    detector = FER()
    model = detector._FER__emotion_classifier = Recorded(detector._FER__emotion_classifier)
    for name in FACES:
        picture = cv2.imread(str(ROOT / name))
        side = len(picture)
        # FER adds 10 pixels on every side, and takes what is within.
        detector.detect_emotions(picture, face_rectangles=[(10, 10, side - 20, side - 20)])
    levels = [np.rint((x / 2 + 0.5) * 255).astype(np.uint8) for x, _ in model.calls]
    pixels = [base64.b64encode(each.tobytes()).decode() for each in levels]
    return {"inputs": FACES, **tensors(model.calls), "pixels": pixels}


def record_ebeer():
    from ebeer import BeerClassifier, beer_classifier

    load_model, loaded = beer_classifier.keras.models.load_model, []

    def load(path):
        loaded.append(Recorded(load_model(path)))
        return loaded[-1]

    beer_classifier.keras.models.load_model = load
    for name in PICTURES:
        BeerClassifier.predict(str(ROOT / name))
    return {"inputs": PICTURES, **tensors([model.calls[0] for model in loaded])}


def record_tox_block():
    text = types.ModuleType("keras_preprocessing.text")
    text.Tokenizer = tf.keras.preprocessing.text.Tokenizer
    sys.modules |= {"keras_preprocessing": types.ModuleType("keras_preprocessing")}
    sys.modules |= {"keras_preprocessing.text": text}
    prediction = importlib.import_module("tox_block.prediction")
    prediction._encoder.tokenizer.analyzer = None
    model = prediction._model = Recorded(prediction._model)
    for given in TEXTS:
        prediction.make_predictions([given], rescale=False)
    return {"inputs": TEXTS, **tensors(model.calls)}


def record_deepglow():
    from DeepGlow import Emulator

    emulator = Emulator("ism")
    distance = float(np.log10(emulator.ref_d_L / 1e28))
    model = emulator.NNmodel = Recorded(emulator.NNmodel)

    def light_curves():
        for (z, *others), frequency in AFTERGLOWS:
            frequencies = np.full(emulator.nDP, frequency)
            yield emulator.flux([z, distance, *others], emulator.tcomp, frequencies).tolist()

    flux, scaled = list(light_curves()), list(model.calls)
    model.calls.clear()
    emulator.Xmean, emulator.Xstd = 0.0, 1.0  # now the model is given the features as they are
    list(light_curves())
    rows = [features[0].tolist() for features, _ in model.calls]
    return {"inputs": rows, **tensors(scaled), "flux": flux}


def tensors(calls):
    """Outputs, and sha256 of the float32 that Keras makes of what it is given."""
    hashes = [hashlib.sha256(x.astype("<f4").tobytes()).hexdigest() for x, _ in calls]
    return {"sha256": hashes, "outputs": [digits(outputs[0]) for _, outputs in calls]}


def digits(values):
    """float32 with its own digits, not a wider type's."""
    return [float(str(value)) for value in values]


RECORDERS = {
    "deepglow": record_deepglow,
    "ebeer": record_ebeer,
    "fer": record_fer,
    "tox-block": record_tox_block,
}
MODULES = ("tensorflow", "tf_keras", "numpy", "PIL", "cv2")


def main():
    package = sys.argv[1]
    versions = {name: importlib.import_module(name).__version__ for name in MODULES}
    document = {
        "package": f"{package}=={version(package)}",
        "recorded_with": {"python": platform.python_version(), **versions},
        **RECORDERS[package](),
    }
    lines = [f"{json.dumps(name)}: {layout(value)}" for name, value in document.items()]
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    (HERE / f"{package}.json").write_text(text, encoding="utf-8")


def layout(value):
    """JSON with an item of a list a line."""
    if not isinstance(value, list):
        return json.dumps(value)
    return "[\n" + ",\n".join(json.dumps(item, ensure_ascii=False) for item in value) + "\n]"


if __name__ == "__main__":
    main()
