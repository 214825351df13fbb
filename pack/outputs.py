"""What a model's outputs mean: tasks, labels and logits, from the command line, checked."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pack.files import number, read_json, read_text
from serving.bundle import Output

type Task = Literal["multiclass", "binary", "multilabel", "regression", "embedding"]

TASKS = ("multiclass", "binary", "multilabel", "regression", "embedding")
_OTHER_TASKS = "--task multilabel, --task regression or --task embedding"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that say what the outputs mean."""
    group = parser.add_argument_group("outputs, what the model's numbers mean")
    add = group.add_argument
    add(
        "--labels",
        help="names of the classes in the order of the outputs: between commas, or a file with a"
        " name a line, a JSON list, or a JSON object like a training generator's class_indices;"
        " for a regression, names of its values",
    )
    add(
        "--task",
        choices=TASKS,
        help="multiclass: one of the labels, a softmax; binary: the probability of the second"
        " of two labels, one sigmoid; multilabel: any of the labels, a sigmoid each;"
        " regression: values; embedding: an array as it is (default: binary for two labels and"
        " one output, multiclass for as many labels as outputs)",
    )
    add(
        "--logits",
        nargs="*",
        metavar="OUTPUT",
        help="the model ends without softmax or sigmoid: apply it; with names, to those outputs",
    )
    add(
        "--threshold",
        type=number(0, 1),
        default=0.5,
        help="a binary or multilabel class counts if its probability is over this (default: 0.5)",
    )
    add(
        "--target-transformer",
        nargs="+",
        default=[],
        metavar="[OUTPUT=]FILE",
        help="the fitted scikit-learn transformer of a regression's target, which is applied"
        " inversely to the model's output",
    )
    add(
        "--output",
        action="append",
        default=[],
        metavar="NAME=TASK[:LABELS]",
        help="for a model of several outputs, once for each, in place of --task and --labels:"
        " --output age=regression --output mood=multiclass:moods.txt",
    )


def describe(arguments: argparse.Namespace, values: Mapping[str, NDArray[Any]]) -> list[Output]:
    """One description for each of the model's outputs.

    values: the model's outputs for the examples, by name, each of shape (examples, ...).
    Raises ValueError if options and outputs do not fit, or if probabilities are expected and the
    values are none.
    """
    specified = _specified(arguments, list(values))
    logits = _names("--logits", arguments.logits, values)
    targets = _targets(arguments, specified)
    described = []
    for name, (said, labels) in specified.items():
        task: Task = said or _task_of(name, labels, values[name])
        output = Output(name, task, labels, name in logits, arguments.threshold, targets.get(name))
        _CHECKS[task](output, values[name])
        described.append(output)
    return described


def read_labels(text: str) -> list[str]:
    """Labels between commas, or those in a file of that name; raise ValueError for others."""
    path = Path(text)
    if path.suffix == ".json":
        labels = _labels_of_json(path, read_json(path))
    elif path.suffix in (".txt", ".csv", ".names"):
        labels = read_text(path).splitlines()
    else:
        labels = text.split(",")
    labels = [label.strip() for label in labels]
    while labels and not labels[-1]:
        labels.pop()  # a file's last line
    if len(set(labels)) < len(labels) or not all(labels):
        raise ValueError(f"--labels {text}: expected names that differ, got {labels}")
    return labels


def _labels_of_json(path: Path, content: Any) -> list[str]:
    """A list of names, {name: index} as `class_indices` has it, or {index: name}."""
    if isinstance(content, list) and all(isinstance(item, str) for item in content):
        return content
    if not isinstance(content, dict):
        raise ValueError(
            f"{path}: expected a list of names or an object like class_indices,"
            f" got {type(content).__name__}"
        )
    if all(key.isdecimal() for key in content):
        content = {str(name): int(index) for index, name in content.items()}
    if sorted(content.values(), key=str) != sorted(range(len(content)), key=str):
        raise ValueError(
            f"{path}: expected the indices 0 to {len(content) - 1}, got {list(content.values())}"
        )
    return sorted(content, key=lambda name: int(content[name]))


def _specified(
    arguments: argparse.Namespace, names: Sequence[str]
) -> dict[str, tuple[Any, list[str]]]:
    """Task (or None) and labels of every output, as the options say it."""
    if not arguments.output:
        if len(names) > 1:
            raise ValueError(
                f"expected --output NAME=TASK[:LABELS] for each of {', '.join(names)}, got none"
            )
        labels = read_labels(arguments.labels) if arguments.labels else []
        implied = "regression" if arguments.target_transformer and not labels else None
        return {names[0]: (arguments.task or implied, labels)}
    if arguments.task or arguments.labels:
        raise ValueError("expected --output, or --task and --labels, got both")
    found = dict(_parse_output(text) for text in arguments.output)
    if found.keys() != set(names):
        raise ValueError(
            f"expected --output for each of {', '.join(names)}, got {', '.join(found)}"
        )
    return {name: found[name] for name in names}


