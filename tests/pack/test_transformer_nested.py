"""Pipelines, unions and column transformers inside each other, on tables and arrays."""

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from pack.transformer import read_transformer
from serving.errors import UnfitInput
from serving.preprocessing.numeric import transform_rows
from tests.pack.tables import (
    assert_equal,
    assert_equal_on_array,
    codes,
    numbers,
    spec_of,
    strings,
)

pytestmark = [
    pytest.mark.pack,
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def mixed(seed):
    """Columns n0 to n3 with gaps, c0 to c2 with gaps, i, h and b."""
    parts = [numbers(seed, missing=True), strings(seed, missing=True), codes(seed)]
    return pd.concat(parts, axis=1)


def columns(**options):
    """Blocks by name, by selector and by place, and a dropped one."""
    blocks = [
        ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["n1", "n0"]),
        ("strings", OneHotEncoder(handle_unknown="ignore"), make_column_selector(pattern="c.")),
        ("bins", KBinsDiscretizer(3), [8, -3]),
        ("none", "drop", ["n3"]),
        ("empty", StandardScaler(), []),
    ]
    return ColumnTransformer(blocks, **options)


union = FeatureUnion(
    [
        ("scaled", StandardScaler()),
        ("shaped", make_pipeline(PowerTransformer(), PolynomialFeatures(2, include_bias=False))),
        ("same", "passthrough"),
        ("none", "drop"),
    ],
    transformer_weights={"scaled": 0.1, "same": 3},
)
nested = FeatureUnion(
    [
        ("all", columns(remainder="drop")),
        (
            "codes",
            ColumnTransformer(
                [
                    ("codes", OrdinalEncoder(encoded_missing_value=-5), ["c0", "b"]),
                    ("spread", QuantileTransformer(n_quantiles=9), ["i", "h"]),
                ]
            ),
        ),
    ]
)
stages = make_pipeline(
    ColumnTransformer(
        [
            ("numbers", SimpleImputer(add_indicator=True), ["n0", "n1"]),
            ("strings", SimpleImputer(strategy="most_frequent"), ["c0", "c1"]),
        ]
    ).set_output(transform="pandas"),
    ColumnTransformer(
        [
            ("scaled", StandardScaler(), ["numbers__n1", "numbers__missingindicator_n0"]),
            ("known", OneHotEncoder(handle_unknown="ignore"), ["strings__c1"]),
            ("same", "passthrough", ["numbers__n0"]),
        ]
    ),
)
mixed_matrix = make_pipeline(
    ColumnTransformer([("filled", SimpleImputer(strategy="most_frequent"), ["n0", "c0", "b"])]),
    ColumnTransformer(
        [("s", StandardScaler(), [2, 0]), ("o", OneHotEncoder(handle_unknown="ignore"), [1])]
    ),
)


@pytest.mark.parametrize(
    "transformer",
    [
        columns(),
        columns(transformer_weights={"numbers": 0.3, "strings": 2}),
        Pipeline([("columns", columns()), ("same", "passthrough"), ("scaled", MaxAbsScaler())]),
        *(nested, stages, mixed_matrix),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_mixed_tables(transformer, seed):
    assert_equal(clone(transformer).fit(mixed(seed)), mixed(seed + 100))


def test_a_column_that_no_step_knows_for_a_boolean_may_be_said_to_be_one():
    fitted = columns(remainder=SimpleImputer(strategy="median")).fit(mixed(0))
    kinds = dict.fromkeys(mixed(0).columns, "number")
    with pytest.raises(UnfitInput, match=r"expected a number for b, got"):
        assert_equal(fitted, mixed(100))
    assert_equal(fitted, mixed(100), kinds | {"b": "boolean"})
    with pytest.raises(ValueError, match=r"expected c0 to be a category as the .* got a boolean"):
        read_transformer(fitted, kinds | {"c0": "boolean"})
    with pytest.raises(ValueError, match=r"was fitted on \(n0, n1, .*\), got n0"):
        read_transformer(fitted, {"n0": "number"})


def mixed_by_place():
    blocks = [
        ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), slice(0, 2)),
        ("strings", OneHotEncoder(handle_unknown="ignore"), [4, 5]),
        ("codes", OrdinalEncoder(), [False] * 7 + [True] * 3),
    ]
    return ColumnTransformer(blocks)


