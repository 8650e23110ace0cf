"""Rows as the objects of an export file: every object has the same columns, each always of the same type.

The trainer reads JSON through Arrow, which infers a column's type from its first rows: a column of nothing
but empty lists, or one that comes and goes, breaks a large file. So one pass over the rows decides the
columns, and a second one makes the objects; neither holds the rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Literal

from studio.alpaca.column_survey import Shape
from studio.alpaca.rows import COLUMNS, Pretrain, Row, RowType, prompt_text

Formatting = Literal["alpaca", "sharegpt", "openai"]
"""The trainer's word for the form of a file. Pretrain rows are a column of text in each of them."""

OPTIONAL = ("system", "history", "images", "videos", "audios")
"""Columns that are left out of a file when they are empty in all of its rows."""

TURNS_COLUMN = {"sharegpt": "conversations", "openai": "messages"}
_TURNS_OF = {
    # role key, text key, and what the system, the user and the assistant are called
    "sharegpt": ("from", "value", "system", "human", "gpt"),
    "openai": ("role", "content", "system", "user", "assistant"),
}
_MERGED = {"instruction", "input", "output", "system", "history"}
_ANSWERS = {"chosen", "rejected"}


def filled(row: Row) -> set[str]:
    """The optional columns the row has something in."""
    return {name for name in OPTIONAL if getattr(row, name, None)}


def columns_of(type: RowType, filled: Collection[str]) -> tuple[str, ...]:
    """The columns of a file of rows that fill these optional ones between them, in the order they are written."""
    return tuple(name for name in COLUMNS[type] if name in filled or name not in OPTIONAL)


def export_object(row: Row, columns: Iterable[str], formatting: Formatting = "alpaca") -> dict[str, Any]:
    """The row as an object of a file with these columns (those of its type that the file has).

    Tuples become lists, as the trainer's reader gives them back. In sharegpt and openai, instruction and input are one
    turn, as they are for the trainer, and the history comes before it. OpenAI has the system prompt as a message.
    """
    if formatting == "alpaca" or isinstance(row, Pretrain):
        return {name: _listed(getattr(row, name)) for name in columns}
    role, text, system, user, assistant = _TURNS_OF[formatting]
    said = [(user, asked) for asked, _ in row.history]
    told = [(assistant, answer) for _, answer in row.history]
    turns = [turn for pair in zip(said, told, strict=True) for turn in pair]
    turns.append((user, prompt_text(row)))
    if (output := getattr(row, "output", None)) is not None:
        turns.append((assistant, output))
    if row.system and formatting == "openai":
        turns.insert(0, (system, row.system))
    found: dict[str, Any] = {TURNS_COLUMN[formatting]: [{role: who, text: what} for who, what in turns]}
    for name in talk_columns(columns, formatting):
        value = getattr(row, name)
        found[name] = {role: assistant, text: value} if name in _ANSWERS else _listed(value)
    return found


def talk_columns(columns: Iterable[str], formatting: Formatting) -> list[str]:
    """The columns that stand beside the turns in sharegpt and openai."""
    return [name for name in columns if name not in _MERGED or (name == "system" and formatting == "sharegpt")]


def shapes(type: RowType, columns: Iterable[str], formatting: Formatting = "alpaca") -> dict[str, Shape]:
    """The type of each column of the file, for those file kinds that write it down."""
    if formatting == "alpaca" or type == "pretrain":
        return {name: _SHAPES.get(name, "text") for name in columns}
    role, text, *_ = _TURNS_OF[formatting]
    turn: Shape = ("object", {role: "text", text: "text"})
    beside = {
        name: turn if name in _ANSWERS else _SHAPES.get(name, "text") for name in talk_columns(columns, formatting)
    }
    return {TURNS_COLUMN[formatting]: ("list", turn), **beside}


_SHAPES: dict[str, Shape] = {
    "history": ("list", ("list", "text")),
    "images": ("list", "text"),
    "videos": ("list", "text"),
    "audios": ("list", "text"),
    "kto_tag": "true or false",
}


def _listed(value: Any) -> Any:
    return [_listed(part) for part in value] if isinstance(value, tuple) else value
