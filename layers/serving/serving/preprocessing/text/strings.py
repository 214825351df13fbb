"""Texts as they are, for a model that splits them and looks them up itself."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving.preprocessing.text.sequences import check_texts, check_tokens


class StringsPreprocessing(NamedTuple):
    """What is checked of a text; the fields are those of `preprocessing.json` but "kind".

    max_characters: a longer text is refused.
    """

    max_characters: int


def preprocess_strings(texts: Sequence[str], spec: StringsPreprocessing) -> NDArray[np.object_]:
    """Texts as one batch, unchanged.

    Returns shape (len(texts),), objects that are str.
    Raises InputTooLarge for a text that is too long and UnfitInput for what is not a text or
    is white space alone.
    """
    check_texts(texts, spec.max_characters)
    check_tokens([len(text.strip()) for text in texts])
    return np.array(texts, object)