def test_arrays_have_columns_by_number():
    assert_equal_on_array(mixed_by_place().fit(mixed(0).to_numpy()), mixed(100))
    state = read_transformer(mixed_by_place().fit(mixed(0).to_numpy()))
    kinds = ["number", "number", "category", "category", "number", "number", "boolean"]
    assert list(state["columns"]) == ["x0", "x1", "x4", "x5", "x7", "x8", "x9"]
    assert list(state["columns"].values()) == kinds


@pytest.mark.parametrize(
    "transformer",
    [
        union,
        make_pipeline(union, PCA(3), KBinsDiscretizer(2), SelectKBest(k=2)),
        make_pipeline(StandardScaler(), SimpleImputer(), FunctionTransformer(np.tanh)),
        make_pipeline("passthrough", None, MinMaxScaler()),
    ],
)
def test_numbers(transformer):
    fitted = clone(transformer).fit(numbers(0), np.arange(60) % 2)
    assert_equal(fitted, numbers(100))
    fitted = clone(transformer).fit(numbers(0).to_numpy(), np.arange(60) % 2)
    assert_equal_on_array(fitted, numbers(100))


@pytest.mark.parametrize(
    "step",
    [
        *(StandardScaler(with_mean=False), RobustScaler(with_centering=False), MaxAbsScaler()),
        *(MaxAbsScaler(clip=True), Binarizer(), VarianceThreshold(), SimpleImputer()),
        *(PolynomialFeatures(2), PolynomialFeatures(3), PolynomialFeatures(4), TruncatedSVD(3)),
        FeatureUnion([("same", "passthrough"), ("scaled", MaxAbsScaler())]),
    ],
    ids=str,
)
def test_steps_on_a_sparse_matrix(step):
    """scikit-learn has other arithmetic there: reciprocals, another order of factors."""
    blocks = [("same", "passthrough", ["n0", "n1"]), ("strings", OneHotEncoder(), ["c0", "c1"])]
    first = ColumnTransformer(blocks, sparse_threshold=1)
    pipeline = make_pipeline(first, step)
    training, table = (pd.concat([numbers(s), strings(s)], axis=1) for s in (0, 100))
    assert_equal(pipeline.fit(training), table)


def test_what_is_missing_may_be_so_where_every_step_fills_it():
    blocks = [
        ("filled", make_pipeline(StandardScaler(), SimpleImputer()), ["n0", "n1"]),
        ("encoded", OneHotEncoder(), ["n1", "n3"]),
        ("scaled", StandardScaler(), ["n2"]),
    ]
    table = numbers(0).assign(n3=[np.nan, 1.0] * 30)
    state = read_transformer(ColumnTransformer(blocks).fit(table))
    assert state["optional"] == ["n0", "n3"]


def test_a_weighted_passthrough_keeps_its_column():
    blocks = [("same", "passthrough", ["n2"]), ("scaled", MaxAbsScaler(), ["n0"])]
    fitted = ColumnTransformer(blocks, transformer_weights={"same": 0.3}).fit(numbers(0))
    assert_equal(fitted, numbers(100))


def test_a_string_put_into_a_column_of_numbers_is_no_known_category():
    """Of an object column the default fill value is a string, whatever its values are."""
    table = codes(0)[["i"]].astype(object)
    imputer = SimpleImputer(strategy="constant")
    pipeline = make_pipeline(imputer, OneHotEncoder(handle_unknown="ignore")).fit(table)
    assert read_transformer(pipeline)["columns"] == {"i": "number"}
    assert_equal(pipeline, table.where(table["i"] != 3, np.nan))
    with pytest.raises(ValueError, match="expected numbers for the model, got the strings of i"):
        read_transformer(imputer.fit(table))


def test_columns_of_a_union_are_all_there_though_one_part_drops_some():
    part = ColumnTransformer([("scaled", StandardScaler(), ["n2"])])
    fitted = FeatureUnion([("some", part), ("all", MinMaxScaler())]).fit(numbers(0))
    assert list(read_transformer(fitted)["columns"]) == ["n0", "n1", "n2", "n3"]
    assert_equal(fitted, numbers(100))


def test_names_of_the_columns_may_be_given_to_what_knows_none():
    fitted = StandardScaler().fit(numbers(0, columns=2).to_numpy())
    state = read_transformer(fitted, {"Age": "number", "Smoker": "boolean"})
    assert state["columns"] == {"Age": "number", "Smoker": "boolean"}
    named = StandardScaler().fit(numbers(0, columns=2))
    assert read_transformer(named, {"n0": "boolean", "n1": "number"})["columns"]["n0"] == "boolean"


