"""One call of a function, as the modules of its sources see it."""

from collections.abc import Callable
from typing import NamedTuple


class Invocation(NamedTuple):
    """request_id: the one that the caller sees. seconds_left: until Lambda ends the call."""

    request_id: str
    seconds_left: Callable[[], float]
