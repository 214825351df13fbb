"""A text's right answer in as little code as ONNX Runtime allows: no checks, no logs."""

import base64
import json
import os
from typing import Any

import numpy as np
import onnxruntime

BUNDLE = os.environ["ARTIFACTS_DIR"] + "/text/"
with open(BUNDLE + "manifest.json", encoding="utf-8") as file:
    LABELS = json.load(file)["outputs"][0]["labels"]
with open(BUNDLE + "preprocessing.json", encoding="utf-8") as file:
    STATE = json.load(file)
TABLE = str.maketrans(dict.fromkeys(STATE["filters"], " "))
MODEL = onnxruntime.InferenceSession(BUNDLE + "model.onnx")
INPUT = MODEL.get_inputs()[0].name


def handler(event: Any, context: Any) -> Any:
    """Answer an API event whose body is `{"instances": ["..."]}` or plain text."""
    body = base64.b64decode(event["body"]) if event["isBase64Encoded"] else event["body"]
    text = json.loads(body)["instances"][0] if body[:1] in ("{", b"{") else str(body)
    known, unknown = STATE["word_index"], STATE["oov_index"]
    words = text.lower().translate(TABLE).split()
    indices = [known.get(word, unknown) for word in words if word in known or unknown]
    batch = np.zeros((1, STATE["maxlen"]), np.int32)
    indices = indices[-STATE["maxlen"] :]
    batch[0, STATE["maxlen"] - len(indices) :] = indices
    second = float(MODEL.run(None, {INPUT: batch})[0][0, 0])
    scores = {LABELS[0]: 1 - second, LABELS[1]: second}
    best = LABELS[second > 0.5]
    prediction = {"label": best, "score": scores[best], "scores": scores}
    return {"statusCode": 200, "body": json.dumps({"predictions": [prediction]})}
