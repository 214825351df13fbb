"""What the outputs mean is said on the command line, and checked against what they are."""

import argparse
import json

import numpy as np
import pytest

from pack import outputs
from pack.outputs import describe, read_labels


def parse(*options: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    outputs.add_arguments(parser)
    parser.add_argument("--trust-pickle", action="store_true")
    return parser.parse_args(options)


def values(*rows, name="scores"):
    return {name: np.array(rows, np.float32)}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labels.txt", "cat\ndog\nbird\n"),
        ("labels.json", '["cat", "dog", "bird"]'),
        ("class_indices.json", '{"bird": 2, "cat": 0, "dog": 1}'),
        ("by_index.json", '{"0": "cat", "2": "bird", "1": "dog"}'),
    ],
)
def test_labels_come_from_files(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    assert read_labels(str(tmp_path / name)) == ["cat", "dog", "bird"]


def test_labels_come_from_a_list():
    assert read_labels("cat, dog,bird") == ["cat", "dog", "bird"]


@pytest.mark.parametrize("labels", ["cat,cat", "cat,,dog"])
def test_labels_that_are_none_are_refused(labels):
    with pytest.raises(ValueError, match="expected names that differ"):
        read_labels(labels)


@pytest.mark.parametrize("content", ['{"cat": 0, "dog": 2}', '{"cat": "x"}', "3"])
def test_labels_of_another_shape_are_refused_with_both_sides(tmp_path, content):
    (tmp_path / "labels.json").write_text(content)
    with pytest.raises(ValueError, match=r"labels\.json: expected .* got"):
        read_labels(str(tmp_path / "labels.json"))


def test_two_labels_of_one_output_are_binary():
    (output,) = describe(parse("--labels", "no,yes"), values([0.1], [0.9]))
    assert (output.task, output.labels, output.threshold) == ("binary", ["no", "yes"], 0.5)


def test_as_many_labels_as_outputs_are_multiclass():
    (output,) = describe(parse("--labels", "a,b"), values([0.1, 0.9]))
    assert (output.name, output.task, output.logits) == ("scores", "multiclass", False)


def test_a_task_can_be_named():
    arguments = parse("--labels", "a,b", "--task", "multilabel", "--threshold", "0.3")
    (output,) = describe(arguments, values([0.8, 0.9]))
    assert (output.task, output.threshold) == ("multilabel", 0.3)


@pytest.mark.parametrize(
    ("options", "rows", "message"),
    [
        (["--labels", "a,b"], [[0.1, 0.2, 0.7]], "expected 3 labels for 3 outputs.*got 2 labels"),
        ([], [[0.5]], "expected 1 labels or 2 for 1 outputs, or --task .* got 0 labels"),
        (["--labels", "a,b"], [[2.0, -1.0]], "expected probabilities.*2.*add --logits"),
        (["--labels", "a,b"], [[0.9, 0.9]], r"together 1\.8 to 1\.8.*--task multilabel"),
        (["--labels", "a,b,c", "--task", "binary"], [[0.5]], "expected 2 labels for binary, got 3"),
        (
            ["--labels", "a", "--task", "multiclass"],
            [[0.5, 0.5]],
            r"expected 1 outputs for 1 labels",
        ),
        (["--labels", "a", "--task", "regression"], [[1, 2]], "expected 2 names .* got 1"),
        (["--task", "regression", "--logits"], [[1.0]], "expected --logits for classes"),
        (
            ["--logits", "other", "--labels", "a,b"],
            [[1, 2]],
            "expected outputs of scores, got other",
        ),
        (["--output", "x=regression"], [[1.0]], "each of scores, got x"),
        (["--output", "scores=wrong"], [[1.0]], "with a task of multiclass.* got 'scores=wrong'"),
        (["--output", "scores=regression", "--task", "regression"], [[1.0]], "got both"),
        (["--target-transformer", "x.pkl", "--labels", "a,b"], [[0.1]], "task regression, got"),
    ],
)
def test_what_does_not_fit_is_refused_with_both_sides(options, rows, message):
    with pytest.raises(ValueError, match=message):
        describe(parse(*options), values(*rows))


def test_logits_are_not_held_to_be_probabilities():
    (output,) = describe(parse("--labels", "a,b", "--logits"), values([7.0, -3.0]))
    assert output.logits


def test_several_outputs_are_named_one_by_one(tmp_path):
    (tmp_path / "moods.json").write_text(json.dumps(["sad", "glad"]))
    several = values([0.5], name="age") | values([3.0, 4.0], name="mood")
    arguments = parse(
        *("--output", f"mood=multiclass:{tmp_path / 'moods.json'}"),
        *("--output", "age=regression", "--logits", "mood"),
    )
    age, mood = describe(arguments, several)
    assert (age.name, age.task, age.logits) == ("age", "regression", False)
    assert (mood.name, mood.labels, mood.logits) == ("mood", ["sad", "glad"], True)


def test_several_outputs_that_nobody_described_are_refused():
    several = values([0.5], name="age") | values([3.0], name="mood")
    with pytest.raises(ValueError, match=r"expected --output NAME=TASK.* for each of age, mood"):
        describe(parse("--task", "regression"), several)
