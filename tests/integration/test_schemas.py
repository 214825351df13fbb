"""Every document that is given, from the real handlers and models, is as its schema says."""

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from samcli.yamlhelper import yaml_parse

from serving.bundle import Output
from serving.predictions import label_outputs
from serving.predictor import Predictor
from tests import tickets
from tests.conftest import EVENTS, MODALITIES, ROOT, Context
from tests.tickets import ID, INPUT, RESULTS, begin_event, call, post_form, status_event

SCHEMAS = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in (ROOT / "schemas").glob("*.json")
}
DOCUMENTS = sorted(SCHEMAS.keys() - {"definitions"})
REGISTRY = Registry().with_resources(
    (f"{name}.json", Resource.from_contents(schema)) for name, schema in SCHEMAS.items()
)
CASES = {"image": "cat", "text": "review", "numeric": "application"}
CAT = (EVENTS / "cat.jpg").read_bytes()
HEADER, ROW, *_ = (EVENTS / "applications.csv").read_text(encoding="utf-8").splitlines()
MAPS = {"scores", "values", "fields", "features", "metrics", "provenance"}  # of any names
OPTIONAL = {"line": {"name"}, "status": {"result"}, "description": {"features"}}


def check(name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"{name}.json"}, registry=REGISTRY)


def faults(name: str, document: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in check(name).iter_errors(document)]


def archive(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return buffer.getvalue()


FILES = [  # modality, key, content, and which document answers it
    ("image", "image/cat.jpg", CAT, "result"),
    ("text", "text/a.txt", b"Rich and fresh.", "result"),
    ("text", "text/a.json", b'{"instances": ["Rich.", "Stale."]}', "result"),
    ("numeric", "numeric/a.csv", f"{HEADER}\n{ROW}\n1\n".encode(), "line"),
    ("text", "text/a.jsonl", b'"Rich."\n{\n{"text": ""}\n', "line"),
    ("image", "image/cats.zip", archive(**{"a.jpg": CAT, "b.jpg": b"x"}), "line"),
    ("image", "image/half.jpg", CAT[:9000], "refusal"),
    ("image", "image/a.pdf", b"%PDF", "refusal"),
    ("text", "text/long.txt", b"a " * 3_000_001, "refusal"),
    ("numeric", "numeric/b.csv", b"Age\n1\n", "refusal"),
]


def answers_of_models(handlers, load_event) -> Iterator[tuple[str, Any]]:
    for modality in MODALITIES:
        function, case = handlers[modality], CASES[modality]
        event = load_event(f"{modality}_rest_{case}")
        yield "answer", call(function, event)[1]
        yield "answer", function.handler(load_event(f"{modality}_direct_{case}"), Context())
        yield "description", call(function, event | {"httpMethod": "GET", "body": None})[1]


def problems(handlers, load_event, tmp_path) -> Iterator[tuple[str, Any]]:
    """One of each status, and API Gateway's own."""
    event, text = load_event("text_rest_review"), handlers["text"]
    for changes in (
        {"body": "", "headers": {"content-type": "application/json"}},
        {"path": "/predict/audio"},
        {"httpMethod": "DELETE"},
        {"body": "x" * 6_000_001},
        {"headers": {"content-type": "text/html"}},
        {"body": "{}", "headers": {"content-type": "application/json"}},
    ):
        yield "problem", call(text, event | changes)[1]
    yield "problem", text.handler({"instances": []}, Context())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text.predictor, "preprocess", None)
        yield "problem", call(text, event)[1]
        patch.setenv("ARTIFACTS_DIR", str(tmp_path))
        patch.setattr(text, "predictor", Predictor.load("text"))
        yield "problem", call(text, event)[1]
    template = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    for response in template["Resources"]["Api"]["Properties"]["GatewayResponses"].values():
        body = response["ResponseTemplates"]["application/json"]
        filled = body.replace("$context.error.messageString", '"Forbidden"')
        yield "problem", json.loads(filled.replace("$context.requestId", "c6af9ac6"))


def results(handlers, server) -> Iterator[tuple[str, Any]]:
    for modality, key, content, name in FILES:
        server.upload(INPUT, key, content)
        handlers[modality].handler(tickets.uploaded_event(key), Context())
        place = {"result": f"{key}.json", "line": f"{key}.jsonl", "refusal": f"errors/{key}.json"}
        body = server.download(RESULTS, place[name])
        lines = body.splitlines() if name == "line" else [body]
        yield from ((name, json.loads(line)) for line in lines)


def uploads(handlers, function) -> Iterator[tuple[str, Any]]:
    yield "status", call(function, status_event(ID))[1]
    for modality, filename, content in (
        ("image", "cat.jpg", CAT),
        ("image", "half.jpg", CAT[:9000]),
        ("numeric", "a.csv", f"{HEADER}\n{ROW}\n".encode()),
    ):
        ticket = call(function, begin_event(modality, filename))[1]
        yield "ticket", ticket
        post_form(ticket["upload"], content)
        key = ticket["upload"]["fields"]["key"]
        handlers[modality].handler(tickets.uploaded_event(key), Context())
        yield "status", call(function, status_event(ticket["id"]))[1]


