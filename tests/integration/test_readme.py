"""Every curl command of the README gets the answer that stands below it."""

import base64
import json
import re
import shlex

import pytest

from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```bash\n(curl .*?)```\n+```json\n(.*?)```", README, re.DOTALL)


def as_event(command: str) -> dict:
    """A curl command line as the REST API would hand it over."""
    words = iter(shlex.split(command.replace("\\\n", " "))[1:])
    headers, body, url, method = {}, None, "", "GET"
    for word in words:
        if word in ("-H", "--header"):
            name, value = next(words).split(":", 1)
            headers[name] = value.strip()
        elif word in ("-d", "--data", "--data-binary"):
            body, method = next(words), "POST"
        else:
            url = word
    content = (ROOT / body[1:]).read_bytes() if body and body[0] == "@" else (body or "").encode()
    return {
        "httpMethod": method,
        "path": url.removeprefix("$API"),
        "headers": headers,
        "requestContext": {"requestId": "readme"},
        "body": base64.b64encode(content).decode(),
        "isBase64Encoded": True,
    }


def rounded(value):
    """Scores to the digits that every processor agrees on."""
    if isinstance(value, dict):
        return {name: rounded(item) for name, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return pytest.approx(value, abs=1e-4) if isinstance(value, float) else value


def test_there_are_examples_for_every_model():
    assert {as_event(command)["path"] for command, _ in EXAMPLES} >= {
        "/predict/image",
        "/predict/text",
        "/predict/numeric",
    }


@pytest.mark.parametrize(("command", "answer"), EXAMPLES)
def test_example_gets_the_answer_below_it(handlers, context, command, answer):
    event = as_event(command)
    modality = event["path"].rsplit("/", 1)[1]
    body = json.loads(handlers[modality].handler(event, context)["body"])
    expected = json.loads(answer)
    assert {key: body[key] for key in expected} == rounded(expected)
