"""Rows become a scaled matrix; tests/pack compares it with scikit-learn's own."""

import numpy as np
import pytest

from serving.errors import UnfitInput
from serving.preprocessing.numeric import (
    NumericPreprocessing,
    preprocess_numerical_features,
    read_columns,
)
from serving.preprocessing.transformers import build
from serving.tables import read_csv

SPEC = NumericPreprocessing.from_json(
    {
        "columns": {"age": "number", "home": "category", "income": "number"},
        "optional": ["age", "income"],
        "step": {
            "step": "Parts",
            "parts": [
                {
                    "columns": [2, 0],
                    "step": {
                        "step": "Chain",
                        "steps": [
                            {
                                "step": "Impute",
                                "marker": None,
                                "kept": [0, 1],
                                "values": [100.0, 40.0],
                                "indicators": [0],
                            },
                            {
                                "step": "Arithmetic",
                                "operation": "subtract",
                                "values": [100.0, 40.0, 0.5],
                            },
                            {
                                "step": "Arithmetic",
                                "operation": "divide",
                                "values": [50.0, 10.0, 0.5],
                            },
                        ],
                    },
                },
                {
                    "columns": [1],
                    "step": {
                        "step": "Chain",
                        "steps": [
                            {
                                "step": "Lookup",
                                "names": ["home"],
                                "categories": [["own", "rent"]],
                                "values": [[0, 1]],
                                "unknown": [-1],
                                "missing": [-1],
                                "strict": False,
                            },
                            {"step": "OneHot", "widths": [2]},
                        ],
                    },
                },
            ],
        },
    }
)


ANY_HOME = SPEC._replace(optional=frozenset(SPEC.columns))


def plain(kinds):
    """A model that takes columns of these kinds as they are."""
    step = {"step": "Chain", "steps": []}
    parts = {"step": "Parts", "parts": [{"columns": list(range(len(kinds))), "step": step}]}
    return NumericPreprocessing.from_json({"columns": kinds, "optional": [], "step": parts})


def test_named_rows_and_lists_give_the_same_matrix():
    named = preprocess_numerical_features([{"home": "rent", "income": 150, "age": 30.0}], SPEC)
    assert named.dtype == np.float32
    assert named.tolist() == [[1.0, -1.0, -1.0, 0.0, 1.0]]
    assert np.array_equal(preprocess_numerical_features([[30, "rent", 150]], SPEC), named)


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_a_missing_number_is_imputed_and_indicated(missing):
    batch = preprocess_numerical_features([[30, "own", missing]], SPEC)
    assert batch.tolist() == [[0.0, -1.0, 1.0, 1.0, 0.0]]


@pytest.mark.parametrize("home", ["boat", None])
def test_what_is_no_known_category_is_all_zeros(home):
    assert preprocess_numerical_features([[30, home, 100]], ANY_HOME)[0, 3:].tolist() == [0, 0]


def test_a_missing_value_of_a_column_that_is_not_optional_is_refused():
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


def test_booleans_are_0_and_1():
    spec = plain({"age": "number", "smokes": "boolean"})
    assert preprocess_numerical_features([[1, True], [2, False]], spec).tolist() == [[1, 1], [2, 0]]
    for value in (1, "yes"):
        with pytest.raises(UnfitInput, match="instance 0: expected true or false for smokes, got"):
            preprocess_numerical_features([[1, value]], spec)
    with pytest.raises(UnfitInput, match="instance 1: expected a value for smokes, got none"):
        preprocess_numerical_features([[1, True], [1, None]], spec)


def test_numbers_too_large_for_float32_are_refused():
    with pytest.raises(UnfitInput, match=r"instance 1: .* too large for float32.* \(output 1\)"):
        preprocess_numerical_features([[1, 2], [1, 1e39]], plain({"a": "number", "b": "number"}))


def test_the_columns_are_there_for_comparison_before_any_step():
    age, home, income = read_columns([[30, "own", None], [1, None, 2]], ANY_HOME)
    assert age.tolist() == [30.0, 1.0]
    assert home.tolist() == ["own", None]
    assert np.isnan(income[0])


def test_a_step_of_another_name_or_with_other_fields_is_an_error():
    with pytest.raises(KeyError, match="Exec"):
        build({"step": "Exec", "code": "1"})
    with pytest.raises(TypeError, match="unexpected keyword argument 'code'"):
        build({"step": "Chain", "steps": [{"step": "Clip", "low": 0, "high": 1, "code": "1"}]})


def test_a_boolean_cell_of_csv_is_true_false_or_missing():
    kinds = {"flag": "boolean", "other": "boolean"}
    rows = list(read_csv("flag,other\nTrue,false\n,maybe\n", kinds, max_rows=9))
    assert rows == [{"flag": True, "other": False}, {"flag": None, "other": "maybe"}]
