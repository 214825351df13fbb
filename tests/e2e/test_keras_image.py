"""The image of template-keras.yaml: what is in it, and that it answers as Keras did at packing."""

import contextlib
import functools
import json
import re
import signal
import subprocess

import numpy as np
import pytest
from samcli.yamlhelper import yaml_parse

from local import payloads
from local.package import ROOT
from serving.golden import differences
from tests.conftest import MODALITIES
from tests.e2e import docker
from tests.e2e.docker import REQUESTS

pytestmark = [pytest.mark.e2e, pytest.mark.docker]

CONFIG = ("--config-env", "keras")
each = pytest.mark.parametrize("modality", MODALITIES)
# A golden output as the scores of every label.
SCORES = {"multiclass": lambda row: row, "binary": lambda row: [1 - row[0], row[0]]}
# Prints every file under /opt and /var/task, and the modules whose bytecode Python would not use
# as it is, or whose tracebacks name another file.
INSPECT = """
import importlib.util, json, marshal, pathlib
files, stale, misnamed = [], [], []
for path in [*pathlib.Path("/opt").rglob("*"), *pathlib.Path("/var/task").rglob("*")]:
    if path.is_file():
        files.append(str(path))
    if path.suffix != ".py":
        continue
    compiled = pathlib.Path(importlib.util.cache_from_source(str(path)))
    code = compiled.read_bytes() if compiled.is_file() else bytes(16)
    unchecked = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little")
    if code[:16] != unchecked + importlib.util.source_hash(path.read_bytes()):
        stale.append(str(path))
    elif marshal.loads(code[16:]).co_filename != str(path):
        misnamed.append(str(path))
print(json.dumps([files, stale, misnamed]))
"""


