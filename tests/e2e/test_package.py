"""The built package as Lambda would unpack it: its size, its bytecode, and what it imports."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from samcli.yamlhelper import yaml_parse

BUILD = Path(__file__).parents[2] / ".aws-sam" / "build"
LAYERS = ("DependenciesLayer", "ServingLayer")
FUNCTIONS = ("ImageFunction", "TextFunction", "NumericFunction")
LIMIT = 250 * 1024 * 1024  # bytes, of a function and its layers, unzipped
MACHINES = {"x86_64": 62, "arm64": 183}  # e_machine in an ELF header
UNCHECKED_HASH = 0b01  # PEP 552: the flags of a .pyc that is read whatever its source says

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("built")]


def files(*folders):
    return [path for name in folders for path in (BUILD / name).rglob("*") if path.is_file()]


def built_architecture():
    template = yaml_parse((BUILD / "template.yaml").read_text(encoding="utf-8"))
    return template["Resources"]["DependenciesLayer"]["Metadata"]["BuildArchitecture"]


def machine(binary):
    header = binary.read_bytes()[:20]
    assert header[:4] == b"\x7fELF", binary
    return int.from_bytes(header[18:], "little")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_and_its_layers_fit_into_lambda(function):
    size = sum(path.stat().st_size for path in files(*LAYERS, function))
    assert size < LIMIT


@pytest.mark.parametrize("layer", LAYERS)
def test_every_module_has_bytecode_that_lambda_reads_without_checking(layer):
    sources = [path for path in files(layer) if path.suffix == ".py"]
    assert sources
    for source in sources:
        compiled = Path(importlib.util.cache_from_source(str(source)))
        header = compiled.read_bytes()[:16]
        assert header[:4] == importlib.util.MAGIC_NUMBER, compiled
        assert int.from_bytes(header[4:8], "little") == UNCHECKED_HASH, compiled
        assert header[8:] == importlib.util.source_hash(source.read_bytes()), compiled


def test_tracebacks_name_files_where_lambda_has_them():
    source = BUILD / "ServingLayer" / "python" / "serving" / "errors.py"
    compiled = Path(importlib.util.cache_from_source(str(source))).read_bytes()
    assert b"/opt/python/serving/errors.py" in compiled
    assert str(BUILD).encode() not in compiled


@pytest.mark.parametrize("folder", [*LAYERS, *FUNCTIONS])
def test_nothing_is_shipped_that_is_not_needed(folder):
    libraries = r"sklearn|scipy|tensorflow|keras|boto3|botocore|onnxruntime/transformers"
    kinds = r"\.(pkl|pickle|joblib|keras|h5|pyi|h|a)$|^artifacts/.*\.md$"
    names = [path.relative_to(BUILD / folder).as_posix() for path in files(folder)]
    unneeded = re.compile(rf"(^|/)(tests?|{libraries})/|{kinds}|(^|/)requirements")
    assert [name for name in names if unneeded.search(name)] == []


def test_the_bundles_lie_where_the_functions_look():
    bundles = (BUILD / "ServingLayer" / "artifacts").iterdir()
    assert {path.name for path in bundles} == {"image", "text", "numeric"}


def test_binaries_are_of_the_architecture_that_the_package_is_for():
    binaries = [path for path in files("DependenciesLayer") if ".so" in path.suffixes]
    assert binaries
    for path in binaries:
        assert machine(path) == MACHINES[built_architecture()], path


@pytest.mark.parametrize("handler", ["predict_image", "predict_text", "predict_numeric"])
def test_a_handler_imports_from_the_package_alone(handler):
    if sys.platform != "linux" or machine(Path(sys.executable)) != MACHINES[built_architecture()]:
        pytest.skip(f"the package is for Lambda on {built_architecture()}, this machine is another")
    function = f"{handler.removeprefix('predict_').title()}Function"
    layers = [BUILD / layer / "python" for layer in LAYERS]
    answer = subprocess.run(
        [sys.executable, "-S", "-s", "-W", "error", "-c", f"import {handler}"],
        env={
            "PYTHONPATH": os.pathsep.join(map(str, [BUILD / function, *layers])),
            "PYTHONDONTWRITEBYTECODE": "1",
            "ARTIFACTS_DIR": str(BUILD / "ServingLayer" / "artifacts"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (answer.returncode, answer.stderr) == (0, "")
