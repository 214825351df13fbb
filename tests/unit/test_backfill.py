"""backfill.asl.yaml is a valid state machine, and sends what `events.backfill` takes.

That it runs is tested in tests/integration.
"""

import copy
import json
import re

import pytest
from cfnlint import api
from samcli.yamlhelper import yaml_parse

from tests.backfills import FILE, definition, maps, task
from tests.conftest import EVENTS, MODALITIES, ROOT

TEMPLATE = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
BACKFILL = TEMPLATE["Resources"]["Backfill"]["Properties"]
PAYLOADS = sorted(path.stem for path in EVENTS.glob("*_map_*.json"))


def lint(document) -> list[str]:
    """What cfn-lint, which knows the Amazon States Language, finds in a definition."""
    role = "arn:aws:iam::123456789012:role/backfill"
    properties = {"RoleArn": role, "Definition": document}
    resource = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Machine": resource}}
    return [str(match) for match in api.lint(json.dumps(template), regions=["us-east-1"])]


def test_cfn_lint_finds_nothing_in_the_definition():
    assert lint(definition()) == []


@pytest.mark.parametrize(
    ("state", "field", "value"),
    [
        ("Defaults", "Type", "Pas"),
        ("Listed", "ItemProcessor", {"StartAt": "Answer"}),
        ("Counts", "Resource", None),
    ],
)
def test_cfn_lint_would_find_a_mistake(state, field, value):
    document = definition()
    document["States"][state][field] = value
    assert lint(document) != []


def test_every_state_is_reached_and_every_run_ends():
    states = definition()["States"]
    reached, new = set(), {definition()["StartAt"]}
    while new:
        reached |= new
        new = (
            set(re.findall(r"'(?:Next|Default)': '(\w+)'", str([states[n] for n in new]))) - reached
        )
    assert reached == set(states)
    ends = {name for name, state in states.items() if state["Type"] in ("Succeed", "Fail")}
    assert ends == {"Answered", "SomeFailed", "NoFunction"}


def test_no_name_stands_twice_in_any_of_the_machines():
    states = definition()["States"]
    names = [
        *states,
        *(name for s in maps(definition()).values() for name in s["ItemProcessor"]["States"]),
    ]
    assert len(set(names)) == len(names)
    labels = [state["Label"] for state in maps(definition()).values()]
    assert len(set(labels)) == len(labels)


def test_the_template_fills_in_every_name_and_no_other():
    names = set(re.findall(r"\$\{(\w+)\}", FILE.read_text(encoding="utf-8")))
    assert set(BACKFILL["DefinitionSubstitutions"]) == names
    assert BACKFILL["DefinitionUri"] == FILE.name
    assert FILE.parent == ROOT


@pytest.mark.parametrize("modality", MODALITIES)
def test_a_prefix_chooses_the_function_of_its_first_part(modality):
    states = definition()["States"]
    (choice,) = [
        choice
        for choice in states["Function"]["Choices"]
        if choice["StringMatches"] == f"{modality}/*"
    ]
    name = f"{modality.title()}Function"
    assert states[choice["Next"]]["Result"] == f"${{{name}}}"
    assert BACKFILL["DefinitionSubstitutions"][name] == {"Ref": f"{name}.Alias"}


def test_listed_and_inventoried_objects_are_answered_in_the_same_way():
    listed, inventoried = (copy.deepcopy(each) for each in maps(definition()).values())
    differences = {name for name in listed if listed[name] != inventoried[name]}
    assert differences == {"ItemReader", "ItemBatcher", "Label", "ItemProcessor"}
    assert task(listed) == task(inventoried)
    processors = [each["ItemProcessor"]["ProcessorConfig"] for each in (listed, inventoried)]
    assert processors[0] == processors[1]
    batches = [each["ItemBatcher"]["BatchInput"] for each in (listed, inventoried)]
    assert [batch.pop("quoted") for batch in batches] == [False, True]
    assert batches[0] == batches[1]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_the_payloads_in_events_are_what_the_map_sends(payload):
    event = json.loads((EVENTS / f"{payload}.json").read_text(encoding="utf-8"))
    assert event.keys() == {"BatchInput", "Items"}  # as ItemBatcher has it
    sent = maps(definition())["Inventoried" if payload.endswith("inventory") else "Listed"]
    batch = sent["ItemBatcher"]["BatchInput"]
    assert {name.removesuffix(".$") for name in batch} == set(event["BatchInput"])
    assert event["BatchInput"]["quoted"] is batch["quoted"]
    assert task(sent)["Parameters"] == {"FunctionName.$": "$.BatchInput.function", "Payload.$": "$"}


def test_what_the_input_leaves_out_has_a_default_that_is_used():
    states = definition()["States"]
    defaults = states["Defaults"]["Result"]
    for each in maps(definition()).values():
        used = {
            each["MaxConcurrencyPath"],
            each["ToleratedFailurePercentagePath"],
            each["ItemBatcher"]["MaxItemsPerBatchPath"],
        }
        assert used == {f"$.{name}" for name in defaults}
    assert defaults["concurrency"] == TEMPLATE["Parameters"]["UploadConcurrency"]["Default"]
    assert 0 < defaults["tolerated"] < 100
