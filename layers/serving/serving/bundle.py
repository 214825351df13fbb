"""A bundle: the folder of one model, every file checked against the manifest as it is read."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any, Literal, NamedTuple

import orjson

from serving.errors import BundleError

FORMAT = 2  # of the manifest; a bundle packed for another format is refused

type EngineName = Literal["onnx", "keras"]
ENGINES: tuple[EngineName, ...] = ("onnx", "keras")


class Limits(NamedTuple):
    """What one request may ask for.

    max_bytes: size of a request body or an uploaded object.
    max_instances: instances in one request.
    batch_size: instances given to the engine at once; bounds the memory, not the request.
    """

    max_bytes: int
    max_instances: int
    batch_size: int


class Output(NamedTuple):
    """One output of the model, and what its numbers mean.

    task: "multiclass" (one of the labels), "binary" (the probability of the second of two),
        "multilabel" (any of the labels), "regression" (values), "embedding" (an array).
    labels: names of the classes, or of the values of a regression, which may have none.
    logits: whether softmax (multiclass) or sigmoid (binary, multilabel) has still to be applied.
    threshold: a binary or multilabel class counts if its probability is over this.
    target: the fitted transformer of a regression's target, which is applied inversely.
    """

    name: str
    task: Literal["multiclass", "binary", "multilabel", "regression", "embedding"]
    labels: Sequence[str]
    logits: bool
    threshold: float
    target: Mapping[str, Any] | None


class Manifest(NamedTuple):
    """`manifest.json`: what the model is, what it was made from, and the sha256 of every file.

    outputs: in the order in which the model gives them.
    engine: what serves the model: "onnx", or "keras" for one that does not compile.
    tolerance: largest difference from a golden output that still counts as the same, see
        `golden.differences`.
    notes: what `pack` found worth saying, such as repairs of a legacy file.
    """

    format: int
    name: str
    version: str
    modality: Literal["image", "text", "numeric"]
    outputs: Sequence[Output]
    engine: EngineName
    limits: Limits
    tolerance: float
    metrics: Mapping[str, float]
    provenance: Mapping[str, str]
    versions: Mapping[str, str]
    notes: Sequence[str]
    files: Mapping[str, str]


class Bundle(NamedTuple):
    """One model's folder and its parsed manifest."""

    folder: Path
    manifest: Manifest

    @classmethod
    def open(cls, folder: Path) -> "Bundle":
        """Read the manifest of a bundle; raise BundleError if there is none or it does not fit."""
        try:
            fields = orjson.loads((folder / "manifest.json").read_bytes())
            if fields["format"] != FORMAT:
                raise BundleError(
                    f"{folder}: expected a bundle of format {FORMAT}, got {fields['format']}:"
                    " pack it again"
                )
            limits = Limits(**fields.pop("limits"))
            outputs = [Output(**output) for output in fields.pop("outputs")]
            manifest = Manifest(**fields, limits=limits, outputs=outputs)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as exc:
            raise BundleError(f"{folder}: expected a bundle's manifest.json, got {exc!r}") from exc
        return cls(folder, manifest)

    def read(self, name: str) -> bytes:
        """The bytes of one file; raise BundleError unless they have the manifest's sha256."""
        with self._opened(name) as file:
            content = file.read()
        self._check(name, hashlib.sha256(content).hexdigest())
        return content

    def path(self, name: str) -> Path:
        """Where one file lies, under the same check; the file is not held in memory."""
        with self._opened(name) as file:
            self._check(name, hashlib.file_digest(file, "sha256").hexdigest())
        return self.folder / name

    def read_json(self, name: str) -> Any:
        """One JSON file, parsed, under the same check."""
        return orjson.loads(self.read(name))

    @contextmanager
    def _opened(self, name: str) -> Iterator[BufferedReader]:
        if name not in self.manifest.files:
            listed = ", ".join(self.manifest.files)
            raise BundleError(f"{self.folder}: expected {name}, the manifest lists {listed}")
        try:
            with (self.folder / name).open("rb") as file:
                yield file
        except OSError as exc:
            raise BundleError(f"{self.folder}: {name} cannot be read: {exc}") from exc

    def _check(self, name: str, found: str) -> None:
        expected = self.manifest.files[name]
        if found != expected:
            raise BundleError(f"{self.folder}: expected {name} of sha256 {expected}, got {found}")
