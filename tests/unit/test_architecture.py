"""The arrows between the modules of `serving`, read from their import statements."""

import ast
import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "layers" / "serving" / "serving"
ALLOWED = {
    "": set(),
    "errors": set(),
    "bundle": {"errors"},
    "golden": {"errors"},
    "predictions": {"bundle", "errors", "preprocessing"},
    "preprocessing": {"preprocessing"},
    "preprocessing.image": {"errors", "preprocessing.image"},
    "preprocessing.text": {"errors", "preprocessing.text"},
    "preprocessing.numeric": {"errors", "preprocessing.transformers"},
    "preprocessing.transformers": {"errors", "preprocessing.transformers"},
    "engines": {"errors"},
    "engines.onnx": {"engines", "errors"},
    "engines.keras": {"engines", "errors"},
    "engines.environment": set(),
    "engines.loading": {"bundle", "engines", "errors", "startup"},
    "predictor": {
        "bundle",
        "engines",
        "errors",
        "golden",
        "predictions",
        "preprocessing",
        "startup",
    },
    "native": {"errors", "predictor", "tables"},
    "tables": {"errors"},
    "storage": set(),
    "queue": set(),
    "startup": set(),
    "telemetry": {"predictor", "startup"},
    "snapshot": {"queue", "startup", "storage"},
    "events": {
        "errors",
        "events.backfill",
        "events.direct",
        "events.http",
        "events.invocation",
        "events.s3",
        "events.sqs",
        "predictor",
        "telemetry",
    },
    "events.invocation": set(),
    "events.problems": {"errors", "telemetry"},
    "events.http": {
        "errors",
        "events.invocation",
        "events.problems",
        "native",
        "predictor",
        "telemetry",
    },
    "events.direct": {
        "events.invocation",
        "events.problems",
        "native",
        "predictor",
        "telemetry",
    },
    "events.s3": {
        "events.invocation",
        "predictor",
        "queue",
        "storage",
        "telemetry",
        "uploads.reconcile",
    },
    "events.sqs": {"events.invocation", "events.s3", "predictor", "telemetry"},
    "events.backfill": {"events.invocation", "events.s3", "predictor", "storage"},
    "events.presigned": {"errors", "events", "events.http", "telemetry", "uploads.presigned"},
    "uploads": set(),
    "uploads.presigned": {"bundle", "errors", "storage", "uploads.answers", "uploads.kinds"},
    "uploads.answers": {"native", "predictor", "storage"},
    "uploads.kinds": {"errors", "storage"},
    "uploads.lines": {"errors"},
    "uploads.progress": {"storage", "uploads.answers"},
    "uploads.documents": {
        "errors",
        "native",
        "predictor",
        "storage",
        "telemetry",
        "uploads.answers",
        "uploads.kinds",
    },
    "uploads.rows": {
        "errors",
        "events.problems",
        "predictions",
        "predictor",
        "storage",
        "telemetry",
        "uploads.progress",
    },
    "uploads.tables": {
        "errors",
        "predictor",
        "storage",
        "tables",
        "uploads.kinds",
        "uploads.lines",
        "uploads.rows",
    },
    "uploads.archives": {"errors", "predictor", "storage", "uploads.rows"},
    "uploads.reconcile": {
        "errors",
        "events.problems",
        "predictor",
        "storage",
        "telemetry",
        "uploads.answers",
        "uploads.archives",
        "uploads.documents",
        "uploads.kinds",
        "uploads.progress",
        "uploads.rows",
        "uploads.tables",
    },
}
HEAVY = {
    "onnxruntime": {"engines.onnx"},
    "keras": {"engines.keras"},
    "tensorflow": {"engines.keras"},
    "boto3": {"queue", "storage"},
    "botocore": {"queue", "storage"},
    "PIL": {"preprocessing.image", "preprocessing.image.decoding"},
    "tokenizers": {"preprocessing.text.subwords"},
    "aws_lambda_powertools": {"telemetry"},
}
FORBIDDEN = {"pickle", "joblib", "sklearn", "functions", "pack", "training"}
OF_A_MODEL = {"numpy", "onnxruntime", "PIL", "tokenizers", "multipart"}


def module_name(path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path) -> set[str]:
    """Dotted names a module imports, `from serving.x import y` as `serving.x.y` if that is one."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {name if name in NAMES else node.module for name in inner}
    return names


NAMES = {f"serving.{module_name(path)}".rstrip(".") for path in PACKAGE.rglob("*.py")}
MODULES = {module_name(path): imports(path) for path in PACKAGE.rglob("*.py")}


def allowance(module: str) -> set[str]:
    """What the module itself, or the nearest package around it, may import."""
    while module not in ALLOWED:
        module = module.rpartition(".")[0]
    return ALLOWED[module]


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_imports_only_what_its_arrows_allow(module):
    own = {name.removeprefix("serving.") for name in MODULES[module] if name[:8] == "serving."}
    allowed = allowance(module)
    strangers = {
        name for name in own if not any(f"{name}.".startswith(f"{other}.") for other in allowed)
    }
    assert not strangers


@pytest.mark.parametrize("library", sorted(HEAVY))
def test_a_heavy_library_has_one_home(library):
    homes = {
        module for module, names in MODULES.items() if library in {n.split(".")[0] for n in names}
    }
    assert homes == HEAVY[library]


def test_nothing_of_build_time_is_imported():
    used = {name.split(".")[0] for names in MODULES.values() for name in names}
    assert not used & FORBIDDEN


def test_the_function_without_a_model_starts_without_what_models_need():
    code = "import sys, uploads; print(*{name.partition('.')[0] for name in sys.modules})"
    folders = [str(PACKAGE.parent), str(ROOT / "functions" / "uploads")]
    loaded = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(folders)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert {"uploads", "serving", "boto3"} <= set(loaded)
    assert not OF_A_MODEL & set(loaded)
