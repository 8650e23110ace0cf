"""What reading a dataset file gives: objects, what was broken, and where each begins."""

from __future__ import annotations

import base64
import io
import json
import re
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple, TypeAlias

import orjson

WHITE = b" \t\n\r"
scan = json.JSONDecoder().raw_decode
_BETWEEN = re.compile(r"[ \t\n\r,]*")
_BOUNDARY = re.compile(r"\}[ \t\n\r]*,[ \t\n\r]*(?=\{)")


def _objects(depth: int) -> str:
    """A pattern of one valid JSON object with up to so many more objects inside one another."""
    text = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
    part = f"(?:{text}|{_objects(depth - 1)})" if depth else text
    return rf'\{{[^{{}}"]*+(?:{part}[^{{}}"]*+)*+\}}'


_OBJECT = re.compile(_objects(3), re.DOTALL)


Read: TypeAlias = tuple[int, int | None, Any]
"""An object that was read: its number (line or element, from 1), its byte offset where known, its value."""


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


class Lines:
    """Line and column of places in a file: counted only when asked for, in the file opened a second time.

    Counting the lines of everything that is read takes a fifth of the time that parsing it does, and is needed
    only where something is broken.
    """

    def __init__(self, reopen: Callable[[], io.BufferedReader], start: int) -> None:
        """start: the offset in bytes of line 1, column 1."""
        self._reopen = reopen
        self._start = start
        self._file: io.BufferedReader | None = None
        self._chunks: deque[_Mark] = deque(maxlen=_KEPT)
        self._here = _Mark(start, 1, 1, b"")

    def at(self, offset: int) -> tuple[int, int]:
        """Line and column (from 1, in characters) of the byte at offset."""
        if self._file is None or offset < self._chunks[0].offset:
            self._rewind()
        while offset > self._chunks[-1].end:
            last = self._chunks[-1]
            self._chunks.append(last.ahead(last.end, self._read()))
        if offset < self._here.offset or self._here.end < offset:
            self._here = next(mark for mark in self._chunks if offset <= mark.end)
        self._here = self._here.ahead(offset, self._here.text[offset - self._here.offset :])
        return self._here.line, self._here.column

    def _rewind(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = self._reopen()
        self._file.read(self._start)
        self._chunks.clear()
        self._chunks.append(_Mark(self._start, 1, 1, self._read()))

    def _read(self) -> bytes:
        assert self._file is not None
        return self._file.read(_CHUNK)

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()


_CHUNK = 1 << 18
_KEPT = 8
_INSIDE_CHARACTER = bytes(range(0x80, 0xC0))


class _Mark(NamedTuple):
    """A place whose line and column are known, and the text from there on."""

    offset: int
    line: int
    column: int
    text: bytes

    @property
    def end(self) -> int:
        return self.offset + len(self.text)

    def ahead(self, offset: int, text: bytes) -> _Mark:
        """The mark at a later offset in this text. text: what begins there."""
        passed = self.text[: offset - self.offset]
        newlines = passed.count(b"\n")
        column = len(passed[passed.rfind(b"\n") + 1 :].translate(None, _INSIDE_CHARACTER))
        return _Mark(offset, self.line + newlines, column + (1 if newlines else self.column), text)


class Block(NamedTuple):
    """What one stretch of the file held. numbers: each value's line or element, from 1. end: bytes read so far.

    find_offsets: each value's place in bytes, worked out only when asked for. lines: of the file, where number is
    not the line. typed: every value is what the decoder makes.
    """

    values: Sequence[Any]
    numbers: Sequence[int]
    broken: Sequence[Broken]
    end: int
    find_offsets: Callable[[], Sequence[int | None]]
    lines: Lines | None = None
    typed: bool = False

    @property
    def read(self) -> list[Read]:
        """Number, byte offset where known, and value of each object."""
        return list(zip(self.numbers, self.find_offsets(), self.values, strict=True))


def block_of(found: Sequence[Read], broken: Sequence[Broken], end: int, lines: Lines | None = None) -> Block:
    """A block of objects whose places are known."""
    offsets = [offset for _, offset, _ in found]
    return Block([one[2] for one in found], [one[0] for one in found], broken, end, lambda: offsets, lines)


def locate(block: Block, indexes: Collection[int]) -> list[tuple[int, int, int]]:
    """Line, column (from 1, in characters) and byte offset where values[index] begins."""
    if not indexes:
        return []
    offsets = block.find_offsets()
    if block.lines is None:
        return [(block.numbers[index], 1, offsets[index] or 0) for index in indexes]
    begins = (offsets[index] or 0 for index in indexes)
    return [(*block.lines.at(begin), begin) for begin in begins]


def element_offsets(raw: bytes, offset: int, n: int, objects: bool) -> list[int]:
    """Where each of the n elements of a valid JSON array begins, in bytes; offset: where the array does.

    objects: every element is one. Between two objects stands "}", a comma and "{". If the text has one such boundary
    fewer than objects, each one is real; where strings or lists hold more of them, each element is scanned by itself.
    """
    # Latin-1 maps each byte to one character, so places in the text are places in the bytes.
    text = raw.decode("latin-1")
    position = _BETWEEN.match(text, 1).end()  # type: ignore[union-attr]  # matches "" too
    between = [match.end() + offset for match in _BOUNDARY.finditer(text)] if objects else []
    if len(between) == n - 1:
        return [offset + position, *between]
    begins: list[int] = []
    for _ in range(n):
        begins.append(position + offset)
        whole = _OBJECT.match(text, position)
        end = whole.end() if whole else scan(text, position)[1]
        position = _BETWEEN.match(text, end).end()  # type: ignore[union-attr]
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
