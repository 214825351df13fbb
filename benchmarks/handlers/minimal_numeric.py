"""A row's right answer in as little code as ONNX Runtime allows: no checks, no logs."""

import base64
import json
import os
from typing import Any

import numpy as np
import onnxruntime

BUNDLE = os.environ["ARTIFACTS_DIR"] + "/numeric/"
with open(BUNDLE + "manifest.json", encoding="utf-8") as file:
    LABELS = json.load(file)["labels"]
with open(BUNDLE + "preprocessing.json", encoding="utf-8") as file:
    BLOCKS = json.load(file)["blocks"]
MODEL = onnxruntime.InferenceSession(BUNDLE + "model.onnx")
INPUT = MODEL.get_inputs()[0].name


def features(row: Any) -> list[float]:
    """The transformer's output for one row given by name."""
    outputs: list[float] = []
    for block in BLOCKS:
        values = [row[column] for column in block["columns"]]
        for step, fitted in block["steps"]:
            if step == "SimpleImputer":
                missing = [float(values[i] is None) for i in fitted["indicators"]]
                pairs = zip(values, fitted["statistics"], strict=True)
                values = [known if value is None else value for value, known in pairs] + missing
            elif step == "StandardScaler":
                triples = zip(values, fitted["mean"], fitted["scale"], strict=True)
                values = [(value - mean) / scale for value, mean, scale in triples]
            else:
                pairs = zip(values, fitted["categories"], strict=True)
                values = [float(value == known) for value, all_ in pairs for known in all_]
        outputs += values
    return outputs


def handler(event: Any, context: Any) -> Any:
    """Answer an API event whose body is `{"instances": [{"feature": value, ...}]}`."""
    body = base64.b64decode(event["body"]) if event["isBase64Encoded"] else event["body"]
    batch = np.asarray([features(json.loads(body)["instances"][0])], np.float32)
    second = float(MODEL.run(None, {INPUT: batch})[0][0, 0])
    scores = {LABELS[0]: 1 - second, LABELS[1]: second}
    best = LABELS[second > 0.5]
    prediction = {"label": best, "score": scores[best], "scores": scores}
    return {"statusCode": 200, "body": json.dumps({"predictions": [prediction]})}
