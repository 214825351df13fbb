"""One right answer for every object: what is written, when, and what it says of itself."""

import json
from dataclasses import replace

import pytest

from serving.bundle import Manifest
from tests.conftest import MODALITIES
from tests.uploads import BAD_ROW, FILES, File, csv_file, is_refused, jsonl_file, picture, text_file

ALL = [
    pytest.param(modality, file, id=f"{modality}-{number}")
    for modality in MODALITIES
    for number, file in enumerate(FILES[modality])
]
GOOD, OTHER, BAD = FILES["text"][:3]
KEY = "text/a.txt"
ROWS = "text/a.jsonl"


def test_bad_files_are_the_ones_that_the_api_refuses(handlers):
    documents = [(m, f) for m in MODALITIES for f in FILES[m] if f.status and f.suffix in DOCUMENTS]
    assert len(documents) == 3
    for modality, file in documents:
        assert is_refused(file, handlers[modality].predictor)


DOCUMENTS = (".png", ".txt", ".json")


@pytest.mark.parametrize(("modality", "file"), ALL)
def test_a_file_gets_one_answer_whose_predictions_are_those_of_its_instances(
    buckets, modality, file
):
    source = buckets.put(f"{modality}/a{file.suffix}", file.body)
    buckets.deliver(source["key"])
    buckets.check((file, source))


@pytest.mark.parametrize(("modality", "file"), ALL)
def test_an_answer_that_is_made_again_has_the_same_bytes(buckets, modality, file):
    key = f"{modality}/a{file.suffix}"
    buckets.put(key, file.body)
    buckets.deliver(key)
    first = buckets.found()
    for answer in first:
        buckets.delete(answer, buckets.results)
    buckets.deliver(key)
    assert buckets.found() == first


@pytest.mark.parametrize(("modality", "file"), ALL)
def test_a_repeated_event_costs_no_prediction_and_reads_nothing(buckets, predicted, modality, file):
    key = f"{modality}/a{file.suffix}"
    buckets.put(key, file.body)
    buckets.deliver(key)
    predicted.clear(), buckets.watch.seen.clear()
    buckets.deliver(key)
    assert predicted == []
    heads = ["HeadObject"] * 3
    rows = file.suffix in (".zip", ".csv", ".jsonl")
    assert buckets.watch.seen == heads + rows * ["ListMultipartUploads", "HeadObject"]


@pytest.mark.parametrize(("modality", "file"), ALL)
def test_a_first_event_reads_once_and_writes_once(buckets, modality, file):
    key = f"{modality}/a{file.suffix}"
    buckets.put(key, file.body)
    buckets.deliver(key)
    seen = buckets.watch.seen
    assert seen.count("PutObject") == 1
    assert seen.count("GetObject") <= 1
    assert seen.count("DeleteObject") == 0
    assert len(seen) <= 11


@pytest.mark.parametrize("first", [GOOD, BAD])
@pytest.mark.parametrize("second", [OTHER, replace(BAD, body=b"\n\n")])
def test_an_overwritten_object_has_the_answer_to_its_last_version_alone(buckets, first, second):
    buckets.put(KEY, first.body)
    buckets.deliver(KEY)
    source = buckets.put(KEY, second.body)
    buckets.deliver(KEY)
    buckets.check((second, source))


def test_two_events_of_an_object_that_was_overwritten_answer_its_last_version(buckets, predicted):
    buckets.put(KEY, GOOD.body)
    source = buckets.put(KEY, OTHER.body)
    buckets.deliver(KEY)
    buckets.deliver(KEY)
    assert predicted == [1]
    buckets.check((OTHER, source))


def test_the_same_bytes_put_again_are_another_version_with_its_own_answer(buckets):
    buckets.put(KEY, GOOD.body)
    buckets.deliver(KEY)
    source = buckets.put(KEY, GOOD.body)
    buckets.deliver(KEY)
    buckets.check((GOOD, source))


@pytest.mark.parametrize("file", [GOOD, BAD, *FILES["text"][3:]])
def test_the_answer_to_a_deleted_object_is_removed(buckets, file):
    key = f"text/a{file.suffix}"
    buckets.put(key, file.body)
    buckets.deliver(key)
    buckets.delete(key)
    buckets.deliver(key)
    buckets.check()


def test_an_object_that_was_never_there_is_no_error_and_leaves_no_delete_marker(buckets):
    buckets.deliver("text/gone.txt")
    buckets.deliver("text/gone.jsonl")
    assert "DeleteObject" not in buckets.watch.seen
    assert not buckets.client.list_object_versions(Bucket=buckets.results).get("DeleteMarkers")


def test_a_deleted_version_brings_back_the_answer_to_the_one_before(buckets):
    source = buckets.put(KEY, GOOD.body)
    later = buckets.put(KEY, BAD.body)
    buckets.deliver(KEY)
    buckets.client.delete_object(Bucket=buckets.uploads, Key=KEY, VersionId=later["version"])
    buckets.deliver(KEY)
    buckets.check((GOOD, source))


@pytest.mark.parametrize("file", [GOOD, BAD, *FILES["text"][3:]])
def test_a_bucket_without_versions_is_served_too(make_buckets, file):
    buckets = make_buckets(versioned=False)
    key = f"text/a{file.suffix}"
    buckets.put(key, OTHER.body)
    buckets.deliver(key)
    source = buckets.put(key, file.body)
    buckets.deliver(key)
    assert source["version"] is None
    buckets.check((file, source))


