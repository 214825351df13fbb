"""The fields of a picture bundle's `preprocessing.json`, and which of them go together."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

CHANNELS = {"rgb": 3, "grayscale": 1, "rgba": 4}
INTERPOLATIONS = {
    "pillow": ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"),
    "tensorflow": (
        *("nearest", "bilinear", "bicubic", "area"),
        *("lanczos3", "lanczos5", "gaussian", "mitchellcubic"),
    ),
}
FITS = {
    "pillow": ("stretch", "crop", "crop_whole_pixels", "resize_then_pad"),
    "tensorflow": ("stretch", "crop_whole_pixels", "pad_then_resize", "resize_then_pad"),
}
PADDED = ("pad_then_resize", "resize_then_pad")
OPERATIONS = ("add", "subtract", "multiply", "divide")


class ImagePreprocessing(NamedTuple):
    """How a picture becomes a tensor; the fields are those of `preprocessing.json`.

    `from_json` checks that they go together, the constructor does not.

    height, width: pixels of the model's input.
    color_mode: channels of the model's input, as `keras.utils.load_img` names them.
    channel_order: "bgr" turns red, green, blue round before scaling.
    data_format: as Keras names it; "channels_first" gives (channels, height, width).
    exif: "apply" turns a picture upright by its EXIF orientation; Keras and TensorFlow ignore it.
    grey_16_bit: "high_byte" makes 16-bit grey 8-bit, as TensorFlow's decoders do; "load_img" keeps
        0..65535 for grayscale and clips at 255 for rgb and rgba, as Keras's load_img does.
    resampling: whose resize is computed: "pillow" as load_img, "tensorflow" as `tf.image.resize`,
        `keras.layers.Resizing`, `keras.ops.image.resize` and `image_dataset_from_directory`.
    interpolation: one of INTERPOLATIONS[resampling], by that library's name.
    antialias: TensorFlow's parameter of that name; null for Pillow, all of whose filters but
        nearest antialias when they shrink.
    fit: one of FITS[resampling]. "stretch" distorts. "crop" resizes the largest centred part of the
        model's aspect ratio, in fractions of pixels, as `PIL.ImageOps.fit`; "crop_whole_pixels"
        is load_img's `keep_aspect_ratio` and TensorFlow's `crop_to_aspect_ratio`, each with its
        own rounding. "pad_then_resize" is Resizing's `pad_to_aspect_ratio`; "resize_then_pad" is
        `image_dataset_from_directory`'s, `tf.image.resize_with_pad` and `PIL.ImageOps.pad`.
    pad_value: of each channel where it is padded, before scaling; null where nothing is.
    resized_dtype: "float32", or "uint8" for values rounded to 0..255 after the resize, as Pillow
        and, given uint8 pictures outside of tf.data, Keras's Resizing round them.
    scaling: operations applied in order, in float32: each a name, "add", "subtract", "multiply"
        or "divide", with a number or one number a channel.
    reducing_gap: Pillow's `resize` and `thumbnail` parameter. A large picture is first shrunk by
        a whole factor, JPEG while it is decoded, to no less than this many times the final
        size; null decodes and resizes in full. Pillow calls 3.0 close to indistinguishable.
    max_pixels: pixels of all pictures of a batch together; more are refused before any is decoded.
    """

    height: int
    width: int
    color_mode: Literal["rgb", "grayscale", "rgba"]
    channel_order: Literal["rgb", "bgr"]
    data_format: Literal["channels_last", "channels_first"]
    exif: Literal["apply", "ignore"]
    grey_16_bit: Literal["high_byte", "load_img"]
    resampling: Literal["pillow", "tensorflow"]
    interpolation: str
    antialias: bool | None
    fit: Literal["stretch", "crop", "crop_whole_pixels", "pad_then_resize", "resize_then_pad"]
    pad_value: float | None
    resized_dtype: Literal["uint8", "float32"]
    scaling: Sequence[Mapping[str, float | Sequence[float]]]
    reducing_gap: float | None
    max_pixels: int

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> "ImagePreprocessing":
        """Build from a parsed `preprocessing.json`.

        Raises ValueError, naming both sides, for fields that do not go together.
        """
        spec = cls(**state)
        _check_choices(spec)
        _check_resampling(spec)
        _check_scaling(spec)
        return spec

    @property
    def channels(self) -> int:
        """1, 3 or 4."""
        return CHANNELS[self.color_mode]

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of one preprocessed picture."""
        if self.data_format == "channels_first":
            return self.channels, self.height, self.width
        return self.height, self.width, self.channels


