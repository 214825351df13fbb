"""A local stand-in for S3: moto's server, on a real connection."""

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3

from local import s3 as moto_s3
from local.package import ROOT

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
    server = moto_s3.serve(0)
    try:
        yield _connect("http://{}:{}".format(*server.get_host_and_port()), buckets)
    finally:
        server.stop()


@contextlib.contextmanager
def start_apart(*buckets: str) -> Iterator[Aws]:
    """As `start`, in a process of its own, which does not wait for this one's Python."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "local.s3", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE) as process:
        try:
            _wait(process, port)
            yield _connect(f"http://127.0.0.1:{port}", buckets)
        finally:
            process.kill()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    """Until the server answers; what it has to say of a failure it says itself."""
    while process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise OSError(f"expected S3 on port {port}, its process ended with {process.returncode}")


def _connect(endpoint: str, buckets: tuple[str, ...]) -> Aws:
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
    return Aws(s3, {**_CREDENTIALS, "AWS_ENDPOINT_URL_S3": endpoint})
