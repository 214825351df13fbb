"""What is done to a picture's values after the resize: read from words, and found in a model."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from serving.preprocessing.image.spec import OPERATIONS

if TYPE_CHECKING:
    import keras

type Operations = list[Mapping[str, float | Sequence[float]]]

# keras.applications.imagenet_utils.preprocess_input, operation by operation.
MODES: Mapping[str, Operations] = {
    "none": [],
    "caffe": [{"subtract": [103.939, 116.779, 123.68]}],
    "tf": [{"divide": 127.5}, {"subtract": 1.0}],
    "torch": [
        {"divide": 255.0},
        {"subtract": [0.485, 0.456, 0.406]},
        {"divide": [0.229, 0.224, 0.225]},
    ],
}
_LAYERS = ("Rescaling", "Normalization")
_ARITHMETIC = ("Add", "Subtract", "Multiply", "Divide", "TrueDivide")


def parse(steps: Sequence[str]) -> tuple[Operations, str]:
    """Operations in order, and "bgr" or "rgb", for what --scaling was given.

    A number may be a fraction, 1/255. Raises ValueError for another word or number.
    """
    first = steps[0]
    if first in MODES and len(steps) == 1:
        return MODES[first], "bgr" if first == "caffe" else "rgb"
    return [_operation(step) for step in steps], "rgb"


def notes(scaling: Sequence[Any], model: "keras.Model") -> list[str]:
    """What a user should know who scales twice, or not at all."""
    inside = _scaling_inside(model)
    if inside and scaling:
        return [
            f"the model itself begins with {', '.join(inside)}, and the options scale pictures"
            " before it; unless training did both, say --scaling none"
        ]
    if not inside and not scaling:
        return [
            "pictures go into the model as 0..255: neither the options nor the model's first"
            " layers scale them"
        ]
    return []


def _operation(step: str) -> Mapping[str, float | Sequence[float]]:
    name, _, values = step.partition("=")
    if name not in OPERATIONS or not values:
        raise ValueError(
            f"--scaling: expected {', '.join(MODES)}, or operations such as multiply=1/255 of"
            f" {', '.join(OPERATIONS)}; got {step!r}"
        )
    numbers = [_number(text, step) for text in values.split(",")]
    return {name: numbers if len(numbers) > 1 else numbers[0]}


def _number(text: str, step: str) -> float:
    dividend, slash, divisor = text.partition("/")
    try:
        return float(dividend) / float(divisor) if slash else float(dividend)
    except (ValueError, ZeroDivisionError) as exc:
        raise ValueError(
            f"--scaling {step}: expected numbers or fractions between commas, got {text!r}"
        ) from exc


def _scaling_inside(model: "keras.Model") -> list[str]:
    """Layers and operations that scale the input before the first layer with weights of its own."""
    found = []
    for step in _steps(model):
        name = type(step).__name__
        if name in _LAYERS or name in _ARITHMETIC:
            found.append(name if name in _LAYERS else step.name)
        elif getattr(step, "weights", ()):
            break
    return found


def _steps(model: Any) -> Iterator[Any]:
    """Layers and operations in order, those of models within models too."""
    steps: Sequence[Any] = getattr(model, "operations", None) or model.layers
    for step in steps:
        yield from _steps(step) if getattr(step, "layers", None) else [step]
