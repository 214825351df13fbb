"""Encoders of categories, with all their options, on values known, rare, unknown and missing."""

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("sklearn")

from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

from pack.transformer import read_transformer
from serving.errors import UnfitInput
from serving.preprocessing.numeric import transform_rows
from tests.pack.tables import assert_equal, codes, rows_of, spec_of, strings

pytestmark = [
    pytest.mark.pack,
    pytest.mark.filterwarnings("ignore::UserWarning"),  # of unknown categories
]

TARGETS = {
    "binary": np.arange(60) % 2,
    "classes": np.arange(60) % 3,
    "continuous": np.linspace(-1, 1, 60) ** 3,
}
MARKS = {"no gaps": {}, "NaN": {"missing": True}, "None": {"missing": True, "mark": None}}


def unseen(seed, marks):
    """Rows with an unknown category in each column."""
    return strings(seed, **marks).replace({"B": "unheard of"})


@pytest.mark.parametrize("marks", MARKS.values(), ids=MARKS)
@pytest.mark.parametrize("drop", [None, "first", "if_binary", ["a", "a", "a"]])
@pytest.mark.parametrize("rare", [{}, {"min_frequency": 5}, {"max_categories": 3}])
@pytest.mark.parametrize("handle_unknown", ["error", "ignore", "infrequent_if_exist", "warn"])
def test_one_hot_encoders(marks, drop, rare, handle_unknown):
    encoder = OneHotEncoder(
        drop=drop, handle_unknown=handle_unknown, sparse_output=drop == "first", **rare
    )
    encoder.fit(strings(0, **marks))
    assert_equal(encoder, strings(100, **marks))
    if handle_unknown != "error":
        assert_equal(encoder, unseen(100, MARKS["NaN"] | marks))


@pytest.mark.parametrize("marks", MARKS.values(), ids=MARKS)
@pytest.mark.parametrize("rare", [{}, {"min_frequency": 0.1}, {"max_categories": 3}])
@pytest.mark.parametrize("encoded_missing_value", [np.nan, -2])
@pytest.mark.parametrize("unknown_value", [None, -1, np.nan])
def test_ordinal_encoders(marks, rare, encoded_missing_value, unknown_value):
    """An imputer behind them fills the NaN that they may give."""
    encoder = OrdinalEncoder(
        handle_unknown="error" if unknown_value is None else "use_encoded_value",
        unknown_value=unknown_value,
        encoded_missing_value=encoded_missing_value,
        **rare,
    )
    pipeline = make_pipeline(encoder, SimpleImputer(strategy="constant", fill_value=-9))
    pipeline.fit(strings(0, **marks))
    assert_equal(pipeline, strings(100, **marks))
    if unknown_value is not None:
        assert_equal(pipeline, unseen(100, marks))


@pytest.mark.parametrize("marks", MARKS.values(), ids=MARKS)
@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_target_encoders(marks, target):
    encoder = TargetEncoder(random_state=0).fit(strings(0, **marks), target)
    assert_equal(encoder, unseen(100, MARKS["NaN"] | marks))


@pytest.mark.parametrize("drop", [None, "if_binary"])
@pytest.mark.parametrize("as_objects", [False, True])
def test_numbers_and_booleans_are_categories(drop, as_objects):
    kind = object if as_objects else None
    training, table = (codes(seed).astype(kind or codes(seed).dtypes) for seed in (0, 100))
    encoder = OneHotEncoder(drop=drop, handle_unknown="ignore").fit(training)
    assert read_transformer(encoder)["columns"] == {"i": "number", "h": "number", "b": "boolean"}
    assert_equal(encoder, table)
    assert_equal(OrdinalEncoder().fit(training), table)
    assert_equal(TargetEncoder().fit(training, TARGETS["binary"]), table)


def test_missing_numbers_and_booleans_are_categories():
    table = codes(0).astype({"h": float, "b": object})
    table.loc[::7, ["h", "b"]] = None
    assert_equal(OneHotEncoder().fit(table), table)
    assert_equal(OneHotEncoder(handle_unknown="ignore").fit(table[["h"]].dropna()), table[["h"]])


