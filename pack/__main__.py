"""`python -m pack`: turn a trained Keras model into a bundle, prove one, show one.

    python -m pack text --model model.keras --tokenizer tokenizer.json --maxlen 120 \\
        --labels "fewer stars,5 stars" --examples reviews.txt --out artifacts/text
    python -m pack check artifacts/text
    python -m pack show artifacts/text
"""

import argparse
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read when TensorFlow is first imported

from pack import examples, image, models, numeric, outputs, text
from pack.files import number, pair
from pack.pickles import TRUST_HELP
from serving.engines.environment import set_up_tensorflow
from serving.errors import ServingError

MODALITIES: Mapping[str, tuple[ModuleType, str]] = {
    "image": (image, "a model of pictures"),
    "text": (text, "a model of texts"),
    "numeric": (numeric, "a model of rows of features"),
}
_BEGAN = time.monotonic()


def main() -> None:
    """Run one command; what does not fit ends it with one line and the exit code 1."""
    arguments = _parser().parse_args()
    try:
        arguments.run(arguments)
    except (ServingError, ValueError, OSError, ImportError) as exc:
        sys.exit(f"pack: {arguments.failed}: {exc}")
    except Exception as exc:  # the edge: files and a user's code may raise anything
        sys.exit(f"pack: {arguments.failed}: {type(exc).__name__}: {exc}")
    except SystemExit as exc:  # which would look like success
        sys.exit(f"pack: {arguments.failed}: code of yours ended the program with {exc.code!r}")


def _pack(arguments: argparse.Namespace) -> None:
    set_up_tensorflow(arguments.model, Path(arguments.architecture or ""))
    from pack import command  # here, because TensorFlow takes seconds and --help needs none of it

    command.run(arguments, MODALITIES[arguments.modality][0], _say)


def _check(arguments: argparse.Namespace) -> None:
    from pack.check import check

    check(arguments.bundle, arguments.engine, _say)


def _show(arguments: argparse.Namespace) -> None:
    from pack.check import show

    print(show(arguments.bundle))


def _say(message: str) -> None:
    print(f"pack: {time.monotonic() - _BEGAN:5.1f} s  {message}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pack",
        description="Turn a trained Keras model into a bundle that the functions serve.",
        epilog="Exit code 0: done and proven; 1: not, and the last line says why; 2: wrong usage.",
    )
    commands = parser.add_subparsers(dest="modality", required=True, metavar="COMMAND")
    for name, (module, words) in MODALITIES.items():
        _add_modality(commands.add_parser(name, help=f"pack {words}"), module)
    checking = commands.add_parser("check", help="prove a bundle on all its golden instances")
    checking.add_argument("bundle", type=Path)
    checking.add_argument(
        "--engine", choices=("onnx", "keras"), help="(default: the one that the bundle is for)"
    )
    checking.set_defaults(run=_check, failed="not as it was packed")
    showing = commands.add_parser("show", help="tell what is in a bundle")
    showing.add_argument("bundle", type=Path)
    showing.set_defaults(run=_show, failed="nothing to show")
    return parser


def _add_modality(parser: argparse.ArgumentParser, module: ModuleType) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = module.__doc__
    models.add_arguments(parser)
    module.add_arguments(parser)
    outputs.add_arguments(parser)
    examples.add_arguments(parser)
    add = parser.add_argument_group("the bundle").add_argument
    add("--out", type=Path, required=True, help="the bundle's folder")
    add("--version", default="1.0.0", help="the bundle's version (default: 1.0.0)")
    add(
        "--engine",
        choices=("auto", "onnx", "keras"),
        default="auto",
        help="onnx: compile, or fail; keras: serve with TensorFlow; auto: compile, and if that"
        " fails or gives other outputs mark the bundle for keras (default: auto)",
    )
    add(
        "--tolerance",
        type=number(0, 1),
        default=1e-4,
        help="largest difference of an output that is let through, of outputs over 1 as a fraction"
        " of them (default: 1e-4)",
    )
    add("--metrics", type=Path, help="JSON object of held-out metrics, for the manifest")
    add(
        "--provenance",
        nargs="*",
        type=pair,
        default=[],
        metavar="KEY=VALUE",
        help="for the manifest",
    )
    add("--trust-pickle", action="store_true", help=TRUST_HELP)
    add = parser.add_argument_group("skew, where training and serving part").add_argument
    add(
        "--reference",
        metavar="MODULE:FUNCTION",
        help="your own preprocessing of training, a function in a file of the current folder. It"
        " gets all examples at once, a list of paths of pictures, a list of texts or a DataFrame,"
        " and returns the model's input for them, or a dict of stages in their order, the input"
        " last: decode, resize, scale; tokens, sequence; columns, input",
    )
    add(
        "--report",
        type=Path,
        help="the HTML page of that comparison (default: the name of --out, .skew.html)",
    )
    add(
        "--allow-skew",
        action="store_true",
        help="write the bundle though its outputs differ from the reference's by more than"
        " --tolerance",
    )
    parser.set_defaults(run=_pack, failed="no bundle written")


if __name__ == "__main__":
    main()
