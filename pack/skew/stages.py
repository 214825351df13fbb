"""The packed preprocessing stage by stage, by the very functions that serve."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

type Stages = dict[str, Sequence[Any]]


def stages_of(modality: str, state: Mapping[str, Any], instances: Sequence[Any]) -> Stages:
    """Every stage's result for every instance; the last stage is the model's input.

    image    decode (height, width, channels), resize, scale
    text     tokens (strings), sequence
    numeric  columns (float64), input (float32); input alone of a model of whole numbers
    """
    return _STAGES[modality](json.loads(json.dumps(state)), instances)


def _image(state: Mapping[str, Any], instances: Sequence[bytes]) -> Stages:
    from serving.preprocessing.image import ImagePreprocessing, decode, open_picture, resize, scale

    spec = ImagePreprocessing.from_json(state)
    decoded = [decode(open_picture(picture, spec.max_pixels), spec) for picture in instances]
    resized = [resize(picture, spec) for picture in decoded]
    return {
        "decode": [_channelled(np.asarray(picture)) for picture in decoded],
        "resize": resized,
        "scale": [scale(pixels, spec) for pixels in resized],
    }


def _channelled(pixels: Any) -> Any:
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def _text(state: Mapping[str, Any], instances: Sequence[str]) -> Stages:
    from serving import preprocessing
    from serving.preprocessing.text import subwords, tokenizer, vectorization

    fields = dict(state)
    kinds: Mapping[str, tuple[Any, Any]] = {
        "tokenizer": (tokenizer.TextPreprocessing, tokenizer.tokens),
        "vectorization": (vectorization.VectorizationPreprocessing, vectorization.tokens),
        "subwords": (subwords.SubwordPreprocessing, subwords.tokens),
    }
    specify, tokens = kinds[fields.pop("kind")]
    spec = specify(**fields)
    return {
        "tokens": [list(tokens(instance, spec)) for instance in instances],
        "sequence": list(preprocessing.load("text", state)(instances)),
    }


def _numeric(state: Mapping[str, Any], instances: Sequence[Any]) -> Stages:
    from serving.preprocessing.numeric import (
        NumericPreprocessing,
        preprocess_numerical_features,
        transform_rows,
    )

    spec = NumericPreprocessing.from_json(state)
    if spec.step is None:
        rows = preprocess_numerical_features(instances, spec)
        return {"input": [np.array(row.tolist()) for row in rows]}
    return {
        "columns": list(transform_rows(instances, spec)),
        "input": list(preprocess_numerical_features(instances, spec)),
    }


_STAGES: Mapping[str, Callable[[Mapping[str, Any], Sequence[Any]], Stages]] = {
    "image": _image,
    "text": _text,
    "numeric": _numeric,
}
