"""Random tables, and the comparison of a fitted transformer with its state on them."""

import json

import numpy as np
import pandas as pd
from scipy import sparse

from pack.transformer import read_transformer
from serving.preprocessing.numeric import NumericPreprocessing, transform_rows


def numbers(seed, rows=60, columns=4, missing=False):
    """Columns of several sizes, the last one of small integers; some values missing if asked."""
    generator = np.random.default_rng(seed)
    values = generator.standard_normal((rows, columns)) * 10.0 ** generator.integers(-2, 4, columns)
    values += generator.integers(-3, 4, columns)
    values[:, -1] = generator.integers(0, 5, rows)
    if missing:
        values[generator.random((rows, columns)) < 0.2] = np.nan
    return pd.DataFrame(values, columns=[f"n{i}" for i in range(columns)])


def strings(seed, rows=60, columns=3, missing=False, mark=np.nan):
    """Columns of strings, some of them rare; some values `mark` if asked."""
    generator = np.random.default_rng(seed)
    known = np.array(["a", "b", "B", "é", "職", "a long one"], object)
    table = {}
    for column in range(columns):
        values = generator.choice(known, rows, p=[0.4, 0.2, 0.2, 0.1, 0.05, 0.05])
        if missing:
            values[generator.random(rows) < 0.2] = mark
        table[f"c{column}"] = pd.Series(values, dtype=object)
    return pd.DataFrame(table)


def codes(seed, rows=60):
    """Integers, halves and booleans."""
    generator = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "i": generator.integers(0, 5, rows),
            "h": generator.integers(0, 5, rows) / 2,
            "b": generator.random(rows) < 0.5,
        }
    )


def rows_of(table):
    """Rows as a request gives them."""
    return table.astype(object).where(table.notna(), None).to_numpy().tolist()


def spec_of(fitted, columns=None):
    """What serving makes of the state, after a way through JSON."""
    state = read_transformer(fitted, columns)
    return NumericPreprocessing.from_json(json.loads(json.dumps(state, allow_nan=False)))


def transformed(fitted, table):
    """scikit-learn's own answer, float64 and dense."""
    output = fitted.transform(table)
    return np.asarray(output.toarray() if sparse.issparse(output) else output, np.float64)


def assert_equal(fitted, table, columns=None):
    """The state gives scikit-learn's numbers to the last bit, and a row's own in any batch."""
    spec = spec_of(fitted, columns)
    rows = rows_of(table[list(spec.columns)])
    assert_same_numbers(transform_rows(rows, spec), transformed(fitted, table))
    assert_batch_does_not_matter(rows, spec)


def assert_equal_on_array(fitted, table):
    """The same for one that was fitted on an array."""
    spec = spec_of(fitted)
    named = table.set_axis([f"x{i}" for i in range(table.shape[1])], axis=1)
    rows = rows_of(named[list(spec.columns)])
    assert_same_numbers(transform_rows(rows, spec), transformed(fitted, table.to_numpy()))


def assert_same_numbers(ours, theirs):
    assert ours.dtype == np.float64
    assert ours.shape == theirs.shape
    assert np.array_equal(ours, theirs, equal_nan=True)


def assert_batch_does_not_matter(rows, spec):
    ours = transform_rows(rows, spec)
    alone = np.concatenate([transform_rows([row], spec) for row in rows[:20]])
    assert alone.tobytes() == np.ascontiguousarray(ours[:20]).tobytes()
