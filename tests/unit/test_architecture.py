"""The arrows between the modules of `serving`, read from their import statements."""

import ast

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
    "predictor": {"bundle", "engines", "errors", "golden", "predictions", "preprocessing"},
    "native": {"errors", "predictor", "tables"},
    "tables": {"errors"},
    "storage": {"errors"},
    "telemetry": {"predictor"},
    "events": {"errors", "events", "native", "predictor", "telemetry"},
    "events.problems": {"errors", "telemetry"},
    "events.http": {"errors", "events", "native", "predictor", "telemetry"},
    "events.direct": {"events", "native", "predictor", "telemetry"},
    "events.s3": {"errors", "events", "native", "predictor", "storage", "telemetry"},
}
HEAVY = {
    "onnxruntime": {"engines.onnx"},
    "keras": {"engines.keras"},
    "tensorflow": {"engines.keras"},
    "boto3": {"storage"},
    "botocore": {"storage"},
    "PIL": {"preprocessing.image", "preprocessing.image.decoding"},
    "tokenizers": {"preprocessing.text.subwords"},
    "aws_lambda_powertools": {"telemetry"},
}
FORBIDDEN = {"pickle", "joblib", "sklearn", "functions", "pack", "training"}


def module_name(path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path) -> set[str]:
    """Dotted names a module imports, `from serving import x` as `serving.x`."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "serving":
            names |= {f"serving.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module)
    return names


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
