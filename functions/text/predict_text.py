"""Judge reviews posted to the API or uploaded to the bucket."""

from typing import Any

from serving import startup

with startup.once():
    from serving import events, snapshot
    from serving.predictor import Predictor

    predictor = Predictor.load("text")
snapshot.register(*snapshot.FOR_SOME_REQUESTS)


def handler(event: Any, context: Any) -> Any:
    """Answer one invocation."""
    return events.handle(event, context, predictor)
