"""Training-serving skew: the user's own preprocessing and the packed one, stage by stage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from pack.compile import output_names
from pack.examples import Examples
from pack.models.naming import resolve
from pack.skew.stages import stages_of
from serving.engines.keras import run
from serving.golden import differences

type Array = NDArray[Any]
type Stages = Mapping[str, Sequence[Any]]

OUTPUT = "output "  # in front of a model output's name, as a stage


@dataclass(frozen=True)
class Stage:
    """One stage on all examples.

    ours, theirs: one array, or list of tokens, an example. largest: greatest difference of a
        number, infinite where shapes or tokens differ. share: of the numbers or tokens that differ.
    where: the worst place, with both values, in words; empty if nothing differs.
    """

    name: str
    ours: Sequence[Any]
    theirs: Sequence[Any]
    largest: float
    share: float
    where: str


@dataclass(frozen=True)
class Report:
    """Stages in their order, the model's outputs last; names are the examples'."""

    reference: str
    names: Sequence[str]
    stages: Sequence[Stage]
    only_ours: Sequence[str]
    only_theirs: Sequence[str]

    @property
    def parting(self) -> Stage | None:
        """The first stage that differs."""
        return next((stage for stage in self.stages if stage.share > 0), None)

    @property
    def output_difference(self) -> float:
        """The largest of the outputs' `golden.differences`; infinite if the inputs do not fit."""
        outputs = [stage for stage in self.stages if stage.name.startswith(OUTPUT)]
        apart = [differences(np.stack(s.ours), np.stack(s.theirs)).max() for s in outputs]
        return float(max(apart, default=np.inf))


def compare(
    reference: str, modality: str, state: Mapping[str, Any], model: keras.Model, given: Examples
) -> Report:
    """Run both on the examples, and the model on what each of them gives.

    reference: `module:function`. The function gets paths of pictures, a list of texts, or a
    DataFrame of rows, and returns the model's input for them, or a mapping of stages in order,
    the model's input last.
    Raises ValueError for a function that cannot be imported, fails, or returns something else.
    """
    ours = stages_of(modality, state, given.instances)
    theirs = _call(reference, modality, given, final=list(ours)[-1])
    last = list(ours)[-1]
    theirs = {**theirs, last: [_as_input(row, ours[last][0].dtype) for row in theirs[last]]}
    shared = [name for name in ours if name in theirs]
    stages = [_difference(name, ours[name], theirs[name], given.names) for name in shared]
    stages += _outputs(model, ours[last], theirs[last], given.names)
    return Report(
        reference,
        given.names,
        stages,
        only_ours=[name for name in ours if name not in theirs],
        only_theirs=[name for name in theirs if name not in ours],
    )


def to_lines(report: Report) -> list[str]:
    """The report for a terminal."""
    lines = [f"skew between {report.reference} and the bundle on {len(report.names)} examples:"]
    for stage in report.stages:
        if stage.share == 0:
            lines.append(f"  {stage.name}: the same to the last bit")
            continue
        size = "" if np.isinf(stage.largest) else f" by up to {stage.largest:.3g}"
        lines.append(f"  {stage.name}: {100 * stage.share:.3g} % differ{size}; {stage.where}")
    if report.only_theirs:
        lines.append(f"  not compared, unknown here: {', '.join(report.only_theirs)}")
    if report.only_ours:
        lines.append(f"  not compared, not returned: {', '.join(report.only_ours)}")
    parting = report.parting
    lines.append(f"they part at: {parting.name}" if parting else "they do not part")
    return lines


def _call(reference: str, modality: str, given: Examples, final: str) -> Stages:
    """The user's stages; what is the model's input stands under the name that it has here."""
    function = resolve(reference)
    try:
        returned = function(_argument(modality, given))
        stages = dict(returned) if isinstance(returned, Mapping) else {final: returned}
        counts = {name: len(values) for name, values in stages.items()}
    except Exception as exc:  # the user's own code may raise, and return, anything
        raise ValueError(f"--reference {reference}: it fails: {type(exc).__name__}: {exc}") from exc
    if not stages:
        raise ValueError(f"--reference {reference}: expected at least one stage, got none")
    last = list(stages)[-1]
    stages[final] = stages.pop(last)
    for name, count in counts.items():
        if count != len(given.instances):
            raise ValueError(
                f"--reference {reference}: expected {len(given.instances)} {name}, one an"
                f" example, got {count}"
            )
    return {name: _listed(values) for name, values in stages.items()}


