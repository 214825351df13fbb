"""The benchmark's samples become figures, tables and charts that agree with each other."""

import json
import sysconfig
import xml.etree.ElementTree as ET
from functools import partial
from pathlib import Path

import pytest

from benchmarks import aims, breakdown, charts, cost, inputs, report, sizes
from benchmarks.contenders import MINIMAL, OURS
from benchmarks.facts import Facts
from benchmarks.figures import Pricing, summarise
from benchmarks.inputs import Input
from benchmarks.measure import Contender, Effort, Sample, Warm, measure
from local.emulator import Answer, FunctionError

PRICING = Pricing(cost.Prices(), headroom=1.2)
RECORD = (
    '{"_aws": {"Timestamp": 1}, "ImportTime": [60.5], "LoadTime": 20, "WarmUpTime": 5.5,'
    ' "FirstCallTime": [4], "service": "text"}'
)


class Echo:
    """A server in this process: answers each event's instances, a second later each time."""

    def __init__(self, log="", missing=0):
        self.calls, self.log, self.missing = 0, log, missing

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.calls = 0

    def invoke(self, event):
        self.calls += 1
        predictions = [{"label": "a", "score": 0.5}] * (event - self.missing)
        body = json.dumps({"predictions": predictions})
        return Answer({"statusCode": 200, "body": body}, float(self.calls))

    def peak_memory(self):
        return 50.0 + self.calls

    def cpu_seconds(self):
        return self.calls / 2

    def logs(self):
        return self.log


def echo(name, **changes):
    asked = (Input("one", 1, 1), Input("three", 3, 3))
    return Contender("text", name, partial(Echo, **changes), asked, size=2**20)


def row(name, cold, warm, cpu=0.001, peak=60.0, workload="text"):
    """A contender's row from two rounds: cold, warm, cpu in seconds, peak in MB."""
    answer = [{"label": "a", "score": 0.5}]
    samples = [
        Sample(
            cold * factor, {"ImportTime": 60.0}, {"one": Warm([warm] * 10, cpu * 10, peak, answer)}
        )
        for factor in (1, 1.2)
    ]
    contender = Contender(workload, name, Echo, (Input("one", 1, 1),), size=3 * 2**20)
    return summarise(contender, samples, PRICING)


def facts(skipped=()):
    return Facts({"cpu": "one"}, {}, {"rounds": 2}, PRICING, 116.0, list(skipped))


def test_contenders_take_turns_and_the_first_round_does_not_count():
    said = []
    effort = Effort(rounds=2, slow_rounds=2, calls=5, seconds=60)
    samples = measure([echo(MINIMAL), echo(OURS)], effort, said.append)
    assert [len(taken) for taken in samples] == [2, 2]
    names = [message.split(", ")[-1].partition(":")[0] for message in said]
    assert names == [MINIMAL, OURS] * 3
    warm = samples[0][0].warm
    assert warm["one"].seconds == [3, 4, 5, 6, 7]  # 1 was cold, 2 this input's first
    assert warm["three"].seconds == [9, 10, 11, 12, 13]
    assert (warm["one"].cpu, warm["one"].peak) == (2.5, 57.0)
    assert len(warm["three"].answer) == 3


def test_warm_calls_end_when_their_seconds_are_over():
    effort = Effort(rounds=1, slow_rounds=1, calls=1000, seconds=0)
    [[sample]] = measure([echo(OURS)], effort, lambda message: None)
    assert len(sample.warm["one"].seconds) == 1


def test_contender_that_leaves_an_instance_unanswered_ends_the_benchmark():
    effort = Effort(rounds=1, slow_rounds=1, calls=1, seconds=1)
    with pytest.raises(FunctionError, match="expected 1 predictions for one"):
        measure([echo(OURS, missing=1)], effort, lambda message: None)


