"""A bundle's model in the engine that is to run it."""

import importlib.util
from collections.abc import Callable

from serving.bundle import Bundle, EngineName
from serving.engines import Engine
from serving.errors import BundleError
from serving.startup import stage


def load(bundle: Bundle, name: EngineName) -> Engine:
    """The engine of that name with the bundle's model.

    Raises BundleError, with what to do, if the engine is not installed here, and if the bundle
    lacks its model or holds an altered one.
    """
    try:
        return _ENGINES[name](bundle)
    except ImportError as exc:
        raise BundleError(
            f"{bundle.folder}: the engine {name} is not installed here ({exc}): deploy"
            f" {_TEMPLATES[name]}, or set ENGINE to another that the bundle has"
        ) from exc


def _onnx(bundle: Bundle) -> Engine:
    from serving.engines.onnx import OnnxEngine

    _demand(
        bundle,
        "model.onnx",
        "its model does not compile, or was not to be; serve it with ENGINE=keras, which"
        " template-keras.yaml deploys, or pack it with --engine onnx, which says why",
    )
    with stage("Load"):
        model = bundle.path("model.onnx")
        weights = model.with_name("model.onnx.data")  # of a large model, which names it
        if weights.exists() or weights.name in bundle.manifest.files:
            bundle.path(weights.name)
        return OnnxEngine(model)


def _keras(bundle: Bundle) -> Engine:
    from serving.engines.environment import set_up_tensorflow

    if importlib.util.find_spec("keras") is None:
        raise ImportError("No module named 'keras'")
    _demand(
        bundle,
        "model.keras",
        "Keras alone cannot load it, since it has code of its owner's or is a SavedModel; serve it"
        " with ENGINE=onnx, which template.yaml deploys",
    )
    with stage("Load"):
        path = bundle.path("model.keras")
    set_up_tensorflow(path)
    from serving.engines.keras import KerasEngine  # which imports TensorFlow

    with stage("Load"):
        return KerasEngine(path)


def _demand(bundle: Bundle, file: str, advice: str) -> None:
    if file not in bundle.manifest.files:
        raise BundleError(
            f"{bundle.folder}: expected {file}, the bundle was packed without it: {advice}"
        )


_ENGINES: dict[EngineName, Callable[[Bundle], Engine]] = {"onnx": _onnx, "keras": _keras}
_TEMPLATES: dict[EngineName, str] = {"onnx": "template.yaml", "keras": "template-keras.yaml"}
