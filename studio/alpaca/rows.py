"""The dataset types as typed rows.

Column names and meanings are LLaMA-Factory's alpaca format (its data/README.md). A row is immutable and holds
only text, tuples of text and one bool, so rows compare, hash and travel between rooms as values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from types import GenericAlias
from typing import Any, Literal, TypeAlias, cast

import msgspec

from studio.errors import StudioError

RowType = Literal["pretrain", "sft", "preference", "multimodal", "kto"]
ROW_TYPES: tuple[RowType, ...] = ("pretrain", "sft", "preference", "multimodal", "kto")

History: TypeAlias = tuple[tuple[str, str], ...]
Media: TypeAlias = tuple[str, ...]


class RowError(StudioError):
    """An object is not a row of the asked type.

    field: where, like "history[1][0]"; "" for the object itself.
    problem: what was expected and what was found.
    """

    title = "Broken row"

    def __init__(self, field: str, problem: str, *, hint: str = "") -> None:
        super().__init__(f"{field}: {problem}" if field else problem, hint=hint)
        self.field = field
        self.problem = problem


# gc=False: a row cannot be part of a reference cycle, and a million of them would slow every collection.
class Pretrain(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Plain text to continue training on."""

    text: str = ""


class Sft(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """One supervised exchange. history: earlier (question, answer) turns, oldest first; trained on too."""

    instruction: str = ""
    input: str = ""
    output: str = ""
    system: str = ""
    history: History = ()


class Preference(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """One prompt with a better and a worse answer (reward model, DPO, ORPO, SimPO)."""

    instruction: str = ""
    input: str = ""
    chosen: str = ""
    rejected: str = ""
    system: str = ""
    history: History = ()


class Multimodal(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A supervised exchange about media files: paths relative to the dataset folder."""

    instruction: str = ""
    input: str = ""
    output: str = ""
    images: Media = ()
    system: str = ""
    history: History = ()
    videos: Media = ()
    audios: Media = ()


class Kto(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True):
    """A supervised exchange with a verdict. kto_tag: True when the output is desirable."""

    instruction: str = ""
    input: str = ""
    output: str = ""
    system: str = ""
    history: History = ()
    kto_tag: bool


Row: TypeAlias = Pretrain | Sft | Preference | Multimodal | Kto

TYPES: dict[RowType, type[Row]] = {
    "pretrain": Pretrain,
    "sft": Sft,
    "preference": Preference,
    "multimodal": Multimodal,
    "kto": Kto,
}
_TYPE_OF: dict[type[Row], RowType] = {shape: name for name, shape in TYPES.items()}
COLUMNS: dict[RowType, tuple[str, ...]] = {name: shape.__struct_fields__ for name, shape in TYPES.items()}
"""Every column of a type, in the order it is written."""
_COLUMN_SETS = {name: frozenset(columns) for name, columns in COLUMNS.items()}
_MEDIA = ("images", "videos", "audios")

_encoder = msgspec.json.Encoder()
_decoders: dict[RowType, msgspec.json.Decoder[Any]] = {
    name: msgspec.json.Decoder(shape) for name, shape in TYPES.items()
}
_array_decoders: dict[RowType, msgspec.json.Decoder[Any]] = {
    name: msgspec.json.Decoder(GenericAlias(list, (shape,))) for name, shape in TYPES.items()
}


def kind(value: object) -> str:
    """What a JSON value is, in words for an error: "found a number"."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list() | tuple():
            return "a list" if value else "an empty list"
        case _:
            return "an object"


def type_of(row: Row) -> RowType:
    """The name of the row's dataset type."""
    return _TYPE_OF[type(row)]


def parse(type: RowType, obj: dict[str, Any]) -> tuple[Row, dict[str, Any]]:
    """The object as a row, and the keys the type does not know.

    Strict: nothing is turned into text. A missing or null text is "" (the checks flag it, so that it can be
    mended in the studio), a null or "" history is (), one media path on its own is a list of one.
    Raises RowError for a value of another type, a KTO row without a bool kto_tag, and text that cannot be
    written as UTF-8.
    """
    if not isinstance(obj, dict):
        raise RowError("", f"expected an object, found {kind(obj)}")
    known = _COLUMN_SETS[type]
    extras: dict[str, Any] = {}
    if not known.issuperset(obj):
        extras = {key: value for key, value in obj.items() if key not in known}
        obj = {key: value for key, value in obj.items() if key in known}
    if None in obj.values():
        obj = {key: value for key, value in obj.items() if value is not None}
    try:
        row = msgspec.convert(obj, TYPES[type])
    except msgspec.ValidationError:
        row = _parse_loosely(type, obj)
    try:
        for value in msgspec.structs.astuple(row):
            if value.__class__ is str:
                _ = value.isascii() or value.encode()
            elif value:
                _encoder.encode(value)
    except UnicodeEncodeError:
        raise _surrogate_error(row) from None
    return row, extras


def _parse_loosely(type: RowType, obj: dict[str, Any]) -> Row:
    """Parse after bringing the accepted variants of history and media into their one form."""
    tidy = dict(obj)
    history = tidy.get("history")
    if history == "":
        tidy["history"] = ()
    elif isinstance(history, list | tuple):
        tidy["history"] = [
            ["" if text is None else text for text in pair] if isinstance(pair, list | tuple) else pair
            for pair in history
        ]
    for name in _MEDIA:
        if isinstance(tidy.get(name), str):
            tidy[name] = (tidy[name],) if tidy[name] else ()
    try:
        return msgspec.convert(tidy, TYPES[type])
    except msgspec.ValidationError as error:
        raise _row_error(str(error)) from None


_MISSING = re.compile(r"^Object missing required field `(\w+)`")
_AT = re.compile(r"^(?P<problem>.*?)(?: - at `\$\.?(?P<field>.*)`)?$", re.DOTALL)
_KINDS = {
    "`str`": "text",
    "`object`": "an object",
    "`array`": "a list",
    "`bool`": "true or false",
    "`null`": "null",
    "`int`": "a number",
    "`float`": "a number",
}


def _row_error(text: str) -> RowError:
    """msgspec's validation message in the words of a dataset row."""
    if missing := _MISSING.match(text):
        return RowError(missing[1], "missing; expected true or false")
    parts = _AT.match(text)
    assert parts is not None  # the pattern matches every text
    problem = parts["problem"]
    for name, words in _KINDS.items():
        problem = problem.replace(name, words)
    return RowError(parts["field"] or "", problem[:1].lower() + problem[1:].replace(", got ", ", found "))


def _surrogate_error(row: Row) -> RowError:
    """Where a text holds half of a UTF-16 pair: no file can carry it, and the trainer empties the text."""
    for name in row.__struct_fields__:
        for path, text in _leaves(name, getattr(row, name)):
            try:
                text.encode()
            except UnicodeEncodeError as error:
                code = f"\\u{ord(text[error.start]):04x}"
                return RowError(path, f"lone surrogate {code} at character {error.start + 1}")
    raise AssertionError("a row that did not encode holds a lone surrogate")


def _leaves(path: str, value: str | bool | Sequence[Any]) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif not isinstance(value, bool):
        for index, part in enumerate(value):
            yield from _leaves(f"{path}[{index}]", part)


def texts(row: Row) -> list[tuple[str, str]]:
    """Every non-empty text of the row with its field path, media paths left out."""
    found: list[tuple[str, str]] = []
    for name in row.__struct_fields__:
        value = getattr(row, name)
        if value.__class__ is str:
            if value:
                found.append((name, value))
        elif value and name == "history":
            found += (leaf for leaf in _leaves(name, value) if leaf[1])
    return found


def map_texts(row: Row, change: Callable[[str], str], skipped: Collection[str] = ()) -> Row:
    """The row with each of its texts changed; media paths and the skipped columns stay as they are."""
    names = [name for name in row.__struct_fields__ if name not in _MEDIA and name not in skipped]
    return msgspec.structs.replace(row, **{name: _map_leaves(getattr(row, name), change) for name in names})


def _map_leaves(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    return value if isinstance(value, bool) else tuple(_map_leaves(part, change) for part in value)


def fields(row: Row) -> dict[str, Any]:
    """All columns of the row in the order they are written, empty ones too."""
    return msgspec.structs.asdict(row)


def encode(row: Row) -> bytes:
    """The row as compact JSON for the store."""
    return _encoder.encode(row)


def decode(type: RowType, encoded: bytes | str) -> Row:
    """The row `encode` wrote. Raises RowError when the bytes are not a row of this type."""
    try:
        return cast(Row, _decoders[type].decode(encoded))
    except msgspec.DecodeError as error:
        raise _row_error(str(error)) from None


def answers(row: Row) -> tuple[str, ...]:
    """What the row teaches to answer: the output, or chosen and rejected; nothing for pretrain rows."""
    match row:
        case Pretrain():
            return ()
        case Preference():
            return (row.chosen, row.rejected)
        case _:
            return (row.output,)


def array_decoder(type: RowType) -> Callable[[bytes], list[Row]]:
    """A decoder of a JSON array of rows, as strict as `decode`: no unknown keys, no nulls."""
    return _array_decoders[type].decode


def one_decoder(type: RowType) -> Callable[[bytes], Row]:
    """A decoder of one JSON object, straight to a row; raises msgspec.DecodeError where `parse` must look."""
    return _decoders[type].decode


def prompt_text(row: Row) -> str:
    """What the trainer shows the model as the user's turn: instruction and input, the empty one left out.

    For pretrain rows the text itself.
    """
    if isinstance(row, Pretrain):
        return row.text
    return "\n".join(part for part in (row.instruction, row.input) if part)
