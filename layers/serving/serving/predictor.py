"""The core that every event ends in: instances in, labelled predictions out.

NumPy, and what needs it, is imported by a bundle that loads and not by this module, so that a
function without a model can share the rest of the package and start without it.
"""

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from serving.bundle import ENGINES, Bundle, EngineName, Manifest
from serving.errors import BundleError, InputTooLarge, UnfitInput
from serving.startup import stage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from serving.engines import Engine
    from serving.predictions import Prediction
    from serving.preprocessing import Preprocess


class Predicted(NamedTuple):
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
        self.manifest: Manifest = bundle.manifest._replace(engine=name)
        try:
            self._load(bundle)
        except BundleError:
            raise
        except Exception as exc:  # whatever an altered file leads to, the function must start
            raise BundleError(f"{bundle.folder}: expected a whole bundle, got {exc!r}") from exc

    def _load(self, bundle: Bundle) -> None:
        from serving import golden, preprocessing
        from serving.engines import loading

        with stage("Load"):
            self.state: dict[str, Any] = bundle.read_json("preprocessing.json")
            case = golden.parse(bundle.read_json("golden.json"), self.manifest.modality)
        self.preprocess: Preprocess = preprocessing.load(self.manifest.modality, self.state)
        self._inverses = {
            output.name: preprocessing.load_inverse(output.target)
            for output in self.manifest.outputs
            if output.target
        }
        self._engine: Engine = loading.load(bundle, self.manifest.engine)
        with stage("WarmUp"):
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


class Unavailable(NamedTuple):
    """Stands where a predictor would, and raises the reason why there is none.

    A new error each time: one that is raised keeps what it went through, requests among it.
    """

    reason: BundleError

    @property
    def manifest(self) -> Manifest:
        """Raise the reason."""
        raise BundleError(str(self.reason))

    @property
    def features(self) -> Mapping[str, str]:
        """Raise the reason."""
        raise BundleError(str(self.reason))

    def predict(self, instances: Sequence[Any]) -> Predicted:
        """Raise the reason."""
        raise BundleError(str(self.reason))


def _name_engine(text: str) -> EngineName:
    """The engine of that name; raise BundleError if there is none."""
    for name in ENGINES:
        if text == name:
            return name
    raise BundleError(
        f"expected {' or '.join(ENGINES)} as the manifest's engine or the variable ENGINE,"
        f" got {text!r}"
    )


_log = logging.getLogger(__name__)


type AnyPredictor = Predictor | Unavailable
