"""A long file is answered by several invocations as it would be by one."""

import io
import json

import boto3
import pytest
from botocore.awsrequest import AWSResponse

from serving import queue, storage
from serving.storage import Location
from serving.uploads.reconcile import Work, reconcile
from tests.uploads import BAD_ROW, OWNER, RENTER, csv_file, gzipped, messages, picture, zip_file

pytestmark = pytest.mark.usefixtures("small_parts")

TABLE = csv_file(OWNER, BAD_ROW, *[RENTER, OWNER] * 5, BAD_ROW)
ARCHIVE = zip_file(*map(picture, ("red", "navy", "white", "green")), b"none", picture("black"))
FILES = {"plain": TABLE, "gzip": gzipped(TABLE), "archive": ARCHIVE}


def source_of(buckets, file):
    modality = "image" if file is ARCHIVE else "numeric"
    return buckets.put(f"{modality}/a{file.suffix}", file.body)


def continue_to_the_end(buckets, key: str) -> int:
    """How many invocations without a queue it takes, each of which has no time to spare."""
    for count in range(1, 50):
        try:
            buckets.deliver(key, seconds=0)
        except ExceptionGroup:
            continue
        return count
    raise AssertionError(f"{key} comes to no end")


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
@pytest.mark.parametrize("part_bytes", [1, 400, 1_000_000])
def test_a_file_that_stops_after_every_chunk_has_the_bytes_of_one_run(
    buckets, monkeypatch, file, part_bytes
):
    monkeypatch.setattr("serving.uploads.rows.PART_BYTES", part_bytes)
    source = source_of(buckets, file)
    buckets.deliver(source["key"])
    buckets.check((file, source))
    at_once = buckets.found()
    buckets.delete(f"{source['key']}.jsonl", buckets.results)
    chunks = -(-len(file.rows) // 2)
    assert continue_to_the_end(buckets, source["key"]) == chunks + 1
    assert buckets.found() == at_once
    assert buckets.pending() == []


def test_the_size_of_a_part_changes_no_byte(buckets, monkeypatch):
    source = source_of(buckets, TABLE)
    answers = set()
    for size in (1, 300, 1_000_000):
        monkeypatch.setattr("serving.uploads.rows.PART_BYTES", size)
        buckets.deliver(source["key"])
        answers.add(buckets.read(f"{source['key']}.jsonl"))
        buckets.delete(f"{source['key']}.jsonl", buckets.results)
    assert len(answers) == 1


def test_what_is_left_unfinished_is_marked_as_no_input_and_by_a_tag(buckets):
    source = source_of(buckets, TABLE)
    with pytest.raises(ExceptionGroup, match="1 of 1 records"):
        buckets.deliver(source["key"], seconds=0)
    unfinished = {"Bucket": buckets.results, "Key": f"unfinished/{source['key']}"}
    assert "answer-to" in buckets.client.head_object(**unfinished)["Metadata"]
    tags = buckets.client.get_object_tagging(**unfinished)["TagSet"]
    assert {"Key": "outcome", "Value": "unfinished"} in tags


def test_a_file_overwritten_while_it_is_unfinished_is_answered_from_its_first_row(buckets):
    source_of(buckets, TABLE)
    for _ in range(3):
        with pytest.raises(ExceptionGroup, match="1 of 1 records"):
            buckets.deliver("numeric/a.csv", seconds=0)
    later = csv_file(RENTER, *[OWNER] * 6)
    source = buckets.put("numeric/a.csv", later.body)
    continue_to_the_end(buckets, "numeric/a.csv")
    buckets.check((later, source))


def test_parts_that_a_lifecycle_rule_removed_are_written_anew(buckets):
    source = source_of(buckets, TABLE)
    for _ in range(4):
        with pytest.raises(ExceptionGroup, match="1 of 1 records"):
            buckets.deliver(source["key"], seconds=0)
    (upload,) = buckets.client.list_multipart_uploads(Bucket=buckets.results)["Uploads"]
    buckets.client.abort_multipart_upload(
        Bucket=buckets.results, Key=upload["Key"], UploadId=upload["UploadId"]
    )
    buckets.deliver(source["key"])
    buckets.check((TABLE, source))


def test_a_part_that_another_function_wrote_otherwise_is_no_part_of_the_answer(buckets):
    """As one on another processor may, whose sums end in another digit."""
    source = source_of(buckets, TABLE)
    for _ in range(4):
        with pytest.raises(ExceptionGroup, match="1 of 1 records"):
            buckets.deliver(source["key"], seconds=0)
    (upload,) = buckets.client.list_multipart_uploads(Bucket=buckets.results)["Uploads"]
    where = {"Bucket": buckets.results, "Key": upload["Key"], "UploadId": upload["UploadId"]}
    buckets.client.upload_part(**where, PartNumber=1, Body=b"another's")
    buckets.deliver(source["key"])
    buckets.check((TABLE, source))


def test_parts_that_could_not_be_joined_are_written_anew(buckets):
    """As S3 asks for after a conflict."""
    source = source_of(buckets, TABLE)
    refused = []

    def refuse(request, **_):
        if refused:
            return None
        refused.append(request.url)
        body = b"<Error><Code>ConditionalRequestConflict</Code></Error>"
        return AWSResponse(request.url, 409, {}, Raw(body))

    events = storage._client().meta.events
    events.register("before-send.s3.CompleteMultipartUpload", refuse)
    buckets.deliver(source["key"])
    events.unregister("before-send.s3.CompleteMultipartUpload", refuse)
    assert refused
    assert buckets.watch.seen.count("CreateMultipartUpload") == 2
    buckets.check((TABLE, source))


class Raw(io.BytesIO):
    """The body of an answer, as botocore reads it."""

    def stream(self):
        yield self.read()


def test_few_large_rows_are_predicted_at_a_time(buckets, predicted, monkeypatch):
    monkeypatch.setattr("serving.uploads.rows.CHUNK_BYTES", 1)
    source = source_of(buckets, TABLE)
    buckets.deliver(source["key"])
    assert set(predicted) == {1}
    buckets.check((TABLE, source))


def test_a_new_version_of_the_model_does_not_continue_what_the_old_one_began(
    buckets, handlers, monkeypatch
):
    source = source_of(buckets, TABLE)
    for _ in range(4):
        with pytest.raises(ExceptionGroup, match="1 of 1 records"):
            buckets.deliver(source["key"], seconds=0)
    predictor = handlers["numeric"].predictor
    monkeypatch.setattr(predictor, "manifest", predictor.manifest._replace(version="2.0.0"))
    buckets.deliver(source["key"])
    buckets.check((TABLE, source))


def test_a_chunk_that_may_not_be_done_in_time_is_not_begun(buckets, handlers):
    """Each chunk takes 8 s here: behind the second of them 14 s are left, and 13 are needed."""
    source = source_of(buckets, TABLE)
    clock = iter([30.0, 22.0, 14.0, 6.0])
    where = Location(source["bucket"], source["key"])
    assert not reconcile(Work(where, handlers["numeric"].predictor, "request", lambda: next(clock)))
    assert list(clock) == []
    kept = json.loads(buckets.read("unfinished/numeric/a.csv"))
    assert kept["rows"] == 6


def test_a_document_has_no_time_to_stop(buckets):
    buckets.put("text/a.txt", b"Fresh and rich.")
    buckets.deliver("text/a.txt", seconds=0)
    assert list(buckets.documents()) == ["text/a.txt.json"]


@pytest.fixture
def uploads_queue(server, monkeypatch):
    """A queue of uploads, and what takes one message out of it as Lambda's mapping does."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", server)
    queue._client.cache_clear()
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="uploads")["QueueUrl"]
    monkeypatch.setenv("UPLOADS_QUEUE_URL", url)

    def take():
        for message in sqs.receive_message(QueueUrl=url).get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return message["Body"]
        return None

    yield take
    sqs.delete_queue(QueueUrl=url)
    queue._client.cache_clear()


@pytest.mark.parametrize("key", ["numeric/a.csv", "numeric/a b+c%20ü.csv"])
def test_a_file_is_continued_by_messages_in_the_queue_of_uploads(buckets, uploads_queue, key):
    source = buckets.put(key, TABLE.body)
    buckets.deliver(key, seconds=0)
    taken = 0
    while body := uploads_queue():
        taken += 1
        answer = buckets.invoke("numeric", messages(body), seconds=0)
        assert answer == {"batchItemFailures": []}
    assert taken == 7
    buckets.check((TABLE, source))


def test_a_message_that_cannot_be_sent_leaves_the_file_to_its_own_event(
    buckets, uploads_queue, monkeypatch
):
    source = source_of(buckets, TABLE)
    with monkeypatch.context() as away:
        away.setenv("UPLOADS_QUEUE_URL", "https://queue.invalid/none")
        away.setenv("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:9")
        queue._client.cache_clear()
        away.setenv("AWS_MAX_ATTEMPTS", "1")
        answer = buckets.invoke("numeric", messages({"Records": [_record(source)]}), seconds=0)
        assert answer == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    buckets.deliver(source["key"])
    buckets.check((TABLE, source))


def _record(source) -> dict:
    s3 = {"bucket": {"name": source["bucket"]}, "object": {"key": source["key"]}}
    return {"eventSource": "aws:s3", "s3": s3}
