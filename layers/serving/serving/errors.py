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
