"""Every error this package raises on purpose.

    ServingError
    ├── InvalidInput            the caller's fault: never retried, answered with a 4xx
    │   ├── MalformedInput      the bytes do not parse: broken JSON, base64, CSV or picture
    │   ├── UnsupportedMedia    the bytes are of a kind this model does not read
    │   ├── InputTooLarge       over a stated limit, refused before the work is done
    │   ├── UnfitInput          well-formed, but wrong for this model
    │   ├── NotFound            no such path
    │   └── MethodNotAllowed    a known path, called with the wrong HTTP method
    └── BundleError             ours: a bundle that is missing, altered or does not load

The message of an InvalidInput names both sides, what was expected and what was found, and goes
to the caller as it is. The message of a BundleError goes to the log alone.
"""

from collections.abc import Mapping
from typing import Any

SHOWN = 60  # characters of the caller's own text that a message repeats


class ServingError(Exception):
    """Root of the tree."""


class InvalidInput(ServingError):
    """The caller can mend this; retrying the same input cannot."""


class MalformedInput(InvalidInput):
    """The input does not parse as what it claims to be."""


class UnsupportedMedia(InvalidInput):
    """The input is of a kind this model does not read."""


class InputTooLarge(InvalidInput):
    """The input is over a stated limit."""


class UnfitInput(InvalidInput):
    """The input parses, and does not fit this model."""


class NotFound(InvalidInput):
    """There is nothing at this path."""


class MethodNotAllowed(InvalidInput):
    """The path exists; this HTTP method on it does not."""


class BundleError(ServingError):
    """A bundle is missing, was altered, or does not load."""


def describe(value: Any) -> str:
    """What a JSON value is, in words, for a message; a short string or number with its text."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return f"the string {shorten(value)!r}"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, float) or (isinstance(value, int) and value.bit_length() <= 64):
        return f"the number {value}"
    return "a number of more than 64 bits" if isinstance(value, int) else type(value).__name__


def shorten(text: str) -> str:
    """The text, or its start and an ellipsis."""
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."
