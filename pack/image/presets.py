"""The fields of a picture's preprocessing, put together from a preset, the model and options."""

import argparse
from collections.abc import Mapping
from typing import Any

from pack.image import scaling
from serving.preprocessing.image.spec import CHANNELS, PADDED, ImagePreprocessing

type Fields = Mapping[str, Any]
type Shape = tuple[int | None, int | None, int | None]

_LIBRARIES: Mapping[str, Fields] = {
    "pillow": {"resampling": "pillow", "antialias": None, "resized_dtype": "uint8"},
    "tensorflow": {
        "resampling": "tensorflow",
        "antialias": False,
        "resized_dtype": "float32",
        "reducing_gap": None,
    },
}
_KERAS: Fields = {
    "fit": "stretch",
    "pad_value": None,
    "exif": "ignore",
    "grey_16_bit": "high_byte",
    "reducing_gap": None,
    "max_pixels": 50_000_000,
}
_TENSORFLOW: Fields = {**_KERAS, **_LIBRARIES["tensorflow"], "interpolation": "bilinear"}
PRESETS: Mapping[str, Fields] = {
    "load_img": {
        **_KERAS,
        **_LIBRARIES["pillow"],
        "interpolation": "nearest",
        "grey_16_bit": "load_img",
    },
    "image_dataset_from_directory": _TENSORFLOW,
    "Resizing": _TENSORFLOW,
    "pillow": {
        **_KERAS,
        **_LIBRARIES["pillow"],
        "interpolation": "lanczos",
        "fit": "crop",
        "exif": "apply",
        "reducing_gap": 3.0,
    },
}
# What Keras calls a fit, for each preset that has it.
KERAS_FITS: Mapping[str, Mapping[str, str]] = {
    "load_img": {"keep_aspect_ratio": "crop_whole_pixels"},
    "image_dataset_from_directory": {
        "crop_to_aspect_ratio": "crop_whole_pixels",
        "pad_to_aspect_ratio": "resize_then_pad",
    },
    "Resizing": {
        "crop_to_aspect_ratio": "crop_whole_pixels",
        "pad_to_aspect_ratio": "pad_then_resize",
    },
    "pillow": {},
}
_COLOR_MODES: Mapping[int | None, str] = {channels: mode for mode, channels in CHANNELS.items()}
# Options that are fields of ImagePreprocessing as they are.
FIELDS = (
    *("color_mode", "channel_order", "data_format", "exif", "grey_16_bit", "resampling"),
    *("interpolation", "antialias", "pad_value", "resized_dtype", "reducing_gap", "max_pixels"),
)


def build(arguments: argparse.Namespace, shape: Shape) -> ImagePreprocessing:
    """The preset's fields, with the model's size and colours, and every option that was given.

    shape: of the model's input without the batch, None for an axis of any length.
    Raises ValueError for options that are missing or do not go together.
    """
    if arguments.preset is None:
        raise ValueError(
            f"expected --preset, what resized the training pictures ({', '.join(PRESETS)}), or"
            " --preprocessing with all fields; got neither"
        )
    if arguments.scaling is None:
        raise ValueError("expected --scaling, what training did to 0..255 (or none), got nothing")
    operations, channel_order = scaling.parse(arguments.scaling)
    given = {name: getattr(arguments, name) for name in FIELDS}
    fields = {
        **PRESETS[arguments.preset],
        **_LIBRARIES.get(arguments.resampling, {}),
        "channel_order": channel_order,
        "scaling": operations,
        **_fields_of_model(shape, arguments),
        **{name: value for name, value in given.items() if value is not None},
    }
    if arguments.fit:
        fields["fit"] = KERAS_FITS[arguments.preset].get(arguments.fit, arguments.fit)
    if fields["fit"] in PADDED and fields["pad_value"] is None:
        fields["pad_value"] = 0.0
    if fields["reducing_gap"] == 0:
        fields["reducing_gap"] = None
    return ImagePreprocessing.from_json(fields)


def _fields_of_model(shape: Shape, arguments: argparse.Namespace) -> Fields:
    """Size, colours and layout as the model's input shape has them; --size where it has none."""
    layout = arguments.data_format or _data_format(shape)
    height, width, channels = shape if layout == "channels_last" else (*shape[1:], shape[0])
    if arguments.size:
        height, width = _parse_size(arguments.size)
    if height is None or width is None:
        raise ValueError(
            f"expected --size HxW, since the model takes pictures of any size {shape}, got none"
        )
    if channels not in _COLOR_MODES and arguments.color_mode is None:
        raise ValueError(
            f"expected a model of 1, 3 or 4 channels, or --color-mode, got the input shape {shape}"
        )
    color_mode = arguments.color_mode or _COLOR_MODES[channels]
    return {"height": height, "width": width, "color_mode": color_mode, "data_format": layout}


def _data_format(shape: Shape) -> str:
    first = shape[0] in _COLOR_MODES and shape[2] not in _COLOR_MODES
    return "channels_first" if first else "channels_last"


def _parse_size(text: str) -> tuple[int, int]:
    height, _, width = text.lower().partition("x")
    if not (height.isdecimal() and width.isdecimal()):
        raise ValueError(f"--size: expected HxW, as in 224x224, got {text!r}")
    return int(height), int(width)
