"""Amazon S3: read an uploaded object, write a result. The only module that imports boto3."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from serving.errors import InputTooLarge

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class StoredObject:
    """An object's content and what identifies it; version is None in an unversioned bucket."""

    body: bytes
    etag: str
    version: str | None


def read(bucket: str, key: str, max_bytes: int) -> StoredObject | None:
    """The newest version of an object, or None if there is none any more.

    Raises InputTooLarge before a byte of a larger object is read, and botocore's ClientError for
    everything that a retry may mend.
    """
    try:
        answer = _client().get_object(Bucket=bucket, Key=key)
    except ClientError as exc:
        if exc.response["Error"]["Code"] in ("NoSuchKey", "NoSuchVersion", "404"):
            return None
        raise
    with answer["Body"] as stream:
        size = answer["ContentLength"]
        if size > max_bytes:
            raise InputTooLarge(f"expected an object of at most {max_bytes} bytes, got {size}")
        return StoredObject(stream.read(), answer["ETag"].strip('"'), answer.get("VersionId"))


def write(bucket: str, key: str, body: bytes, content_type: str) -> None:
    """Put an object, replacing one of the same key; raises botocore's ClientError."""
    _client().put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type)


@cache
def _client() -> "S3Client":
    config = Config(
        connect_timeout=3, read_timeout=10, retries={"mode": "standard", "max_attempts": 3}
    )
    return boto3.client("s3", config=config)
