"""Any Keras model's configuration, written as Keras 3 writes it: models, nodes and layers.

Keras 3.15 loads few models of Keras 1 and 2 as they are. It refuses arguments that its layers have
no more, layers without "module", recurrent cells inside wrappers, a Sequential as a list, and
nested models; so all of a configuration is written anew here, and then loaded as a native one.
"""

from pathlib import Path
from typing import Any

import keras

from pack.models import arguments, keras1, nodes, operations
from pack.models.reading import Config, Reading

FUNCTIONAL = ("Functional", "Model", "Network")
REFUSALS = (ValueError, TypeError, KeyError, AttributeError, NotImplementedError, RuntimeError)
_NESTED = ("layer", "backward_layer", "cell", "activation")  # where a layer holds another
_NESTED_LISTS = ("cells", "layers")


def modern(config: Config, reading: Reading) -> Config:
    """The configuration of a whole model as Keras 3 has it; the original is left as it is.

    Raises ValueError for what has no equal in Keras 3, naming the layer.
    """
    try:
        plain: Config = _plain(config, reading)
        if reading.version == 1:
            plain = keras1.translated(plain, reading)
        return _layer({**plain, "compile_config": None}, reading)
    except (KeyError, TypeError, IndexError, AttributeError) as exc:
        raise ValueError(
            f"expected a configuration as Keras writes them, got {exc!r} in it"
        ) from exc


def _plain(value: Any, reading: Reading) -> Any:
    """A copy in which what Keras 2 marked as tuples and shapes are lists, and names have no /."""
    if isinstance(value, dict):
        if value.get("class_name") in ("__tuple__", "TensorShape") and "items" in value:
            return [_plain(each, reading) for each in value["items"]]
        copy = {key: _plain(each, reading) for key, each in value.items()}
        if reading.version < 3 and "/" in str(copy.get("name", "")):
            copy["name"] = copy["name"].replace("/", "_")
            reading.note(copy["name"], "/ in its name made _, which Keras 3 does not take")
        return copy
    if nodes.is_reference(value) and reading.version < 3:
        return [value[0].replace("/", "_"), *(_plain(each, reading) for each in value[1:])]
    if isinstance(value, list):
        return [_plain(each, reading) for each in value]
    return value


def _layer(config: Config, reading: Reading) -> Config:
    inner = config.get("config")
    if isinstance(inner, dict) and "input_layers" in inner:
        return _functional(config, reading)
    if config["class_name"] == "Sequential" and reading.named("Sequential") is None:
        return _sequential(config, reading)
    if arguments.is_keras(config, reading):
        config = {**config, "config": _with_nested(inner or {}, reading)}
    return arguments.modern_layer(config, reading)


def _with_nested(inner: Config, reading: Reading) -> Config:
    """A layer's arguments, the layers among them written anew."""
    found = dict(inner)
    for key in (key for key in _NESTED if _is_layer(found.get(key))):
        found[key] = _layer(found[key], reading)
    for key in (key for key in _NESTED_LISTS if isinstance(found.get(key), list)):
        found[key] = [_layer(each, reading) if _is_layer(each) else each for each in found[key]]
    return found


def _is_layer(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and not str(value.get("class_name", "__")).startswith("__")  # __numpy__ and the like
        and isinstance(value.get("config"), dict | list)
    )


def _sequential(config: Config, reading: Reading) -> Config:
    inner = config["config"]
    if isinstance(inner, list):  # until Keras 2.2.2
        inner = {"name": config.get("name", "sequential"), "layers": inner}
    layers = inner["layers"]
    shape = _batch_shape(layers[0]) if layers else None
    written = [_layer(each, reading) for each in layers]
    if shape is not None and layers[0]["class_name"] != "InputLayer":
        written.insert(0, _input_layer(layers[0], shape, reading))
    kept = {key: inner[key] for key in ("name", "trainable", "build_input_shape") if key in inner}
    return {
        **_kept(config, reading),
        "module": "keras",
        "class_name": "Sequential",
        "config": {**kept, "layers": written},
        "registered_name": None,
    }


def _batch_shape(layer: Config) -> list[int | None] | None:
    """What a Sequential's first layer tells of its inputs, or what a model in its place takes."""
    inner = layer["config"]
    if isinstance(inner, list):
        return _batch_shape(inner[0]) if inner else None
    for key in ("batch_input_shape", "batch_shape"):
        if inner.get(key) is not None:
            return list(inner[key])
    first = inner.get("layer") or next(iter(inner.get("layers") or []), None)
    if first is None or "input_layers" in inner or not _is_layer(first):
        return None
    return _batch_shape(first)


