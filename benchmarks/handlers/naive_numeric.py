"""The blog post's tabular handler: Keras, pandas, a scikit-learn transformer from joblib."""

import base64
import json
import os
from typing import Any

import joblib
import pandas as pd
from tensorflow.keras.models import load_model

model = load_model(os.environ["ARTIFACTS_DIR"] + "/numeric/model.keras")
transformer = joblib.load(os.environ["NAIVE_DIR"] + "/transformer.joblib")
with open(os.environ["ARTIFACTS_DIR"] + "/numeric/manifest.json", encoding="utf-8") as file:
    labels = json.load(file)["outputs"][0]["labels"]


def handler(event: Any, context: Any) -> Any:
    """Answer an API event whose body is `{"instances": [{"feature": value, ...}, ...]}`."""
    body = base64.b64decode(event["body"]) if event["isBase64Encoded"] else event["body"]
    rows = pd.DataFrame(json.loads(body)["instances"])
    scores = model.predict(transformer.transform(rows))[:, 0].tolist()
    predictions = [{"label": labels[round(s)], "score": max(s, 1 - s)} for s in scores]
    return {"statusCode": 200, "body": json.dumps({"predictions": predictions})}
