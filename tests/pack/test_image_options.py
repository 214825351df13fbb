"""The options of `pack image` become preprocessing that fits the model, or a clear message."""

import argparse
import json
import subprocess
import sys

import pytest

pytest.importorskip("tensorflow", reason="needs TensorFlow: make setup-pack")

import keras
from keras import layers

from pack import image
from serving.preprocessing.image.spec import ImagePreprocessing
from tests.conftest import ROOT

pytestmark = pytest.mark.pack

BASE = ("--preset", "Resizing", "--scaling", "none")
PRESETS = {
    "load_img": ("pillow", "nearest", None, "stretch", "uint8", "ignore", "load_img", None),
    "image_dataset_from_directory": (
        *("tensorflow", "bilinear", False, "stretch", "float32", "ignore", "high_byte", None),
    ),
    "Resizing": (
        *("tensorflow", "bilinear", False, "stretch", "float32", "ignore", "high_byte", None),
    ),
    "pillow": ("pillow", "lanczos", None, "crop", "uint8", "apply", "high_byte", 3.0),
}
FIELDS = (
    *("resampling", "interpolation", "antialias", "fit", "resized_dtype", "exif", "grey_16_bit"),
    "reducing_gap",
)


def model_of(*shape: int | None, head=()) -> keras.Model:
    body = [layers.Conv2D(2, 1), layers.GlobalAveragePooling2D()]
    return keras.Sequential([keras.Input(shape), *head, *body])


def prepare(*options: str, model: keras.Model | None = None) -> dict:
    parser = argparse.ArgumentParser()
    image.add_arguments(parser)
    model = model or model_of(24, 32, 3)
    state, served = image.prepare(parser.parse_args(options), model)
    assert served is model
    assert json.loads(json.dumps(state)) == state
    ImagePreprocessing.from_json(state)
    return state


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_sets_what_its_library_does(preset):
    state = prepare("--preset", preset, "--scaling", "none")
    assert tuple(state[field] for field in FIELDS) == PRESETS[preset]


def test_size_and_colours_are_the_models():
    state = prepare(*BASE, model=model_of(24, 32, 1))
    assert (state["height"], state["width"], state["color_mode"]) == (24, 32, "grayscale")
    assert prepare(*BASE, model=model_of(24, 32, 4))["color_mode"] == "rgba"


def test_channels_first_is_read_from_the_models_shape():
    model = keras.Sequential([keras.Input((3, 24, 32)), layers.Flatten()])
    state = prepare(*BASE, model=model)
    assert (state["data_format"], state["height"], state["width"]) == ("channels_first", 24, 32)


def test_a_model_of_any_size_needs_one():
    model = model_of(None, None, 3)
    with pytest.raises(ValueError, match=r"expected --size HxW, .* \(None, None, 3\), got none"):
        prepare(*BASE, model=model)
    state = prepare(*BASE, "--size", "48x64", model=model)
    assert (state["height"], state["width"]) == (48, 64)


def test_a_subclass_of_model_needs_size_and_colours():
    class Own(keras.Model):
        def call(self, pictures):
            return pictures

    with pytest.raises(ValueError, match="expected --size"):
        prepare(*BASE, model=Own())
    with pytest.raises(ValueError, match="or --color-mode"):
        prepare(*BASE, "--size", "8x8", model=Own())
    state = prepare(*BASE, "--size", "8x8", "--color-mode", "rgb", model=Own())
    assert (state["height"], state["width"], state["color_mode"]) == (8, 8, "rgb")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--size", "64x64"], r"expected pictures of shape \(24, 32, 3\).*got \(64, 64, 3\)"),
        (["--color-mode", "grayscale"], r"\(24, 32, 3\).*got \(24, 32, 1\)"),
        (["--data-format", "channels_first"], r"1, 3 or 4 channels.*\(24, 32, 3\)"),
        (["--size", "64"], "--size: expected HxW, as in 224x224, got '64'"),
        (["--interpolation", "hamming"], "interpolation: expected nearest or .*; got 'hamming'"),
        (["--fit", "keep_aspect_ratio"], "fit: expected stretch .*; got 'keep_aspect_ratio'"),
        (["--pad-value", "3"], "pad_value: expected null with fit stretch; got 3.0"),
        (["--scaling", "power=2"], "--scaling: expected none, caffe, tf, torch, or .*'power=2'"),
        (["--scaling", "divide=1/0"], "--scaling divide=1/0: expected numbers .*got '1/0'"),
        (["--scaling", "add=one"], "--scaling add=one: expected numbers .*got 'one'"),
        (["--scaling", "tf", "add=1"], "--scaling: expected none, .*; got 'tf'"),
        (["--scaling", "add=1,2"], "expected one number or 3, .* got 2 to add"),
    ],
)
def test_options_that_do_not_fit_are_refused_with_both_sides(options, message):
    with pytest.raises(ValueError, match=message):
        prepare(*BASE, *options)


