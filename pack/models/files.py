"""What a path holds, by its content: a model that can be read, or what it is instead."""

import zipfile
from pathlib import Path

EXPECTED = "a Keras model: a .keras file, an HDF5 file (.h5, .hdf5) or a SavedModel folder"
_HDF5 = b"\x89HDF\r\n\x1a\n"
_OWN_WORDS = {
    b"version https://git-lfs": "a Git LFS pointer, not the file itself: run `git lfs pull`",
    b"\x80\x02\x8a": "a PyTorch file; pack takes Keras models only",
    b"<!DOCTYPE": "a web page, as a failed download leaves it",
    b"<html": "a web page, as a failed download leaves it",
    b"\x1f\x8b": "a gzip archive: unpack it and name what is in it",
    b"ustar": "a tar archive: unpack it and name what is in it",
    b"TFL3": "a LiteRT (TFLite) model; name the Keras model that it was converted from",
}


def kind_of(path: Path) -> str:
    """One of "keras", "hdf5" and "savedmodel", by content, whatever the name.

    Raises FileNotFoundError if nothing is there, and ValueError for anything else, saying what it
    is as far as its first bytes tell.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path}: expected {EXPECTED}, found nothing")
    if path.is_dir():
        return _kind_of_folder(path)
    with path.open("rb") as file:
        head = file.read(512)
    if head.startswith(_HDF5):
        return "hdf5"
    if head.startswith(b"PK"):
        return _kind_of_zip(path)
    raise ValueError(f"{path}: expected {EXPECTED}, got {_described(path, head)}")


def _kind_of_folder(path: Path) -> str:
    if (path / "saved_model.pb").is_file():
        return "savedmodel"
    if (path / "config.json").is_file() and (path / "model.weights.h5").is_file():
        return "keras"
    inside = [each.name for each in sorted(path.iterdir())]
    models = [each.name for each in sorted(path.glob("*/saved_model.pb"))]
    raise ValueError(
        f"{path}: expected {EXPECTED}, got a folder without saved_model.pb"
        f" (it holds {_listed(inside)})"
        + (f"; {', '.join(str(each) for each in path.glob('*/saved_model.pb'))}" if models else "")
        + _checkpoint_hint(inside)
    )


def _kind_of_zip(path: Path) -> str:
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path}: expected {EXPECTED}, got the beginning of a zip file, cut short")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if "config.json" in names and any(name.startswith("model.weights.") for name in names):
        return "keras"
    if any(name.endswith("data.pkl") for name in names):
        raise ValueError(
            f"{path}: expected {EXPECTED}, got a PyTorch file; pack takes Keras models only"
        )
    raise ValueError(
        f"{path}: expected {EXPECTED}, got a zip file that is none (it holds {_listed(names)});"
        " if a model is in it, unpack it first"
    )


def _described(path: Path, head: bytes) -> str:
    if not head:
        return "an empty file"
    for start, words in _OWN_WORDS.items():
        if head.startswith(start) or head[4:8] == start or head[257:262] == start:
            return words
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return (
            "a pickle (joblib writes them too); save the model itself with model.save('name.keras')"
        )
    if head.lstrip()[:1] in (b"{", b"["):
        return (
            "JSON, which is an architecture without weights: name the weights with --model"
            f" and this file with --architecture {path}"
        )
    if path.suffix in (".index", ".ckpt") or ".data-" in path.name:
        return _CHECKPOINT
    return f"a file that begins with {head[:8]!r}"


def _checkpoint_hint(inside: list[str]) -> str:
    return f": {_CHECKPOINT}" if any(name.endswith(".index") for name in inside) else ""


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "") if names else "nothing"


_CHECKPOINT = (
    "a TensorFlow checkpoint, which has weights alone; load it into the model where that was"
    " trained and write model.save('name.keras')"
)
