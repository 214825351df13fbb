"""A local stand-in for S3: moto's server, on a real connection."""

import contextlib
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_REGION = "us-east-1"
_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


@dataclass(frozen=True)
class Aws:
    """A running server, a client of it, and the variables that send a function to it."""

    s3: "S3Client"
    environment: Mapping[str, str]

    def upload(self, bucket: str, key: str, body: bytes) -> None:
        """Put one object."""
        self.s3.put_object(Bucket=bucket, Key=key, Body=body)

    def download(self, bucket: str, key: str) -> bytes:
        """Read one object. Raises botocore's ClientError when there is none."""
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()


@contextlib.contextmanager
def start(*buckets: str) -> Iterator[Aws]:
    """Serve S3 on a free port, with these buckets, versioned as the template's are."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # else a line for every request
    server.start()
    try:
        endpoint = "http://{}:{}".format(*server.get_host_and_port())
        s3 = boto3.client(
            "s3",
            region_name=_REGION,
            endpoint_url=endpoint,
            aws_access_key_id=_CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )
        for bucket in buckets:
            s3.create_bucket(Bucket=bucket)
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        yield Aws(s3, {**_CREDENTIALS, "AWS_ENDPOINT_URL_S3": endpoint})
    finally:
        server.stop()
