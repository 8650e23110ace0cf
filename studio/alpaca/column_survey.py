"""What the columns of a whole file do to the trainer's reader: types that change, columns that come late.

datasets.load_dataset reads JSONL in chunks of 10 MB (packaged_modules/json, chunksize 10 << 20) and fixes every
column's type from the first; a JSON array it reads at once through pandas. Types are Arrow's. What a single
object is worth is the business of `llamafactory.verdict`.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Literal, TypeAlias

from studio.alpaca.rows import COLUMNS
from studio.alpaca.traps import Trap

Layout = Literal["array", "lines", "csv", "typed"]
"""typed: the file itself says what type each column has (Parquet, Arrow), and nothing is inferred."""
CHUNK = 10 << 20
"""Bytes of JSONL from which the reader infers the types."""
CSV_CHUNK = 10_000
"""Rows of CSV from which it does."""

Shape: TypeAlias = str | tuple[str, Any]
"""A value's type: "null", "text", ..., ("list", shape of its elements), ("object", {key: shape}).

"date" is a text that Arrow makes a timestamp, as long as all texts of its place look so.
"""

_TEXT_COLUMNS = frozenset(name for names in COLUMNS.values() for name in names) - {
    "history",
    "images",
    "videos",
    "audios",
    "kto_tag",
}
_TIMESTAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[ T]\d\d(?::\d\d(?::\d\d)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?", re.ASCII)
CSV_NULLS = frozenset(
    (
        *("", "NA", "N/A", "n/a", "NaN", "nan", "-NaN", "-nan", "null", "NULL", "None", "#N/A", "#NA", "<NA>"),
        *("#N/A N/A", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
    )
)
"""Cells pandas reads as missing."""
_NUMBER = re.compile(r"\s*[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?)\s*", re.IGNORECASE | re.ASCII)


class _Conflict(Exception):
    """Two shapes that no one Arrow type can hold."""


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
        self._told: set[tuple[str, str]] = set()
        self._wrapped: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns seen so far, in order of appearance."""
        return tuple(self._shapes)

    @property
    def converted(self) -> dict[str, str]:
        """Columns whose texts the reader converts, and what it makes of them: "date", "number" or "truth value"."""
        if self._layout == "csv":
            return {name: str(shape) for name, shape in self._shapes.items() if shape in ("number", "truth value")}
        return {name: "date" for name, shape in self._shapes.items() if _holds_dates(shape)}

    @property
    def keys(self) -> dict[str, tuple[str, ...]]:
        """The keys of the objects in a column, for columns of objects and of lists of them."""
        inner = {name: shape[1] if shape[0] == "list" else shape for name, shape in self._shapes.items()}
        return {name: tuple(shape[1]) for name, shape in inner.items() if shape[0] == "object"}

    def see(self, obj: Mapping[str, Any], offset: int = 0) -> list[Trap]:
        """The traps that this object shows first, each kind of trap once a column. offset: its place in bytes."""
        self._rows += 1
        if self._rows == 1:
            self._wrapped = next((key for key, value in obj.items() if _holds_rows(value)), "")
        if self._layout == "csv":
            return self._see_cells(obj, offset)
        if self._layout == "typed":
            if self._rows == 1:
                self._shapes = dict.fromkeys(obj, "null")
            return []
        if self._first is None and self._layout == "lines" and offset > CHUNK:
            # The line that begins exactly at the end of a chunk is still read with it.
            self._first = dict(self._shapes)
        found: list[Trap] = []
        shapes, lines = self._shapes, self._layout == "lines"
        for name, value in obj.items():
            known = shapes.get(name)
            if value.__class__ is str:
                if known == "text":
                    continue
                shape: Shape = "date" if lines and _is_timestamp(value) else "text"
            else:
                try:
                    shape = _shape(value, lines)
                except _Conflict as conflict:
                    self._tell(found, _mixed(name, f"a list of {conflict}", offset))
                    continue
            if shape != known:
                self._see_shape(name, known, shape, offset, found)
                if lines and shape[0] in ("list", "object") and _garbles(known or "null", value):
                    said = "a list begins with null before any row told what it holds; the reader garbles the column"
                    self._tell(found, Trap("null-in-list", "aborts", said, "Take the null out.", name, offset))
        return found

    def _see_shape(self, name: str, known: Shape | None, shape: Shape, offset: int, found: list[Trap]) -> None:
        first = self._first
        if first is not None and name not in first:
            said = "the column appears after the first 10 MB, from which the reader takes the columns"
            self._tell(found, Trap("late-column", "aborts", said, ARRAY, name, offset))
        elif first is not None and (narrow := _narrowed(first[name], shape)):
            said = f"the first 10 MB hold nothing but {narrow}, and the type is taken from there; here is another value"
            code = "dates-first" if narrow == "dates" else "null-first"
            self._tell(found, Trap(code, "aborts", said, ARRAY, name, offset))
        try:
            self._shapes[name] = shape if known is None else _merged(known, shape)
        except _Conflict as conflict:
            self._tell(found, _mixed(name, f"{conflict} in different rows", offset))

    def _see_cells(self, obj: Mapping[str, Any], offset: int) -> list[Trap]:
        if self._rows == CSV_CHUNK + 1:
            self._first = dict(self._shapes)
        found: list[Trap] = []
        for name, cell in obj.items():
            known = self._shapes.setdefault(name, "null")
            if cell in CSV_NULLS:
                if cell:
                    said = f'the cell "{cell}" is read as null, not as text'
                    self._tell(found, Trap("csv-null", "loses", said, "Export as JSON or JSONL.", name, offset))
                continue
            kind = "text" if known == "text" else _cell_kind(str(cell))
            self._shapes[name] = kind if known in ("null", kind) else "text"
            if kind == "text" and self._first is not None and (narrow := _NARROW.get(str(self._first[name]))):
                said = f"the first 10,000 rows hold nothing but {narrow}, and the reader expects no text; here is one"
                self._tell(found, Trap("cells-first", "aborts", said, "Export as JSON or JSONL.", name, offset))
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
        return []


