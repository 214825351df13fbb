"""Let files be uploaded that do not fit through the API, and tell what became of them."""

from typing import Any

from serving import startup

with startup.once():
    from serving import snapshot, storage
    from serving.events import presigned

    if not snapshot.register():  # which must hold no credentials
        storage.connect()


def handler(event: Any, context: Any) -> Any:
    """Answer one invocation."""
    return presigned.handle(event, context)
