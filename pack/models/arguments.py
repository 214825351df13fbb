"""One layer's class and arguments as Keras 3 takes them."""

import inspect
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

import keras

from pack.models import substitutes
from pack.models.reading import Config, Reading, short

_TRAINING = ("_initializer", "_regularizer", "_constraint")
_ACTIVATIONS = ("activation", "recurrent_activation")
# Arguments that Keras 3's layers have no more, with the values that say what they do anyway.
_NEEDLESS: Mapping[str, tuple[Any, ...]] = {
    "groups": (1,),
    **dict.fromkeys(("time_major", "renorm", "causal", "softmax_robust_masking"), (False,)),
    **dict.fromkeys(("sparse", "ragged", "stateful", "unroll"), (False,)),
}
# Those that only building, training or speed asked for, whatever their value.
_IDLE = frozenset(
    {
        *("query_shape", "key_shape", "value_shape", "fused", "renorm_clipping", "renorm_momentum"),
        *("rng_type", "seed", "trainable", "activity_regularizer"),
    }
)
# Those that constructors take beside the ones they name.
_UNNAMED = frozenset({"rms_scaling", "vocabulary_size", "has_input_vocabulary"})
# And those that are left out without a word, since Keras 3 takes them and does nothing, or since
# they are the shape that the model's input layer has.
_SILENT = frozenset({"implementation", "input_length", "input_dtype", "batch_input_shape"})


def is_keras(config: Config, reading: Reading) -> bool:
    """Whether the layer is Keras's own, not the user's."""
    named = reading.named(config.get("registered_name"), config["class_name"])
    return named is None and _layer_class(config["class_name"]) is not None


def modern_layer(config: Config, reading: Reading) -> Config:
    """The layer with its class's present name and arguments, each change noted.

    Raises ValueError for an argument that would change what the layer computes.
    """
    if _is_native_operation(config):
        return config
    if reading.named(config.get("registered_name"), config["class_name"]) is not None:
        return custom(config, reading)
    config = substitutes.substituted(config, reading)
    layer = _layer_class(config["class_name"])
    if layer is None:
        return custom(config, reading)
    return {
        "module": "keras.layers",
        "registered_name": None,
        **(config if reading.version == 3 else {}),
        "class_name": layer.__name__,
        "config": _accepted_only(config, layer, reading),
    }


def input_layer(name: str, shape: list[int | None], dtype: Any, reading: Reading) -> Config:
    """The input layer of a batch shape, its first axis free."""
    if shape[0] is not None:
        reading.note(name, f"batches of {shape[0]} made batches of any size")
    return {
        "module": "keras.layers",
        "class_name": "InputLayer",
        "config": {"batch_shape": [None, *shape[1:]], "dtype": dtype, "name": name},
        "registered_name": None,
    }


def name_of(config: Config) -> str:
    """A layer's name, or its class's if it was never given one."""
    inner = config.get("config")
    name = inner.get("name") if isinstance(inner, dict) else None
    return str(name or config.get("name") or config["class_name"])


def _is_native_operation(config: Config) -> bool:
    """Whether this is one of Keras 3's operations in a functional model, which are no layers.

    Or one of the layers that its FeatureSpace makes, which have no public name.
    """
    module = config.get("module") or ""
    if module == "keras.src.layers.preprocessing.feature_space":
        return True
    return module.startswith("keras.src.") and not module.startswith("keras.src.layers")


def _layer_class(name: str) -> Any:
    found = getattr(keras.layers, name, None)
    return found if inspect.isclass(found) and issubclass(found, keras.layers.Layer) else None


def _accepted_only(config: Config, layer: Any, reading: Reading) -> Config:
    name, given = name_of(config), dict(config["config"])
    _policy(given, name, reading)
    _activations(given, name, reading)
    if layer is keras.layers.TextVectorization:
        _own_ways(given, name)
    for key in [key for key in given if key.endswith(_TRAINING)]:
        _training_only(given, key, name, reading)
    axis = given.get("axis")
    if layer.__name__ == "BatchNormalization" and isinstance(axis, list):
        given["axis"] = axis[0]
    if given.get("stateful") and "stateful" in _accepted(layer):
        given["stateful"] = False
        reading.note(name, "stateful=True dropped: each request begins with a fresh state")
    for key in [key for key in given if key not in _accepted(layer)]:
        _drop(given, key, name, reading)
    return given


