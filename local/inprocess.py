"""Call a handler inside this process, where the emulator does not run.

The code is the repository's and the packages are this environment's, not the built package's,
so this proves less. Memory is not measured: it would be the whole process's.
"""

import contextlib
import importlib
import io
import json
import math
import os
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.emulator import Answer
from local.package import ROOT, Function


@dataclass(frozen=True)
class Context:
    """What Lambda hands to a handler beside the event."""

    function_name: str
    memory_limit_in_mb: int
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True)
class InProcess:
    """A function whose handler is imported at the first call."""

    function: Function
    output: io.StringIO

    def invoke(self, event: Any) -> Answer:
        """Call the handler; the first call imports it."""
        context = Context(self.function.name, self.function.memory)
        module, _, name = self.function.handler.partition(".")
        began = time.perf_counter()
        with contextlib.redirect_stdout(self.output):
            payload = getattr(importlib.import_module(module), name)(event, context)
        return Answer(json.loads(json.dumps(payload)), time.perf_counter() - began)

    def peak_memory(self) -> float:
        """Not known here."""
        return math.nan


@contextlib.contextmanager
def start(function: Function, env: Mapping[str, str] | None = None) -> Iterator[InProcess]:
    """Make a function importable, with the template's variables and then the caller's."""
    modality = function.name.removesuffix("Function").lower()
    folders = [str(ROOT / "functions" / modality), str(ROOT / "layers" / "serving")]
    os.environ.update(function.environment)
    os.environ.update({"ARTIFACTS_DIR": str(ROOT / "artifacts"), "AWS_REGION": "us-east-1"})
    os.environ.update({"AWS_DEFAULT_REGION": "us-east-1", **(env or {})})
    sys.path[:0] = folders
    try:
        yield InProcess(function, io.StringIO())
    finally:
        del sys.path[: len(folders)]
