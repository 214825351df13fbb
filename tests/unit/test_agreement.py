"""What the template promises is what the code does: handlers, paths, triggers, variables."""

import ast
import re

import pytest
from samcli.yamlhelper import yaml_parse

from serving.events.s3 import SUFFIXES
from serving.native import media_types
from tests.conftest import MODALITIES, ROOT

TEMPLATE = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
RESOURCES = TEMPLATE["Resources"]


def properties(modality: str) -> dict:
    return RESOURCES[f"{modality.title()}Function"]["Properties"]


def events(modality: str, kind: str) -> list[dict]:
    return [e["Properties"] for e in properties(modality)["Events"].values() if e["Type"] == kind]


def rules(event: dict) -> dict[str, str]:
    return {rule["Name"]: rule["Value"] for rule in event["Filter"]["S3Key"]["Rules"]}


def test_there_is_one_function_for_each_modality():
    functions = {n for n, r in RESOURCES.items() if r["Type"] == "AWS::Serverless::Function"}
    assert functions == {f"{modality.title()}Function" for modality in MODALITIES}


@pytest.mark.parametrize("modality", MODALITIES)
def test_the_handler_is_where_the_template_says(modality):
    module, name = properties(modality)["Handler"].split(".")
    source = (ROOT / properties(modality)["CodeUri"] / f"{module}.py").read_text(encoding="utf-8")
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    assert name in {function.name for function in functions}
    assert f'Predictor.load("{modality}")' in source


def test_the_handlers_differ_in_the_modality_alone():
    files = {name: ROOT / f"functions/{name}/predict_{name}.py" for name in MODALITIES}
    codes = {
        path.read_text(encoding="utf-8").partition("\n")[2].replace(f'"{name}"', "MODALITY")
        for name, path in files.items()
    }
    assert len(codes) == 1


@pytest.mark.parametrize("modality", MODALITIES)
def test_the_api_has_the_paths_that_the_code_answers(modality):
    routes = {(event["Method"], event["Path"]) for event in events(modality, "Api")}
    assert routes == {("get", f"/predict/{modality}"), ("post", f"/predict/{modality}")}


@pytest.mark.parametrize("modality", MODALITIES)
def test_uploads_trigger_for_the_suffixes_that_the_code_reads(modality):
    filters = [rules(event) for event in events(modality, "S3")]
    assert {rule["prefix"] for rule in filters} == {f"{modality}/"}
    assert {rule["suffix"].lower() for rule in filters} == set(SUFFIXES[modality])


def test_pictures_reach_the_code_as_bytes():
    binary = {
        kind.replace("~1", "/") for kind in RESOURCES["Api"]["Properties"]["BinaryMediaTypes"]
    }
    assert binary == set(media_types("image")) - {"application/json"}


def test_every_variable_that_the_code_reads_is_set():
    code = "".join(path.read_text() for path in (ROOT / "layers/serving/serving").rglob("*.py"))
    read = set(re.findall(r'environ(?:\.get\(|\[)\s*"(\w+)"', code))
    common = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    # Lambda sets the first; the container image the second, which has but one engine.
    assert read - set(common) == {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "ENGINE"}


def test_the_image_sets_the_engine_and_what_the_template_sets():
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    (line,) = re.findall(r"^ENV (.*ENGINE=.*)$", dockerfile, re.MULTILINE)
    variables = dict(word.split("=") for word in line.split())
    assert variables.pop("ENGINE") == "keras"
    common = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    assert variables == {name: common[name] for name in variables}


@pytest.mark.parametrize("modality", MODALITIES)
def test_policies_name_the_functions_own_prefix(modality):
    text = str(properties(modality)["Policies"])
    assert f"/{modality}/*" in text
    for other in set(MODALITIES) - {modality}:
        assert f"/{other}/*" not in text
