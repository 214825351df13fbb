"""Arrays of an HDF5 file into the layers that they belong to."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import h5py
import keras

from pack.models import hard_sigmoid
from pack.models.layouts import Arrays, laid_out
from pack.models.reading import Reading

_CONVOLUTIONS = (keras.layers.Conv1D, keras.layers.Conv2D)

type Saved = dict[str, dict[str, Any]]  # layer -> name of a weight -> its array


def place(model: keras.Model, group: h5py.Group, version: str, reading: Reading) -> None:
    """Give each layer its arrays: by its name if the file has all of them, else by their order.

    Raises ValueError if counts or shapes differ, naming the layer and both sides.
    """
    saved = read(group)
    backend = _text(group.attrs.get("backend")) or _text(group.file.attrs.get("backend"))
    for layer, name in _pairs(model, saved):
        _place_layer(layer, saved[name], version, backend)
    if version.startswith("1"):
        for layer in (each for each in model.layers if isinstance(each, _CONVOLUTIONS)):
            reading.note(
                layer.name, "kernel read as TensorFlow's; Keras 1 did not tell it from Theano's"
            )
    if not version.startswith("3"):
        hard_sigmoid.fold(model, reading)


def _pairs(model: keras.Model, saved: Saved) -> list[tuple[Any, str]]:
    """Each layer with the name that it has in the file.

    That is its own where these have all of the model's weights. Another model of the same layers,
    as a function makes it with names of its own, takes them in the file's order.
    """
    layers = [layer for layer in model.layers if layer.weights]
    named = {layer.name: layer for layer in (*_nested(model), *layers)}
    found = [(named[name], name) for name in saved if name in named]
    covered = {id(each) for layer, _ in found for each in layer.weights}
    if len(found) == len(saved) and covered == {id(each) for each in model.weights}:
        return found
    if len(layers) != len(saved):
        raise ValueError(
            f"expected weights of {len(layers)} layers ({', '.join(each.name for each in layers)}),"
            f" the file has {len(saved)} ({', '.join(saved)})"
        )
    return list(zip(layers, saved, strict=True))


def _nested(model: keras.Model) -> Iterator[Any]:
    """The layers of the models within a model, which Keras 1 listed beside its own."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from layer.layers
            yield from _nested(layer)


def read(group: h5py.Group) -> Saved:
    """The arrays of each layer that has any, in the file's order.

    Raises ValueError for a link out of the file.
    """
    saved: Saved = {}
    for name in _attribute(group, "layer_names"):
        inside = _member(group, name)
        weights = {each: _member(inside, each)[()] for each in _attribute(inside, "weight_names")}
        kept = {key: value for key, value in weights.items() if not _is_state(key)}
        if kept:
            saved[name.replace("/", "_")] = kept  # as the configuration's names are made
    return saved


def _is_state(weight: str) -> bool:
    """Whether this is a random generator's state, which layers no longer keep as a weight."""
    return "StateVar" in weight or "seed_generator" in weight


def _attribute(group: h5py.Group, name: str) -> list[str]:
    """A list of names, which HDF5 splits into name0, name1, … where it is long."""
    if name in group.attrs:
        return [_text(each) for each in group.attrs[name]]
    parts: list[str] = []
    while f"{name}{len(parts)}" in group.attrs:
        parts.append(f"{name}{len(parts)}")
    return [_text(each) for part in parts for each in group.attrs[part]]


def _member(group: h5py.Group, name: str) -> Any:
    """What the name stands for in the file itself; a link could lead to any other file."""
    found = group
    for part in (part for part in name.split("/") if part):
        if not isinstance(found.get(part, getlink=True), h5py.HardLink):
            raise ValueError(f"expected {name} in the HDF5 file itself, got a link or nothing")
        found = found[part]
    if isinstance(found, h5py.Dataset) and (found.external or found.is_virtual):
        raise ValueError(f"expected {name} in the HDF5 file itself, got data kept in another")
    return found


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value or "")


def _place_layer(layer: Any, arrays: Mapping[str, Any], version: str, backend: str) -> None:
    parts = _parts(layer, arrays)
    for part, found in parts:
        values = laid_out(part, found, version, backend)
        variables = part.trainable_weights + part.non_trainable_weights
        shapes = [value.shape for value in values]
        expected = [tuple(variable.shape) for variable in variables]
        if shapes != expected:
            raise ValueError(
                f"layer {part.name}: expected weights of shapes {_shapes(expected)}, the file has"
                f" {_shapes(shapes)}"
            )
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        if isinstance(part, keras.layers.Normalization):
            part.finalize_state()  # it calculates with values made of its weights


def _shapes(shapes: Sequence[tuple[int, ...]]) -> str:
    return ", ".join(str(shape) for shape in shapes) or "none"


def _parts(layer: Any, arrays: Mapping[str, Any]) -> list[tuple[Any, Arrays]]:
    """The layer, or a nested model's layers, each with its arrays."""
    inside = _leaves(layer)
    if inside == [layer]:
        return [(layer, list(arrays.values()))]
    named = {id(part): _of(part, arrays) for part in inside}
    if sum(len(each) for each in named.values()) == len(arrays) and all(named.values()):
        return [(part, named[id(part)]) for part in inside]
    return _in_order(inside, list(arrays.values()))


def _leaves(layer: Any) -> list[Any]:
    inner = getattr(layer, "layer", None) if isinstance(layer, keras.layers.Wrapper) else layer
    if not isinstance(inner, keras.Model):
        return [layer]
    return [leaf for each in inner.layers if each.weights for leaf in _leaves(each)]


def _of(layer: Any, arrays: Mapping[str, Any]) -> Arrays:
    """The arrays whose names have the layer's name: name/kernel:0, or name_W:0 in Keras 1."""
    return [
        array
        for name, array in arrays.items()
        if layer.name in name.split("/")[:-1] or ("/" not in name and _begins(name, layer.name))
    ]


def _begins(weight: str, layer: str) -> bool:
    return weight.startswith(f"{layer}_")


def _in_order(layers: Sequence[Any], arrays: Arrays) -> list[tuple[Any, Arrays]]:
    """Keras 2's order: what is trained of all layers, then what is not of all layers."""
    trained = [(id(layer), len(layer.trainable_weights)) for layer in layers]
    others = [(id(layer), len(layer.non_trainable_weights)) for layer in layers]
    expected = sum(count for _, count in trained + others)
    if expected != len(arrays):
        raise ValueError(
            f"layer {layers[0].name} and those beside it: expected {expected} weights,"
            f" the file has {len(arrays)}"
        )
    found: dict[int, Arrays] = {id(layer): [] for layer in layers}
    rest = iter(arrays)
    for key, count in trained + others:
        found[key] += [next(rest) for _ in range(count)]
    return [(layer, found[id(layer)]) for layer in layers]
