"""`python -m pack image|text|numeric`: turn a trained Keras model into a bundle.

    python -m pack text --model model.keras --tokenizer tokenizer.json --maxlen 120 \\
        --labels "fewer stars,5 stars" --examples reviews.txt --out artifacts/text
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from serving.bundle import Limits
from serving.errors import ServingError

MEGABYTE = 1_000_000
LIMITS = {
    # An upload of 25 MB holds a 40 megapixel JPEG; the API itself takes no more than 6 MB.
    "image": Limits(max_bytes=25 * MEGABYTE, max_instances=64, batch_size=64),
    "text": Limits(max_bytes=6 * MEGABYTE, max_instances=1_000, batch_size=128),
    "numeric": Limits(max_bytes=6 * MEGABYTE, max_instances=10_000, batch_size=2_048),
}


def main() -> None:
    """Parse the command line and write the bundle; what does not fit ends it with one line."""
    arguments = _parser().parse_args()
    try:
        _write(arguments)
    except (ServingError, ValueError, OSError) as exc:
        sys.exit(f"pack: no bundle written: {exc}")


def _write(arguments: argparse.Namespace) -> None:
    from pack import bundle  # here, because TensorFlow takes seconds and --help needs none of it

    labels = [label.strip() for label in arguments.labels.split(",")]
    if len(labels) < 2:
        raise ValueError(f"expected at least 2 labels, got {arguments.labels!r}")
    source = bundle.Source(
        modality=arguments.modality,
        version=arguments.version,
        model=arguments.model,
        state=arguments.read_state(arguments),
        task="binary" if len(labels) == 2 else "multiclass",
        labels=labels,
        examples=arguments.read_examples(arguments.examples),
        limits=LIMITS[arguments.modality],
        tolerance=arguments.tolerance,
        metrics=json.loads(arguments.metrics.read_text()) if arguments.metrics else {},
        provenance=dict(pair.split("=", 1) for pair in arguments.provenance),
    )
    bundle.write(source, arguments.out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pack", description="Turn a trained Keras model into a bundle."
    )
    modalities = parser.add_subparsers(dest="modality", required=True)
    image = modalities.add_parser("image", help="a model of pictures")
    _add_common(image, _image_state, _read_pictures, "a folder of pictures")
    image.add_argument(
        "--preprocessing",
        type=Path,
        required=True,
        help="JSON with the fields of serving.preprocessing.image.ImagePreprocessing",
    )
    text = modalities.add_parser("text", help="a model of token sequences")
    _add_common(text, _text_state, _read_lines, "a text file, one example a line")
    text.add_argument(
        "--tokenizer", type=Path, required=True, help="what Keras's Tokenizer.to_json() gave"
    )
    text.add_argument("--maxlen", type=int, required=True, help="as pad_sequences's argument")
    text.add_argument("--padding", choices=("pre", "post"), default="pre", help="(default: pre)")
    text.add_argument("--truncating", choices=("pre", "post"), default="pre", help="(default: pre)")
    text.add_argument(
        "--max-characters",
        type=int,
        default=100_000,
        help="longer texts are refused (default: 100000)",
    )
    numeric = modalities.add_parser("numeric", help="a model of rows of features")
    _add_common(numeric, _numeric_state, _read_rows, "a JSON list of objects, a row each")
    numeric.add_argument(
        "--transformer",
        type=Path,
        required=True,
        help="a fitted ColumnTransformer in a joblib file; it is a pickle, and opening a pickle"
        " runs whatever code is in it, so open none that you did not make",
    )
    return parser


def _add_common(
    parser: argparse.ArgumentParser,
    read_state: Callable[[argparse.Namespace], Mapping[str, Any]],
    read_examples: Callable[[Path], Sequence[Any]],
    examples: str,
) -> None:
    parser.set_defaults(read_state=read_state, read_examples=read_examples)
    add = parser.add_argument
    add("--model", type=Path, required=True, help="the trained model, .keras or .h5")
    add("--labels", required=True, help="names of the outputs, between commas; two: binary")
    add("--examples", type=Path, required=True, help=f"inputs for the golden file: {examples}")
    add("--out", type=Path, required=True, help="the bundle's folder")
    add("--version", default="1.0.0", help="the bundle's version (default: 1.0.0)")
    add("--metrics", type=Path, help="JSON object of held-out metrics, for the manifest")
    add("--provenance", nargs="*", default=[], metavar="KEY=VALUE", help="for the manifest")
    add(
        "--tolerance",
        type=float,
        default=1e-4,
        help="largest difference let through (default: 1e-4)",
    )


def _image_state(arguments: argparse.Namespace) -> Mapping[str, Any]:
    state: Mapping[str, Any] = json.loads(arguments.preprocessing.read_text())
    return state


def _text_state(arguments: argparse.Namespace) -> Mapping[str, Any]:
    from pack.tokenizer import read_tokenizer

    return read_tokenizer(
        arguments.tokenizer.read_text(encoding="utf-8"),
        maxlen=arguments.maxlen,
        padding=arguments.padding,
        truncating=arguments.truncating,
        max_characters=arguments.max_characters,
    )


def _numeric_state(arguments: argparse.Namespace) -> Mapping[str, Any]:
    import joblib

    from pack.transformer import read_transformer

    return read_transformer(joblib.load(arguments.transformer))


def _read_pictures(folder: Path) -> Sequence[bytes]:
    return [path.read_bytes() for path in sorted(folder.iterdir())]


def _read_lines(path: Path) -> Sequence[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _read_rows(path: Path) -> Sequence[Mapping[str, Any]]:
    rows: Sequence[Mapping[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return rows


if __name__ == "__main__":
    main()