@pytest.fixture(scope="module")
def image():
    """The image, built by `make`: a stage that has not changed comes from Docker's cache."""
    docker.require("public.ecr.aws/lambda/python:3.12")
    done = subprocess.run(
        ["make", "build-keras"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"make build-keras failed:\n{done.stdout}{done.stderr}"
    template = yaml_parse((ROOT / ".aws-sam/keras/template.yaml").read_text(encoding="utf-8"))
    functions = [template["Resources"][f"{name.title()}Function"] for name in MODALITIES]
    (name,) = {function["Properties"]["ImageUri"] for function in functions}
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: removes the containers
    return name


@pytest.fixture(scope="module")
def container(image):
    """One container a modality, started when first asked for, kept to the end."""
    with contextlib.ExitStack() as stack:
        yield functools.cache(
            lambda modality: stack.enter_context(
                docker.container(image, f"predict_{modality}.handler")
            )
        )


@pytest.fixture(scope="module")
def content(image):
    return json.loads(
        docker.run("run", "--rm", "-i", "--entrypoint", "python3.12", image, "-", stdin=INSPECT)
    )


@pytest.fixture(scope="module")
def api(image, tmp_path_factory):
    """The port of `sam local start-api`."""
    with docker.start_api(tmp_path_factory.mktemp("sam") / "start-api.log", *CONFIG) as port:
        yield port


@each
def test_sam_local_invoke_predicts(image, modality):
    event, label = REQUESTS[modality]
    path = payloads.EVENTS / f"{event}.json"
    response = docker.invoke(f"{modality.title()}Function", path, *CONFIG)
    assert response["statusCode"] == 200, response
    document = json.loads(response["body"])
    assert document["model"] == {"name": modality, "version": "1.0.0", "engine": "keras"}
    assert document["predictions"][0]["label"] == label


def test_start_api_takes_a_binary_jpeg(api):
    jpeg = (payloads.EVENTS / "cat.jpg").read_bytes()
    status, answer = docker.post(api, "/predict/image", jpeg, "image/jpeg")
    assert (status, answer["predictions"][0]["label"]) == (200, "cat")


def test_start_api_takes_json(api):
    event, label = REQUESTS["numeric"]
    body = payloads.body(payloads.load(event))
    status, answer = docker.post(api, "/predict/numeric", body)
    assert (status, answer["predictions"][0]["label"]) == (200, label)


def test_start_api_answers_bad_input_with_a_problem(api):
    status, answer = docker.post(api, "/predict/image", b"not a picture", "image/jpeg")
    assert (status, answer["status"]) == (415, 415)


@each
def test_a_plain_container_gives_every_golden_output(container, modality):
    bundle = ROOT / "artifacts" / modality
    golden = json.loads((bundle / "golden.json").read_text(encoding="utf-8"))
    manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    (output,) = manifest["outputs"]
    expected = golden["outputs"][output["name"]]
    for instance, row in zip(golden["instances"], expected, strict=True):
        answer = container(modality).invoke({"instances": [instance]})
        assert answer["model"]["engine"] == "keras"
        (prediction,) = answer["predictions"]
        assert list(prediction["scores"]) == output["labels"]
        found = np.array(list(prediction["scores"].values()))
        apart = differences(found, np.array(SCORES[output["task"]](row)))
        assert apart.max() <= manifest["tolerance"], prediction


@each
def test_a_batch_gives_what_its_instances_give_alone(container, modality):
    event = payloads.load(f"{modality}_direct_{REQUESTS[modality][0].rpartition('_')[2]}")
    alone = container(modality).invoke(event)["predictions"]
    batch = container(modality).invoke({"instances": 5 * event["instances"]})["predictions"]
    assert [each["label"] for each in batch] == 5 * [each["label"] for each in alone]


def test_another_engine_answers_503_and_the_log_says_what_to_do(image):
    with docker.container(image, "predict_text.handler", ENGINE="onnx") as running:
        answer = running.invoke(payloads.load("text_direct_review"))
        assert answer["status"] == 503
        assert "template.yaml" in running.logs()
        assert "template.yaml" not in json.dumps(answer)


def test_the_image_names_its_engine(image):
    settings = json.loads(docker.run("image", "inspect", image))[0]["Config"]
    assert {"ENGINE=keras", "ARTIFACTS_DIR=/opt/artifacts"} <= set(settings["Env"])
    assert settings["Cmd"] == ["predict_image.handler"]


def test_the_image_holds_the_bundles_without_what_another_engine_reads(content):
    bundles = [path for path in content[0] if path.startswith("/opt/artifacts/")]
    listed = ("golden.json", "manifest.json", "model.keras", "preprocessing.json")
    assert sorted(bundles) == sorted(
        f"/opt/artifacts/{modality}/{name}" for modality in MODALITIES for name in listed
    )


def test_nothing_is_in_the_image_that_is_not_needed(content):
    libraries = "sklearn|scipy|onnxruntime|onnx|clang|grpc|setuptools|boto3|pip|tests"
    unneeded = re.compile(rf"^/opt/python/(.*/)?({libraries})/|\.(a|h|lib|pyi|onnx|pkl)$")
    assert [path for path in content[0] if unneeded.search(path)] == []
    handlers = r"^/var/task/(__pycache__/)?(predict_\w+|uploads)\."
    outside = re.compile(rf"^/opt/(python|artifacts)/|{handlers}")
    assert [path for path in content[0] if not outside.search(path)] == []


def test_every_module_has_bytecode_that_lambda_reads_without_checking(content):
    files, stale, misnamed = content
    assert {"/opt/python/serving/errors.py", "/var/task/predict_text.py"} <= set(files)
    assert (stale, misnamed) == ([], [])


def test_new_code_and_new_models_are_small_layers_on_top(image):
    sizes = docker.run("history", "--human=false", "--format", "{{.Size}}", image).split()
    code, bundles, dependencies = [int(size) for size in sizes if size != "0"][:3]
    assert code < 1_000_000
    assert bundles < 10_000_000
    assert 500_000_000 < dependencies < 1_000_000_000
