"""Uploads past the API's limit: allowed by the real function, posted over a real connection,
answered by the real handlers, looked up again."""

import base64
import gzip
import io
import json
import re
import urllib.request
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from serving.uploads import kinds, presigned
from tests import tickets
from tests.conftest import EVENTS, MODALITIES, Context
from tests.tickets import ID, INPUT, begin_event, call, post_form, status_event

CAT = (EVENTS / "cat.jpg").read_bytes()
TABLE = (EVENTS / "applications.csv").read_bytes()
SUFFIXES = [
    (modality, suffix)
    for modality in MODALITIES
    for suffix in (*kinds.DOCUMENTS[modality], *kinds.ROWS[modality])
]


@pytest.fixture(scope="module")
def running():
    with tickets.running() as (server, function):
        yield server, function


@pytest.fixture
def function(running):
    return running[1]


@pytest.fixture
def s3(running):
    return running[0]


@pytest.fixture
def begin(function):
    def send(model, filename):
        status, ticket, _ = call(function, begin_event(model, filename))
        assert status == 201
        return ticket

    return send


@pytest.fixture
def look_up(function):
    def send(ticket):
        status, document, _ = call(function, status_event(ticket["id"]))
        assert status == 200
        assert document["id"] == ticket["id"]
        return document

    return send


@pytest.fixture
def predict(handlers):
    """Tell a model's handler of a ticket's object, as S3 would."""

    def send(modality, ticket):
        event = tickets.uploaded_event(ticket["upload"]["fields"]["key"])
        handlers[modality].handler(event, Context())

    return send


def archive_of(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("modality", "filename", "content"),
    [
        ("image", "My Cat.JPG", CAT),
        ("text", "review.txt", (EVENTS / "review.txt").read_bytes()),
        ("text", "texts.json", b'{"instances": ["Rich and fresh.", "Stale."]}'),
    ],
)
def test_a_document_is_allowed_posted_predicted_and_shown(
    s3, begin, look_up, predict, modality, filename, content
):
    ticket = begin(modality, filename)
    assert look_up(ticket) == {"id": ticket["id"], "status": "pending", "uploaded": False}
    assert post_form(ticket["upload"], content) == 204
    assert s3.download(INPUT, ticket["upload"]["fields"]["key"]) == content
    assert look_up(ticket) == {"id": ticket["id"], "status": "pending", "uploaded": True}
    predict(modality, ticket)
    found = look_up(ticket)
    assert found["status"] == "done"
    with urllib.request.urlopen(found["url"], timeout=10) as answer:
        assert json.load(answer) == found["result"]
    assert found["result"]["source"]["key"] == ticket["upload"]["fields"]["key"]
    assert found["result"]["predictions"]


@pytest.mark.parametrize(
    ("modality", "filename", "content", "rows"),
    [
        ("numeric", "loans.csv", TABLE, 2),
        ("numeric", "loans.csv.gz", gzip.compress(TABLE), 2),
        ("text", "texts.jsonl", b'"Rich."\n"Stale."\n', 2),
        ("image", "cats.zip", archive_of(a=CAT, b=CAT), 2),
    ],
)
def test_a_file_of_rows_is_shown_as_a_url(
    begin, look_up, predict, modality, filename, content, rows
):
    ticket = begin(modality, filename)
    post_form(ticket["upload"], content)
    predict(modality, ticket)
    found = look_up(ticket)
    assert found.keys() == {"id", "status", "url", "expires_in"}
    with urllib.request.urlopen(found["url"], timeout=10) as answer:
        lines = [json.loads(line) for line in answer]
    assert lines[-1] == {"rows": rows, "predictions": rows, "errors": 0}


def test_a_long_document_is_shown_as_a_url(begin, look_up, predict, monkeypatch):
    monkeypatch.setattr(presigned, "SHOWN_BYTES", 100)
    ticket = begin("image", "cat.jpg")
    post_form(ticket["upload"], CAT)
    predict("image", ticket)
    assert look_up(ticket).keys() == {"id", "status", "url", "expires_in"}


