"""The floor of a function with Keras: what its import costs, without a model."""

from typing import Any

import keras  # noqa: F401  what is measured


def handler(event: Any, context: Any) -> Any:
    """Answer with nothing."""
    return {}
