"""HTTP requests through the real handlers and models: answers, problems, descriptions."""

import base64
import io
import json

import pytest
from PIL import Image

from serving.errors import InvalidInput
from serving.events.problems import STATUS
from tests.conftest import EVENTS, MODALITIES

CASES = {"image": "cat", "text": "review", "numeric": "application"}
ROW = json.loads((EVENTS / "numeric_direct_application.json").read_text())["instances"][0]
CAT = (EVENTS / "cat.jpg").read_bytes()


@pytest.fixture
def post(handlers, load_event, context):
    """POST a body to a model as API Gateway would; returns status, document and headers."""

    def send(modality, body, content_type, encoded=None, **changes):
        event = load_event(f"{modality}_rest_{CASES[modality]}") | changes
        event["headers"] = {"content-type": content_type, **changes.get("headers", {})}
        encoded = isinstance(body, bytes) if encoded is None else encoded
        event["body"] = base64.b64encode(body).decode() if isinstance(body, bytes) else body
        event["isBase64Encoded"] = encoded
        answer = handlers[modality].handler(event, context)
        return answer["statusCode"], json.loads(answer["body"]), answer["headers"]

    return send


@pytest.fixture
def refused(post):
    """POST something bad; check the problem document and return its status and detail."""

    def send(*arguments, **changes):
        status, problem, headers = post(*arguments, **changes)
        assert headers["content-type"] == "application/problem+json"
        assert problem["status"] == status
        assert problem["request_id"]
        assert "Traceback" not in problem["detail"]
        return status, problem["detail"]

    return send


def as_json(*instances) -> str:
    return json.dumps({"instances": list(instances)})


