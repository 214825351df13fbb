"""Files of many rows: one line of the answer for each, written as they come, in parts.

    {"source": {...}, "model": {...}}
    {"row": 1, "prediction": {...}}
    {"row": 2, "error": {"status": 422, "title": "Unprocessable Entity", "detail": "..."}}
    {"rows": 2, "predictions": 1, "errors": 1}

A picture of an archive has its "name" beside its number. Memory does not hang on the length of
the file: rows are read, predicted and written a chunk at a time. Where a chunk ends depends on the
file alone, so that whoever begins again behind one writes the same bytes. What is done is kept in
the results bucket with every part: a file that takes longer than a function may run is continued
by the next invocation, and one whose function died is, too.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson

from serving import telemetry
from serving.errors import InvalidInput, UnfitInput
from serving.events import problems
from serving.predictions import Prediction
from serving.predictor import AnyPredictor
from serving.storage import Changed, Location, Stored
from serving.uploads.progress import Draft, Progress, finish, give_up, keep, resume, write_part

PART_BYTES = 8 << 20  # S3 takes 5 MiB and more, and at most 10,000 parts: 80 GB of answers
CHUNK_BYTES = 8 << 20  # of a file; a chunk of `batch_size` large pictures would not fit in memory
MARGIN = 5.0  # seconds of an invocation that are left for writing what is done


@dataclass(frozen=True)
class Row:
    """An instance, or the InvalidInput that stands in its place; name: of a file in an archive."""

    instance: Any
    name: str | None = None


@dataclass(frozen=True)
class Rows:
    """Rows as they are read; None is a blank line, which is no row and yet takes time.

    position: how far that is, for whoever opens the file again. taken: bytes so far. convert: makes
        the instances of what stands in many rows.
    """

    rows: Iterator[Row | None]
    position: Callable[[], int]
    taken: Callable[[], int]
    convert: Callable[[Sequence[Any]], list[Any]] = list


type OpenRows = Callable[[Location, Stored, AnyPredictor, int], AbstractContextManager[Rows]]


def answer_rows(
    draft: Draft, predictor: AnyPredictor, open_rows: OpenRows, seconds_left: Callable[[], float]
) -> bool:
    """Answer a file, or as much of it as there is time for; returns whether all of it is done.

    Raises InvalidInput's kinds for a file that has no rows of this model's, and Changed if the
    object or its answer has meanwhile.
    """
    progress, stamp = resume(draft), draft.stamp
    if progress.position == 0:
        progress.pending = _line({"source": stamp.describe(), "model": stamp.model})
    try:
        with open_rows(stamp.source, stamp.stored, predictor, progress.position) as rows:
            if not _answer_chunks(progress, draft, rows, predictor, seconds_left):
                keep(progress, draft)
                return False
        if progress.rows == 0:
            raise UnfitInput("expected at least one row, got none")
        predictions = progress.rows - progress.errors
        counts = {"predictions": predictions, "errors": progress.errors}
        progress.pending += _line({"rows": progress.rows, **counts})
        finish(progress, draft)
    except Changed:
        give_up(progress, draft)
        raise
    telemetry.answered(predictions, progress.errors)
    return True


def _answer_chunks(
    progress: Progress,
    draft: Draft,
    rows: Rows,
    predictor: AnyPredictor,
    seconds_left: Callable[[], float],
) -> bool:
    """Answer chunk after chunk; False if there may be no time for another one."""
    left, slowest = seconds_left(), 0.0
    while chunk := _read_chunk(rows, predictor.manifest.limits.batch_size):
        _add(progress, [row for row in chunk if row is not None], rows.convert, predictor)
        progress.position = rows.position()
        if len(progress.pending) >= PART_BYTES:
            write_part(progress, draft)
            keep(progress, draft)
        before, left = left, seconds_left()
        slowest = max(slowest, before - left)
        if left < MARGIN + slowest:
            return False
    return True


def _read_chunk(rows: Rows, most: int) -> list[Row | None]:
    chunk, began = [], rows.taken()
    for row in islice(rows.rows, most):
        chunk.append(row)
        if rows.taken() - began >= CHUNK_BYTES:
            break
    return chunk


def _add(
    progress: Progress,
    chunk: Sequence[Row],
    convert: Callable[[Sequence[Any]], list[Any]],
    predictor: AnyPredictor,
) -> None:
    """Predict a chunk and append its lines."""
    good = [row.instance for row in chunk if not isinstance(row.instance, InvalidInput)]
    predicted = iter(_predict_each(convert(good), predictor))
    lines = [progress.pending]
    for number, row in enumerate(chunk, progress.rows + 1):
        bad = isinstance(row.instance, InvalidInput)
        answer = row.instance if bad else next(predicted)
        line: dict[str, Any] = {"row": number}
        if row.name is not None:
            line["name"] = row.name
        if isinstance(answer, InvalidInput):
            line["error"] = problems.describe(answer)
            progress.errors += 1
        else:
            line["prediction"] = answer
        lines.append(_line(line))
    progress.pending = b"".join(lines)
    progress.rows += len(chunk)


def _predict_each(
    instances: Sequence[Any], predictor: AnyPredictor
) -> list[Prediction | InvalidInput]:
    """A prediction for each instance, or what is wrong with it; together if all are right."""
    if not instances:
        return []
    try:
        result = predictor.predict(instances)
    except InvalidInput as exc:
        if len(instances) == 1:
            return [type(exc)(str(exc).removeprefix("instance 0: "))]
        half = len(instances) // 2
        return [
            *_predict_each(instances[:half], predictor),
            *_predict_each(instances[half:], predictor),
        ]
    return list(result.predictions)


def _line(document: dict[str, Any]) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE)
