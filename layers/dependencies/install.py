"""Installs the third-party packages of the functions, and no more of each than they import.

    python3.12 install.py onnx|keras TARGET [--platform TAG ...]

onnx is the set of the layer, keras that of the container. Needs the standard library and pip alone:
the image that the container is built in has no make and no find.
"""

import argparse
import shutil
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from finish import finish

LOCKS = Path(__file__).parent
# Where Lambda has the packages, and tracebacks are to name them.
PACKAGES = "/opt/python"

# Never imported to run a model. AVIF is not among the pictures that are served.
UNUSED = (
    "bin",
    "include",
    "numpy/f2py",
    "numpy/_pyinstaller",
    "numpy/conftest.py",
    "PIL/_avif.*.so",
    "pillow.libs/libavif-*.so*",
    "aws_lambda_powertools/event_handler/openapi/swagger_ui",
    "*.dist-info/RECORD",
    "*.dist-info/REQUESTED",
    "*.dist-info/INSTALLER",
    "*.dist-info/sboms",
    "**/tests",
    "**/*.pyi",
    "**/*.pxd",
    "**/*.pyx",
    "**/*.h",
    "**/*.a",
    "**/*.lib",
)
# ONNX Runtime's Python module has the runtime linked in, so its libonnxruntime.so is a second copy
# (35 MB).
UNUSED_ONNX = (
    "onnxruntime/backend",
    "onnxruntime/datasets",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
    "onnxruntime/capi/libonnxruntime.so.*",
)
# Nothing but documentation of what NumPy has in C: 4 to 8 of 200 ms of a start's processor time.
EMPTIED = ("numpy/_core/_add_newdocs.py", "numpy/_core/_add_newdocs_scalars.py")
# C++ headers (287 MB), and libraries that no module of TensorFlow loads (50 MB): the operations of
# _xla_ops.so, for one, are in libtensorflow_cc.so too. What else looks idle, such as
# tensorflow/lite, is loaded by `import tensorflow`.
UNUSED_KERAS = (
    "tensorflow/include",
    "tensorflow/xla_aot_runtime_src",
    "tensorflow/compiler/mlir/stablehlo",
    "tensorflow/compiler/tf2xla/ops/_xla_ops.so",
    "tensorflow/python/framework/lib_native_proto_caster.so",
)


@dataclass(frozen=True)
class Set:
    """A lock beside this file, the patterns of what to remove, and whether libraries are cut."""

    lock: str
    unused: tuple[str, ...]
    cut: bool


SETS = {
    "onnx": Set("requirements.txt", (*UNUSED, *UNUSED_ONNX), cut=False),
    "keras": Set("requirements-keras.txt", (*UNUSED, *UNUSED_KERAS), cut=True),
}


def main() -> None:
    """Install a set."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("set", choices=SETS)
    parser.add_argument("target", type=Path, help="folder to install into, which must be empty")
    parser.add_argument(
        "--platform",
        nargs="+",
        default=[],
        metavar="TAG",
        help="tags of the wheels to take, for another machine than this one",
    )
    arguments = parser.parse_args()
    if sys.version_info[:2] != (3, 12):
        parser.error(f"expected Python 3.12, whose bytecode Lambda reads; got {sys.version}")
    chosen, target = SETS[arguments.set], arguments.target
    say("installing the locked packages")
    install(LOCKS / chosen.lock, target, arguments.platform)
    say("removing what is never imported")
    remove(target, chosen.unused)
    for name in EMPTIED:
        (target / name).write_text("", encoding="utf-8")
    if chosen.cut:
        say("cutting symbol tables off")
        for library in sorted(target.rglob("*.so*")):
            cut(library)
    say("compiling bytecode")
    finish(target, PACKAGES)


def say(step: str) -> None:
    """Tell what is being done, at once: a build shows a pipe's output as it comes."""
    sys.stdout.write(f"dependencies: {step}\n")
    sys.stdout.flush()


def install(lock: Path, target: Path, platforms: list[str]) -> None:
    """Install exactly what is locked; raises CalledProcessError, after pip has said why."""
    command = [sys.executable, "-m", "pip", "install", "--no-compile", "--no-deps"]
    # Twice quiet: where several indexes are configured, pip warns of each that lacks a package.
    command += ["--quiet", "--quiet", "--disable-pip-version-check"]
    command += ["--require-hashes", "--only-binary=:all:"]
    if platforms:
        command += ["--implementation", "cp", "--python-version", "3.12"]
        command += [f"--platform={tag}" for tag in platforms]
    command += ["--target", str(target), "--requirement", str(lock)]
    subprocess.run(command, check=True)


def remove(target: Path, patterns: tuple[str, ...]) -> None:
    """Remove the files and folders that glob patterns match."""
    for pattern in patterns:
        for path in sorted(target.glob(pattern), reverse=True):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def cut(library: Path) -> None:
    """Cut off what a 64-bit ELF library keeps behind the segments that a loader maps.

    These are symbol tables for linkers and debuggers: 250 of TensorFlow's 1,000 MB of libraries.
    See elf(5): e_phoff, e_shoff, e_phentsize, e_phnum, then e_shentsize, e_shnum and e_shstrndx,
    which are zero where a file has no sections.
    """
    with library.open("r+b") as file:
        header = file.read(64)
        if header[:6] != b"\x7fELF\x02\x01":  # another format, 32 bits or big-endian
            return
        (table,) = struct.unpack_from("<Q", header, 32)
        size, count = struct.unpack_from("<HH", header, 54)
        file.seek(table)
        segments = file.read(size * count)
        end = table + size * count
        for start in range(0, len(segments), size):
            offset, _, _, length = struct.unpack_from("<4Q", segments, start + 8)
            end = max(end, offset + length)
        file.seek(40)
        file.write(bytes(8))
        file.seek(58)
        file.write(bytes(6))
        file.truncate(end)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as exc:  # which has said why
        sys.exit(exc.returncode)