def _input_layer(first: Config, shape: list[int | None], reading: Reading) -> Config:
    name = first["config"]["name"] if isinstance(first["config"], dict) else first["class_name"]
    dtype = "int32" if first["class_name"] == "Embedding" else "float32"
    reading.note(name, f"batch_input_shape={shape} made an input layer")
    return arguments.input_layer(f"{name}_input", shape, dtype, reading)


def _functional(config: Config, reading: Reading) -> Config:
    inner = config["config"]
    models = {each["name"]: each["class_name"] for each in inner["layers"] if _is_model(each)}
    written = dict(inner) if reading.version == 3 else _essential(inner)
    written["layers"] = [_node_layer(each, models, reading) for each in inner["layers"]]
    if reading.version < 3:
        written["input_layers"] = nodes.ends(inner["input_layers"], models)
        written["output_layers"] = nodes.ends(inner["output_layers"], models)
    config = {**_kept(config, reading), "class_name": config["class_name"], "config": written}
    if config["class_name"] not in FUNCTIONAL:
        return arguments.custom(config, reading)  # the user's own, made of layers like any other
    own = {"module": "keras.src.models.functional", "registered_name": "Functional"}
    return {**config, **own, "class_name": "Functional"}


def _essential(inner: Config) -> Config:
    return {key: inner[key] for key in ("name", "trainable") if key in inner}


def _is_model(layer: Config) -> bool:
    inner = layer["config"]
    return layer["class_name"] == "Sequential" or (
        isinstance(inner, dict) and "input_layers" in inner
    )


def _node_layer(layer: Config, models: nodes.Models, reading: Reading) -> Config:
    """A layer of a functional model, with the nodes that call it."""
    calls = [nodes.call(each, models) for each in layer.get("inbound_nodes") or []]
    if layer["class_name"] in operations.CLASSES and reading.named(layer["class_name"]) is None:
        written, calls = operations.operation(layer, calls, reading)
    else:
        written = _layer(operations.with_module(layer) if reading.version == 3 else layer, reading)
    return {**written, "name": layer["name"], "inbound_nodes": calls}


def _kept(config: Config, reading: Reading) -> Config:
    """What a native configuration has beside its arguments; an older one's says nothing more."""
    return dict(config) if reading.version == 3 else {}


def built(config: Config, reading: Reading, path: Path) -> keras.Model:
    """The model of a configuration from `modern`, its weights not yet loaded; no code is run.

    Raises ValueError if code is in it, if Keras refuses it all the same, or if it does not know the
    shape of its inputs.
    """
    demand_no_code(config, path)
    try:
        model = keras.saving.deserialize_keras_object(
            config, custom_objects=reading.objects, safe_mode=True
        )
    except REFUSALS as exc:
        raise ValueError(refused(path, exc)) from exc
    if not model.built:
        raise ValueError(
            f"{path}: expected a model that knows the shape of its inputs, got one that was never"
            " built: begin it with keras.Input, or call it once, before it is saved"
        )
    return model


def demand_no_code(config: Any, path: Path) -> None:
    """Raise ValueError for Python code anywhere in a configuration, whatever Keras would do."""
    if isinstance(config, dict):
        if config.get("class_name") == "__lambda__":
            raise ValueError(f"{path}: expected a model without code in it, got a Python lambda")
        config = list(config.values())
    for each in config if isinstance(config, list) else ():
        demand_no_code(each, path)


def refused(path: Path, error: Exception) -> str:
    """Keras's words, without the whole configuration that it repeats at every level."""
    words = str(error).rpartition("Exception encountered:")[2]
    words = words.partition("Full object config:")[0].strip()
    return f"{path}: expected a model that Keras {keras.__version__} loads, it says: {words[:500]}"


def demand_order(config: Config, model: keras.Model, path: Path) -> None:
    """Raise ValueError if the model's layers stand in another order than the configuration's.

    Keras's own files number the layers of a class, so that another order would swap two alike.
    """
    names = [each["name"] for each in config["config"].get("layers", ()) if "name" in each]
    found = [layer.name for layer in model.layers]
    if config["class_name"] == "Functional" and [n for n in names if n in found] != found:
        raise ValueError(
            f"{path}: expected the layers in the file's order, {', '.join(names)}, Keras"
            f" {keras.__version__} has {', '.join(found)}: save it as .h5 with the Keras it is from"
        )
