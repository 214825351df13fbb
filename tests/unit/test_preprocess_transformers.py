"""The steps of a transformer by themselves; tests/pack compares them with scikit-learn's."""

import statistics

import numpy as np
import pytest

from serving.errors import UnfitInput
from serving.preprocessing.transformers import build
from serving.preprocessing.transformers.normal import quantile, share


def run(step, rows, **fields):
    dtype = object if any(isinstance(value, str) for row in rows for value in row) else np.float64
    return build({"step": step, **fields}).transform(np.array(rows, dtype)).tolist()


def test_sums_of_a_row_are_the_same_alone_and_in_any_batch():
    generator = np.random.default_rng(0)
    rows = generator.standard_normal((300, 50)) * 10.0 ** generator.integers(-8, 8, 50)
    components = generator.standard_normal((7, 50)).tolist()
    for node in (
        {"step": "Project", "components": components},
        {"step": "Normalize", "norm": "l1"},
        {"step": "Normalize", "norm": "l2"},
    ):
        step = build(node)
        batch = step.transform(rows)
        for size in (1, 2, 17):
            parts = [step.transform(rows[i : i + size]) for i in range(0, len(rows), size)]
            assert np.concatenate(parts).tobytes() == np.ascontiguousarray(batch).tobytes()
        assert step.transform(np.asfortranarray(rows)).tobytes("C") == batch.tobytes("C")


def test_sums_are_right():
    assert run("Project", [[1, 2]], components=[[10, 1], [0.5, 0.25]]) == [[12.0, 1.0]]
    assert run("Normalize", [[3, -4], [0, 0]], norm="l2") == [[0.6, -0.8], [0.0, 0.0]]
    assert run("Normalize", [[3, -4]], norm="max") == [[0.75, -1.0]]


def test_lookup_tells_known_unknown_and_missing_apart():
    fields = {"names": ["x"], "unknown": [7], "missing": [None], "strict": False}
    numbers = {"categories": [[-1, 2.5]], "values": [[10, 20]]}
    found = run("Lookup", [[2.5], [-1], [9], [0], [np.nan]], **fields, **numbers)
    assert [row[0] for row in found[:4]] == [20, 10, 7, 7]
    assert np.isnan(found[4][0])
    strings = {"categories": [["a", "b"]], "values": [[10, 20]]}
    found = run("Lookup", [["b"], ["c"], [None], [float("nan")]], **fields, **strings)
    assert [row[0] for row in found[:2]] == [20, 7]
    assert np.isnan(found[2:]).all()


def test_lookup_of_a_column_that_was_always_missing():
    fields = {"names": ["x"], "categories": [[]], "values": [[]], "unknown": [-1], "missing": [0]}
    assert run("Lookup", [[1.0], [np.nan]], **fields, strict=False) == [[-1], [0]]


def test_a_strict_lookup_names_some_of_what_it_knows():
    known = [f"category {i}" for i in range(50)]
    fields = {"names": ["x"], "categories": [known], "values": [list(range(50))]}
    with pytest.raises(UnfitInput, match=r"one of 50 known values \(category 0, .*\.\.\.\) for x"):
        run("Lookup", [["z"]], **fields, unknown=[None], missing=[None], strict=True)


def test_products_are_of_any_degree_and_in_any_order():
    terms = [[], [1], [1, 0, 0], [0, 1]]
    assert run("Products", [[2, 3], [5, 7]], terms=terms) == [[1, 3, 12, 6], [1, 7, 175, 35]]
    assert run("Products", [[2, 3]], terms=[[]]) == [[1]]


def test_splines_of_degree_1_are_hats():
    edges = {"low": 0, "high": 2, "below": [1, 0, 0], "falling": [0] * 3}
    edges |= {"above": [0, 0, 1], "rising": [0, 0, 0.5]}
    fields = {"names": ["x"], "degree": 1, "knots": [[-1, 0, 1, 2, 3]], "periodic": False}
    rows = [[0], [0.25], [1], [2], [-5], [4], [np.nan]]
    assert run("Splines", rows, **fields, edges=[edges], strict=False) == [
        *([1, 0, 0], [0.75, 0.25, 0], [0, 1, 0], [0, 0, 1]),
        *([1, 0, 0], [0, 0, 2], [0, 0, 0]),
    ]


def test_finite_looks_at_its_own_columns():
    fields = {"columns": [1], "names": ["log of x"]}
    rows = [[np.inf, 1.0], [1.0, np.nan]]
    assert run("Finite", rows[:1], **fields, nan=False) == rows[:1]
    assert np.isnan(run("Finite", rows, **fields, nan=True)[1][1])
    with pytest.raises(UnfitInput, match=r"instance 1: .* for log of x .* becomes nan"):
        run("Finite", rows, **fields, nan=False)


def test_shares_and_quantiles_of_the_normal_distribution():
    """Against Python's own, which is another implementation."""
    normal = statistics.NormalDist()
    shares = np.array([1e-12, 0.001, 0.1, 0.1354, 0.5, 0.7, 0.9999, 1 - 1e-9])
    expected = [normal.inv_cdf(each) for each in shares]
    assert quantile(shares) == pytest.approx(expected, rel=1e-12, abs=1e-15)
    values = np.linspace(-8, 8, 41)
    assert share(values) == pytest.approx([normal.cdf(each) for each in values], rel=1e-12)
    assert quantile(np.array([0.0, 1.0, np.nan, 2.0])).tolist()[:2] == [-np.inf, np.inf]
    assert np.isnan(quantile(np.array([np.nan, 2.0, -1.0]))).all()
    assert share(np.array([-40.0, 40.0])).tolist() == [0.0, 1.0]
