"""Each of scikit-learn's numeric steps, on random tables that it was not fitted on."""

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("sklearn")

from sklearn.decomposition import PCA, IncrementalPCA, TruncatedSVD
from sklearn.feature_selection import (
    RFE,
    SelectFromModel,
    SelectKBest,
    SelectPercentile,
    VarianceThreshold,
    chi2,
    f_regression,
)
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
)

from pack.transformer import read_table
from serving.errors import UnfitInput
from serving.preprocessing.numeric import preprocess_numerical_features, transform_rows
from tests.pack.tables import (
    assert_batch_does_not_matter,
    assert_equal,
    numbers,
    rows_of,
    spec_of,
    transformed,
)

pytestmark = [
    pytest.mark.pack,
    pytest.mark.filterwarnings("ignore::UserWarning"),  # of tables that are small
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),  # of logarithms of negative numbers
]

SEEDS = range(4)
LABELS = np.arange(60) % 2


def of(step, **parameters):
    return pytest.param(step, parameters, id=f"{step.__name__} {parameters}")


def each(step, **choices):
    """One case for every combination of the choices."""
    cases = [{}]
    for name, values in choices.items():
        cases = [case | {name: value} for case in cases for value in values]
    return [of(step, **case) for case in cases]


both = (False, True)


@pytest.mark.parametrize(
    ("step", "parameters"),
    [
        *each(StandardScaler, with_mean=both, with_std=both),
        *each(RobustScaler, with_centering=both, with_scaling=both, unit_variance=both),
        *each(MinMaxScaler, feature_range=[(0, 1), (-3, 0.5)], clip=both),
        *each(MaxAbsScaler, clip=both),
        *each(PowerTransformer, standardize=both),
        *each(QuantileTransformer, output_distribution=["uniform", "normal"], n_quantiles=[7, 60]),
        of(VarianceThreshold, threshold=0.1),
        *each(MissingIndicator, features=["missing-only", "all"]),
    ],
)
@pytest.mark.parametrize("seed", SEEDS)
def test_steps_that_let_missing_values_through(step, parameters, seed):
    """A pipeline fills what they leave, so that the gaps themselves are compared."""
    pipeline = make_pipeline(step(**parameters), SimpleImputer(add_indicator=True))
    pipeline.fit(numbers(seed, missing=True))
    assert_equal(pipeline, numbers(seed + 100, missing=True))


@pytest.mark.parametrize(
    ("step", "parameters"),
    [
        of(Binarizer, threshold=0.3),
        of(Normalizer, norm="max"),
        *each(
            KBinsDiscretizer,
            encode=["ordinal", "onehot", "onehot-dense"],
            strategy=["uniform", "quantile", "kmeans"],
        ),
        *each(
            PolynomialFeatures,
            degree=[1, 2, 3, (2, 3), (0, 2), 4],
            interaction_only=both,
            include_bias=both,
        ),
        *each(
            SplineTransformer,
            extrapolation=["constant", "linear", "continue", "periodic"],
            degree=[2, 3, 5],
            n_knots=[7],
            knots=["uniform", "quantile"],
            include_bias=both,
        ),
        *each(SplineTransformer, extrapolation=["constant", "periodic"], degree=[1], n_knots=[3]),
        of(SplineTransformer, extrapolation="periodic", degree=3, n_knots=4),
        of(SplineTransformer, sparse_output=True),
    ],
)
def test_steps_that_need_every_value(step, parameters):
    table = numbers(0)[["n0", "n1", "n2"]]
    fitted = step(**parameters).fit(table)
    assert_equal(fitted, numbers(100)[["n0", "n1", "n2"]])
    assert_equal(fitted, table)  # with its ends, on which edges lie
    with pytest.raises(UnfitInput, match="instance 0: expected a value for n1, got none"):
        transform_rows([[1, None, 1]], spec_of(fitted))


def test_splines_of_missing_values():
    splines = SplineTransformer(handle_missing="zeros").fit(numbers(0, missing=True))
    assert_equal(splines, numbers(100, missing=True))


def test_splines_that_scikit_learn_mixes_up_are_refused():
    """In 1.9 a sparse basis of a missing value stays that of the smallest value of the batch."""
    splines = SplineTransformer(
        handle_missing="zeros", extrapolation="continue", sparse_output=True
    )
    splines.fit(numbers(0, missing=True))
    one = numbers(1).assign(n1=np.nan)[:1]
    both = pd.concat([one, one.assign(n1=5.0)])
    assert not np.array_equal(transformed(splines, one)[0], transformed(splines, both)[0])
    with pytest.raises(ValueError, match=r"expected sparse_output=False with handle_missing"):
        read_table(splines)
    with pytest.raises(ValueError, match="a degree of 1 or more, and of 2 or more for linear"):
        read_table(SplineTransformer(degree=1, extrapolation="linear").fit(numbers(0)))


def test_splines_refuse_what_is_outside_where_scikit_learn_does():
    splines = SplineTransformer(extrapolation="error").fit(pd.DataFrame({"x": [0.0, 1.0, 5.0]}))
    with pytest.raises(UnfitInput, match=r"instance 1: .* from 0.0 to 5.0 for x, got 5.5"):
        transform_rows([[5.0], [5.5]], spec_of(splines))
    with pytest.raises(ValueError, match="beyond the limits of the knots"):
        splines.transform(pd.DataFrame({"x": [5.0, 5.5]}))


