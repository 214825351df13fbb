"""The project's own programs, run as a person would."""

import subprocess
import sys

from local.package import ROOT


def run(module: str, *arguments: str) -> None:
    """`python -m module arguments` in the repository's root; fails with the end of its errors."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr[-3000:]
