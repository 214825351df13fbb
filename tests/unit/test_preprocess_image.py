"""Pictures of every kind become the tensor the model was trained on."""

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from serving.preprocessing.image import decode, open_picture, preprocess_image, resize, scale
from serving.preprocessing.image.decoding import FORMATS
from serving.preprocessing.image.spec import INTERPOLATIONS
from tests.pictures import CAT, RAW, SPEC, TENSORFLOW, encode, picture


def test_batch_has_the_models_shape_dtype_and_range():
    batch = preprocess_image([CAT, encode(picture())], SPEC)
    assert batch.shape == (2, 24, 32, 3)
    assert batch.dtype == np.float32
    assert batch.min() >= -1
    assert batch.max() <= 1


def test_no_pictures_are_an_empty_batch():
    assert preprocess_image([], TENSORFLOW).shape == (0, 24, 32, 3)


def test_resize_is_pillows_own_to_the_last_bit():
    source = picture(61, 47)
    expected = np.asarray(source.resize((32, 24), Image.Resampling.BILINEAR), np.float32)
    assert np.array_equal(preprocess_image([encode(source)], RAW)[0], expected)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS["pillow"])
def test_every_filter_is_pillows_own_on_any_size(interpolation):
    generator = np.random.default_rng(1)
    for width, height, to_width, to_height in generator.integers(1, 90, (40, 4)).tolist():
        source = picture(width, height)
        spec = RAW._replace(width=to_width, height=to_height, interpolation=interpolation)
        method = Image.Resampling[interpolation.upper()]
        stretched = source.resize((to_width, to_height), method)
        cropped = ImageOps.fit(source, (to_width, to_height), method)
        for fit, expected in (("stretch", stretched), ("crop", cropped)):
            tensor = preprocess_image([encode(source)], spec._replace(fit=fit))[0]
            assert np.array_equal(tensor, np.asarray(expected, np.float32))


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_padding_is_pillows_own_on_any_size(mode):
    generator = np.random.default_rng(2)
    color_mode = {"RGB": "rgb", "L": "grayscale", "RGBA": "rgba"}[mode]
    spec = RAW._replace(color_mode=color_mode, fit="resize_then_pad", pad_value=9)
    for width, height, to_width, to_height in generator.integers(8, 60, (40, 4)).tolist():
        source = picture(width, height, mode)
        colour = 9 if mode == "L" else (9,) * len(mode)
        expected = ImageOps.pad(
            source, (to_width, to_height), Image.Resampling.BILINEAR, color=colour
        )
        tensor = preprocess_image([encode(source)], spec._replace(width=to_width, height=to_height))
        assert np.array_equal(tensor[0], np.asarray(expected, np.float32).reshape(tensor[0].shape))


def test_picture_of_the_models_size_is_only_scaled():
    source = picture(32, 24)
    expected = np.asarray(source, np.float32) * np.float32(1 / 127.5) + np.float32(-1)
    assert np.array_equal(preprocess_image([encode(source)], SPEC)[0], expected)


def test_crop_keeps_the_centre_of_the_models_aspect_ratio():
    source = Image.new("RGB", (90, 24), "red")
    source.paste(Image.new("RGB", (32, 24), "blue"), (29, 0))
    tensor = preprocess_image([encode(source)], RAW._replace(fit="crop"))[0]
    assert (tensor == [0, 0, 255]).all()


def test_exif_orientation_is_applied():
    upright = picture(24, 32)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned; the viewer turns back by 90 degrees clockwise
    stored = encode(upright.transpose(Image.Transpose.ROTATE_90), exif=exif)
    spec = RAW._replace(height=32, width=24)
    assert np.array_equal(preprocess_image([stored], spec)[0], np.asarray(upright, np.float32))


def test_exif_orientation_can_be_ignored_as_keras_does():
    exif = Image.Exif()
    exif[0x0112] = 6
    source = picture(32, 24)
    tensor = preprocess_image([encode(source, exif=exif)], RAW._replace(exif="ignore"))[0]
    assert np.array_equal(tensor, np.asarray(source, np.float32))


def test_first_frame_of_an_animation_counts():
    frames = [Image.new("RGB", (32, 24), colour) for colour in ("red", "blue")]
    stored = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert (preprocess_image([stored], RAW)[0] == [255, 0, 0]).all()


def test_16_bit_grey_is_scaled_and_not_clipped():
    values = np.linspace(0, 65535, 32 * 24).astype(np.uint16).reshape(24, 32)
    tensor = preprocess_image([encode(Image.fromarray(values))], RAW)[0]
    assert np.array_equal(tensor[..., 0], (values >> 8).astype(np.float32))


@pytest.mark.parametrize("spec", [RAW, TENSORFLOW])
def test_16_bit_grey_can_be_kept_or_clipped_as_load_img_does(spec):
    values = np.linspace(0, 65535, 32 * 24).astype(np.uint16).reshape(24, 32)
    stored = encode(Image.fromarray(values))
    spec = spec._replace(grey_16_bit="load_img")
    tensor = preprocess_image([stored], spec)[0]
    assert np.array_equal(tensor[..., 2], np.minimum(values, 255).astype(np.float32))
    tensor = preprocess_image([stored], spec._replace(color_mode="grayscale"))[0]
    assert np.array_equal(tensor[..., 0], values.astype(np.float32))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK"])