def test_a_bad_file_is_shown_with_its_problem(begin, look_up, predict):
    ticket = begin("image", "cat.jpg")
    post_form(ticket["upload"], CAT[:9000])
    predict("image", ticket)
    found = look_up(ticket)
    assert found["status"] == "failed"
    assert found["problem"]["status"] == 400
    assert found["problem"]["detail"].startswith("instance 0: expected a whole picture")


def test_an_object_posted_again_is_pending_until_it_is_answered_anew(begin, look_up, predict):
    ticket = begin("image", "cat.jpg")
    post_form(ticket["upload"], CAT[:9000])
    predict("image", ticket)
    post_form(ticket["upload"], CAT)
    assert look_up(ticket) == {"id": ticket["id"], "status": "pending", "uploaded": True}
    predict("image", ticket)
    assert look_up(ticket)["status"] == "done"
    post_form(ticket["upload"], CAT[:9000])
    assert look_up(ticket)["status"] == "pending"
    predict("image", ticket)
    assert look_up(ticket)["status"] == "failed"


def test_an_answer_outlives_its_object(s3, begin, look_up, predict):
    ticket = begin("image", "cat.jpg")
    post_form(ticket["upload"], CAT)
    predict("image", ticket)
    s3.s3.delete_object(Bucket=INPUT, Key=ticket["upload"]["fields"]["key"])
    assert look_up(ticket)["status"] == "done"


def admits(form: dict, size: int, when: datetime) -> bool:
    """Whether S3 takes a file of that size, by its rules for a form's policy, of which moto checks
    none: every field but these has its condition, and every condition holds."""
    policy = json.loads(base64.b64decode(form["fields"]["policy"]))
    given = {name.lower(): value for name, value in form["fields"].items()}
    given["bucket"] = INPUT
    named = {"policy", "x-amz-signature"}
    for condition in policy["conditions"]:
        if isinstance(condition, list):
            operator, low, high = condition
            assert operator == "content-length-range"
            if not low <= size <= high:
                return False
            continue
        ((name, value),) = condition.items()
        named.add(name.lower())
        if given.get(name.lower()) != value:
            return False
    expires = datetime.fromisoformat(policy["expiration"])
    return given.keys() <= named | {"bucket"} and when < expires


def changed(form: dict, **fields: str) -> dict:
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    return form | {"fields": form["fields"] | named}


def test_a_form_takes_the_one_object_that_was_allowed(begin):
    ticket, now = begin("image", "cat.jpg"), datetime.now(UTC)
    form = ticket["upload"]
    assert ticket["max_bytes"] == 25_000_000
    assert admits(form, 1, now)
    assert admits(form, 25_000_000, now)
    assert not admits(form, 0, now)
    assert not admits(form, 25_000_001, now)
    assert not admits(changed(form, key="image/uploads/other.jpg"), 1, now)
    assert not admits({**form, "fields": form["fields"] | {"Content-Type": "text/html"}}, 1, now)


@pytest.mark.parametrize(
    "field",
    ["acl", "x_amz_meta_answer_to", "x_amz_storage_class", "tagging", "success_action_redirect"],
)
def test_a_form_takes_no_further_field(begin, field):
    form = begin("image", "cat.jpg")["upload"]
    assert not admits(changed(form, **{field: "x"}), 1, datetime.now(UTC))


def test_a_form_and_a_url_are_good_for_15_minutes(begin, look_up, predict):
    ticket, now = begin("image", "cat.jpg"), datetime.now(UTC)
    assert ticket["expires_in"] == 900
    assert admits(ticket["upload"], 1, now + timedelta(seconds=890))
    assert not admits(ticket["upload"], 1, now + timedelta(seconds=901))
    post_form(ticket["upload"], CAT)
    predict("image", ticket)
    found = look_up(ticket)
    assert found["expires_in"] == 900
    assert "X-Amz-Expires=900" in found["url"]


