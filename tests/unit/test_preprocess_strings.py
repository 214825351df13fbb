"""Texts and rows for models that look up strings themselves, and the digest of them."""

import hashlib

import numpy as np
import pytest

from serving import golden, preprocessing
from serving.errors import BundleError, InputTooLarge, UnfitInput
from serving.golden import Golden, digest
from serving.preprocessing.numeric import (
    NumericPreprocessing,
    preprocess_numerical_features,
    transform_rows,
)
from serving.preprocessing.text.strings import StringsPreprocessing, preprocess_strings
from serving.tables import read_csv

TEXTS = StringsPreprocessing(max_characters=20)
COLUMNS = {
    "home": "category",
    "age": "number",
    "rooms": "int32",
    "plot": "int64",
    "garden": "boolean",
}
STATE = {"columns": COLUMNS, "optional": [], "step": None}
ROWS = NumericPreprocessing.from_json(STATE)
ROW = ["own", 41, 3, 2**40, True]


def test_texts_are_given_to_the_model_as_they_are():
    texts = ["Good!", " two  words\n", "ÄÖ 你好 \N{SNOWMAN}", "a\0"]
    batch = preprocess_strings(texts, TEXTS)
    assert (batch.dtype, batch.shape) == (object, (4,))
    assert batch.tolist() == texts


@pytest.mark.parametrize("text", ["", "  ", "\n\t", "\u2003"])
def test_a_text_of_white_space_is_refused(text):
    with pytest.raises(UnfitInput, match="instance 1: expected a text with at least one word"):
        preprocess_strings(["good", text], TEXTS)


@pytest.mark.parametrize("value", [None, 5, b"good", ["good"]])
def test_what_is_no_text_is_refused(value):
    with pytest.raises(UnfitInput, match="instance 0: expected a text, got"):
        preprocess_strings([value], TEXTS)


def test_a_text_that_no_bytes_hold_is_refused():
    with pytest.raises(UnfitInput, match="half of a surrogate pair at 2"):
        preprocess_strings(["é \ud83d"], TEXTS)


def test_a_long_text_is_refused():
    with pytest.raises(InputTooLarge, match="at most 20 characters, got 21"):
        preprocess_strings(["x" * 21], TEXTS)


def test_the_kind_strings_is_found_by_its_name():
    preprocess = preprocessing.load("text", {"kind": "strings", "max_characters": 3})
    assert preprocess(["abc"]).tolist() == ["abc"]


def test_columns_are_given_to_the_model_as_they_are():
    batch = preprocess_numerical_features([ROW, changed(0, "")], ROWS)
    assert (batch.dtype, batch.shape) == (object, (2, 5))
    assert batch.tolist() == [["own", 41.0, 3, 2**40, True], ["", 41.0, 3, 2**40, True]]
    named = dict(reversed(list(zip(COLUMNS, ROW, strict=True))))
    assert preprocess_numerical_features([named], ROWS).tolist() == batch[:1].tolist()
    assert [type(value) for value in batch[0]] == [str, float, int, int, bool]


def test_a_whole_number_may_be_written_as_a_float():
    batch = preprocess_numerical_features([["own", 41, 3.0, 2e9, False]], ROWS)
    assert batch[0, 2:].tolist() == [3, 2_000_000_000, False]
    assert [type(value) for value in batch[0, 2:]] == [int, int, bool]


