"""From bytes, strings or rows to a batch: one module a modality, imported when it is needed."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from numpy.typing import NDArray

type Preprocess = Callable[[Sequence[Any]], NDArray[Any]]


def load(modality: str, state: Mapping[str, Any]) -> Preprocess:
    """The modality's preprocessing with the fitted state of a `preprocessing.json`.

    Returns a function from a sequence of instances to an array whose first axis is the batch.
    Raises KeyError or TypeError for a state that is not that modality's.
    """
    return _LOADERS[modality](state)


def _image(state: Mapping[str, Any]) -> Preprocess:
    from serving.preprocessing.image import ImagePreprocessing, preprocess_image

    return partial(preprocess_image, spec=ImagePreprocessing(**state))


def _text(state: Mapping[str, Any]) -> Preprocess:
    from serving.preprocessing.text import TextPreprocessing, preprocess_text

    return partial(preprocess_text, spec=TextPreprocessing(**state))


def _numeric(state: Mapping[str, Any]) -> Preprocess:
    from serving.preprocessing.numeric import NumericPreprocessing, preprocess_numerical_features

    return partial(preprocess_numerical_features, spec=NumericPreprocessing.from_json(state))


_LOADERS: dict[str, Callable[[Mapping[str, Any]], Preprocess]] = {
    "image": _image,
    "text": _text,
    "numeric": _numeric,
}
