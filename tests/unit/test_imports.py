"""What a cold start of each function imports, by name: every module costs processor time.

A new module here is a decision: add it to its table if a start needs it, else import it where it
is used.
"""

import os
import subprocess
import sys

import pytest

from tests.conftest import MODALITIES, ROOT

LIBRARIES = {  # Powertools imports typing_extensions, jmespath and, for its name, botocore
    *("aws_lambda_powertools", "botocore", "jmespath", "typing_extensions"),
    *("numpy", "onnxruntime", "orjson"),
}
LIBRARIES_OF = {"image": {"PIL"}, "text": set(), "numeric": set()}
OURS = {
    *("serving", "serving.startup", "serving.errors", "serving.bundle", "serving.predictor"),
    *("serving.telemetry", "serving.snapshot", "serving.golden"),
    *("serving.native", "serving.tables"),
    *("serving.events", "serving.events.invocation", "serving.events.problems"),
    *("serving.events.http", "serving.events.direct", "serving.events.backfill"),
    *("serving.events.s3", "serving.events.sqs"),
    *("serving.engines", "serving.engines.loading", "serving.engines.onnx"),
    "serving.preprocessing",
}
OURS_OF = {
    "image": {
        "serving.preprocessing.image",
        *(f"serving.preprocessing.image.{name}" for name in ("decoding", "fitting", "spec")),
    },
    "text": {
        "serving.preprocessing.text",
        *(f"serving.preprocessing.text.{name}" for name in ("sequences", "tokenizer")),
    },
    "numeric": {
        "serving.preprocessing.numeric",
        "serving.preprocessing.transformers",
        *(
            f"serving.preprocessing.transformers.{name}"
            for name in ("arithmetic", "composing", "encoding", "missing")
        ),
    },
}
NEEDLESS = {  # with what is inside them
    *("asyncio", "concurrent", "multiprocessing", "queue", "ssl"),
    *("email", "ftplib", "html", "http.client", "mimetypes", "smtplib", "urllib.request"),
    *("argparse", "doctest", "pdb", "pydoc", "unittest"),
    *("bz2", "lzma", "shutil", "tarfile", "tempfile", "zipfile"),
    *("sqlite3", "statistics", "xml"),
    *("boto3", "multipart", "tokenizers"),
    *("numpy.fft", "numpy.ma", "numpy.polynomial", "numpy.random", "numpy.testing"),
    *("PIL.ImageFont", "PIL.ImageOps", "PIL.TiffImagePlugin", "PIL.WebPImagePlugin"),
    *("serving.storage", "serving.uploads"),
}


@pytest.fixture(scope="module", params=MODALITIES)
def start(request) -> tuple[str, set[str]]:
    """A function's modality, and the modules that its import adds to a bare interpreter's."""
    function = f"predict_{request.param}"
    folders = [ROOT / "layers" / "serving", ROOT / "functions" / request.param]
    code = (
        f"import sys; before = set(sys.modules); import {function};"
        f" assert {function}.predictor.manifest; print(*sys.modules.keys() - before)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join(map(str, folders))}
        | {"ARTIFACTS_DIR": str(ROOT / "artifacts")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return request.param, set(loaded) - {function}


def test_a_start_imports_the_listed_libraries(start):
    modality, loaded = start
    outside = {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names - {"serving"}
    check(outside, LIBRARIES | LIBRARIES_OF[modality])


def test_a_start_imports_the_listed_modules_of_serving(start):
    modality, loaded = start
    check({name for name in loaded if name.startswith("serving")}, OURS | OURS_OF[modality])


def test_a_start_imports_nothing_needless(start):
    _, loaded = start
    found = {name for each in NEEDLESS for name in loaded if f"{name}.".startswith(f"{each}.")}
    check(found | {name for name in loaded if name.startswith("botocore.")}, set())


def check(found: set[str], listed: set[str]) -> None:
    new, gone = sorted(found - listed), sorted(listed - found)
    assert not new, f"imported at a start, and not listed: {', '.join(new)}"
    assert not gone, f"listed, and no longer imported at a start: {', '.join(gone)}"
