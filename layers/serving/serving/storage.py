"""Amazon S3: look at, read, write and remove objects. boto3 is imported here and in `queue`."""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_GONE = ("404", "NoSuchKey", "NoSuchVersion", "NoSuchUpload")
_CHANGED = ("412", "PreconditionFailed", "409", "ConditionalRequestConflict", "InvalidPart")
_BUFFER = 1 << 20  # bytes of a body that are read at once


class Changed(Exception):
    """An object is no longer what it was when it was looked at, or is gone."""


@dataclass(frozen=True)
class Location:
    """Where an object is."""

    bucket: str
    key: str


@dataclass(frozen=True)
class Stored:
    """What is known of an object without reading it; version is None in an unversioned bucket."""

    etag: str
    version: str | None
    size: int
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class Described:
    """What is stored beside an object's bytes: its type, metadata and tags, all ASCII."""

    content_type: str
    metadata: Mapping[str, str]
    tags: Mapping[str, str]

    def arguments(self) -> dict[str, Any]:
        """As S3's API takes them."""
        return {
            "ContentType": self.content_type,
            "Metadata": dict(self.metadata),
            "Tagging": urlencode(self.tags),
        }


@dataclass(frozen=True)
class Form:
    """A form that uploads a file without credentials: url, and the fields in front of the file."""

    url: str
    fields: Mapping[str, str]


@dataclass(frozen=True)
class Part:
    """An uploaded part of an object; number counts from 1."""

    number: int
    etag: str


def head(where: Location) -> Stored | None:
    """The newest version of an object, or None if there is none.

    Raises botocore's ClientError for everything that a retry may mend, as all of this does.
    """
    try:
        found = _client().head_object(Bucket=where.bucket, Key=where.key)
    except ClientError as exc:
        if _code(exc) in _GONE:
            return None
        raise
    return Stored(
        found["ETag"], found.get("VersionId"), found["ContentLength"], found.get("Metadata", {})
    )


def read(where: Location, stored: Stored, start: int = 0, stop: int | None = None) -> bytes:
    """Bytes start to stop, or to the end, of an object that is still as it was stored.

    Raises Changed if it is not.
    """
    with opened(where, stored, start, stop) as body:
        return body.read()


@contextmanager
def opened(
    where: Location, stored: Stored, start: int = 0, stop: int | None = None
) -> Iterator[io.BufferedReader]:
    """As `read`, as a stream."""
    if start >= (stored.size if stop is None else min(stop, stored.size)):
        yield io.BufferedReader(io.BytesIO())
        return
    end = "" if stop is None else stop - 1
    with _conditional():
        answer = _client().get_object(
            Bucket=where.bucket, Key=where.key, IfMatch=stored.etag, Range=f"bytes={start}-{end}"
        )
    with answer["Body"] as body:
        yield io.BufferedReader(_Raw(body), _BUFFER)


def write(where: Location, body: bytes, described: Described, over: Stored | None) -> None:
    """Put an object in place of what was there when it was looked at, `over`, or of nothing.

    Raises Changed if something else is there.
    """
    with _conditional():
        _client().put_object(
            Bucket=where.bucket,
            Key=where.key,
            Body=body,
            **described.arguments(),
            **_condition(over),
        )


def put(where: Location, body: bytes, described: Described) -> None:
    """Put an object, whatever was there."""
    _client().put_object(Bucket=where.bucket, Key=where.key, Body=body, **described.arguments())


def remove(where: Location, stored: Stored) -> None:
    """Delete an object that is still as it was stored; raise Changed if it is not, or is gone."""
    with _conditional():
        _client().delete_object(Bucket=where.bucket, Key=where.key, IfMatch=stored.etag)


def begin_parts(where: Location, described: Described) -> str:
    """Begin an object that is written in parts; returns the upload's id."""
    answer = _client().create_multipart_upload(
        Bucket=where.bucket, Key=where.key, **described.arguments()
    )
    return answer["UploadId"]


