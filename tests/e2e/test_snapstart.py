"""The built functions as SnapStart runs them: Lambda's own runtime client, and its hooks."""

import base64
import contextlib
import re
import sys
from pathlib import Path

import pytest

from local import package
from local.payloads import EVENTS, load, upload
from tests import runtime_api
from tests.conftest import MODALITIES, ROOT
from tests.e2e.conftest import RESULTS
from tests.runtime_api import CREDENTIALS, RUNTIME

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.usefixtures("built"),
    pytest.mark.skipif(sys.platform != "linux", reason="Lambda's runtime client is for Linux"),
]
PROBE = ROOT / "tests" / "probes" / "probe.py"
REQUESTS = {
    "image": "image_rest_cat",
    "text": "text_rest_review",
    "numeric": "numeric_rest_application",
}
UPLOADS = {"image": "image_s3_cat", "text": "text_s3_review", "numeric": "numeric_s3_application"}
FILES = {"image": "cat.jpg", "text": "review.txt", "numeric": "applications.csv"}
SECRET = "8c1f6d0f7c5e4f0e9a51"
IDENTITY = {
    "AccessKeyId": "AFTERTHERESTORE",
    "SecretAccessKey": SECRET,
    "Token": "session",
    "Expiration": "2999-01-01T00:00:00Z",
}
# What a request needs of these is in the snapshot.
PRELOADED = {"boto3", "botocore", "s3transfer", "urllib3", "ssl", "multipart", "serving", "numpy"}
ESTABLISHED = "01"  # proc(5): st in /proc/net/tcp


@pytest.fixture
def start(tmp_path, local_aws):
    """Start a built function's process; its credentials come from the endpoint alone."""
    endpoint = {"AWS_ENDPOINT_URL_S3": local_aws.environment["AWS_ENDPOINT_URL_S3"]}
    with contextlib.ExitStack() as stack:

        def start_one(name: str, kind: str = "snap-start", **variables: str):
            folder = tmp_path / f"{name}-{kind}"
            folder.mkdir()
            env = {**endpoint, "RESULTS_BUCKET": RESULTS, "INPUT_BUCKET": "uploads", **variables}
            started = stack.enter_context(
                runtime_api.start(package.function(name), folder, kind, PROBE, **env)
            )
            started.api.identity = IDENTITY
            return started

        yield start_one


def connections(process) -> list[int]:
    """The ports at the other ends of a process's connections."""
    folder = Path("/proc", str(process.pid))
    links = [str(entry.readlink()) for entry in (folder / "fd").iterdir()]
    own = {link[8:-1] for link in links if link.startswith("socket:[")}
    lines = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in (folder / "net" / table).read_text(encoding="utf-8").splitlines()[1:]
    ]
    return [
        int(fields[2].rpartition(":")[2], 16)
        for fields in lines
        if fields[9] in own and fields[3] == ESTABLISHED
    ]


def holds(process, text: str) -> bool:
    """Whether a text stands anywhere in the memory that a process may write to."""
    folder = Path("/proc", str(process.pid))
    with (folder / "mem").open("rb", buffering=0) as memory:
        for line in (folder / "maps").read_text(encoding="utf-8").splitlines():
            first, last, access = re.match(r"(\w+)-(\w+) (\S+)", line).groups()
            if not access.startswith("rw"):
                continue
            memory.seek(int(first, 16))
            with contextlib.suppress(OSError):  # what the kernel alone may read
                if text.encode() in memory.read(int(last, 16) - int(first, 16)):
                    return True
    return False


def put(aws, name: str, modality: str) -> None:
    where = upload(load(name))
    with contextlib.suppress(aws.s3.exceptions.BucketAlreadyOwnedByYou):
        aws.s3.create_bucket(Bucket=where.bucket)
    aws.upload(where.bucket, where.key, (EVENTS / FILES[modality]).read_bytes())