@pytest.fixture(scope="module")
def documents(handlers, tmp_path_factory):
    """Name of the schema and document, of all kinds."""

    def load_event(name: str) -> dict:
        return json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))

    with tickets.running() as (server, function):
        return [
            *answers_of_models(handlers, load_event),
            *problems(handlers, load_event, tmp_path_factory.mktemp("empty")),
            *results(handlers, server),
            *uploads(handlers, function),
        ]


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_schema_is_one(name):
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["$schema"] == Draft202012Validator.META_SCHEMA["$id"]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_real_documents_are_as_their_schema_says(documents, name):
    found = [document for kind, document in documents if kind == name]
    assert found
    for document in found:
        assert faults(name, document) == []


def test_documents_of_every_kind_are_among_them(documents):
    statuses = {document.get("status") for kind, document in documents if kind == "problem"}
    assert statuses == {None, 400, 404, 405, 413, 415, 422, 500, 503}
    refusals = {document["status"] for kind, document in documents if kind == "refusal"}
    assert refusals == {400, 413, 415, 422}
    progress = {document["status"] for kind, document in documents if kind == "status"}
    assert progress == {"pending", "done", "failed"}
    lines = {tuple(document) for kind, document in documents if kind == "line"}
    assert lines == {
        ("source", "model"),
        ("row", "prediction"),
        ("row", "error"),
        ("row", "name", "prediction"),
        ("row", "name", "error"),
        ("rows", "predictions", "errors"),
    }


def broken(document: Any, optional: set[str], open_map: bool = False) -> Iterator[Any]:
    """The document with one thing wrong: a part missing, one too many, one of another type."""
    if not isinstance(document, dict | list):
        yield [None]
        return
    yield "another type"
    if isinstance(document, list):
        for index, item in enumerate(document):
            for worse in broken(item, optional):
                yield [*document[:index], worse, *document[index + 1 :]]
        return
    if not open_map:
        yield document | {"unknown": 1}
    for name, value in document.items():
        if not open_map and name not in optional:
            yield {other: document[other] for other in document if other != name}
        for worse in broken(value, optional, name in MAPS):
            yield document | {name: worse}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_with_one_thing_wrong_is_refused(documents, name):
    for document in (document for kind, document in documents if kind == name):
        for worse in broken(document, OPTIONAL.get(name, set())):
            assert not check(name).is_valid(worse), worse


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_schema_takes_the_document_of_another(documents, name):
    for kind, document in documents:
        assert check(name).is_valid(document) == (kind == name), (kind, document)


def predictions_of(*outputs: tuple[str, list[str], Any]) -> list[dict[str, Any]]:
    described = [
        Output(f"{task}_{number}", task, labels, False, 0.5, None)
        for number, (task, labels, _) in enumerate(outputs)
    ]
    arrays = [np.asarray(values, np.float32) for *_, values in outputs]
    found = label_outputs(arrays, described, {})
    return orjson.loads(orjson.dumps(found, option=orjson.OPT_SERIALIZE_NUMPY))


TASKS = [
    ("multiclass", ["a", "b", "c"], [[0.2, 0.5, 0.3]]),
    ("binary", ["no", "yes"], [[0.75]]),
    ("multilabel", ["sea", "sun"], [[0.75, 0.25]]),
    ("multilabel", ["sea", "sun"], [[0.25, 0.25]]),
    ("regression", [], [[-3.5]]),
    ("regression", [], [[1.5, 2.5]]),
    ("regression", ["price"], [[1e9]]),
    ("embedding", [], [[[0.5, -1.5], [2.5, 0.25]]]),
]


@pytest.mark.parametrize("outputs", [*([task] for task in TASKS), TASKS])
def test_predictions_of_every_task_are_as_the_schema_says(outputs):
    model = {"name": "m", "version": "1", "engine": "onnx"}
    document = {"model": model, "predictions": predictions_of(*outputs)}
    assert faults("answer", document) == []
    (prediction,) = document["predictions"]
    names = set(prediction) if len(outputs) > 1 else set()  # one output less is another model
    for worse in broken(prediction, names):
        assert not check("answer").is_valid(document | {"predictions": [worse]}), worse


@pytest.mark.parametrize("score", [-0.1, 1.1, "0.5", None])
def test_a_score_is_a_probability(score):
    prediction = {"label": "a", "score": score, "scores": {"a": 0.5}}
    model = {"name": "m", "version": "1", "engine": "onnx"}
    assert faults("answer", {"model": model, "predictions": [prediction]})
