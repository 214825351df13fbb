"""The compiled model under ONNX Runtime."""

import os
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from serving.errors import BundleError

MEGABYTES_PER_CPU = 1769  # AWS Lambda's documentation: at 1,769 MB a function has one vCPU


class OnnxEngine:
    """One ONNX Runtime session of a model with one input and one output."""

    def __init__(self, model: bytes) -> None:
        """Build the session from a serialized model; raise BundleError if it is none."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads()
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3  # errors; warnings are about the build machine's graph
        try:
            self._session = onnxruntime.InferenceSession(
                model, options, providers=["CPUExecutionProvider"]
            )
        except Exception as exc:  # ONNX Runtime's exceptions share no other base
            raise BundleError(f"ONNX Runtime does not load the model: {exc}") from exc
        self._input = self._session.get_inputs()[0].name

    def run(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """Outputs for a preprocessed batch, shape (len(batch), outputs), float32."""
        outputs: NDArray[np.float32] = self._session.run(None, {self._input: batch})[0]
        return outputs


def threads() -> int:
    """Threads for the processors that Lambda gives at this memory size, at least one.

    Lambda shows two or more processors at any size and limits the time on them; more threads
    than the share only wait for each other.
    """
    megabytes = int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", MEGABYTES_PER_CPU))
    return max(1, round(megabytes / MEGABYTES_PER_CPU))
