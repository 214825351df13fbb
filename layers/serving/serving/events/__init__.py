"""Every event that reaches a function, by the module that handles its source."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from serving import telemetry
from serving.errors import BundleError
from serving.events import backfill, direct, http, s3, sqs
from serving.events.invocation import Invocation
from serving.predictor import AnyPredictor

type Event = Mapping[str, Any]


class Context(Protocol):
    """What is used of Lambda's context object."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int: ...


def handle(event: Event, context: Context, predictor: AnyPredictor) -> Any:
    """Answer one invocation; the module of each source says what it takes and returns."""
    invocation = Invocation(
        request_id(event, context), lambda: context.get_remaining_time_in_millis() / 1000
    )
    telemetry.begin(invocation.request_id, context.aws_request_id)
    respond = _source(event)
    try:
        return respond(event, invocation, predictor)
    finally:
        telemetry.end(_version(predictor))


def _source(event: Event) -> "Respond":
    for recognises, respond in _SOURCES:
        if recognises(event):
            return respond
    return direct.handle


def request_id(event: Event, context: Context) -> str:
    """API Gateway's id where there is one, since that is the one the caller sees."""
    gateway = event.get("requestContext") if isinstance(event, Mapping) else None
    identifier = gateway.get("requestId") if isinstance(gateway, Mapping) else None
    return str(identifier or context.aws_request_id)


def _version(predictor: AnyPredictor) -> str:
    try:
        return predictor.manifest.version
    except BundleError:
        return "none"


type Respond = Callable[[Event, Invocation, AnyPredictor], Any]

_SOURCES: tuple[tuple[Callable[[Any], bool], Respond], ...] = (
    (http.recognises, http.handle),
    (sqs.recognises, sqs.handle),
    (s3.recognises, s3.handle),
    (backfill.recognises, backfill.handle),
)
