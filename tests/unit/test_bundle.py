"""A bundle is read whole and unaltered, or not at all."""

import json
import re
import shutil
import sys

import numpy as np
import pytest

from serving import golden
from serving.bundle import Bundle
from serving.errors import BundleError
from serving.predictor import Predictor, Unavailable
from tests.conftest import MODALITIES, ROOT

ARTIFACTS = ROOT / "artifacts"


@pytest.fixture
def copy(tmp_path):
    """A bundle's copy that a test may damage."""

    def make(name: str = "numeric"):
        return shutil.copytree(ARTIFACTS / name, tmp_path / name)

    return make


@pytest.mark.parametrize("name", MODALITIES)
def test_every_bundled_model_gives_all_its_golden_answers(name):
    bundle = Bundle.open(ARTIFACTS / name)
    predictor = Predictor(bundle)
    case = golden.parse(bundle.read_json("golden.json"), name)
    assert len(case.instances) >= 5
    golden.check(case, predictor.preprocess, predictor.outputs, bundle.manifest.tolerance)


@pytest.mark.parametrize("name", MODALITIES)
def test_every_file_of_a_bundle_has_the_manifests_checksum(name):
    bundle = Bundle.open(ARTIFACTS / name)
    present = {path.name for path in bundle.folder.iterdir()} - {"manifest.json", "README.md"}
    assert present == set(bundle.manifest.files)
    for file in bundle.manifest.files:
        bundle.read(file)


@pytest.mark.parametrize("name", MODALITIES)
def test_a_bundles_page_gives_every_metric_of_its_manifest(name):
    page = (ARTIFACTS / name / "README.md").read_text(encoding="utf-8")
    for metric, value in Bundle.open(ARTIFACTS / name).manifest.metrics.items():
        assert re.search(rf"(?<![\d.]){re.escape(f'{value:g}')}0*(?!\d)", page), metric


@pytest.mark.parametrize("name", ["model.onnx", "preprocessing.json", "golden.json"])
def test_an_altered_file_is_refused(copy, name):
    folder = copy()
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(BundleError, match=f"expected {name} of sha256"):
        Predictor(Bundle.open(folder))


def test_a_missing_file_is_refused(copy):
    folder = copy()
    (folder / "model.onnx").unlink()
    with pytest.raises(BundleError, match=r"model\.onnx cannot be read"):
        Predictor(Bundle.open(folder))


def alter(folder):
    weights = folder / "model.onnx.data"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)


def take_off_the_list(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["files"]["model.onnx.data"]
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (alter, "expected model.onnx.data of sha256"),
        (take_off_the_list, "expected model.onnx.data, the manifest lists"),
        (lambda folder: (folder / "model.onnx.data").unlink(), "model.onnx.data cannot be read"),
    ],
)
def test_weights_beside_the_model_are_checked_as_the_model_is(copy, change, message):
    folder = copy("text")
    assert Predictor(Bundle.open(folder))
    change(folder)
    with pytest.raises(BundleError, match=re.escape(message)):
        Predictor(Bundle.open(folder))


@pytest.mark.parametrize(
    "change", [{"format": 99}, {"surprise": 1}, {"limits": {}}, {"outputs": [{}]}]
)
def test_a_manifest_of_another_shape_is_refused(copy, change):
    folder = copy()
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | change))
    with pytest.raises(BundleError):
        Bundle.open(folder)


def test_a_model_that_answers_differently_is_refused(copy):
    folder = copy()
    case = golden.parse(Bundle.open(folder).read_json("golden.json"), "numeric")
    predictor = Predictor(Bundle.open(folder))
    with pytest.raises(BundleError, match="golden output bad differs by"):
        golden.check(
            case,
            predictor.preprocess,
            lambda batch: [values + 1e-3 for values in predictor.outputs(batch)],
            1e-4,
        )


def test_preprocessing_that_changed_is_refused(copy):
    folder = copy()
    bundle = Bundle.open(folder)
    case = golden.parse(bundle.read_json("golden.json"), "numeric")
    predictor = Predictor(bundle)
    with pytest.raises(BundleError, match="preprocessing gave another tensor"):
        golden.check(
            case,
            lambda rows: np.nextafter(predictor.preprocess(rows), np.float32(9)),
            predictor.outputs,
            1.0,
        )


def test_a_bundle_that_does_not_load_fails_every_request_with_the_reason(monkeypatch, tmp_path):
    monkeypatch.setenv("ARTIFACTS_DIR", str(tmp_path))
    predictor = Predictor.load("image")
    assert isinstance(predictor, Unavailable)
    with pytest.raises(BundleError, match=r"manifest\.json"):
        predictor.predict([b""])


@pytest.mark.parametrize(
    "change", [{"engine": "nope"}, {"tolerance": None}, {"limits": None}, {"outputs": [5]}]
)
def test_a_manifest_edited_by_hand_gives_no_predictor_but_a_reason(copy, monkeypatch, change):
    folder = copy()
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | change))
    monkeypatch.setenv("ARTIFACTS_DIR", str(folder.parent))
    assert isinstance(Predictor.load("numeric"), Unavailable)


def test_a_golden_file_without_hashes_proves_nothing():
    case = golden.parse(Bundle.open(ARTIFACTS / "numeric").read_json("golden.json"), "numeric")
    with pytest.raises(BundleError, match="expected a hash for each golden instance, got 0 for"):
        golden.check(case._replace(sha256=[]), list, list, 1.0)


@pytest.mark.parametrize(
    ("engine", "library", "advice"),
    [("onnx", "onnxruntime", r"deploy template\.yaml"), ("keras", "keras", "template-keras")],
)
def test_an_engine_that_is_not_installed_says_what_to_deploy(
    copy, monkeypatch, engine, library, advice
):
    monkeypatch.delitem(sys.modules, f"serving.engines.{engine}", raising=False)
    monkeypatch.setitem(sys.modules, library, None)  # as if it could not be found
    with pytest.raises(BundleError, match=f"engine {engine} is not installed here .*{advice}"):
        Predictor(Bundle.open(copy()), engine)


def test_an_engine_that_does_not_exist_is_refused_by_name():
    with pytest.raises(BundleError, match=r"expected onnx or keras as .* ENGINE, got 'tflite'"):
        Predictor(Bundle.open(ARTIFACTS / "numeric"), "tflite")


def test_a_bundle_without_the_engines_model_says_which_engine_has_one(copy):
    bundle = Bundle.open(copy())
    files = {name: total for name, total in bundle.manifest.files.items() if name != "model.onnx"}
    with pytest.raises(BundleError, match=r"expected model\.onnx, .* ENGINE=keras"):
        Predictor(bundle._replace(manifest=bundle.manifest._replace(files=files)))


def test_the_environment_chooses_the_engine_and_the_reason_is_logged(monkeypatch, caplog):
    monkeypatch.setenv("ENGINE", "tflite")
    assert isinstance(Predictor.load("numeric"), Unavailable)
    assert "the variable ENGINE, got 'tflite'" in caplog.text
    monkeypatch.setenv("ENGINE", "onnx")
    assert Predictor.load("numeric").manifest.engine == "onnx"
    monkeypatch.setenv("ENGINE", "")
    assert Predictor.load("numeric").manifest.engine == "onnx"
