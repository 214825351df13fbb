"""Pack a model of texts.

How a text became numbers stands in what was fitted beside the model. Name the file of it:

    Tokenizer.to_json() or a pickled Tokenizer        --tokenizer FILE
    a tokenizer.json of Hugging Face's tokenizers     --tokenizer FILE
    a dictionary of words, keras.datasets.imdb's      --word-index FILE
    TextVectorization before the model                --vectorization FILE
    TextVectorization as the model's first layer      nothing: it is taken out of the model
    any other layers that take strings                nothing: the model is kept whole

A model that is kept whole, because its first layer cannot be taken out or --engine keras is named,
is served by the Keras engine, which needs TensorFlow.
A text without a single word (or token) is refused, where Keras would predict on padding alone.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

MAX_CHARACTERS = 100_000
MODES = ("int", "binary", "count", "tfidf", "freq")
INPUTS = ("ids", "attention_mask", "type_ids")
# The options that one kind of file or another takes.
SEQUENCE = ("mode", "maxlen", "padding", "truncating", "pad_value")
WORDS = (
    *("num_words", "index_from", "start_index", "oov_index"),
    *("filters", "split", "keep_case", "char_level"),
)
SUBWORDS = ("inputs", "no_special_tokens", *SEQUENCE[1:])
_EVERY = dict.fromkeys((*SEQUENCE, *WORDS, *SUBWORDS, "vocabulary"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that say how a text became the model's input."""
    add = parser.add_argument_group("texts, what was fitted on them").add_argument
    add(
        "--tokenizer",
        type=Path,
        metavar="FILE",
        help="JSON of a Keras Tokenizer or of Hugging Face's tokenizers, or a pickled Keras"
        " Tokenizer; its content tells which",
    )
    add(
        "--word-index",
        type=Path,
        metavar="FILE",
        help="JSON or a pickle of a dictionary, index by word",
    )
    add(
        "--vectorization",
        type=Path,
        metavar="FILE",
        help="a .keras model with a TextVectorization layer in it, or JSON or a pickle of"
        ' {"config": layer.get_config(), "vocabulary": layer.get_vocabulary()} and, for tf_idf,'
        ' "idf_weights"',
    )
    add(
        "--vocabulary",
        type=Path,
        metavar="FILE",
        help="the vocabulary of --vectorization, a token a line",
    )
    _add_sequence(parser)
    _add_words(parser)
    add = parser.add_argument_group("a tokenizer.json of Hugging Face's alone").add_argument
    add(
        "--inputs",
        help=f"what the model takes, of {', '.join(INPUTS)}, in the order of its inputs, between"
        " commas (default: by the names of its inputs)",
    )
    add(
        "--no-special-tokens",
        action="store_true",
        default=None,
        help="as encode(add_special_tokens=False): no [CLS], no [SEP]",
    )


def _add_sequence(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("texts, from tokens to the model's input").add_argument
    add(
        "--mode",
        choices=MODES,
        help="int: texts_to_sequences and pad_sequences; the others: texts_to_matrix's modes"
        " (default: int)",
    )
    add(
        "--maxlen",
        type=int,
        help="pad_sequences's, TextVectorization's output_sequence_length, or max_length of a"
        " tokenizer.json's truncation (default: the length of the model's input, if that is fixed)",
    )
    add(
        "--padding",
        choices=("pre", "post"),
        help="pad_sequences's (default: pre; for a tokenizer.json what it says, else post)",
    )
    add("--truncating", choices=("pre", "post"), help="pad_sequences's (default: as for --padding)")
    add(
        "--pad-value",
        type=int,
        metavar="INDEX",
        help="pad_sequences's value (default: 0; for a tokenizer.json the id of its padding token)",
    )
    add(
        "--max-characters",
        type=int,
        default=MAX_CHARACTERS,
        metavar="N",
        help=f"longer texts are refused (default: {MAX_CHARACTERS})",
    )


def _add_words(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "a --word-index alone", "keras.datasets.imdb: --index-from 3 --start-index 1 --oov-index 2"
    )
    add = group.add_argument
    add("--num-words", type=int, metavar="N", help="indices of N and over are unknown words")
    add("--index-from", type=int, metavar="N", help="added to every index of the file (default: 0)")
    add("--start-index", type=int, metavar="INDEX", help="put in front of every text")
    add("--oov-index", type=int, metavar="INDEX", help="of unknown words (default: left out)")
    add("--filters", help="characters that part words, as the Tokenizer's (default: its own)")
    add("--split", help='what parts words, as the Tokenizer\'s (default: " ")')
    for flag, words in (
        ("--keep-case", "do not make texts lower-case"),
        ("--char-level", "every character is a token"),
    ):
        add(flag, action="store_true", default=None, help=words)


def prepare(
    arguments: argparse.Namespace, model: "keras.Model"
) -> tuple[dict[str, Any], "keras.Model"]:
    """The content of `preprocessing.json` for a model of texts, and the model to serve.

    That is the given model, or for one that begins with TextVectorization the part behind it, if
    it can be taken out.
    Prints what was found. Raises ValueError, naming both sides, for a file of another kind,
    options that do not go together, and numbers that the model does not take.
    """
    from pack.text import fitted  # here, because TensorFlow takes seconds and --help needs none

    spec, served = fitted.read(arguments, model)
    return {"kind": fitted.KINDS[type(spec)], **spec._asdict()}, served


def allow(arguments: argparse.Namespace, allowed: Sequence[str], by: str) -> None:
    """Raise ValueError for an option that would have no effect, on what `by` names."""
    given = [name for name in _EVERY if getattr(arguments, name) is not None]
    idle = [option_of(name) for name in given if name not in allowed]
    if idle:
        raise ValueError(f"expected none of {', '.join(idle)} for {by}, which has no use for them")


def option_of(name: str) -> str:
    """The option of an argument's name."""
    return f"--{name.replace('_', '-')}"


def say(message: str) -> None:
    """Tell what was found."""
    print(f"pack: {message}", flush=True)
