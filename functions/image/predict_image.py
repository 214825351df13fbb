"""Classify pictures posted to the API or uploaded to the bucket."""

from typing import Any

from serving import events
from serving.predictor import Predictor

predictor = Predictor.load("image")  # once per container


def handler(event: Any, context: Any) -> Any:
    """Answer one invocation."""
    return events.handle(event, context, predictor)
