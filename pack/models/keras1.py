"""Keras 1's layers and arguments by the names that they have had since Keras 2.

The names are those that Keras 2's own reader of old files used (keras/legacy/interfaces.py). What
only training used (initialisers, regularisers, constraints, dropout within cells) is left out.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pack.models.reading import Config, Reading

_ORDERINGS = {"tf": "channels_last", "th": "channels_first"}
_MERGES = {
    "sum": "Add",
    "mul": "Multiply",
    "ave": "Average",
    "max": "Maximum",
    "concat": "Concatenate",
    "dot": "Dot",
}
_POOLING_1D = {"pool_length": "pool_size", "stride": "strides", "border_mode": "padding"}
_POOLING_2D = {"pool_size": "pool_size", "strides": "strides", "border_mode": "padding"}
_CONVOLUTION = {"nb_filter": "filters", "border_mode": "padding", "activation": "activation"}
_DENSE = {"output_dim": "units", "activation": "activation", "bias": "use_bias"}
_RECURRENT = {
    "output_dim": "units",
    "activation": "activation",
    "inner_activation": "recurrent_activation",
    **{name: name for name in ("return_sequences", "go_backwards", "stateful", "unroll")},
}
_DROPOUT = {"p": "rate"}
_SAME: Mapping[str, tuple[str, ...]] = {
    "Activation": ("activation",),
    "Flatten": (),
    "Masking": ("mask_value",),
    "Reshape": ("target_shape",),
    "Permute": ("dims",),
    "RepeatVector": ("n",),
    "LeakyReLU": ("alpha",),
    "ELU": ("alpha",),
    "ThresholdedReLU": ("theta",),
    "PReLU": (),
    "GlobalMaxPooling1D": (),
    "GlobalAveragePooling1D": (),
    "ZeroPadding1D": ("padding",),
    "ZeroPadding2D": ("padding",),
    "Cropping2D": ("cropping",),
    "GlobalMaxPooling2D": (),
    "GlobalAveragePooling2D": (),
    "Bidirectional": ("layer", "merge_mode"),
    "TimeDistributed": ("layer",),
    "Lambda": ("function", "function_type", "output_shape", "arguments"),
    "InputLayer": ("sparse",),
}
# Class -> its class since Keras 2, and the arguments by both names.
_RENAMED: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "Dense": ("Dense", _DENSE),
    "TimeDistributedDense": ("Dense", _DENSE),
    "Dropout": ("Dropout", _DROPOUT),
    "SpatialDropout1D": ("SpatialDropout1D", _DROPOUT),
    "SpatialDropout2D": ("SpatialDropout2D", _DROPOUT),
    "GaussianDropout": ("GaussianDropout", _DROPOUT),
    "GaussianNoise": ("GaussianNoise", {"sigma": "stddev"}),
    "Embedding": (
        "Embedding",
        {name: name for name in ("input_dim", "output_dim", "mask_zero")},
    ),
    "BatchNormalization": (
        "BatchNormalization",
        {name: name for name in ("epsilon", "axis", "momentum")},
    ),
    "Convolution1D": (
        "Conv1D",
        {
            **_CONVOLUTION,
            "filter_length": "kernel_size",
            "subsample_length": "strides",
            "bias": "use_bias",
        },
    ),
    "Convolution2D": ("Conv2D", {**_CONVOLUTION, "subsample": "strides", "bias": "use_bias"}),
    "AtrousConvolution2D": (
        "Conv2D",
        {
            **_CONVOLUTION,
            "subsample": "strides",
            "atrous_rate": "dilation_rate",
            "bias": "use_bias",
        },
    ),
    "MaxPooling1D": ("MaxPooling1D", _POOLING_1D),
    "AveragePooling1D": ("AveragePooling1D", _POOLING_1D),
    "MaxPooling2D": ("MaxPooling2D", _POOLING_2D),
    "AveragePooling2D": ("AveragePooling2D", _POOLING_2D),
    "UpSampling1D": ("UpSampling1D", {"length": "size"}),
    "UpSampling2D": ("UpSampling2D", {"size": "size"}),
    "SimpleRNN": ("SimpleRNN", _RECURRENT),
    "GRU": ("GRU", _RECURRENT),
    "LSTM": ("LSTM", _RECURRENT),
    **{name: (name, {each: each for each in names}) for name, names in _SAME.items()},
}


def translated(config: Config, reading: Reading) -> Config:
    """A Keras 1 model's configuration in Keras 2's words.

    Raises ValueError for a layer that is not among those above, naming it.
    """
    ordering = "th" if '"th"' in _orderings(config) else "tf"
    return _layer(config, ordering, reading)


def _orderings(value: Any) -> str:
    """All of the model's dim_ordering, which padding layers leave to the others."""
    if isinstance(value, dict):
        own = f'"{value["dim_ordering"]}"' if "dim_ordering" in value else ""
        return own + "".join(_orderings(each) for each in value.values())
    return "".join(_orderings(each) for each in value) if isinstance(value, list) else ""