def _argument(modality: str, given: Examples) -> Any:
    """The examples as training code has them."""
    if modality == "image":
        return [Path(name) for name in given.names]
    if modality == "text":
        return list(given.instances)
    import pandas as pd

    return pd.DataFrame(list(given.instances))


def _listed(values: Any) -> list[Any]:
    """One array, or list of tokens, an example."""
    if hasattr(values, "toarray"):  # a sparse matrix of scikit-learn's
        values = values.toarray()
    rows = list(np.asarray(values) if hasattr(values, "shape") else values)
    return [row if _is_tokens(row) else np.asarray(row) for row in rows]


def _as_input(row: Any, dtype: np.dtype[Any]) -> Any:
    """What Keras makes of a model's input before it computes: float64 becomes float32."""
    floats = isinstance(row, np.ndarray) and row.dtype.kind == dtype.kind == "f"
    return row.astype(dtype) if floats else row


def _is_tokens(row: Any) -> bool:
    return isinstance(row, list | tuple) and all(isinstance(token, str) for token in row)


def _outputs(
    model: keras.Model, ours: Sequence[Array], theirs: Sequence[Array], names: Sequence[str]
) -> list[Stage]:
    """The model's outputs for both inputs; none if theirs does not fit the model."""
    if any(a.shape != np.shape(b) for a, b in zip(ours, theirs, strict=True)):
        return []
    results = [run(model, np.stack(list(inputs))) for inputs in (ours, theirs)]
    return [
        _difference(f"{OUTPUT}{name}", list(a), list(b), names)
        for name, a, b in zip(output_names(model, results[0]), *results, strict=True)
    ]


def _difference(
    name: str, ours: Sequence[Any], theirs: Sequence[Any], names: Sequence[str]
) -> Stage:
    """How far one stage is apart; the worst example is the one with the largest difference."""
    parts = [distance(a, b) for a, b in zip(ours, theirs, strict=True)]
    worst = max(range(len(parts)), key=lambda i: parts[i].largest)
    count = sum(part.count for part in parts)
    differing = sum(part.differing for part in parts)
    where = f"{names[worst]}: {parts[worst].where}" if differing else ""
    share = differing / max(count, 1)
    return Stage(name, ours, theirs, parts[worst].largest, share, where)


@dataclass(frozen=True)
class Distance:
    """One example's: how many numbers (or tokens) there are, how many differ, and the worst."""

    count: int
    differing: int
    largest: float
    where: str


def distance(ours: Any, theirs: Any) -> Distance:
    """How far one example's arrays, or lists of tokens, are apart."""
    if _is_tokens(ours) or _is_tokens(theirs):
        return _token_distance(list(ours), list(theirs))
    a, b = np.asarray(ours), np.asarray(theirs)
    if a.shape != b.shape:
        size = max(a.size, b.size, 1)
        return Distance(size, size, np.inf, f"shape {a.shape} here, {b.shape} in training")
    difference = np.abs(a.astype(np.float64) - b.astype(np.float64))
    difference[np.isnan(a.astype(np.float64)) & np.isnan(b.astype(np.float64))] = 0.0
    difference = np.nan_to_num(difference, nan=np.inf)
    if not difference.size:
        return Distance(0, 0, 0.0, "")
    place = np.unravel_index(difference.argmax(), difference.shape)
    where = f"{a[place]:.9g} here, {b[place]:.9g} in training at {[int(i) for i in place]}"
    return Distance(
        difference.size, int(np.count_nonzero(difference)), float(difference[place]), where
    )


def _token_distance(ours: list[str], theirs: list[str]) -> Distance:
    length = max(len(ours), len(theirs))
    pairs = [
        (i, ours[i] if i < len(ours) else None, theirs[i] if i < len(theirs) else None)
        for i in range(length)
    ]
    differing = [pair for pair in pairs if pair[1] != pair[2]]
    if not differing:
        return Distance(length, 0, 0.0, "")
    index, here, there = differing[0]
    where = f"{here!r} here, {there!r} in training at token {index}"
    return Distance(length, len(differing), np.inf, where)
