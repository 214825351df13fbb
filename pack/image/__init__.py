"""Pack a model of pictures.

How a picture became numbers is not written in a model's file, so say it: --preset names the
function that resized the training pictures, --scaling what was then done to the values, and
every other option changes one thing. Or give the whole as --preprocessing JSON.

    load_img, ImageDataGenerator.flow_from_directory  --preset load_img
    image_dataset_from_directory                      --preset image_dataset_from_directory
    layers.Resizing, ops.image.resize,
        tf.image.resize                               --preset Resizing
    serving.preprocessing.image, as the bundled model --preset pillow

    x / 255                                           --scaling divide=255
    Rescaling(1/255), ImageDataGenerator(1/255)       --scaling multiply=1/255
    Rescaling(1/127.5, offset=-1)                     --scaling multiply=1/127.5 add=-1
    preprocess_input of VGG, ResNet50                 --scaling caffe
        of MobileNet, MobileNetV2, ResNetV2,
        Inception, Xception, NASNet                   --scaling tf
        of DenseNet                                   --scaling torch
        of EfficientNet, MobileNetV3, ConvNeXt;
        or Rescaling inside the model                 --scaling none

A Resizing, Rescaling or Normalization layer inside the model is part of it and is served with it:
do not name it here again. Pictures are decoded by Pillow, as load_img decodes them; the values of
TensorFlow's default JPEG decoder differ by 1 of 255 on average, 1.2 lower in red and 1.3 in blue,
those of decode_jpeg(dct_method="INTEGER_ACCURATE") not at all.
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pack.image import scaling
from pack.image.presets import FIELDS, KERAS_FITS, PRESETS, Shape, build
from serving.preprocessing.image.spec import (
    CHANNELS,
    FITS,
    INTERPOLATIONS,
    ImagePreprocessing,
)

if TYPE_CHECKING:
    import keras

_OPTIONS = ("preset", "scaling", "size", "fit", *FIELDS)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that say how a picture became the model's input."""
    group = parser.add_argument_group("pictures, how they become the model's input")
    add = group.add_argument
    add(
        "--preprocessing",
        type=Path,
        metavar="FILE",
        help="JSON with all fields of serving.preprocessing.image.ImagePreprocessing, instead of"
        " the options below; artifacts/image/preprocessing.json is an example",
    )
    add("--preset", choices=tuple(PRESETS), help="what resized the training pictures")
    add(
        "--scaling",
        nargs="+",
        metavar="STEP",
        help="none, caffe, tf, torch (the modes of keras.applications), or operations in order:"
        " add, subtract, multiply or divide with one number or one a channel, as in"
        " multiply=1/127.5 add=-1 or subtract=123.68,116.779,103.939. keras.layers.Normalization"
        " is subtract=MEANS divide=DEVIATIONS",
    )
    add(
        "--size",
        metavar="HxW",
        help="height and width that training resized to (default: the model's input shape)",
    )
    add(
        "--fit",
        choices=_fit_names(),
        metavar="FIT",
        help="what becomes of another aspect ratio: stretch distorts it; keep_aspect_ratio,"
        " crop_to_aspect_ratio and pad_to_aspect_ratio are the preset's own arguments of those"
        " names; crop is PIL.ImageOps.fit; resize_then_pad is tf.image.resize_with_pad and"
        " PIL.ImageOps.pad (default: stretch; crop for the preset pillow)",
    )
    add("--pad-value", type=float, metavar="VALUE", help="what is padded with, 0..255 (default: 0)")
    _add_resampling(group)
    _add_decoding(group)