def test_categories_named_in_an_order_of_their_own():
    named = [["a long one", "a", "b"], ["b", "a", "B"], ["z"]]
    encoder = OneHotEncoder(categories=named, handle_unknown="ignore").fit(strings(0))
    assert_equal(encoder, strings(100))
    numbered = OneHotEncoder(categories=[[0, 1, 2, np.nan]], handle_unknown="ignore")
    assert_equal(numbered.fit(codes(0)[["h"]]), codes(100)[["h"]])


def test_an_unknown_category_is_refused_with_its_instance_column_and_value():
    spec = spec_of(OneHotEncoder().fit(strings(0)))
    message = r"instance 1: expected one of 6 known values \(B, a, .*\) for c2, got the string 'x'"
    with pytest.raises(UnfitInput, match=message):
        transform_rows([["a", "a", "a"], ["a", "a", "x"]], spec)
    with pytest.raises(UnfitInput, match="instance 0: expected a value for c0, got none"):
        transform_rows([[None, "a", "a"]], spec)


def test_an_unknown_number_is_refused_too():
    spec = spec_of(OrdinalEncoder().fit(codes(0)))
    with pytest.raises(UnfitInput, match=r"known values .* for i, got the number 9.0"):
        transform_rows([[9, 0, True]], spec)
    with pytest.raises(UnfitInput, match="instance 0: expected true or false for b, got the numb"):
        transform_rows([[1, 0, 1]], spec)


@pytest.mark.parametrize("strategy", ["constant", "most_frequent"])
@pytest.mark.parametrize("mark", [None, np.nan, "a"])
def test_imputed_strings(strategy, mark):
    imputer = SimpleImputer(strategy=strategy, missing_values=mark)
    pipeline = make_pipeline(imputer, OneHotEncoder(handle_unknown="ignore"))
    table = {"missing": mark != "a", "mark": mark}
    assert_equal(pipeline.fit(strings(0, **table)), strings(100, **table))


def test_imputed_numbers_strings_and_booleans_in_one_step():
    table = pd.concat([strings(0, missing=True), codes(0).astype({"b": object})], axis=1)
    table.loc[::5, "b"] = np.nan
    table = table[["c0", "i", "b"]]
    imputer = SimpleImputer(strategy="most_frequent")
    pipeline = make_pipeline(imputer, OneHotEncoder(handle_unknown="ignore")).fit(table)
    assert read_transformer(pipeline)["columns"] == {
        "c0": "category",
        "i": "number",
        "b": "boolean",
    }
    assert_equal(pipeline, table)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([None, np.nan, "a"], "got both None and NaN as categories"),
        ([3, True], "categories of one kind in x, got boolean and number"),
        ([2**60, 1], r"numbers under 2\*\*53 in x, got 1152921504606846976: .*astype\(str\)"),
        (np.array(["2020-01-01", "2021-01-01"], "datetime64[D]"), r"got datetime64.*astype"),
    ],
)
def test_categories_that_a_request_cannot_name_are_refused(values, message):
    column = pd.Series(values, dtype=object if isinstance(values, list) else None)
    encoder = OneHotEncoder().fit(pd.DataFrame({"x": column}))
    with pytest.raises(ValueError, match=message):
        read_transformer(encoder)


def test_a_mark_that_the_imputer_left_is_refused():
    table = pd.DataFrame({"x": pd.Series(["a", None, "a"], dtype=object)})
    imputer = SimpleImputer(strategy="most_frequent", missing_values=np.nan)
    with pytest.raises(ValueError, match=r"step 'onehotencoder': .* set the imputer's missing_val"):
        read_transformer(make_pipeline(imputer, OneHotEncoder()).fit(table))


def test_a_mixed_row_is_the_same_alone_and_in_a_batch():
    table = pd.concat([strings(0), codes(0)], axis=1)
    encoder = OneHotEncoder(min_frequency=3, handle_unknown="infrequent_if_exist").fit(table)
    rows = rows_of(table)
    spec = spec_of(encoder)
    assert np.array_equal(transform_rows(rows, spec)[7:8], transform_rows(rows[7:8], spec))
