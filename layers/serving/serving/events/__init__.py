"""Every event that reaches a function, by the module that handles its source."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from serving import telemetry
from serving.errors import BundleError
from serving.events import direct, http, s3
from serving.predictor import AnyPredictor

type Event = Mapping[str, Any]


class Context(Protocol):
    """What is used of Lambda's context object."""

    aws_request_id: str


def handle(event: Event, context: Context, predictor: AnyPredictor) -> Any:
    """Answer one invocation; `http`, `s3` and `direct` say what they take and return."""
    request_id = _request_id(event, context)
    telemetry.begin(request_id, context.aws_request_id)
    respond = _source(event)
    try:
        return respond(event, request_id, predictor)
    finally:
        telemetry.end(_version(predictor))


def _source(event: Event) -> Callable[[Event, str, AnyPredictor], Any]:
    if s3.recognises(event):
        return s3.handle
    return http.handle if http.recognises(event) else direct.handle


def _request_id(event: Event, context: Context) -> str:
    """API Gateway's id where there is one, since that is the one the caller sees."""
    gateway = event.get("requestContext") if isinstance(event, Mapping) else None
    identifier = gateway.get("requestId") if isinstance(gateway, Mapping) else None
    return str(identifier or context.aws_request_id)


def _version(predictor: AnyPredictor) -> str:
    try:
        return predictor.manifest.version
    except BundleError:
        return "none"
