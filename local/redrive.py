"""`python -m local.redrive`: send failed upload events back, to be tried again.

The queue of failed events holds two kinds: messages of the uploads queues, as they were, and what
Lambda tells of an asynchronous call that failed three times, with its event as `requestPayload`.
Both go to the uploads queue of their objects' modality. SQS's own StartMessageMoveTask would send
the first kind back, and refuses the second, which came from no queue.

An event may be sent twice, if this is stopped between sending and deleting it. It says only where
to look, so the second finds nothing to do.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

STACK = "keras-lambda"  # as samconfig.toml has it
MODALITIES = ("image", "text", "numeric")
AT_ONCE = 10  # messages, the most that SQS gives for one request
HIDDEN_SECONDS = 300  # ten messages take one; the rest is for a slow line
WAIT_SECONDS = 2  # any wait makes SQS ask all of its servers before it says that there is none
SHOWN = 20  # messages that are left, each with its reason


class Misplaced(Exception):
    """A message that belongs to no uploads queue."""


class NoQueues(Exception):
    """The stack does not say which queues are its own."""


@dataclass(frozen=True)
class Queues:
    """The URLs of the queue of failed events, and of the uploads queue of each modality."""

    failed: str
    uploads: Mapping[str, str]


@dataclass(frozen=True)
class Outcome:
    """moved: the modality of every message that was. left: by id, the reason and the receipt."""

    moved: list[str] = field(default_factory=list)
    left: dict[str, tuple[str, str]] = field(default_factory=dict)


def main() -> int:
    """Move the messages; 1 if one is left, or if it did not come to an end."""
    parser = argparse.ArgumentParser(description="Send failed upload events back to their queues.")
    parser.add_argument("--stack", default=STACK, help=f"whose queues they are; {STACK}")
    for name in ("failed", *MODALITIES):
        parser.add_argument(f"--{name}", metavar="URL", help=f"the {name} queue itself")
    options = parser.parse_args()
    urls = {name: getattr(options, name) for name in ("failed", *MODALITIES)}
    if any(urls.values()) and not all(urls.values()):
        parser.error("expected the URLs of all four queues, or of none")
    outcome = Outcome()
    try:
        queues = _queues(urls) if all(urls.values()) else find_queues(options.stack)
        redrive(boto3.client("sqs"), queues, outcome)
    except (BotoCoreError, ClientError, NoQueues) as exc:
        print(f"redrive: stopped: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("redrive: interrupted; what is not sent back yet is still there", file=sys.stderr)
        return 1
    finally:
        _report(outcome)
    return 1 if outcome.left else 0


def find_queues(stack: str) -> Queues:
    """The queues that a stack's outputs name; raise NoQueues if they name none."""
    (found,) = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
    names = {"failed": "FailedEventsQueueUrl"} | {
        modality: f"{modality.title()}UploadsQueueUrl" for modality in MODALITIES
    }
    missing = [name for name in names.values() if name not in outputs]
    if missing:
        raise NoQueues(f"expected the outputs of template.yaml in {stack}, got none of {missing}")
    return _queues({name: outputs[output] for name, output in names.items()})


def redrive(sqs: "SQSClient", queues: Queues, outcome: Outcome) -> None:
    """Move every message that has a place, and tell of it in `outcome` as it is done.

    A message is deleted only after it was sent. One without a place stays, and can be seen again
    when this ends. Raises botocore's errors, after which it can be repeated.
    """

    def move(message: "MessageTypeDef") -> None:
        receipt = message["ReceiptHandle"]
        try:
            modality, event = place(message["Body"])
        except Misplaced as exc:
            outcome.left[message["MessageId"]] = (str(exc), receipt)
            return
        sqs.send_message(QueueUrl=queues.uploads[modality], MessageBody=event)
        sqs.delete_message(QueueUrl=queues.failed, ReceiptHandle=receipt)
        outcome.moved.append(modality)

    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            while messages := _receive(sqs, queues.failed, outcome):
                list(pool.map(move, messages))
    finally:
        for _, receipt in outcome.left.values():
            with suppress(ClientError):  # it can be seen already
                sqs.change_message_visibility(
                    QueueUrl=queues.failed, ReceiptHandle=receipt, VisibilityTimeout=0
                )


def place(body: str) -> tuple[str, str]:
    """The modality of a message's objects, and the event to send; raise Misplaced for none."""
    try:
        event = json.loads(body)
        if "requestPayload" in event:
            event = event["requestPayload"]
            body = json.dumps(event)
        names = {key.partition("/")[0] for key in _keys(event)}
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise Misplaced(f"expected an event of S3 or EventBridge, got {body[:200]}") from exc
    if len(names) != 1 or not names <= set(MODALITIES):
        raise Misplaced(
            f"expected keys of one of {', '.join(MODALITIES)}, got {', '.join(sorted(names))}"
        )
    return names.pop(), body


def _keys(event: Mapping[str, Any]) -> list[str]:
    """Keys as they stand in the event: quoting leaves a key's first part as it is."""
    if event.get("source") == "aws.s3":
        return [event["detail"]["object"]["key"]]
    return [record["s3"]["object"]["key"] for record in event["Records"]]


def _queues(urls: Mapping[str, str]) -> Queues:
    return Queues(urls["failed"], {modality: urls[modality] for modality in MODALITIES})


def _receive(sqs: "SQSClient", url: str, outcome: Outcome) -> list["MessageTypeDef"]:
    """Messages that were not left; none if there are no more, or such alone."""
    answer = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=AT_ONCE,
        VisibilityTimeout=HIDDEN_SECONDS,
        WaitTimeSeconds=WAIT_SECONDS,
    )
    return [
        message
        for message in answer.get("Messages", [])
        if message["MessageId"] not in outcome.left
    ]


def _report(outcome: Outcome) -> None:
    for modality, count in sorted(Counter(outcome.moved).items()):
        print(f"redrive: {count:,} sent back to the {modality} queue")
    for identifier, (reason, _) in list(outcome.left.items())[:SHOWN]:
        print(f"redrive: {identifier} left: {reason}")
    print(f"redrive: {len(outcome.moved):,} sent back, {len(outcome.left):,} left")


if __name__ == "__main__":
    sys.exit(main())
