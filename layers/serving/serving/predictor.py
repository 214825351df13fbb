"""The core that every event ends in: instances in, labelled predictions out.

NumPy, and what needs it, is imported by a bundle that loads and not by this module, so that a
function without a model can share the rest of the package and start without it.
"""

import importlib.util
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

from serving.bundle import Bundle, Manifest
from serving.errors import BundleError, InputTooLarge, UnfitInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from serving.engines import Engine
    from serving.predictions import Prediction
    from serving.preprocessing import Preprocess

type EngineName = Literal["onnx", "keras"]


@dataclass(frozen=True)
class Predicted:
    """Predictions in the order of the instances, and the milliseconds that each stage took."""

    predictions: "list[Prediction]"
    milliseconds: dict[str, float]


class Predictor:
    """A bundle ready to predict: fitted preprocessing and loaded model."""

    def __init__(self, bundle: Bundle, engine: str | None = None) -> None:
        """Load everything a request needs and prove it on the first golden instance.

        engine: "onnx" or "keras", in place of the manifest's.
        Raises BundleError if the engine is not installed or the bundle lacks its model, and if a
        file is missing, altered, does not load, or predicts something else on this machine than
        it did where it was packed.
        """
        name = _name_engine(engine or bundle.manifest.engine)
        self.manifest: Manifest = replace(bundle.manifest, engine=name)
        try:
            self._load(bundle)
        except BundleError:
            raise
        except Exception as exc:  # whatever an altered file leads to, the function must start
            raise BundleError(f"{bundle.folder}: expected a whole bundle, got {exc!r}") from exc

    def _load(self, bundle: Bundle) -> None:
        from serving import golden, preprocessing

        self.state: dict[str, Any] = bundle.read_json("preprocessing.json")
        self.preprocess: Preprocess = preprocessing.load(self.manifest.modality, self.state)
        self._inverses = {
            output.name: preprocessing.load_inverse(output.target)
            for output in self.manifest.outputs
            if output.target
        }
        self._engine: Engine = _load_engine(bundle, self.manifest.engine)
        case = golden.parse(bundle.read_json("golden.json"), self.manifest.modality)
        golden.check(case.first(), self.preprocess, self.outputs, self.manifest.tolerance)

    @classmethod
    def load(cls, name: str) -> "Predictor | Unavailable":
        """The predictor of a bundle's name, from the folder that ARTIFACTS_DIR names.

        ENGINE, where it is set, names the engine in place of the manifest's.
        A bundle that does not load gives one whose every request fails with the reason: raising
        here would hide it behind the API's own 502, and loading the same files again cannot help.
        """
        folder = Path(os.environ.get("ARTIFACTS_DIR", "/opt/artifacts")) / name
        try:
            return cls(Bundle.open(folder), os.environ.get("ENGINE"))
        except BundleError as exc:
            _log.error("no model to predict with: %s", exc)
            return Unavailable(exc)

    @property
    def features(self) -> Mapping[str, str]:
        """Names of a row's features and the kind of each, else empty.

        "number", "int32", "int64", "category" or "boolean".
        """
        if self.manifest.modality != "numeric":  # a text's state has columns too, a number
            return {}
        columns: Mapping[str, str] = self.state.get("columns", {})
        return columns

    def predict(self, instances: Sequence[Any]) -> Predicted:
        """Predict for 1 to `limits.max_instances` instances as one batch.

        instances: encoded pictures (bytes), texts (str) or rows (a list or a mapping).
        Raises InvalidInput's kinds for instances that cannot be used; none is predicted then.
        """
        from serving.predictions import label_outputs

        self._check_count(len(instances))
        started = perf_counter()
        batch = self.preprocess(instances)
        preprocessed = perf_counter()
        outputs = self.outputs(batch)
        predictions = label_outputs(outputs, self.manifest.outputs, self._inverses)
        finished = perf_counter()
        return Predicted(
            predictions,
            {
                "Preprocess": 1000 * (preprocessed - started),
                "Inference": 1000 * (finished - preprocessed),
            },
        )

    def outputs(self, batch: "NDArray[Any]") -> "Sequence[NDArray[Any]]":
        """The model's raw outputs for a preprocessed batch, run in parts of `batch_size`."""
        size = self.manifest.limits.batch_size
        parts = [self._run(batch[i : i + size], i) for i in range(0, len(batch), size)]
        if len(parts) == 1:
            return parts[0]
        import numpy as np

        return [np.concatenate(values) for values in zip(*parts, strict=True)]

    def _run(self, batch: "NDArray[Any]", first: int) -> "Sequence[NDArray[Any]]":
        """One part of a batch, whose first instance has that number; names what is refused."""
        try:
            return self._engine.run(batch)
        except UnfitInput as exc:
            for index in range(len(batch)):
                try:
                    self._engine.run(batch[index : index + 1])
                except UnfitInput as reason:
                    raise UnfitInput(f"instance {first + index}: {reason}") from exc
            raise RuntimeError("the model fails on instances together that it takes alone") from exc

    def _check_count(self, count: int) -> None:
        if count == 0:
            raise UnfitInput("expected at least 1 instance, got 0")
        most = self.manifest.limits.max_instances
        if count > most:
            raise InputTooLarge(f"expected at most {most} instances, got {count}")


