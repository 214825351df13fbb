"""What a request leaves in the log: JSON lines and an embedded-metric-format record."""

import json
import sys

import pytest

from serving import telemetry
from tests.conftest import MODALITIES

CASES = {"image": "cat", "text": "review", "numeric": "application"}


@pytest.fixture
def logged(handlers, load_event, context, capsys, monkeypatch):
    """Invoke a handler; give back its log lines and its metric records, parsed."""

    def invoke(modality, **changes):
        event = load_event(f"{modality}_rest_{CASES[modality]}") | changes
        capsys.readouterr()
        with monkeypatch.context() as during:
            during.setattr(telemetry.logger.registered_handler, "stream", sys.stdout)
            handlers[modality].handler(event, context)
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        records = [line for line in lines if "_aws" in line]
        return [line for line in lines if "_aws" not in line], records

    return invoke


@pytest.mark.parametrize("modality", MODALITIES)
def test_a_prediction_is_one_log_line_and_one_metric_record(logged, modality):
    (line,), (record,) = logged(modality)
    assert line["message"] == "predicted"
    assert line["correlation_id"] == "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
    assert line["function_request_id"] == "11111111-2222-3333-4444-555555555555"
    assert record["model_version"] == "1.0.0"
    assert record["Requests"] == record["Predictions"] == [1.0]
    for stage in ("DecodeTime", "PreprocessTime", "InferenceTime"):
        assert 0 <= record[stage][0] < 60_000
    assert "RejectedInputs" not in record
    (declared,) = record["_aws"]["CloudWatchMetrics"]
    units = {metric["Name"]: metric["Unit"] for metric in declared["Metrics"]}
    assert units["InferenceTime"] == "Milliseconds"


def test_a_rejected_input_is_counted_and_logged_with_what_to_mend(logged):
    (line,), (record,) = logged("text", body="{")
    assert line["level"] == "WARNING"
    assert line["status"] == 400
    assert "expected JSON" in line["detail"]
    assert record["RejectedInputs"] == [1.0]
    assert "Failures" not in record


def test_a_failure_of_ours_is_counted_and_logged_with_its_traceback(logged, handlers, monkeypatch):
    monkeypatch.setattr(type(handlers["text"].predictor), "predict", None)
    (line,), (record,) = logged("text")
    assert line["level"] == "ERROR"
    assert "Traceback" in line["exception"]
    assert record["Failures"] == [1.0]