def test_an_answer_is_no_input_where_one_bucket_holds_both(make_buckets):
    buckets = make_buckets(one=True)
    keys = ["text/a.txt", "text/a.jsonl", "text/bad.txt"]
    for key, body in zip(keys, [GOOD.body, jsonl_file("Good.").body, b""], strict=True):
        buckets.put(key, body)
        buckets.deliver(key)
    answers = {"text/a.txt.json", "text/a.jsonl.jsonl", "errors/text/bad.txt.json"}
    assert set(buckets.found()) == {*keys, *answers}
    for key in answers:
        buckets.invoke("text", {"Records": [_record(buckets, key)]})
    assert set(buckets.found()) == {*keys, *answers}


def test_a_copy_of_an_answer_in_place_of_an_object_has_no_answer(buckets):
    buckets.put(KEY, GOOD.body)
    buckets.deliver(KEY)
    copied = {"Bucket": buckets.results, "Key": f"{KEY}.json"}
    buckets.client.copy_object(Bucket=buckets.uploads, Key=KEY, CopySource=copied)
    buckets.deliver(KEY)
    buckets.check()


def test_a_file_of_bad_rows_alone_has_an_error_for_each(buckets):
    file = csv_file(BAD_ROW, BAD_ROW)
    source = buckets.put("numeric/a.csv", file.body)
    buckets.deliver("numeric/a.csv")
    buckets.check((file, source))


def test_an_upload_that_lies_where_an_answer_would_is_neither_replaced_nor_removed(make_buckets):
    buckets = make_buckets(one=True)
    buckets.put("text/a.txt", GOOD.body)
    buckets.put("text/a.txt.json", b"mine")
    with pytest.raises(ExceptionGroup, match="1 of 1 records"):
        buckets.deliver("text/a.txt")
    buckets.delete("text/a.txt")
    buckets.deliver("text/a.txt")
    assert buckets.found() == {"text/a.txt.json": b"mine"}


def _record(buckets, key: str) -> dict:
    s3 = {"bucket": {"name": buckets.uploads}, "object": {"key": key}}
    return {"eventSource": "aws:s3", "s3": s3}


def test_another_version_of_the_model_answers_anew(buckets, handlers, monkeypatch):
    predictor = handlers["text"].predictor
    source = buckets.put(KEY, GOOD.body)
    buckets.deliver(KEY)
    manifest: Manifest = predictor.manifest
    monkeypatch.setattr(predictor, "manifest", manifest._replace(version="2.0.0"))
    buckets.deliver(KEY)
    assert buckets.documents()[f"{KEY}.json"]["model"]["version"] == "2.0.0"
    buckets.check((GOOD, source))


@pytest.mark.parametrize(
    ("file", "answer", "outcome", "kind"),
    [
        (GOOD, "text/ä b.txt.json", "predicted", "application/json"),
        (BAD, "errors/text/ä b.txt.json", "refused", "application/problem+json"),
        (jsonl_file("Good."), "text/ä b.jsonl.jsonl", "predicted", "application/x-ndjson"),
    ],
)
def test_metadata_and_tags_say_what_an_answer_is(buckets, file, answer, outcome, kind):
    source = buckets.put(f"text/ä b{file.suffix}", file.body)
    buckets.deliver(source["key"])
    found = buckets.client.head_object(Bucket=buckets.results, Key=answer)
    assert found["ContentType"] == kind
    digest = found["Metadata"].pop("answer-to")
    assert len(digest) == 64
    assert found["Metadata"] == {
        "source-etag": source["etag"],
        "source-version": source["version"],
        "model-name": "text",
        "model-version": "1.0.0",
        "model-engine": "onnx",
    }
    tags = buckets.client.get_object_tagging(Bucket=buckets.results, Key=answer)["TagSet"]
    named = {tag["Key"]: tag["Value"] for tag in tags}
    assert named == {"outcome": outcome, "model-version": "1.0.0"}


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".CSV"])
def test_rows_are_told_by_the_suffix_in_either_case(buckets, suffix):
    file = replace(csv_file("12,owner,48,41,married,no,fixed,60,180,6500,0,900,1450"))
    source = buckets.put(f"numeric/a{suffix}", file.body)
    buckets.deliver(source["key"])
    buckets.check((file, source))


def test_a_suffix_in_upper_case_is_a_document_too(buckets):
    file = File(".png", picture("navy"))
    source = buckets.put("image/A.PNG", file.body)
    buckets.deliver("image/A.PNG")
    buckets.check((file, source))


def test_a_problem_says_which_object_it_is_about_and_what_to_mend(buckets):
    source = buckets.put("text/a.pdf", b"%PDF")
    buckets.deliver("text/a.pdf")
    problem = json.loads(buckets.read("errors/text/a.pdf.json"))
    assert problem["source"] == source
    assert problem["status"] == 415
    assert problem["detail"] == (
        "expected a key that ends in .txt, .json, .csv, .csv.gz, .jsonl, .jsonl.gz, got text/a.pdf"
    )


def test_texts_are_answered_as_the_api_answers_them(buckets):
    file = text_file("Line one.\r\nLine two.")
    source = buckets.put(KEY, file.body)
    buckets.deliver(KEY)
    buckets.check((file, source))


def test_a_folder_that_the_console_makes_gets_no_answer(buckets):
    buckets.put("image/new folder/", b"")
    buckets.deliver("image/new folder/")
    assert buckets.found() == {}
