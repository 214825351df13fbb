"""`python -m pack numeric`: the transformer's file, the columns, the proof, generated rows."""

import argparse
import pickle
import random
from types import SimpleNamespace

import joblib
import numpy as np
import pandas as pd
import pytest

pytest.importorskip("sklearn")

import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    PowerTransformer,
    StandardScaler,
)

from pack.numeric import add_arguments, generate_rows, prepare
from pack.transformer import draw_rows, prove, read_table
from serving.preprocessing.numeric import NumericPreprocessing, preprocess_numerical_features
from tests.pack.tables import codes, numbers, strings

pytestmark = [
    pytest.mark.pack,
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def model_of(*shapes, dtype="float32"):
    """What `prepare` reads of a Keras model."""
    names = "abcdefg"[: len(shapes)]
    inputs = [
        SimpleNamespace(shape=(None, *shape), name=name, dtype=dtype)
        for name, shape in zip(names, shapes, strict=True)
    ]
    return SimpleNamespace(inputs=inputs)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """`prepare` with some options, in a folder with `fitted` in the file that they name."""

    def go(*options, fitted=None, model=None, dump=joblib.dump):
        monkeypatch.chdir(tmp_path)
        parser = argparse.ArgumentParser()
        add_arguments(parser)
        arguments = parser.parse_args(options)
        arguments.trust_pickle = True
        if fitted is not None:
            dump(fitted, arguments.transformer)
        return prepare(arguments, model or model_of((4,)))

    return go


def pickled(fitted, path):
    path.write_bytes(pickle.dumps(fitted))


def skops(fitted, path):
    from skops import io

    io.dump(fitted, path)


@pytest.mark.parametrize(
    ("name", "dump"), [("t.joblib", joblib.dump), ("t.pkl", pickled), ("t.skops", skops)]
)
def test_a_file_becomes_the_state(run, name, dump, capsys):
    fitted = make_pipeline(SimpleImputer(), StandardScaler()).fit(numbers(0))
    model = model_of((4,))
    state, served = run("--transformer", name, fitted=fitted, model=model, dump=dump)
    assert served is model
    assert state == read_table(fitted).state
    assert "drawn rows: " in capsys.readouterr().out


def test_without_a_transformer_the_numbers_are_the_input(run):
    assert list(run()[0]["columns"]) == ["x0", "x1", "x2", "x3"]
    state, _ = run("--columns", "a, b ,c d,smokes:boolean")
    kinds = {"a": "number", "b": "number", "c d": "number", "smokes": "boolean"}
    assert state["columns"] == kinds
    spec = NumericPreprocessing.from_json(state)
    batch = preprocess_numerical_features([[1, 2, 3.5, True]], spec)
    assert batch.tolist() == [[1.0, 2.0, 3.5, 1.0]]


@pytest.mark.parametrize(
    ("options", "model", "message"),
    [
        ([], model_of((2, 2)), r"model of one input, \(batch, numbers\), got \(None, 2, 2\)"),
        ([], model_of((2,), (3,)), r"got \(None, 2\), \(None, 3\)"),
        ([], SimpleNamespace(), "--transformer or --columns, got neither"),
        ([], model_of((None,)), "--transformer or --columns, got neither"),
        (["--columns", "a,b"], None, "expected 4 numbers a row, .* got 2 from the columns a, b"),
        (["--columns", "a,a"], None, "expected names that differ, got 'a,a'"),
        (["--columns", "a,,b"], None, "expected names that differ"),
    ],
)
def test_what_does_not_fit_the_model_is_refused(run, options, model, message):
    with pytest.raises(ValueError, match=message):
        run(*options, model=model)


def test_a_width_that_is_not_the_model_s_is_refused(run):
    fitted = OneHotEncoder().fit(codes(0)[["i"]])
    with pytest.raises(ValueError, match=r"expected 4 numbers a row, .* got 5 from the columns i"):
        run("--transformer", "t.joblib", fitted=fitted)


def test_another_version_of_scikit_learn_is_told(run, capsys):
    class Saved:
        """Pickled as a StandardScaler of another version."""

        def __init__(self, scaler):
            self.state = scaler.__getstate__() | {"_sklearn_version": "1.2.3"}

        def __reduce__(self):
            return StandardScaler, (), self.state

    saved = Saved(StandardScaler().fit(numbers(0)))
    run("--transformer", "t.pkl", fitted=saved, dump=pickled)
    told = f"fitted with scikit-learn 1.2.3, read and compared with {sklearn.__version__} here"
    assert told in capsys.readouterr().out


def test_the_proof_names_the_first_output_that_differs():
    fitted = ColumnTransformer([("scaled", StandardScaler(), ["n0", "n1"])]).fit(numbers(0))
    reading = read_table(fitted)
    assert "equal scikit-learn's to the last bit" in prove(reading)
    fitted.named_transformers_["scaled"].mean_[1] += 1e-9
    with pytest.raises(
        ValueError, match=r"scaled__n1: expected scikit-learn's .* within 0\.0e\+00"
    ):
        prove(reading)


def test_the_proof_finds_rows_that_only_one_of_the_two_takes():
    reading = read_table(OneHotEncoder(handle_unknown="ignore").fit(strings(0)))
    strict = OneHotEncoder().fit(strings(0))
    reading.fitted.handle_unknown = "error"
    with pytest.raises(ValueError, match=r"take what is served, such as .*unknown categories"):
        prove(reading)
    reading = read_table(strict)
    reading.fitted.handle_unknown = "ignore"
    with pytest.raises(ValueError, match=r"taken by scikit-learn, and refused here: instance 0"):
        prove(reading)


def test_the_proof_allows_sums_no_more_than_rounding():
    fitted = make_pipeline(StandardScaler(), PCA(3)).fit(numbers(0, columns=30))
    reading = read_table(fitted)
    assert "within 1e-12 (sums of step 'pca')" in prove(reading)
    fitted[1].components_[0, 0] *= 1 + 1e-10
    with pytest.raises(ValueError, match=r"pca0: expected scikit-learn's"):
        prove(reading)


def test_the_proof_needs_rows_that_are_taken():
    nothing = make_pipeline(FunctionTransformer(np.negative), FunctionTransformer(np.log))
    fitted = make_pipeline(FunctionTransformer(np.square), nothing).fit(numbers(0))
    with pytest.raises(ValueError, match="expected to draw rows that fit, got 400 like"):
        prove(read_table(fitted))


@pytest.mark.parametrize(
    "fitted",
    [
        OneHotEncoder().fit(pd.concat([strings(0), codes(0)], axis=1)),
        PowerTransformer("box-cox").fit(numbers(0).abs() + 1),
        make_pipeline(FunctionTransformer(np.log), StandardScaler()).fit(numbers(0).abs() + 1),
        make_pipeline(SimpleImputer(add_indicator=True), PCA(2)).fit(numbers(0, missing=True)),
    ],
    ids=str,
)
def test_generated_rows_are_taken(fitted):
    state = read_table(fitted).state
    rows = generate_rows(state, 8, random.Random(0))
    batch = preprocess_numerical_features(rows, NumericPreprocessing.from_json(state))
    assert len(batch) == 8
    assert rows == generate_rows(state, 8, random.Random(0))


def test_drawn_numbers_lie_where_the_training_data_lay():
    table = numbers(0) * 1e-3 + 1e6
    for step in (StandardScaler(), PowerTransformer(standardize=False), SimpleImputer()):
        rows = draw_rows(read_table(step.fit(table)).state, 50, random.Random(0))
        drawn = pd.DataFrame(rows)
        near = table.mean() - drawn.mean()
        assert (near.abs() < 1e3 + 1e6 * isinstance(step, PowerTransformer)).all()


def test_rows_that_cannot_be_generated_are_said_so():
    twice = make_pipeline(FunctionTransformer(np.negative), FunctionTransformer(np.log))
    with pytest.raises(ValueError, match="expected to draw 8 rows that fit, got 0: instance 0"):
        generate_rows(read_table(twice.fit(numbers(0))).state, 8, random.Random(0))
