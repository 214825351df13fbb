"""Backfills by the real handlers: their batches, and the whole state machine.

moto's interpreter of state machines has no ItemBatcher, reads no inventory's manifest and tells no
state of a map's counts. Here an ItemSelector makes batches of one, a CSV file has an inventory's
columns, and the counts are given. All else runs as it is written.
"""

import itertools
import json
import threading
import time
from collections import Counter

import boto3
import pytest
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.core.config import default_user_config

from tests.backfills import definition, maps, task
from tests.conftest import EVENTS, MODALITIES, Context

FILES = {"image": "cat.jpg", "text": "review.txt", "numeric": "applications.csv"}
SUFFIXES = {"image": ".jpg", "text": ".txt", "numeric": ".csv"}
ANSWERS = {"image": ".json", "text": ".json", "numeric": ".jsonl"}
MAPPED = {"image": "image_map_cat", "text": "text_map_review", "numeric": "numeric_map_application"}
_numbers = itertools.count()

ARN = "arn:aws:lambda:eu-central-1:123456789012:function"
AWKWARD = "a b+c%20ü&é"  # what quoting changes


def body(modality: str) -> bytes:
    return (EVENTS / FILES[modality]).read_bytes()


@pytest.fixture
def buckets(make_buckets):
    return make_buckets()


@pytest.mark.parametrize("modality", MODALITIES)
def test_a_batch_of_a_listing_is_answered(buckets, load_event, modality):
    event = load_event(MAPPED[modality])
    event["BatchInput"]["bucket"] = buckets.uploads
    keys = [item["Key"] for item in event["Items"]]
    for key in keys:
        buckets.put(key, body(modality))
    assert buckets.invoke(modality, event) == {"objects": len(keys)}
    assert sorted(buckets.found()) == sorted(f"{key}{ANSWERS[modality]}" for key in keys)


def test_of_an_inventory_the_keys_are_unquoted_and_those_of_other_prefixes_left(
    buckets, load_event
):
    event = load_event("image_map_inventory")
    event["BatchInput"]["bucket"] = buckets.uploads
    wanted = "image/holiday photos/cat+dog ünïcode.jpg"
    for key in (wanted, "image/house.jpg"):
        buckets.put(key, body("image"))
    buckets.put("text/january/review.txt", body("text"))
    assert buckets.invoke("image", event) == {"objects": 1}
    assert list(buckets.found()) == [f"{wanted}.json"]


def test_a_listed_key_that_looks_quoted_is_taken_as_it_is(buckets, load_event):
    event = load_event("image_map_cat")
    event["BatchInput"]["bucket"] = buckets.uploads
    event["Items"] = [{"Key": "image/a+b%20c.jpg"}]
    buckets.put("image/a+b%20c.jpg", body("image"))
    buckets.invoke("image", event)
    assert list(buckets.found()) == ["image/a+b%20c.jpg.json"]


def test_a_batch_with_a_failure_raises_after_all_others_are_answered(
    buckets, load_event, monkeypatch
):
    from serving.events import s3

    answer = s3._answer

    def fail_one(source, *rest):
        if source.key == "text/1.txt":
            raise ConnectionError("storage is away")
        return answer(source, *rest)

    monkeypatch.setattr(s3, "_answer", fail_one)
    event = load_event("text_map_review")
    event["BatchInput"]["bucket"] = buckets.uploads
    event["Items"] = [{"Key": f"text/{number}.txt"} for number in range(3)]
    for item in event["Items"]:
        buckets.put(item["Key"], body("text"))
    with pytest.raises(ExceptionGroup, match="1 of 3 records"):
        buckets.invoke("text", event)
    assert sorted(buckets.found()) == ["text/0.txt.json", "text/2.txt.json"]


def as_moto_runs_it(document, counts):
    for state in maps(document).values():
        batch = state.pop("ItemBatcher")["BatchInput"]
        items = {"Items.$": "States.Array($$.Map.Item.Value)"}
        state["ItemSelector"] = {"BatchInput": batch, **items}
        if state["ItemReader"].get("ReaderConfig") == {"InputType": "MANIFEST"}:
            columns = {"CSVHeaderLocation": "GIVEN", "CSVHeaders": ["Bucket", "Key"]}
            state["ItemReader"]["ReaderConfig"] = {"InputType": "CSV", **columns}
        for retrier in task(state)["Retry"]:
            retrier |= {"IntervalSeconds": 1, "BackoffRate": 1}
    told = document["States"]["Counts"]
    (name,) = told["ResultSelector"].values()
    given = {"MapRunArn.$": told["Parameters"]["MapRunArn.$"], name.partition(".")[2]: counts}
    document["States"]["Counts"] = {
        "Type": "Pass",
        "Parameters": given,
        "Next": "Selected",
        "ResultPath": "$.told",
    }
    selected = {
        key: value.replace("$.", "$.told.") for key, value in told["ResultSelector"].items()
    }
    document["States"]["Selected"] = {
        "Type": "Pass",
        "Parameters": selected,
        "ResultPath": told["ResultPath"],
        "Next": told["Next"],
    }
    return document


