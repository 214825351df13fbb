"""Failed events go back to the queues they belong in, on a real connection to moto's server."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

import boto3
import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sqs.models import Queue, sqs_backends

from local import redrive
from tests.conftest import MODALITIES, ROOT

CASES = {"image": "cat", "text": "review", "numeric": "application"}
QUEUES = {"Failed": "FailedEventsQueueUrl"} | {
    name.title(): f"{name.title()}UploadsQueueUrl" for name in MODALITIES
}
STACK = {
    "Resources": {name: {"Type": "AWS::SQS::Queue"} for name in QUEUES},
    "Outputs": {output: {"Value": {"Ref": name}} for name, output in QUEUES.items()},
}


@pytest.fixture
def sqs(server, monkeypatch):
    lock, delete = threading.Lock(), Queue.delete_message

    def delete_one(queue, receipt_handle):
        with lock:  # else one of two threads that delete brings back what the other did
            delete(queue, receipt_handle)

    monkeypatch.setattr(Queue, "delete_message", delete_one)
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    return boto3.client("sqs")


@pytest.fixture
def queues(sqs):
    """The queues of a stack with the template's outputs."""
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(StackName=redrive.STACK, TemplateBody=json.dumps(STACK))
    yield redrive.find_queues(redrive.STACK)
    cloudformation.delete_stack(StackName=redrive.STACK)


def drain(sqs, url) -> list[str]:
    """The body of every message that can be received, each of which is deleted."""
    bodies = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            bodies.append(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return bodies


def waiting(sqs, url) -> int:
    name = "ApproximateNumberOfMessages"
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
    return int(found["Attributes"][name])


@pytest.fixture
def run(sqs, monkeypatch, capsys):
    """Run the command in this process; its status and what it says."""
    monkeypatch.setattr(redrive, "WAIT_SECONDS", 0)  # moto has one server, which knows at once

    def run_with(*options) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["redrive", *options])
        try:
            status = redrive.main()
        except SystemExit as exc:  # of argparse
            status = exc.code
        said = capsys.readouterr()
        return status, said.out + said.err

    return run_with


@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("source", ["sqs", "s3", "eventbridge"])
def test_an_event_goes_to_its_modalitys_queue_as_it_was(
    sqs, queues, run, load_event, modality, source
):
    event = load_event(f"{modality}_{source}_{CASES[modality]}")
    body = event["Records"][0]["body"] if source == "sqs" else json.dumps(event)
    sqs.send_message(QueueUrl=queues.failed, MessageBody=body)
    assert run() == (
        0,
        f"redrive: 1 sent back to the {modality} queue\nredrive: 1 sent back, 0 left\n",
    )
    assert drain(sqs, queues.uploads[modality]) == [body]
    show_hidden(sqs, queues.failed)
    assert drain(sqs, queues.failed) == []
    others = [url for name, url in queues.uploads.items() if name != modality]
    assert [drain(sqs, url) for url in others] == [[], []]


@pytest.mark.parametrize("name", ["image_failed_cat", "text_failed_review"])
def test_of_an_asynchronous_call_the_event_alone_goes_back(sqs, queues, run, load_event, name):
    envelope = load_event(name)
    sqs.send_message(QueueUrl=queues.failed, MessageBody=json.dumps(envelope))
    assert run()[0] == 0
    (body,) = drain(sqs, queues.uploads[name.partition("_")[0]])
    assert json.loads(body) == envelope["requestPayload"]


@pytest.mark.parametrize(
    "name", ["image_failed_cat", "text_failed_review", "numeric_sqs_application"]
)
def test_what_was_sent_back_is_an_event_that_the_functions_take(
    sqs, queues, run, load_event, handlers, context, monkeypatch, name
):
    from serving.events import s3

    modality, source, _ = name.split("_")
    event = load_event(name)
    body = event["Records"][0]["body"] if source == "sqs" else json.dumps(event)
    sqs.send_message(QueueUrl=queues.failed, MessageBody=body)
    run()
    (body,) = drain(sqs, queues.uploads[modality])
    message = load_event(f"{modality}_sqs_{CASES[modality]}")
    message["Records"][0]["body"] = body
    answered = []
    monkeypatch.setattr(s3, "_answer", lambda source, *_: answered.append(source))
    assert handlers[modality].handler(message, context) == {"batchItemFailures": []}
    assert [source.bucket for source in answered] == ["uploads"]
    assert [source.key.partition("/")[0] for source in answered] == [modality]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("hello", "expected an event of S3 or EventBridge, got hello"),
        ('{"instances": [[1]]}', "expected an event of S3 or EventBridge"),
        ('{"requestPayload": {"instances": []}}', "expected an event of S3 or EventBridge"),
        ('{"requestPayload": null}', "expected an event of S3 or EventBridge"),
        ("[]", "expected an event of S3 or EventBridge"),
        ('{"Records": []}', "expected keys of one of image, text, numeric, got "),
        ('{"Records": [{"s3": {"object": {"key": "video/a.mp4"}}}]}', "numeric, got video"),
        (
            '{"Records": [{"s3": {"object": {"key": "image/a"}}},'
            ' {"s3": {"object": {"key": "text/a"}}}]}',
            "expected keys of one of image, text, numeric, got image, text",
        ),
    ],
)
def test_what_has_no_place_is_left_with_its_reason_and_keeps_nothing_else(
    sqs, queues, run, load_event, body, reason
):
    good = load_event("text_sqs_review")["Records"][0]["body"]
    for each in (body, good):
        sqs.send_message(QueueUrl=queues.failed, MessageBody=each)
    status, output = run()
    assert status == 1
    assert reason in output
    assert output.endswith("redrive: 1 sent back, 1 left\n")
    assert drain(sqs, queues.uploads["text"]) == [good]
    assert drain(sqs, queues.failed) == [body]  # at once, not after it was hidden for minutes


