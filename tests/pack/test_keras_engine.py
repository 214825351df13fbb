"""The engine that TensorFlow runs: the same answers, one graph, steady memory."""

import os
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras
from keras import layers

from serving import golden
from serving.bundle import Bundle
from serving.engines.keras import KerasEngine
from serving.errors import BundleError, UnfitInput
from serving.predictor import Predictor
from tests.conftest import MODALITIES, ROOT

pytestmark = pytest.mark.pack

ARTIFACTS = ROOT / "artifacts"
BATCHES = (1, 2, 7, 64, 3, 1)


@pytest.fixture
def engine(tmp_path):
    """The engine of a saved model."""

    def load(model):
        model.save(tmp_path / "model.keras")
        return KerasEngine(tmp_path / "model.keras")

    return load


def sizes_of(modality: str) -> tuple[int, int]:
    """The calls of the memory test, and the largest batch; 10,000 of the convolutions take long."""
    return {"image": (300, 8), "text": (1_000, 32), "numeric": (10_000, 512)}[modality]


@pytest.mark.parametrize("modality", MODALITIES)
def test_both_engines_give_the_golden_answers(modality):
    bundle = Bundle.open(ARTIFACTS / modality)
    case = golden.parse(bundle.read_json("golden.json"), modality)
    tolerance = bundle.manifest.tolerance
    found = {}
    for engine in ("onnx", "keras"):
        predictor = Predictor(bundle, engine)
        assert predictor.manifest.engine == engine
        golden.check(case, predictor.preprocess, predictor.outputs, tolerance)
        found[engine] = [
            prediction
            for instance in case.instances
            for prediction in predictor.predict([instance]).predictions
        ]
    for ours, theirs in zip(found["onnx"], found["keras"], strict=True):
        assert ours["label"] == theirs["label"]
        differences = [
            abs(ours["scores"][name] - theirs["scores"][name]) for name in ours["scores"]
        ]
        assert max(differences) <= tolerance


@pytest.mark.parametrize("modality", MODALITIES)
def test_one_graph_takes_batches_of_any_size_and_gives_what_predict_gives(modality):
    model = keras.saving.load_model(ARTIFACTS / modality / "model.keras", compile=False)
    engine = KerasEngine(ARTIFACTS / modality / "model.keras")
    [described] = model.inputs
    generator = np.random.default_rng(0)
    for size in BATCHES:
        shape = (size, *(each or 10 for each in described.shape[1:]))
        batch = generator.integers(0, 2, shape).astype(described.dtype)
        [found] = engine.run(batch)
        np.testing.assert_allclose(found, model.predict(batch, verbose=0), atol=1e-5)


def test_several_inputs_of_several_types_and_outputs_in_the_order_of_their_names(engine):
    ids = keras.Input((4,), dtype="int32", name="ids")
    mask = keras.Input((4,), name="mask")
    hidden = layers.GlobalAveragePooling1D()(layers.Embedding(9, 3)(ids) * mask[..., None])
    model = keras.Model(
        {"ids": ids, "mask": mask},
        {"b": layers.Dense(2, name="b")(hidden), "a": layers.Dense(1, name="a")(hidden)},
    )
    batch = np.random.default_rng(0).integers(0, 2, (5, 2, 4)).astype(np.int32)
    first, second = engine(model).run(batch)
    expected = model.predict({"ids": batch[:, 0], "mask": batch[:, 1].astype(float)}, verbose=0)
    np.testing.assert_allclose(first, expected["a"], atol=1e-6)
    np.testing.assert_allclose(second, expected["b"], atol=1e-6)


@pytest.mark.parametrize("shape", [(), (1,)])
def test_strings_reach_a_model_that_takes_strings(engine, shape):
    words = keras.Input(shape, dtype="string")
    indices = layers.StringLookup(vocabulary=["good", "schön"])(words)
    model = keras.Model(words, layers.Rescaling(1.0)(indices))
    [found] = engine(model).run(np.array(["schön", "good", "what"], object))
    assert found.ravel().tolist() == [2, 1, 0]


def test_columns_of_strings_and_numbers_reach_their_inputs(engine):
    job = keras.Input((1,), dtype="string", name="job")
    age = keras.Input((1,), name="age")
    coded = layers.StringLookup(vocabulary=["fixed"], output_mode="one_hot")(job)
    model = keras.Model([job, age], layers.Concatenate()([coded, age]))
    [found] = engine(model).run(np.array([["fixed", 41], ["none", 0.5]], object))
    assert found.tolist() == [[0, 1, 41], [1, 0, 0.5]]


def test_a_string_that_no_table_has_is_the_callers_to_mend(engine):
    words = keras.Input((1,), dtype="string")
    lookup = layers.StringLookup(vocabulary=["good"], num_oov_indices=0)
    known = engine(keras.Model(words, layers.Rescaling(1.0)(lookup(words))))
    with pytest.raises(UnfitInput, match="expected values that the model knows"):
        known.run(np.array(["bad"], object))


def test_numbers_that_an_inputs_type_cannot_hold_are_refused(engine):
    inputs = keras.Input((2,), dtype="float16")
    narrow = engine(keras.Model(inputs, layers.Rescaling(1.0)(inputs)))
    with pytest.raises(UnfitInput, match="expected numbers that float16 can hold"):
        narrow.run(np.array([[1, 70_000]], np.float32))


