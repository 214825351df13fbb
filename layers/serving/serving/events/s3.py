"""Notifications of S3, its own and EventBridge's: every object named in one is answered anew."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, unquote_plus

import orjson

from serving import telemetry
from serving.events.invocation import Invocation
from serving.predictor import AnyPredictor

if TYPE_CHECKING:
    from serving.storage import Location

_TEST = "s3:TestEvent"


def recognises(event: Any) -> bool:
    """Whether this is a notification, or the test event that S3 sends to a new target.

    Records of another service are taken too: they fail below and reach the on-failure queue,
    while an answer to nobody would lose them.
    """
    return isinstance(event, Mapping) and (
        "Records" in event or event.get("Event") == _TEST or event.get("source") == "aws.s3"
    )


def handle(event: Mapping[str, Any], invocation: Invocation, predictor: AnyPredictor) -> None:
    """Answer every object that the event names, as `answer_all` does."""
    if event.get("Event") == _TEST:
        return
    records = event.get("Records", [event])
    answer_all(records, _location, invocation, predictor)


def answer_all(
    records: Sequence[Any],
    locate: "Callable[[Any], Location]",
    invocation: Invocation,
    predictor: AnyPredictor,
) -> None:
    """Try every record's object. Then raise whatever a retry may mend, so that the event comes
    again and at last into the queue of failed events.

    A file that needs longer than there is time for is continued by a message in the queue of
    uploads.
    """
    failures = []
    for record in records:
        try:
            _answer(locate(record), invocation, predictor)
        except Exception as exc:  # the edge: one object must not keep the others from being tried
            telemetry.failed(exc)
            failures.append(exc)
    if failures:
        raise ExceptionGroup(f"{len(failures)} of {len(records)} records", failures)


def _location(record: Mapping[str, Any]) -> "Location":
    """S3 quotes keys, EventBridge does not."""
    from serving.storage import (
        Location,  # here, because boto3 costs a cold start what the model does
    )

    if "detail" in record:
        return Location(record["detail"]["bucket"]["name"], record["detail"]["object"]["key"])
    s3 = record["s3"]
    return Location(s3["bucket"]["name"], unquote_plus(s3["object"]["key"]))


def _answer(source: "Location", invocation: Invocation, predictor: AnyPredictor) -> None:
    from serving.uploads.reconcile import Unsettled, Work, reconcile

    work = Work(source, predictor, invocation.request_id, invocation.seconds_left)
    if reconcile(work):
        return
    queue_url = os.environ.get("UPLOADS_QUEUE_URL")
    if not queue_url:
        raise Unsettled(f"{source.key} is not done; the next attempt continues it")
    from serving import queue

    telemetry.logger.info("to be continued", key=source.key)
    queue.send(queue_url, orjson.dumps(_notification(source)).decode())


def _notification(source: "Location") -> dict[str, Any]:
    """An event that names an object, as S3 would send it."""
    s3 = {"bucket": {"name": source.bucket}, "object": {"key": quote_plus(source.key, safe="/")}}
    return {"Records": [{"eventSource": "aws:s3", "s3": s3}]}
