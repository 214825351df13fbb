"""What a container does once, before its first request, and how long each stage of it takes."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

# Milliseconds by stage: "Import", "Load" and "WarmUp". The first request reports them.
milliseconds: dict[str, float] = {}


@contextmanager
def once() -> Iterator[None]:
    """Stands around all of it, imports too, which are what no stage inside counts.

    Garbage is not looked for meanwhile: imports leave next to none, and the search is a tenth of
    the processor time of a start. What is there in the end stays, and later searches pass it by.
    """
    gc.disable()
    before = sum(milliseconds.values())
    started = perf_counter()
    try:
        yield
    finally:
        inside = sum(milliseconds.values()) - before
        _count("Import", 1000 * (perf_counter() - started) - inside)
        gc.freeze()
        gc.enable()


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Count the time inside to a stage."""
    started = perf_counter()
    try:
        yield
    finally:
        _count(name, 1000 * (perf_counter() - started))


def _count(name: str, spent: float) -> None:
    milliseconds[name] = milliseconds.get(name, 0.0) + spent
