"""Let files be uploaded that do not fit through the API, and tell what became of them."""

from typing import Any

from serving import storage
from serving.events import presigned

storage.connect()  # once per container


def handler(event: Any, context: Any) -> Any:
    """Answer one invocation."""
    return presigned.handle(event, context)
