"""Examples are read from the files that people have, and their outputs are held to."""

import argparse
import json

import numpy as np
import pytest

from pack import examples
from pack.examples import MOST, MOST_BYTES, Examples, check_expected, read

COLUMNS = {"columns": {"age": "number", "job": "category"}}


def parse(modality: str, *options: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    examples.add_arguments(parser)
    return argparse.Namespace(modality=modality, **vars(parser.parse_args(map(str, options))))


def given(count: int, expected=None) -> Examples:
    names = [f"example {i}" for i in range(count)]
    return Examples(list(map(str, range(count))), names, generated=False, expected=expected)


def test_pictures_come_from_folders_of_folders_in_the_order_of_their_paths(tmp_path):
    for name in ("b/2.JPG", "a/1.png", "a/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    found = read(parse("image", "--examples", tmp_path), {})
    assert found.instances == [b"a/1.png", b"b/2.JPG"]
    assert [name[-7:] for name in found.names] == ["a/1.png", "b/2.JPG"]
    assert not found.generated


def test_texts_come_a_line_each(tmp_path):
    (tmp_path / "texts.txt").write_text("one\n\n two \n")
    assert read(parse("text", "--examples", tmp_path / "texts.txt"), {}).instances == [
        "one",
        " two ",
    ]


def test_texts_come_from_a_column(tmp_path):
    (tmp_path / "texts.csv").write_text('id,review\n1,"one, two"\n2,three\n')
    arguments = parse("text", "--examples", tmp_path / "texts.csv", "--text-column", "review")
    assert read(arguments, {}).instances == ["one, two", "three"]


def test_a_column_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    (tmp_path / "texts.csv").write_text("id,review\n1,one\n")
    with pytest.raises(ValueError, match="expected --text-column of id, review, got None"):
        read(parse("text", "--examples", tmp_path / "texts.csv"), {})


def test_rows_come_from_a_table_without_its_other_columns(tmp_path):
    (tmp_path / "rows.csv").write_text("index,job,age,target\n0,fixed,41,1\n1,,,0\n")
    assert read(parse("numeric", "--examples", tmp_path / "rows.csv"), COLUMNS).instances == [
        {"age": 41.0, "job": "fixed"},
        {"age": None, "job": None},
    ]


@pytest.mark.parametrize(
    ("modality", "content", "message"),
    [
        ("text", "[1]", "expected a list of texts"),
        ("text", "[]", "expected at least one example, got none"),
        ("numeric", "{}", "expected a list of rows, got dict"),
    ],
)
def test_json_of_another_shape_is_refused(tmp_path, modality, content, message):
    (tmp_path / "examples.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        read(parse(modality, "--examples", tmp_path / "examples.json"), COLUMNS)


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(ValueError, match="expected a folder of pictures"):
        read(parse("image", "--examples", tmp_path), {})


@pytest.mark.parametrize("count", [1, 7, MOST, MOST + 1, 1000])
def test_a_golden_file_keeps_few_of_many_the_first_and_the_last_among_them(count):
    few, kept = given(count).few()
    assert len(few.instances) == len(few.names) == min(count, MOST)
    assert list(map(int, few.instances)) == list(kept) == sorted(set(kept))
    assert kept[0] == 0
    assert kept[-1] == count - 1


@pytest.mark.parametrize("suffix", ["npy", "npz", "json"])
def test_expected_outputs_come_from_files(tmp_path, suffix):
    path = tmp_path / f"expected.{suffix}"
    saved = np.array([[0.5], [0.25]])
    {
        "npy": lambda: np.save(path, saved),
        "npz": lambda: np.savez(path, scores=saved),
        "json": lambda: path.write_text(json.dumps(saved.tolist())),
    }[suffix]()
    (tmp_path / "texts.txt").write_text("one\ntwo\n")
    found = read(parse("text", "--examples", tmp_path / "texts.txt", "--expected", path), {})
    outputs = {"scores": np.array([[0.5], [0.25]], np.float32)}
    assert check_expected(found, outputs, 1e-6) == 0.0


def test_another_output_than_expected_is_refused_by_its_example():
    outputs = {"scores": np.array([[0.5], [0.75]], np.float32)}
    message = r"example 1: expected 0\.25.*got 0\.75 .*difference 5\.00e-01.*--reference"
    with pytest.raises(ValueError, match=message):
        check_expected(given(2, {"": np.array([0.5, 0.25])}), outputs, 1e-4)


def test_expected_outputs_of_another_shape_are_refused():
    outputs = {"scores": np.zeros((2, 3), np.float32)}
    with pytest.raises(ValueError, match=r"expected an array of shape \(2, 3\), got \(2, 2\)"):
        check_expected(given(2, {"": np.zeros((2, 2))}), outputs, 1e-4)


def test_expected_outputs_that_are_not_numbers_are_refused():
    outputs = {"scores": np.zeros((1, 1), np.float32)}
    with pytest.raises(ValueError, match="tolerance"):
        check_expected(given(1, {"": np.array([[np.nan]])}), outputs, 1e-4)


def test_expected_outputs_without_examples_are_refused(tmp_path):
    with pytest.raises(ValueError, match="expected --examples"):
        read(parse("text", "--expected", tmp_path / "x.npy"), {})


def test_a_golden_file_stays_small_whatever_the_examples_size():
    pictures = [b"x" * 400_000] * 5 + [b"small"]
    names = [str(i) for i in range(len(pictures))]
    few, kept = Examples(pictures, names, generated=False, expected=None).few()
    assert kept == [0, 1, 5]
    assert sum(map(len, few.instances)) <= MOST_BYTES
    huge = Examples([b"x" * 2_000_000], ["0"], generated=False, expected=None)
    assert huge.few()[1] == [0]
