"""How far the answer to a file of rows is: its parts, and what the results bucket keeps of it."""

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from serving import storage
from serving.storage import Location, Part, Stored
from serving.uploads.answers import Stamp, remove

CONTENT_TYPE = "application/x-ndjson"


@dataclass(frozen=True)
class Draft:
    """An answer in the making: from what, to where, in place of which that was found there, and
    where its progress is kept.
    """

    stamp: Stamp
    result: Location
    over: Stored | None
    unfinished: Location


@dataclass
class Progress:
    """What is done of a draft.

    upload, parts: the parts of the answer that are written. pending: lines that are not.
    position: in the file. rows, errors: done so far.
    """

    upload: str | None = None
    parts: list[Part] = field(default_factory=list)
    pending: bytes = b""
    position: int = 0
    rows: int = 0
    errors: int = 0


def resume(draft: Draft) -> Progress:
    """What an earlier invocation left of just this draft, if its parts are still there, or none.

    Raises Changed if another invocation is at it.
    """
    stored = storage.head(draft.unfinished)
    if stored is None or not draft.stamp.matches(stored):
        return Progress()
    progress = _parse(orjson.loads(storage.read(draft.unfinished, stored)))
    if progress.upload is None or progress.upload in storage.begun(draft.result):
        return progress
    return Progress()


def keep(progress: Progress, draft: Draft) -> None:
    """Leave it for whoever continues."""
    fields = asdict(progress) | {"pending": base64.b64encode(progress.pending).decode()}
    described = draft.stamp.described("application/json", "unfinished")
    storage.put(draft.unfinished, orjson.dumps(fields), described)


def write_part(progress: Progress, draft: Draft) -> None:
    """Write what is pending; raise Changed if the parts before it are gone."""
    if progress.upload is None:
        described = draft.stamp.described(CONTENT_TYPE, "predicted")
        progress.upload = storage.begin_parts(draft.result, described)
    number = len(progress.parts) + 1
    part = storage.write_part(draft.result, progress.upload, number, progress.pending)
    progress.parts.append(part)
    progress.pending = b""


def finish(progress: Progress, draft: Draft) -> None:
    """Make it the answer; raise Changed if another is there than the one that was found.

    The last part is not kept: whoever comes after a crash has to write it again, and once.
    """
    if progress.upload is None:
        described = draft.stamp.described(CONTENT_TYPE, "predicted")
        storage.write(draft.result, progress.pending, described, draft.over)
        return
    write_part(progress, draft)
    storage.finish_parts(draft.result, progress.upload, progress.parts, draft.over)


def give_up(progress: Progress, draft: Draft) -> None:
    """Drop the parts, which may not survive a failed attempt to finish; `resume` then passes over
    what is kept.
    """
    if progress.upload is not None:
        storage.forget_parts(draft.result, progress.upload)


def forget(unfinished: Location, result: Location) -> None:
    """Remove what is left of a file that is done, or will not be continued: its progress, and all
    parts, of which progress may not know if a function died or two worked on one file.
    """
    for upload in storage.begun(result):
        storage.forget_parts(result, upload)
    remove(unfinished, storage.head(unfinished))


def _parse(fields: Mapping[str, Any]) -> Progress:
    parts = [Part(**part) for part in fields["parts"]]
    return Progress(**{**fields, "parts": parts, "pending": base64.b64decode(fields["pending"])})