ARRAY = "Export as a JSON array: it is read at once, and text stays text."
_NARROW = {"null": "empty cells", "number": "numbers", "truth value": "true and false"}


def _cell_kind(cell: str) -> str:
    """What pandas makes of a cell that is not missing, if the whole column is of that kind."""
    if _NUMBER.fullmatch(cell):
        return "number"
    return "truth value" if cell.lower() in ("true", "false") else "text"


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


def _shape(value: Any, lines: bool) -> Shape:
    """The type of a value; in lines dates are found, elsewhere NaN is null. Raises _Conflict for a mixed list."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "number" if lines or value == value else "null"
        case str():
            return "date" if lines and _is_timestamp(value) else "text"
        case list():
            inner: Shape = "null"
            for one in value:
                inner = _merged(inner, _shape(one, lines))
            return ("list", inner)
        case _:
            return ("object", {key: _shape(part, lines) for key, part in value.items()})


def _merged(left: Shape, right: Shape) -> Shape:
    """The shape that holds both. Raises _Conflict with the two in words."""
    if left == right or right == "null":
        return left
    if left == "null":
        return right
    if (left, right) in (("date", "text"), ("text", "date")):
        return "text"
    if isinstance(left, tuple) and isinstance(right, tuple) and left[0] == right[0]:
        if left[0] == "list":
            return ("list", _merged(left[1], right[1]))
        keys = dict.fromkeys((*left[1], *right[1]))
        return ("object", {key: _merged(left[1].get(key, "null"), right[1].get(key, "null")) for key in keys})
    raise _Conflict(f"{_words(left)} and {_words(right)}")


def _words(shape: Shape) -> str:
    if isinstance(shape, str):
        return "text" if shape == "date" else shape
    return f"a list of {_words(shape[1])}" if shape[0] == "list" else "an object"


def _garbles(known: Shape, value: Any) -> bool:
    """Whether PyArrow's reader of lines loses an element: in a list that begins with null where no type is known yet.

    Seen from version 19 to 26; the list then holds texts of other rows, or the reader crashes.
    """
    if isinstance(value, dict):
        parts = known[1] if isinstance(known, tuple) and known[0] == "object" else {}
        return any(_garbles(parts.get(key, "null"), part) for key, part in value.items())
    if not isinstance(value, list):
        return False
    inner: Shape = known[1] if isinstance(known, tuple) and known[0] == "list" else "null"
    if inner == "null" and len(value) > 1 and value[0] is None:
        return True
    for one in value:
        if _garbles(inner, one):
            return True
        with contextlib.suppress(_Conflict):  # a conflict is told as a trap of its own
            inner = _merged(inner, _shape(one, True))
    return False


def _holds_dates(shape: Shape) -> bool:
    if isinstance(shape, str):
        return shape == "date"
    return _holds_dates(shape[1]) if shape[0] == "list" else any(map(_holds_dates, shape[1].values()))


def _narrowed(first: Shape, later: Shape) -> Literal["", "nulls and empty lists", "dates"]:
    """What the first chunk has at this place, such as "dates", if that type cannot hold the later values; else ""."""
    if later == "null":
        return ""
    if first == "null":
        return "nulls and empty lists"
    if first == "date" and later == "text":
        return "dates"
    if isinstance(first, tuple) and isinstance(later, tuple) and first[0] == later[0]:
        if first[0] == "list":
            return _narrowed(first[1], later[1])
        found = (_narrowed(first[1].get(key, "null"), part) for key, part in later[1].items())
        return next(filter(None, found), "")
    return ""
