"""Requests as the functions get them: the events of every entrance, and the answers to expect."""

import base64
import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from local import payloads

CASES = {"image": "cat", "text": "review", "numeric": "application"}  # names in events/
JSON = "application/json"
HTTP = ("rest", "http", "url")  # API Gateway's two kinds of event, and a function URL's
DIRECT = "direct"


@dataclass(frozen=True)
class Request:
    """What a caller sends, whatever the entrance.

    kind: what it is called in the results. body: bytes, or a document that is sent as JSON and
        can also be a direct invocation's event. media: its Content-Type.
    status, predictions: what the answer must have. same: a name of what must be answered alike,
        to the last digit, whenever it is sent; empty where nothing is to be compared.
    """

    kind: str
    body: Any = b""
    media: str = JSON
    status: int = 200
    predictions: int = 0
    same: str = ""
    method: str = "POST"
    path: str = ""  # in place of the model's own
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Call:
    """An invocation: its event, and how its status and document are read from what comes back."""

    kind: str
    entrance: str
    event: Any
    read: Callable[[Any], tuple[int, Any]]
    status: int
    predictions: int
    same: str = ""


class UnexpectedAnswer(Exception):
    """A call was not answered as it must be."""


def check(call: Call, payload: Any) -> Any:
    """The predictions of an answer; raise UnexpectedAnswer if status or number are others."""
    status, document = call.read(payload)
    predictions = document.get("predictions", [])
    if (status, len(predictions)) != (call.status, call.predictions):
        raise UnexpectedAnswer(
            f"{call.kind} by {call.entrance}: expected status {call.status} and"
            f" {call.predictions} predictions, got {status} and {json.dumps(document)[:500]}"
        )
    return predictions


def enter(request: Request, modality: str, random: Random) -> Call:
    """A request through one of the entrances that it can take, drawn evenly."""
    direct = not isinstance(request.body, bytes)
    entrance = random.choice((*HTTP, DIRECT) if direct else HTTP)
    expected = (request.status, request.predictions, request.same)
    if entrance == DIRECT:
        return Call(request.kind, entrance, request.body, _read_direct, *expected)
    event = _http_event(request, entrance, modality, random)
    return Call(request.kind, entrance, event, _read_http, *expected)


def probe(modality: str) -> Call:
    """The small request that is the same every time."""
    event = _template(modality, "rest")
    return Call("probe", "rest", event, _read_http, 200, 1, "probe")


def _read_direct(payload: Any) -> tuple[int, Any]:
    return payload.get("status", 200), payload


def _read_http(payload: Any) -> tuple[int, Any]:
    return payload["statusCode"], json.loads(payload["body"])


def _http_event(
    request: Request, entrance: str, modality: str, random: Random
) -> Mapping[str, Any]:
    body = request.body if isinstance(request.body, bytes) else json.dumps(request.body).encode()
    # API Gateway encodes what is no text; what is one may come either way.
    binary = not request.media.startswith((JSON, "text/")) or random.random() < 0.2
    text = None if binary else _text(body)
    template = _template(modality, entrance)
    event = {
        **template,
        "headers": _headers(request, template["headers"]),
        "body": base64.b64encode(body).decode() if text is None else text,
        "isBase64Encoded": text is None,
    }
    return _aimed(event, request, entrance)


def _text(body: bytes) -> str | None:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _headers(request: Request, headers: Mapping[str, str]) -> Mapping[str, str]:
    """The template's, with this Content-Type under the template's own spelling."""
    typed = {
        name: request.media if name.lower() == "content-type" else value
        for name, value in headers.items()
    }
    return {**typed, **dict(request.headers)}


def _aimed(event: Mapping[str, Any], request: Request, entrance: str) -> Mapping[str, Any]:
    """With the request's method and path."""
    if entrance == "rest":
        path = request.path or event["path"]
        return {**event, "httpMethod": request.method, "path": path}
    context = event["requestContext"]
    http = {**context["http"], "method": request.method}
    path = request.path or event["rawPath"]
    return {**event, "requestContext": {**context, "http": http}, "rawPath": path}


@functools.cache
def _template(modality: str, entrance: str) -> Mapping[str, Any]:
    event: Mapping[str, Any] = payloads.load(f"{modality}_{entrance}_{CASES[modality]}")
    return event