class Functions:
    """Stands for Lambda. failing: what raises, by key, and how often."""

    def __init__(self, handlers):
        self._handlers = handlers
        self._one = threading.Lock()  # an environment has one call at a time, this process is one
        self.calls: list[tuple[str, dict]] = []
        self.failing: Counter[str] = Counter()

    def invoke(self, name, _, payload, __, headers):
        event = json.loads(payload)
        self.calls.append((name, event))
        (item,) = event["Items"]
        if self.failing[item["Key"]] > 0:
            self.failing[item["Key"]] -= 1
            headers["x-amz-function-error"] = "Unhandled"
            return json.dumps({"errorType": "ExceptionGroup", "errorMessage": "away"}).encode()
        modality = name.rpartition(":")[2].lower()
        with self._one:
            answer = self._handlers[modality].handler(event, Context())
        return json.dumps(answer).encode()


@pytest.fixture
def functions(monkeypatch, handlers):
    functions = Functions(handlers)
    monkeypatch.setattr(LambdaSimpleBackend, "invoke", functions.invoke)
    return functions


@pytest.fixture
def backfill(server, buckets, functions, monkeypatch):
    """Runs a backfill of which so many objects succeed; its status and its error."""
    monkeypatch.setitem(default_user_config, "stepfunctions", {"execute_state_machine": True})
    monkeypatch.setitem(default_user_config, "lambda", {"use_docker": False})
    monkeypatch.setenv("MOTO_PORT", server.rpartition(":")[2])
    client = boto3.client("stepfunctions", endpoint_url=server)
    names = {f"{name.title()}Function": f"{ARN}:{name}" for name in MODALITIES}

    def run(succeeded=1, total=1, **options):
        document = definition(InputBucket=buckets.uploads, ResultsBucket=buckets.results, **names)
        counts = {"Succeeded": succeeded, "Total": total, "Failed": total - succeeded}
        machine = client.create_state_machine(
            name=f"backfill-{next(_numbers)}",
            definition=json.dumps(as_moto_runs_it(document, counts)),
            roleArn="arn:aws:iam::123456789012:role/backfill",
        )["stateMachineArn"]
        started = client.start_execution(stateMachineArn=machine, input=json.dumps(options))
        for _ in range(600):
            told = client.describe_execution(executionArn=started["executionArn"])
            if told["status"] != "RUNNING":
                return told["status"], told.get("error")
            time.sleep(0.05)
        raise TimeoutError("the execution did not end in 30 s")

    return run


def answers(buckets) -> list[str]:
    """What the functions wrote, not what the map did."""
    return sorted(
        key for key in buckets.found() if not key.startswith(("backfills/", "inventories/"))
    )


@pytest.mark.parametrize("modality", MODALITIES)
def test_a_prefix_is_answered_by_its_function(backfill, buckets, functions, modality):
    keys = [f"{modality}/old/{AWKWARD}{number}{SUFFIXES[modality]}" for number in range(3)]
    for key in keys:
        buckets.put(key, body(modality))
    buckets.put(f"{modality}/new/x{SUFFIXES[modality]}", body(modality))
    assert backfill(prefix=f"{modality}/old/") == ("SUCCEEDED", None)
    assert answers(buckets) == [f"{key}{ANSWERS[modality]}" for key in keys]
    called = {name.rpartition(":")[2] for name, _ in functions.calls}
    assert called == {modality}


def test_an_inventory_is_answered_in_place_of_a_listing(backfill, buckets, functions):
    keys = [f"text/{AWKWARD}.txt", "text/unlisted.txt", "image/cat.jpg"]
    for key in keys:
        buckets.put(key, body(key.split("/")[0]))
    quoted = "text/a+b%2Bc%2520%C3%BC%26%C3%A9.txt"
    inventory = f'"{buckets.uploads}","{quoted}"\n"{buckets.uploads}","image/cat.jpg"\n'
    buckets.client.put_object(Bucket=buckets.results, Key="inventories/x", Body=inventory.encode())
    assert backfill(prefix="text/", inventory="inventories/x") == ("SUCCEEDED", None)
    assert answers(buckets) == [f"text/{AWKWARD}.txt.json"]


def test_a_repeated_run_answers_nothing_again(backfill, buckets):
    buckets.put("image/cat.jpg", body("image"))
    assert backfill(prefix="image/") == ("SUCCEEDED", None)
    buckets.watch.seen.clear()
    assert backfill(prefix="image/") == ("SUCCEEDED", None)
    assert set(buckets.watch.seen) == {"HeadObject"}


def test_a_failed_call_is_tried_again(backfill, buckets, functions):
    buckets.put("text/a.txt", body("text"))
    functions.failing["text/a.txt"] = 4
    assert backfill(prefix="text/") == ("SUCCEEDED", None)
    assert len(functions.calls) == 5
    assert answers(buckets) == ["text/a.txt.json"]


@pytest.mark.parametrize("prefix", ["", "video/", "image", "errors/image/"])
def test_a_prefix_of_no_function_is_refused(backfill, functions, prefix):
    assert backfill(prefix=prefix) == ("FAILED", "NoFunction")
    assert functions.calls == []


def test_a_run_of_which_some_failed_is_a_failed_one(backfill, buckets):
    buckets.put("text/a.txt", body("text"))
    assert backfill(prefix="text/", succeeded=1, total=2) == ("FAILED", "SomeFailed")