def numbered(load_event, number: int) -> str:
    modality = MODALITIES[number % 3]
    event = load_event(f"{modality}_s3_{CASES[modality]}")
    event["Records"][0]["s3"]["object"]["key"] = f"{modality}/{number}"
    return json.dumps(event)


def test_nothing_is_lost_or_left_when_it_is_killed_and_repeated(sqs, queues, load_event):
    bodies = [numbered(load_event, number) for number in range(150)]
    for start in range(0, len(bodies), 10):
        entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies)]
        sqs.send_message_batch(QueueUrl=queues.failed, Entries=entries[start : start + 10])
    command = [sys.executable, "-m", "local.redrive"]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=ROOT, env=env)
    while process.poll() is None and waiting(sqs, queues.uploads["image"]) < 10:
        time.sleep(0.005)
    process.kill()
    assert process.wait() == -signal.SIGKILL, "it was done before it could be killed"
    arrived = Counter(body for url in queues.uploads.values() for body in drain(sqs, url))
    assert 0 < len(arrived) < len(bodies)
    show_hidden(sqs, queues.failed)
    done = subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True)
    assert done.stdout.endswith(" sent back, 0 left\n")
    arrived.update(body for url in queues.uploads.values() for body in drain(sqs, url))
    assert arrived.keys() == set(bodies)
    assert arrived.total() <= len(bodies) + redrive.AT_ONCE  # those it was at may come twice
    assert waiting(sqs, queues.failed) == 0


def show_hidden(sqs, url):
    """What minutes would do: the messages that the killed command had received are seen again."""
    backend = sqs_backends[DEFAULT_ACCOUNT_ID][os.environ["AWS_DEFAULT_REGION"]]
    (queue,) = [queue for queue in backend.queues.values() if url.endswith(f"/{queue.name}")]
    for message in queue._messages:
        message.change_visibility(0)


def test_a_message_is_deleted_only_after_it_was_sent(sqs, queues, load_event):
    body = load_event("image_sqs_cat")["Records"][0]["body"]
    sqs.send_message(QueueUrl=queues.failed, MessageBody=body)
    away = redrive.Queues(queues.failed, {"image": f"{queues.failed}-away"})
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        redrive.redrive(sqs, away, redrive.Outcome())
    show_hidden(sqs, queues.failed)
    assert drain(sqs, queues.failed) == [body]


def test_it_ends_although_a_message_without_a_place_is_seen_again(sqs, queues, monkeypatch):
    monkeypatch.setattr(redrive, "HIDDEN_SECONDS", 0)
    sqs.send_message(QueueUrl=queues.failed, MessageBody="hello")
    outcome = redrive.Outcome()
    thread = threading.Thread(target=redrive.redrive, args=(sqs, queues, outcome), daemon=True)
    thread.start()
    thread.join(timeout=20)
    assert not thread.is_alive()
    assert len(outcome.left) == 1


def test_queues_can_be_named_without_a_stack(sqs, queues, run, load_event):
    body = load_event("numeric_sqs_application")["Records"][0]["body"]
    sqs.send_message(QueueUrl=queues.failed, MessageBody=body)
    urls = {"failed": queues.failed, **queues.uploads}
    options = [word for name, url in urls.items() for word in (f"--{name}", url)]
    assert run("--stack", "none-such", *options)[0] == 0
    assert drain(sqs, queues.uploads["numeric"]) == [body]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--stack", "none-such"], "none-such"),
        (["--image", "http://127.0.0.1/q"], "expected the URLs of all four queues, or of none"),
    ],
)
def test_what_is_missing_is_said_in_words(queues, run, options, words):
    status, output = run(*options)
    assert status != 0
    assert words in output


def test_a_stack_without_the_outputs_is_refused(run):
    cloudformation = boto3.client("cloudformation")
    resources = {"Resources": {"Other": {"Type": "AWS::SQS::Queue"}}}
    cloudformation.create_stack(StackName="other", TemplateBody=json.dumps(resources))
    status, output = run("--stack", "other")
    assert status == 1
    assert "expected the outputs of template.yaml in other" in output
    cloudformation.delete_stack(StackName="other")
