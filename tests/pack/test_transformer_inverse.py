"""A regression's answers back to the targets' own scale, as scikit-learn's inverse_transform."""

import json

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from pack.transformer import inverse as reader
from pack.transformer import read_target_transformer
from serving.preprocessing.transformers import TargetTransformer, inverse
from tests.pack.tables import numbers

pytestmark = [
    pytest.mark.pack,
    pytest.mark.filterwarnings("ignore::UserWarning"),  # of answers without an inverse
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]


def spec_of(fitted):
    return TargetTransformer.from_json(json.loads(json.dumps(read_target_transformer(fitted))))


def logarithm():
    return FunctionTransformer(np.log1p, np.expm1)


both = (False, True)


@pytest.mark.parametrize(
    "transformer",
    [
        *(StandardScaler(with_mean=a, with_std=b) for a in both for b in both),
        *(RobustScaler(with_centering=a, with_scaling=b) for a in both for b in both),
        *(MinMaxScaler(), MinMaxScaler((-2, 3), clip=True), MaxAbsScaler()),
        *(
            PowerTransformer(method, standardize=s)
            for method in ("box-cox", "yeo-johnson")
            for s in both
        ),
        *(QuantileTransformer(output_distribution=d, n_quantiles=9) for d in ("uniform", "normal")),
        *(logarithm(), FunctionTransformer(np.log, np.exp), FunctionTransformer()),
        *(FunctionTransformer(np.sqrt, np.square), make_pipeline(logarithm(), StandardScaler())),
        make_pipeline("passthrough", RobustScaler(), PowerTransformer()),
    ],
    ids=str,
)
@pytest.mark.parametrize("columns", [1, 3])
def test_answers_are_those_of_scikit_learn(transformer, columns):
    targets = numbers(0, rows=80, columns=columns).abs().to_numpy() + 0.01
    fitted = transformer.fit(targets)
    generator = np.random.default_rng(1)
    answers = fitted.transform(targets) + 0.3 * generator.standard_normal(targets.shape)
    spec = spec_of(fitted)
    ours, theirs = inverse(answers, spec), fitted.inverse_transform(answers)
    assert ours.dtype == np.float64
    assert np.array_equal(ours, theirs, equal_nan=True)
    alone = np.concatenate([inverse(answer[None], spec) for answer in answers[:9]])
    assert alone.tobytes() == np.ascontiguousarray(ours[:9]).tobytes()


def test_the_model_s_float32_is_taken_as_float64():
    fitted = StandardScaler().fit(numbers(0, columns=1).to_numpy())
    answers = np.float32([[0.1], [-2.7]])
    expected = fitted.inverse_transform(answers.astype(np.float64))
    assert np.array_equal(inverse(answers, spec_of(fitted)), expected)


def test_a_regressor_with_transformed_targets_gives_its_transformer():
    x, y = numbers(0), np.exp(numbers(1)["n0"].to_numpy() / 1000)
    scaled = TransformedTargetRegressor(LinearRegression(), transformer=StandardScaler())
    logged = TransformedTargetRegressor(LinearRegression(), func=np.log1p, inverse_func=np.expm1)
    for regressor in (scaled.fit(x, y), logged.fit(x, y)):
        inner = regressor.regressor_.predict(x)[:, None]
        answers = inverse(inner, spec_of(regressor))
        assert np.array_equal(answers[:, 0], regressor.predict(x))


@pytest.mark.parametrize(
    ("transformer", "message"),
    [
        (FunctionTransformer(np.log1p), r"an inverse_func, np\.expm1, got none"),
        (FunctionTransformer(np.square), r"an inverse_func, np\.sqrt, got none"),
        (FunctionTransformer(np.exp, lambda x: x), r"expected one of NumPy's .*<lambda>"),
        (make_pipeline(OneHotEncoder()), "step 'onehotencoder': expected one of FunctionTransf"),
    ],
)
def test_what_cannot_be_undone_is_refused(transformer, message):
    with pytest.raises(ValueError, match=message):
        read_target_transformer(transformer.fit(np.ones((3, 1))))


def test_not_fitted_is_refused():
    with pytest.raises(ValueError, match="expected a fitted target transformer, got StandardScal"):
        read_target_transformer(StandardScaler())


def test_a_difference_is_refused(monkeypatch):
    fitted = StandardScaler().fit(np.array([[1.0], [2.0], [4.0]]))
    monkeypatch.setitem(reader._READERS, StandardScaler, reader._max_abs_scaler)
    with pytest.raises(ValueError, match=r"output 0: expected scikit-learn's .* from .*, got"):
        read_target_transformer(fitted)


def test_answers_of_another_width_are_refused():
    spec = spec_of(StandardScaler().fit(numbers(0, columns=2).to_numpy()))
    with pytest.raises(ValueError, match=r"shape \(instances, 2\), got \(4, 1\)"):
        inverse(np.zeros((4, 1)), spec)
