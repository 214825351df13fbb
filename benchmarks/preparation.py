"""Getting ready what contenders need beside the built package, or saying why it is not there."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.contenders import BUNDLES, MOBILENET, SCRATCH, Packages, Unavailable, layer
from local.package import ROOT

SERVING = ROOT / "layers" / "serving"


def find_naive(python: str) -> Packages:
    """Prepare the naive handlers with the Python that has TensorFlow.

    Raises Unavailable where it has none, or is of another version than this one.
    """
    done = _run(python, str(ROOT / "benchmarks" / "naive.py"), BUNDLES, str(SCRATCH))
    found: Mapping[str, Any] = json.loads(done.splitlines()[-1])
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


def find_peer(name: str) -> peers.Peer:
    """An installed model server. Raises Unavailable where it is not installed."""
    try:
        return peers.find(name)
    except peers.Unavailable as exc:
        raise Unavailable(str(exc)) from exc


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
