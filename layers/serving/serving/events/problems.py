"""Errors to problem documents (RFC 9457)."""

from typing import Any

from serving import telemetry
from serving.errors import (
    BundleError,
    InputTooLarge,
    InvalidInput,
    MalformedInput,
    MethodNotAllowed,
    NotFound,
    UnfitInput,
    UnsupportedMedia,
)

CONTENT_TYPE = "application/problem+json"
STATUS: dict[type[Exception], int] = {
    MalformedInput: 400,
    NotFound: 404,
    MethodNotAllowed: 405,
    InputTooLarge: 413,
    UnsupportedMedia: 415,
    UnfitInput: 422,
    BundleError: 503,
}
_OURS = {
    500: "the request failed for a reason that is not in it; quote request_id to report this",
    503: "the model could not be loaded; quote request_id to report this",
}


def record(exc: Exception, request_id: str) -> dict[str, Any]:
    """Log an error, count it, and give the document that tells the caller what to mend.

    An error of ours, expected or not, is described without its message.
    """
    described = describe(exc)
    if isinstance(exc, InvalidInput):
        telemetry.rejected(exc, described["status"])
    else:
        telemetry.failed(exc)
    return {"type": "about:blank", **described, "request_id": _encodable(request_id)}


def describe(exc: Exception) -> dict[str, Any]:
    """Status, title and detail of an error; of one of ours without its message."""
    from http import HTTPStatus  # here: a start that goes well needs none of it

    status = STATUS.get(type(exc), 500)
    return {
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": _encodable(_OURS.get(status, str(exc))),
    }


def _encodable(text: str) -> str:
    """The text with lone surrogates, which have no UTF-8, written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()
