"""The built package in Lambda's container image, by `sam local`."""

import json

import pytest

from local import payloads
from tests.e2e import docker
from tests.e2e.docker import REQUESTS

pytestmark = [pytest.mark.e2e, pytest.mark.docker]


@pytest.fixture(scope="module", autouse=True)
def _docker(built):
    docker.require(f"public.ecr.aws/lambda/python:3.12-{docker.ARCHITECTURE}")


@pytest.fixture(scope="module")
def api(_docker, tmp_path_factory):
    """The port of `sam local start-api`."""
    with docker.start_api(tmp_path_factory.mktemp("sam") / "start-api.log") as port:
        yield port


@pytest.mark.parametrize("modality", REQUESTS)
def test_sam_local_invoke_predicts(modality):
    event, label = REQUESTS[modality]
    response = docker.invoke(f"{modality.title()}Function", payloads.EVENTS / f"{event}.json")
    assert response["statusCode"] == 200, response
    assert json.loads(response["body"])["predictions"][0]["label"] == label


def test_start_api_takes_a_binary_jpeg(api):
    jpeg = payloads.body(payloads.load("image_rest_cat"))
    assert jpeg.startswith(b"\xff\xd8"), "the payload is not a JPEG"
    status, answer = docker.post(api, "/predict/image", jpeg, "image/jpeg")
    assert (status, answer["predictions"][0]["label"]) == (200, "cat")


@pytest.mark.parametrize("modality", ["text", "numeric"])
def test_start_api_takes_json(api, modality):
    event, label = REQUESTS[modality]
    body = payloads.body(payloads.load(event))
    status, answer = docker.post(api, f"/predict/{modality}", body)
    assert (status, answer["predictions"][0]["label"]) == (200, label)


def test_start_api_answers_bad_input_with_a_problem(api):
    status, answer = docker.post(api, "/predict/image", b"not a picture", "image/jpeg")
    assert (status, answer["status"]) == (415, 415)
