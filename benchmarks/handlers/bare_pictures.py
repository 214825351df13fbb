"""An archive of pictures in as little code as Pillow, NumPy and ONNX Runtime allow.

All of the archive and of the answer is held in memory; no checks, no retries, no logs.
"""

import io
import json
import os
import zipfile
from collections.abc import Iterator
from typing import Any

import boto3
import numpy as np
import onnxruntime
import orjson
from PIL import Image

BUNDLE = os.environ["ARTIFACTS_DIR"] + "/image/"
with open(BUNDLE + "manifest.json", encoding="utf-8") as manifest:
    LABELS = json.load(manifest)["outputs"][0]["labels"]
MODEL = onnxruntime.InferenceSession(BUNDLE + "model.onnx")
INPUT = MODEL.get_inputs()[0].name
S3 = boto3.client("s3")
PICTURES = 64


def tensor(picture: bytes) -> Any:
    file = Image.open(io.BytesIO(picture))
    file.draft(None, (96, 96))
    image = file.convert("RGB")
    side = min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    box = (left, top, left + side, top + side)
    image = image.resize((32, 32), Image.Resampling.LANCZOS, box, reducing_gap=3.0)
    return np.asarray(image, np.float32) / np.float32(127.5) - np.float32(1)


def lines(archive: zipfile.ZipFile) -> Iterator[bytes]:
    names = archive.namelist()
    for start in range(0, len(names), PICTURES):
        chunk = names[start : start + PICTURES]
        batch = np.stack([tensor(archive.read(name)) for name in chunk])
        outputs = MODEL.run(None, {INPUT: batch})[0].tolist()
        for number, (name, scores) in enumerate(zip(chunk, outputs, strict=True), start + 1):
            best, label = max(zip(scores, LABELS, strict=True))
            named = dict(zip(LABELS, scores, strict=True))
            prediction = {"label": label, "score": best, "scores": named}
            yield orjson.dumps({"row": number, "name": name, "prediction": prediction})


def handler(event: Any, context: Any) -> Any:
    """Answer an S3 notification of a ZIP archive."""
    s3 = event["Records"][0]["s3"]
    bucket, key = s3["bucket"]["name"], s3["object"]["key"]
    body = S3.get_object(Bucket=bucket, Key=key)["Body"].read()
    answer = b"\n".join(lines(zipfile.ZipFile(io.BytesIO(body))))
    S3.put_object(Bucket=os.environ["RESULTS_BUCKET"], Key=f"{key}.jsonl", Body=answer)
