"""What every peer serves: the bundled Keras models, behind the naive handlers' preprocessing.

TensorFlow is imported where a model is loaded, not above: several peers import their app in a
process that only passes requests on, and only the process that has the model should pay for it.
"""

import base64
import io
import json
import os
import pickle
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

ARTIFACTS, FITTED = os.environ["ARTIFACTS_DIR"], os.environ["NAIVE_DIR"]

type Predict = Callable[[Sequence[Any]], list[dict[str, Any]]]
type Run = Callable[[Any, Any], Any]


def by_predict(model: Any, batch: Any) -> Any:
    """Keras's method for arrays of any length, batch by batch."""
    return model.predict(batch, verbose=0)


def by_call(model: Any, batch: Any) -> Any:
    """The model as a function of one batch."""
    return np.asarray(model(batch))


def load(run: Run) -> Predict:
    """The model of the variable MODALITY: raw instances to `{"label", "score"}` of each.

    run: how the model is run.
    """
    from tensorflow.keras.models import load_model

    modality = os.environ["MODALITY"]
    folder = f"{ARTIFACTS}/{modality}"
    model = load_model(f"{folder}/model.keras")
    with open(f"{folder}/manifest.json", encoding="utf-8") as file:
        labels = json.load(file)["outputs"][0]["labels"]
    preprocess = {"image": pictures, "text": texts, "numeric": rows}[modality](model)
    answer = best if modality == "image" else either

    def predict(instances: Sequence[Any]) -> list[dict[str, Any]]:
        return [answer(scores, labels) for scores in run(model, preprocess(instances))]

    return predict


def pictures(model: Any) -> Callable[[Any], Any]:
    """`{"b64": file}` or the file's bytes, to float [N, height, width, 3] in 0 to 1."""
    from PIL import Image

    size = model.input_shape[2], model.input_shape[1]

    def pixels(instance: Any) -> Any:
        file = base64.b64decode(instance["b64"]) if isinstance(instance, dict) else instance
        return np.array(Image.open(io.BytesIO(file)).convert("RGB").resize(size))

    return lambda instances: np.stack([pixels(instance) for instance in instances]) / 255


def texts(model: Any) -> Callable[[Any], Any]:
    """Texts to int32 [N, length], as the Tokenizer and `pad_sequences` have it."""
    from tensorflow.keras.preprocessing.sequence import pad_sequences

    with open(f"{FITTED}/tokenizer.pickle", "rb") as file:
        tokenizer = pickle.load(file)  # noqa: S301  what people write
    length = model.input_shape[1]
    return lambda instances: pad_sequences(tokenizer.texts_to_sequences(instances), maxlen=length)


def rows(model: Any) -> Callable[[Any], Any]:
    """Rows by name, as objects or as a DataFrame, to float [N, features]."""
    import joblib
    import pandas as pd

    transformer = joblib.load(f"{FITTED}/transformer.joblib")
    return lambda instances: transformer.transform(pd.DataFrame(instances))


def best(scores: Any, labels: Sequence[str]) -> dict[str, Any]:
    """The most probable of many labels."""
    index = int(np.argmax(scores))
    return {"label": labels[index], "score": float(scores[index])}


def either(scores: Any, labels: Sequence[str]) -> dict[str, Any]:
    """The more probable of two labels, from the second one's probability."""
    score = float(scores[0])
    return {"label": labels[round(score)], "score": max(score, 1 - score)}