def changed(place, value):
    return [*ROW[:place], value, *ROW[place + 1 :]]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (changed(0, 5), "expected a string for home, got the number 5"),
        (changed(0, None), "expected a value for home, got none"),
        (changed(0, "\ud83d"), "whole characters for home, got half of a surrogate pair at 0"),
        (changed(1, "41"), "expected a number for age, got the string '41'"),
        (changed(1, 1e39), "expected a number for age, got one too large for float32"),
        (changed(1, None), "expected a value for age, got none"),
        (changed(2, 3.7), "expected a whole number of 32 bits for rooms, got the number 3.7"),
        (changed(2, 2**31), "a whole number of 32 bits for rooms, got the number 2147483648"),
        (changed(2, -(2**31) - 1), "a whole number of 32 bits for rooms"),
        (changed(2, True), "a whole number of 32 bits for rooms, got true"),
        (changed(2, None), "expected a value for rooms, got none"),
        (
            changed(3, 2**63),
            "a whole number of 64 bits for plot, got the number 9223372036854775808",
        ),
        (changed(3, 1e300), "a whole number of 64 bits for plot"),
        (changed(3, float("nan")), "a whole number of 64 bits for plot, got the number nan"),
        (changed(3, float("inf")), "a whole number of 64 bits for plot, got the number inf"),
        (changed(4, 1), "expected true or false for garden, got the number 1"),
        (ROW[:4], r"expected 5 features \(home, age, rooms, plot, garden\), got 4"),
        ({"home": "own"}, r"got 1 \(missing: age, rooms, plot, garden\)"),
    ],
)
def test_rows_that_the_model_cannot_take_are_refused_with_both_sides(row, message):
    with pytest.raises(UnfitInput, match=f"instance 0: .*{message}"):
        preprocess_numerical_features([row], ROWS)


def test_the_ends_of_a_whole_numbers_range_are_taken():
    for place, bits in ((2, 32), (3, 64)):
        for value in (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1):
            batch = preprocess_numerical_features([changed(place, value)], ROWS)
            assert batch[0, place] == value


def test_without_a_step_nothing_is_optional_and_nothing_is_transformed():
    with pytest.raises(ValueError, match="no optional features without a step, got age"):
        NumericPreprocessing.from_json({**STATE, "optional": ["age"]})
    with pytest.raises(TypeError, match="expected a step, got none"):
        transform_rows([ROW], ROWS)


def test_a_cell_of_csv_keeps_all_digits_of_a_whole_number():
    table = "rooms,plot\n3,9007199254740993\n-3.0,1e3\n 4 ,\nx,3.5\n1_0,12345678901234567890123\n"
    rows = list(read_csv(table, COLUMNS, max_rows=9))
    assert [list(row.values()) for row in rows] == [
        [3, 9007199254740993],
        [-3.0, 1000.0],
        [4, None],
        ["x", 3.5],
        ["1_0", 12345678901234567890123.0],
    ]


def test_the_digest_of_objects_is_that_of_their_values():
    batch = preprocess_strings(["good", "ä\0"], TEXTS)
    expected = hashlib.sha256(b'object(2,)["good", "\\u00e4\\u0000"]').hexdigest()
    assert digest(batch) == expected
    assert digest(np.array(["go" + "od", "ä\0"], object)) == expected
    mixed = preprocess_numerical_features([ROW], ROWS)
    row = '["own", 41.0, 3, 1099511627776, true]'
    assert digest(mixed[0]) == hashlib.sha256(f"object(5,){row}".encode()).hexdigest()


def test_the_digest_of_a_text_does_not_hang_on_those_beside_it():
    alone = preprocess_strings(["good"], TEXTS)
    beside = preprocess_strings(["a much longer text", "good"], TEXTS)
    assert digest(alone[0, ...]) == digest(beside[1, ...])


@pytest.mark.parametrize("other", ["1", 1, True, 1.5, np.nextafter(1.0, 2.0)])
def test_values_of_other_types_or_in_another_last_digit_have_another_digest(other):
    assert digest(np.array([other], object)) != digest(np.array([1.0], object))


def test_the_digest_of_numbers_is_that_of_bundles_packed_before():
    batch = np.array([[1, 2]], np.float32)
    content = b"float32(1, 2)" + bytes.fromhex("0000803f00000040")
    assert digest(batch) == hashlib.sha256(content).hexdigest()


def test_a_golden_file_of_texts_is_checked_one_by_one():
    texts = ["good", "a longer one"]
    hashes = [digest(np.array(text, object)) for text in texts]
    case = Golden(texts, hashes, {"length": np.array([[4.0], [12.0]], np.float32)})

    def preprocess(instances):
        return preprocess_strings(instances, TEXTS)

    def run(batch):
        return [np.array([[len(text)] for text in batch], np.float32)]

    assert golden.check(case, preprocess, run, 0.1) == 0
    altered = Golden(["Good", texts[1]], hashes, case.outputs)
    with pytest.raises(BundleError, match="golden instance 0: preprocessing gave another tensor"):
        golden.check(altered, preprocess, run, 0.1)
