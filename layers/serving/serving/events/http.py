"""API Gateway REST (v1) and HTTP (v2) events and Lambda function URLs (v2's format)."""

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import orjson

from serving import native, telemetry
from serving.errors import MalformedInput, MethodNotAllowed, NotFound, UnsupportedMedia, shorten
from serving.events import problems
from serving.predictor import AnyPredictor

METHODS = ("GET", "POST")


@dataclass(frozen=True)
class Request:
    """An HTTP request of either version; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


def recognises(event: Any) -> bool:
    """Whether this is an HTTP request."""
    return isinstance(event, Mapping) and isinstance(event.get("requestContext"), Mapping)


def handle(event: Mapping[str, Any], request_id: str, predictor: AnyPredictor) -> dict[str, Any]:
    """Answer `POST /predict/<model>` with predictions and `GET` with the model's description.

    Every error becomes a problem document with its status; none is raised.
    """
    try:
        document = _answer(_parse(event), predictor)
    except Exception as exc:  # the edge: whatever went wrong, the caller gets a document
        problem = problems.record(exc, request_id)
        return _response(problem["status"], problem, problems.CONTENT_TYPE)
    return _response(200, document, "application/json")


def _answer(request: Request, predictor: AnyPredictor) -> dict[str, Any]:
    name = predictor.manifest.name
    if request.path != "/" and not request.path.endswith(f"/predict/{name}"):
        raise NotFound(f"expected the path /predict/{name}, got {shorten(request.path)}")
    if request.method not in METHODS:
        raise MethodNotAllowed(f"expected {' or '.join(METHODS)}, got {shorten(request.method)}")
    if request.method == "GET":
        return native.describe_model(predictor)
    started = perf_counter()
    instances = native.read_body(request.body, request.headers["content-type"], predictor)
    telemetry.decoded(1000 * (perf_counter() - started))
    result = predictor.predict(instances)
    telemetry.predicted(result)
    return native.write_document(result, predictor)


def _parse(event: Mapping[str, Any]) -> Request:
    try:
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        http = event["requestContext"]["http"] if event.get("version") == "2.0" else None
        method, path = (
            (http["method"], event["rawPath"]) if http else (event["httpMethod"], event["path"])
        )
        encoding = headers.get("content-encoding", "identity").lower()
        method.encode(), path.encode()  # texts, as is the content type, and to be sent back
        headers.setdefault("content-type", "").encode()  # a text, and one that can be sent back
        request = Request(method, path.rstrip("/") or "/", headers, _body(event))
    except (KeyError, TypeError, AttributeError, UnicodeEncodeError) as exc:
        raise MalformedInput(
            "expected an event of API Gateway or a function URL, got one of another shape"
        ) from exc
    if encoding != "identity":
        raise UnsupportedMedia(f"expected no Content-Encoding, got {shorten(encoding)}")
    return request


def _body(event: Mapping[str, Any]) -> bytes:
    body: str = event.get("body") or ""
    if event.get("isBase64Encoded") is not True:
        return body.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise MalformedInput(f"expected a base64 body, got {exc}") from exc


def _response(status: int, document: dict[str, Any], content_type: str) -> dict[str, Any]:
    headers = {"content-type": content_type}
    if status == 405:
        headers["allow"] = ", ".join(METHODS)
    origin = os.environ.get("CORS_ALLOW_ORIGIN")
    if origin:
        headers["access-control-allow-origin"] = origin
    body = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY).decode()
    return {"statusCode": status, "headers": headers, "body": body, "isBase64Encoded": False}