def test_no_transformer_takes_numbers_as_they_are():
    state = read_transformer(None, {"a": "number", "b": "boolean"})
    assert state["columns"] == {"a": "number", "b": "boolean"}
    assert transform_rows([[1.5, True]], spec_of(None, state["columns"])).tolist() == [[1.5, 1.0]]
    with pytest.raises(UnfitInput, match="expected a value for a, got none"):
        transform_rows([[None, True]], spec_of(None, state["columns"]))


narrow = OneHotEncoder(dtype=np.float32, sparse_output=False)


@pytest.mark.parametrize(
    ("transformer", "message"),
    [
        (
            ColumnTransformer([("fill", KNNImputer(), ["n0"])]),
            r"fill: expected one of Binarizer, .* selector, got KNNImputer: .* use SimpleImputer",
        ),
        (Pipeline([("words", CountVectorizer())]), "step 'words': .* got CountVectorizer"),
        (
            Pipeline([("a", StandardScaler()), ("model", RandomForestClassifier())]),
            r"pipeline\[:-1\]",
        ),
        (
            FeatureUnion([("odd", FunctionTransformer(lambda x: x))]),
            r"odd: expected one of NumPy's log, .*, got tests.*<lambda>, whose code",
        ),
        (FunctionTransformer(np.clip, kw_args={"min": 0, "max": 1}), "no kw_args"),
        (FunctionTransformer(pd.isna), r"got pandas.*\.isna, whose code"),
        (
            make_pipeline(KBinsDiscretizer(3), Normalizer()),
            "'normalizer': expected an array .* spars",
        ),
        (make_pipeline(narrow, StandardScaler()), "expected float64 columns from the steps before"),
        (make_pipeline(narrow, FunctionTransformer(np.log)), "got numbers of float32"),
        (make_pipeline(KBinsDiscretizer(3), FunctionTransformer(np.exp)), "got a sparse matrix"),
        (KBinsDiscretizer(3, dtype=np.float32), r"expected KBinsDiscretizer\(dtype=None\)"),
    ],
)
def test_what_cannot_be_repeated_is_refused_with_what_would_work(transformer, message):
    table = numbers(0, columns=2)
    if isinstance(transformer, Pipeline) and isinstance(transformer[0], CountVectorizer):
        table = ["a text"]
    with pytest.raises(ValueError, match=message):
        read_transformer(transformer.fit(table, np.arange(len(table)) % 2))


@pytest.mark.parametrize(
    ("step", "attribute"),
    [
        (MinMaxScaler(), "scale_"),
        (RobustScaler(), "center_"),
        (PCA(2), "mean_"),
        (SimpleImputer(), "_fit_dtype"),
        (OneHotEncoder(), "categories_"),
    ],
)
def test_fitted_on_float32_is_refused(step, attribute):
    with pytest.raises(ValueError, match=f"got float32 in {attribute}: convert the table"):
        read_transformer(step.fit(numbers(0).astype(np.float32)))


def test_what_another_version_fitted_otherwise_is_refused():
    encoder = OneHotEncoder().fit(strings(0))
    del encoder._drop_idx_after_grouping
    with pytest.raises(ValueError, match=r"OneHotEncoder: .* of another version: .*fit it again"):
        read_transformer(encoder)


def test_not_fitted_is_refused():
    with pytest.raises(ValueError, match="FunctionTransformer that knows neither names nor numb"):
        read_transformer(FunctionTransformer())
    with pytest.raises(ValueError, match="StandardScaler: expected it to be fitted"):
        read_transformer(StandardScaler())
    with pytest.raises(ValueError, match="StandardScaler: expected it to be fitted"):
        read_transformer(StandardScaler(), {"a": "number"})


def test_strings_that_reach_the_model_are_refused():
    union = FeatureUnion([("codes", OrdinalEncoder()), ("same", "passthrough")])
    with pytest.raises(ValueError, match="expected numbers for the model, got the strings of c0"):
        read_transformer(union.fit(strings(0)))


def test_a_subclass_is_refused_since_it_may_compute_otherwise():
    class Scaler(StandardScaler):
        pass

    with pytest.raises(ValueError, match="got Scaler"):
        read_transformer(Scaler().fit(numbers(0)))