@pytest.mark.parametrize("standardize", both)
@pytest.mark.parametrize("seed", SEEDS)
def test_box_cox(standardize, seed):
    fitted = PowerTransformer("box-cox", standardize=standardize).fit(numbers(seed).abs() + 0.01)
    assert_equal(fitted, numbers(seed + 100).abs() + 0.01)
    with pytest.raises(UnfitInput, match=r"instance 1: expected a number over 0 for n2, got 0\.0"):
        transform_rows([[1, 1, 1, 1], [1, 1, 0, 1]], spec_of(fitted))


@pytest.mark.parametrize("strategy", ["mean", "median", "most_frequent", "constant"])
@pytest.mark.parametrize("add_indicator", both)
@pytest.mark.parametrize("keep_empty_features", both)
def test_imputers_with_a_column_that_was_empty(strategy, add_indicator, keep_empty_features):
    imputer = SimpleImputer(
        strategy=strategy, add_indicator=add_indicator, keep_empty_features=keep_empty_features
    )
    imputer.fit(numbers(0, missing=True).assign(n1=np.nan))
    assert_equal(imputer, numbers(100, missing=True))


@pytest.mark.parametrize("strategy", ["mean", "median", "most_frequent", "constant"])
def test_imputers_of_a_number_that_means_missing(strategy):
    pipeline = make_pipeline(SimpleImputer(strategy=strategy, missing_values=2), StandardScaler())
    assert_equal(pipeline.fit(numbers(0).astype({"n3": int})), numbers(100))
    with pytest.raises(UnfitInput, match="expected a value for n0, got none"):
        transform_rows([[None, 1, 1, 1]], spec_of(pipeline))


@pytest.mark.parametrize(
    "function",
    [
        *(None, np.log1p, np.log, np.log10, np.exp, np.expm1, np.sqrt, np.cbrt, np.square, np.abs),
        *(np.sin, np.cos, np.arctan, np.tanh, np.arcsinh, np.sign, np.floor, np.rint, np.degrees),
    ],
)
@pytest.mark.parametrize("validate", both)
def test_functions_of_numpy(function, validate):
    transformer = FunctionTransformer(function, validate=validate).fit(numbers(0))
    assert_equal(transformer, numbers(100) / 100)


def test_a_function_without_a_value_is_refused_where_scikit_learn_goes_on_with_nan():
    spec = spec_of(FunctionTransformer(np.log).fit(numbers(0, columns=1)))
    with pytest.raises(UnfitInput, match=r"instance 1: .* no number, once transformed \(output 0"):
        preprocess_numerical_features([[1], [-1]], spec)


def test_infinity_between_two_steps_is_refused_as_scikit_learn_does():
    pipeline = make_pipeline(FunctionTransformer(np.log), KBinsDiscretizer(2)).fit([[1.0], [9.0]])
    with pytest.raises(UnfitInput, match=r"instance 1: expected a number for x0 .* becomes -inf"):
        transform_rows([[1], [0]], spec_of(pipeline))
    with pytest.raises(ValueError, match="Input X contains infinity"):
        pipeline.transform([[1.0], [0.0]])


@pytest.mark.parametrize(
    "selector",
    [
        SelectKBest(chi2, k=2),
        SelectPercentile(f_regression, percentile=60),
        SelectFromModel(LogisticRegression()),
        RFE(LogisticRegression(), n_features_to_select=2),
    ],
    ids=lambda selector: type(selector).__name__,
)
def test_selectors(selector):
    assert_equal(selector.fit(numbers(0).abs(), LABELS), numbers(100))


@pytest.mark.parametrize(
    "step",
    [
        *(PCA(3), PCA(2, whiten=True), IncrementalPCA(2), TruncatedSVD(2)),
        *(Normalizer("l1"), Normalizer("l2")),
    ],
    ids=str,
)
@pytest.mark.parametrize("columns", [4, 40])
def test_steps_that_sum_differ_by_rounding_alone(step, columns):
    """In the float64 of numbers near 1; as float32 they are the same."""
    scaled = make_pipeline(StandardScaler(), step).fit(numbers(0, columns=columns))
    table = numbers(100, columns=columns)
    ours, theirs = transform_rows(rows_of(table), spec_of(scaled)), transformed(scaled, table)
    largest = np.abs(theirs).max()
    assert np.abs(ours - theirs).max() <= 1e-14 * largest
    assert np.abs(ours.astype(np.float32) - theirs.astype(np.float32)).max() <= 1e-7 * largest
    assert_batch_does_not_matter(rows_of(table), spec_of(scaled))


def test_sums_of_a_sparse_matrix_are_exact():
    pipeline = make_pipeline(KBinsDiscretizer(6), MaxAbsScaler(), TruncatedSVD(5))
    assert_equal(pipeline.fit(numbers(0)), numbers(100))
    assert read_table(pipeline).notes.inexact == []
