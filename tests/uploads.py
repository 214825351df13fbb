"""Files to upload with what is in them, and the answer that each must have."""

import gzip
import io
import json
import math
import zipfile
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote_plus

import orjson
from PIL import Image

from serving import native
from serving.errors import InvalidInput
from serving.events.problems import STATUS
from tests.conftest import EVENTS

HEADER, OWNER, RENTER = (EVENTS / "applications.csv").read_text(encoding="utf-8").splitlines()
BAD_ROW = OWNER.replace("12,", "twelve,", 1)


@dataclass(frozen=True)
class File:
    """An object's bytes; suffix: of its key. rows: of a file of rows, each an instance or the
    status of its error. status: of the problem, where all of the file is refused.
    """

    suffix: str
    body: bytes
    rows: tuple[Any, ...] | None = None
    status: int | None = None


def csv_file(*lines: str) -> File:
    """Loans; a line is OWNER, RENTER, BAD_ROW or another with as many cells."""
    body = "".join(f"{line}\n" for line in (HEADER, *lines)).encode()
    return File(".csv", body, tuple(map(_loan, lines)))


def jsonl_file(*texts: Any) -> File:
    """Texts; what is no string, or is empty, is an error."""
    body = "".join(json.dumps({"text": text}) + "\n" for text in texts).encode()
    return File(
        ".jsonl", body, tuple(text if text and str(text) == text else 422 for text in texts)
    )


def zip_file(*pictures: bytes) -> File:
    """An archive of pictures; what is no picture is an error."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, content in enumerate(pictures, 1):
            archive.writestr(f"folder/{number}.png", content)
    rows = tuple(content if content.startswith(b"\x89PNG") else 415 for content in pictures)
    return File(".zip", buffer.getvalue(), rows)


def gzipped(file: File) -> File:
    """The same file in gzip."""
    return replace(file, suffix=f"{file.suffix}.gz", body=gzip.compress(file.body, mtime=0))


def picture(colour: str) -> bytes:
    """A small PNG."""
    buffer = io.BytesIO()
    Image.new("RGB", (32, 32), colour).save(buffer, "PNG")
    return buffer.getvalue()


def text_file(text: str) -> File:
    """One document."""
    return File(".txt", text.encode())


def _loan(line: str) -> Any:
    if line == BAD_ROW:
        return 422
    cells = dict(zip(HEADER.split(","), line.split(","), strict=True))
    words = ("Home", "Marital", "Records", "Job")
    return {
        name: (cell or None) if name in words else float(cell) if cell else None
        for name, cell in cells.items()
    }


# Of each modality: documents and files of rows, bad ones among them.
FILES = {
    "image": (
        File(".png", picture("navy")),
        File(".png", picture("green")),
        File(".png", b"not a picture", status=415),
        zip_file(picture("red"), b"not a picture", picture("white")),
        File(".zip", b"not an archive", status=415),
    ),
    "text": (
        text_file("Rich, smooth and fresh. We love it!"),
        text_file("The chips were stale and the box arrived crushed."),
        File(".txt", b"\n", status=422),
        jsonl_file("Fresh and rich.", 5, "Stale and salty."),
        File(".jsonl", b"", status=400),
    ),
    "numeric": (
        File(".json", json.dumps({"instances": [_loan(OWNER)]}).encode()),
        File(".json", json.dumps({"instances": [_loan(RENTER)]}).encode()),
        File(".json", b"{", status=400),
        csv_file(OWNER, BAD_ROW, RENTER),
        csv_file(RENTER, OWNER),
        File(".csv", b"Age\n1\n", status=422),
    ),
}


def expect(file: File, source: dict[str, Any], predictor) -> dict[str, Any]:
    """The one object that answers a file at a source, by its key; rows a list of documents.

    Every row is predicted alone and by the API's own path, so that nothing of what is tested
    is used.
    """
    if file.status is not None:
        return {f"errors/{source['key']}.json": {"source": source, "status": file.status}}
    model = native.identify(predictor)
    if file.rows is None:
        kind = {".png": "image/png", ".txt": "text/plain", ".json": "application/json"}[file.suffix]
        predictions = _plain(native.read_body(file.body, kind, predictor), predictor)
        document = {"source": source, "model": model, "predictions": predictions}
        return {f"{source['key']}.json": document}
    known: dict[str, Any] = {}
    for row in file.rows:
        if repr(row) not in known:
            known[repr(row)] = _answer(row, predictor)
    lines = [{"row": number} | known[repr(row)] for number, row in enumerate(file.rows, 1)]
    if file.suffix == ".zip":
        lines = [line | {"name": f"folder/{line['row']}.png"} for line in lines]
    errors = sum("error" in line for line in lines)
    counts = {"rows": len(lines), "predictions": len(lines) - errors, "errors": errors}
    return {f"{source['key']}.jsonl": [{"source": source, "model": model}, *lines, counts]}


def _answer(row: Any, predictor) -> dict[str, Any]:
    if isinstance(row, int):
        return {"error": {"status": row}}
    (prediction,) = _plain([row], predictor)
    return {"prediction": prediction}


def _plain(instances: list[Any], predictor) -> list[Any]:
    """Predictions as JSON has them."""
    predictions = predictor.predict(instances).predictions
    return orjson.loads(orjson.dumps(predictions, option=orjson.OPT_SERIALIZE_NUMPY))


def parse(key: str, body: bytes) -> Any:
    """An answer as a document, or as a list of them."""
    if key.endswith(".jsonl"):
        return [json.loads(line) for line in body.splitlines()]
    return json.loads(body)


def differs(expected: Any, found: Any) -> str:
    """Where two answers differ, or nothing; a batch rounds otherwise than one row does, and an
    error has more to say than what is expected of it.
    """
    if isinstance(expected, float) and isinstance(found, float):
        return "" if math.isclose(expected, found, rel_tol=1e-5) else f"{expected} {found}"
    if isinstance(expected, dict) and isinstance(found, dict):
        more = found.keys() - expected.keys() if "status" not in expected else set()
        if more or not expected.keys() <= found.keys():
            return f"{sorted(expected)} {sorted(found)}"
        return "".join(differs(value, found[name]) for name, value in expected.items())
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        return "".join(map(differs, expected, found))
    return "" if expected == found else f"{expected} {found}"


def is_refused(file: File, predictor) -> bool:
    """Whether the API would refuse it, to check `status` by."""
    try:
        expect(replace(file, status=None), {"key": "x"}, predictor)
    except InvalidInput as exc:
        return STATUS[type(exc)] == file.status
    return False


def notification(bucket: str, *keys: str, name: str = "ObjectCreated:Put") -> dict[str, Any]:
    """An event of S3's own, one record a key."""
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "eventName": name,
                "s3": {
                    "bucket": {"name": bucket},
                    "object": {"key": quote_plus(key, safe="/"), "sequencer": "0055AED6DCD90281E5"},
                },
            }
            for key in keys
        ]
    }


def messages(*bodies: Any) -> dict[str, Any]:
    """A batch of SQS; bodies: events, or texts as they are."""
    return {
        "Records": [
            {
                "messageId": str(number),
                "body": body if isinstance(body, str) else json.dumps(body),
                "attributes": {"ApproximateReceiveCount": "1"},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:uploads",
            }
            for number, body in enumerate(bodies)
        ]
    }
