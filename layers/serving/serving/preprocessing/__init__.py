"""From bytes, strings or rows to a batch: one module a modality, imported when it is needed."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

type Preprocess = Callable[[Sequence[Any]], NDArray[Any]]
type Inverse = Callable[[NDArray[np.floating]], NDArray[np.float64]]


def load(modality: str, state: Mapping[str, Any]) -> Preprocess:
    """The modality's preprocessing with the fitted state of a `preprocessing.json`.

    Returns a function from a sequence of instances to an array whose first axis is the batch.
    Raises KeyError or TypeError for a state that is not that modality's.
    """
    return _LOADERS[modality](state)


def load_inverse(target: Mapping[str, Any]) -> Inverse:
    """What undoes a regression's fitted target transformer; raise KeyError or TypeError."""
    from serving.preprocessing.transformers import TargetTransformer, inverse

    return partial(inverse, spec=TargetTransformer.from_json(target))


def _image(state: Mapping[str, Any]) -> Preprocess:
    from serving.preprocessing.image import ImagePreprocessing, preprocess_image

    return partial(preprocess_image, spec=ImagePreprocessing.from_json(state))


def _text(state: Mapping[str, Any]) -> Preprocess:
    fields = dict(state)
    return _TEXTS[fields.pop("kind")](fields)


def _tokenizer(fields: Mapping[str, Any]) -> Preprocess:
    from serving.preprocessing.text.tokenizer import TextPreprocessing, preprocess_text

    return partial(preprocess_text, spec=TextPreprocessing(**fields))


def _vectorization(fields: Mapping[str, Any]) -> Preprocess:
    from serving.preprocessing.text.vectorization import (
        VectorizationPreprocessing,
        preprocess_vectorization,
    )

    return partial(preprocess_vectorization, spec=VectorizationPreprocessing(**fields))


def _subwords(fields: Mapping[str, Any]) -> Preprocess:
    from serving.preprocessing.text.subwords import SubwordPreprocessing, preprocess_subwords

    return partial(preprocess_subwords, spec=SubwordPreprocessing.from_json(fields))


def _strings(fields: Mapping[str, Any]) -> Preprocess:
    from serving.preprocessing.text.strings import StringsPreprocessing, preprocess_strings

    return partial(preprocess_strings, spec=StringsPreprocessing(**fields))


def _numeric(state: Mapping[str, Any]) -> Preprocess:
    from serving.preprocessing.numeric import NumericPreprocessing, preprocess_numerical_features

    return partial(preprocess_numerical_features, spec=NumericPreprocessing.from_json(state))


_LOADERS: dict[str, Callable[[Mapping[str, Any]], Preprocess]] = {
    "image": _image,
    "text": _text,
    "numeric": _numeric,
}
_TEXTS: dict[str, Callable[[Mapping[str, Any]], Preprocess]] = {
    "tokenizer": _tokenizer,
    "vectorization": _vectorization,
    "subwords": _subwords,
    "strings": _strings,
}
