"""The native wire format: request bodies to instances, predictions to a JSON document.

image     picture bytes, multipart/form-data, {"instances": [{"b64": "..."}]}
text      text/plain, {"instances": ["..."]}
numeric   text/csv with a header, {"instances": [[...]]}, {"instances": [{"feature": ...}]}
"""

import base64
import binascii
import codecs
import io
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from serving.errors import (
    InputTooLarge,
    MalformedInput,
    UnfitInput,
    UnsupportedMedia,
    describe,
    shorten,
)
from serving.predictor import AnyPredictor, Predicted
from serving.tables import read_csv

type Instances = list[Any]
type Reader = Callable[[bytes, Mapping[str, str], AnyPredictor], Instances]


def read_body(body: bytes, content_type: str, predictor: AnyPredictor) -> Instances:
    """Instances of a request body or an uploaded file.

    Raises InputTooLarge, UnsupportedMedia, MalformedInput, or UnfitInput for well-formed JSON of
    another shape.
    """
    if len(body) > predictor.manifest.limits.max_bytes:
        raise InputTooLarge(
            f"expected at most {predictor.manifest.limits.max_bytes} bytes, got {len(body)}"
        )
    readers = _READERS[predictor.manifest.modality]
    media_type, parameters = _parse_content_type(content_type)
    reader = readers.get(media_type)
    if reader is None:
        raise UnsupportedMedia(
            f"expected a Content-Type of {', '.join(readers)}, got {shorten(media_type) or 'none'}"
        )
    if not body:
        raise MalformedInput(f"expected a body of {media_type}, got an empty one")
    return reader(body, parameters, predictor)


def read_document(document: Any, predictor: AnyPredictor) -> Instances:
    """Instances of a parsed `{"instances": [...]}`; raise UnfitInput for another shape."""
    if not isinstance(document, dict) or document.keys() != {"instances"}:
        found = describe(document)
        if isinstance(document, dict):
            found += (
                f" with {shorten(', '.join(map(repr, document)))}" if document else " with none"
            )
        raise UnfitInput(f'expected an object with "instances" alone, got {found}')
    instances = document["instances"]
    if not isinstance(instances, list):
        raise UnfitInput(f'expected "instances" to be a list, got {describe(instances)}')
    if predictor.manifest.modality == "image":
        return [_unwrap_picture(index, instance) for index, instance in enumerate(instances)]
    return instances


def media_types(modality: str) -> list[str]:
    """What `read_body` reads for a modality."""
    return list(_READERS[modality])


def write_document(predicted: Predicted, predictor: AnyPredictor) -> dict[str, Any]:
    """The response: which model answered, and its predictions in the order of the instances."""
    return {"model": identify(predictor), "predictions": predicted.predictions}


def identify(predictor: AnyPredictor) -> dict[str, str]:
    """Name, version and engine of the model."""
    manifest = predictor.manifest
    return {"name": manifest.name, "version": manifest.version, "engine": manifest.engine}


def describe_model(predictor: AnyPredictor) -> dict[str, Any]:
    """What a caller can learn of the model: what it takes, what it gives, how good it is."""
    manifest = predictor.manifest
    takes: dict[str, Any] = {"content_types": media_types(manifest.modality)}
    if predictor.features:
        takes["features"] = predictor.features
    return {
        "model": identify(predictor),
        "modality": manifest.modality,
        "outputs": [
            {"name": output.name, "task": output.task, "labels": output.labels}
            for output in manifest.outputs
        ],
        "input": takes,
        "limits": {
            "max_bytes": manifest.limits.max_bytes,
            "max_instances": manifest.limits.max_instances,
        },
        "metrics": manifest.metrics,
        "provenance": manifest.provenance,
    }


def _parse_content_type(content_type: str) -> tuple[str, Mapping[str, str]]:
    if ";" not in content_type:
        return content_type.strip().lower(), {}
    import multipart  # here, because most requests have no parameter to parse

    media_type, parameters = multipart.parse_options_header(content_type)
    return media_type.strip().lower(), parameters


def _unwrap_picture(index: int, instance: Any) -> bytes:
    if not isinstance(instance, dict) or not isinstance(instance.get("b64"), str):
        raise UnfitInput(f'instance {index}: expected {{"b64": "..."}}, got {describe(instance)}')
    try:
        return base64.b64decode(instance["b64"], validate=True)
    except (binascii.Error, ValueError) as exc:
        raise MalformedInput(f"instance {index}: expected base64, got {exc}") from exc


def _read_json(body: bytes, parameters: Mapping[str, str], predictor: AnyPredictor) -> Instances:
    _demand_utf8(parameters)
    try:
        document = orjson.loads(body.removeprefix(codecs.BOM_UTF8))
    except orjson.JSONDecodeError as exc:
        raise MalformedInput(f"expected JSON, got what does not parse: {exc}") from exc
    return read_document(document, predictor)


def _read_bytes(body: bytes, _: Mapping[str, str], __: AnyPredictor) -> Instances:
    return [body]


def _read_multipart(
    body: bytes, parameters: Mapping[str, str], predictor: AnyPredictor
) -> Instances:
    import multipart

    boundary = parameters.get("boundary")
    if not boundary:
        raise MalformedInput("expected multipart/form-data with a boundary, got none")
    size = len(body)
    try:
        parts = list(
            multipart.MultipartParser(
                io.BytesIO(body), boundary, spool_limit=size, memory_limit=size, strict=True
            )
        )
    except multipart.ParserLimitReached as exc:
        raise InputTooLarge("expected fewer parts in the form, got more than are read") from exc
    except multipart.MultipartError as exc:
        raise MalformedInput("expected multipart/form-data, got what does not parse") from exc
    pictures = [part.raw for part in parts if part.filename]
    if not pictures:
        raise UnfitInput(f"expected at least 1 file in the form, got {len(parts)} other fields")
    return pictures


def _read_text(body: bytes, parameters: Mapping[str, str], _: AnyPredictor) -> Instances:
    """One document, its line ends as Python's `open` gives them to whoever trains on a file."""
    return [_decode(body, parameters).replace("\r\n", "\n").replace("\r", "\n")]


def _demand_utf8(parameters: Mapping[str, str]) -> None:
    charset = parameters.get("charset", "utf-8").lower()
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMedia(f"expected charset utf-8, got {shorten(charset)}")


def _decode(body: bytes, parameters: Mapping[str, str]) -> str:
    _demand_utf8(parameters)
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise MalformedInput(
            f"expected UTF-8, got byte 0x{body[exc.start]:02x} at position {exc.start}"
        ) from exc


def _read_csv(body: bytes, parameters: Mapping[str, str], predictor: AnyPredictor) -> Instances:
    most = predictor.manifest.limits.max_instances
    return list(read_csv(_decode(body, parameters), predictor.features, most))


_READERS: dict[str, dict[str, Reader]] = {
    "image": {
        **dict.fromkeys(
            ("image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp", "image/tiff"),
            _read_bytes,
        ),
        "application/octet-stream": _read_bytes,
        "multipart/form-data": _read_multipart,
        "application/json": _read_json,
    },
    "text": {"text/plain": _read_text, "application/json": _read_json},
    "numeric": {"text/csv": _read_csv, "application/json": _read_json},
}
