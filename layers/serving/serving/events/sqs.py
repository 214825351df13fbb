"""Messages of SQS that hold notifications of S3; the ones that fail are named, and come again."""

from collections.abc import Mapping
from typing import Any

import orjson

from serving import telemetry
from serving.events import s3
from serving.events.invocation import Invocation
from serving.predictor import AnyPredictor


def recognises(event: Any) -> bool:
    """Whether this is a batch of messages."""
    records = event.get("Records") if isinstance(event, Mapping) else None
    return isinstance(records, list) and all(
        isinstance(record, Mapping) and record.get("eventSource") == "aws:sqs"
        for record in records or [None]
    )


def handle(
    event: Mapping[str, Any], invocation: Invocation, predictor: AnyPredictor
) -> dict[str, Any]:
    """Answer every message's objects; returns SQS's partial batch response.

    The mapping of the queue must have ReportBatchItemFailures, or failures would be deleted.
    """
    failed = [
        record["messageId"]
        for record in event["Records"]
        if not _succeeds(record, invocation, predictor)
    ]
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in failed]}


def _succeeds(record: Mapping[str, Any], invocation: Invocation, predictor: AnyPredictor) -> bool:
    try:
        s3.handle(orjson.loads(record["body"]), invocation, predictor)
    except ExceptionGroup:  # of which each was told
        return False
    except Exception as exc:  # the edge: one message must not keep the others from being tried
        telemetry.failed(exc)
        return False
    return True
