"""`.keras` files: the configuration is read and repaired, the rest is Keras's own loading."""

import json
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import keras

from pack.models import configuration, hard_sigmoid, vocabularies
from pack.models.reading import Config, Reading, demand_named

_LARGE, _PACKED = 1 << 28, 100  # the limits of Keras's own loader
_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"


def version_of(path: Path) -> str:
    """The version of Keras that wrote the file or folder."""
    found: str = json.loads(_read(path, _METADATA) or "{}").get("keras_version", "3")
    return found


def load(path: Path, reading: Reading) -> keras.Model:
    """The model of a `.keras` file, or of a folder with the same files.

    Raises ValueError for custom code that is not named and for what does not fit.
    """
    text = _read(path, _CONFIG)
    config: Config = json.loads(text)
    written = configuration.modern(config, reading)
    demand_named(reading, path)
    configuration.demand_no_code(written, path)
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "model.keras"
        _write(path, copy, written)
        model = _loaded(path, copy, reading)
    if reading.version < 3:
        hard_sigmoid.fold(model, reading)
        configuration.demand_order(written, model, path)
    return model


@contextmanager
def weights(path: Path) -> Iterator[h5py.File]:
    """The file of weights within a `.keras` file or folder."""
    if path.is_dir():
        with h5py.File(path / _WEIGHTS, "r") as file:
            yield file
        return
    with (
        zipfile.ZipFile(path) as archive,
        archive.open(_WEIGHTS) as member,
        h5py.File(member, "r") as file,
    ):
        yield file


def _read(path: Path, name: str) -> str:
    if path.is_dir():
        member = path / name
        return member.read_text(encoding="utf-8") if member.exists() else ""
    with zipfile.ZipFile(path) as archive:
        return archive.read(name).decode() if name in archive.namelist() else ""


def _write(path: Path, copy: Path, config: Config) -> None:
    """The same archive with another configuration; the user's own is left as it is."""
    with zipfile.ZipFile(copy, "w") as target:
        target.writestr(_CONFIG, json.dumps(config))
        if path.is_dir():
            for member in (each for each in path.rglob("*") if each.is_file()):
                if member.name != _CONFIG:
                    target.write(member, member.relative_to(path))
            return
        with zipfile.ZipFile(path) as source:
            _demand_size(path, source)
            for info in (each for each in source.infolist() if each.filename != _CONFIG):
                with (
                    source.open(info) as read,
                    target.open(info.filename, "w", force_zip64=True) as out,
                ):
                    while block := read.read(1 << 20):
                        out.write(block)


def _demand_size(path: Path, archive: zipfile.ZipFile) -> None:
    """Keras stores what it writes as it is, and refuses to unpack what is packed like this."""
    for info in archive.infolist():
        if info.file_size > max(_LARGE, _PACKED * info.compress_size):
            raise ValueError(
                f"{path}: expected members packed at most {_PACKED} to 1, {info.filename} unpacks"
                f" to {info.file_size} bytes from {info.compress_size}"
            )


def _loaded(path: Path, copy: Path, reading: Reading) -> keras.Model:
    try:
        model, misread = vocabularies.load_model(copy, reading.objects)
    except configuration.REFUSALS as exc:
        raise ValueError(configuration.refused(path, exc)) from exc
    for name in vocabularies.repaired(model, misread):
        reading.note(name, "its vocabulary read as it was written, which Keras parts or shortens")
    return model
