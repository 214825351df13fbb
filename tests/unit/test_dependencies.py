"""The locked packages agree with each other, and are installed without what is not needed."""

import importlib
import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

DEPENDENCIES = ROOT / "layers" / "dependencies"
LOCKS = {
    name: ROOT / f"{name}.txt"
    for name in (
        "layers/dependencies/requirements",
        "layers/dependencies/requirements-keras",
        "pack/requirements",
        "tests/requirements",
    )
}
PINS = {
    name: dict(re.findall(r"^([\w.-]+)==(\S+)", lock.read_text(), re.MULTILINE))
    for name, lock in LOCKS.items()
}
KERAS = PINS["layers/dependencies/requirements-keras"]


@pytest.fixture
def install(monkeypatch):
    """The script that installs a set, which finds its other half beside itself."""
    monkeypatch.syspath_prepend(str(DEPENDENCIES))
    return importlib.import_module("install")


@pytest.mark.parametrize("other", [name for name in LOCKS if PINS[name] is not KERAS])
def test_the_container_has_the_versions_that_the_others_have(other):
    shared = KERAS.keys() & PINS[other].keys()
    assert {"numpy", "pillow"} <= KERAS.keys()
    assert {name: KERAS[name] for name in shared} == {name: PINS[other][name] for name in shared}


def test_the_container_has_all_that_the_layer_has_but_onnx_runtime():
    layer = PINS["layers/dependencies/requirements"].keys()
    assert layer - KERAS.keys() == {"onnxruntime"}


def test_the_container_has_no_package_that_only_tools_import():
    tools = {"scikit-learn", "scipy", "libclang", "grpcio", "setuptools", "wheel", "onnx"}
    assert not KERAS.keys() & {*tools, "huggingface-hub", "tensorboard", "pandas"}


def test_tensorflow_is_the_smaller_one_where_there_is_one():
    lock = LOCKS["layers/dependencies/requirements-keras"].read_text()
    (small,) = re.findall(r"^tensorflow-cpu==\S+ ; (.*) \\$", lock, re.MULTILINE)
    (large,) = re.findall(r"^tensorflow==\S+ ; (.*) \\$", lock, re.MULTILINE)
    assert small == "platform_machine == 'x86_64' and sys_platform == 'linux'"
    assert large == "platform_machine != 'x86_64' or sys_platform != 'linux'"


def test_only_what_the_patterns_name_is_removed(install, tmp_path):
    kept = ["numpy/core.py", "numpy/testing/a.py", "numpy/_core/x.so", "a-1.dist-info/METADATA"]
    removed = [
        "bin/f2py",
        "numpy/tests/a/b.py",
        "numpy/_core/tests/c.py",
        "numpy/a.pyi",
        "numpy/_core/lib/npymath.a",
        "a-1.dist-info/RECORD",
    ]
    for name in [*kept, *removed]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    install.remove(tmp_path, install.UNUSED)
    left = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(left) == sorted(kept)


@pytest.mark.skipif(sys.platform != "linux", reason="libraries of other systems are left alone")
def test_a_library_without_its_symbol_table_still_loads(install, tmp_path):
    spec = importlib.util.find_spec("tokenizers")
    assert spec is not None
    shutil.copytree(Path(spec.origin or "").parent, tmp_path / "tokenizers")
    (library,) = (tmp_path / "tokenizers").glob("*.so")
    whole = library.stat().st_size
    install.cut(library)
    assert library.stat().st_size < whole
    install.cut(library)  # what is cut stays as it is
    script = "import tokenizers; print(tokenizers.__file__, tokenizers.Tokenizer)"
    command = [sys.executable, "-S", "-s", "-c", script]
    done = subprocess.run(
        command, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(str(tmp_path))


def test_a_file_that_is_no_library_is_left_alone(install, tmp_path):
    script = tmp_path / "linker.so"
    script.write_bytes(b"INPUT(libreal.so)")
    install.cut(script)
    assert script.read_bytes() == b"INPUT(libreal.so)"


def test_a_finished_folder_shows_nothing_of_the_machine(install, tmp_path):
    folder = tmp_path / "python"
    (folder / "package" / "__pycache__").mkdir(parents=True)
    stale = folder / "package" / "__pycache__" / "gone.cpython-311.pyc"
    stale.touch()
    module = folder / "package" / "module.py"
    module.write_text("def fail():\n    raise ValueError\n")
    module.chmod(0o600)
    install.finish(folder, "/opt/python")
    (compiled,) = (folder / "package" / "__pycache__").iterdir()
    assert b"/opt/python/package/module.py" in compiled.read_bytes()
    assert str(tmp_path).encode() not in compiled.read_bytes()
    assert module.stat().st_mode & 0o777 == 0o644
    assert len({path.stat().st_mtime for path in [folder, *folder.rglob("*")]}) == 1


def test_a_module_that_does_not_compile_stops_the_build(install, tmp_path):
    (tmp_path / "broken.py").write_text("def fail(:\n")
    with pytest.raises(subprocess.CalledProcessError):
        install.finish(tmp_path, "/opt/python")
