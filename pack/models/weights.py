"""Weights in a file of their own, or whose model does not load, with an architecture."""

import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import h5py
import keras

from pack.models import archive, configuration, hard_sigmoid, hdf5, placing
from pack.models.naming import resolve
from pack.models.reading import Config, Reading, demand_named

_LEGACY = frozenset(("layer_names", "layer_names0"))
_NATIVE = frozenset(("layers", "_layer_checkpoint_dependencies", "vars"))
NEEDED = (
    "name it with --architecture: the JSON file that model.to_json() gave, or module:function,"
    " your own function that makes the model"
)


def architecture(source: str, reading: Reading) -> keras.Model:
    """The model, without weights, of a JSON file of `to_json()` or of a function of the user's.

    Raises ValueError if it is neither, or the model was never built.
    """
    path = Path(source)
    model = _from_json(path, reading) if path.suffix == ".json" else _from_function(source)
    if not model.built:
        raise ValueError(
            f"--architecture {source}: expected a model that knows its inputs, got one never built:"
            " begin it with keras.Input, or call it on an example in the function"
        )
    return model


def version_of(source: str) -> str:
    """The Keras that an architecture's JSON comes from; a function's is today's."""
    path = Path(source)
    return str(_json(path).get("keras_version", "3")) if path.suffix == ".json" else "3"


def load(path: Path, source: str, reading: Reading) -> keras.Model:
    """The architecture's model with the weights of an HDF5 or `.keras` file.

    Keras 3's weights are placed by the order of the layers of each class, older ones by the
    layers' names or else in their order.

    Raises ValueError if they do not fit, naming the layer and both sides.
    """
    model = architecture(source, reading)
    if not h5py.is_hdf5(path):
        _load_natively(model, path, ".keras")
        if not archive.version_of(path).startswith("3"):
            hard_sigmoid.fold(model, reading)
        return model
    with hdf5.opened(path) as file:
        group = file.get("model_weights", file)
        version = hdf5.version_of(file)
        legacy = not _LEGACY.isdisjoint(group.attrs)
        if legacy:
            placing.place(model, group, version, reading)
    if not legacy:
        _load_natively(model, path, ".weights.h5")
        if reading.version < 3:
            hard_sigmoid.fold(model, reading)
    return model


def words_for(path: Path) -> str:
    """What an HDF5 file without a configuration is, and what it takes to load it."""
    with hdf5.opened(path) as file:
        group = file.get("model_weights", file)
        if _LEGACY.isdisjoint(group.attrs) and _NATIVE.isdisjoint(file):
            inside = ", ".join(list(file)[:5]) or "nothing"
            return f"{path}: expected a Keras model or its weights, got an HDF5 file of {inside}"
        layers = list(placing.read(group)) or list(file.get("layers", ()))
    return (
        f"{path}: expected a model, got weights alone (of {', '.join(layers[:5])}"
        f"{', …' if len(layers) > 5 else ''}), which do not tell how the layers are connected:"
        f" {NEEDED}"
    )


def _from_json(path: Path, reading: Reading) -> keras.Model:
    config = configuration.modern(_json(path), reading)
    demand_named(reading, path)
    return configuration.built(config, reading, path)


def _json(path: Path) -> Config:
    try:
        config: Config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise ValueError(
            f"--architecture {path}: expected model.to_json()'s JSON, got {exc}"
        ) from exc
    if not isinstance(config, dict) or "class_name" not in config:
        raise ValueError(
            f"--architecture {path}: expected model.to_json()'s JSON, got one without class_name"
        )
    return config


def _from_function(source: str) -> keras.Model:
    model: Any = resolve(source)()
    if not isinstance(model, keras.Model):
        raise ValueError(
            f"--architecture {source}: expected a function that gives a keras.Model,"
            f" got a {type(model).__module__}.{type(model).__name__}"
        )
    return model


def _load_natively(model: keras.Model, path: Path, suffix: str) -> None:
    """Keras tells weights by a file's name alone, so it gets them under the right one."""
    _demand_count(model, path)
    with tempfile.TemporaryDirectory() as scratch:
        named = path
        if not path.name.endswith(suffix):
            named = Path(scratch) / f"model{suffix}"
            shutil.copyfile(path, named)
        try:
            model.load_weights(named)
        except (ValueError, KeyError) as exc:
            raise ValueError(f"{path}: {_mismatch(str(exc))}") from exc


def _demand_count(model: keras.Model, path: Path) -> None:
    """Keras lets weights pass that no layer of the model takes; here they are none of its."""
    saved: list[str] = []
    with hdf5.opened(path) if h5py.is_hdf5(path) else archive.weights(path) as file:
        file.visititems(lambda name, each: saved.append(name) if _is_weight(name, each) else None)
    if len(saved) != len(model.weights):
        raise ValueError(
            f"{path}: expected the {len(model.weights)} weights of the architecture, got"
            f" {len(saved)}: {', '.join(saved[:5])}{', …' if len(saved) > 5 else ''}"
        )


def _is_weight(name: str, member: Any) -> bool:
    parts = name.split("/")
    return (
        isinstance(member, h5py.Dataset)
        and parts[-2:-1] == ["vars"]
        and not {"seed_generator", "optimizer", "metrics"} & set(parts)
    )


def _mismatch(words: str) -> str:
    """Keras's words without the values of the weights, which they show."""
    layer = re.search(r"name=([^,>]+)", words)
    shapes = re.search(r"variable\.shape=(\([^)]*\)).*value\.shape=(\([^)]*\))", words)
    if layer and shapes:
        return f"layer {layer[1]}: expected weights of shape {shapes[1]}, the file has {shapes[2]}"
    return (
        f"expected the architecture's weights, got others: {words.partition('List of')[0].strip()}"
    )
