"""MLServer: a custom runtime, the model called, as in its TensorFlow example.

Requests are of the V2 inference protocol: pictures under the codec `base64`, texts under `str`,
rows as columns under `pd`.
"""
# mypy: disable-error-code="import-not-found,misc"

import os
from typing import Any

import models
import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse


class KerasRuntime(MLModel):
    """One model, in MLServer's worker."""

    async def load(self) -> bool:
        self.model = models.load(models.by_call)
        return True

    def instances(self, payload: InferenceRequest) -> Any:
        """A DataFrame of all columns, or the one tensor of pictures or texts."""
        if os.environ["MODALITY"] == "numeric":
            return self.decode_request(payload)
        return self.decode(payload.inputs[0])

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        predictions = self.model(self.instances(payload))
        labels = [prediction["label"] for prediction in predictions]
        scores = np.array([prediction["score"] for prediction in predictions])
        outputs = [
            StringCodec.encode_output("label", labels, use_bytes=False),
            NumpyCodec.encode_output("score", scores),
        ]
        return InferenceResponse(model_name=self.name, outputs=outputs)
