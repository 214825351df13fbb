"""Every payload of uploads in events/, as `sam local invoke` sends it, to the real handlers."""

import json

import pytest

from tests.conftest import EVENTS

FILES = {"image": "cat.jpg", "text": "review.txt", "numeric": "applications.csv"}
KEYS = {
    "image": "image/holiday photos/cat+dog ünïcode.jpg",
    "text": "text/reviews 2026/crackers.txt",
    "numeric": "numeric/january/applications.csv",
}
SOURCES = ("s3", "sqs", "eventbridge", "map")
NAMES = sorted(path.stem for path in EVENTS.glob("*.json") if path.stem.split("_")[1] in SOURCES)
NO_OBJECT = ("image_s3_test", "image_sqs_test")
REMOVED = ("image_s3_removed", "image_sqs_removed")


@pytest.fixture
def load(make_buckets, load_event):
    """A payload that names fresh buckets."""
    buckets = make_buckets()

    def load_one(name):
        text = json.dumps(load_event(name))
        for quote in ('"', '\\"'):
            text = text.replace(f"{quote}uploads{quote}", f"{quote}{buckets.uploads}{quote}")
        return buckets, json.loads(text)

    return load_one


@pytest.mark.parametrize("name", [n for n in NAMES if n not in (*NO_OBJECT, *REMOVED)])
def test_the_object_that_a_payload_names_is_answered(load, name):
    buckets, event = load(name)
    modality, source, _ = name.split("_")
    key = KEYS[modality]
    buckets.put(key, (EVENTS / FILES[modality]).read_bytes())
    answer = buckets.invoke(modality, event)
    assert list(buckets.found()) == [f"{key}.json{'l' if modality == 'numeric' else ''}"]
    assert answer == {"sqs": {"batchItemFailures": []}, "map": {"objects": 1}}.get(source)


@pytest.mark.parametrize("name", REMOVED)
def test_the_answer_to_an_object_that_was_removed_is_removed(load, name):
    buckets, event = load(name)
    buckets.put(KEYS["image"], (EVENTS / FILES["image"]).read_bytes())
    buckets.invoke("image", event)
    assert buckets.found() != {}
    buckets.delete(KEYS["image"])
    buckets.invoke("image", event)
    assert buckets.found() == {}


@pytest.mark.parametrize("name", NO_OBJECT)
def test_the_test_event_of_a_new_notification_is_taken_and_answers_nothing(load, name):
    buckets, event = load(name)
    assert buckets.invoke("image", event) in (None, {"batchItemFailures": []})
    assert buckets.found() == {}
