"""S3 `ObjectCreated` notifications: every uploaded object gets one result object."""

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

import orjson

from serving import native, telemetry
from serving.errors import InvalidInput, UnsupportedMedia
from serving.events import problems
from serving.predictor import AnyPredictor

SUFFIXES = {
    "image": {
        ".jpg": "image/jpeg",
        ".jpeg": "image/jpeg",
        ".png": "image/png",
        ".webp": "image/webp",
        ".gif": "image/gif",
        ".bmp": "image/bmp",
        ".tif": "image/tiff",
        ".tiff": "image/tiff",
    },
    "text": {".txt": "text/plain", ".json": "application/json"},
    "numeric": {".csv": "text/csv", ".json": "application/json"},
}


def recognises(event: Any) -> bool:
    """Whether this is a notification, or the test event that S3 sends to a new target.

    Records of another service are taken too: they fail below and reach the on-failure queue,
    while an answer to nobody would lose them.
    """
    return isinstance(event, Mapping) and (
        "Records" in event or event.get("Event") == "s3:TestEvent"
    )


def handle(event: Mapping[str, Any], request_id: str, predictor: AnyPredictor) -> None:
    """Predict every uploaded object and write its result, or a problem that is the uploader's.

    All records are tried. Then whatever a retry may mend is raised, so that Lambda sends the
    event again and at last to the on-failure queue; a record done twice gives the same result.
    """
    failures = []
    for record in event.get("Records", []):
        try:
            _process(record, request_id, predictor)
        except Exception as exc:  # the edge: one record must not keep the others from being tried
            telemetry.failed(exc)
            failures.append(exc)
    if failures:
        raise ExceptionGroup(f"{len(failures)} of {len(event['Records'])} records", failures)


def _process(record: Mapping[str, Any], request_id: str, predictor: AnyPredictor) -> None:
    from serving import storage  # here, because boto3 costs a cold start what the model does

    bucket = record["s3"]["bucket"]["name"]
    key = unquote_plus(record["s3"]["object"]["key"])
    source: dict[str, Any] = {"bucket": bucket, "key": key}
    results = os.environ["RESULTS_BUCKET"]
    try:
        found = storage.read(bucket, key, predictor.manifest.limits.max_bytes)
        if found is None:
            telemetry.logger.info("object is gone", source=source)
            return
        source |= {"etag": found.etag, "version": found.version}
        document = _predict(key, found.body, predictor)
    except InvalidInput as exc:
        problem = {"source": source, **problems.record(exc, request_id)}
        storage.write(results, f"errors/{key}.json", orjson.dumps(problem), problems.CONTENT_TYPE)
        return
    body = orjson.dumps({"source": source, **document}, option=orjson.OPT_SERIALIZE_NUMPY)
    storage.write(results, f"{key}.json", body, "application/json")


def _predict(key: str, body: bytes, predictor: AnyPredictor) -> dict[str, Any]:
    suffixes = SUFFIXES[predictor.manifest.modality]
    content_type = suffixes.get(f".{key.rpartition('.')[2].lower()}")
    if content_type is None:
        raise UnsupportedMedia(f"expected a key that ends in {', '.join(suffixes)}, got {key}")
    result = predictor.predict(native.read_body(body, content_type, predictor))
    telemetry.predicted(result)
    return native.write_document(result, predictor)
