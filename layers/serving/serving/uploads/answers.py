"""Where an answer is, what is stored beside it, and whether it is up to date."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from serving import storage
from serving.native import identify
from serving.predictor import AnyPredictor
from serving.storage import Described, Location, Stored

ERRORS = "errors/"
UNFINISHED = "unfinished/"
_MARK = "answer-to"  # metadata of every object that is written here


@dataclass(frozen=True)
class Places:
    """The locations of what is written for one object: one answer of the two, and of a file of
    rows how far it is, while it is being answered.
    """

    result: Location
    error: Location
    unfinished: Location | None


@dataclass(frozen=True)
class Stamp:
    """What an answer was made from: an object's version, by a model."""

    source: Location
    stored: Stored
    model: Mapping[str, str]

    @classmethod
    def of(cls, source: Location, stored: Stored, predictor: AnyPredictor) -> "Stamp":
        """Raises BundleError if there is no model."""
        return cls(source, stored, identify(predictor))

    def describe(self) -> dict[str, Any]:
        """The source as an answer names it."""
        return {
            "bucket": self.source.bucket,
            "key": self.source.key,
            "etag": self.stored.etag.strip('"'),
            "version": self.stored.version,
        }

    def metadata(self) -> dict[str, str]:
        """What tells an answer of this stamp; S3's metadata are ASCII, and 2 KB in all."""
        return {
            _MARK: hashlib.sha256(f"{self.source.bucket}/{self.source.key}".encode()).hexdigest(),
            "source-etag": self.stored.etag.strip('"'),
            "source-version": self.stored.version or "null",
            **{f"model-{name}": _ascii(value) for name, value in self.model.items()},
        }

    def described(self, content_type: str, outcome: str) -> Described:
        """outcome: a tag that a lifecycle rule can name: "predicted", "refused" or "unfinished"."""
        tags = {"outcome": outcome, "model-version": _ascii(self.model["version"])}
        return Described(content_type, self.metadata(), tags)

    def matches(self, answer: Stored | None) -> bool:
        """Whether an answer was made from just this."""
        return answer is not None and self.metadata().items() <= dict(answer.metadata).items()


def places(results: str, key: str, rows: bool) -> Places:
    """rows: whether the object's answer has a line for each row."""
    return Places(
        result=Location(results, f"{key}.json{'l' if rows else ''}"),
        error=Location(results, f"{ERRORS}{key}.json"),
        unfinished=Location(results, f"{UNFINISHED}{key}") if rows else None,
    )


def is_answer(stored: Stored) -> bool:
    """Whether an object was written here: it is no input, whatever bucket it lies in."""
    return _MARK in stored.metadata


def _ascii(text: str) -> str:
    """With an underscore for what S3 does not take in a tag."""
    return re.sub(r"[^A-Za-z0-9 +=._:/@-]", "_", text)[:256]


def remove(where: Location, stored: Stored | None) -> None:
    """Remove what was found, if anything was: deleting nothing leaves a marker in the bucket.

    Raises Changed if something else is there now.
    """
    if stored is not None:
        storage.remove(where, stored)
