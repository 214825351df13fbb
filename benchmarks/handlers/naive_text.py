"""The blog post's text handler: Keras, a pickled Tokenizer, pad_sequences."""

import base64
import json
import os
import pickle
from typing import Any

from tensorflow.keras.models import load_model
from tensorflow.keras.preprocessing.sequence import pad_sequences

model = load_model(os.environ["ARTIFACTS_DIR"] + "/text/model.keras")
with open(os.environ["NAIVE_DIR"] + "/tokenizer.pickle", "rb") as file:
    tokenizer = pickle.load(file)
with open(os.environ["ARTIFACTS_DIR"] + "/text/manifest.json", encoding="utf-8") as manifest:
    labels = json.load(manifest)["outputs"][0]["labels"]


def handler(event: Any, context: Any) -> Any:
    """Answer an API event whose body is `{"instances": ["...", ...]}`."""
    body = base64.b64decode(event["body"]) if event["isBase64Encoded"] else event["body"]
    sequences = tokenizer.texts_to_sequences(json.loads(body)["instances"])
    scores = model.predict(pad_sequences(sequences, maxlen=model.input_shape[1]))[:, 0].tolist()
    predictions = [{"label": labels[round(s)], "score": max(s, 1 - s)} for s in scores]
    return {"statusCode": 200, "body": json.dumps({"predictions": predictions})}