def test_nothing_is_guessed():
    with pytest.raises(ValueError, match=r"expected --preset, .*load_img.* got neither"):
        prepare("--scaling", "none")
    with pytest.raises(ValueError, match=r"expected --scaling, .* got nothing"):
        prepare("--preset", "load_img")


def test_a_model_of_something_else_is_refused():
    with pytest.raises(ValueError, match=r"expected a model of one picture.*got \(None, 5\)"):
        prepare(*BASE, model=keras.Sequential([keras.Input((5,)), layers.Dense(1)]))
    inputs = [keras.Input((8, 8, 3)), keras.Input((8, 8, 3))]
    with pytest.raises(ValueError, match="expected a model of one picture"):
        prepare(*BASE, model=keras.Model(inputs, layers.Add()(inputs)))


@pytest.mark.parametrize(
    ("preset", "name", "fit"),
    [
        ("load_img", "keep_aspect_ratio", "crop_whole_pixels"),
        ("Resizing", "crop_to_aspect_ratio", "crop_whole_pixels"),
        ("Resizing", "pad_to_aspect_ratio", "pad_then_resize"),
        ("image_dataset_from_directory", "pad_to_aspect_ratio", "resize_then_pad"),
        ("pillow", "resize_then_pad", "resize_then_pad"),
    ],
)
def test_a_fit_may_have_its_keras_name(preset, name, fit):
    state = prepare("--preset", preset, "--scaling", "none", "--fit", name)
    assert state["fit"] == fit
    assert state["pad_value"] == (0 if "pad" in fit else None)


def test_every_option_overrides_the_preset():
    state = prepare(
        *("--preset", "load_img", "--scaling", "none", "--resampling", "tensorflow"),
        *("--interpolation", "area", "--antialias", "--fit", "resize_then_pad"),
        *("--pad-value", "7", "--resized-dtype", "uint8", "--exif", "apply"),
        *("--grey-16-bit", "high_byte", "--channel-order", "bgr", "--max-pixels", "1000"),
    )
    assert state == {
        "height": 24,
        "width": 32,
        "color_mode": "rgb",
        "channel_order": "bgr",
        "data_format": "channels_last",
        "exif": "apply",
        "grey_16_bit": "high_byte",
        "resampling": "tensorflow",
        "interpolation": "area",
        "antialias": True,
        "fit": "resize_then_pad",
        "pad_value": 7.0,
        "resized_dtype": "uint8",
        "scaling": [],
        "reducing_gap": None,
        "max_pixels": 1000,
    }


def test_reducing_gap_is_set_and_unset():
    assert prepare(*BASE, "--preset", "load_img", "--reducing-gap", "2")["reducing_gap"] == 2
    assert prepare(*BASE, "--preset", "pillow", "--reducing-gap", "0")["reducing_gap"] is None


