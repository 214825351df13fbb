"""Rows through our preprocessing give what a ColumnTransformer of the usual kind gives.

test_transformer_steps, _categories and _nested hold every other step to the same.
"""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("sklearn")

import pandas as pd
from scipy import sparse
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from pack.transformer import read_transformer
from serving.errors import UnfitInput
from serving.preprocessing.numeric import (
    NumericPreprocessing,
    preprocess_numerical_features,
    transform_rows,
)

pytestmark = pytest.mark.pack

NUMBERS, CATEGORIES = ["Age", "Income"], ["Home", "Job"]
COLUMNS = ["Age", "Home", "Income", "Job"]  # neither block's columns stand together

reals = st.floats(-1e15, 1e15) | st.integers(-(10**6), 10**6).map(float)
tags = st.sampled_from(["a", "b", "B", "", "None", "nan", " ", "é", "職"]) | st.text(max_size=3)
rows = st.tuples(st.none() | reals, st.none() | tags, st.none() | reals, st.none() | tags).map(list)
full_rows = st.tuples(reals, tags, reals, tags).map(list)
imputers = st.builds(
    SimpleImputer,
    strategy=st.sampled_from(["mean", "median", "most_frequent"]),
    add_indicator=st.booleans(),
    keep_empty_features=st.booleans(),
) | st.builds(
    SimpleImputer,
    strategy=st.just("constant"),
    fill_value=st.none() | reals,
    add_indicator=st.booleans(),
)
scalers = st.builds(StandardScaler, with_mean=st.booleans(), with_std=st.booleans())
category_imputers = st.builds(
    SimpleImputer,
    strategy=st.sampled_from(["constant", "most_frequent"]),
    missing_values=st.sampled_from([None, np.nan]),
)
encoders = st.builds(
    OneHotEncoder,
    handle_unknown=st.just("ignore"),
    sparse_output=st.booleans(),
    dtype=st.sampled_from([np.float64, np.float32, np.int8]),
)
category_blocks = st.builds(make_pipeline, category_imputers, encoders)
number_blocks = (
    st.builds(make_pipeline, imputers, scalers) | st.builds(make_pipeline, imputers) | imputers
)


def table(rows, missing=np.nan):
    """The rows as a DataFrame: float64 with NaN, and objects with `missing`."""
    frame = {}
    for name, values in zip(COLUMNS, zip(*rows, strict=True), strict=True):
        if name in NUMBERS:
            frame[name] = pd.Series(values, dtype=np.float64)
        else:
            marked = [missing if value is None else value for value in values]
            frame[name] = pd.Series(marked, dtype=object)
    return pd.DataFrame(frame)


def spec_of(transformer):
    return NumericPreprocessing.from_json(json.loads(json.dumps(read_transformer(transformer))))


def dense(x):
    return x.toarray() if sparse.issparse(x) else x


def fitted(numbers=None, categories=None, rows=None, **options):
    """A ColumnTransformer of two blocks, fitted on a small table."""
    numbers = numbers or StandardScaler()
    categories = categories or OneHotEncoder(handle_unknown="ignore")
    blocks = [("numbers", numbers, NUMBERS), ("categories", categories, CATEGORIES)]
    frame = table(rows or [[1.0, "a", 2.0, "b"], [2.0, "b", 5.0, "c"], [4.0, "a", 0.0, "b"]])
    return ColumnTransformer(blocks, **options).fit(frame)


@settings(deadline=None, max_examples=300)
@given(
    anchor=full_rows,
    training=st.lists(rows, max_size=8),
    unseen=st.lists(rows, min_size=1, max_size=8),
    numbers=number_blocks,
    categories=category_blocks,
    sparse_threshold=st.sampled_from([0.0, 0.3, 1.0]),
    named=st.booleans(),
)
def test_rows_give_the_numbers_of_scikit_learn(
    anchor, training, unseen, numbers, categories, sparse_threshold, named
):
    missing = categories[0].missing_values
    blocks = [("categories", categories, CATEGORIES), ("numbers", numbers, NUMBERS)]
    transformer = ColumnTransformer(blocks, sparse_threshold=sparse_threshold)
    transformer.fit(table([anchor, *training], missing))
    given_rows = [dict(zip(COLUMNS, row, strict=True)) for row in unseen] if named else unseen
    ours = transform_rows(given_rows, spec_of(transformer))
    theirs = dense(transformer.transform(table(unseen, missing)))
    assert ours.dtype == np.float64
    assert np.array_equal(ours, theirs)


@settings(deadline=None)
@given(training=st.lists(full_rows, min_size=1, max_size=8), unseen=st.lists(full_rows, min_size=1))
def test_single_estimators_give_the_numbers_of_scikit_learn(training, unseen):
    transformer = fitted(rows=training)
    ours = transform_rows(unseen, spec_of(transformer))
    assert np.array_equal(ours, dense(transformer.transform(table(unseen))))


def test_batch_is_the_same_cast_to_float32():
    row = [[1.5, "a", 1e-3, "zzz"]]
    spec = spec_of(fitted())
    batch = preprocess_numerical_features(row, spec)
    assert batch.dtype == np.float32
    assert np.array_equal(batch, transform_rows(row, spec).astype(np.float32))


def test_columns_keep_the_order_of_the_training_table():
    state = read_transformer(fitted())
    assert list(state["columns"]) == COLUMNS
    assert [state["columns"][name] for name in COLUMNS] == ["number", "category"] * 2


