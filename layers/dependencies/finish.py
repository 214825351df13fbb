"""Gives a folder of modules the bytecode that Lambda needs, and nothing of the machine it is on.

    python3.12 finish.py FOLDER RUNS_AS

RUNS_AS is where Lambda has the folder, which is what tracebacks name.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

EARLIEST = 315_532_800  # 1980, the earliest time that a zip file can hold


def finish(folder: Path, runs_as: str) -> None:
    """Compile every module, let every user read every file, and give all of them one time.

    Lambda can write no bytecode, and its files have other times than the sources had here: it is
    read without a check. A container runs as a user who owns nothing in it. With one time for all,
    an image's layer is the same wherever it was built, and is pushed once.
    Raises CalledProcessError if a module does not compile, after compileall has said why.
    """
    for cache in list(folder.rglob("__pycache__")):
        shutil.rmtree(cache)
    command = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    command += ["-s", str(folder), "-p", runs_as, str(folder)]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": "0"})
    for path in [*folder.rglob("*"), folder]:
        executable = path.is_dir() or path.stat().st_mode & 0o111
        path.chmod(0o755 if executable else 0o644)
        os.utime(path, (EARLIEST, EARLIEST))


if __name__ == "__main__":
    finish(Path(sys.argv[1]), sys.argv[2])