@pytest.mark.parametrize(
    ("steps", "scaling", "order"),
    [
        (["none"], [], "rgb"),
        (["caffe"], [{"subtract": [103.939, 116.779, 123.68]}], "bgr"),
        (["divide=255"], [{"divide": 255.0}], "rgb"),
        (["multiply=1/127.5", "add=-1"], [{"multiply": 1 / 127.5}, {"add": -1.0}], "rgb"),
        (["subtract=1,2.5,3"], [{"subtract": [1.0, 2.5, 3.0]}], "rgb"),
    ],
)
def test_scaling_is_read_from_words(steps, scaling, order):
    state = prepare("--preset", "load_img", "--scaling", *steps)
    assert (state["scaling"], state["channel_order"]) == (scaling, order)


def test_preprocessing_may_be_the_json_itself(tmp_path):
    state = prepare(*BASE)
    path = tmp_path / "preprocessing.json"
    path.write_text(json.dumps(state))
    assert prepare("--preprocessing", str(path)) == state
    with pytest.raises(ValueError, match="expected no other option of pictures: --fit"):
        prepare("--preprocessing", str(path), "--fit", "stretch")
    path.write_text(json.dumps(state | {"height": 25}))
    with pytest.raises(ValueError, match=r"shape \(24, 32, 3\).*got \(25, 32, 3\)"):
        prepare("--preprocessing", str(path))
    path.write_text(json.dumps(state | {"fit": "crop"}))
    with pytest.raises(ValueError, match=r"preprocessing.json: fit: expected .*; got 'crop'"):
        prepare("--preprocessing", str(path))
    path.write_text(json.dumps({"height": 25}))
    with pytest.raises(ValueError, match="expected the fields height, width, "):
        prepare("--preprocessing", str(path))
    path.write_text("{")
    with pytest.raises(ValueError, match=r"preprocessing.json: "):
        prepare("--preprocessing", str(path))


def functional(scale) -> keras.Model:
    pictures = keras.Input((24, 32, 3))
    return keras.Model(pictures, layers.Conv2D(2, 1)(scale(pictures)))


TWICE = {
    "Rescaling": model_of(24, 32, 3, head=[layers.RandomFlip(), layers.Rescaling(1 / 255)]),
    "Normalization": model_of(24, 32, 3, head=[layers.Normalization(mean=0.0, variance=1.0)]),
    "true_divide": functional(lambda pictures: pictures / 255.0),
    "add": functional(keras.applications.resnet50.preprocess_input),
    "Rescaling, Normalization": keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.RandomFlip(),
            keras.applications.EfficientNetB0(
                weights=None, include_top=False, input_shape=(32, 32, 3)
            ),
        ]
    ),
}
ONCE = {
    "plain": model_of(24, 32, 3),
    "residual": keras.applications.ResNet50(
        weights=None, include_top=False, input_shape=(32, 32, 3)
    ),
}


@pytest.mark.parametrize("inside", TWICE)
def test_scaling_twice_is_noticed(inside, capsys):
    prepare("--preset", "load_img", "--scaling", "divide=255", model=TWICE[inside])
    said = capsys.readouterr().out
    assert "note: the model itself begins with " + inside.split(",")[0] in said
    assert "say --scaling none" in said
    prepare("--preset", "load_img", "--scaling", "none", model=TWICE[inside])
    assert "note" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ONCE)
def test_not_scaling_at_all_is_noticed(name, capsys):
    ONCE[name].trainable = False
    prepare("--preset", "load_img", "--scaling", "none", model=ONCE[name])
    assert "pictures go into the model as 0..255" in capsys.readouterr().out
    prepare("--preset", "load_img", "--scaling", "tf", model=ONCE[name])
    assert "note" not in capsys.readouterr().out


def test_help_needs_no_tensorflow():
    program = (
        "import argparse, sys; from pack import image;"
        "parser = argparse.ArgumentParser(description=image.__doc__);"
        "image.add_arguments(parser); parser.format_help();"
        "heavy = {'tensorflow', 'keras'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    paths = [str(ROOT), str(ROOT / "layers/serving")]
    subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {paths}; {program}"], check=True
    )