@pytest.mark.parametrize(("modality", "suffix"), SUFFIXES)
def test_every_suffix_of_a_trigger_lands_under_its_prefix_with_its_type(begin, modality, suffix):
    ticket = begin(modality, f"../../Etc/a b{suffix.upper()}")
    fields = ticket["upload"]["fields"]
    assert re.fullmatch(rf"{modality}/uploads/[0-9a-f]{{32}}{re.escape(suffix)}", fields["key"])
    assert re.fullmatch(r"(image|text|application)/[a-z-]+", fields["Content-Type"])
    if suffix in kinds.DOCUMENTS[modality]:
        assert fields["Content-Type"] == kinds.DOCUMENTS[modality][suffix]
        assert ticket["max_bytes"] == {"image": 25_000_000}.get(modality, 6_000_000)
    else:
        assert ticket["max_bytes"] == 5_000_000_000
    upload = presigned.find(ticket["id"])
    assert upload.key == fields["key"]


def test_no_two_uploads_share_a_key(begin):
    keys = {begin("text", "a.txt")["upload"]["fields"]["key"] for _ in range(50)}
    assert len(keys) == 50


@pytest.mark.parametrize(("source", "folder"), [("rest", "/v1"), ("http", "/v1"), ("url", "")])
def test_every_kind_of_http_event_gets_a_ticket_and_its_results_path(function, source, folder):
    status, ticket, headers = call(function, begin_event("image", "cat.jpg", source))
    assert (status, headers["content-type"]) == (201, "application/json")
    assert ticket["result"] == f"{folder}/results/{ticket['id']}"
    status, found, headers = call(function, status_event(ticket["id"], source))
    assert (status, headers["content-type"]) == (200, "application/json")
    assert found["status"] == "pending"


def test_what_is_signed_is_kept_by_nobody_on_the_way(function):
    for event in (begin_event("image", "cat.jpg"), status_event(ID)):
        assert call(function, event)[2]["cache-control"] == "no-store"


def test_an_id_that_was_never_given_is_pending(function):
    status, found, _ = call(function, status_event(ID))
    assert (status, found) == (200, {"id": ID, "status": "pending", "uploaded": False})


TOKEN = "5f0c47d1a86b4a5f9a5e1d6a3c1f0b27"


@pytest.mark.parametrize(
    "identifier",
    [
        "x",
        TOKEN,
        f"image-{TOKEN}",
        f"image-{TOKEN}.exe",
        f"image-{TOKEN}.csv",
        f"audio-{TOKEN}.jpg",
        f"errors-{TOKEN}.jpg",
        f"image-{TOKEN.upper()}.jpg",
        f"image-{TOKEN[:-1]}.jpg",
        f"image-{TOKEN}0.jpg",
        f"image-{TOKEN}.JPG",
        f"image-{TOKEN}.jpg.json",
        f"image-{TOKEN}.jpg%00",
        f"image-{TOKEN[:-1]}\n.jpg",
        f"image-{TOKEN[:-2]}..jpg",
        "image-..%2F..%2Ferrors%2Fimage%2Fa.jpg",
        f"image-../../errors/image/uploads/{TOKEN}.jpg",
        f"-{TOKEN}.jpg",
        "é" * 500,
    ],
)
def test_an_id_of_another_shape_is_not_found(function, identifier):
    event = status_event(ID) | {"path": f"/results/{identifier}"}
    status, problem, headers = call(function, event)
    assert (status, headers["content-type"]) == (404, "application/problem+json")
    assert problem["detail"].startswith("expected ")
    assert len(problem["detail"]) < 200