def _layer(config: Config, ordering: str, reading: Reading) -> Config:
    inner, name = config["config"], config["class_name"]
    if isinstance(inner, list):
        return {**config, "config": [_layer(each, ordering, reading) for each in inner]}
    if "layers" in inner and name in ("Model", "Sequential"):
        layers = [_layer(each, ordering, reading) for each in inner["layers"]]
        return {**config, "config": {**inner, "layers": layers}}
    if reading.named(name) is not None:
        return config
    label = inner.get("name", name)
    if name == "Merge":
        return _merge(config, label, reading)
    if name not in _RENAMED:
        raise ValueError(
            f"layer {label}: expected a layer of Keras 1 that is known, under any name, to Keras 3,"
            f" got {name}: name your own in its place, --custom-object {name}=module:attribute"
        )
    new_name, words = _RENAMED[name]
    given = {new: inner[old] for old, new in words.items() if old in inner}
    for key in ("name", "trainable", "batch_input_shape"):
        if key in inner:
            given[key] = inner[key]
    adjust = _ADJUSTED.get(new_name)
    if adjust is not None:
        adjust(given, inner, inner.get("dim_ordering", ordering))
    if "layer" in given:
        given["layer"] = _layer(given["layer"], ordering, reading)
    if name != new_name or any(old != new for old, new in words.items()):
        reading.note(label, f"Keras 1's {name} written as {new_name} is since Keras 2")
    return {**config, "class_name": new_name, "config": given}


def _merge(config: Config, label: str, reading: Reading) -> Config:
    inner = config["config"]
    mode = inner.get("mode")
    if mode not in _MERGES or "layers" in inner:
        raise ValueError(
            f"layer {label}: expected a Merge of {', '.join(_MERGES)} in a functional model, got"
            f" mode {mode!r}{' within a Sequential' if 'layers' in inner else ''}"
        )
    given = {"name": inner["name"]}
    if mode == "concat":
        given["axis"] = inner["concat_axis"]
    if mode == "dot":
        given["axes"] = inner["dot_axes"]
    reading.note(label, f"Keras 1's Merge written as {_MERGES[mode]}")
    return {**config, "class_name": _MERGES[mode], "config": given}


def _convolution(given: Config, inner: Config, ordering: str) -> None:
    if "nb_row" in inner:
        given["kernel_size"] = [inner["nb_row"], inner["nb_col"]]
        given["data_format"] = _ORDERINGS[ordering]


def _data_format(given: Config, inner: Config, ordering: str) -> None:
    given["data_format"] = _ORDERINGS[ordering]


def _batch_normalization(given: Config, inner: Config, ordering: str) -> None:
    if inner.get("mode", 0) != 0:
        raise ValueError(
            f"layer {inner['name']}: expected a BatchNormalization of mode 0,"
            f" got mode {inner['mode']}, which Keras has no more"
        )


def _flatten(given: Config, inner: Config, ordering: str) -> None:
    given["data_format"] = "channels_last"  # whatever the order of the axes, it kept it


_ADJUSTED: Mapping[str, Callable[[Config, Config, str], None]] = {
    "Conv1D": _convolution,
    "Conv2D": _convolution,
    "BatchNormalization": _batch_normalization,
    "Flatten": _flatten,
    **dict.fromkeys(
        (
            *("MaxPooling2D", "AveragePooling2D", "UpSampling2D", "ZeroPadding2D", "Cropping2D"),
            *("GlobalMaxPooling2D", "GlobalAveragePooling2D", "SpatialDropout2D"),
        ),
        _data_format,
    ),
}
