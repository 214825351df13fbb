"""Amazon SQS: put a message into the queue of uploads."""

from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore import UNSIGNED
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


def send(url: str, body: str) -> None:
    """Send one message; raises botocore's ClientError."""
    _client().send_message(QueueUrl=url, MessageBody=body)


def preload() -> None:
    """As `storage.preload`, which comes before: the session is the same."""
    _client.cache_clear()
    boto3.client("sqs", config=Config(signature_version=UNSIGNED))


@cache
def _client() -> "SQSClient":
    """One that gives up within the seconds that are left when a file is to be continued."""
    config = Config(
        connect_timeout=1, read_timeout=2, retries={"mode": "standard", "max_attempts": 1}
    )
    return boto3.client("sqs", config=config)