def _parse_output(text: str) -> tuple[str, tuple[str, list[str]]]:
    name, equals, rest = text.partition("=")
    task, colon, labels = rest.partition(":")
    if not equals or task not in TASKS:
        raise ValueError(
            f"expected --output NAME=TASK[:LABELS] with a task of {', '.join(TASKS)}, got {text!r}"
        )
    return name, (task, read_labels(labels) if colon else [])


def _names(option: str, given: Sequence[str] | None, values: Mapping[str, Any]) -> Sequence[str]:
    """The outputs that an option means: those it names, or all."""
    if given is None:
        return []
    unknown = [name for name in given if name not in values]
    if unknown:
        raise ValueError(
            f"{option}: expected outputs of {', '.join(values)}, got {', '.join(unknown)}"
        )
    return given or list(values)


def _targets(
    arguments: argparse.Namespace, specified: Mapping[str, tuple[Any, list[str]]]
) -> dict[str, Mapping[str, Any]]:
    if not arguments.target_transformer:
        return {}
    from pack.transformer import load_transformer, read_target_transformer

    targets: dict[str, Mapping[str, Any]] = {}
    for text in arguments.target_transformer:
        name, equals, file = text.rpartition("=")
        name = name if equals else next(iter(specified))
        if name not in specified or specified[name][0] != "regression":
            raise ValueError(
                f"--target-transformer {text}: expected an output of the task regression,"
                f" got {name} of the task {specified.get(name, ('none',))[0]}"
            )
        targets[name] = read_target_transformer(
            load_transformer(Path(file), arguments.trust_pickle)
        )
    return targets


def _task_of(name: str, labels: Sequence[str], values: NDArray[Any]) -> Task:
    width = _width(values)
    if len(labels) == 2 and width == 1:
        return "binary"
    if len(labels) == width and width > 1:
        return "multiclass"
    raise ValueError(
        f"output {name}: expected {width} labels{' or 2' * (width == 1)} for {width} outputs,"
        f" or {_OTHER_TASKS}; got {len(labels)} labels and no task"
    )


def _width(values: NDArray[Any]) -> int:
    return int(np.prod(values.shape[1:]))


def _check_classes(output: Output, values: NDArray[Any]) -> None:
    wanted = 1 if output.task == "binary" else len(output.labels)
    if output.task == "binary" and len(output.labels) != 2:
        raise ValueError(
            f"output {output.name}: expected 2 labels for binary, got {len(output.labels)}"
        )
    if values.shape[1:] != (wanted,):
        raise ValueError(
            f"output {output.name}: expected {wanted} outputs for {len(output.labels)} labels"
            f" (binary is one sigmoid output, multiclass a softmax), the model has"
            f" {values.shape[1:]}"
        )
    if not output.logits:
        _check_probabilities(output, values)
    elif output.task == "multiclass" and _are_probabilities(output, values):
        raise ValueError(
            f"output {output.name}: expected logits, the model gives probabilities, which add up"
            " to 1 already: leave --logits out"
        )


def _check_probabilities(output: Output, values: NDArray[Any]) -> None:
    sums = values.sum(axis=1)
    if not _are_probabilities(output, values):
        raise ValueError(
            f"output {output.name}: expected probabilities"
            f"{', of all labels together 1' * (output.task == 'multiclass')}; the model gives"
            f" {values.min():.3g} to {values.max():.3g}, together {sums.min():.3g} to"
            f" {sums.max():.3g}: add --logits if it ends without softmax or sigmoid,"
            " or --task multilabel if several labels can be true"
        )


def _are_probabilities(output: Output, values: NDArray[Any]) -> bool:
    inside = bool(((values >= 0) & (values <= 1)).all())
    return inside and (output.task != "multiclass" or np.allclose(values.sum(axis=1), 1, atol=1e-3))


def _check_regression(output: Output, values: NDArray[Any]) -> None:
    if output.labels and len(output.labels) != _width(values):
        raise ValueError(
            f"output {output.name}: expected {_width(values)} names for the values,"
            f" got {len(output.labels)}"
        )
    _check_no_logits(output, values)


def _check_no_logits(output: Output, _: NDArray[Any]) -> None:
    if output.logits:
        raise ValueError(
            f"output {output.name}: expected --logits for classes, got it for {output.task}"
        )


_CHECKS: Mapping[str, Callable[[Output, NDArray[Any]], None]] = {
    "multiclass": _check_classes,
    "binary": _check_classes,
    "multilabel": _check_classes,
    "regression": _check_regression,
    "embedding": _check_no_logits,
}
