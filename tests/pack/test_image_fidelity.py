"""Pictures are resized and scaled as Keras and TensorFlow do it, over random sizes and values."""

import argparse
import io
import platform

import pytest

pytest.importorskip("tensorflow", reason="needs TensorFlow: make setup-pack")

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from pack import image as packing
from serving.preprocessing.image import preprocess_image
from serving.preprocessing.image.resizing import METHODS, resize
from serving.preprocessing.image.spec import INTERPOLATIONS, ImagePreprocessing
from tests.pictures import encode

pytestmark = pytest.mark.pack

# On other processors TensorFlow is compiled to multiply and add in one rounding.
CLOSE = 0 if platform.machine() == "x86_64" else 1e-4
SINES = ("lanczos3", "lanczos5")  # weights whose last bit depends on the C library's sine
ROUNDED = 3e-4
COLORS = {1: "grayscale", 3: "rgb", 4: "rgba"}
LAYER_METHODS = ["bilinear", "nearest", "bicubic", "area", "lanczos3"]
FITS = {
    "stretch": {},
    "crop_to_aspect_ratio": {"crop_to_aspect_ratio": True},
    "pad_to_aspect_ratio": {"pad_to_aspect_ratio": True},
}


def sizes(count: int, seed: int, most: int = 90) -> list[list[int]]:
    """Source and target heights and widths, some of them 1, some the same."""
    generator = np.random.default_rng(seed)
    drawn = generator.integers(1, most, (count, 4))
    drawn[0, :2] = 1
    drawn[1, 0] = drawn[2, 3] = 1
    drawn[3, 2:] = drawn[3, :2]
    drawn[4] = [61, 47, 240, 301]
    drawn[5] = [480, 640, 32, 33]
    return drawn.tolist()


def pixels(height: int, width: int, channels: int) -> np.ndarray:
    generator = np.random.default_rng([height, width, channels])
    return generator.integers(0, 256, (height, width, channels), np.uint8)


def png(values: np.ndarray) -> bytes:
    return encode(Image.fromarray(values[..., 0] if values.shape[-1] == 1 else values))


def spec(shape: tuple[int, int, int], *options: str) -> ImagePreprocessing:
    """What `pack image` makes of the options for a model that takes pictures of that shape."""
    parser = argparse.ArgumentParser()
    packing.add_arguments(parser)
    model = keras.Sequential([keras.Input(shape), keras.layers.Flatten()])
    state, _ = packing.prepare(parser.parse_args(options), model)
    return ImagePreprocessing.from_json(state)


def assert_close(ours: np.ndarray, theirs: np.ndarray, method: str) -> None:
    assert ours.shape == theirs.shape
    bound = ROUNDED if method in SINES else CLOSE
    assert np.abs(ours - theirs).max() <= bound


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_resize_is_tensorflows(method, antialias):
    for index, (height, width, *target) in enumerate(sizes(40, seed=0)):
        source = pixels(height, width, (1, 3, 4)[index % 3])
        if index % 4 == 0:
            source = source * np.float32(0.37)
        theirs = tf.image.resize(source, target, method, antialias=antialias).numpy()
        assert_close(resize(source, *target, method, antialias), theirs, method)


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("method", LAYER_METHODS)
def test_resizing_layer(method, fit, antialias, dtype):
    antialiased = "--antialias" if antialias else "--no-antialias"
    options = ("--preset", "Resizing", "--scaling", "none", "--interpolation", method)
    options = (*options, "--fit", fit, antialiased, "--resized-dtype", dtype)
    padding = {"fill_value": 7} if fit == "pad_to_aspect_ratio" else {}
    options += ("--pad-value", "7") if padding else ()
    for index, (height, width, *target) in enumerate(sizes(10, seed=1)):
        channels = (3, 1, 4)[index % 3]
        layer = keras.layers.Resizing(
            *target, interpolation=method, antialias=antialias, **FITS[fit], **padding
        )
        source = pixels(height, width, channels)
        theirs = np.asarray(layer(source.astype(dtype)))
        ours = preprocess_image([png(source)], spec((*target, channels), *options))[0]
        assert theirs.dtype == dtype
        assert_close(ours, theirs.astype(np.float32), method if dtype == "float32" else "")


@pytest.mark.parametrize("fit", FITS)
def test_resizing_layer_in_a_dataset_does_not_round(fit):
    options = ("--preset", "Resizing", "--scaling", "none", "--fit", fit)
    layer = keras.layers.Resizing(24, 32, **FITS[fit])
    source = pixels(47, 90, 3)
    dataset = tf.data.Dataset.from_tensors(source).map(layer)
    ours = preprocess_image([png(source)], spec((24, 32, 3), *options))[0]
    assert_close(ours, next(iter(dataset)).numpy(), "bilinear")


