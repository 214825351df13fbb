"""FastAPI: the model loaded in the app's lifespan, as its page on that has it; `model(x)`."""
# mypy: disable-error-code="import-not-found,misc,untyped-decorator"

import contextlib
from collections.abc import AsyncIterator
from typing import Annotated, Any

import models
from fastapi import Body, FastAPI

ml_models: dict[str, models.Predict] = {}


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Load the model before the first request."""
    ml_models["keras"] = models.load(models.by_call)
    yield
    ml_models.clear()


app = FastAPI(lifespan=lifespan)


@app.post("/predict")
def predict(instances: Annotated[list[Any], Body(embed=True)]) -> dict[str, Any]:
    """Answer a batch, in a thread of FastAPI's pool."""
    return {"predictions": ml_models["keras"](instances)}
