"""SavedModel folders: rebuilt from Keras 2's layers where that gives the same, else as they are."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.keras.protobuf import saved_metadata_pb2

from pack.models import configuration, graphs, hard_sigmoid
from pack.models.reading import Reading, demand_named

_ENDPOINTS = ("serving_default", "serve")
_UNKNOWN = 32  # the length that a free axis is tried with
_TRIED = 4  # instances that a rebuilt model and its folder are compared on


def load(path: Path, reading: Reading) -> keras.Model:
    """The model of a SavedModel folder, its graph checked before anything in it is run.

    A folder of Keras 2 tells its layers; if they can be rebuilt and give the folder's own outputs,
    the model is made of them. Any other is one layer that runs the folder's serving signature.

    Raises ValueError for operations with side effects, for TensorFlow 1's folders, and for
    signatures of several inputs or of a fixed batch.
    """
    meta_graph = _meta_graph(path)
    if forbidden := graphs.forbidden_operations(meta_graph):
        raise ValueError(
            f"{path}: expected a graph that only computes, got operations that read, write or run"
            f" something outside it: {', '.join(forbidden)}"
        )
    folder = tf.saved_model.load(str(path))
    metadata = _metadata(path, meta_graph)
    if metadata is not None:
        rebuilt = _rebuilt(path, metadata, folder, reading)
        if rebuilt is not None:
            return rebuilt
    return _wrapped(path, folder)


def _meta_graph(path: Path) -> Any:
    saved = saved_model_pb2.SavedModel()
    try:
        saved.ParseFromString((path / "saved_model.pb").read_bytes())
    except DecodeError as exc:
        raise ValueError(f"{path}: expected a whole saved_model.pb, got a broken one") from exc
    for meta_graph in saved.meta_graphs:
        if "serve" in meta_graph.meta_info_def.tags:
            break
    else:
        raise ValueError(f"{path}: expected a SavedModel tagged serve, got none")
    if not meta_graph.object_graph_def.nodes:
        raise ValueError(
            f"{path}: expected a SavedModel of TensorFlow 2, got one of TensorFlow 1, whose loading"
            " runs operations of its own: name the .h5 file that it was made from"
        )
    return meta_graph


def _metadata(path: Path, meta_graph: Any) -> dict[str, Any] | None:
    """What Keras 2 wrote of its model: beside the graph, or until TensorFlow 2.4 within it."""
    text = meta_graph.object_graph_def.nodes[0].user_object.metadata
    if (path / "keras_metadata.pb").exists():
        found = saved_metadata_pb2.SavedMetadata()
        found.ParseFromString((path / "keras_metadata.pb").read_bytes())
        text = next((node.metadata for node in found.nodes if node.node_path == "root"), "")
    metadata = json.loads(text) if text else {}
    return metadata if isinstance(metadata, dict) and metadata.get("config") else None


def _rebuilt(
    path: Path, metadata: dict[str, Any], folder: Any, reading: Reading
) -> keras.Model | None:
    """The model of the folder's layers, or None, with the reason noted, if it is another."""
    config = {key: metadata[key] for key in ("class_name", "config")}
    try:
        written = configuration.modern(config, reading)
        demand_named(reading, path)
        model = configuration.built(written, reading, path)
        model.set_weights(
            [each.numpy() for each in folder.variables if "StateVar" not in each.name]
        )
        for layer in model.layers:
            if isinstance(layer, keras.layers.Normalization):
                layer.finalize_state()  # it calculates with values made of its weights
        hard_sigmoid.fold(model, reading)
        difference = _difference(model, folder)
    except (*configuration.REFUSALS, tf.errors.OpError) as exc:
        reading.notes.clear()
        reading.note(path.name, f"run as the folder's graph, not as layers ({exc})")
        return None
    if not difference < 1e-4:
        reading.notes.clear()
        reading.note(path.name, f"run as the folder's graph: its layers differ by {difference:.2g}")
        return None
    reading.note(path.name, f"rebuilt of its layers, {difference:.2g} from the folder's graph")
    return model


def _difference(model: keras.Model, folder: Any) -> float:
    """The largest difference of outputs on a few random inputs, relative to outputs over 1."""
    signature = folder.signatures[_ENDPOINTS[0]]
    specs = signature.structured_input_signature[1]
    inputs = [_random(specs[each.name], model) for each in model.inputs]
    given = {
        each.name: tf.constant(value) for each, value in zip(model.inputs, inputs, strict=True)
    }
    expected = signature(**given)
    found = keras.tree.flatten(model(inputs if len(inputs) > 1 else inputs[0], training=False))
    names = list(expected) if len(found) == 1 else model.output_names
    pairs = [(a.numpy(), expected[name].numpy()) for name, a in zip(names, found, strict=True)]
    return max(float(np.max(np.abs(a - b) / np.maximum(1, np.abs(b)))) for a, b in pairs)


def _random(spec: Any, model: keras.Model) -> NDArray[Any]:
    """Words that all of the model's embeddings know, if it has any, else numbers from -1 to 1."""
    generator, dtype = np.random.default_rng(0), spec.dtype.as_numpy_dtype
    shape = [spec.shape[0] or _TRIED, *(length or _UNKNOWN for length in spec.shape[1:])]
    words = [layer.input_dim for layer in model.layers if isinstance(layer, keras.layers.Embedding)]
    if words:
        return generator.integers(0, min(words), shape).astype(dtype)
    return generator.uniform(-1, 1, shape).astype(dtype)


def _wrapped(path: Path, folder: Any) -> keras.Model:
    """One layer that runs the folder's serving signature; several outputs are a dict by name."""
    endpoint = _endpoint(path, folder)
    (name, spec), *others = folder.signatures[endpoint].structured_input_signature[1].items()
    if others:
        names = ", ".join(sorted([name, *(other for other, _ in others)]))
        raise ValueError(
            f"{path}: expected a signature with 1 input, got {1 + len(others)} ({names})"
        )
    if spec.shape.rank is None or spec.shape.rank == 0 or spec.shape[0] is not None:
        raise ValueError(
            f"{path}: expected an input {name} for batches of any size, got the shape {spec.shape}"
        )
    inputs = keras.Input(tuple(spec.shape[1:]), dtype=spec.dtype.name, name=name)
    outputs = keras.layers.TFSMLayer(str(path), call_endpoint=endpoint)(inputs)
    ordered = {key: outputs[key] for key in sorted(outputs)}
    return keras.Model(inputs, ordered if len(ordered) > 1 else next(iter(ordered.values())))


def _endpoint(path: Path, folder: Any) -> str:
    found = [name for name in _ENDPOINTS if name in folder.signatures]
    if not found:
        raise ValueError(
            f"{path}: expected a signature {' or '.join(_ENDPOINTS)},"
            f" got {', '.join(folder.signatures) or 'none'}"
        )
    return found[0]
