"""Rows become a scaled matrix; tests/pack compares it with scikit-learn's own."""

import numpy as np
import pytest

from serving.errors import UnfitInput
from serving.preprocessing.numeric import NumericPreprocessing, preprocess_numerical_features

SPEC = NumericPreprocessing.from_json(
    {
        "columns": {"age": "number", "home": "category", "income": "number"},
        "blocks": [
            {
                "columns": ["income", "age"],
                "steps": [
                    ["SimpleImputer", {"statistics": [100.0, 40.0], "indicators": [0]}],
                    ["StandardScaler", {"mean": [100.0, 40.0, 0.5], "scale": [50.0, 10.0, 0.5]}],
                ],
            },
            {"columns": ["home"], "steps": [["OneHotEncoder", {"categories": [["own", "rent"]]}]]},
        ],
    }
)


def test_named_rows_and_lists_give_the_same_matrix():
    named = preprocess_numerical_features([{"home": "rent", "income": 150, "age": 30.0}], SPEC)
    assert named.dtype == np.float32
    assert named.tolist() == [[1.0, -1.0, -1.0, 0.0, 1.0]]
    assert np.array_equal(preprocess_numerical_features([[30, "rent", 150]], SPEC), named)


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_a_missing_number_is_imputed_and_indicated(missing):
    batch = preprocess_numerical_features([[30, "own", missing]], SPEC)
    assert batch.tolist() == [[0.0, -1.0, 1.0, 1.0, 0.0]]


def test_an_unknown_category_is_all_zeros():
    assert preprocess_numerical_features([[30, "boat", 100]], SPEC)[0, 3:].tolist() == [0, 0]


def test_a_missing_value_without_an_imputer_is_refused():
    with pytest.raises(UnfitInput, match="instance 1: expected a value for home, got none"):
        preprocess_numerical_features([[30, "own", 1], [30, None, 1]], SPEC)


def test_a_batch_equals_its_rows_one_by_one():
    rows = [[30, "own", 1], [40.5, "rent", None], [0, "?", 10**15]]
    single = np.concatenate([preprocess_numerical_features([row], SPEC) for row in rows])
    assert np.array_equal(preprocess_numerical_features(rows, SPEC), single)


def test_the_caller_keeps_its_rows_as_they_were():
    row = {"home": "rent", "income": None, "age": 30}
    preprocess_numerical_features([row], SPEC)
    assert row == {"home": "rent", "income": None, "age": 30}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1, "own"]], r"instance 0: expected 3 features \(age, home, income\), got 2"),
        ([{"age": 1}], r"got 1 \(missing: home, income\)"),
        ([{"age": 1, "home": "own", "income": 1, "x": 1}], r"got 4 \(unknown: x\)"),
        ([["1", "own", 1]], "instance 0: expected a number for age, got the string '1'"),
        ([[1, "own", 1], [True, "own", 1]], "instance 1: expected a number for age, got true"),
        ([[1, 0, 1]], "expected a string for home, got the number 0"),
        ([[float("inf"), "own", 1]], "expected a finite number for age"),
        ([[10**400, "own", 1]], "expected a finite number for age"),
        ([[1, "own", 1], {"age": 1, "home": "own", "income": 1}], "instance 1: .* among lists"),
        (["abc"], "instance 0: .* got the string 'abc'"),
    ],
)
def test_rows_that_do_not_fit_are_refused_with_both_sides(rows, message):
    with pytest.raises(UnfitInput, match=message):
        preprocess_numerical_features(rows, SPEC)