@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("source", ["rest", "http", "url"])
def test_every_kind_of_http_event_gets_the_same_prediction(
    handlers, load_event, context, modality, source
):
    direct = handlers[modality].handler(load_event(f"{modality}_direct_{CASES[modality]}"), context)
    event = load_event(f"{modality}_{source}_{CASES[modality]}")
    answer = handlers[modality].handler(event, context)
    assert answer["statusCode"] == 200
    assert answer["headers"]["content-type"] == "application/json"
    assert json.loads(answer["body"]) == direct
    assert direct["model"] == {"name": modality, "version": "1.0.0", "engine": "onnx"}
    (prediction,) = direct["predictions"]
    assert prediction["score"] == max(prediction["scores"].values())
    assert sum(prediction["scores"].values()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("modality", ["text", "numeric"])
@pytest.mark.parametrize("source", ["rest", "http", "url"])
def test_text_bodies_flagged_as_base64_are_decoded(handlers, load_event, context, modality, source):
    event = load_event(f"{modality}_{source}_{CASES[modality]}")
    assert not event["isBase64Encoded"]
    plain = handlers[modality].handler(event, context)
    event |= {"body": base64.b64encode(event["body"].encode()).decode(), "isBase64Encoded": True}
    assert handlers[modality].handler(event, context)["body"] == plain["body"]


def test_predictions_are_what_a_person_would_say(handlers, load_event, context):
    label = {
        modality: handlers[modality].handler(load_event(f"{modality}_direct_{case}"), context)[
            "predictions"
        ][0]["label"]
        for modality, case in CASES.items()
    }
    assert label == {"image": "cat", "text": "fewer stars", "numeric": "good"}


@pytest.mark.parametrize("modality", MODALITIES)
def test_get_describes_the_model(handlers, load_event, context, modality):
    event = load_event(f"{modality}_rest_{CASES[modality]}")
    answer = handlers[modality].handler(event | {"httpMethod": "GET", "body": None}, context)
    description = json.loads(answer["body"])
    assert answer["statusCode"] == 200
    assert description["modality"] == modality
    assert description["metrics"]
    assert description["provenance"]["data"]
    assert "application/json" in description["input"]["content_types"]


def test_many_instances_are_one_batch_in_order(post):
    rows = [ROW | {"Age": age} for age in range(20, 60)]
    _, together, _ = post("numeric", as_json(*rows), "application/json")
    alone = [post("numeric", as_json(row), "application/json")[1] for row in rows]
    assert len(together["predictions"]) == len(rows)
    for one, many in zip(alone, together["predictions"], strict=True):
        assert one["predictions"][0]["score"] == pytest.approx(many["score"], abs=1e-6)


def test_rows_by_name_by_position_and_as_csv_agree(post):
    named = post("numeric", as_json(ROW), "application/json")[1]
    shuffled = dict(sorted(ROW.items(), reverse=True))
    assert post("numeric", as_json(shuffled), "application/json")[1] == named
    assert post("numeric", as_json(list(ROW.values())), "application/json")[1] == named
    header, cells = ",".join(shuffled), ",".join(str(value) for value in shuffled.values())
    assert post("numeric", f"\ufeff{header}\r\n{cells}\r\n", "text/csv; charset=utf-8")[1] == named


def test_missing_values_are_null_or_an_empty_cell(post):
    status, document, _ = post("numeric", as_json(ROW | {"Income": None}), "application/json")
    assert status == 200
    cells = ["" if name == "Income" else str(value) for name, value in ROW.items()]
    table = ",".join(ROW) + "\n" + ",".join(cells)
    assert post("numeric", table, "text/csv")[1] == document


def test_picture_arrives_as_body_as_base64_and_in_a_form(post):
    body = post("image", CAT, "image/jpeg")[1]
    wrapped = as_json({"b64": base64.b64encode(CAT).decode()})
    assert post("image", wrapped, "application/json")[1] == body
    assert post("image", CAT, "application/octet-stream")[1] == body
    form = (
        b'--x\r\ncontent-disposition: form-data; name="note"\r\n\r\nhello\r\n'
        b'--x\r\ncontent-disposition: form-data; name="a"; filename="cat.jpg"\r\n'
        b"content-type: image/jpeg\r\n\r\n" + CAT + b"\r\n"
        b'--x\r\ncontent-disposition: form-data; name="b"; filename="2.jpg"\r\n\r\n'
        + CAT
        + b"\r\n--x--\r\n"
    )
    status, document, _ = post("image", form, "multipart/form-data; boundary=x")
    assert status == 200
    assert [p["label"] for p in document["predictions"]] == ["cat", "cat"]


def test_plain_text_is_one_document(post):
    review = (EVENTS / "review.txt").read_text()
    plain = post("text", review.encode(), "text/plain; charset=UTF-8")[1]
    assert plain == post("text", as_json(review), "application/json")[1]


@pytest.mark.parametrize(
    "text", ["Äußerst köstlich", "とても美味しい", "😀😀", "zxqv blorptang", "ʇxǝʇ"]
)
def test_every_script_and_unknown_words_get_a_prediction(post, text):
    status, document, _ = post("text", as_json(text), "application/json")
    assert status == 200
    assert 0 <= document["predictions"][0]["score"] <= 1


@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize(
    ("body", "content_type", "status", "detail"),
    [
        ("", "application/json", 400, "got an empty one"),
        ("{", "application/json", 400, "expected JSON"),
        ('{"instances": [NaN]}', "application/json", 400, "expected JSON"),
        ('{"instances": [1e999]}', "application/json", 400, "expected JSON"),
        ('{"instances": ' + "[" * 5000, "application/json", 400, "expected JSON"),
        (b"\xff\xfe", "application/json", 400, "expected JSON"),
        ("[1]", "application/json", 422, 'expected an object with "instances" alone, got a list'),
        ('{"rows": []}', "application/json", 422, "got an object with 'rows'"),
        ('{"instances": 1}', "application/json", 422, "to be a list, got the number 1"),
        ('{"instances": []}', "application/json", 422, "at least 1 instance, got 0"),
        ('{"instances": [null]}', "application/json", 422, "instance 0: expected"),
        ('{"instances": [1.5]}', "application/json", 422, "instance 0: expected"),
        ("a=b", "application/x-www-form-urlencoded", 415, "got application/x-www-form"),
        ("x", "", 415, "got none"),
        ("x", ";;;=", 415, "expected a Content-Type"),
    ],
)
def test_bad_bodies_are_the_callers_fault(refused, modality, body, content_type, status, detail):
    found = refused(modality, body, content_type)
    assert found[0] == status
    assert detail in found[1]


@pytest.mark.parametrize(
    ("body", "content_type", "status", "detail"),
    [
        (b"hello", "image/jpeg", 415, "expected a picture"),
        (CAT[:9000], "image/jpeg", 400, "expected a whole picture"),
        (as_json({"b64": "%%%"}), "application/json", 400, "instance 0: expected base64"),
        (as_json({"b64": 5}), "application/json", 422, 'expected {"b64": "..."}, got an object'),
        (as_json({"b64": ""}), "application/json", 415, "expected a picture"),
        (b"--x\r\n", "multipart/form-data", 400, "with a boundary, got none"),
        (b"hello", "multipart/form-data; boundary=x", 400, "expected multipart/form-data"),
    ],
)
def test_bad_pictures_are_refused(refused, body, content_type, status, detail):
    found = refused("image", body, content_type)
    assert found[0] == status
    assert detail in found[1]


def test_a_body_that_is_not_base64_is_refused(refused):
    status, detail = refused("image", "%%%", "image/jpeg", True)
    assert status == 400
    assert "expected a base64 body" in detail


@pytest.mark.parametrize(
    ("body", "content_type", "status", "detail"),
    [
        (as_json(""), "application/json", 422, "at least one word, got none"),
        (as_json(" !?! \n"), "application/json", 422, "at least one word, got none"),
        (
            as_json("good", 5),
            "application/json",
            422,
            "instance 1: expected a text, got the number 5",
        ),
        (as_json("x" * 1_048_576), "application/json", 413, "at most 100000 characters, got 1048"),
        (b"caf\xe9", "text/plain", 400, "expected UTF-8, got byte 0xe9 at position 3"),
        (b"hi", "text/plain; charset=latin-1", 415, "expected charset utf-8, got latin-1"),
        (as_json(*["good"] * 10_000), "application/json", 413, "at most 1000 instances, got 10000"),
        ('{"instances": ["\\ud800"]}', "application/json", 400, "expected JSON"),
    ],
)
def test_bad_texts_are_refused(refused, body, content_type, status, detail):
    found = refused("text", body, content_type)
    assert found[0] == status
    assert detail in found[1]


def without(name: str) -> dict:
    return {key: value for key, value in ROW.items() if key != name}


@pytest.mark.parametrize(
    ("row", "detail"),
    [
        (without("Age"), "expected 13 features, got 12 (missing: Age)"),
        (ROW | {"Shoes": 1}, "expected 13 features, got 14 (unknown: Shoes)"),
        (without("Age") | {"age": 1}, "got 13 (missing: Age; unknown: age)"),
        (list(ROW.values())[:-1], "expected 13 features (Seniority, Home"),
        (ROW | {"Age": "forty"}, "expected a number for Age, got the string 'forty'"),
        (ROW | {"Age": True}, "expected a number for Age, got true"),
        (ROW | {"Age": [1]}, "expected a number for Age, got a list"),
        (ROW | {"Home": 7}, "expected a string for Home, got the number 7"),
        ([*list(ROW.values())[1:], 1], "expected a number for Seniority, got the string 'owner'"),
        (ROW | {"Price": 10**300}, "instance 0: expected"),
        (ROW | {"Income": 1e300}, "instance 0: expected"),
    ],
)
def test_bad_rows_are_refused(refused, row, detail):
    status, found = refused("numeric", as_json(row), "application/json")
    assert status == 422
    assert detail in found


def test_the_bad_row_of_a_batch_is_named(refused):
    rows = [ROW, ROW, without("Age")]
    assert "instance 2: " in refused("numeric", as_json(*rows), "application/json")[1]


@pytest.mark.parametrize(
    ("table", "status", "detail"),
    [
        ("Age\n1,2\n", 400, "line 2: expected 1 cells as in the header, got 2"),
        ('Age\n"1\n', 400, "expected CSV"),
        ("Age\n1\n", 422, "expected 13 features, got 1"),
        ("Age\n", 422, "at least 1 instance, got 0"),
    ],
)
def test_bad_tables_are_refused(refused, table, status, detail):
    found = refused("numeric", table, "text/csv")
    assert found[0] == status
    assert detail in found[1]


@pytest.mark.parametrize("cell", ["nan", "NaN", "inf", "-Infinity", "forty"])
def test_words_in_a_table_are_not_numbers(refused, cell):
    cells = [cell if name == "Age" else str(value) for name, value in ROW.items()]
    table = ",".join(ROW) + "\n" + ",".join(cells)
    detail = refused("numeric", table, "text/csv")[1]
    assert f"expected a number for Age, got the string '{cell}'" in detail


def test_10_000_rows_are_one_answer(post):
    status, document, _ = post(
        "numeric", as_json(*[list(ROW.values())] * 10_000), "application/json"
    )
    assert status == 200
    assert len(document["predictions"]) == 10_000


def test_too_many_rows_are_refused(refused):
    rows = [list(ROW.values())] * 10_001
    status, detail = refused("numeric", as_json(*rows), "application/json")
    assert status == 413
    assert detail == "expected at most 10000 instances, got 10001"


def form_of(*files: bytes) -> bytes:
    head = b'--x\r\ncontent-disposition: form-data; name="f"; filename="f"\r\n\r\n'
    return b"".join(head + file + b"\r\n" for file in files) + b"--x--\r\n"


def picture(width: int, height: int, kind: str = "PNG", mode: str = "L") -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((width, height), 90).convert(mode).save(buffer, kind)
    return buffer.getvalue()


def test_large_files_arrive_in_a_form(post):
    files = [picture(500, 500), picture(600, 600)]
    assert len(files[0]) > 200_000
    status, document, _ = post("image", form_of(*files), "multipart/form-data; boundary=x")
    assert status == 200
    assert len(document["predictions"]) == 2


def test_too_many_parts_of_a_form_are_too_large(refused):
    status, detail = refused("image", form_of(*[b"x"] * 200), "multipart/form-data; boundary=x")
    assert status == 413
    assert "fewer parts" in detail


def test_the_pixels_of_all_pictures_of_a_request_are_limited_together(refused):
    large = base64.b64encode(picture(6000, 6000, "PNG", "1")).decode()
    status, detail = refused("image", as_json({"b64": large}, {"b64": large}), "application/json")
    assert status == 413
    assert detail.startswith("instance 1: expected at most 14000000 pixels")


@pytest.mark.parametrize("cell", ["4_1", "４１", "٤١"])
def test_digits_that_no_table_means_are_refused(refused, cell):
    cells = [cell if name == "Age" else str(value) for name, value in ROW.items()]
    table = ",".join(ROW) + "\n" + ",".join(cells)
    assert "expected a number for Age" in refused("numeric", table, "text/csv")[1]


def test_a_column_that_stands_twice_is_refused(refused):
    table = "Age," + ",".join(ROW) + "\n1," + ",".join(map(str, ROW.values()))
    status, detail = refused("numeric", table, "text/csv")
    assert status == 400
    assert detail == "expected every column once, got 'Age' more than once"


def test_a_long_table_is_refused_without_being_read_whole(refused):
    status, detail = refused("numeric", "a\n" + "1\n" * 2_900_000, "text/csv")
    assert status == 413
    assert detail == "expected at most 10000 rows, got more"


def test_blank_lines_and_empty_rows_of_a_table(post):
    row = ",".join(map(str, ROW.values()))
    clean = post("numeric", ",".join(ROW) + "\n" + row, "text/csv")[1]
    assert post("numeric", "\n\n" + ",".join(ROW) + "\n\n" + row + "\n\n", "text/csv")[1] == clean
    all_missing = ",".join(ROW) + "\n" + "," * 12 + "\n" + row
    assert len(post("numeric", all_missing, "text/csv")[1]["predictions"]) == 2


def test_line_ends_of_a_text_file_do_not_matter(post):
    lines = ["rich", "smooth", "delicious", "coffee"]
    answers = [post("text", end.join(lines), "text/plain")[1] for end in ("\n", "\r\n", "\r")]
    assert answers[0] == answers[1] == answers[2]


def test_a_byte_order_mark_is_no_error(post):
    assert post("text", b"\xef\xbb\xbf" + as_json("good").encode(), "application/json")[0] == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"path": "/predict/\ud800"},
        {"httpMethod": "\ud800"},
        {"headers": {"content-type": "\ud800"}},
        {"headers": {"content-type": 'multipart/form-data; boundary="\ud800"'}},
        {"headers": {"content-type": None}},
        {"headers": ["content-type"]},
        {"body": {"instances": []}},
        {"body": 7},
        {"path": None},
        {"version": "2.0"},
    ],
)
def test_events_of_an_odd_shape_are_refused_with_a_document(handlers, load_event, context, changes):
    answer = handlers["text"].handler(load_event("text_rest_review") | changes, context)
    assert 400 <= answer["statusCode"] < 500
    answer["body"].encode()


