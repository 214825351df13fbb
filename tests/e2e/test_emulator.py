"""The built package under the Lambda runtime emulator: every source, every function, no mocks."""

import base64
import json
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from local import payloads
from local.emulator import Running
from local.environment import VAR_RUNTIME
from tests.e2e.conftest import RESULTS, UPLOADS

pytestmark = pytest.mark.e2e

CASES = {
    "image": ("cat", "cat.jpg", ["cat"]),
    "text": ("review", "review.txt", ["fewer stars"]),
    "numeric": ("application", "applications.csv", ["good", "bad"]),
}
BAD_BODIES = {
    "image": (base64.b64encode(b"\xff\xd8\xff\xe0 cut off").decode(), True, {400, 415}),
    "text": ('{"instances": [', False, {400}),
    "numeric": ('{"instances": [{"Age": "old"}]}', False, {422}),
}
everywhere = pytest.mark.parametrize("modality", CASES)


def event(modality: str, source: str) -> dict:
    return payloads.load(f"{modality}_{source}_{CASES[modality][0]}")


def answer(payload: dict) -> dict:
    assert payload["statusCode"] == 200, payload
    assert payload["headers"]["content-type"] == "application/json"
    return json.loads(payload["body"])


def metrics(running: Running, count: int) -> list[dict]:
    """The embedded-metric-format records in a log, once there are as many as expected.

    The emulator passes on what the function prints, and may answer a moment before.
    """
    deadline = time.monotonic() + 5
    while True:
        lines = [line for line in running.logs().splitlines() if line.startswith('{"_aws"')]
        if len(lines) >= count or time.monotonic() > deadline:
            return [json.loads(line) for line in lines]
        time.sleep(0.02)


def imported(running: Running) -> list[str]:
    """The files of the modules that Python says it imported, under PYTHONVERBOSE."""
    return re.findall(r"(?:code object|loaded) from '([^']+)'", running.logs())


@everywhere
@pytest.mark.parametrize("source", ["rest", "http", "url"])
def test_http_events_are_answered(function, modality, source):
    document = answer(function(modality).invoke(event(modality, source)).payload)
    assert document["model"]["name"] == modality
    assert [p["label"] for p in document["predictions"]] == CASES[modality][2][:1]


@everywhere
def test_direct_invocation_gets_what_the_api_gets(function, modality):
    direct = function(modality).invoke(event(modality, "direct")).payload
    assert direct == answer(function(modality).invoke(event(modality, "rest")).payload)


@everywhere
def test_upload_gets_one_result_object(function, local_aws, modality):
    notification, file = event(modality, "s3"), payloads.EVENTS / CASES[modality][1]
    upload = payloads.upload(notification)
    local_aws.upload(UPLOADS, upload.key, file.read_bytes())
    function(modality).invoke(notification)
    rows = modality == "numeric"
    answer = local_aws.download(RESULTS, f"{upload.key}.json{'l' * rows}")
    head, *lines = [json.loads(line) for line in answer.splitlines()]
    assert head["source"]["key"] == upload.key
    found = [line["prediction"] for line in lines[:-1]] if rows else head["predictions"]
    assert [prediction["label"] for prediction in found] == CASES[modality][2]
    versions = local_aws.s3.list_object_versions(Bucket=RESULTS, Prefix=upload.key)["Versions"]
    assert len(versions) == 1


def test_binary_picture_passes_base64_unchanged(function):
    request = event("image", "rest")
    assert request["isBase64Encoded"]
    assert payloads.body(request) == (payloads.EVENTS / "cat.jpg").read_bytes()
    wrapped = json.dumps({"instances": [{"b64": request["body"]}]})
    as_json = request | {"body": wrapped, "isBase64Encoded": False}
    as_json["headers"] = {"Content-Type": "application/json"}
    raw = answer(function("image").invoke(request).payload)
    assert raw == answer(function("image").invoke(as_json).payload)


@everywhere
def test_second_invocation_reuses_the_process_and_the_model(start, modality):
    with start(modality) as running:
        cold = running.invoke(event(modality, "rest"))
        process = running.runtime_process()
        warm = running.invoke(event(modality, "rest"))
        assert running.runtime_process() == process
        records = metrics(running, 2)
        assert running.logs().count("INIT START") == 1
    assert [record.get("ColdStarts") for record in records] == [[1.0], None]
    stages = ("ImportTime", "LoadTime", "WarmUpTime", "FirstCallTime")
    spent = [records[0][stage][0] for stage in stages]
    assert min(spent) > 0
    assert sum(spent) < 1000 * cold.seconds
    assert not set(stages) & records[1].keys()
    assert warm.payload == cold.payload
    assert warm.seconds < cold.seconds


def test_three_functions_start_cold_in_parallel(start):
    def call(modality: str) -> list[str]:
        with start(modality) as running:
            document = answer(running.invoke(event(modality, "rest")).payload)
            return [prediction["label"] for prediction in document["predictions"]]

    with ThreadPoolExecutor(len(CASES)) as pool:
        found = dict(zip(CASES, pool.map(call, CASES), strict=True))
    assert found == {modality: labels[:1] for modality, (_, _, labels) in CASES.items()}


@everywhere
def test_bad_input_leaves_the_container_alive(function, modality):
    running = function(modality)
    good = running.invoke(event(modality, "rest")).payload
    process = running.runtime_process()
    body, encoded, statuses = BAD_BODIES[modality]
    changes = {"body": body, "isBase64Encoded": encoded}
    refused = running.invoke(event(modality, "rest") | changes).payload
    assert refused["statusCode"] in statuses
    assert refused["headers"]["content-type"] == "application/problem+json"
    assert "Traceback" not in refused["body"]
    assert running.invoke(event(modality, "rest")).payload == good
    assert running.runtime_process() == process


@everywhere
def test_every_request_logs_one_metrics_record(function, modality):
    running = function(modality)
    answered = len(metrics(running, 0))
    running.invoke(event(modality, "rest"))
    [record] = metrics(running, answered + 1)[answered:]
    [directive] = record["_aws"]["CloudWatchMetrics"]
    named = {metric["Name"] for metric in directive["Metrics"]}
    assert {"Requests", "Predictions", "InferenceTime"} <= named
    assert named <= record.keys()
    assert record["service"] == modality


@everywhere
def test_all_code_comes_from_the_package_and_the_layers_from_bytecode(start, modality):
    with start(modality, PYTHONVERBOSE="1") as running:
        answer(running.invoke(event(modality, "rest")).payload)
        files, function = imported(running), running.function
    layers = tuple(f"{layer}/python/" for layer in function.layers)
    ours = [file for file in files if file.startswith(layers)]
    assert [file for file in ours if not file.endswith((".pyc", ".so"))] == []
    assert any("serving/__pycache__/predictor" in file for file in ours)
    standard_library = f"{sys.base_prefix}/lib/python3.12/"
    allowed = (*layers, f"{function.task_root}/", f"{VAR_RUNTIME}/", standard_library)
    assert [file for file in files if not file.startswith(allowed)] == []
    assert [file for file in files if "site-packages" in file] == []
