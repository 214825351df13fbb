"""SavedModel folders: what computes is served, what does more is refused before it runs."""

import tarfile

import pytest

pytest.importorskip("tensorflow", reason="needs TensorFlow: make setup-pack")

import keras
import numpy as np
import onnxruntime
import tensorflow as tf
from tensorflow.python.trackable import resource

from pack import models
from tests.pack.test_models_legacy import DATA, assert_same

pytestmark = pytest.mark.pack

BATCH = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)
ROW = tf.TensorSpec([None, 5], tf.float32, name="row")


@pytest.fixture
def keras2(tmp_path):
    """The folder that Keras 2.12 saved of its layers."""
    with tarfile.open(DATA / "tensorflow-2.12" / "mlp.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "mlp_saved"


@pytest.fixture
def folder(tmp_path):
    """The folder of a function."""

    def save(function, *specs):
        module = tf.Module()
        module.serve = tf.function(function, input_signature=specs or [ROW])
        path = tmp_path / "folder"
        tf.saved_model.save(module, path, signatures={"serving_default": module.serve})
        return path

    return save


def test_a_folder_of_keras_2_is_rebuilt_of_its_layers(keras2, tmp_path):
    loaded = models.load(keras2)
    assert loaded.kind == "savedmodel"
    assert [type(layer).__name__ for layer in loaded.model.layers] == ["Dense", "Dense"]
    assert any("mlp_saved: rebuilt of its layers" in repair for repair in loaded.repairs)
    assert_same(DATA / "tensorflow-2.12" / "mlp.h5", loaded.model)
    loaded.model.save(tmp_path / "again.keras")
    assert_same(
        DATA / "tensorflow-2.12" / "mlp.h5", keras.saving.load_model(tmp_path / "again.keras")
    )


def test_a_folder_whose_layers_give_other_numbers_is_run_as_its_graph(keras2):
    metadata = keras2 / "keras_metadata.pb"
    content = metadata.read_bytes()
    assert content.count(b'"hard_sigmoid"')
    metadata.write_bytes(content.replace(b'"hard_sigmoid"', b'"soft"        '))
    loaded = models.load(keras2)
    assert any("run as the folder's graph, not as layers" in each for each in loaded.repairs)
    assert_same(DATA / "tensorflow-2.12" / "mlp.h5", loaded.model)
    metadata.write_bytes(content.replace(b'"hard_sigmoid"', b'"softsign"    '))
    loaded = models.load(keras2)
    assert any("graph: its layers differ by" in each for each in loaded.repairs), loaded.repairs
    assert_same(DATA / "tensorflow-2.12" / "mlp.h5", loaded.model)


def test_a_folder_of_keras_3_is_one_layer_and_exports_to_onnx(tmp_path):
    layers = [keras.Input((6,), name="words", dtype="int32"), keras.layers.Embedding(10, 4)]
    model = keras.Sequential([*layers, keras.layers.LSTM(3), keras.layers.Dense(2)])
    model.export(tmp_path / "exported", verbose=False)
    loaded = models.load(tmp_path / "exported").model
    words = np.random.default_rng(0).integers(0, 10, (7, 6)).astype(np.int32)
    np.testing.assert_allclose(loaded(words), model(words), rtol=1e-6)
    assert loaded.inputs[0].shape == (None, 6)
    assert loaded.inputs[0].dtype == "int32"
    loaded.export(tmp_path / "model.onnx", format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    (given,) = session.get_inputs()
    for size in (1, 7):
        (found,) = session.run(None, {given.name: words[:size]})
        np.testing.assert_allclose(found, model(words[:size]), atol=1e-6)


def test_several_outputs_are_a_dict_by_name_in_order(folder):
    loaded = models.load(folder(lambda row: {"b": row * 2, "a": tf.reduce_sum(row, 1)})).model
    found = loaded(BATCH)
    assert list(found) == ["a", "b"]
    np.testing.assert_allclose(found["a"], BATCH.sum(1), rtol=1e-5)
    np.testing.assert_array_equal(found["b"], BATCH * 2)


def test_one_output_is_a_tensor(folder):
    loaded = models.load(folder(lambda row: {"only": row + 1})).model
    np.testing.assert_array_equal(loaded(BATCH), BATCH + 1)


def test_several_inputs_are_refused_with_their_names(folder):
    path = folder(lambda one, two: one + two, *(tf.TensorSpec([None, 5], name=n) for n in "ba"))
    with pytest.raises(ValueError, match=r"a signature with 1 input, got 2 \(a, b\)"):
        models.load(path)


def test_a_fixed_batch_is_refused(folder):
    path = folder(lambda row: row, tf.TensorSpec([1, 5], name="row"))
    with pytest.raises(ValueError, match=r"batches of any size, got the shape \(1, 5\)"):
        models.load(path)


def test_a_folder_without_a_signature_is_refused(tmp_path):
    module = tf.Module()
    module.serve = tf.function(lambda row: row, input_signature=[ROW])
    tf.saved_model.save(module, tmp_path / "folder", signatures={"other": module.serve})
    with pytest.raises(
        ValueError, match="expected a signature serving_default or serve, got other"
    ):
        models.load(tmp_path / "folder")


def written(path):
    def function(row):
        tf.io.write_file(str(path), "mine")
        return row

    return function


def printed(path):
    def function(row):
        tf.print("mine", output_stream=f"file://{path}")
        return row

    return function


def read(path):
    return lambda row: row + tf.cast(tf.strings.length(tf.io.read_file(str(path))), tf.float32)


def python(path):
    return lambda row: tf.ensure_shape(tf.numpy_function(lambda x: x, [row], tf.float32), [None, 5])


def looped(path):
    def function(row):
        for _ in tf.range(2):
            tf.io.write_file(str(path), "mine")
        return row

    return function


@pytest.mark.parametrize(
    ("make", "operation"),
    [
        (written, "WriteFile"),
        (printed, "PrintV2"),
        (read, "ReadFile"),
        (python, "PyFunc"),
        (looped, "WriteFile"),
    ],
)
def test_a_graph_that_does_more_than_compute_is_refused_by_its_operations(
    folder, tmp_path, make, operation
):
    marker = tmp_path / "marker"
    path = folder(make(marker))
    with pytest.raises(ValueError, match=rf"expected a graph that only computes, .*: {operation}"):
        models.load(path)
    assert not marker.exists()


def test_an_initialiser_that_writes_is_refused_before_it_runs(tmp_path):
    marker = tmp_path / "marker"

    class Writer(resource.CapturableResource):
        def _create_resource(self):
            return tf.raw_ops.MutableHashTableV2(key_dtype=tf.int64, value_dtype=tf.int64)

        def _initialize(self):
            tf.io.write_file(str(marker), "mine")

    module = tf.Module()
    module.resource = Writer()
    module.serve = tf.function(lambda row: row, input_signature=[ROW])
    path = tmp_path / "folder"
    tf.saved_model.save(module, path, signatures={"serving_default": module.serve})
    marker.unlink(missing_ok=True)
    with pytest.raises(ValueError, match="WriteFile"):
        models.load(path)
    assert not marker.exists()
    tf.saved_model.load(path)
    assert marker.exists(), "TensorFlow's own loading runs it"


def test_saving_within_the_graph_is_refused(folder, tmp_path):
    def function(row):
        tf.raw_ops.SaveV2(
            prefix=str(tmp_path / "mine"), tensor_names=["a"], shape_and_slices=[""], tensors=[row]
        )
        return row

    with pytest.raises(ValueError, match="SaveV2"):
        models.load(folder(function))


def test_a_folder_of_tensorflow_1_is_refused(tmp_path):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        row = tf.compat.v1.placeholder(tf.float32, [None, 5], name="row")
        weight = tf.compat.v1.get_variable("weight", [5, 2], use_resource=True)
        session.run(tf.compat.v1.global_variables_initializer())
        outputs = {"out": row @ weight}
        tf.compat.v1.saved_model.simple_save(session, str(tmp_path / "old"), {"row": row}, outputs)
    with pytest.raises(ValueError, match="expected a SavedModel of TensorFlow 2, got one of"):
        models.load(tmp_path / "old")


def test_a_broken_folder_is_told(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"\xff\xff broken")
    with pytest.raises(ValueError, match=r"expected a whole saved_model\.pb, got a broken one"):
        models.load(tmp_path)


def test_a_folder_takes_no_architecture(keras2):
    with pytest.raises(
        ValueError, match=r"expected weights for --architecture, .* got a SavedModel"
    ):
        models.load(keras2, architecture="tests.pack.data.code:small")
