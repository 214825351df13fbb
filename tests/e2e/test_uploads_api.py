"""The built functions pass an upload on: allowed, posted to S3, predicted, looked up."""

import json
from collections.abc import Iterator

import pytest

from local.emulator import Running
from tests.conftest import EVENTS
from tests.e2e.conftest import UPLOADS
from tests.tickets import begin_event, post_form, status_event, uploaded_event

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def uploads(start) -> Iterator[Running]:
    with start("uploads", INPUT_BUCKET=UPLOADS) as running:
        yield running


def test_an_upload_is_allowed_posted_predicted_and_shown(uploads, function):
    answer = uploads.invoke(begin_event("image", "cat.jpg")).payload
    assert answer["statusCode"] == 201
    ticket = json.loads(answer["body"])
    assert post_form(ticket["upload"], (EVENTS / "cat.jpg").read_bytes()) == 204
    event = uploaded_event(ticket["upload"]["fields"]["key"], UPLOADS)
    function("image").invoke(event)
    found = json.loads(uploads.invoke(status_event(ticket["id"])).payload["body"])
    assert found["status"] == "done"
    assert found["result"]["predictions"][0]["label"] == "cat"


def test_the_function_without_a_model_takes_little_memory(uploads):
    uploads.invoke(status_event("image-5f0c47d1a86b4a5f9a5e1d6a3c1f0b27.jpg"))
    assert uploads.peak_memory() < 75  # measured: 55 MB
