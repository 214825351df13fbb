"""Layers that Keras 3 has under another name, in another form, or not at all."""

from collections.abc import Callable, Mapping
from typing import Any

from pack.models.hard_sigmoid import SLOPE
from pack.models.reading import Config, Reading

_RENAMED = {
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "SyncBatchNormalization": "BatchNormalization",
    "GRUV1": "GRU",
    "GRUV2": "GRU",
    "LSTMV1": "LSTM",
    "LSTMV2": "LSTM",
    "GRUCellV2": "GRUCell",
    "LSTMCellV2": "LSTMCell",
}
# Beside Random…: what changes pictures in training alone. RandomCrop crops the middle ever after.
_AUGMENTING = frozenset(("RandAugment", "AugMix", "CutMix", "MixUp"))
_CHANGING = frozenset(("RandomCrop",))
_CODE = ("module", "function_type", "output_shape_type", "output_shape_module")


def substituted(config: Config, reading: Reading) -> Config:
    """The layer itself, or what computes the same in Keras 3, noted."""
    name = config["class_name"]
    if name in _AUGMENTING or (name.startswith("Random") and name not in _CHANGING):
        return _identity(config, reading)
    if name in _RENAMED:
        reading.note(_name(config), f"{name} made {_RENAMED[name]}")
        return {**config, "class_name": _RENAMED[name]}
    substitute = _SUBSTITUTES.get(name)
    return config if substitute is None else substitute(config, reading)


def function(name: str) -> Config:
    """One of the user's functions, by the name that Keras is given it under."""
    return {
        "module": "builtins",
        "class_name": "function",
        "config": name,
        "registered_name": name,
    }


def _name(config: Config) -> str:
    return str(config["config"].get("name", config["class_name"]))


def _lambda(config: Config, reading: Reading) -> Config:
    """The user's function in place of the code in the file; a shape given as code is inferred."""
    name = _name(config)
    reading.lambda_layers.append(name)
    if name not in reading.code.lambdas:
        return config
    key = f"lambda>{name}"
    reading.objects[key] = reading.code.lambdas[name]
    given = {key: value for key, value in config["config"].items() if key not in _CODE}
    given["function"] = function(key)
    if not _is_shape(given.get("output_shape")):
        given.pop("output_shape", None)
    given.pop("mask", None)
    reading.note(name, "its code replaced by the function that --lambda names")
    return {**config, "config": given}


def _is_shape(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(n, int | None) for n in value)


def _input_layer(config: Config, reading: Reading) -> Config:
    """The input, dense and its first axis free; `batch_input_shape` was Keras 2's word."""
    given, name = dict(config["config"]), _name(config)
    shape = given.pop("batch_input_shape", None) or given.get("batch_shape")
    if given.get("ragged"):
        raise ValueError(f"layer {name}: expected an input of one length, got ragged=True")
    if given.pop("sparse", False):
        reading.note(name, "sparse=True dropped: inputs are dense")
    if shape and shape[0] is not None:
        reading.note(name, f"batches of {shape[0]} made batches of any size")
        shape = [None, *shape[1:]]
    return {**config, "config": {**given, "batch_shape": shape}}


def _gru(config: Config, reading: Reading) -> Config:
    """Until TensorFlow 2 the reset gate came before the product, and configurations say nothing."""
    if reading.version == 3 or "reset_after" in config["config"]:
        return config
    return {**config, "config": {**config["config"], "reset_after": False}}


def _cudnn(config: Config, reading: Reading) -> Config:
    """CuDNNLSTM is LSTM with its default activations, CuDNNGRU such a GRU that resets after."""
    plain = config["class_name"].removeprefix("CuDNN")
    own: Config = {"activation": "tanh", "recurrent_activation": "sigmoid"}
    if plain == "GRU":
        own["reset_after"] = True
    reading.note(_name(config), f"{config['class_name']} made {plain}, its weights laid out anew")
    return {**config, "class_name": plain, "config": {**config["config"], **own}}


def _activation(config: Config, reading: Reading) -> Config:
    if reading.version == 3 or config["config"].get("activation") != "hard_sigmoid":
        return config
    name = _name(config)
    reading.note(name, "Keras 2's hard_sigmoid, 0.2 x + 0.5, made Keras 3's of 1.2 x")
    layers = [
        _native("Rescaling", {"scale": SLOPE, "offset": 0.0, "name": f"{name}_slope"}),
        _native("Activation", {"activation": "hard_sigmoid", "name": f"{name}_activation"}),
    ]
    return {**config, "class_name": "Pipeline", "config": {"layers": layers, "name": name}}


def _thresholded_relu(config: Config, reading: Reading) -> Config:
    name, theta = _name(config), config["config"]["theta"]
    reading.note(name, f"ThresholdedReLU made ReLU(threshold={theta:.6g})")
    return _native("ReLU", {"threshold": float(theta), "name": name})


def _leaky_relu(config: Config, reading: Reading) -> Config:
    given = dict(config["config"])
    if "alpha" not in given:
        return config
    given["negative_slope"] = float(given.pop("alpha"))
    return {**config, "config": given}


def _identity(config: Config, reading: Reading) -> Config:
    """Nothing in place of an augmentation, which Keras's export to ONNX would leave at work."""
    reading.note(_name(config), f"{config['class_name']} dropped, which only training uses")
    kept = {key: config[key] for key in ("shared_object_id",) if key in config}
    return kept | _native("Identity", {"name": _name(config)})


def _native(name: str, given: Config) -> Config:
    return {"module": "keras.layers", "class_name": name, "config": given, "registered_name": None}


_SUBSTITUTES: Mapping[str, Callable[[Config, Reading], Config]] = {
    "Lambda": _lambda,
    "InputLayer": _input_layer,
    "GRU": _gru,
    "GRUCell": _gru,
    "CuDNNGRU": _cudnn,
    "CuDNNLSTM": _cudnn,
    "Activation": _activation,
    "ThresholdedReLU": _thresholded_relu,
    "LeakyReLU": _leaky_relu,
}
