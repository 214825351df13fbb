"""Uploads that do not fit through the API: a form to post one file to S3, and what became of it.

There is no database: the id of an upload says where its object and its answer are.

    id      image-5f0c47d1a86b4a5f9a5e1d6a3c1f0b27.jpg
    object  image/uploads/5f0c47d1a86b4a5f9a5e1d6a3c1f0b27.jpg in the input bucket
    answer  under the same key in the results bucket, as to every object
"""

import os
import re
import secrets
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from serving import storage
from serving.bundle import Bundle
from serving.errors import NotFound, UnfitInput, UnsupportedMedia, shorten
from serving.storage import Changed, Form, Location, Stored
from serving.uploads import answers, kinds
from serving.uploads.answers import Places, Stamp

SECONDS = 900  # for which a form or a URL is good: an upload or download has to begin in it
FOLDER = "uploads"  # under the trigger's prefix: what comes through the API, apart from the rest
ROWS_BYTES = 5_000_000_000  # of a file of rows: what S3 takes in one request
SHOWN_BYTES = 1_000_000  # a longer answer is not repeated here; Lambda's own may have 6 MB

_TYPES = {  # of files of rows, by the end of their suffix
    ".csv": "text/csv",
    ".jsonl": "application/x-ndjson",
    ".gz": "application/gzip",
    ".zip": "application/zip",
}
_TOKEN = re.compile(r"[0-9a-f]{32}")  # 128 bits: not to be guessed


@dataclass(frozen=True)
class Upload:
    """One upload. token: what nobody can guess. suffix: of `kinds`, in lower case."""

    modality: str
    token: str
    suffix: str

    @property
    def identifier(self) -> str:
        """The id that a caller has."""
        return f"{self.modality}-{self.token}{self.suffix}"

    @property
    def key(self) -> str:
        """Of the object."""
        return f"{self.modality}/{FOLDER}/{self.token}{self.suffix}"

    @property
    def source(self) -> Location:
        """Where the object is, or is to be."""
        return Location(os.environ["INPUT_BUCKET"], self.key)

    @property
    def places(self) -> Places:
        """Where the answer is, or is to be."""
        has_rows = kinds.has_rows(self.key, self.modality)
        return answers.places(os.environ["RESULTS_BUCKET"], self.key, has_rows)

    @property
    def content_type(self) -> str:
        """The media type that the object must have."""
        documents = kinds.DOCUMENTS[self.modality]
        return documents.get(self.suffix) or _TYPES[f".{self.suffix.rpartition('.')[2]}"]

    @property
    def max_bytes(self) -> int:
        """How large the object may be; raises BundleError if there is no such model."""
        if kinds.has_rows(self.key, self.modality):
            return ROWS_BYTES
        return _max_bytes(Path(os.environ.get("ARTIFACTS_DIR", "/opt/artifacts")) / self.modality)


def begin(model: str, filename: str) -> Upload:
    """A new upload for a model; of the file's name only the suffix counts.

    Raises UnfitInput for an unknown model and UnsupportedMedia for a suffix it does not read.
    """
    if model not in kinds.DOCUMENTS:
        raise UnfitInput(f"expected the model {' or '.join(kinds.DOCUMENTS)}, got {shorten(model)}")
    suffixes = _suffixes(model)
    for suffix in suffixes:
        if filename.lower().endswith(suffix):
            return Upload(model, secrets.token_hex(16), suffix)
    raise UnsupportedMedia(
        f"expected a filename that ends in {', '.join(suffixes)}, got {shorten(filename)}"
    )


def find(identifier: str) -> Upload:
    """The upload of an id; raises NotFound for what `begin` never gave."""
    modality, _, name = identifier.partition("-")
    token, suffix = name[:32], name[32:]
    known = modality in kinds.DOCUMENTS and suffix in _suffixes(modality)
    if not known or not _TOKEN.fullmatch(token):
        raise NotFound(f"expected an id that POST /uploads gave, got {shorten(identifier)}")
    return Upload(modality, token, suffix)


def sign(upload: Upload) -> Form:
    """The form that uploads the file; raises BundleError if there is no such model."""
    return storage.presign_upload(upload.source, upload.content_type, upload.max_bytes, SECONDS)


def status(upload: Upload) -> dict[str, Any]:
    """What became of an upload: pending, done or failed.

    Only an answer to the object as it is now counts, so that one that was uploaded again is
    pending. Where there is no object any more, whatever answer is left counts.
    Raises botocore's ClientError.
    """
    places, stored = upload.places, storage.head(upload.source)
    result, error = storage.head(places.result), storage.head(places.error)
    try:
        if result is not None and _answers(upload, stored, result):
            return {"id": upload.identifier, "status": "done", **_show(places.result, result)}
        if error is not None and _answers(upload, stored, error):
            problem = orjson.loads(storage.read(places.error, error))
            return {"id": upload.identifier, "status": "failed", "problem": problem}
    except Changed:  # it is being written anew
        pass
    return {"id": upload.identifier, "status": "pending", "uploaded": stored is not None}


def _answers(upload: Upload, stored: Stored | None, answer: Stored) -> bool:
    """Whether an answer is to what is stored, by whatever model."""
    return stored is None or Stamp(upload.source, stored, {}).matches(answer)


def _show(where: Location, result: Stored) -> dict[str, Any]:
    """A URL of the result, and the result itself if it is one short document."""
    shown: dict[str, Any] = {
        "url": storage.presign_download(where, SECONDS),
        "expires_in": SECONDS,
    }
    if where.key.endswith(".json") and result.size <= SHOWN_BYTES:
        shown["result"] = orjson.loads(storage.read(where, result))
    return shown


def _suffixes(modality: str) -> tuple[str, ...]:
    return (*kinds.DOCUMENTS[modality], *kinds.ROWS[modality])


@cache
def _max_bytes(folder: Path) -> int:
    return Bundle.open(folder).manifest.limits.max_bytes
