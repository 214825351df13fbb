"""Encoders of categories, and the discretizer of numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pack.transformer.categories import Known, is_missing, read_categories
from pack.transformer.flow import (
    Flow,
    Node,
    Step,
    chain,
    fresh,
    names,
)


@dataclass(frozen=True)
class Table:
    """What a category, one that is none, and a missing value become; NaN as None."""

    known: Known
    values: Sequence[float | None]
    unknown: float | None
    missing: float | None


def read_one_hot_encoder(step: Step) -> tuple[Node, Flow]:
    """Each category's position among the outputs of its column, then a 1 there."""
    encoder = step.fitted
    strict = encoder.handle_unknown == "error"
    tables = [
        _positions(encoder, i, known) for i, known in enumerate(read_categories(step, strict))
    ]
    widths = [int(width) for width in encoder._n_features_outs]
    flow = fresh(_positions_of(step, widths), encoder.sparse_output, dtype=np.dtype(encoder.dtype))
    return chain([_lookup(step, tables, strict), {"step": "OneHot", "widths": widths}]), flow


def _positions(encoder: Any, column: int, known: Known) -> Table:
    """Positions among the column's outputs, -1 for none, after grouping and dropping."""
    mapping = _infrequent_mapping(encoder, column)
    drops = encoder._drop_idx_after_grouping
    dropped = None if drops is None else drops[column]

    def position(place: int) -> int:
        grouped = place if mapping is None else int(mapping[place])
        if dropped is None or grouped < dropped:
            return grouped
        return -1 if grouped == dropped else grouped - 1

    unknown = -1
    if mapping is not None and encoder.handle_unknown in ("infrequent_if_exist", "warn"):
        unknown = position(int(encoder._infrequent_indices[column][0]))
    missing = unknown if known.missing is None else position(known.missing)
    return Table(known, [position(place) for place in known.places], unknown, missing)


def _infrequent_mapping(encoder: Any, column: int) -> NDArray[np.int64] | None:
    if not getattr(encoder, "_infrequent_enabled", False):
        return None
    mapping: NDArray[np.int64] | None = encoder._default_to_infrequent_mappings[column]
    return mapping


def read_ordinal_encoder(step: Step) -> tuple[Node, Flow]:
    """Each category's number."""
    encoder = step.fitted
    strict = encoder.handle_unknown == "error"
    unknown = None if strict else _number(encoder.unknown_value)
    tables = [
        _codes(encoder, i, known, unknown) for i, known in enumerate(read_categories(step, strict))
    ]
    signals = [
        replace(
            signal,
            column=None,
            dtype=np.dtype(encoder.dtype),
            missing=signal.missing if table.missing is None else frozenset(),
            wild=not strict and unknown is None,
        )
        for signal, table in zip(step.flow.signals, tables, strict=True)
    ]
    return _lookup(step, tables, strict), Flow(tuple(signals))


def _codes(encoder: Any, column: int, known: Known, unknown: float | None) -> Table:
    mapping = _infrequent_mapping(encoder, column)
    values = [float(place if mapping is None else mapping[place]) for place in known.places]
    missing = unknown
    if known.missing is not None:
        grouped = mapping is not None and column not in encoder._missing_indices
        missing = float(mapping[known.missing] if grouped else known.missing)  # type: ignore[index]
        if column in encoder._missing_indices:
            missing = _number(encoder.encoded_missing_value)
    return Table(known, values, unknown, missing)


def read_target_encoder(step: Step) -> tuple[Node, Flow]:
    """Each category's mean target, one a class if there are more than two."""
    encoder = step.fitted
    classes = len(encoder.classes_) if encoder.target_type_ == "multiclass" else 1
    means = np.atleast_1d(encoder.target_mean_).astype(np.float64).tolist()
    columns = [i for i in range(len(step.flow.signals)) for _ in range(classes)]
    known = read_categories(step, strict=False)
    tables = []
    for output, column in enumerate(columns):
        encoding, mean = encoder.encodings_[output].tolist(), means[output % classes]
        missing = known[column].missing
        values = [encoding[place] for place in known[column].places]
        tables.append(
            Table(known[column], values, mean, mean if missing is None else encoding[missing])
        )
    repeated = replace(step, flow=Flow(tuple(step.flow.signals[i] for i in columns)))
    select = [{"step": "Select", "columns": columns}] if classes > 1 else []
    return chain([*select, _lookup(repeated, tables, strict=False)]), fresh(names(repeated.flow))


def read_discretizer(step: Step) -> tuple[Node, Flow]:
    """The bin of each number, as it is or one-hot."""
    discretizer = step.fitted
    if discretizer.dtype not in (None, np.float64):
        raise ValueError(
            f"{step.where}: expected KBinsDiscretizer(dtype=None), got"
            f" {np.dtype(discretizer.dtype)}, to which values are rounded before they are binned"
        )
    edges = [np.asarray(edges, np.float64).tolist() for edges in discretizer.bin_edges_]
    bins: Node = {"step": "Bins", "edges": [column[1:-1] for column in edges]}
    if discretizer.encode == "ordinal":
        return bins, fresh(names(step.flow))
    widths = [int(width) for width in discretizer.n_bins_]
    flow = fresh(_positions_of(step, widths), discretizer.encode == "onehot")
    return chain([bins, {"step": "OneHot", "widths": widths}]), flow


def _positions_of(step: Step, widths: Sequence[int]) -> list[str]:
    named = zip(names(step.flow), widths, strict=True)
    return [f"{name} {i}" for name, width in named for i in range(width)]


def _lookup(step: Step, tables: Sequence[Table], strict: bool) -> Node:
    return {
        "step": "Lookup",
        "names": names(step.flow),
        "categories": [table.known.categories for table in tables],
        "values": [list(table.values) for table in tables],
        "unknown": [table.unknown for table in tables],
        "missing": [table.missing for table in tables],
        "strict": strict,
    }


def _number(value: float) -> float | None:
    return None if is_missing(value) else float(value)
