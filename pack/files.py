"""Files and values that a command line names, read with words for what is wrong with them."""

import argparse
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any


def read_text(path: Path) -> str:
    """A text file in UTF-8, with or without a mark of it; raise ValueError for other bytes."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as exc:
        raise ValueError(
            f"{path}: expected UTF-8, got byte 0x{exc.object[exc.start]:02x} at {exc.start}"
        ) from exc


def read_json(path: Path) -> Any:
    """A JSON file, parsed; raise ValueError for one that is none."""
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as exc:
        raise ValueError(f"{path}: expected JSON, got what does not parse: {exc}") from exc
    except RecursionError as exc:
        raise ValueError(f"{path}: expected JSON, got lists nested too deeply") from exc


def read_metrics(path: Path) -> dict[str, float]:
    """Held-out metrics by name; raise ValueError for anything but finite numbers."""
    metrics = read_json(path)
    if not isinstance(metrics, dict):
        raise ValueError(
            f"{path}: expected an object of metrics by name, got {type(metrics).__name__}"
        )
    for name, value in metrics.items():
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"{path}: expected a finite number for {name}, got {value!r}")
    return metrics


def number(low: float, high: float) -> Callable[[str], float]:
    """A type for argparse: a number over `low`, and `high` at most."""

    def parse(text: str) -> float:
        value = float(text)
        if not low < value <= high:
            raise argparse.ArgumentTypeError(
                f"expected a number over {low:g}, {high:g} at most, got {text}"
            )
        return value

    parse.__name__ = "number"
    return parse


def pair(text: str) -> tuple[str, str]:
    """A type for argparse: KEY=VALUE."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"expected KEY=VALUE, got {text!r}")
    return key, value
