"""A handler in place of a built function's own: looks into its process, else answers as it does.

BREAK names what is to fail: "snapshot", an import before it, or "restore", a step after it.
"""

import importlib
import os
import random
import sys


def _fail():
    raise RuntimeError("no more numbers")


if os.environ.get("BREAK") == "snapshot":
    sys.modules["multipart"] = None  # as if it was not installed
probed = importlib.import_module(os.environ["PROBED"])
if os.environ.get("BREAK") == "restore":
    random.seed = _fail


def handler(event, context):
    if event == "modules":
        return sorted(sys.modules)
    return probed.handler(event, context)