@dataclass(frozen=True)
class Unavailable:
    """Stands where a predictor would, and raises the reason why there is none."""

    reason: BundleError

    @property
    def manifest(self) -> Manifest:
        """Raise the reason."""
        raise self.reason

    @property
    def features(self) -> Mapping[str, str]:
        """Raise the reason."""
        raise self.reason

    def predict(self, instances: Sequence[Any]) -> Predicted:
        """Raise the reason."""
        raise self.reason


def _name_engine(text: str) -> EngineName:
    """The engine of that name; raise BundleError if there is none."""
    for name in _ENGINES:
        if text == name:
            return name
    raise BundleError(
        f"expected {' or '.join(_ENGINES)} as the manifest's engine or the variable ENGINE,"
        f" got {text!r}"
    )


def _load_engine(bundle: Bundle, name: EngineName) -> "Engine":
    """The engine with the bundle's model; raise BundleError that says what to do without it."""
    try:
        return _ENGINES[name](bundle)
    except ImportError as exc:
        raise BundleError(
            f"{bundle.folder}: the engine {name} is not installed here ({exc}): deploy"
            f" {_TEMPLATES[name]}, or set ENGINE to another that the bundle has"
        ) from exc


def _demand(bundle: Bundle, file: str, advice: str) -> None:
    if file not in bundle.manifest.files:
        raise BundleError(
            f"{bundle.folder}: expected {file}, the bundle was packed without it: {advice}"
        )


def _onnx(bundle: Bundle) -> "Engine":
    from serving.engines.onnx import OnnxEngine

    _demand(
        bundle,
        "model.onnx",
        "its model does not compile, or was not to be; serve it with ENGINE=keras, which"
        " template-keras.yaml deploys, or pack it with --engine onnx, which says why",
    )
    return OnnxEngine(bundle.read("model.onnx"))


def _keras(bundle: Bundle) -> "Engine":
    from serving.engines.environment import set_up_tensorflow

    if importlib.util.find_spec("keras") is None:
        raise ImportError("No module named 'keras'")
    _demand(
        bundle,
        "model.keras",
        "Keras alone cannot load it, since it has code of its owner's or is a SavedModel; serve it"
        " with ENGINE=onnx, which template.yaml deploys",
    )
    path = bundle.path("model.keras")
    set_up_tensorflow(path)
    from serving.engines.keras import KerasEngine  # which imports TensorFlow

    return KerasEngine(path)


_ENGINES: "dict[EngineName, Callable[[Bundle], Engine]]" = {"onnx": _onnx, "keras": _keras}
_TEMPLATES: dict[EngineName, str] = {"onnx": "template.yaml", "keras": "template-keras.yaml"}
_log = logging.getLogger(__name__)


type AnyPredictor = Predictor | Unavailable
