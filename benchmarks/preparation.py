"""Getting ready what contenders need beside the built package, or saying why it is not there."""

import functools
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.contenders import BUNDLES, MOBILENET, SCRATCH, Packages, layer
from benchmarks.machine import Unavailable
from local.package import ROOT

SERVING = ROOT / "layers" / "serving"


def find_naive(python: str) -> Packages:
    """Prepare the naive handlers with the Python that has TensorFlow.

    Raises Unavailable where it has none, or is of another version than this one.
    """
    found = _fit(python)
    expected = list(sys.version_info[:2])
    if found["python"] != expected:
        raise Unavailable(f"expected TensorFlow for Python {expected}, got {found['python']}")
    packages = layer("tensorflow", Path(found["packages"]))
    return Packages(packages, found["versions"], found["sizes"])


def find_mobilenet(python: str) -> Path:
    """The bundle of MobileNetV2, packed anew where the code that packs or serves it is newer.

    Raises Unavailable where that Python has no TensorFlow.
    """
    manifest = MOBILENET / "image" / "manifest.json"
    code = [*(ROOT / "pack").rglob("*.py"), *SERVING.rglob("*.py")]
    code.append(ROOT / "benchmarks" / "mobilenet.py")
    if not manifest.is_file() or manifest.stat().st_mtime < _newest(code):
        _run(python, "-m", "benchmarks.mobilenet", str(MOBILENET))
        manifest.touch()
    return MOBILENET


def find_peer(name: str, python: str) -> peers.Peer:
    """An installed model server, and the preprocessing it serves with, fitted by that Python.

    Raises Unavailable where one of them cannot be had.
    """
    peer = peers.find(name)
    _fit(python)
    return peer


@functools.cache
def _fit(python: str) -> Mapping[str, Any]:
    """Fit the naive preprocessing, and tell what naive.py tells."""
    script = ROOT / "benchmarks" / "naive.py"
    done = _run(python, str(script), str(BUNDLES), str(SCRATCH))
    found: Mapping[str, Any] = json.loads(done.splitlines()[-1])
    return found


def _run(*command: str) -> str:
    """What a command prints. Raises Unavailable with the last line of its errors."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, SERVING)))}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise Unavailable(f"it cannot be prepared: {reason[0]}")
    return done.stdout


def _newest(paths: Iterable[Path]) -> float:
    return max(path.stat().st_mtime for path in paths)
