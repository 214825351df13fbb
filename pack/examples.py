"""The golden file's inputs: a user's own examples, or generated ones."""

import argparse
import csv
import io
import random
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pack.files import read_json, read_text
from serving.golden import differences
from serving.tables import read_csv

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")
MOST = 32  # instances in a golden file, which is deployed and read by a cold start
MOST_BYTES = 1_000_000  # of them together; the first is kept whatever its size
GENERATED = 8

type State = Mapping[str, Any]


@dataclass(frozen=True)
class Examples:
    """Raw instances, as a request gives them.

    names: what each is called in a message: a file, or a line. generated: whether nobody gave
    them. expected: the user's own model outputs, by output, or None.
    """

    instances: Sequence[Any]
    names: Sequence[str]
    generated: bool
    expected: Mapping[str, NDArray[Any]] | None

    def few(self) -> "tuple[Examples, Sequence[int]]":
        """At most `MOST` of them, evenly spaced, of `MOST_BYTES` together, and their positions."""
        count = len(self.instances)
        spaced = np.unique(np.linspace(0, count - 1, min(count, MOST)).astype(int)).tolist()
        kept, size = [spaced[0]], len(self.instances[spaced[0]])
        for position in spaced[1:]:
            if size + len(self.instances[position]) <= MOST_BYTES:
                kept.append(position)
                size += len(self.instances[position])
        chosen = [self.instances[i] for i in kept]
        return replace(self, instances=chosen, names=[self.names[i] for i in kept]), kept


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that give examples."""
    group = parser.add_argument_group("examples, which prove the bundle now and at every start")
    add = group.add_argument
    add(
        "--examples",
        type=Path,
        help="raw inputs: a picture, a folder of pictures or of folders of them; a text file with"
        " an example a line, or JSON with a list of texts; a CSV file with a header, or JSON with"
        f" a list of rows. The golden file keeps at most {MOST} of them, and 1 MB, as they are,"
        " and is deployed, so give none that are secret (default: generated, and marked so)",
    )
    add(
        "--text-column", metavar="NAME", help="the column of texts, if --examples is a CSV of texts"
    )
    add(
        "--expected",
        type=Path,
        help="your own outputs of the model for the examples, in their order (pictures: by path):"
        " what model.predict gave, before any inverse transformation, saved with np.save (.npy),"
        " np.savez by output name (.npz), or as a JSON list; pack refuses if the bundle gives"
        " others",
    )


def read(arguments: argparse.Namespace, state: State, model: Any = None) -> Examples:
    """The examples that the arguments name, or generated ones.

    model: whose own vocabularies those are drawn from, where the state has none.

    Raises ValueError for examples of another kind, and OSError for files that cannot be read.
    """
    if arguments.examples is None:
        if arguments.expected:
            raise ValueError("--expected: expected --examples that it belongs to, got none")
        instances = _GENERATORS[arguments.modality](state, random.Random(0), model)  # noqa: S311
        names = [f"generated example {i}" for i in range(len(instances))]
        return Examples(instances, names, generated=True, expected=None)
    instances, names = _READERS[arguments.modality](arguments, state)
    if not instances:
        raise ValueError(f"{arguments.examples}: expected at least one example, got none")
    return Examples(instances, names, generated=False, expected=_expected(arguments.expected))


def _pictures(arguments: argparse.Namespace, _: State) -> tuple[list[bytes], list[str]]:
    root: Path = arguments.examples
    found = [root] if root.is_file() else sorted(root.rglob("*"))
    paths = [path for path in found if path.suffix.lower() in PICTURES]
    if not paths:
        raise ValueError(
            f"{root}: expected a folder of pictures ({' '.join(PICTURES)}), got"
            f" {len(found)} other files"
        )
    return [path.read_bytes() for path in paths], [str(path) for path in paths]


def _texts(arguments: argparse.Namespace, _: State) -> tuple[list[str], list[str]]:
    path: Path = arguments.examples
    content = read_text(path)
    if path.suffix == ".json":
        texts = read_json(path)
    elif path.suffix == ".csv":
        texts = _text_column(path, content, arguments.text_column)
    else:
        texts = [line for line in content.splitlines() if line.strip()]
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{path}: expected a list of texts, got JSON of another shape")
    return texts, [f"{path}, text {i}" for i in range(1, len(texts) + 1)]


def _text_column(path: Path, content: str, column: str | None) -> list[str]:
    rows = list(csv.DictReader(io.StringIO(content, newline="")))
    header = list(rows[0]) if rows else []
    if column is None and len(header) == 1:
        column = header[0]
    if column not in header:
        raise ValueError(
            f"{path}: expected --text-column of {', '.join(header) or 'a header'}, got {column}"
        )
    return [row[column] for row in rows]


def _rows(arguments: argparse.Namespace, state: State) -> tuple[list[Any], list[str]]:
    path: Path = arguments.examples
    content = read_text(path)
    if path.suffix == ".csv":
        table = list(read_csv(content, state["columns"], max_rows=1_000_000))
        # A training table has its target, and often an index, beside the features.
        rows: Any = [{name: row[name] for name in state["columns"] if name in row} for row in table]
    else:
        rows = read_json(path)
    if not isinstance(rows, list):
        raise ValueError(f"{path}: expected a list of rows, got {type(rows).__name__}")
    return rows, [f"{path}, row {i}" for i in range(1, len(rows) + 1)]


def _expected(path: Path | None) -> Mapping[str, NDArray[Any]] | None:
    """Arrays by output; a single one stands under the empty name."""
    if path is None:
        return None
    try:
        found = _EXPECTED.get(path.suffix, _expected_json)(path)
        expected = {name: np.asarray(values, np.float64) for name, values in found.items()}
    except (TypeError, EOFError, zipfile.BadZipFile) as exc:
        raise ValueError(f"{path}: expected arrays of numbers, got {exc}") from exc
    except ValueError as exc:
        raise ValueError(f"{path}: expected arrays of numbers: {exc}") from exc
    if not expected:
        raise ValueError(f"{path}: expected at least one array, got none")
    return expected


def _expected_npy(path: Path) -> Mapping[str, Any]:
    return {"": np.load(path, allow_pickle=False)}


def _expected_npz(path: Path) -> Mapping[str, Any]:
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def _expected_json(path: Path) -> Mapping[str, Any]:
    content = read_json(path)
    return content if isinstance(content, dict) else {"": content}


_EXPECTED: Mapping[str, Callable[[Path], Mapping[str, Any]]] = {
    ".npy": _expected_npy,
    ".npz": _expected_npz,
}


def check_expected(
    examples: Examples, outputs: Mapping[str, NDArray[Any]], tolerance: float
) -> float:
    """Compare the user's own outputs with the model's; return the largest of `differences`.

    Raises ValueError that names the worst example and both values, or both shapes.
    """
    given = examples.expected or {}
    if given.keys() != {""} and given.keys() != outputs.keys():
        raise ValueError(
            f"--expected: expected outputs of {', '.join(outputs)}, got {', '.join(given)}"
        )
    largest = 0.0
    for name, expected in given.items():
        found = outputs[name or next(iter(outputs))]
        if expected.size != found.size or len(expected) != len(found):
            raise ValueError(
                f"--expected: expected an array of shape {found.shape}, got {expected.shape}"
            )
        difference = differences(found, expected.reshape(found.shape))
        worst = tuple(int(i) for i in np.unravel_index(difference.argmax(), difference.shape))
        if not difference[worst] <= tolerance:
            raise ValueError(
                f"{examples.names[worst[0]]}: expected {expected.reshape(found.shape)[worst]:.6g},"
                f" as --expected has it, got {found[worst]:.6g} from the packed preprocessing and"
                f" model (difference {difference[worst]:.2e}, tolerance {tolerance:.2e}):"
                " --reference module:function shows at which stage they part"
            )
        largest = max(largest, float(difference[worst]))
    return largest


def _generate_pictures(state: State, generator: random.Random, _: Any) -> list[bytes]:
    """Smooth colours with noise, as PNG, which decodes everywhere alike; some of odd sizes."""
    from PIL import Image

    pictures = []
    for index in range(GENERATED):
        height, width = state["height"], state["width"]
        if index % 2:
            height, width = generator.randint(1, 2 * height), generator.randint(1, 2 * width)
        noise = np.frombuffer(generator.randbytes(height * width * 3), np.uint8)
        slope = np.linspace(0, 191, width)[None, :, None] * np.array([1.0, 0.5, index / 8])
        pixels = noise.reshape(height, width, 3) // 4 + slope.astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels.astype(np.uint8)).save(buffer, "PNG")
        pictures.append(buffer.getvalue())
    return pictures


def _generate_texts(state: State, generator: random.Random, model: Any) -> list[str]:
    """Words that the model knows, and one that it does not."""
    if state["kind"] == "strings":
        from pack.lookups import generate_texts

        return generate_texts(model, GENERATED, generator)
    known = _vocabulary(state)
    texts = []
    for index in range(GENERATED):
        words = [generator.choice(known) for _ in range(1 + 3 * index)]
        texts.append(" ".join([*words, "unheard-of"]))
    return texts


def _vocabulary(state: State) -> list[str]:
    if state["kind"] == "subwords":
        return ["the", "word", "a", "model", "of", "known", "and", "unknown"]
    words = state["word_index"] if state["kind"] == "tokenizer" else state["vocabulary"]
    return [word for word in list(words)[:2_000] if word.strip()] or ["word"]


def _generate_rows(state: State, generator: random.Random, model: Any) -> list[Any]:
    from pack.numeric import generate_rows

    return generate_rows(dict(state), GENERATED, generator, model)


type Read = Callable[[argparse.Namespace, State], tuple[list[Any], list[str]]]

_READERS: Mapping[str, Read] = {"image": _pictures, "text": _texts, "numeric": _rows}
_GENERATORS: Mapping[str, Callable[[State, random.Random, Any], list[Any]]] = {
    "image": _generate_pictures,
    "text": _generate_texts,
    "numeric": _generate_rows,
}
