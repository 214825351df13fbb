"""BentoML: a service class; `model.predict`, as its page on Keras has it."""
# mypy: disable-error-code="import-not-found,misc,untyped-decorator"

from typing import Any

import bentoml
import models


@bentoml.service
class KerasService:
    """One model, in BentoML's worker."""

    def __init__(self) -> None:
        self.model = models.load(models.by_predict)

    @bentoml.api
    def predict(self, instances: list[Any]) -> dict[str, Any]:
        return {"predictions": self.model(instances)}
