"""`python -m local.s3 PORT`: moto's S3 in a process of its own, corrected where S3 is another.

moto 5.2 ignores If-Match when parts are made an object, and has a fault for an upload of parts
that is gone, where S3 answers 412 and 404.
"""

import logging
import sys
from functools import cache
from typing import Any

from flask import request
from moto.s3.exceptions import MissingKey, NoSuchUpload, PreconditionFailed
from moto.s3.models import S3Backend
from moto.server import ThreadedMotoServer


@cache
def correct() -> None:
    """Let moto in this process do as S3 does."""
    upload_part, complete = S3Backend.upload_part, S3Backend.complete_multipart_upload

    def upload_if_begun(self: S3Backend, bucket: str, upload: str, *part: Any) -> Any:
        _demand_upload(self, bucket, upload)
        return upload_part(self, bucket, upload, *part)

    def complete_if_matching(self: S3Backend, bucket: str, upload: str, body: Any) -> Any:
        _demand_upload(self, bucket, upload)
        _demand_match(self, bucket, self.get_bucket(bucket).multiparts[upload].key_name)
        return complete(self, bucket, upload, body)

    setattr(S3Backend, "upload_part", upload_if_begun)  # noqa: B010
    setattr(S3Backend, "complete_multipart_upload", complete_if_matching)  # noqa: B010


def _demand_upload(backend: S3Backend, bucket: str, upload: str) -> None:
    if upload not in backend.get_bucket(bucket).multiparts:
        raise NoSuchUpload(upload_id=upload)


def _demand_match(backend: S3Backend, bucket: str, key: str) -> None:
    expected, found = request.headers.get("If-Match"), backend.get_object(bucket, key)
    if expected and found is None:
        raise MissingKey(key=key)
    if expected and found is not None and found.etag.strip('"') != expected.strip('"'):
        raise PreconditionFailed("If-Match")


def serve(port: int) -> ThreadedMotoServer:
    """Start a server on this port of this machine, or on a free one for 0."""
    correct()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # else a line for every request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    return server


if __name__ == "__main__":
    serve(int(sys.argv[1]))
    sys.stdin.read()  # until whoever started it ends
