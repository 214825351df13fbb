"""Bring the answer to an object in line with the object's last version.

An event says only where to look: events come twice, late and in any order. What is there then
decides, and what is written is written in place of what was there, or not at all. So whoever
comes last leaves the right answer, and who comes again finds nothing to do.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from serving import storage, telemetry
from serving.errors import InvalidInput
from serving.events import problems
from serving.predictor import AnyPredictor
from serving.storage import Changed, Location, Stored
from serving.uploads import answers, archives, kinds, progress, tables
from serving.uploads.answers import Places, Stamp
from serving.uploads.documents import predict_document
from serving.uploads.progress import Draft
from serving.uploads.rows import OpenRows, answer_rows

ROUNDS = 5  # of an object that changes while it is answered; then its event is tried later

_ROWS: dict[str, OpenRows] = {
    "image": archives.opened,
    "text": tables.opened,
    "numeric": tables.opened,
}


class Unsettled(Exception):
    """An object changed each time that it was answered: the event is to be tried again."""


@dataclass(frozen=True)
class Work:
    """One object to answer, and what it takes.

    request_id: names the invocation in a problem. seconds_left: of the invocation.
    """

    source: Location
    predictor: AnyPredictor
    request_id: str
    seconds_left: Callable[[], float]


def reconcile(work: Work) -> bool:
    """Answer an object; returns False if there is more to do than there is time for.

    The results bucket has then one answer to it, or none if there is no object any more.
    Raises Unsettled, BundleError and botocore's errors, all of which a retry may mend.
    """
    if work.source.key.endswith("/"):  # what the console makes of a folder
        return True
    places = answers.places(
        os.environ["RESULTS_BUCKET"],
        work.source.key,
        kinds.has_rows(work.source.key, work.predictor.manifest.modality),
    )
    for _ in range(ROUNDS):
        try:
            settled = _settle(work, places)
        except Changed as exc:
            telemetry.logger.info("changed meanwhile", key=work.source.key, reason=str(exc))
            continue
        if settled is None:
            return False
        if settled:
            return True
    raise Unsettled(f"{work.source.key} changed {ROUNDS} times while it was answered")


def _settle(work: Work, places: Places) -> bool | None:
    """One round; whether its answer alone was there at the end, None if out of time."""
    # The answers first: what is written in place of one is then made from what is no older.
    result, error = _find(work, places.result), _find(work, places.error)
    stored = _look(work.source)
    if stored is None:
        _clean(places, result, error)
        return _look(work.source) is None
    stamp = Stamp.of(work.source, stored, work.predictor)
    if stamp.matches(result):
        _clean(places, None, error)
        return error is None
    if stamp.matches(error):
        _clean(places, result, None)
        return result is None
    try:
        if not _predict(work, stamp, places, result):
            return None
        other = places.error
    except InvalidInput as exc:
        _refuse(work, stamp, places, error, exc)
        other = places.result
    _clean(places, None, None)
    return _find(work, other) is None and _look(work.source) == stored


def _look(source: Location) -> Stored | None:
    """The object to answer; none, if it is an answer itself."""
    stored = storage.head(source)
    if stored is None:
        telemetry.logger.info("object is gone", key=source.key)
    elif answers.is_answer(stored):
        telemetry.logger.warning("an answer is no input", key=source.key)
        return None
    return stored


def _find(work: Work, place: Location) -> Stored | None:
    """What is at a place; nothing, if it is an upload in a bucket that holds answers too: that is
    not to be overwritten, nor removed.
    """
    stored = storage.head(place)
    foreign = stored is not None and not answers.is_answer(stored)
    return None if foreign and place.bucket == work.source.bucket else stored


def _predict(work: Work, stamp: Stamp, places: Places, over: Stored | None) -> bool:
    """Write the result; returns whether all of it is there."""
    if places.unfinished is not None:
        draft = Draft(stamp, places.result, over, places.unfinished)
        open_rows = _ROWS[work.predictor.manifest.modality]
        return answer_rows(draft, work.predictor, open_rows, work.seconds_left)
    document = predict_document(stamp, work.predictor)
    body = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
    storage.write(places.result, body, stamp.described("application/json", "predicted"), over)
    return True


def _refuse(
    work: Work, stamp: Stamp, places: Places, over: Stored | None, exc: InvalidInput
) -> None:
    problem = {"source": stamp.describe(), **problems.record(exc, work.request_id)}
    described = stamp.described(problems.CONTENT_TYPE, "refused")
    storage.write(places.error, orjson.dumps(problem), described, over)


def _clean(places: Places, result: Stored | None, error: Stored | None) -> None:
    """Remove answers that are none any more, and what is left of making one."""
    answers.remove(places.result, result)
    answers.remove(places.error, error)
    if places.unfinished is not None:
        progress.forget(places.unfinished, places.result)
