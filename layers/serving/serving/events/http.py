"""API Gateway REST (v1) and HTTP (v2) events and Lambda function URLs (v2's format).

`serve` is what every HTTP entrance shares; `handle` answers for a model.
"""

import base64
import binascii
import os
from collections.abc import Callable, Mapping
from time import perf_counter
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from serving import native, telemetry
from serving.errors import MalformedInput, MethodNotAllowed, NotFound, UnsupportedMedia, shorten
from serving.events import problems
from serving.events.invocation import Invocation
from serving.predictor import AnyPredictor


class Request(NamedTuple):
    """An HTTP request of either version; header names are in lower case.

    path: without a REST API's stage. full_path: as the caller sent it, with the stage.
    """

    method: str
    path: str
    full_path: str
    headers: Mapping[str, str]
    body: bytes


class Answer(NamedTuple):
    """What a request gets: a JSON document, its status, and headers besides the usual ones."""

    document: dict[str, Any]
    status: int = 200
    headers: Mapping[str, str] = MappingProxyType({})


type Resource = Mapping[str, Callable[[Request], Answer]]  # what stands at a path, by method


def recognises(event: Any) -> bool:
    """Whether this is an HTTP request."""
    return isinstance(event, Mapping) and isinstance(event.get("requestContext"), Mapping)


def handle(
    event: Mapping[str, Any], invocation: Invocation, predictor: AnyPredictor
) -> dict[str, Any]:
    """Answer `POST /predict/<model>` with predictions and `GET` with the model's description."""
    return serve(event, invocation.request_id, lambda request: _find(request, predictor))


def serve(
    event: Mapping[str, Any], request_id: str, find: Callable[[Request], Resource]
) -> dict[str, Any]:
    """Answer a request by what `find` gives for it, or raises NotFound.

    Every error becomes a problem document with its status; none is raised.
    """
    methods: Resource = {}
    try:
        request = _parse(event)
        methods = find(request)
        return _response(_respond(request, methods), "application/json")
    except Exception as exc:  # the edge: whatever went wrong, the caller gets a document
        problem = problems.record(exc, request_id)
        headers = {"allow": ", ".join(methods)} if isinstance(exc, MethodNotAllowed) else {}
        return _response(Answer(problem, problem["status"], headers), problems.CONTENT_TYPE)


def _respond(request: Request, methods: Resource) -> Answer:
    respond = methods.get(request.method)
    if respond is None:
        raise MethodNotAllowed(f"expected {' or '.join(methods)}, got {shorten(request.method)}")
    return respond(request)


def _find(request: Request, predictor: AnyPredictor) -> Resource:
    name = predictor.manifest.name
    if request.path != "/" and not request.path.endswith(f"/predict/{name}"):
        raise NotFound(f"expected the path /predict/{name}, got {shorten(request.path)}")
    return {
        "GET": lambda _: Answer(native.describe_model(predictor)),
        "POST": lambda request: _predict(request, predictor),
    }


def _predict(request: Request, predictor: AnyPredictor) -> Answer:
    started = perf_counter()
    instances = native.read_body(request.body, request.headers["content-type"], predictor)
    telemetry.decoded(1000 * (perf_counter() - started))
    result = predictor.predict(instances)
    telemetry.predicted(result)
    return Answer(native.write_document(result, predictor))


def _parse(event: Mapping[str, Any]) -> Request:
    try:
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        encoding = headers.get("content-encoding", "identity").lower()
        line = _request_line(event)
        for text in (*line, headers.setdefault("content-type", "")):
            text.encode()  # a text, and one that can be sent back
        request = Request(*line, headers, _body(event))
    except (KeyError, TypeError, AttributeError, UnicodeEncodeError) as exc:
        raise MalformedInput(
            "expected an event of API Gateway or a function URL, got one of another shape"
        ) from exc
    if encoding != "identity":
        raise UnsupportedMedia(f"expected no Content-Encoding, got {shorten(encoding)}")
    return request


def _request_line(event: Mapping[str, Any]) -> tuple[str, str, str]:
    """Method, path and full path, as in Request."""
    context = event["requestContext"]
    if event.get("version") == "2.0":
        method, path = context["http"]["method"], event["rawPath"]
        full_path = path
    else:
        method, path = event["httpMethod"], event["path"]
        full_path = context.get("path") or path
    return method, path.rstrip("/") or "/", full_path.rstrip("/") or "/"


def _body(event: Mapping[str, Any]) -> bytes:
    body: str = event.get("body") or ""
    if event.get("isBase64Encoded") is not True:
        return body.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise MalformedInput(f"expected a base64 body, got {exc}") from exc


def _response(answer: Answer, content_type: str) -> dict[str, Any]:
    headers = {"content-type": content_type, **answer.headers}
    origin = os.environ.get("CORS_ALLOW_ORIGIN")
    if origin:
        headers["access-control-allow-origin"] = origin
    body = orjson.dumps(answer.document, option=orjson.OPT_SERIALIZE_NUMPY).decode()
    return {
        "statusCode": answer.status,
        "headers": headers,
        "body": body,
        "isBase64Encoded": False,
    }
