"""A file of rows in as little code as NumPy and ONNX Runtime allow: no checks, no retries, no logs.

All of the answer is held in memory and put at the end.
"""

import csv
import io
import json
import os
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import boto3
import numpy as np
import onnxruntime
import orjson

BUNDLE = os.environ["ARTIFACTS_DIR"] + "/numeric/"
with open(BUNDLE + "manifest.json", encoding="utf-8") as file:
    LABELS = json.load(file)["outputs"][0]["labels"]
with open(BUNDLE + "preprocessing.json", encoding="utf-8") as file:
    STATE = json.load(file)
MODEL = onnxruntime.InferenceSession(BUNDLE + "model.onnx")
INPUT = MODEL.get_inputs()[0].name
S3 = boto3.client("s3")
ROWS = 2_048


def column(cells: Any, kind: str) -> Any:
    if kind == "number":
        return np.array([cell or "nan" for cell in cells], np.float64)
    return np.array(cells, object)


def features(columns: list[Any]) -> Any:
    """The transformer's output for a chunk of columns."""
    outputs: list[Any] = []
    for part in STATE["step"]["parts"]:
        values = [columns[index] for index in part["columns"]]
        for step in part["step"]["steps"]:
            values = STEPS[step["step"]](values, step)
        outputs += values
    return np.stack(outputs, axis=1).astype(np.float32)


def impute(values: list[Any], step: Any) -> list[Any]:
    missing = [np.isnan(v) if v.dtype == np.float64 else v == "" for v in values]
    filled = [
        np.where(gone, known, v)
        for v, known, gone in zip(values, step["values"], missing, strict=True)
    ]
    return filled + [missing[index].astype(np.float64) for index in step["indicators"]]


def calculate(values: list[Any], step: Any) -> list[Any]:
    pairs = zip(values, step["values"], strict=True)
    if step["operation"] == "subtract":
        return [value - number for value, number in pairs]
    return [value / number for value, number in pairs]


def one_hot(values: list[Any], step: Any) -> list[Any]:
    pairs = zip(values, step["categories"], strict=True)
    return [(value == known).astype(np.float64) for value, all_ in pairs for known in all_]


STEPS: dict[str, Callable[[list[Any], Any], list[Any]]] = {
    "Impute": impute,
    "Arithmetic": calculate,
    "Lookup": one_hot,
    "OneHot": lambda values, step: values,
}


def lines(text: Any) -> Iterator[bytes]:
    reader = csv.reader(text)
    header = next(reader)
    places = [(header.index(name), kind) for name, kind in STATE["columns"].items()]
    number = 0
    while chunk := list(islice(reader, ROWS)):
        cells = list(zip(*chunk, strict=True))
        batch = features([column(cells[place], kind) for place, kind in places])
        for second in MODEL.run(None, {INPUT: batch})[0][:, 0].tolist():
            number += 1
            scores = {LABELS[0]: 1 - second, LABELS[1]: second}
            best = LABELS[second > 0.5]
            prediction = {"label": best, "score": scores[best], "scores": scores}
            yield orjson.dumps({"row": number, "prediction": prediction})


def handler(event: Any, context: Any) -> Any:
    """Answer an S3 notification of a CSV file."""
    s3 = event["Records"][0]["s3"]
    bucket, key = s3["bucket"]["name"], s3["object"]["key"]
    body = S3.get_object(Bucket=bucket, Key=key)["Body"].read()
    answer = b"\n".join(lines(io.StringIO(body.decode(), newline="")))
    S3.put_object(Bucket=os.environ["RESULTS_BUCKET"], Key=f"{key}.jsonl", Body=answer)
