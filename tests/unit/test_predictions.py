"""Outputs become predictions by the task of each."""

import numpy as np
import orjson
import pytest

from serving.bundle import Output
from serving.errors import UnfitInput
from serving.predictions import label_outputs, sigmoid, softmax


def output(task: str, labels=(), name="out", **changes) -> Output:
    fields = {"logits": False, "threshold": 0.5, "target": None}
    return Output(name, task, list(labels), **fields | changes)


def predict(values, *described, inverses=None):
    arrays = [np.asarray(value, np.float32) for value in values]
    predicted = label_outputs(arrays, described, inverses or {})
    return orjson.loads(orjson.dumps(predicted, option=orjson.OPT_SERIALIZE_NUMPY))


def test_multiclass_names_the_highest_score():
    assert predict([[[0.25, 0.75], [0.5, 0.5]]], output("multiclass", ["a", "b"])) == [
        {"label": "b", "score": 0.75, "scores": {"a": 0.25, "b": 0.75}},
        {"label": "a", "score": 0.5, "scores": {"a": 0.5, "b": 0.5}},
    ]


def test_binary_is_the_probability_of_the_second_label():
    assert predict([[[0.25]]], output("binary", ["no", "yes"])) == [
        {"label": "no", "score": 0.75, "scores": {"no": 0.75, "yes": 0.25}}
    ]


def test_binary_needs_more_than_its_threshold():
    strict = output("binary", ["no", "yes"], threshold=0.875)
    found = predict([[[0.875], [0.9375]]], strict)
    assert [each["label"] for each in found] == ["no", "yes"]
    assert [each["score"] for each in found] == [0.125, 0.9375]


def test_multilabel_names_all_over_the_threshold():
    assert predict([[[0.75, 0.25, 0.625], [0, 0.5, 0]]], output("multilabel", "abc")) == [
        {"labels": ["a", "c"], "scores": {"a": 0.75, "b": 0.25, "c": 0.625}},
        {"labels": [], "scores": {"a": 0.0, "b": 0.5, "c": 0.0}},
    ]


def test_regression_gives_one_value_several_or_named_ones():
    assert predict([[[3.5]]], output("regression")) == [{"value": 3.5}]
    assert predict([[[3.5, 1]]], output("regression")) == [{"values": [3.5, 1.0]}]
    assert predict([[[3.5, 1]]], output("regression", ["price", "rooms"])) == [
        {"values": {"price": 3.5, "rooms": 1.0}}
    ]


def test_embedding_keeps_its_shape():
    assert predict([[[[1, 2], [3, 4]]]], output("embedding")) == [{"embedding": [[1, 2], [3, 4]]}]


def test_a_targets_scaling_is_undone():
    inverses = {"out": lambda values: values * 100.0 + 1.0}
    assert predict([[[0.5]]], output("regression"), inverses=inverses) == [{"value": 51.0}]


def test_several_outputs_are_named():
    found = predict(
        [[[2.0]], [[0.25, 0.75]]],
        output("regression", name="age"),
        output("multiclass", ["sad", "glad"], name="mood"),
    )
    assert found == [
        {
            "age": {"value": 2.0},
            "mood": {"label": "glad", "score": 0.75, "scores": {"sad": 0.25, "glad": 0.75}},
        }
    ]


@pytest.mark.parametrize("task", ["multiclass", "multilabel"])
def test_logits_become_probabilities(task):
    logits = np.array([[0.0, 1000.0, -1000.0], [1.0, 2.0, 3.0]], np.float32)
    (first, second) = predict([logits], output(task, "abc", logits=True))
    wide = logits[1].astype(np.float64)
    expected = {
        "multiclass": np.exp(wide) / np.exp(wide).sum(),
        "multilabel": 1 / (1 + np.exp(-wide)),
    }[task]
    np.testing.assert_allclose(list(second["scores"].values()), expected, rtol=1e-6)
    assert first["scores"]["b"] == 1.0
    assert first["scores"]["c"] == 0.0


def test_binary_logits_become_a_probability():
    (found,) = predict([[[2.0]]], output("binary", ["no", "yes"], logits=True))
    assert found["label"] == "yes"
    assert found["score"] == pytest.approx(1 / (1 + np.exp(-2)), rel=1e-6)


def test_probabilities_keep_the_type_of_the_logits():
    logits = np.array([[1, 2]], np.float32)
    assert softmax(logits).dtype == sigmoid(logits).dtype == np.float32


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_answer_that_is_not_finite_is_refused_by_its_instance(value):
    with pytest.raises(UnfitInput, match=r"instance 1: .* no finite answer"):
        predict([[[1.0], [value]]], output("regression"))


def test_an_inverse_that_overflows_is_refused():
    with pytest.raises(UnfitInput, match="instance 0"):
        predict([[[90.0]]], output("regression"), inverses={"out": np.exp})
