"""What the columns of a whole file do to the trainer's reader: types that change, columns that come late.

datasets.load_dataset reads JSONL in chunks of 10 MB (packaged_modules/json, chunksize 10 << 20) and fixes every
column's type from the first; a JSON array it reads at once through pandas. Types are Arrow's. What a single
object is worth is the business of `llamafactory.verdict`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Literal, TypeAlias

from studio.alpaca.rows import COLUMNS
from studio.alpaca.traps import Trap

Layout = Literal["array", "lines", "csv"]
CHUNK = 10 << 20
"""Bytes of JSONL from which the reader infers the types."""

Shape: TypeAlias = str | tuple[str, Any]
"""A value's type: "null", "text", ..., ("list", shape of its elements), ("object", {key: shape})."""

_TEXT_COLUMNS = frozenset(name for names in COLUMNS.values() for name in names) - {
    "history",
    "images",
    "videos",
    "audios",
    "kto_tag",
}
_TIMESTAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[ T]\d\d(?::\d\d(?::\d\d)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?")
CSV_NULLS = frozenset(
    (
        *("", "NA", "N/A", "n/a", "NaN", "nan", "-NaN", "-nan", "null", "NULL", "None", "#N/A", "#NA", "<NA>"),
        *("#N/A N/A", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
    )
)
"""Cells pandas reads as missing."""
_NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*")


class _Conflict(Exception):
    """Two shapes that no Arrow type holds both of."""


class ColumnSurvey:
    """Looks at the objects of one file in order and tells what its reader will stumble over.

    `see` each object once, then `finish`. Memory: one shape a column. layout: how the file holds its objects, told by
    its content, not its name. For csv, values are the cells as text.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._rows = 0
        self._shapes: dict[str, Shape] = {}
        self._first: dict[str, Shape] | None = None
        self._dates: set[str] = set()
        self._numbers: set[str] = set()
        self._told: set[tuple[str, str]] = set()
        self._wrapped: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns seen so far, in order of appearance."""
        return tuple(self._shapes)

    def see(self, obj: Mapping[str, Any], offset: int = 0) -> list[Trap]:
        """The traps that show with this object, each kind of trap once a column. offset: its place in bytes."""
        self._rows += 1
        if self._rows == 1:
            self._wrapped = next((key for key, value in obj.items() if _holds_rows(value)), "")
        if self._layout == "csv":
            return self._see_cells(obj, offset)
        if self._first is None and self._layout == "lines" and offset > CHUNK:
            # The line that begins exactly at the end of a chunk is still read with it.
            self._first = dict(self._shapes)
        found: list[Trap] = []
        shapes = self._shapes
        for name, value in obj.items():
            known = shapes.get(name)
            if value.__class__ is str:
                if known == "text" and name not in self._dates:
                    continue
                self._see_date(name, value, known, offset, found)
                shape: Shape = "text"
            else:
                try:
                    shape = _shape(value)
                except _Conflict as conflict:
                    self._tell(found, _mixed(name, f"a list of {conflict}", offset))
                    continue
            if shape != known:
                self._see_shape(name, known, shape, offset, found)
        return found

    def _see_date(self, name: str, value: str, known: Shape | None, offset: int, found: list[Trap]) -> None:
        """Keep in mind which columns hold nothing but dates; only lines are read by Arrow, which converts them."""
        if self._layout != "lines":
            return
        dated = _is_timestamp(value)
        if known in (None, "null") and dated and self._first is None:
            self._dates.add(name)
        elif not dated and name in self._dates:
            self._dates.discard(name)
            if self._first is not None:
                said = "the first 10 MB hold nothing but dates, so that the reader expects dates; here is another text"
                self._tell(found, Trap("dates-first", "aborts", said, _ARRAY, name, offset))

    def _see_shape(self, name: str, known: Shape | None, shape: Shape, offset: int, found: list[Trap]) -> None:
        first = self._first
        if first is not None and name not in first:
            said = "the column appears after the first 10 MB, from which the reader takes the columns"
            self._tell(found, Trap("late-column", "aborts", said, _ARRAY, name, offset))
        elif first is not None and _widens(first[name], shape):
            said = "the column is null or empty in the first 10 MB, and its type is taken from there"
            self._tell(found, Trap("null-first", "aborts", said, _ARRAY, name, offset))
        try:
            self._shapes[name] = shape if known is None else _merged(known, shape)
        except _Conflict as conflict:
            self._tell(found, _mixed(name, f"{conflict} in different rows", offset))

    def _see_cells(self, obj: Mapping[str, Any], offset: int) -> list[Trap]:
        found: list[Trap] = []
        for name, cell in obj.items():
            if name not in self._shapes:
                self._shapes[name] = "text"
                self._numbers.add(name)
            if cell in CSV_NULLS:
                if cell and name in _TEXT_COLUMNS:
                    said = f'the cell "{cell}" is read as null, not as text'
                    cure = "Export as JSON or JSONL."
                    self._tell(found, Trap("csv-null", "loses", said, cure, name, offset))
            elif name in self._numbers and not _NUMBER.fullmatch(str(cell)):
                self._numbers.discard(name)
            elif name in self._numbers:
                self._told.add(("a number", name))
        return found

    def _tell(self, found: list[Trap], trap: Trap) -> None:
        if (trap.code, trap.column) not in self._told:
            self._told.add((trap.code, trap.column))
            found.append(trap)

    def finish(self) -> list[Trap]:
        """The traps that only the whole file shows."""
        if not self._rows:
            return [Trap("no-rows", "aborts", "the file holds no row", "Leave it out, or write rows into it.")]
        if self._rows == 1 and self._wrapped and not _TEXT_COLUMNS & self._shapes.keys():
            said = (
                f'the rows are inside an object, under "{self._wrapped}"; the trainer sees one row of strange columns'
            )
            return [Trap("wrapper", "aborts", said, "Import the file and export it, or keep the list alone.")]
        traps = [
            Trap(
                "dates", _date_effect(name), "every value looks like a date, and the reader makes it one", _ARRAY, name
            )
            for name in self._shapes
            if name in self._dates and name in _TEXT_COLUMNS
        ]
        for name in self._shapes:
            if name in self._numbers & _TEXT_COLUMNS and ("a number", name) in self._told:
                said = "every cell looks like a number, and the reader makes it one"
                traps.append(Trap("csv-numbers", _date_effect(name), said, "Export as JSON or JSONL.", name))
        return traps


_ARRAY = "Export as a JSON array: it is read at once, and text stays text."


def _date_effect(name: str) -> Literal["aborts", "loses"]:
    """An answer that is no text drops its row; anything else that is no text stops the run."""
    return "loses" if name in ("output", "chosen", "rejected") else "aborts"


def _is_timestamp(text: str) -> bool:
    """Whether Arrow's JSON reader takes the text for a timestamp of whole seconds."""
    if len(text) < 10 or text[4] != "-" or not (hit := _TIMESTAMP.fullmatch(text)):
        return False
    try:
        date(int(hit[1]), int(hit[2]), int(hit[3]))
    except ValueError:
        return False
    return True


def _holds_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value[:3])


def _mixed(name: str, found: str, offset: int) -> Trap:
    said = f"holds {found}; the reader takes one type a column"
    return Trap("mixed-types", "aborts", said, "Bring all values to one type.", name, offset)


def _shape(value: Any) -> Shape:
    """The type of a value. Raises _Conflict for a list of different types."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "number"
        case str():
            return "text"
        case list():
            inner: Shape = "null"
            for one in value:
                inner = _merged(inner, _shape(one))
            return ("list", inner)
        case _:
            return ("object", {key: _shape(part) for key, part in value.items()})


def _merged(left: Shape, right: Shape) -> Shape:
    """The shape that holds both. Raises _Conflict with the two in words."""
    if left == right or right == "null":
        return left
    if left == "null":
        return right
    if isinstance(left, tuple) and isinstance(right, tuple) and left[0] == right[0]:
        if left[0] == "list":
            return ("list", _merged(left[1], right[1]))
        keys = dict.fromkeys((*left[1], *right[1]))
        return ("object", {key: _merged(left[1].get(key, "null"), right[1].get(key, "null")) for key in keys})
    raise _Conflict(f"{_words(left)} and {_words(right)}")


def _words(shape: Shape) -> str:
    if isinstance(shape, str):
        return shape
    return f"a list of {_words(shape[1])}" if shape[0] == "list" else "an object"


def _widens(first: Shape, later: Shape) -> bool:
    """Whether later needs more than the type inferred from the first chunk can hold."""
    if later == "null":
        return False
    if first == "null":
        return True
    if isinstance(first, tuple) and isinstance(later, tuple) and first[0] == later[0]:
        if first[0] == "list":
            return _widens(first[1], later[1])
        return any(_widens(first[1].get(key, "null"), part) for key, part in later[1].items())
    return False
