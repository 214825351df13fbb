"""The blog post's picture handler: Keras, Pillow's default resize, division by 255."""

import base64
import io
import json
import os
from typing import Any

import numpy as np
from PIL import Image
from tensorflow.keras.models import load_model

model = load_model(os.environ["ARTIFACTS_DIR"] + "/image/model.keras")
with open(os.environ["ARTIFACTS_DIR"] + "/image/manifest.json", encoding="utf-8") as file:
    labels = json.load(file)["outputs"][0]["labels"]


def pictures(event: Any) -> Any:
    if event["isBase64Encoded"]:
        return [event["body"]]
    return [instance["b64"] for instance in json.loads(event["body"])["instances"]]


def handler(event: Any, context: Any) -> Any:
    """Answer an API event whose body is one picture, or many as base64 in JSON."""
    size = model.input_shape[1:3]
    images = [Image.open(io.BytesIO(base64.b64decode(picture))) for picture in pictures(event)]
    batch = np.array([np.array(image.resize(size)) for image in images]) / 255
    predictions = []
    for scores in model.predict(batch):
        best = int(np.argmax(scores))
        predictions.append({"label": labels[best], "score": float(scores[best])})
    return {"statusCode": 200, "body": json.dumps({"predictions": predictions})}
