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


def handler(event: Any, context: Any) -> Any:
    """Answer an API event whose body is one picture."""
    image = Image.open(io.BytesIO(base64.b64decode(event["body"]))).resize((32, 32))
    scores = model.predict(np.array(image)[np.newaxis] / 255)[0]
    best = int(np.argmax(scores))
    prediction = {"label": labels[best], "score": float(scores[best])}
    return {"statusCode": 200, "body": json.dumps({"predictions": [prediction]})}
