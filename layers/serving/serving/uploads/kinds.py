"""Which kind of file an object is: by its key how it is answered, by its bytes how it is read."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from serving import storage
from serving.errors import MalformedInput
from serving.storage import Location, Stored

DOCUMENTS = {
    "image": {
        ".jpg": "image/jpeg",
        ".jpeg": "image/jpeg",
        ".png": "image/png",
        ".webp": "image/webp",
        ".gif": "image/gif",
        ".bmp": "image/bmp",
        ".tif": "image/tiff",
        ".tiff": "image/tiff",
    },
    "text": {".txt": "text/plain", ".json": "application/json"},
    "numeric": {".json": "application/json"},
}
_TABLES = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz")
ROWS = {"image": (".zip",), "text": _TABLES, "numeric": _TABLES}
_GZIP, _BUFFER = b"\x1f\x8b", 1 << 20


def has_rows(key: str, modality: str) -> bool:
    """Whether an object of this key is answered line by line."""
    return key.lower().endswith(ROWS[modality])


def content_type(key: str, modality: str) -> str | None:
    """The media type of a document, or None for a suffix that the modality does not read.

    A picture's own bytes tell what it is, whatever its suffix.
    """
    suffix = f".{key.rpartition('.')[2].lower()}"
    unknown = "application/octet-stream" if modality == "image" else None
    return DOCUMENTS[modality].get(suffix, unknown)


@contextmanager
def decompressed(where: Location, stored: Stored, start: int = 0) -> Iterator[io.BufferedReader]:
    """An object's content from a position in it, out of gzip if its first bytes say that it is.

    Raises Changed if the object is no longer what was stored, and MalformedInput while it is read
    for gzip that is cut short or damaged.
    """
    with storage.opened(where, stored) as file:
        if file.peek(len(_GZIP)).startswith(_GZIP):
            yield _skip(io.BufferedReader(_Gzip(file), _BUFFER), start)
            return
        if start == 0:
            yield file
            return
    with storage.opened(where, stored, start) as file:
        yield file


def _skip(content: io.BufferedReader, count: int) -> io.BufferedReader:
    for at in range(0, count, _BUFFER):
        content.read(min(_BUFFER, count - at))
    return content


class _Gzip(io.RawIOBase):
    """gzip's content, its errors as ours."""

    def __init__(self, packed: BinaryIO) -> None:
        self._file = gzip.GzipFile(fileobj=packed)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            found = self._file.read(len(buffer))
        except (
            gzip.BadGzipFile,
            EOFError,
            zlib.error,
        ) as exc:  # not OSError: S3's are to be retried
            raise MalformedInput(f"expected a whole gzip file, got a damaged one: {exc}") from exc
        buffer[: len(found)] = found
        return len(found)