def write_part(where: Location, upload: str, number: int, body: bytes) -> Part:
    """Write one part, of 5 MiB and more but for the last; raise Changed if the upload is gone."""
    with _conditional():
        answer = _client().upload_part(
            Bucket=where.bucket, Key=where.key, UploadId=upload, PartNumber=number, Body=body
        )
    return Part(number, answer["ETag"])


def finish_parts(where: Location, upload: str, parts: Sequence[Part], over: Stored | None) -> None:
    """Make the parts an object, under the condition of `write`."""
    listed = [{"PartNumber": part.number, "ETag": part.etag} for part in parts]
    with _conditional():
        _client().complete_multipart_upload(
            Bucket=where.bucket,
            Key=where.key,
            UploadId=upload,
            MultipartUpload={"Parts": listed},  # type: ignore[typeddict-item]
            **_condition(over),
        )


def begun(where: Location) -> list[str]:
    """The ids of all uploads of parts that were begun for an object, and not finished."""
    pages = (
        _client()
        .get_paginator("list_multipart_uploads")
        .paginate(Bucket=where.bucket, Prefix=where.key)
    )
    found = (upload for page in pages for upload in page.get("Uploads", []))
    return [upload["UploadId"] for upload in found if upload["Key"] == where.key]


def forget_parts(where: Location, upload: str) -> None:
    """Give up an object that was begun, whether it still is or not."""
    try:
        _client().abort_multipart_upload(Bucket=where.bucket, Key=where.key, UploadId=upload)
    except ClientError as exc:
        if _code(exc) not in _GONE:
            raise


def presign_upload(where: Location, content_type: str, most: int, seconds: int) -> Form:
    """Allow whoever has the form to put this one object: of this type, of 1 to `most` bytes."""
    signed = _signer().generate_presigned_post(
        where.bucket,
        where.key,
        Fields={"Content-Type": content_type},
        Conditions=[{"Content-Type": content_type}, ["content-length-range", 1, most]],
        ExpiresIn=seconds,
    )
    return Form(signed["url"], signed["fields"])


def presign_download(where: Location, seconds: int) -> str:
    """A URL that reads this one object without credentials."""
    parameters = {"Bucket": where.bucket, "Key": where.key}
    return _signer().generate_presigned_url("get_object", parameters, ExpiresIn=seconds)


def connect() -> None:
    """Make the clients now and not with the first request: Lambda starts with a whole processor."""
    _client(), _signer()


def preload() -> None:
    """Read what clients are made of, and leave none: no connection, and no credentials.

    botocore's session keeps the API's description, which is nearly all of a client's time.
    """
    boto3.setup_default_session()  # in place of one that may hold credentials
    _client.cache_clear()
    _signer.cache_clear()
    boto3.client("s3", config=Config(signature_version=UNSIGNED))


class Seekable(io.RawIOBase):
    """An object as a file with a position, each read a request; wrap it in a BufferedReader."""

    def __init__(self, where: Location, stored: Stored) -> None:
        self._where, self._stored, self._at = where, stored, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._stored.size}[whence]
        if origin + offset < 0:
            raise ValueError(f"expected a position in the object, got {origin + offset}")
        self._at = origin + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        found = read(self._where, self._stored, self._at, self._at + len(buffer))
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)


class _Raw(io.RawIOBase):
    """botocore's body as a raw stream."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        found = self._body.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)


def _condition(over: Stored | None) -> dict[str, Any]:
    return {"IfMatch": over.etag} if over else {"IfNoneMatch": "*"}


@contextmanager
def _conditional() -> Iterator[None]:
    """Tell what came between from what a retry may mend."""
    try:
        yield
    except ClientError as exc:
        if _code(exc) in _GONE + _CHANGED:
            raise Changed(str(exc)) from exc
        raise


def _code(exc: ClientError) -> str:
    return exc.response["Error"]["Code"]


@cache
def _client() -> "S3Client":
    config = Config(
        connect_timeout=3, read_timeout=10, retries={"mode": "standard", "max_attempts": 3}
    )
    return boto3.client("s3", config=config)


@cache
def _signer() -> "S3Client":
    """A client whose URLs name the bucket's region, since S3 redirects the others of a new bucket,
    and are signed as every region takes it.
    """
    config = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
    return boto3.client("s3", config=config)