def _check_choices(spec: ImagePreprocessing) -> None:
    _demand(spec, "color_mode", tuple(CHANNELS))
    _demand(spec, "channel_order", ("rgb", "bgr") if spec.color_mode == "rgb" else ("rgb",))
    _demand(spec, "data_format", ("channels_last", "channels_first"))
    _demand(spec, "exif", ("apply", "ignore"))
    _demand(spec, "grey_16_bit", ("high_byte", "load_img"))
    for field in ("height", "width", "max_pixels"):
        value = getattr(spec, field)
        if not (_is_number(value) and value == int(value) and value >= 1):
            raise ValueError(f"{field}: expected a whole number from 1 on; got {value!r}")

    if spec.height * spec.width > spec.max_pixels:
        raise ValueError(
            f"height and width: expected at most max_pixels ({spec.max_pixels}) together,"
            f" got {spec.height}x{spec.width}"
        )


def _check_resampling(spec: ImagePreprocessing) -> None:
    _demand(spec, "resampling", tuple(FITS))
    by_pillow = spec.resampling == "pillow"
    _demand(spec, "interpolation", INTERPOLATIONS[spec.resampling])
    _demand(spec, "fit", FITS[spec.resampling])
    _demand(spec, "antialias", (None,) if by_pillow else (True, False))
    _demand(spec, "resized_dtype", ("uint8",) if by_pillow else ("float32", "uint8"))
    gap, value = spec.reducing_gap, spec.pad_value
    if gap is not None and not (by_pillow and _is_number(gap) and gap >= 1):
        allowed = "null or a number from 1 on" if by_pillow else "null with TensorFlow's resampling"
        raise ValueError(f"reducing_gap: expected {allowed}; got {gap!r}")
    if spec.fit not in PADDED and value is not None:
        raise ValueError(f"pad_value: expected null with fit {spec.fit}; got {value!r}")
    if spec.fit in PADDED and not _is_number(value):
        raise ValueError(f"pad_value: expected a number with fit {spec.fit}; got {value!r}")
    if spec.fit in PADDED and spec.resized_dtype == "uint8" and value not in range(256):
        raise ValueError(f"pad_value: expected 0..255 with resized_dtype uint8; got {value!r}")


def _check_scaling(spec: ImagePreprocessing) -> None:
    for step in spec.scaling:
        if not isinstance(step, Mapping):
            raise ValueError(f'scaling: expected objects such as {{"divide": 255}}; got {step!r}')
        for operation, value in step.items():
            _check_operation(operation, value, spec)


def _check_operation(operation: str, value: Any, spec: ImagePreprocessing) -> None:
    if operation not in OPERATIONS:
        listed = ", ".join(OPERATIONS)
        raise ValueError(f"scaling: expected one of {listed}; got {operation!r}")
    by_channel = isinstance(value, Sequence)
    if by_channel and len(value) != spec.channels:
        raise ValueError(
            f"scaling: expected one number or {spec.channels}, one a channel of"
            f" {spec.color_mode}; got {len(value)} to {operation}"
        )
    values = value if by_channel else [value]
    if not all(map(_is_number, values)) or (operation == "divide" and 0 in values):
        raise ValueError(f"scaling: expected finite numbers; got {operation} {value!r}")


def _demand(spec: ImagePreprocessing, field: str, allowed: Sequence[Any]) -> None:
    value = getattr(spec, field)
    if value not in allowed:
        listed = " or ".join("null" if each is None else str(each) for each in allowed)
        raise ValueError(f"{field}: expected {listed}; got {value!r}")


def _is_number(value: Any) -> bool:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return plain and math.isfinite(value)