def test_parts_of_a_cold_start_are_read_from_the_log():
    log = f"START RequestId: 1\n{RECORD}\nnot json\nEND\n"
    expected = {"ImportTime": 60.5, "LoadTime": 20, "WarmUpTime": 5.5, "FirstCallTime": 4}
    assert breakdown.phases(log) == expected
    assert breakdown.phases("START\nEND\n") == {}
    assert breakdown.phases('{"_aws": {"Timestamp": cut') == {}


def test_figures_are_medians_with_the_least_and_most_of_a_round():
    found = row(OURS, cold=0.1, warm=0.002)
    assert found.cold.median == pytest.approx(110)
    assert (found.cold.least, found.cold.most) == (pytest.approx(100), pytest.approx(120))
    reading = found.warm["one"]
    assert (reading.p50.median, reading.calls, reading.memory) == (2, 20, 128)
    assert reading.cpu.median == pytest.approx(1)
    # 1 ms of processor time is 14 ms at 128 MB's share.
    assert reading.dollars == pytest.approx(cost.per_million(14, 128, cost.Prices()))
    assert found.size == 3


def test_aims_are_judged_by_the_figures():
    rows = [row(MINIMAL, 0.1, 0.001, peak=50), row(OURS, 0.16, 0.0019, peak=129)]
    rows.append(row("LitServe", 5, 0.0018))
    verdicts = {line.split("|")[1].strip(): line for line in aims.table(rows, 151)[2:]}
    assert "not met" in verdicts[f"text: cold, to {MINIMAL}"]
    assert "not met" not in verdicts[f"text: warm p50, one, above {MINIMAL}"]
    assert "not met" in verdicts["text: peak memory, one"]
    assert "1.06" in verdicts["text: warm p50, one, to LitServe, the fastest server"]
    assert "not met" in verdicts["text: warm p50, one, to LitServe, the fastest server"]
    assert "not met" in verdicts["dependencies layer, unzipped"]


def test_report_has_every_contender_in_tables_charts_and_json(tmp_path):
    rows = [row(MINIMAL, 0.1, 0.001), row(OURS, 0.12, 0.0012)]
    markdown = report.write(rows, facts(["MLServer: not installed"]), tmp_path)
    assert "- not measured: MLServer: not installed" in markdown
    assert "## Where a cold start goes" in markdown
    kept = json.loads((tmp_path / "results.json").read_text())
    assert [one["name"] for one in kept["rows"]] == [MINIMAL, OURS]
    assert kept["rows"][1]["warm"]["one"]["answer"] == {"label": "a", "score": 0.5}
    for name in ("results.svg", "warm.svg"):
        texts = [one.text for one in ET.fromstring((tmp_path / name).read_text()).iter()]
        assert {MINIMAL, OURS} <= set(texts)


def test_a_faster_contender_stands_further_left():
    chart = ET.fromstring(charts.warm([row(MINIMAL, 0.1, 0.001), row(OURS, 0.1, 0.01)]))
    first, second = (float(one.get("cx")) for one in chart.iter() if one.get("cx"))
    assert first < second


@pytest.mark.parametrize("workload", ["image", "text", "numeric", "mobilenet"])
def test_an_input_has_as_many_instances_as_it_says_within_lambdas_limit(workload):
    for asked in inputs.load(workload):
        assert len(json.dumps(asked.event)) < 6 * 2**20
        if asked.event["isBase64Encoded"]:
            assert asked.instances == 1
        else:
            assert len(json.loads(asked.event["body"])["instances"]) == asked.instances


def test_a_text_has_sixty_words():
    [text] = json.loads(inputs.load("text")[0].event["body"])["instances"]
    assert len(text.split()) == inputs.WORDS


def test_a_packages_size_has_its_requirements_in_it():
    folder = Path(sysconfig.get_path("purelib"))
    alone = sizes.required(folder, ["idna"])
    assert alone > 0
    assert sizes.required(folder, ["requests"]) > alone + sizes.required(folder, ["urllib3"])
    assert sizes.required(folder, ["no-such-distribution"]) == 0
