"""ZIP archives of pictures to instances, as they are read."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from serving import storage
from serving.errors import InputTooLarge, InvalidInput, MalformedInput, UnsupportedMedia
from serving.predictor import AnyPredictor
from serving.storage import Location, Stored
from serving.uploads.rows import Row, Rows

DIRECTORY_BYTES = 16_000_000  # about 150,000 pictures, which take 100 MB once it is read
_BUFFER = 1 << 20  # bytes of a request, so that small pictures share one
_WHOLE_BYTES = 8 << 20  # an archive up to this size is read with one request
_READ = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_END, _END_BYTES = b"PK\x05\x06", 22
_END64, _TAIL_BYTES = b"PK\x06\x06", 76 + 22 + 65_535  # with the end of ZIP64, and a comment


@contextmanager
def opened(
    where: Location, stored: Stored, predictor: AnyPredictor, position: int
) -> Iterator[Rows]:
    """The files of an archive behind a position, 0 or one that `Rows` had; folders are left out.

    Raises MalformedInput or UnsupportedMedia for what is no archive, InputTooLarge for one of too
    many files.
    """
    file: BinaryIO = io.BufferedReader(storage.Seekable(where, stored), _BUFFER)
    if stored.size <= _WHOLE_BYTES:
        file = io.BytesIO(storage.read(where, stored))
    _check_directory(file, stored.size)
    with _open(file) as archive:
        files = _Files(archive, predictor.manifest.limits.max_bytes, position)
        yield Rows(files, lambda: files.position, lambda: files.taken)


class _Files:
    """Every picture of an archive with its name; position: files that are done."""

    def __init__(self, archive: zipfile.ZipFile, max_bytes: int, position: int) -> None:
        self._archive, self._max_bytes = archive, max_bytes
        self.position, self.taken = position, 0
        self._listed = [info for info in archive.infolist() if _is_picture(info)]

    def __iter__(self) -> "_Files":
        return self

    def __next__(self) -> Row:
        if self.position >= len(self._listed):
            raise StopIteration
        info = self._listed[self.position]
        self.position += 1
        content = self._read(info)
        self.taken += len(content) if isinstance(content, bytes) else 0
        return Row(content, info.filename)

    def _read(self, info: zipfile.ZipInfo) -> bytes | InvalidInput:
        if info.file_size > self._max_bytes:
            return InputTooLarge(
                f"expected a file of at most {self._max_bytes} bytes, got {info.file_size}"
            )
        if info.compress_type not in _READ:
            return UnsupportedMedia("expected a file stored or deflated, got one packed otherwise")
        try:
            return self._archive.read(info)
        except (RuntimeError, NotImplementedError) as exc:
            return UnsupportedMedia(f"expected a file without encryption, got another: {exc}")
        except _DAMAGES as exc:
            return MalformedInput(f"expected a whole file in the archive, got a damaged one: {exc}")


# What zipfile raises for bytes that it cannot read; not OSError: S3's are to be retried.
_DAMAGES = (zipfile.BadZipFile, EOFError, ValueError, OverflowError, struct.error, zlib.error)


def _open(file: BinaryIO) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except (*_DAMAGES, NotImplementedError) as exc:
        raise MalformedInput(f"expected a whole ZIP archive, got a damaged one: {exc}") from exc


def _is_picture(info: zipfile.ZipInfo) -> bool:
    """Not a folder, nor what macOS puts beside the files."""
    name = info.filename.rpartition("/")[2]
    return not info.is_dir() and not name.startswith(".") and "__MACOSX/" not in info.filename


def _check_directory(file: BinaryIO, size: int) -> None:
    """Refuse a list of files that would not fit into memory, before it is read."""
    file.seek(max(0, size - _TAIL_BYTES))
    tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + _END_BYTES:
        raise UnsupportedMedia("expected a ZIP archive, got another kind of file, or half of one")
    (listed,) = struct.unpack_from("<I", tail, at + 12)
    at64 = tail.rfind(_END64, 0, at)
    if listed == 0xFFFFFFFF and at64 >= 0 and len(tail) >= at64 + 48:
        (listed,) = struct.unpack_from("<Q", tail, at64 + 40)
    if listed > DIRECTORY_BYTES:
        raise InputTooLarge(
            f"expected a ZIP archive with a directory of at most {DIRECTORY_BYTES} bytes,"
            f" got {listed}"
        )
