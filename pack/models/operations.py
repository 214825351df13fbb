"""TensorFlow's functions in a Keras 2 model of layers, as Keras 3's own operations.

`x / 127.5` between two layers is a TFOpLambda layer in a file of Keras 2.4 to 2.15, and so is
what `keras.applications` calls preprocess_input; indexing is a SlicingOpLambda.
"""

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import keras

from pack.models.reading import Config, Reading

CLASSES = ("TFOpLambda", "SlicingOpLambda")
_MODULES = ("numpy", "core", "nn", "math", "linalg", "image")


@dataclass(frozen=True)
class Operation:
    """A class of keras.src.ops, with the words of TensorFlow's function for its arguments."""

    path: str  # module and class
    operands: tuple[str, ...] = ()  # what it is called with, after the first
    settings: Mapping[str, str] = field(default_factory=dict)  # TensorFlow's word -> Keras's
    defaults: Mapping[str, Any] = field(default_factory=dict)  # TensorFlow's, where Keras's differ


def operation(layer: Config, calls: list[Config], reading: Reading) -> tuple[Config, list[Config]]:
    """The operation in place of a layer, and its calls.

    Raises ValueError for a function that is none of those below, naming it and the layer.
    """
    name, function = layer["name"], layer["config"]["function"]
    prepare = _PREPARED.get(function)
    if prepare is not None:
        calls = [{**call, "kwargs": prepare(dict(call["kwargs"]), name)} for call in calls]
    known = _FUNCTIONS.get(function)
    if known is None:
        raise ValueError(
            f"layer {name}: expected a TensorFlow function that Keras 3 has as an operation"
            f" ({', '.join(sorted(_FUNCTIONS))}), got {function}; name a layer of yours that calls"
            f" it, --custom-object {layer['class_name']}=module:attribute"
        )
    module, _, cls = known.path.rpartition(".")
    settings = _settings(calls[0]["kwargs"], known, name) if calls else {}
    reading.note(name, f"TensorFlow's {function} made Keras's {cls}")
    written = {
        "module": f"keras.src.ops.{module}",
        "class_name": cls,
        "config": {"name": name, **settings},
        "registered_name": cls,
    }
    return written, [_called(call, known, name) for call in calls]


def with_module(layer: Config) -> Config:
    """A layer of Keras 3's HDF5 files, which leave out where an operation's class is.

    An Add may be a layer or an operation; only layers' arguments have "trainable".
    """
    if "module" in layer or "trainable" in layer["config"] or layer["class_name"] == "InputLayer":
        return layer
    for module in (f"keras.src.ops.{name}" for name in _MODULES):
        found = getattr(importlib.import_module(module), layer["class_name"], None)
        if inspect.isclass(found) and issubclass(found, keras.Operation):
            return {**layer, "module": module, "registered_name": layer["class_name"]}
    return layer


def _settings(given: Config, known: Operation, name: str) -> Config:
    found = {new: given[old] for old, new in known.settings.items() if given.get(old) is not None}
    tensors = [key for key, value in found.items() if _has_tensor(value)]
    if tensors:
        raise ValueError(f"layer {name}: expected a constant {', '.join(tensors)}, got a tensor")
    return {**known.defaults, **found}


def _called(call: Config, known: Operation, name: str) -> Config:
    given = {key: value for key, value in call["kwargs"].items() if value is not None}
    left = set(given) - {*known.operands, *known.settings, "name"}
    missing = set(known.operands) - set(given)
    if left or missing:
        raise ValueError(
            f"layer {name}: expected the arguments {', '.join((*known.operands, *known.settings))},"
            f" got {', '.join(sorted(given))}"
        )
    return {"args": [*call["args"], *(given[key] for key in known.operands)], "kwargs": {}}


def _has_tensor(value: Any) -> bool:
    if isinstance(value, list):
        return any(_has_tensor(each) for each in value)
    return isinstance(value, dict) and value.get("class_name") == "__keras_tensor__"


def _sliced(given: Config, name: str) -> Config:
    return {"key": [_index(each) for each in given["slice_spec"]]}


def _index(each: Any) -> Any:
    if isinstance(each, dict) and "start" in each:
        return {"class_name": "__slice__", "config": each}
    if isinstance(each, dict) and each.get("class_name") == "__ellipsis__":
        return {"class_name": "__ellipsis__", "config": {}}
    return each