def test_columns_chosen_by_a_selector_are_read_by_name():
    blocks = [("numbers", StandardScaler(), make_column_selector(dtype_include="number"))]
    transformer = ColumnTransformer(blocks).fit(table([[1.0, "a", 2.0, "b"]]))
    assert read_transformer(transformer)["columns"] == dict.fromkeys(NUMBERS, "number")


def test_dropped_columns_are_left_out():
    blocks = [("numbers", StandardScaler(), ["Income"]), ("unused", "drop", ["Age"])]
    transformer = ColumnTransformer(blocks).fit(table([[1.0, "a", 2.0, "b"]]))
    assert read_transformer(transformer)["columns"] == {"Income": "number"}


def test_column_in_two_blocks_goes_through_both():
    blocks = [("scaled", StandardScaler(), NUMBERS), ("filled", SimpleImputer(), ["Age"])]
    training = [[1.0, "a", 2.0, "b"], [4.0, "a", 3.0, "b"]]
    transformer = ColumnTransformer(blocks).fit(table(training))
    named = [dict(zip(COLUMNS, row, strict=True)) for row in training]
    rows = [{name: row[name] for name in NUMBERS} for row in named]
    ours = transform_rows(rows, spec_of(transformer))
    assert np.array_equal(ours, transformer.transform(table(training)))


def test_value_missing_from_a_column_that_one_block_does_not_impute_is_refused():
    blocks = [("scaled", StandardScaler(), ["Age"]), ("filled", SimpleImputer(), ["Age"])]
    transformer = ColumnTransformer(blocks).fit(table([[1.0, "a", 2.0, "b"]]))
    with pytest.raises(UnfitInput, match="instance 0: expected a value for Age, got none"):
        transform_rows([[None]], spec_of(transformer))


def test_number_too_large_for_float32_is_refused():
    spec = spec_of(fitted())
    with pytest.raises(UnfitInput, match="instance 1: expected numbers like those of the train"):
        preprocess_numerical_features([[1.0, "a", 2.0, "b"], [1e300, "a", 2.0, "b"]], spec)


def test_pandas_strings_are_read_like_objects():
    frame = table([[1.0, "a", 2.0, None], [2.0, None, 5.0, "c"]])
    frame = frame.astype(dict.fromkeys(CATEGORIES, "str"))
    strings = make_pipeline(
        SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")
    )
    transformer = ColumnTransformer([("c", strings, CATEGORIES)]).fit(frame)
    ours = transform_rows([["a", None], [None, "c"]], spec_of(transformer))
    assert np.array_equal(ours, dense(transformer.transform(frame)))


def test_numbers_that_pass_through_are_as_they_were():
    blocks = [("numbers", StandardScaler(), ["Age"])]
    frame = table([[1.0, "a", 2.0, "b"], [4.0, "a", 5.0, "b"]])[NUMBERS]
    transformer = ColumnTransformer(blocks, remainder="passthrough").fit(frame)
    ours = transform_rows([[1.5, 7]], spec_of(transformer))
    assert np.array_equal(ours, transformer.transform(frame.assign(Age=1.5, Income=7.0))[:1])


def test_empty_column_is_left_out_of_the_outputs_and_stays_a_feature():
    with pytest.warns(UserWarning, match="Skipping features without any observed values"):
        transformer = fitted(SimpleImputer(), rows=[[None, "a", 1.0, "b"]])
    spec = spec_of(transformer)
    assert list(spec.columns) == COLUMNS
    assert transform_rows([[3.0, "a", 1.5, "b"]], spec).tolist() == [[1.5, 1.0, 1.0]]


def test_scaler_of_an_empty_column_is_refused():
    with pytest.warns(RuntimeWarning):
        transformer = fitted(rows=[[None, "a", 1.0, "b"]])
    with pytest.raises(ValueError, match="numbers: expected finite numbers in mean_, got nan"):
        read_transformer(transformer)


def test_strings_that_are_imputed_and_not_encoded_are_refused():
    imputer = SimpleImputer(strategy="most_frequent")
    transformer = ColumnTransformer([("both", imputer, ["Age", "Home"])])
    transformer.fit(table([[1.0, "a", 2.0, "b"]]))
    with pytest.raises(ValueError, match="numbers for the model, got the strings of Home: put One"):
        read_transformer(transformer)


def test_missing_category_is_one_of_its_own_where_training_had_it():
    transformer = fitted(rows=[[1.0, None, 2.0, "b"], [1.0, "a", 2.0, "b"]])
    ours = transform_rows([[1.0, None, 2.0, "b"]], spec_of(transformer))
    assert np.array_equal(ours, dense(transformer.transform(table([[1.0, None, 2.0, "b"]]))))


def test_column_of_two_kinds_is_refused():
    blocks = [
        ("n", SimpleImputer(), ["Age"]),
        ("c", OneHotEncoder(handle_unknown="ignore"), ["Home"]),
    ]
    transformer = ColumnTransformer(blocks).fit(table([[1.0, "a", 2.0, "b"]]))
    transformer._transformer_to_input_indices["c"] = [COLUMNS.index("Age")]
    with pytest.raises(ValueError, match="c: expected column 'Age' to be a number everywhere, got"):
        read_transformer(transformer)
