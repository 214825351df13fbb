"""An API Gateway event as each peer's HTTP request, and the peer's answer as a function's.

A picture goes to every peer as base64 in JSON, as a function gets it from API Gateway: LitServe
takes no raw bodies, and the batch of pictures has no other form.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local import payloads


@dataclass(frozen=True)
class Protocol:
    """A path, and the JSON that goes there and comes back."""

    path: str
    encode: Callable[[Sequence[Any]], Any]
    decode: Callable[[Any], Any]


def instances(event: Mapping[str, Any]) -> Sequence[Any]:
    """The instances of a REST event: one picture or text as the body, or many in JSON."""
    body = payloads.body(event)
    headers = {name.lower(): value for name, value in event["headers"].items()}
    kind = headers.get("content-type", "")
    if kind.startswith("image/"):
        return [{"b64": base64.b64encode(body).decode()}]
    if kind.startswith("text/plain"):
        return [body.decode()]
    found: Sequence[Any] = json.loads(body)["instances"]
    return found


def native(name: str) -> Protocol:
    """How this peer is talked to."""
    return _V2 if name == "MLServer" else _INSTANCES


def _tensors(batch: Sequence[Any]) -> Any:
    """A batch in the V2 inference protocol: a tensor, or one for each column of a row."""
    if isinstance(batch[0], str):
        return {"inputs": [_bytes("texts", "str", batch)]}
    if set(batch[0]) == {"b64"}:
        pictures = [instance["b64"] for instance in batch]
        return {"inputs": [_bytes("pictures", "base64", pictures)]}
    columns = [_column(name, [row[name] for row in batch]) for name in batch[0]]
    return {"inputs": columns, "parameters": {"content_type": "pd"}}


def _bytes(name: str, codec: str, values: Sequence[Any]) -> Any:
    parameters = {"content_type": codec}
    tensor = {"name": name, "datatype": "BYTES", "shape": [len(values), 1], "data": values}
    return {**tensor, "parameters": parameters}


def _column(name: str, values: Sequence[Any]) -> Any:
    if any(isinstance(value, str) for value in values):
        return _bytes(name, "str", values)
    return {"name": name, "datatype": "FP64", "shape": [len(values), 1], "data": values}


def _predictions(answer: Any) -> Any:
    outputs = {output["name"]: output["data"] for output in answer["outputs"]}
    pairs = zip(outputs["label"], outputs["score"], strict=True)
    return [{"label": label, "score": score} for label, score in pairs]


_INSTANCES = Protocol(
    "/predict", lambda batch: {"instances": batch}, lambda answer: answer["predictions"]
)
_V2 = Protocol("/v2/models/keras/infer", _tensors, _predictions)
