"""What reading a dataset file gives: objects, what was broken, and where each begins."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Collection
from copy import copy
from typing import Any, NamedTuple, TypeAlias

import orjson

WHITE = b" \t\n\r"
scan = json.JSONDecoder().raw_decode
_BETWEEN = re.compile(r"[ \t\n\r,]*")


Read: TypeAlias = tuple[int, int | None, Any]
"""An object that was read: its number (line or element, from 1), its byte offset where known, its value.

A plain tuple, because there are millions of them and naming the fields of each costs as much as parsing it.
"""


class Broken(NamedTuple):
    """Something that could not be read. line and column count from 1; raw is the text as it stands in the file."""

    file: str
    line: int
    column: int
    offset: int
    cause: str
    raw: bytes

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.cause}"

    def record(self) -> dict[str, Any]:
        """What the side file keeps: raw as text, or as base64 when it is not UTF-8."""
        kept = {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "offset": self.offset,
            "cause": self.cause,
        }
        try:
            return {**kept, "raw": self.raw.decode()}
        except UnicodeDecodeError:
            return {**kept, "raw_base64": base64.b64encode(self.raw).decode()}


class Place:
    """Where the unread part of an array begins, and what stands right before it.

    opening: the first key of the last good element, as it is written. lost: we are inside of something broken.
    """

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.line = 1
        self.column = 1  # in characters
        self.behind_element = False
        self.lost = False
        self.opening = b""

    def pass_over(self, read: bytes) -> None:
        self.offset += len(read)
        newlines = read.count(b"\n")
        if newlines:
            self.line += newlines
            self.column = 1
        self.column += len(read[read.rfind(b"\n") + 1 :].decode(errors="replace"))

    def ahead(self, read: bytes) -> Place:
        """The place right behind the bytes ahead of this one."""
        there = copy(self)
        there.pass_over(read)
        return there

    def broken(self, name: str, cause: str, raw: bytes) -> Broken:
        return Broken(name, self.line, self.column, self.offset, cause, raw)


class Block(NamedTuple):
    """What one stretch of the file held. end: bytes read so far.

    text and start are the stretch of an array itself, for `locate`.
    """

    read: list[Read]
    broken: list[Broken]
    end: int
    text: bytes = b""
    start: Place | None = None


def locate(block: Block, indexes: Collection[int]) -> list[tuple[int, int, int]]:
    """Line, column (from 1, in characters) and byte offset where block.read[index] begins, for ascending indexes."""
    if not indexes:
        return []
    if block.start is None:
        return [(number, 1, offset or 0) for number, offset, _ in (block.read[index] for index in indexes)]
    begins = _begins(block, block.start.offset)
    here, passed, found = copy(block.start), 0, list[tuple[int, int, int]]()
    for index in indexes:
        here.pass_over(block.text[passed : begins[index]])
        passed = begins[index]
        found.append((here.line, here.column, here.offset))
    return found


def _begins(block: Block, offset: int) -> list[int]:
    """Where each element of an array's block begins in its text."""
    if block.read and block.read[0][1] is not None:
        return [(at or 0) - offset for _, at, _ in block.read]
    text = block.text.decode("latin-1")
    begins: list[int] = []
    position = 0
    for _ in block.read:
        begins.append(_BETWEEN.match(text, position).end())  # type: ignore[union-attr]  # matches "" too
        _, position = scan(text, begins[-1])
    return begins


class Decoder(NamedTuple):
    """A faster way than JSON -> dict -> row: one element, and a whole array. Either raises `refuses` when unsure."""

    one: Callable[[bytes], Any]
    array: Callable[[bytes], list[Any]]
    refuses: tuple[type[Exception], ...] = (ValueError,)


PLAIN = Decoder(orjson.loads, orjson.loads)


def why(raw: bytes, error: orjson.JSONDecodeError) -> tuple[int, str]:
    """The column (from 1, in characters) and the cause of a JSON error within one line or element."""
    try:
        raw.decode()
    except UnicodeDecodeError as wrong:
        return len(raw[: wrong.start].decode()) + 1, f"not UTF-8 (byte 0x{raw[wrong.start]:02x})"
    return error.pos + 1, error.msg


def bytes_before(raw: bytes, column: int) -> int:
    """How many bytes stand before a column (from 1, in characters) of one line or element."""
    return len(raw.decode(errors="surrogateescape")[: column - 1].encode(errors="surrogateescape"))
