"""What TensorFlow reads from the environment when it is imported."""

import os
import zipfile
from pathlib import Path

# Convolutions of this format, by Keras's name or TensorFlow's, are in oneDNN alone.
_NEEDS_ONEDNN = (b"channels_first", b"NCHW")


def set_up_tensorflow(*models: Path) -> None:
    """Set it for the files of a model, where it is not set otherwise.

    oneDNN is off for all models that do without. It keeps a kernel for every shape that it meets,
    which let a function grow by 92 MB over 10,000 batches of changing sizes (benchmarks/memory.md),
    and picks kernels by the processor, which moves last digits.
    """
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # errors
    found = b"".join(map(_configuration, models))
    if not any(name in found for name in _NEEDS_ONEDNN):
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")


def _configuration(model: Path) -> bytes:
    """The bytes that name the layers of a `.keras` file, an HDF5 file or a SavedModel's folder."""
    if model.is_dir():
        model /= "saved_model.pb"
    if zipfile.is_zipfile(model):
        with zipfile.ZipFile(model) as archive:
            return b"".join(archive.read(n) for n in archive.namelist() if n.endswith(".json"))
    return model.read_bytes() if model.is_file() else b""