def test_every_colour_mode_reads_as_pillow_converts_it(mode):
    source = picture(32, 24, "RGB").convert(mode)
    stored = encode(source, "TIFF" if mode == "CMYK" else "PNG")
    expected = np.asarray(Image.open(io.BytesIO(stored)).convert("RGB"), np.float32)
    assert np.array_equal(preprocess_image([stored], RAW)[0], expected)


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_read(kind):
    tensor = preprocess_image([encode(Image.new("RGB", (64, 48), "blue"), kind)], RAW)[0]
    assert np.abs(tensor - [0, 0, 255]).max() <= 3


def test_grayscale_model_gets_one_channel():
    spec = RAW._replace(color_mode="grayscale")
    source = picture(32, 24)
    expected = np.asarray(source.convert("L"), np.float32)[..., None]
    assert np.array_equal(preprocess_image([encode(source)], spec)[0], expected)


def test_transparency_reaches_a_model_that_takes_it():
    source = picture(32, 24, "RGBA")
    source.putalpha(picture(32, 24, "L"))
    tensor = preprocess_image([encode(source)], RAW._replace(color_mode="rgba"))[0]
    assert np.array_equal(tensor, np.asarray(source, np.float32))


def test_channels_are_reversed_before_scaling():
    source = picture(32, 24)
    spec = RAW._replace(channel_order="bgr", scaling=[{"subtract": [1, 2, 3]}])
    expected = np.asarray(source, np.float32)[..., ::-1] - np.float32([1, 2, 3])
    assert np.array_equal(preprocess_image([encode(source)], spec)[0], expected)


def test_channels_first_is_the_same_picture_with_its_axes_moved():
    spec = SPEC._replace(data_format="channels_first")
    stored = [CAT, encode(picture())]
    moved = np.moveaxis(preprocess_image(stored, SPEC), -1, 1)
    batch = preprocess_image(stored, spec)
    assert batch.shape == (2, *spec.shape)
    assert batch.flags.c_contiguous
    assert np.array_equal(batch, moved)


def test_scaling_is_done_in_order_and_in_float32():
    source = picture(32, 24)
    means, deviations = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
    steps = [{"divide": 255}, {"subtract": means.tolist()}, {"divide": deviations.tolist()}]
    expected = (np.asarray(source, np.float32) / np.float32(255) - means) / deviations
    tensor = preprocess_image([encode(source)], RAW._replace(scaling=steps))[0]
    assert tensor.dtype == np.float32
    assert np.array_equal(tensor, expected)


@pytest.mark.parametrize("spec", [SPEC, SPEC._replace(fit="crop"), TENSORFLOW])
def test_stages_are_those_of_the_whole(spec):
    image = decode(open_picture(CAT, spec.max_pixels), spec)
    assert np.asarray(image).shape == (300, 451, 3)
    pixels = resize(image, spec)
    assert (pixels.shape, pixels.dtype) == (spec.shape, spec.resized_dtype)
    assert np.array_equal(scale(pixels, spec), preprocess_image([CAT], spec)[0])


def test_scaling_leaves_its_input_as_it_was():
    pixels = np.ones(TENSORFLOW.shape, np.float32)
    scale(pixels, TENSORFLOW._replace(scaling=[{"add": 1}]))
    assert (pixels == 1).all()


def test_reducing_gap_stays_close_to_a_full_resize():
    ramp = np.linspace(0, 255, 1200).astype(np.uint8)
    pixels = np.stack([np.tile(ramp, (900, 1)), np.tile(ramp[:900, None], (1, 1200))], -1)
    photo = Image.fromarray(np.dstack([pixels, pixels[..., 0][:, ::-1]]))
    stored = encode(photo, "JPEG", quality=95)
    full, shrunk = (
        preprocess_image([stored], RAW._replace(reducing_gap=gap)) for gap in (None, 3.0)
    )
    assert np.abs(full - shrunk).max() <= 4


def test_padding_of_a_thin_picture_leaves_a_pixel_of_it():
    stored = encode(Image.new("RGB", (500, 1), "white"))
    for raw in (RAW, TENSORFLOW):
        spec = raw._replace(fit="resize_then_pad", pad_value=0)
        assert (preprocess_image([stored], spec)[0, ..., 0].sum(axis=0) == 255).all()


def test_same_bytes_give_the_same_tensor():
    assert np.array_equal(preprocess_image([CAT], SPEC), preprocess_image([CAT], SPEC))


def test_batch_equals_its_pictures_one_by_one():
    stored = [CAT, encode(picture()), encode(picture(300, 20), "BMP")]
    single = np.concatenate([preprocess_image([one], SPEC) for one in stored])
    assert np.array_equal(preprocess_image(stored, SPEC), single)
