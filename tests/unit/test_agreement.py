"""What the template promises is what the code does: handlers, paths, prefixes, variables."""

import ast
import re
import tomllib

import pytest
from samcli.yamlhelper import yaml_parse

from local import redrive
from serving.native import media_types
from serving.uploads import rows
from serving.uploads.answers import places
from tests.conftest import MODALITIES, ROOT

TEMPLATE = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
RESOURCES = TEMPLATE["Resources"]


def properties(modality: str) -> dict:
    return RESOURCES[f"{modality.title()}Function"]["Properties"]


def events(modality: str, kind: str) -> list[dict]:
    return [e["Properties"] for e in properties(modality)["Events"].values() if e["Type"] == kind]


def resources_of(names: list[str], action: str) -> set[str]:
    """What the functions' policies allow an action on, of those that name a folder."""
    statements = [
        statement
        for name in names
        for policy in properties(name)["Policies"]
        for statement in policy["Statement"]
        if action in statement["Action"]
    ]
    found = [
        s["Resource"] if isinstance(s["Resource"], list) else [s["Resource"]] for s in statements
    ]
    return {resource["Fn::Sub"] for group in found for resource in group if "Fn::Sub" in resource}


def test_there_is_one_function_for_each_modality_and_one_for_uploads():
    functions = {n for n, r in RESOURCES.items() if r["Type"] == "AWS::Serverless::Function"}
    assert functions == {f"{name.title()}Function" for name in (*MODALITIES, "uploads")}


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


def test_uploads_are_signed_and_looked_up_at_these_paths():
    routes = {(event["Method"], event["Path"]) for event in events("uploads", "Api")}
    assert routes == {("post", "/uploads"), ("get", "/results/{id}")}


@pytest.mark.parametrize("modality", MODALITIES)
def test_a_function_may_write_where_the_code_writes(modality):
    written = places("${ResultsBucket.Arn}", f"{modality}/*", rows=True)
    folders = {f"{place.bucket}/{place.key}" for place in (written.error, written.unfinished)}
    folders = {folder.removesuffix(".json") for folder in folders}
    for action in ("s3:PutObject", "s3:GetObject", "s3:DeleteObject"):
        assert folders <= resources_of([modality], action)


def test_pictures_reach_the_code_as_bytes():
    binary = {
        kind.replace("~1", "/") for kind in RESOURCES["Api"]["Properties"]["BinaryMediaTypes"]
    }
    assert binary == set(media_types("image")) - {"application/json"}


@pytest.mark.parametrize("name", [*MODALITIES, "uploads"])
def test_every_variable_that_the_code_reads_is_set(name):
    shared = ROOT / "layers/serving/serving"
    own = ROOT / properties(name)["CodeUri"]
    code = "".join(path.read_text() for folder in (shared, own) for path in folder.rglob("*.py"))
    read = set(re.findall(r'environ(?:\.get\(|\[)\s*"(\w+)"', code))
    common = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    given = {**common, **properties(name)["Environment"]["Variables"]}
    # Lambda sets the first two; the container image the third, which has but one engine. The last
    # is of those that predict, or of the one that does not.
    others = {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_INITIALIZATION_TYPE", "ENGINE"}
    others.add("UPLOADS_QUEUE_URL" if name == "uploads" else "INPUT_BUCKET")
    assert read - set(given) == others


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


def test_a_failed_event_is_sent_back_by_the_names_that_the_stack_gives_out():
    outputs = TEMPLATE["Outputs"]
    assert outputs["FailedEventsQueueUrl"]["Value"] == {"Ref": "FailedEventsQueue"}
    assert set(redrive.MODALITIES) == set(MODALITIES)
    for name in (modality.title() for modality in MODALITIES):
        assert outputs[f"{name}UploadsQueueUrl"]["Value"] == {"Ref": f"{name}UploadsQueue"}
    samconfig = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
    assert samconfig["default"]["global"]["parameters"]["stack_name"] == redrive.STACK


def test_a_function_spends_its_time_on_predicting_and_not_on_keeping_what_is_done():
    assert TEMPLATE["Globals"]["Function"]["Timeout"] > 10 * rows.MARGIN
