"""The uploads function as a caller meets it: tickets, forms posted to S3, results looked up."""

import contextlib
import importlib.util
import json
import secrets
import urllib.request
from collections.abc import Iterator
from types import ModuleType

import pytest

from local import aws
from serving import storage
from tests.conftest import EVENTS, ROOT, Context

INPUT, RESULTS = "api-uploads", "api-results"
ID = "image-5f0c47d1a86b4a5f9a5e1d6a3c1f0b27.jpg"  # in events/uploads_*_status.json


@contextlib.contextmanager
def running() -> Iterator[tuple[aws.Aws, ModuleType]]:
    """A server of S3 with the two buckets, and the uploads function, as all handlers, on it."""
    with aws.start(INPUT, RESULTS) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_S3", server.environment["AWS_ENDPOINT_URL_S3"])
        patch.setenv("INPUT_BUCKET", INPUT)
        patch.setenv("RESULTS_BUCKET", RESULTS)
        forget_clients()
        yield server, _load()
    forget_clients()


def _load() -> ModuleType:
    """The module that Lambda would import."""
    path = ROOT / "functions" / "uploads" / "uploads.py"
    spec = importlib.util.spec_from_file_location("uploads", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def forget_clients() -> None:
    storage._client.cache_clear()
    storage._signer.cache_clear()


def begin_event(model: str, filename: str, source: str = "rest") -> dict:
    event = json.loads((EVENTS / f"uploads_{source}_begin.json").read_text(encoding="utf-8"))
    return event | {"body": json.dumps({"model": model, "filename": filename})}


def status_event(identifier: str, source: str = "rest") -> dict:
    event = (EVENTS / f"uploads_{source}_status.json").read_text(encoding="utf-8")
    return json.loads(event.replace(ID, identifier))


def call(function: ModuleType, event: dict) -> tuple[int, dict, dict]:
    """Status, document and headers of an answer, of which all is JSON."""
    answer = json.loads(json.dumps(function.handler(event, Context())))
    return answer["statusCode"], json.loads(answer["body"]), answer["headers"]


def post_form(form: dict, content: bytes) -> int:
    """Post a file as a browser does, the fields first; returns S3's status."""
    boundary = secrets.token_hex(8)
    lines = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in form["fields"].items()
    ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    body = "".join([*lines, head]).encode() + content + f"\r\n--{boundary}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    request = urllib.request.Request(form["url"], body, headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.status


def uploaded_event(key: str, bucket: str = INPUT) -> dict:
    """What S3 tells of an object."""
    event = json.loads((EVENTS / "image_s3_cat.json").read_text(encoding="utf-8"))
    (record,) = event["Records"]
    record["s3"] |= {"bucket": {"name": bucket}, "object": {"key": key}}
    return event
