"""Texts to model input by a Hugging Face tokenizer: WordPiece, BPE, Unigram and what stands around.

The one module of `serving` that imports `tokenizers`, the library that trained the tokenizer.
"""

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from serving.preprocessing.text.sequences import Side, check_texts, check_tokens

# One thread: most functions have one processor or less, and threads make `tokenizers` warn of
# forks. Read at every call; a function of several processors may set it to true.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from tokenizers import Encoding, Tokenizer

_DIRECTIONS = {"pre": "left", "post": "right"}


class _SubwordPreprocessing(NamedTuple):
    tokenizer: Mapping[str, Any]
    special_tokens: bool
    maxlen: int
    padding: Side
    truncating: Side
    pad_id: int
    pad_type_id: int
    inputs: Sequence[Literal["ids", "attention_mask", "type_ids"]]
    max_characters: int


class SubwordPreprocessing(_SubwordPreprocessing):
    """How a text becomes model input; the fields are those of `preprocessing.json` but "kind".

    tokenizer: the content of `tokenizer.json`, its own padding and truncation taken out.
    special_tokens: whether those that its post-processor adds are added, such as [CLS] and [SEP].
    maxlen: ids of every text, special tokens included; a longer one loses words, not those.
    padding, truncating: the side, "pre" or "post".
    pad_id, pad_type_id: what a shorter text is filled up with.
    inputs: what the model takes, in the order of its inputs, by the names of the library.
    max_characters: a longer text is refused before it is split.
    """

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> "SubwordPreprocessing":
        """Build from a parsed `preprocessing.json`, less its "kind".

        Loads the tokenizer too, so that one that does not load fails here and not in a request.
        """
        spec = cls(**state)
        _ = spec.encoder
        return spec

    @cached_property
    def encoder(self) -> Tokenizer:
        """The library's tokenizer; raises ValueError if it cannot be made of the JSON."""
        try:
            encoder = Tokenizer.from_str(orjson.dumps(self.tokenizer).decode())
        except Exception as exc:  # the library raises Exception itself
            raise ValueError(
                f"expected a tokenizer's JSON, got one that does not load: {exc}"
            ) from exc
        encoder.enable_truncation(self.maxlen, direction=_DIRECTIONS[self.truncating])
        encoder.enable_padding(
            direction=_DIRECTIONS[self.padding],
            pad_id=self.pad_id,
            pad_type_id=self.pad_type_id,
            pad_token=encoder.id_to_token(self.pad_id) or "",
            length=self.maxlen,
        )
        return encoder


def preprocess_subwords(texts: Sequence[str], spec: SubwordPreprocessing) -> NDArray[np.int32]:
    """Turn texts into one batch of padded ids.

    Returns shape (len(texts), maxlen), or (len(texts), len(inputs), maxlen) if the model has
    several inputs, int32, 0 to the largest id.
    Raises InputTooLarge for a text that is too long and UnfitInput for what is not a text or
    has no token in it but special ones.
    """
    check_texts(texts, spec.max_characters)
    encodings = split(texts, spec)
    check_tokens([encoding.special_tokens_mask.count(0) for encoding in encodings])
    return encode(encodings, spec)


def split(texts: Sequence[str], spec: SubwordPreprocessing) -> list[Encoding]:
    """The library's own encodings, truncated and padded."""
    return spec.encoder.encode_batch_fast(list(texts), add_special_tokens=spec.special_tokens)


def tokens(text: str, spec: SubwordPreprocessing) -> list[str]:
    """The tokens of one text, special tokens and padding included."""
    return [spec.encoder.id_to_token(index) or "" for index in split([text], spec)[0].ids]


def encode(encodings: Sequence[Encoding], spec: SubwordPreprocessing) -> NDArray[np.int32]:
    """The batch, from what `split` gives."""
    rows = [[getattr(encoding, name) for name in spec.inputs] for encoding in encodings]
    batch = np.array(rows, np.int32)
    return batch[:, 0] if len(spec.inputs) == 1 else batch
