"""The compiled model under ONNX Runtime."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import InvalidArgument

from serving.engines import cast, refused, threads
from serving.errors import BundleError

_DTYPES = {  # ONNX Runtime's names of types; a Keras model takes no others
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(int16)": np.int16,
    "tensor(int8)": np.int8,
    "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
}


class OnnxEngine:
    """One ONNX Runtime session."""

    def __init__(self, path: Path) -> None:
        """Build the session from a model's file; raise BundleError if it is none.

        Read by ONNX Runtime itself, which maps weights that lie in a file of their own, see
        `pack/compile.py`: MobileNetV2 takes 29 MB less than from bytes, and 0.6 of the time.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads()
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3  # errors; warnings are about the build machine's graph
        try:
            self._session = onnxruntime.InferenceSession(
                path, options, providers=["CPUExecutionProvider"]
            )
            self._inputs = [
                (value.name, _DTYPES[value.type], len(value.shape))
                for value in self._session.get_inputs()
            ]
        except Exception as exc:  # ONNX Runtime's exceptions share no other base
            raise BundleError(f"ONNX Runtime does not load the model: {exc}") from exc

    def run(self, batch: NDArray[Any]) -> Sequence[NDArray[Any]]:
        """See `Engine`; the batch is cast to the inputs' own types and ranks, as Keras does it."""
        parts = [batch] if len(self._inputs) == 1 else np.moveaxis(batch, 1, 0)
        feeds = {
            name: cast(part[..., np.newaxis] if part.ndim < rank else part, dtype)
            for (name, dtype, rank), part in zip(self._inputs, parts, strict=True)
        }
        try:
            outputs: Sequence[NDArray[Any]] = self._session.run(None, feeds)
        except InvalidArgument as exc:
            raise refused() from exc
        return outputs
