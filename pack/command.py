"""The steps from a user's files to a bundle, in the order in which they happen."""

import argparse
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from pack import bundle, examples, models, outputs
from pack.compile import output_names
from pack.files import read_metrics
from pack.inputs import check_shape, splits_texts, takes_strings
from serving import preprocessing
from serving.bundle import Limits
from serving.engines.keras import run as run_keras
from serving.errors import InvalidInput
from serving.golden import differences

MEGABYTE = 1_000_000
LIMITS = {
    # An upload of 25 MB holds a 40 megapixel JPEG; the API itself takes no more than 6 MB.
    "image": Limits(max_bytes=25 * MEGABYTE, max_instances=64, batch_size=64),
    "text": Limits(max_bytes=6 * MEGABYTE, max_instances=1_000, batch_size=128),
    "numeric": Limits(max_bytes=6 * MEGABYTE, max_instances=10_000, batch_size=2_048),
}

FEW = 4  # examples that are predicted alone too
ROUNDING = 1e-5  # of float32, which sums a batch of another size in another order

type Say = Callable[[str], None]


def run(arguments: argparse.Namespace, modality: ModuleType, say: Say) -> None:
    """Load, prepare, predict the examples with Keras, compare, and write the bundle.

    Raises ValueError (or ServingError, OSError) with both sides for whatever does not fit.
    """
    say(f"loading {arguments.model}")
    loaded = models.load(
        arguments.model, arguments.architecture, arguments.custom_object, arguments.lambdas
    )
    for repair in loaded.repairs:
        say(f"repaired: {repair}")
    state, model = modality.prepare(arguments, loaded.model)
    given = examples.read(arguments, state, model)
    batch = _preprocess(arguments.modality, state, given)
    check_shape(model, batch)
    if arguments.reference and takes_strings(model):
        raise ValueError(
            "--reference: expected a model of numbers behind preprocessing, got one that takes"
            " strings as they are, so that nothing parts before it; --expected compares the outputs"
        )
    say(f"predicting {len(batch)} examples{' (generated)' * given.generated} with Keras")
    results = run_keras(model, batch)
    values = dict(zip(output_names(model, results), results, strict=True))
    _check_outputs(values, given)
    _check_alone(model, batch, values, given, arguments.tolerance)
    described = outputs.describe(arguments, values)
    if all(np.isin(value, (0, 1)).all() for value in values.values()):
        say("note: every output is 0 or 1, which proves little: give other --examples")
    if arguments.reference:
        _compare_with_reference(arguments, state, model, given, say)
    if given.expected:
        largest = examples.check_expected(given, values, arguments.tolerance)
        say(f"your own outputs and these: largest difference {largest:.2e}")
    source = bundle.Source(
        modality=arguments.modality,
        version=arguments.version,
        model=model,
        model_file=_unchanged(arguments.model, loaded, model),
        portable=loaded.kind != "savedmodel" and not (arguments.custom_object or arguments.lambdas),
        state=state,
        outputs=described,
        examples=given,
        batch=batch,
        values=values,
        engine=arguments.engine,
        limits=LIMITS[arguments.modality],
        tolerance=arguments.tolerance,
        metrics=read_metrics(arguments.metrics) if arguments.metrics else {},
        provenance=dict(arguments.provenance),
        notes=loaded.repairs,
    )
    before = _sum_of_model(arguments.out)
    bundle.write(source, arguments.out, say)
    page = arguments.out / "README.md"
    if page.exists() and before != _sum_of_model(arguments.out):
        say(f"note: {page} describes the model that was there before: write it anew")
    say(f"wrote {arguments.out}")