def test_lone_surrogates_of_a_direct_caller_can_be_encoded(handlers, context):
    for event in ({"instances": [{"\ud800": 1}]}, {"\ud800": 1}, {"instances": ["\ud800"]}):
        for modality in MODALITIES:
            json.dumps(handlers[modality].handler(event, context), ensure_ascii=False).encode()


def test_huge_integers_of_a_direct_caller_are_named(handlers, context):
    rows = [ROW, ROW | {"Age": 10**400}]
    assert "instance 1" in handlers["numeric"].handler({"instances": rows}, context)["detail"]
    rows = [ROW | {"Home": 10**5000}]
    problem = handlers["numeric"].handler({"instances": rows}, context)
    assert problem["status"] == 422
    assert "a number of more than 64 bits" in problem["detail"]


def test_unknown_paths_and_methods(handlers, load_event, context):
    event = load_event("image_rest_cat")
    unknown = handlers["image"].handler(event | {"path": "/predict/audio"}, context)
    assert unknown["statusCode"] == 404
    deleted = handlers["image"].handler(event | {"httpMethod": "DELETE"}, context)
    assert deleted["statusCode"] == 405
    assert deleted["headers"]["allow"] == "GET, POST"


def test_compressed_bodies_are_refused(refused):
    status, detail = refused("text", "x", "text/plain", headers={"content-encoding": "gzip"})
    assert status == 415
    assert detail