@pytest.mark.parametrize("name", [*MODALITIES, "uploads"])
def test_a_snapshot_has_no_connection_and_no_credentials(start, name):
    running = start(name)
    running.wait_for_snapshot()
    assert running.api.asked == [f"GET {RUNTIME}/restore/next"]
    assert connections(running.process) == [running.port]
    assert not holds(running.process, SECRET)
    running.restore()
    assert "boto3" in running.invoke("modules")
    assert running.api.count(CREDENTIALS) == 0


@pytest.mark.parametrize("modality", MODALITIES)
def test_a_copy_answers_as_a_function_that_was_started(start, modality):
    event = load(REQUESTS[modality])
    copy, started = start(modality), start(modality, "on-demand")
    copy.wait_for_snapshot()
    copy.restore()
    assert copy.invoke(event) == started.invoke(event)
    assert started.api.count("/restore/next") == 0


@pytest.mark.parametrize("modality", MODALITIES)
def test_the_first_upload_imports_nothing_heavy_and_fetches_credentials(start, local_aws, modality):
    put(local_aws, UPLOADS[modality], modality)
    running = start(modality)
    running.wait_for_snapshot()
    running.restore()
    before = set(running.invoke("modules"))
    running.invoke(load(UPLOADS[modality]))
    imported = set(running.invoke("modules")) - before
    assert {name for name in imported if name.partition(".")[0] in PRELOADED} == set()
    assert running.api.count(CREDENTIALS) == 1
    assert holds(running.process, SECRET)


def test_the_first_form_imports_nothing_heavy(start):
    boundary, picture = "limit", (EVENTS / "cat.jpg").read_bytes().decode("latin-1")
    part = f'Content-Disposition: form-data; name="file"; filename="cat.jpg"\r\n\r\n{picture}\r\n'
    form = f"--{boundary}\r\n{part}--{boundary}--\r\n"
    event = load("image_rest_cat") | {
        "headers": {"content-type": f"multipart/form-data; boundary={boundary}"},
        "body": base64.b64encode(form.encode("latin-1")).decode(),
        "isBase64Encoded": True,
    }
    running = start("image")
    running.wait_for_snapshot()
    running.restore()
    before = set(running.invoke("modules"))
    assert running.invoke(event)["statusCode"] == 200
    imported = set(running.invoke("modules")) - before
    assert {name for name in imported if name.partition(".")[0] in PRELOADED} == set()


def test_what_is_signed_after_a_restore_is_signed_with_its_own_credentials(start):
    running = start("uploads")
    running.wait_for_snapshot()
    running.restore()
    answer = running.invoke(load("uploads_rest_begin"))
    assert answer["statusCode"] == 201, answer
    assert f'"x-amz-credential":"{IDENTITY["AccessKeyId"]}/' in answer["body"]


def test_a_missing_module_is_told_before_the_snapshot(start):
    running = start("image", BREAK="snapshot")
    assert running.end() != 0
    assert running.api.count("/restore/next") == 0
    error, kind = running.api.reported[f"{RUNTIME}/init/error"]
    assert kind == "Runtime.BeforeSnapshotError"
    assert "multipart" in error["errorMessage"]


def test_a_copy_that_cannot_be_made_unique_takes_no_request(start):
    running = start("text", BREAK="restore")
    running.wait_for_snapshot()
    running.restore()
    assert running.end() != 0
    assert running.api.count("/invocation/next") == 0
    error, kind = running.api.reported[f"{RUNTIME}/restore/error"]
    assert (kind, error["errorMessage"]) == ("Runtime.AfterRestoreError", "no more numbers")


@pytest.mark.parametrize("modality", MODALITIES)
def test_without_snapstart_there_are_no_hooks_and_nothing_is_imported_for_them(start, modality):
    running = start(modality, "on-demand")
    found = set(running.invoke("modules"))
    assert not found & {"snapshot_restore_py", "boto3", "botocore.session", "multipart", "ssl"}


def test_without_snapstart_the_function_that_signs_connects_when_it_starts(start):
    running = start("uploads", "on-demand")
    running.invoke("modules")
    assert running.api.count(CREDENTIALS) == 1
