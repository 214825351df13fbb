"""Uploads through the real handlers and models, against an S3 server over a real connection."""

import json
from urllib.parse import quote_plus

import boto3
import pytest
from moto.server import ThreadedMotoServer

from serving import storage
from serving.events.s3 import SUFFIXES
from tests.conftest import EVENTS, MODALITIES

CAT = (EVENTS / "cat.jpg").read_bytes()
REVIEW = (EVENTS / "review.txt").read_bytes()
TABLE = (EVENTS / "applications.csv").read_bytes()
FILES = {"image": ("cat.jpg", CAT), "text": ("a.txt", REVIEW), "numeric": ("a.csv", TABLE)}
# Names of their own: all of moto's servers in one process share their buckets.
UPLOADS, RESULTS = "integration-uploads", "integration-results"
CASES = {"image": "cat", "text": "review", "numeric": "application"}


@pytest.fixture(scope="module")
def server():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def s3(server, monkeypatch):
    """A client on two fresh, versioned buckets."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server)
    monkeypatch.setenv("RESULTS_BUCKET", RESULTS)
    storage._client.cache_clear()
    client = boto3.client("s3")
    for bucket in (UPLOADS, RESULTS):
        client.create_bucket(
            Bucket=bucket,
            CreateBucketConfiguration={"LocationConstraint": "eu-central-1"},
        )
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    yield client
    for bucket in (UPLOADS, RESULTS):
        versions = client.list_object_versions(Bucket=bucket)
        for item in versions.get("Versions", []) + versions.get("DeleteMarkers", []):
            client.delete_object(Bucket=bucket, Key=item["Key"], VersionId=item["VersionId"])
        client.delete_bucket(Bucket=bucket)
    storage._client.cache_clear()


@pytest.fixture
def notify(handlers, load_event, context):
    """Call a handler with one notification of these keys."""

    def send(modality, *keys):
        event = load_event(f"{modality}_s3_{CASES[modality]}")
        (template,) = event["Records"]
        event["Records"] = [json.loads(json.dumps(template)) for _ in keys]
        for record, key in zip(event["Records"], keys, strict=True):
            record["s3"]["bucket"]["name"] = UPLOADS
            record["s3"]["object"]["key"] = quote_plus(key, safe="/")
        return handlers[modality].handler(event, context)

    return send


def listing(s3) -> dict[str, dict]:
    """Every object of the results bucket, parsed, by key."""
    found = s3.list_objects_v2(Bucket=RESULTS).get("Contents", [])
    bodies = {item["Key"]: s3.get_object(Bucket=RESULTS, Key=item["Key"]) for item in found}
    return {key: json.loads(answer["Body"].read()) for key, answer in bodies.items()}


@pytest.mark.parametrize("modality", MODALITIES)
def test_an_upload_gets_the_same_predictions_as_a_direct_call(
    s3, handlers, notify, load_event, context, modality
):
    name, content = FILES[modality]
    stored = s3.put_object(Bucket=UPLOADS, Key=f"{modality}/{name}", Body=content)
    notify(modality, f"{modality}/{name}")
    results = listing(s3)
    assert list(results) == [f"{modality}/{name}.json"]
    result = results[f"{modality}/{name}.json"]
    assert result["source"] == {
        "bucket": UPLOADS,
        "key": f"{modality}/{name}",
        "etag": stored["ETag"].strip('"'),
        "version": stored["VersionId"],
    }
    direct = handlers[modality].handler(load_event(f"{modality}_direct_{CASES[modality]}"), context)
    assert result["model"] == direct["model"]
    assert result["predictions"][0]["label"] == direct["predictions"][0]["label"]
    assert result["predictions"][0]["score"] == pytest.approx(
        direct["predictions"][0]["score"], abs=1e-6
    )


@pytest.mark.parametrize(
    "key",
    [
        "image/a b.jpg",
        "image/a+b%20c.jpg",
        "image/ünï/日本語 😀.jpg",
        "image/a&b=c?d#e.JPG",
        "image/" + "x" * 900 + ".jpg",
    ],
)
def test_keys_of_every_spelling_are_decoded(s3, notify, key):
    s3.put_object(Bucket=UPLOADS, Key=key, Body=CAT)
    notify("image", key)
    assert list(listing(s3)) == [f"{key}.json"]


def test_every_record_of_an_event_is_answered(s3, notify):
    keys = [f"text/{number}.txt" for number in range(5)]
    for key in keys:
        s3.put_object(Bucket=UPLOADS, Key=key, Body=REVIEW)
    notify("text", *keys)
    assert sorted(listing(s3)) == [f"{key}.json" for key in keys]


@pytest.mark.parametrize(
    ("modality", "key", "content", "status"),
    [
        ("image", "image/broken.jpg", CAT[:9000], 400),
        ("image", "image/not a picture.png", b"hello", 415),
        ("image", "image/document.pdf", b"%PDF", 415),
        ("image", "image/empty.png", b"", 400),
        ("text", "text/empty.txt", b"\n", 422),
        ("text", "text/a.json", b"{", 400),
        ("numeric", "numeric/a.csv", b"Age\n1\n", 422),
        ("numeric", "numeric/a.json", b'{"instances": [[1]]}', 422),
    ],
)
def test_a_bad_file_gets_one_problem_object_and_no_retry(
    s3, notify, modality, key, content, status
):
    s3.put_object(Bucket=UPLOADS, Key=key, Body=content)
    notify(modality, key)
    results = listing(s3)
    assert list(results) == [f"errors/{key}.json"]
    problem = results[f"errors/{key}.json"]
    assert problem["status"] == status
    assert problem["source"]["key"] == key
    assert problem["detail"]


def test_a_file_over_the_limit_is_refused_unread(s3, notify):
    s3.put_object(Bucket=UPLOADS, Key="text/big.txt", Body=b"a" * 6_000_001)
    notify("text", "text/big.txt")
    problem = listing(s3)["errors/text/big.txt.json"]
    assert problem["status"] == 413
    assert problem["detail"] == "expected an object of at most 6000000 bytes, got 6000001"


def test_an_object_deleted_meanwhile_is_no_error(s3, notify):
    notify("image", "image/gone.jpg")
    s3.put_object(Bucket=UPLOADS, Key="image/gone.jpg", Body=CAT)
    s3.delete_object(Bucket=UPLOADS, Key="image/gone.jpg")
    notify("image", "image/gone.jpg")
    assert listing(s3) == {}


def test_a_transient_failure_is_raised_after_the_other_records_are_done(s3, notify, monkeypatch):
    for key in ("text/1.txt", "text/2.txt", "text/3.txt"):
        s3.put_object(Bucket=UPLOADS, Key=key, Body=REVIEW)
    write = storage.write

    def fail_once(bucket, key, body, content_type):
        if key == "text/2.txt.json":
            raise ConnectionError("storage is away")
        write(bucket, key, body, content_type)

    with monkeypatch.context() as away:
        away.setattr(storage, "write", fail_once)
        with pytest.raises(ExceptionGroup, match="1 of 3 records"):
            notify("text", "text/1.txt", "text/2.txt", "text/3.txt")
    assert sorted(listing(s3)) == ["text/1.txt.json", "text/3.txt.json"]
    notify("text", "text/1.txt", "text/2.txt", "text/3.txt")
    assert sorted(listing(s3)) == ["text/1.txt.json", "text/2.txt.json", "text/3.txt.json"]


def test_a_bundle_that_does_not_load_is_raised_for_a_retry(
    s3, notify, handlers, monkeypatch, tmp_path
):
    from serving.predictor import Predictor

    s3.put_object(Bucket=UPLOADS, Key="text/a.txt", Body=REVIEW)
    monkeypatch.setenv("ARTIFACTS_DIR", str(tmp_path))
    monkeypatch.setattr(handlers["text"], "predictor", Predictor.load("text"))
    with pytest.raises(ExceptionGroup):
        notify("text", "text/a.txt")
    assert listing(s3) == {}


def test_records_of_another_service_are_raised_and_not_swallowed(handlers, context):
    with pytest.raises(ExceptionGroup):
        handlers["text"].handler({"Records": [{"eventSource": "aws:sqs", "body": "{}"}]}, context)


def test_the_test_event_of_a_new_notification_is_ignored(handlers, context):
    event = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "uploads"}
    assert handlers["image"].handler(event, context) is None


def test_every_modality_knows_what_its_suffixes_hold():
    from serving.native import media_types

    for modality, suffixes in SUFFIXES.items():
        assert set(suffixes.values()) <= set(media_types(modality))