def _biased(given: Config, name: str) -> Config:
    if given.pop("data_format", None) not in (None, "NHWC"):
        raise ValueError(f"layer {name}: expected a bias on the last axis, got one on another")
    return {
        "bias": {"class_name": "__numpy__", "config": {"value": given["bias"], "dtype": "float32"}}
    }


def _normalized(given: Config, name: str) -> Config:
    # TensorFlow bounds the sum of squares from below, Keras its root.
    return {**given, "epsilon": (given.get("epsilon") or 1e-12) ** 0.5}


_REDUCTION = {"axis": "axis", "keepdims": "keepdims"}
_FUNCTIONS: Mapping[str, Operation] = {
    **dict.fromkeys(("math.add", "__operators__.add"), Operation("numpy.Add", ("y",))),
    "math.subtract": Operation("numpy.Subtract", ("y",)),
    "math.multiply": Operation("numpy.Multiply", ("y",)),
    **dict.fromkeys(("math.truediv", "math.divide"), Operation("numpy.TrueDivide", ("y",))),
    "math.maximum": Operation("numpy.Maximum", ("y",)),
    "math.minimum": Operation("numpy.Minimum", ("y",)),
    "math.pow": Operation("numpy.Power", ("y",)),
    "linalg.matmul": Operation("numpy.Matmul", ("b",)),
    "nn.bias_add": Operation("numpy.Add", ("bias",)),
    "__operators__.getitem": Operation("numpy.GetItem", ("key",)),
    "math.reduce_mean": Operation("numpy.Mean", settings=_REDUCTION),
    "math.reduce_sum": Operation("numpy.Sum", settings=_REDUCTION),
    "math.reduce_max": Operation("numpy.Max", settings=_REDUCTION),
    "math.reduce_min": Operation("numpy.Min", settings=_REDUCTION),
    "concat": Operation("numpy.Concatenate", settings={"axis": "axis"}),
    "stack": Operation("numpy.Stack", settings={"axis": "axis"}),
    "expand_dims": Operation("numpy.ExpandDims", settings={"axis": "axis"}),
    **dict.fromkeys(
        ("squeeze", "compat.v1.squeeze"), Operation("numpy.Squeeze", settings={"axis": "axis"})
    ),
    "reshape": Operation("numpy.Reshape", settings={"shape": "newshape"}),
    **dict.fromkeys(
        ("transpose", "compat.v1.transpose"),
        Operation("numpy.Transpose", settings={"perm": "axes"}),
    ),
    "cast": Operation("core.Cast", settings={"dtype": "dtype"}),
    "clip_by_value": Operation(
        "numpy.Clip", settings={"clip_value_min": "x_min", "clip_value_max": "x_max"}
    ),
    "math.exp": Operation("numpy.Exp"),
    "math.log": Operation("numpy.Log"),
    "math.sqrt": Operation("numpy.Sqrt"),
    "math.square": Operation("numpy.Square"),
    "math.abs": Operation("numpy.Absolute"),
    "math.negative": Operation("numpy.Negative"),
    "math.rsqrt": Operation("math.Rsqrt"),
    **dict.fromkeys(("math.tanh", "nn.tanh"), Operation("numpy.Tanh")),
    **dict.fromkeys(("math.sigmoid", "nn.sigmoid"), Operation("nn.Sigmoid")),
    "nn.relu": Operation("nn.Relu"),
    "nn.relu6": Operation("nn.Relu6"),
    "nn.elu": Operation("nn.Elu"),
    **dict.fromkeys(("nn.silu", "nn.swish"), Operation("nn.Silu")),
    **dict.fromkeys(("math.softplus", "nn.softplus"), Operation("nn.Softplus")),
    "nn.gelu": Operation(
        "nn.Gelu", settings={"approximate": "approximate"}, defaults={"approximate": False}
    ),
    "nn.leaky_relu": Operation("nn.LeakyRelu", settings={"alpha": "negative_slope"}),
    "nn.softmax": Operation("nn.Softmax", settings={"axis": "axis"}),
    "math.l2_normalize": Operation("nn.Normalize", settings={"axis": "axis", "epsilon": "epsilon"}),
    "image.resize": Operation(
        "image.Resize",
        settings={"size": "size", "method": "interpolation", "antialias": "antialias"},
        defaults={"data_format": "channels_last"},
    ),
}
_PREPARED = {
    "__operators__.getitem": _sliced,
    "nn.bias_add": _biased,
    "math.l2_normalize": _normalized,
}
