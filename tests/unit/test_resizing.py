"""What holds of every way to resize, whatever library it follows."""

import tracemalloc

import numpy as np
import pytest

from serving.preprocessing.image import resizing
from serving.preprocessing.image.resizing import METHODS, Border, resize

WAYS = [(method, antialias) for method in METHODS for antialias in (False, True)]
SIZES = [(7, 9, 20, 31), (40, 33, 5, 8), (1, 60, 6, 6), (60, 1, 6, 6), (12, 12, 12, 12)]


def pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize(("method", "antialias"), WAYS)
@pytest.mark.parametrize("size", SIZES)
def test_one_colour_stays_that_colour(method, antialias, size):
    height, width, to_height, to_width = size
    source = np.full((height, width, 3), 200, np.uint8)
    result = resize(source, to_height, to_width, method, antialias)
    assert (result.shape, result.dtype) == ((to_height, to_width, 3), np.float32)
    assert np.abs(result - 200).max() < 1e-3


@pytest.mark.parametrize("method", ["nearest", "bilinear", "bicubic", "area"])
def test_the_same_size_is_the_same_picture(method):
    source = pixels(11, 13, 3)
    assert np.array_equal(resize(source, 11, 13, method), source.astype(np.float32))


@pytest.mark.parametrize(("method", "antialias"), WAYS)
def test_a_batch_is_its_pictures_one_by_one(method, antialias):
    source = pixels(4, 50, 41, 3)
    single = [resize(picture, 17, 19, method, antialias) for picture in source]
    assert np.array_equal(resize(source, 17, 19, method, antialias), np.stack(single))


@pytest.mark.parametrize(("method", "antialias"), WAYS)
@pytest.mark.parametrize("value", [0, 9, 300, 0.25])
def test_a_border_is_as_if_it_were_in_the_picture(method, antialias, value):
    source = pixels(30, 8, 3)
    padded = np.pad(source.astype(np.float32), ((2, 2), (11, 11), (0, 0)), constant_values=value)
    expected = resize(padded, 7, 9, method, antialias)
    assert np.array_equal(resize(source, 7, 9, method, antialias, Border(2, 11, value)), expected)


@pytest.mark.parametrize(("method", "antialias"), WAYS)
def test_blocks_of_any_size_give_the_same(method, antialias, monkeypatch):
    source = pixels(60, 31, 3)
    whole = resize(source, 23, 40, method, antialias)
    monkeypatch.setattr(resizing, "BLOCK", 1)
    assert np.array_equal(resize(source, 23, 40, method, antialias), whole)


@pytest.mark.parametrize(("method", "antialias"), WAYS)
def test_a_large_picture_is_never_copied_whole(method, antialias):
    source = pixels(2_000, 3_000, 3)
    tracemalloc.start()
    resize(source, 64, 64, method, antialias)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < source.nbytes / 3


def test_an_unknown_method_is_refused():
    with pytest.raises(KeyError):
        resize(pixels(4, 4, 3), 2, 2, "hamming")
