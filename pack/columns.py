"""The columns of a model that takes rows as they are: its inputs' names and types."""

from collections.abc import Mapping
from typing import Any

import keras

from pack.inputs import SINGLE, first_layers, inputs_of
from serving.preprocessing.numeric import Kind

type Columns = dict[str, Kind]

_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("float16", "float32", "float64"), "number"),
    "string": "category",
    "bool": "boolean",
    "int32": "int32",
    "int64": "int64",
}


def columns_of(model: keras.Model, given: Columns | None) -> Columns:
    """Names and kinds of all columns, in the model's order.

    Several inputs are a column each, by their own names. One input has as many as it is wide, by
    the names that are `given`, or x0, x1, ... A number may be `given` as a boolean, which it was in
    the training table.

    Raises ValueError for inputs that are no columns, and for other columns than the model's.
    """
    inputs = inputs_of(model)
    if len(inputs) < 2:
        return _of_one(model, given)
    if any(tuple(each.shape[1:]) not in SINGLE for each in inputs):
        raise ValueError(
            "expected a model of one input, (batch, numbers), or of several of one value each, got"
            f" {_shapes(inputs)}"
        )
    names = [each.name for each in inputs]
    if given is not None and list(given) != names:
        raise ValueError(
            f"--columns: expected the model's inputs in its order, {', '.join(names)}, got"
            f" {', '.join(given)}"
        )
    return {each.name: _kind(each, (given or {}).get(each.name, "number")) for each in inputs}


def indices_of(model: keras.Model, columns: Columns) -> dict[str, int]:
    """How many entries an Embedding has, by the column of whole numbers that goes into it."""
    several = len(inputs_of(model)) > 1
    found = {}
    for place, (name, kind) in enumerate(columns.items()):
        sizes = [
            layer.input_dim
            for layer in first_layers(model, place if several else 0)
            if isinstance(layer, keras.layers.Embedding)
        ]
        if sizes and kind in ("int32", "int64"):
            found[name] = min(sizes)
    return found


def width_of(model: keras.Model) -> int | None:
    """How many values a row has; None if the model leaves it open.

    Raises ValueError for a model of several inputs, or of one that takes no rows.
    """
    inputs = inputs_of(model)
    if not inputs:
        return None
    if len(inputs) > 1 or len(inputs[0].shape) != 2:
        raise ValueError(f"expected a model of one input, (batch, numbers), got {_shapes(inputs)}")
    width: int | None = inputs[0].shape[1]
    return width


def check_width(columns: Mapping[str, Any], found: int, width: int | None) -> None:
    """Raise ValueError unless the model takes as many values as come from the columns."""
    if width not in (None, found):
        raise ValueError(
            f"expected {width} numbers a row, which the model takes, got {found} from the"
            f" columns {', '.join(columns)}"
        )


def _of_one(model: keras.Model, given: Columns | None) -> Columns:
    width = width_of(model)
    if given is None and width is None:
        raise ValueError(
            "expected --transformer or --columns, got neither, and a model that does not say how"
            " many numbers it takes"
        )
    named: Columns = given or {f"x{i}": "number" for i in range(width or 0)}
    check_width(named, len(named), width)
    inputs = inputs_of(model)
    return {name: _kind(inputs[0], kind) if inputs else kind for name, kind in named.items()}


def _kind(described: Any, given: Kind) -> Kind:
    """Of an input's type; a number may be true or false in requests."""
    kind = _KINDS.get(described.dtype)
    if kind is None:
        raise ValueError(
            f"input {described.name}: expected strings, floats, booleans, int32 or int64, got"
            f" {described.dtype}"
        )
    if given == "boolean" and kind == "category":
        raise ValueError(
            f"--columns: expected no boolean for {described.name}, which takes strings"
        )
    return given if given == "boolean" else kind


def _shapes(inputs: Any) -> str:
    return ", ".join(str(tuple(each.shape)) for each in inputs)
