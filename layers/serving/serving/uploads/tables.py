"""CSV and JSON lines to instances, as they are read."""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import orjson

from serving.errors import (
    InvalidInput,
    MalformedInput,
    UnfitInput,
    UnsupportedMedia,
    describe,
    shorten,
)
from serving.predictor import AnyPredictor
from serving.storage import Location, Stored
from serving.tables import check_header, read_column
from serving.uploads.kinds import decompressed
from serving.uploads.lines import Lines
from serving.uploads.rows import Row, Rows

_TEXT = "text"  # the column, or the field of a JSON object, that holds a row's text
_BINARY = (b"PK\x03\x04", b"PAR1", b"\xd0\xcf\x11\xe0", b"\xff\xfe", b"\xfe\xff")
_BOM = b"\xef\xbb\xbf"

type Read = Iterator[Row | None]
type Convert = Callable[[Sequence[Any]], list[Any]]


@contextmanager
def opened(
    where: Location, stored: Stored, predictor: AnyPredictor, position: int
) -> Iterator[Rows]:
    """The rows of a table behind a position in its content, 0 or one that `Rows` had.

    Its first bytes decide whether it is compressed, and whether it is CSV or JSON lines.
    Raises MalformedInput, UnsupportedMedia or UnfitInput for what is no table of this model's.
    """
    with decompressed(where, stored) as file:
        lines = Lines(file, 0)
        read = _choose(file.peek(), where.key, lines, predictor)
        if position <= lines.position:
            yield read(lines)
            return
    with decompressed(where, stored, position) as file:
        yield read(Lines(file, position))


def _rows(lines: Lines, read: Read, convert: Convert) -> Rows:
    return Rows(read, lambda: lines.position, lambda: lines.position, convert)


def _choose(
    beginning: bytes, key: str, lines: Lines, predictor: AnyPredictor
) -> Callable[[Lines], Rows]:
    """How to read the lines behind the header, which is read here if there is one."""
    first = beginning.removeprefix(_BOM).lstrip().partition(b"\n")[0]
    if beginning.startswith(_BINARY) or b"\x00" in first:
        raise UnsupportedMedia(
            "expected CSV or JSON lines in UTF-8, got a binary file, or another encoding"
        )
    if not first:
        raise MalformedInput("expected CSV or JSON lines, got an empty file, or blank lines")
    modality = predictor.manifest.modality
    if _is_json(first, key, set(predictor.features) or {_TEXT}):
        return lambda lines: _rows(lines, _read_json(lines, modality), list)
    header: Any = next(filter(None, _read_csv(lines, lambda cells: cells)), Row([])).instance
    if isinstance(header, InvalidInput):
        raise header
    check_header(header)
    parse = _PARSERS[modality](header, predictor)
    convert = partial(_convert, kinds=list(predictor.features.values()))
    return lambda lines: _rows(lines, _read_csv(lines, parse), convert)


def _is_json(first: bytes, key: str, columns: set[str]) -> bool:
    """Whether a file that begins with this line holds JSON, whatever it is called.

    A file that is called JSON is CSV only if a column's name stands in a line that is no JSON.
    """
    if first[:1] in (b"{", b"["):
        return True
    if not key.lower().endswith((".jsonl", ".jsonl.gz")):
        return False
    try:
        orjson.loads(first)
    except orjson.JSONDecodeError:
        cells = first.decode("utf-8", "replace").split(",")
        return columns.isdisjoint(cell.strip(' "\r') for cell in cells)
    return True


def _read_csv(lines: Lines, parse: Callable[[list[str]], Any]) -> Read:
    """What `parse` makes of every row, or the InvalidInput that it is; None of a blank line."""
    reader = csv.reader(lines, strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as exc:
            yield Row(
                lines.take_fault()
                or MalformedInput(f"expected CSV, got what does not parse: {exc}")
            )
            continue
        fault = lines.take_fault()
        if fault:
            yield Row(fault)
        elif len(cells) > 1 or any(map(str.strip, cells)):
            yield Row(_attempt(parse, cells))
        else:
            yield None


def _read_json(lines: Lines, modality: str) -> Read:
    for line in lines:
        fault = lines.take_fault()
        if fault:
            yield Row(fault)
        elif line.strip():
            yield Row(_attempt(_JSON[modality], line))
        else:
            yield None


def _attempt(parse: Callable[[Any], Any], value: Any) -> Any:
    try:
        return parse(value)
    except InvalidInput as exc:
        return exc


def _convert(rows: Sequence[Any], kinds: Sequence[str]) -> list[Any]:
    """Cells to values, column by column, which takes half the time; texts are none."""
    if not kinds or not rows:
        return list(rows)
    columns = zip(zip(*rows, strict=True), kinds, strict=True)
    return list(zip(*(read_column(cells, kind) for cells, kind in columns), strict=True))


def _numbers(header: Sequence[str], predictor: AnyPredictor) -> Callable[[list[str]], list[str]]:
    """A row's cells in the model's order; raise UnfitInput for another model's columns."""
    names = list(predictor.features)
    missing = [name for name in names if name not in header]
    unknown = [name for name in header if name not in predictor.features]
    if missing or unknown:
        parts = [f"missing: {shorten(', '.join(missing))}"] if missing else []
        parts += [f"unknown: {shorten(', '.join(unknown))}"] if unknown else []
        raise UnfitInput(f"expected {len(names)} columns, got {len(header)} ({'; '.join(parts)})")
    places = [header.index(name) for name in names]

    def parse(cells: list[str]) -> list[str]:
        _check_width(cells, header)
        return [cells[place] for place in places]

    return parse


def _texts(header: Sequence[str], _: AnyPredictor) -> Callable[[list[str]], str]:
    """Cells to the one that is the text."""
    if _TEXT not in header and len(header) > 1:
        raise UnfitInput(
            f"expected a column {_TEXT!r}, or one column alone, got {shorten(', '.join(header))}"
        )
    column = header.index(_TEXT) if _TEXT in header else 0

    def parse(cells: list[str]) -> str:
        _check_width(cells, header)
        return cells[column]

    return parse


def _check_width(cells: Sequence[str], header: Sequence[str]) -> None:
    if len(cells) != len(header):
        raise MalformedInput(f"expected {len(header)} cells as in the header, got {len(cells)}")


def _parse_json(line: str) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as exc:
        raise MalformedInput(f"expected JSON, got what does not parse: {exc}") from exc


def _parse_json_text(line: str) -> Any:
    value = _parse_json(line)
    if not isinstance(value, dict):
        return value
    if _TEXT not in value:
        raise UnfitInput(f"expected a string or an object with {_TEXT!r}, got {describe(value)}")
    return value[_TEXT]


_PARSERS: dict[str, Callable[[Sequence[str], AnyPredictor], Callable[[list[str]], Any]]] = {
    "numeric": _numbers,
    "text": _texts,
}
_JSON: dict[str, Callable[[str], Any]] = {"numeric": _parse_json, "text": _parse_json_text}