def test_origin_is_allowed_when_configured(post, monkeypatch):
    assert "access-control-allow-origin" not in post("text", "good", "text/plain")[2]
    monkeypatch.setenv("CORS_ALLOW_ORIGIN", "https://example.com")
    headers = post("text", "good", "text/plain")[2]
    assert headers["access-control-allow-origin"] == "https://example.com"


def test_a_bundle_that_does_not_load_is_503_and_says_nothing_of_our_files(
    handlers, load_event, context, monkeypatch, tmp_path
):
    from serving.predictor import Predictor

    monkeypatch.setenv("ARTIFACTS_DIR", str(tmp_path))
    monkeypatch.setattr(handlers["text"], "predictor", Predictor.load("text"))
    answer = handlers["text"].handler(load_event("text_rest_review"), context)
    assert answer["statusCode"] == 503
    assert str(tmp_path) not in answer["body"]


def test_an_error_of_ours_is_500_without_its_message(handlers, load_event, context, monkeypatch):
    def fail(*_):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(handlers["text"].predictor, "preprocess", fail)
    for name in ("text_rest_review", "text_direct_review"):
        answer = handlers["text"].handler(load_event(name), context)
        assert (answer.get("statusCode") or answer["status"]) == 500
        assert "secret" not in json.dumps(answer)


def test_every_error_of_the_caller_has_a_status_of_its_own():
    assert set(InvalidInput.__subclasses__()) <= STATUS.keys()
    assert all(400 <= STATUS[kind] < 500 for kind in InvalidInput.__subclasses__())
    assert len(set(STATUS.values())) == len(STATUS)
