"""Every way in which an event of an upload reaches a function, and what it hears back."""

import json

import pytest

from tests.uploads import FILES, messages, notification

GOOD, OTHER, BAD = FILES["text"][:3]
TEST_EVENT = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "uploads"}
KEYS = [
    "text/a b.txt",
    "text/a+b.txt",
    "text/a%20b%2Bc.txt",
    "text/ünï/日本語 😀.txt",
    "text/a&b=c?d#e;f,g:h@i.txt",
    "text/quote\"s and 'apostrophes'.txt",
    "text/a//b/../c/./d.txt",
    "text/ leading and trailing /.txt",
    "text/back\\slash{brace}^~[|]`.txt",
    "text/" + "x" * 891 + ".txt",
    "text/" + "ü" * 500 + ".txt",
]


def event_bridge(bucket: str, key: str, kind: str = "Object Created") -> dict:
    """EventBridge does not quote keys."""
    detail = {"version": "0", "bucket": {"name": bucket}, "object": {"key": key, "size": 5}}
    return {"version": "0", "source": "aws.s3", "detail-type": kind, "detail": detail}


def distributed_map(bucket: str, key: str) -> dict:
    return {"BatchInput": {"bucket": bucket}, "Items": [{"Key": key}]}


ENTRANCES = {
    "s3": notification,
    "eventbridge": event_bridge,
    "map": distributed_map,
    "s3-through-sqs": lambda *place: messages(notification(*place)),
    "eventbridge-through-sqs": lambda *place: messages(event_bridge(*place)),
}
entrances = pytest.mark.parametrize("entrance", ENTRANCES.values(), ids=ENTRANCES)


@entrances
@pytest.mark.parametrize("key", KEYS, ids=range(len(KEYS)))
def test_keys_of_every_spelling_arrive(buckets, entrance, key):
    source = buckets.put(key, GOOD.body)
    buckets.invoke("text", entrance(buckets.uploads, key))
    buckets.check((GOOD, source))


@entrances
def test_a_bad_file_is_no_failure_of_the_event(buckets, entrance):
    source = buckets.put("text/a.txt", BAD.body)
    answer = buckets.invoke("text", entrance(buckets.uploads, "text/a.txt"))
    assert not answer or answer.get("batchItemFailures", []) == []
    buckets.check((BAD, source))


@pytest.mark.parametrize("kind", ["ObjectRemoved:Delete", "ObjectRemoved:DeleteMarkerCreated"])
def test_a_removal_that_s3_tells_of_removes_the_answer(buckets, kind):
    buckets.put("text/a.txt", GOOD.body)
    buckets.deliver("text/a.txt")
    buckets.delete("text/a.txt")
    buckets.invoke("text", notification(buckets.uploads, "text/a.txt", name=kind))
    buckets.check()


def test_a_removal_that_eventbridge_tells_of_removes_the_answer(buckets):
    buckets.put("text/a.txt", GOOD.body)
    buckets.deliver("text/a.txt")
    buckets.delete("text/a.txt")
    buckets.invoke("text", event_bridge(buckets.uploads, "text/a.txt", "Object Deleted"))
    buckets.check()


def test_a_late_removal_does_not_remove_the_answer_to_what_was_put_since(buckets):
    source = buckets.put("text/a.txt", GOOD.body)
    buckets.deliver("text/a.txt")
    buckets.invoke("text", notification(buckets.uploads, "text/a.txt", name="ObjectRemoved:Delete"))
    buckets.check((GOOD, source))


def test_only_the_messages_that_failed_come_again(buckets):
    sources = [buckets.put(f"text/{name}.txt", GOOD.body) for name in "ab"]
    good = [notification(buckets.uploads, f"text/{name}.txt") for name in "ab"]
    batch = messages(good[0], "no JSON", "[]", "{}", "null", TEST_EVENT, {"Records": [{}]}, good[1])
    answer = buckets.invoke("text", batch)
    failed = [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
    assert failed == ["1", "2", "3", "4", "6"]
    buckets.check((GOOD, sources[0]), (GOOD, sources[1]))


def test_a_message_of_which_one_object_fails_comes_again_and_costs_no_second_prediction(
    buckets, predicted
):
    sources = [buckets.put(f"text/{name}.txt", GOOD.body) for name in "abc"]
    batch = messages(notification(buckets.uploads, *(source["key"] for source in sources)))
    with buckets.watch.fail(8):
        answer = buckets.invoke("text", batch)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    predicted.clear()
    assert buckets.invoke("text", batch) == {"batchItemFailures": []}
    assert predicted == [1]
    buckets.check(*((GOOD, source) for source in sources))


def test_a_message_that_is_delivered_again_costs_no_prediction(buckets, predicted):
    source = buckets.put("text/a.txt", GOOD.body)
    batch = messages(notification(buckets.uploads, "text/a.txt"))
    for _ in range(3):
        assert buckets.invoke("text", batch) == {"batchItemFailures": []}
    assert predicted == [1]
    buckets.check((GOOD, source))


@pytest.mark.parametrize("event", [TEST_EVENT, {"Records": []}])
def test_an_event_about_no_object_is_ignored(buckets, event):
    assert buckets.invoke("text", event) is None
    assert buckets.watch.seen == []


@pytest.mark.parametrize(
    "record",
    [
        {"eventSource": "aws:dynamodb", "dynamodb": {}},
        {"eventSource": "aws:kinesis", "kinesis": {"data": ""}},
        {"EventSource": "aws:sns", "Sns": {"Message": json.dumps({"Records": []})}},
    ],
)
def test_a_record_of_another_service_is_raised_and_not_swallowed(buckets, record):
    with pytest.raises(ExceptionGroup, match="1 of 1 records"):
        buckets.invoke("text", {"Records": [record]})


def test_a_batch_of_a_map_says_how_many_objects_it_had(buckets):
    sources = [buckets.put(f"text/{name}.txt", GOOD.body) for name in "ab"]
    event = {
        "BatchInput": {"bucket": buckets.uploads},
        "Items": [{"Key": s["key"]} for s in sources],
    }
    assert buckets.invoke("text", event) == {"objects": 2}
    buckets.check(*((GOOD, source) for source in sources))


def test_a_batch_of_a_map_is_raised_after_all_of_it_was_tried(buckets):
    sources = [buckets.put(f"text/{name}.txt", GOOD.body) for name in "abc"]
    event = {
        "BatchInput": {"bucket": buckets.uploads},
        "Items": [{"Key": s["key"]} for s in sources],
    }
    with buckets.watch.fail(0), pytest.raises(ExceptionGroup, match="1 of 3 records"):
        buckets.invoke("text", event)
    buckets.check(*((GOOD, source) for source in sources[1:]))


def test_two_objects_whose_keys_differ_by_a_suffix_have_answers_of_their_own(buckets):
    keys = ["text/a.txt", "text/a.txt.txt", "text/a.json.txt", "text/A.txt", "text/a .txt"]
    sources = [buckets.put(key, OTHER.body) for key in keys]
    for key in keys:
        buckets.deliver(key)
    buckets.check(*((OTHER, source) for source in sources))