def test_bfloat16_outputs_are_float32(engine):
    inputs = keras.Input((3,))
    model = keras.Model(inputs, layers.Dense(2, dtype="bfloat16")(inputs))
    batch = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    [found] = engine(model).run(batch)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.float32(model.predict(batch, verbose=0)))


def test_a_file_that_is_no_archive_is_told_from_a_missing_one(tmp_path):
    (tmp_path / "model.keras").write_bytes(b"corrupt")
    with pytest.raises(BundleError, match=r"expected a \.keras file, which is a ZIP archive"):
        KerasEngine(tmp_path / "model.keras")


def test_half_precision_is_computed_as_keras_computes_it(engine):
    inputs = keras.Input((3,), dtype="float32")
    model = keras.Model(inputs, layers.Dense(2, dtype="mixed_float16")(inputs))
    batch = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    [found] = engine(model).run(batch)
    np.testing.assert_array_equal(found, model.predict(batch, verbose=0))


def test_code_in_the_file_is_not_run(tmp_path):
    model = keras.Sequential([keras.Input((1,)), layers.Lambda(lambda x: x + 1)])
    model.save(tmp_path / "model.keras")
    with pytest.raises(BundleError, match="Keras does not load the model"):
        KerasEngine(tmp_path / "model.keras")


def test_a_bundle_without_a_keras_model_says_who_serves_it():
    bundle = Bundle.open(ARTIFACTS / "numeric")
    files = {name: total for name, total in bundle.manifest.files.items() if name != "model.keras"}
    manifest = bundle.manifest._replace(files=files)
    with pytest.raises(BundleError, match=r"expected model\.keras, .*ENGINE=onnx"):
        Predictor(bundle._replace(manifest=manifest), "keras")


MEMORY = """
import sys
from pathlib import Path
import numpy as np
from serving.engines.environment import set_up_tensorflow
set_up_tensorflow(Path(sys.argv[1]))
from serving.engines.keras import KerasEngine

def resident():
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024

path, calls, largest = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
engine = KerasEngine(Path(path))
[described] = engine._model.inputs
shape = [each or 10 for each in described.shape[1:]]
generator = np.random.default_rng(0)
for call in range(calls):
    batch = np.zeros((generator.integers(1, largest + 1), *shape), described.dtype)
    engine.run(batch)
    if call == calls // 5:
        before = resident()
print(resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("modality", MODALITIES)
def test_memory_stays_where_it_is_over_batches_of_changing_sizes(modality):
    calls, largest = sizes_of(modality)
    model = str(ARTIFACTS / modality / "model.keras")
    grown = float(python(MEMORY, model, str(calls), str(largest)))
    assert grown < 4, f"{grown} MB more after {calls} calls than after {calls // 5}"


CHANNELS = """
import os
import sys
from pathlib import Path
from serving.bundle import Bundle
from serving.predictor import Predictor

predictor = Predictor(Bundle.open(Path(sys.argv[1])), "keras")
print(os.environ.get("TF_ENABLE_ONEDNN_OPTS"))
"""


def test_a_format_that_onednn_alone_computes_keeps_it_on(tmp_path, monkeypatch):
    inputs = keras.Input((3, 8, 8))
    convolution = layers.Conv2D(2, 3, data_format="channels_first")
    outputs = layers.Dense(2, activation="softmax")(layers.Flatten()(convolution(inputs)))
    permuted = keras.Sequential([keras.Input((8, 8, 3)), layers.Permute((3, 1, 2))])
    given = keras.Input((8, 8, 3))
    keras.Model(given, keras.Model(inputs, outputs)(permuted(given))).save(tmp_path / "m.keras")
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    command = ["-m", "pack", "image", "--model", "m.keras", "--labels", "a,b"]
    command += ["--preset", "load_img", "--scaling", "divide=255", "--out", "bundle"]
    done = subprocess.run(
        [sys.executable, *command],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'layers' / 'serving'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert python(CHANNELS, str(tmp_path / "bundle")) == "None"
    assert python(CHANNELS, str(ARTIFACTS / "numeric")) == "0"


THREADS = """
import sys
from pathlib import Path
import numpy as np
from serving.engines.environment import set_up_tensorflow
set_up_tensorflow(Path(sys.argv[1]))
from serving.engines.keras import KerasEngine

KerasEngine(Path(sys.argv[1])).run(np.zeros((4, 32, 32, 3), np.float32))
print(len(list(Path("/proc/self/task").iterdir())))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_threads_follow_the_memorys_share_of_a_processor():
    model = str(ARTIFACTS / "image" / "model.keras")
    counts = [
        int(python(THREADS, model, AWS_LAMBDA_FUNCTION_MEMORY_SIZE=size))
        for size in ("1769", "7076")
    ]
    assert counts[1] - counts[0] == 3, counts


def python(code: str, *arguments: str, **variables: str) -> str:
    """The last line that a fresh Python prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=kept | {"PYTHONPATH": str(ROOT / "layers" / "serving")} | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()[-1]
