"""Calls between the layers of a functional model, as Keras 3 writes them.

Keras 1 and 2 wrote [[layer, node, tensor, arguments], …] for a call, and counted the calls of a
nested model from 1, since it had a node of its own; Keras 3 writes arguments with tensors in them.
"""

from collections.abc import Mapping
from typing import Any

from pack.models.reading import Config

type Models = Mapping[str, str]  # the nested models of a functional model, with their classes


def call(node: Any, models: Models) -> Config:
    """One call of a layer; one that is in Keras 3's form already is left as it is."""
    if isinstance(node, dict):
        return node
    single = bool(node) and isinstance(node[0], str)  # an operation's; layers' are in a list
    inputs = [node] if single else node
    tensors = [_tensor(each, models) for each in inputs]
    named = inputs[0][3] if inputs and len(inputs[0]) > 3 else {}
    return {
        "args": tensors if len(tensors) == 1 else [tensors],
        "kwargs": {key: _argument(value, models) for key, value in (named or {}).items()},
    }


def ends(references: Any, models: Models) -> Any:
    """A model's inputs or outputs; one alone is no list, so that the model gives a tensor."""
    if isinstance(references, dict):
        return {key: ends(each, models) for key, each in references.items()}
    if is_reference(references):
        name, node, tensor = references[:3]
        # Those of nested functional models Keras 3 still counts from 1 here.
        return [name, node - 1 if models.get(name) == "Sequential" else node, tensor]
    found = [ends(each, models) for each in references]
    return found[0] if len(found) == 1 else found


def is_reference(value: Any) -> bool:
    """Whether this is [layer, node, tensor], with or without arguments behind."""
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and all(isinstance(number, int) for number in value[1:3])
    )


def _argument(value: Any, models: Models) -> Any:
    if is_reference(value):
        return _tensor(value, models)
    if isinstance(value, list):
        return [_argument(each, models) for each in value]
    return value


def _tensor(reference: list[Any], models: Models) -> Any:
    name, node, tensor = reference[:3]
    if name == "_CONSTANT_VALUE":
        return tensor
    history = [name, node - 1 if name in models else node, tensor]
    return {
        "class_name": "__keras_tensor__",
        # Keras takes the tensor of that history, whatever its shape and dtype.
        "config": {"shape": [None], "dtype": "float32", "keras_history": history},
    }
