"""Uploaded files: each is put into the bucket, the function told of it, and its answer read."""

import functools
import gzip
import io
import itertools
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote_plus

from botocore.exceptions import ClientError

from benchmarks.soak import image, numeric, text
from benchmarks.soak.calls import CASES, Call
from benchmarks.soak.mix import draw_size
from local import payloads
from local.aws import Aws

INPUT, RESULTS = "soak-inputs", "soak-results"
SOURCES = ("s3", "sqs", "eventbridge", "map")

type Made = tuple[bytes, int]  # a file, and how many predictions its answer has


@dataclass(frozen=True)
class File:
    """A kind of file; suffix: of its key. status: of its answer."""

    suffix: str
    make: Callable[[Random], Made]
    status: int = 200


def calls(modality: str, s3: Aws, random: Random) -> Iterator[Call]:
    """Calls without end: every kind of file in turns, one told of twice, and its removal.

    An object is put or removed when its call is asked for, so a call has to be made before the
    next one is.
    """
    for number in itertools.count():
        for file in FILES[modality]:
            key = f"{modality}/{number} é{file.suffix}"
            body, predictions = file.make(random)
            s3.upload(INPUT, key, body)
            read = functools.partial(_read, s3, key)
            kind = f"upload {file.suffix}, {file.status}"
            for told in (kind, "upload told of again") if file is FILES[modality][0] else (kind,):
                source = random.choice(SOURCES)
                event = _event(modality, source, key)
                yield Call(told, source, event, read, file.status, predictions)
        s3.s3.delete_object(Bucket=INPUT, Key=key)
        yield Call("upload removed", "sqs", _event(modality, "sqs", key), read, 404, 0)


def _read(s3: Aws, key: str, payload: Any) -> tuple[int, Any]:
    """Status and predictions of the answer in the results bucket; 404 where there is none."""
    if payload and payload.get("batchItemFailures"):
        return 500, payload
    for place in (f"{key}.json", f"{key}.jsonl", f"errors/{key}.json"):
        try:
            lines = list(map(json.loads, s3.download(RESULTS, place).splitlines()))
        except ClientError:
            continue
        rows = [line["prediction"] for line in lines if "prediction" in line]
        return lines[0].get("status", 200), {"predictions": rows} | lines[0]
    return 404, {}


def _event(modality: str, source: str, key: str) -> Any:
    """The payload in events/ of a source, about another object."""
    event = payloads.load(f"{modality}_{source}_{CASES[modality]}")
    if source == "map":
        return {
            "BatchInput": {**event["BatchInput"], "bucket": INPUT},
            "Items": [{**event["Items"][0], "Key": key}],
        }
    if source == "eventbridge":
        found = {**event["detail"]["object"], "key": key}
        return {**event, "detail": {**event["detail"], "bucket": {"name": INPUT}, "object": found}}
    if source == "sqs":
        body = json.dumps(_event(modality, "s3", key))
        return {"Records": [{**event["Records"][0], "body": body}]}
    [record] = event["Records"]
    record["s3"]["bucket"]["name"] = INPUT
    record["s3"]["object"]["key"] = quote_plus(key, safe="/")
    return event


def _picture(random: Random) -> Made:
    return random.choice(image.pictures()).body, 1


def _archive(random: Random) -> Made:
    """Pictures, and a file that is none."""
    found = random.choices(image.pictures(), k=draw_size(random, image.MOST))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("0.png", b"no picture")
        for number, one in enumerate(found, 1):
            archive.writestr(f"{number}.png", one.body)
    return buffer.getvalue(), len(found)


def _text(random: Random) -> Made:
    return text.draw_text(random).encode(), 1


def _text_lines(random: Random) -> Made:
    """Texts, and a number."""
    texts = text.draw_texts(random)
    return _lines([*({"text": one} for one in texts), {"text": 5}]), len(texts)


def _text_table(random: Random) -> Made:
    texts = text.draw_texts(random)
    cells = ['"' + one.replace('"', '""') + '"' for one in texts]
    return "\n".join(["text", *cells, ""]).encode(), len(texts)


def _row(random: Random) -> Made:
    return json.dumps({"instances": [numeric.draw_row(random)]}).encode(), 1


def _row_lines(random: Random) -> Made:
    """Rows, packed, and one of another shape."""
    rows = numeric.draw_rows(random)
    return gzip.compress(_lines([*rows, {"Age": 1}])), len(rows)


def _table(random: Random) -> Made:
    rows = numeric.draw_rows(random)
    return numeric.write_csv(rows).encode(), len(rows)


def _lines(documents: Sequence[Any]) -> bytes:
    return "".join(json.dumps(document) + "\n" for document in documents).encode()


def _wrong(body: bytes) -> Callable[[Random], Made]:
    return lambda _: (body, 0)


FILES: Mapping[str, Sequence[File]] = {
    "image": (
        File(".jpg", _picture),
        File(".zip", _archive),
        File(".png", _wrong(b"no picture"), 415),
        File(".tif", _picture),
    ),
    "text": (
        File(".txt", _text),
        File(".jsonl", _text_lines),
        File(".txt", _wrong(b"\n"), 422),
        File(".csv", _text_table),
    ),
    "numeric": (
        File(".json", _row),
        File(".jsonl.gz", _row_lines),
        File(".json", _wrong(b"{"), 400),
        File(".csv", _table),
    ),
}
