"""The payloads in `events/`: one event a `.json` file, and the files that the S3 events tell of."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from local.package import ROOT

EVENTS = ROOT / "events"


@dataclass(frozen=True)
class Upload:
    """The object that an S3 record tells of; key as S3 stores it, not as the event quotes it."""

    bucket: str
    key: str


def load(name: str) -> Any:
    """One event by its file's name without `.json`."""
    return json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))


def upload(event: Mapping[str, Any]) -> Upload:
    """The object of an S3 event of one record."""
    [record] = event["Records"]
    s3 = record["s3"]
    return Upload(s3["bucket"]["name"], unquote_plus(s3["object"]["key"]))


def body(event: Mapping[str, Any]) -> bytes:
    """The body of an API event as the caller sent it."""
    text: str = event["body"]
    return base64.b64decode(text) if event.get("isBase64Encoded") else text.encode()
