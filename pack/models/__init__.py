"""Load what Keras users have, for inference: any Keras's files, repaired in memory.

Nothing is compiled, and code in a file is never run: Lambda layers and custom objects are refused
unless the command line names the user's own code for them.

    files          what a path holds, by its content
    naming         `module:attribute` and `NAME=module:attribute`
    reading        what the repair of one configuration knows, finds and notes

    configuration  any model's configuration -> one that Keras 3 takes
    keras1         Keras 1's names
    nodes          the calls between layers
    arguments      one layer's arguments
    substitutes    layers that Keras 3 has in another form
    operations     TensorFlow's functions between layers -> Keras's operations

    archive        .keras files
    vocabularies   their tokens, where Keras reads others than it wrote
    hdf5           .h5 files
    weights        weights with an architecture
    placing        the arrays of an HDF5 file -> the layers they belong to
    layouts        arrays as Keras 1, cuDNN and Theano kept them
    hard_sigmoid   which Keras 3 calculates otherwise than Keras 2
    ready          statistics and vocabularies, beside the weights

    savedmodel     folders
    graphs         which operations a folder's graph may have
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pack.models import files, naming

if TYPE_CHECKING:
    import keras

    from pack.models import reading


@dataclass(frozen=True)
class Loaded:
    """A model, where it came from ("keras", "hdf5", "savedmodel" or "weights"), and its repairs."""

    model: "keras.Model"
    kind: str
    repairs: Sequence[str]  # a line each, beginning with the layers it was made in


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that name a model and the code that goes with it."""
    add = parser.add_argument
    add(
        "--model",
        type=Path,
        required=True,
        help="the trained model: a .keras file, an HDF5 file of Keras 1 to 3 (.h5, .hdf5), a"
        " SavedModel folder, or a file of weights with --architecture",
    )
    add(
        "--architecture",
        metavar="JSON|MODULE:FUNCTION",
        help="the model that weights belong to: the file that model.to_json() gave, or a function"
        " of yours that makes it, called without arguments; it replaces the file's own",
    )
    add(
        "--custom-object",
        action="append",
        default=[],
        metavar="NAME=MODULE:ATTRIBUTE",
        help="your layer or function of that name in the model, as load_model's custom_objects;"
        " once for each. The module is imported from the current directory",
    )
    add(
        "--lambda",
        dest="lambdas",
        action="append",
        default=[],
        metavar="LAYER=MODULE:FUNCTION",
        help="your function in place of a Lambda layer's, whose code in the file is never run;"
        " once for each",
    )


def load(
    path: Path,
    architecture: str | None = None,
    custom_objects: Sequence[str] = (),
    lambdas: Sequence[str] = (),
) -> Loaded:
    """The model of a path, told by content, with what had to be repaired.

    `architecture`, `custom_objects` and `lambdas` are as the options of `add_arguments` give them.
    `model` takes batches of any size; it may have several inputs and outputs.

    Raises FileNotFoundError or ValueError, saying what the file is, what was expected, and what to
    do.
    """
    kind = files.kind_of(path)
    named = naming.Named(
        custom=naming.resolve_pairs("--custom-object", custom_objects),
        lambdas=naming.resolve_pairs("--lambda", lambdas),
    )
    if architecture is not None:
        return _with_architecture(path, kind, architecture, named)
    return _LOADERS[kind](path, named)


def _with_architecture(path: Path, kind: str, architecture: str, named: naming.Named) -> Loaded:
    from pack.models import reading, weights  # here and below: TensorFlow takes seconds

    if kind == "savedmodel":
        raise ValueError(
            f"{path}: expected weights for --architecture, a .h5 or .keras file, got a SavedModel"
        )
    state = reading.begin(weights.version_of(architecture), named)
    return _loaded(weights.load(path, architecture, state), path, "weights", state)


def _keras(path: Path, named: naming.Named) -> Loaded:
    from pack.models import archive, reading

    state = reading.begin(archive.version_of(path), named)
    return _loaded(archive.load(path, state), path, "keras", state)


def _hdf5(path: Path, named: naming.Named) -> Loaded:
    from pack.models import hdf5, reading, weights

    with hdf5.opened(path) as file:
        version, whole = hdf5.version_of(file), "model_config" in file.attrs
    if not whole:
        raise ValueError(weights.words_for(path))
    state = reading.begin(version, named)
    return _loaded(hdf5.load(path, state), path, "hdf5", state)


def _savedmodel(path: Path, named: naming.Named) -> Loaded:
    from pack.models import reading, savedmodel

    state = reading.begin("2", named)
    return _loaded(savedmodel.load(path, state), path, "savedmodel", state)


def _loaded(model: "keras.Model", path: Path, kind: str, state: "reading.Reading") -> Loaded:
    from pack.models import reading, ready

    return Loaded(ready.ready(model, path), kind, reading.repairs(state))


_LOADERS: Mapping[str, Callable[[Path, naming.Named], Loaded]] = {
    "keras": _keras,
    "hdf5": _hdf5,
    "savedmodel": _savedmodel,
}
