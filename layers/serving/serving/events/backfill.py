"""Batches of a Step Functions Distributed Map over objects that are there already.

    {"BatchInput": {"bucket": "...", "prefix": "image/", "quoted": false},
     "Items": [{"Key": "image/a.jpg", ...}, ...]}

Items are as the map's reader finds them in a listing of a bucket, or in an inventory, which lists
all of the bucket and quotes the keys. backfill.asl.yaml has the map.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

from serving.events import s3
from serving.events.invocation import Invocation
from serving.predictor import AnyPredictor


def recognises(event: Any) -> bool:
    """Whether this is a batch of a map."""
    return isinstance(event, Mapping) and "BatchInput" in event


def handle(
    event: Mapping[str, Any], invocation: Invocation, predictor: AnyPredictor
) -> dict[str, int]:
    """Answer every object of a batch under the prefix, as `s3.answer_all` does; returns how many
    there were.
    """
    from serving.storage import Location

    batch = event["BatchInput"]
    unquote = unquote_plus if batch.get("quoted") else str
    keys = [unquote(item["Key"]) for item in event["Items"]]
    chosen = [key for key in keys if key.startswith(batch.get("prefix", ""))]
    s3.answer_all(chosen, lambda key: Location(batch["bucket"], key), invocation, predictor)
    return {"objects": len(chosen)}
