"""Files of one answer: a picture, a text, a JSON document."""

from typing import Any

from serving import native, storage, telemetry
from serving.errors import InputTooLarge, UnsupportedMedia
from serving.predictor import AnyPredictor
from serving.uploads import kinds
from serving.uploads.answers import Stamp


def predict_document(stamp: Stamp, predictor: AnyPredictor) -> dict[str, Any]:
    """The answer to an object, as the API answers the same bytes, and what it answers.

    Raises InvalidInput's kinds for what cannot be predicted, and Changed if the object has.
    """
    modality, most = predictor.manifest.modality, predictor.manifest.limits.max_bytes
    content_type = kinds.content_type(stamp.source.key, modality)
    if content_type is None:
        suffixes = ", ".join((*kinds.DOCUMENTS[modality], *kinds.ROWS[modality]))
        raise UnsupportedMedia(f"expected a key that ends in {suffixes}, got {stamp.source.key}")
    if stamp.stored.size > most:
        raise InputTooLarge(f"expected an object of at most {most} bytes, got {stamp.stored.size}")
    body = storage.read(stamp.source, stamp.stored)
    result = predictor.predict(native.read_body(body, content_type, predictor))
    telemetry.predicted(result)
    return {"source": stamp.describe(), **native.write_document(result, predictor)}
