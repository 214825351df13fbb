"""The API for uploads that do not fit through it, over HTTP alone.

    POST /uploads       {"model": "image", "filename": "cat.jpg"} to a form that uploads the file
    GET /results/{id}   whether its answer is there

These need no model, so a function of their own answers them, which imports none.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from serving import events, telemetry
from serving.errors import (
    InputTooLarge,
    MalformedInput,
    NotFound,
    UnfitInput,
    UnsupportedMedia,
    describe,
    shorten,
)
from serving.events import http
from serving.events.http import Answer, Request, Resource
from serving.uploads import presigned

BODY_BYTES = 10_000  # of a request, which holds two short texts
_ASKED = ("model", "filename")
_NOT_KEPT = {"cache-control": "no-store"}  # what is signed is for the caller alone


def handle(event: Mapping[str, Any], context: events.Context) -> dict[str, Any]:
    """Answer one request, as `http.serve` does."""
    request_id = events.request_id(event, context)
    telemetry.begin(request_id, context.aws_request_id)
    try:
        return http.serve(event, request_id, _find)
    finally:
        telemetry.end(None)


def _find(request: Request) -> Resource:
    folder, _, name = request.path.rpartition("/")
    if folder.endswith("/results"):
        return {"GET": lambda _: _status(name)}
    if name == "uploads":
        return {"POST": _begin}
    raise NotFound(f"expected the path /uploads or /results/{{id}}, got {shorten(request.path)}")


def _begin(request: Request) -> Answer:
    upload = presigned.begin(*_read(request))
    form = presigned.sign(upload)
    telemetry.logger.info("upload allowed", key=upload.key, max_bytes=upload.max_bytes)
    return Answer(
        {
            "id": upload.identifier,
            "upload": {"url": form.url, "fields": form.fields},
            "expires_in": presigned.SECONDS,
            "max_bytes": upload.max_bytes,
            "result": f"{request.full_path.removesuffix('/uploads')}/results/{upload.identifier}",
        },
        201,
        _NOT_KEPT,
    )


def _status(identifier: str) -> Answer:
    document = presigned.status(presigned.find(identifier))
    telemetry.logger.info("looked up", id=document["id"], status=document["status"])
    return Answer(document, headers=_NOT_KEPT)


def _read(request: Request) -> tuple[str, str]:
    """The model and the file's name that a request asks with."""
    media_type = request.headers["content-type"].partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedMedia(
            f"expected a Content-Type of application/json, got {shorten(media_type) or 'none'}"
        )
    if len(request.body) > BODY_BYTES:
        raise InputTooLarge(f"expected at most {BODY_BYTES} bytes, got {len(request.body)}")
    try:
        asked = orjson.loads(request.body)
    except orjson.JSONDecodeError as exc:
        raise MalformedInput(f"expected JSON, got what does not parse: {exc}") from exc
    if not isinstance(asked, dict) or asked.keys() != set(_ASKED):
        raise UnfitInput(f'expected {{"model": "…", "filename": "…"}}, got {_shape(asked)}')
    for name in _ASKED:
        if not isinstance(asked[name], str):
            raise UnfitInput(f"expected {name} to be a string, got {describe(asked[name])}")
    return asked["model"], asked["filename"]


def _shape(asked: Any) -> str:
    if not isinstance(asked, dict):
        return describe(asked)
    return f"an object with {shorten(', '.join(map(repr, asked))) or 'nothing'}"
