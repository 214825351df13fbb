"""Fields of a picture's preprocessing that do not go together are refused with both sides."""

import pytest

from serving.preprocessing.image.spec import ImagePreprocessing
from tests.pictures import RAW, TENSORFLOW


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"color_mode": "cmyk"}, "color_mode: expected rgb or grayscale or rgba; got 'cmyk'"),
        ({"color_mode": "rgba", "channel_order": "bgr"}, "channel_order: expected rgb; got 'bgr'"),
        ({"resampling": "opencv"}, "resampling: expected pillow or tensorflow; got 'opencv'"),
        ({"interpolation": "area"}, "interpolation: expected nearest or .* lanczos; got 'area'"),
        ({"antialias": True}, "antialias: expected null; got True"),
        ({"fit": "pad_then_resize"}, "fit: expected stretch or .*; got 'pad_then_resize'"),
        ({"fit": "resize_then_pad"}, "pad_value: expected a number with fit .*; got None"),
        ({"pad_value": 3}, "pad_value: expected null with fit stretch; got 3"),
        ({"resized_dtype": "float32"}, "resized_dtype: expected uint8; got 'float32'"),
        ({"reducing_gap": 0.5}, "reducing_gap: expected null or a number from 1 on; got 0.5"),
        ({"height": True}, "height: expected a whole number from 1 on; got True"),
        ({"height": 0}, "height: expected a whole number from 1 on; got 0"),
        ({"max_pixels": "many"}, "max_pixels: expected a whole number from 1 on; got 'many'"),
        ({"scaling": [{"power": 2}]}, "scaling: expected one of add, .*divide; got 'power'"),
        ({"scaling": [{"add": [1, 2]}]}, "one number or 3, one a channel of rgb; got 2 to add"),
        ({"scaling": [{"divide": 0}]}, "scaling: expected finite numbers; got divide 0"),
        ({"scaling": [{"add": float("nan")}]}, "scaling: expected finite numbers; got add nan"),
        ({"scaling": {"add": 1}}, "scaling: expected objects such as .*; got 'add'"),
    ],
)
def test_fields_that_do_not_go_together_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        ImagePreprocessing.from_json(RAW._asdict() | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fit": "crop"}, "fit: expected stretch or crop_whole_pixels or .*; got 'crop'"),
        ({"antialias": None}, "antialias: expected True or False; got None"),
        ({"reducing_gap": 3.0}, "reducing_gap: expected null with TensorFlow's resampling"),
        ({"interpolation": "hamming"}, "interpolation: expected nearest or .*; got 'hamming'"),
        (
            {"fit": "resize_then_pad", "resized_dtype": "uint8", "pad_value": 0.5},
            r"pad_value: expected 0\.\.255 with resized_dtype uint8; got 0.5",
        ),
    ],
)
def test_fields_that_tensorflow_has_not_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        ImagePreprocessing.from_json(TENSORFLOW._asdict() | changes)