def _preprocess(modality: str, state: dict[str, Any], given: examples.Examples) -> NDArray[Any]:
    """All examples, each a request of its own, through the JSON that is served."""
    load = preprocessing.load(modality, json.loads(json.dumps(state)))
    tensors = []
    for name, instance in zip(given.names, given.instances, strict=True):
        try:
            tensors.append(load([instance]))
        except InvalidInput as exc:
            reason = str(exc).removeprefix("instance 0: ")
            if "got true" in reason or "got false" in reason:
                reason += (
                    "; if it was true or false in training, list all columns in --columns, and"
                    " this one as NAME:boolean"
                )
            raise ValueError(f"{name}: {reason}") from exc
    return np.concatenate(tensors)


def _check_outputs(values: Mapping[str, NDArray[Any]], given: examples.Examples) -> None:
    """Demand one output an example, all of finite numbers."""
    for name, value in values.items():
        if value.dtype.kind in "OSU":
            raise ValueError(
                f"output {name}: expected numbers, the model gives strings, such as"
                f" {value.ravel()[:1].tolist()}"
            )
        if value.ndim == 0 or len(value) != len(given.instances):
            raise ValueError(
                f"output {name}: expected one output for each of {len(given.instances)} examples,"
                f" the model gives an array of shape {value.shape}"
            )
        if value.size == 0:
            raise ValueError(f"output {name}: expected numbers for every example, got none")
        finite = np.isfinite(value.reshape(len(value), -1)).all(axis=1)
        if not finite.all():
            raise ValueError(
                f"output {name}: expected finite numbers, the model gives"
                f" {value[finite.argmin()].ravel()[:3]} for {given.names[int(finite.argmin())]}"
            )


def _check_alone(
    model: keras.Model,
    batch: NDArray[Any],
    values: Mapping[str, NDArray[Any]],
    given: examples.Examples,
    tolerance: float,
) -> None:
    """Demand that an instance's outputs do not depend on the instances beside it in a request."""
    few = batch[:FEW]
    together: Sequence[NDArray[Any]] = list(values.values())
    if (
        few.dtype == object and few.ndim == 1 and splits_texts(model)
    ):  # beside a text of more words than any of them
        together = run_keras(model, np.array([*few, " ".join([*few, *few])], object))
    for place, name in enumerate(given.names[:FEW]):
        alone = run_keras(model, few[place : place + 1])
        largest = max(_apart(a[0], b[place]) for a, b in zip(alone, together, strict=True))
        if not largest <= max(tolerance, ROUNDING):
            raise ValueError(
                f"{name}: expected the same outputs alone as among others, got ones that differ by"
                f" {largest:.2e}, tolerance {tolerance:.2e}: what stands beside an instance in a"
                " request would change its answer, as padding to the longest text does where the"
                " model does not mask it"
            )


def _apart(alone: NDArray[Any], beside: NDArray[Any]) -> float:
    if alone.shape != beside.shape:
        return float("inf")
    return float(differences(alone, beside).max(initial=0))


def _sum_of_model(folder: Path) -> str | None:
    """What tells the model of a bundle from another; None where there is none."""
    path = folder / "model.keras"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None


def _unchanged(path: Path, loaded: models.Loaded, model: keras.Model) -> Path | None:
    """The model's file, if the model to serve is just what is in it."""
    same = loaded.kind == "keras" and not loaded.repairs and model is loaded.model
    return path if same else None


def _compare_with_reference(
    arguments: argparse.Namespace,
    state: dict[str, Any],
    model: keras.Model,
    given: examples.Examples,
    say: Say,
) -> None:
    from pack.skew import compare, to_lines
    from pack.skew.page import to_html

    report = compare(arguments.reference, arguments.modality, state, model, given)
    for line in to_lines(report):
        say(line)
    path = arguments.report or Path(f"{arguments.out.name}.skew.html")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_html(report), encoding="utf-8")
    say(f"wrote {path}")
    if report.output_difference > arguments.tolerance and not arguments.allow_skew:
        raise ValueError(
            f"{arguments.reference} and the bundle part, and the model's outputs differ by"
            f" {report.output_difference:.2e}, tolerance {arguments.tolerance:.2e}: see {path};"
            " --allow-skew writes the bundle all the same"
        )
