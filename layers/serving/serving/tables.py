"""CSV to rows by name."""

import csv
import io
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from serving.errors import InputTooLarge, MalformedInput, shorten

LONGEST = len("-9223372036854775808")  # the characters of an integer that int64 holds
_PLAIN = re.compile(r"[0-9.+-]*")  # cells of these `float` reads as a table means them


def read_csv(text: str, kinds: Mapping[str, str], max_rows: int) -> Iterator[dict[str, Any]]:
    """Rows of a table with a header, as they are read.

    kinds: "number", "category", "boolean", "int32" or "int64" by column. A number is what `float`
        reads of ASCII digits; a cell that is none is given back as it is, for preprocessing to
        refuse. An empty cell is None, blank lines are left out.
    Raises MalformedInput for what is no table and InputTooLarge after `max_rows` rows.
    """
    try:
        lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        filled = (cells for cells in lines if len(cells) > 1 or any(map(str.strip, cells)))
        header = next(filled, [])
        check_header(header)
        for count, cells in enumerate(filled):
            if count == max_rows:
                raise InputTooLarge(f"expected at most {max_rows} rows, got more")
            yield _row(header, cells, lines.line_num, kinds)
    except csv.Error as exc:
        raise MalformedInput(f"expected CSV, got what does not parse: {exc}") from exc


def check_header(header: Sequence[str]) -> None:
    """Raise MalformedInput for a name that stands twice."""
    if len(set(header)) < len(header):
        twice = next(name for name in header if list(header).count(name) > 1)
        raise MalformedInput(f"expected every column once, got {shorten(twice)!r} more than once")


def read_column(cells: Sequence[str], kind: str) -> list[Any]:
    """The values of a feature of that kind, as `read_csv` reads one cell after the other."""
    if kind == "number" and _PLAIN.fullmatch("".join(cells)):
        try:
            return [float(cell) if cell else None for cell in cells]
        except ValueError:  # such as 1-2
            pass
    return list(map(_PARSERS[kind], cells))


def _row(
    header: list[str], cells: list[str], line: int, kinds: Mapping[str, str]
) -> dict[str, Any]:
    if len(cells) != len(header):
        raise MalformedInput(
            f"line {line}: expected {len(header)} cells as in the header, got {len(cells)}"
        )
    return {
        name: _PARSERS[kinds.get(name, "category")](cell)
        for name, cell in zip(header, cells, strict=True)
    }


def _number(cell: str) -> float | str | None:
    if not cell.strip():
        return None
    if "_" in cell or not cell.isascii():  # which `float` reads, and no table means
        return cell
    try:
        number = float(cell)
    except ValueError:
        return cell
    return number if math.isfinite(number) else cell


def _whole(cell: str) -> float | str | None:
    """An integer with all its digits, of which a float keeps 15; else what `_number` gives."""
    digits = cell.strip()
    if len(digits) <= LONGEST and digits.isascii() and digits.removeprefix("-").isdecimal():
        return int(digits)
    return _number(cell)


def _boolean(cell: str) -> bool | str | None:
    """What `str(True)`, JSON and spreadsheets write; another cell as it is."""
    return {"": None, "true": True, "false": False}.get(cell.strip().lower(), cell)


def _category(cell: str) -> str | None:
    return cell or None


_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "number": _number,
    "boolean": _boolean,
    "category": _category,
    "int32": _whole,
    "int64": _whole,
}