@pytest.mark.parametrize(
    ("body", "content_type", "status", "detail"),
    [
        ("", "application/json", 400, "expected JSON"),
        ("{", "application/json", 400, "expected JSON"),
        ('{"model": "\ud800"}', "application/json", 400, "expected JSON"),
        ("[1]", "application/json", 422, "got a list"),
        ("{}", "application/json", 422, "got an object with nothing"),
        ('{"model": "image"}', "application/json", 422, "got an object with 'model'"),
        ('{"model": "image", "filename": 1}', "application/json", 422, "filename to be a string"),
        ('{"model": null, "filename": "a"}', "application/json", 422, "got null"),
        ('{"model": "audio", "filename": "a.wav"}', "application/json", 422, "got audio"),
        ('{"model": "../x", "filename": "a.jpg"}', "application/json", 422, "image or text or"),
        ('{"model": "image", "filename": "a.csv"}', "application/json", 415, ".zip, got a.csv"),
        ('{"model": "text", "filename": "a"}', "application/json", 415, ".jsonl.gz, got a"),
        ('{"model": "image", "filename": "a.jpg", "x": 1}', "application/json", 422, "'x'"),
        ('{"model": "image", "filename": "a.jpg"}', "text/plain", 415, "got text/plain"),
        ('{"model": "image", "filename": "a.jpg"}', "", 415, "got none"),
        (
            json.dumps({"model": "image", "filename": "a" * 20_000}),
            "application/json",
            413,
            "10000",
        ),
    ],
)
def test_bad_requests_are_refused_with_what_to_mend(function, body, content_type, status, detail):
    event = begin_event("image", "cat.jpg") | {"body": body}
    event["headers"] = {"Content-Type": content_type}
    found, problem, headers = call(function, event)
    assert (found, headers["content-type"]) == (status, "application/problem+json")
    assert detail in problem["detail"]
    assert problem["request_id"] == event["requestContext"]["requestId"]


@pytest.mark.parametrize(
    ("path", "method", "status", "allow"),
    [
        ("/uploads", "GET", 405, "POST"),
        ("/uploads", "DELETE", 405, "POST"),
        (f"/results/{ID}", "POST", 405, "GET"),
        ("/results", "GET", 404, None),
        ("/results/uploads", "GET", 404, None),
        ("/", "GET", 404, None),
        ("/predict/image", "POST", 404, None),
        (f"/uploads/{ID}", "GET", 404, None),
    ],
)
def test_unknown_paths_and_methods(function, path, method, status, allow):
    event = begin_event("image", "cat.jpg") | {"path": path, "httpMethod": method}
    found, _, headers = call(function, event)
    assert found == status
    assert headers.get("allow") == allow


def test_other_events_are_refused_with_a_document(function):
    for event in ({}, [], {"instances": ["x"]}, {"requestContext": None}):
        assert call(function, event)[0] == 400


def test_origin_is_allowed_when_configured(function, monkeypatch):
    allowed = "access-control-allow-origin"
    assert allowed not in call(function, status_event(ID))[2]
    monkeypatch.setenv("CORS_ALLOW_ORIGIN", "https://example.com")
    assert call(function, status_event(ID))[2][allowed] == "https://example.com"
    assert call(function, status_event("x"))[2][allowed] == "https://example.com"


def test_a_model_that_is_not_there_is_503_and_says_nothing_of_our_files(
    function, monkeypatch, tmp_path
):
    monkeypatch.setenv("ARTIFACTS_DIR", str(tmp_path))
    status, problem, _ = call(function, begin_event("image", "cat.jpg"))
    assert status == 503
    assert str(tmp_path) not in json.dumps(problem)


def test_a_bucket_that_is_not_there_is_500_and_says_nothing_of_it(function, monkeypatch):
    monkeypatch.setenv("RESULTS_BUCKET", "")
    status, problem, _ = call(function, status_event(ID))
    assert status == 500
    assert problem["detail"].startswith("the request failed for a reason that is not in it")


def test_urls_are_of_the_bucket_in_its_region_and_signed_as_every_region_takes_it(monkeypatch):
    from serving import storage
    from serving.storage import Location

    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    tickets.forget_clients()
    form = storage.presign_upload(Location("bucket", "image/a.jpg"), "image/jpeg", 10, 60)
    url = storage.presign_download(Location("bucket", "image/a b.jpg.json"), 60)
    tickets.forget_clients()
    assert form.url == "https://bucket.s3.eu-central-1.amazonaws.com/"
    assert form.fields["x-amz-algorithm"] == "AWS4-HMAC-SHA256"
    assert url.startswith("https://bucket.s3.eu-central-1.amazonaws.com/image/a%20b.jpg.json?")
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in url


def test_a_request_is_one_metric_record_without_a_model(function, capsys):
    capsys.readouterr()
    call(function, status_event(ID))
    call(function, status_event("x"))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert [line["Requests"] for line in lines] == [[1.0], [1.0]]
    assert [line.get("RejectedInputs") for line in lines] == [None, [1.0]]
    assert not any("model_version" in line for line in lines)