@pytest.mark.parametrize("method", ["bilinear", "nearest", "bicubic", "area"])
def test_keras_ops_resize_of_floats(method):
    for height, width, *target in sizes(10, seed=2):
        source = pixels(height, width, 3).astype(np.float32)
        theirs = np.asarray(keras.ops.image.resize(source, target, interpolation=method))
        assert_close(resize(source, *target, method), theirs, method)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("method", ["bilinear", "nearest", "bicubic", "area"])
def test_image_dataset_from_directory(method, fit, tmp_path):
    options = ("--preset", "image_dataset_from_directory", "--scaling", "none", "--fit", fit)
    options = (*options, "--interpolation", method)
    generator = np.random.default_rng(3)
    for index, (channels, mode) in enumerate(COLORS.items()):
        folder = tmp_path / mode / "label"
        folder.mkdir(parents=True)
        shapes = generator.integers(20, 90, (4, 2)).tolist()
        stored = [png(pixels(height, width, channels)) for height, width in shapes]
        for number, content in enumerate(stored):
            (folder / f"{number}.png").write_bytes(content)
        target = ((24, 32), (50, 7), (33, 33))[index]
        dataset = keras.utils.image_dataset_from_directory(
            folder.parent,
            labels=None,
            image_size=target,
            color_mode=mode,
            batch_size=None,
            shuffle=False,
            interpolation=method,
            verbose=False,
            **FITS[fit],
        )
        theirs = np.stack([picture.numpy() for picture in dataset]).astype(np.float32)
        ours = preprocess_image(stored, spec((*target, channels), *options))
        assert_close(ours, theirs, method)


@pytest.mark.parametrize("fit", ["stretch", "keep_aspect_ratio"])
@pytest.mark.parametrize("interpolation", INTERPOLATIONS["pillow"])
def test_load_img_to_the_last_bit(interpolation, fit):
    options = ("--preset", "load_img", "--scaling", "none", "--fit", fit)
    options = (*options, "--interpolation", interpolation)
    for index, (height, width, *target) in enumerate(sizes(15, seed=4)):
        channels = (1, 3, 4)[index % 3]
        stored = png(pixels(height, width, channels))
        loaded = keras.utils.load_img(
            io.BytesIO(stored),
            color_mode=COLORS[channels],
            target_size=target,
            interpolation=interpolation,
            keep_aspect_ratio=fit == "keep_aspect_ratio",
        )
        ours = preprocess_image([stored], spec((*target, channels), *options))[0]
        assert np.array_equal(ours, keras.utils.img_to_array(loaded))


@pytest.mark.parametrize("color_mode", ["grayscale", "rgb", "rgba"])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "lanczos"])
def test_load_img_of_16_bit_grey(color_mode, interpolation):
    values = np.random.default_rng(5).integers(0, 65536, (40, 30)).astype(np.uint16)
    stored = encode(Image.fromarray(values))
    options = ("--preset", "load_img", "--scaling", "none", "--interpolation", interpolation)
    loaded = keras.utils.load_img(
        io.BytesIO(stored), color_mode, target_size=(16, 20), interpolation=interpolation
    )
    channels = {mode: channels for channels, mode in COLORS.items()}[color_mode]
    ours = preprocess_image([stored], spec((16, 20, channels), *options))[0]
    assert np.array_equal(ours, keras.utils.img_to_array(loaded))


@pytest.mark.parametrize("mode", ["caffe", "tf", "torch"])
def test_keras_applications_scaling_to_the_last_bit(mode):
    source = np.stack([pixels(20, 30, 3), pixels(21, 30, 3)[:20]])
    options = ("--preset", "Resizing", "--scaling", mode)
    ours = preprocess_image([png(picture) for picture in source], spec((20, 30, 3), *options))
    preprocess_input = keras.applications.imagenet_utils.preprocess_input
    floats = source.astype(np.float32)
    assert np.array_equal(ours, preprocess_input(floats.copy(), mode=mode))
    assert np.array_equal(ours, preprocess_input(tf.constant(floats), mode=mode).numpy())


@pytest.mark.parametrize(
    ("steps", "layer"),
    [
        (["multiply=1/255"], keras.layers.Rescaling(1.0 / 255)),
        (["multiply=1/127.5", "add=-1"], keras.layers.Rescaling(1 / 127.5, offset=-1)),
        (
            ["subtract=120,110,100.5", "divide=60,50.5,40"],
            keras.layers.Normalization(
                mean=[120, 110, 100.5], variance=[60.0**2, 50.5**2, 40.0**2]
            ),
        ),
    ],
)
def test_scaling_layers_to_the_last_bit(steps, layer):
    source = pixels(20, 30, 3)
    ours = preprocess_image(
        [png(source)], spec((20, 30, 3), "--preset", "Resizing", "--scaling", *steps)
    )
    assert np.array_equal(ours[0], np.asarray(layer(source.astype(np.float32))))
