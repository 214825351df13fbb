"""Uploads through the real handlers and models, against an S3 server over a real connection."""

import json
from urllib.parse import quote_plus

import pytest

from serving import storage
from serving.uploads.kinds import DOCUMENTS
from tests.conftest import EVENTS, MODALITIES

CAT = (EVENTS / "cat.jpg").read_bytes()
REVIEW = (EVENTS / "review.txt").read_bytes()
TABLE = (EVENTS / "applications.csv").read_bytes()
FILES = {"image": ("cat.jpg", CAT), "text": ("a.txt", REVIEW), "numeric": ("a.csv", TABLE)}
CASES = {"image": "cat", "text": "review", "numeric": "application"}


@pytest.fixture
def notify(buckets, load_event, context):
    """Call a handler with one notification of these keys."""

    def send(modality, *keys):
        event = load_event(f"{modality}_s3_{CASES[modality]}")
        (template,) = event["Records"]
        event["Records"] = [json.loads(json.dumps(template)) for _ in keys]
        for record, key in zip(event["Records"], keys, strict=True):
            record["s3"]["bucket"]["name"] = buckets.uploads
            record["s3"]["object"]["key"] = quote_plus(key, safe="/")
        return buckets.handlers[modality].handler(event, context)

    return send


@pytest.mark.parametrize("modality", MODALITIES)
def test_an_upload_gets_the_same_predictions_as_a_direct_call(
    buckets, notify, load_event, context, modality
):
    name, content = FILES[modality]
    source = buckets.put(f"{modality}/{name}", content)
    notify(modality, source["key"])
    ((key, result),) = buckets.documents().items()
    if key.endswith(".jsonl"):
        head, *lines, counts = result
        assert counts == {"rows": 2, "predictions": 2, "errors": 0}
        result = head | {"predictions": [line["prediction"] for line in lines]}
    assert key == f"{source['key']}.json{'l' if modality == 'numeric' else ''}"
    assert result["source"] == source
    direct = buckets.handlers[modality].handler(
        load_event(f"{modality}_direct_{CASES[modality]}"), context
    )
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
def test_keys_of_every_spelling_are_decoded(buckets, notify, key):
    buckets.put(key, CAT)
    notify("image", key)
    assert list(buckets.documents()) == [f"{key}.json"]


def test_every_record_of_an_event_is_answered(buckets, notify):
    keys = [f"text/{number}.txt" for number in range(5)]
    for key in keys:
        buckets.put(key, REVIEW)
    notify("text", *keys)
    assert sorted(buckets.documents()) == [f"{key}.json" for key in keys]


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
    buckets, notify, modality, key, content, status
):
    buckets.put(key, content)
    notify(modality, key)
    results = buckets.documents()
    assert list(results) == [f"errors/{key}.json"]
    problem = results[f"errors/{key}.json"]
    assert problem["status"] == status
    assert problem["source"]["key"] == key
    assert problem["detail"]


def test_a_file_over_the_limit_is_refused_unread(buckets, notify):
    buckets.put("text/big.txt", b"a" * 6_000_001)
    notify("text", "text/big.txt")
    problem = buckets.documents()["errors/text/big.txt.json"]
    assert problem["status"] == 413
    assert problem["detail"] == "expected an object of at most 6000000 bytes, got 6000001"


def test_an_object_deleted_meanwhile_is_no_error(buckets, notify):
    notify("image", "image/gone.jpg")
    buckets.put("image/gone.jpg", CAT)
    buckets.delete("image/gone.jpg")
    notify("image", "image/gone.jpg")
    assert buckets.documents() == {}


def test_a_transient_failure_is_raised_after_the_other_records_are_done(
    buckets, notify, monkeypatch
):
    for key in ("text/1.txt", "text/2.txt", "text/3.txt"):
        buckets.put(key, REVIEW)
    write = storage.write

    def fail_once(where, *arguments):
        if where.key == "text/2.txt.json":
            raise ConnectionError("storage is away")
        write(where, *arguments)

    with monkeypatch.context() as away:
        away.setattr(storage, "write", fail_once)
        with pytest.raises(ExceptionGroup, match="1 of 3 records"):
            notify("text", "text/1.txt", "text/2.txt", "text/3.txt")
    assert sorted(buckets.documents()) == ["text/1.txt.json", "text/3.txt.json"]
    notify("text", "text/1.txt", "text/2.txt", "text/3.txt")
    assert sorted(buckets.documents()) == ["text/1.txt.json", "text/2.txt.json", "text/3.txt.json"]


def test_a_bundle_that_does_not_load_is_raised_for_a_retry(
    buckets, notify, handlers, monkeypatch, tmp_path
):
    from serving.predictor import Predictor

    buckets.put("text/a.txt", REVIEW)
    monkeypatch.setenv("ARTIFACTS_DIR", str(tmp_path))
    monkeypatch.setattr(handlers["text"], "predictor", Predictor.load("text"))
    with pytest.raises(ExceptionGroup):
        notify("text", "text/a.txt")
    assert buckets.documents() == {}


def test_records_of_another_service_are_raised_and_not_swallowed(handlers, context):
    with pytest.raises(ExceptionGroup):
        handlers["text"].handler({"Records": [{"eventSource": "aws:sns", "Sns": {}}]}, context)


def test_the_test_event_of_a_new_notification_is_ignored(handlers, context):
    event = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "uploads"}
    assert handlers["image"].handler(event, context) is None


def test_every_modality_knows_what_its_suffixes_hold():
    from serving.native import media_types

    for modality, suffixes in DOCUMENTS.items():
        assert set(suffixes.values()) <= set(media_types(modality))