def _add_resampling(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--resampling", choices=tuple(FITS), help="whose resize is computed (default: preset's)")
    add(
        "--interpolation",
        choices=_names(INTERPOLATIONS.values()),
        metavar="NAME",
        help=f"of Pillow's resampling {', '.join(INTERPOLATIONS['pillow'])}; of TensorFlow's"
        f" {', '.join(INTERPOLATIONS['tensorflow'])} (default: nearest for load_img, as in Keras;"
        " lanczos for pillow; bilinear for the others)",
    )
    add(
        "--antialias",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="TensorFlow's argument (default: --no-antialias); Pillow always antialiases",
    )
    add(
        "--resized-dtype",
        choices=("float32", "uint8"),
        help="uint8: rounded after the resize, as Keras does to uint8 arrays outside of tf.data"
        " (default: float32 for TensorFlow's resampling, uint8 for Pillow's)",
    )
    add(
        "--reducing-gap",
        type=float,
        metavar="FACTOR",
        help="shrink large pictures while decoding, to no less than this many times the size:"
        " faster, and another picture by a little; 0: never (default: 3 for the preset pillow, 0"
        " for the others)",
    )


def _add_decoding(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--color-mode", choices=tuple(CHANNELS), help="(default: by the model's channels)")
    add(
        "--channel-order",
        choices=("rgb", "bgr"),
        help="bgr: as OpenCV's imread has it (default: rgb; bgr for --scaling caffe)",
    )
    add(
        "--data-format",
        choices=("channels_last", "channels_first"),
        help="as Keras names it (default: by the model's input shape)",
    )
    add(
        "--exif",
        choices=("apply", "ignore"),
        help="turn pictures upright by their EXIF orientation, which Keras and TensorFlow ignore"
        " (default: ignore; apply for the preset pillow)",
    )
    add(
        "--grey-16-bit",
        choices=("high_byte", "load_img"),
        help="grey of 16 bits: scaled to 8, as TensorFlow decodes it, or as load_img has it,"
        " 0..65535 for grayscale and clipped at 255 for rgb (default: high_byte; load_img for"
        " load_img)",
    )
    add(
        "--max-pixels",
        type=int,
        metavar="N",
        help="of all pictures of a request; more are refused (default: 50000000)",
    )


def _fit_names() -> list[str]:
    return _names([*FITS.values(), *KERAS_FITS.values()])


def _names(groups: Iterable[Iterable[str]]) -> list[str]:
    """All names of all groups, each once."""
    return list(dict.fromkeys(name for group in groups for name in group))


def prepare(
    arguments: argparse.Namespace, model: "keras.Model"
) -> tuple[dict[str, Any], "keras.Model"]:
    """The content of `preprocessing.json` for a model of pictures, and that model.

    Prints a note where the model scales its input itself and the options would do it again.
    Raises ValueError, naming both sides, for options that are missing, do not go together, or do
    not fit the model's input.
    """
    shape = _input_shape(model)
    spec = _read(arguments) if arguments.preprocessing else build(arguments, shape)
    if not all(want in (None, got) for want, got in zip(shape, spec.shape, strict=True)):
        raise ValueError(
            f"expected pictures of shape {shape}, which the model takes, got {spec.shape}:"
            f" {spec.height}x{spec.width}, {spec.color_mode}, {spec.data_format}"
        )
    for note in scaling.notes(spec.scaling, model):
        print(f"pack: note: {note}", flush=True)
    return spec._asdict(), model


def _input_shape(model: "keras.Model") -> Shape:
    """Of one picture; None for an axis of any length and for all of a subclass of Model."""
    inputs: Sequence[Any] = getattr(model, "inputs", None) or ()
    if not inputs:
        return (None, None, None)
    if len(inputs) > 1 or len(inputs[0].shape) != 4:
        found = ", ".join(str(tuple(each.shape)) for each in inputs)
        raise ValueError(
            f"expected a model of one picture, (batch, height, width, channels), got {found}"
        )
    first, second, third = inputs[0].shape[1:]
    return first, second, third


def _read(arguments: argparse.Namespace) -> ImagePreprocessing:
    path: Path = arguments.preprocessing
    given = [name for name in _OPTIONS if getattr(arguments, name) is not None]
    if given:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise ValueError(f"--preprocessing {path}: expected no other option of pictures: {options}")
    try:
        return ImagePreprocessing.from_json(json.loads(path.read_text(encoding="utf-8")))
    except TypeError as exc:
        wanted = ", ".join(ImagePreprocessing._fields)
        raise ValueError(f"--preprocessing {path}: expected the fields {wanted}: {exc}") from exc
    except ValueError as exc:
        raise ValueError(f"--preprocessing {path}: {exc}") from exc