@cache
def _accepted(layer: Any) -> Collection[str]:
    """The arguments that a class's constructors take by name."""
    names = set(_UNNAMED)
    for each in layer.__mro__:
        if "__init__" not in vars(each):
            continue
        parameters = inspect.signature(vars(each)["__init__"]).parameters.values()
        names.update(p.name for p in parameters if p.kind is not p.VAR_KEYWORD)
        if all(p.kind is not p.VAR_KEYWORD for p in parameters):
            break
    return names


def _drop(given: Config, key: str, name: str, reading: Reading) -> None:
    value = given.pop(key)
    if key in _SILENT:
        return
    known = value is None or value in _NEEDLESS.get(key, (False,))
    if not (known or key in _IDLE or key.endswith(_TRAINING)):
        raise ValueError(
            f"layer {name}: expected an argument of Keras {keras.__version__}, got {key}={value!r}"
        )
    shown = f"={value}" if isinstance(value, bool | int | str) else ""
    reading.note(name, f"{key}{shown} dropped, which Keras 3 does not take")


def _policy(given: Config, name: str, reading: Reading) -> None:
    """A dtype policy of Keras 2 by its name, which is all there is to it."""
    policy = given.get("dtype")
    if not isinstance(policy, dict) or policy.get("module") == "keras":
        return
    given["dtype"] = (policy.get("config") or {}).get("name")
    reading.note(name, f"{policy['class_name']} of dtypes made {given['dtype']!r}")


def _activations(given: Config, name: str, reading: Reading) -> None:
    for key in (key for key in _ACTIVATIONS if given.get(key) is not None):
        function = given[key]
        if isinstance(function, dict) and function.get("class_name") == "function":
            function = function.get("config")
        if not isinstance(function, str):
            continue
        named = reading.named(function)
        if named is not None:
            reading.objects[function] = named
            given[key] = substitutes.function(function)
        elif not hasattr(keras.activations, function):
            reading.unknown.setdefault(function, []).append(name)


def _own_ways(given: Config, name: str) -> None:
    for key in (key for key in ("standardize", "split") if isinstance(given.get(key), dict)):
        function = given[key].get("config")
        raise ValueError(
            f"layer {name}: expected one of TextVectorization's own ways for {key}, got {function}:"
            " that is Python code, which a bundle does not hold"
        )


def _training_only(given: Config, key: str, name: str, reading: Reading) -> None:
    """Drop an initialiser, regulariser or constraint that Keras 3 cannot make from its words."""
    get = {
        "_initializer": keras.initializers.get,
        "_regularizer": keras.regularizers.get,
        "_constraint": keras.constraints.get,
    }["_" + key.rpartition("_")[2]]
    value = given[key]
    kind = value.get("class_name") if isinstance(value, dict) else value
    try:
        if kind == "__lambda__":
            raise ValueError("code")
        get(value)
    except (TypeError, ValueError, AttributeError):
        del given[key]
        reading.note(name, f"{key} {kind} dropped, which only training uses")


def custom(config: Config, reading: Reading) -> Config:
    """A layer or model of the user's own, to be made by the code that was named for it."""
    registered = config.get("registered_name") or config["class_name"]
    named = reading.named(config.get("registered_name"), config["class_name"])
    if named is None:
        reading.unknown.setdefault(registered, []).append(name_of(config))
        return config
    reading.objects[registered] = named
    given = dict(config["config"])
    if reading.version < 3:
        _policy(given, name_of(config), reading)
        given.pop("batch_input_shape", None)
    native = config if reading.version == 3 else {}
    return {
        **native,
        "module": None,
        "class_name": short(config["class_name"]),
        "config": given,
        "registered_name": registered,
    }
