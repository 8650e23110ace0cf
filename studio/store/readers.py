"""Reading dataset files: JSON arrays and JSON Lines, streamed in blocks, whatever their size.

A broken line or element never costs the rest: it comes out as Broken, with file, line, column, byte
offset and cause, and reading goes on behind it. Memory stays at a few blocks plus the longest row.
"""

from __future__ import annotations

import base64
import itertools
import json
import re
from collections.abc import Callable, Iterator
from copy import copy
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from studio.errors import StudioError

_BLOCK = 1 << 20
# A block is cut behind a "}" that a "," and a "{" follow. Such bytes can also stand inside a string, so
# a cut counts only if the piece before it parses; a few earlier ones are tried before the exact scan.
_CUT = re.compile(rb"\}(?=\s*,\s*\{)")
_CUTS_TRIED = 4
_NEXT_ELEMENT = re.compile(rb",\s*(?=\{\s*\")")
_BETWEEN = re.compile(r"[ \t\n\r,]*")
_SPACE = re.compile(r"[ \t\n\r]*")
_BOM = b"\xef\xbb\xbf"
_scan = json.JSONDecoder().raw_decode


class Read(NamedTuple):
    """An object that was read. number: line or element, from 1; offset: bytes from the file's start, where known."""

    number: int
    offset: int | None
    value: Any


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


class _Place:
    """Where the unread part of an array begins: its byte, its line, and what stands before it on that line."""

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.line = 1
        self.before = b""  # the start of the current line

    def pass_over(self, read: bytes) -> None:
        self.offset += len(read)
        newlines = read.count(b"\n")
        self.line += newlines
        self.before = read[read.rfind(b"\n") + 1 :] if newlines else self.before + read

    def at(self, ahead: bytes) -> tuple[int, int]:
        """Line and column (in characters) right behind the bytes ahead of this place."""
        line = self.line + ahead.count(b"\n")
        start = ahead[ahead.rfind(b"\n") + 1 :] if b"\n" in ahead else self.before + ahead
        return line, len(start.decode(errors="replace")) + 1


class Block(NamedTuple):
    """What one stretch of the file held. end: bytes read so far.

    text and start are the stretch itself, for `locate`.
    """

    read: list[Read]
    broken: list[Broken]
    end: int
    text: bytes = b""
    start: _Place | None = None


def locate(block: Block, index: int) -> tuple[int, int, int]:
    """Line, column (from 1, in characters) and byte offset where block.read[index] begins."""
    read = block.read[index]
    if block.start is None or read.offset is not None:
        return read.number, 1, read.offset or 0
    text = block.text.decode("latin-1")
    position = 0
    for _ in range(index + 1):
        position = _BETWEEN.match(text, position).end()  # type: ignore[union-attr]  # matches the empty string too
        begin = position
        _, position = _scan(text, begin)
    line, column = block.start.at(block.text[:begin])
    return line, column, block.start.offset + begin


class Decoder(NamedTuple):
    """A faster way than JSON -> dict -> row: one element, and a whole array. Either raises `refuses` when unsure."""

    one: Callable[[bytes], Any]
    array: Callable[[bytes], list[Any]]
    refuses: type[Exception] = ValueError


PLAIN = Decoder(orjson.loads, orjson.loads)


def read(path: Path, decoder: Decoder = PLAIN) -> Iterator[Block]:
    """The objects of a JSON array or JSON Lines file, a block at a time.

    The content decides which of the two it is, not the file's name. With a decoder, an object it accepts
    comes out as what the decoder made of it, any other as the plain dict. Raises StudioError when the file
    cannot be opened or is not UTF-8 text at all.
    """
    try:
        with path.open("rb") as file:
            head = file.read(4096)
            if head.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise StudioError(
                    f"{path.name} is UTF-16, and the trainer reads UTF-8.",
                    hint=f"iconv -f UTF-16 -t UTF-8 {path.name} > utf8-{path.name}",
                )
            start = len(_BOM) if head.startswith(_BOM) else 0
            file.seek(start)
            is_array = head[start:].lstrip().startswith(b"[")
            yield from (_array if is_array else _lines)(file, path.name, start, decoder)
    except OSError as error:
        raise StudioError(f"{path} cannot be read: {error.strerror}.", hint="Check the path and its rights.") from None


# -- JSON Lines ----------------------------------------------------------------------------------


def _lines(file: Any, name: str, offset: int, decoder: Decoder) -> Iterator[Block]:
    one, refuses = decoder.one, decoder.refuses
    number = 0
    while lines := file.readlines(_BLOCK):
        found: list[Read] = []
        broken: list[Broken] = []
        for line in lines:
            number += 1
            try:
                found.append(Read(number, offset, one(line)))
            except refuses:
                if not line.isspace():
                    _slowly(found, broken, name, number, offset, line)
            offset += len(line)
        yield Block(found, broken, offset)


def _slowly(found: list[Read], broken: list[Broken], name: str, number: int, offset: int, line: bytes) -> None:
    try:
        found.append(Read(number, offset, orjson.loads(line)))
    except orjson.JSONDecodeError as error:
        column, cause = _why(line, error)
        broken.append(Broken(name, number, column, offset + _bytes_before(line, column), cause, line.rstrip(b"\r\n")))


def _why(raw: bytes, error: orjson.JSONDecodeError) -> tuple[int, str]:
    """The column (from 1, in characters) and the cause of a JSON error within one line or element."""
    try:
        raw.decode()
    except UnicodeDecodeError as wrong:
        return len(raw[: wrong.start].decode()) + 1, f"not UTF-8 (byte 0x{raw[wrong.start]:02x})"
    return error.pos + 1, error.msg


def _bytes_before(raw: bytes, column: int) -> int:
    return len(raw.decode(errors="surrogateescape")[: column - 1].encode(errors="surrogateescape"))


# -- JSON arrays ---------------------------------------------------------------------------------


def _array(file: Any, name: str, offset: int, decoder: Decoder) -> Iterator[Block]:
    place = _Place(offset)
    rest = b""
    numbers = itertools.count(1)
    want = _BLOCK
    opened = False
    while True:
        fresh = file.read(want)
        buffer = rest + fresh
        ended = len(fresh) < want
        if not opened:
            opened = True
            start = buffer.index(b"[") + 1
            place.pass_over(buffer[:start])
            buffer = buffer[start:]
        block, used = _piece(buffer, decoder, numbers, place) if not ended else (None, 0)
        if block is None:
            block, used, closed = _exactly(buffer, ended, name, numbers, place)
            if closed or ended:
                yield block
                return
        # Nothing used means one row is longer than the buffer: read as much again.
        want = _BLOCK if used else max(_BLOCK, len(buffer))
        rest = buffer[used:]
        if block.read or block.broken:
            yield block


def _piece(buffer: bytes, decoder: Decoder, numbers: Iterator[int], place: _Place) -> tuple[Block | None, int]:
    """All whole elements of the buffer at once, if it can be cut; (None, 0) when only an exact scan can tell.

    A text that starts at an element's start parses as an array body only if it also ends at an element's
    end, for JSON is read from left to right; so a wrong cut is always noticed.
    """
    lead = len(buffer) - len(buffer.lstrip(b" \t\n\r,"))
    if buffer[:lead].count(b",") > 1:
        return None, 0
    window = max(0, len(buffer) - (1 << 16))
    for cut in [match.end() for match in _CUT.finditer(buffer, window)][: -_CUTS_TRIED - 1 : -1]:
        text = b"[" + buffer[lead:cut] + b"]"
        try:
            values = decoder.array(text)
        except decoder.refuses:
            try:
                values = orjson.loads(text)
            except orjson.JSONDecodeError:
                continue
        start = copy(place)
        place.pass_over(buffer[:cut])
        return Block([Read(next(numbers), None, v) for v in values], [], place.offset, buffer[:cut], start), cut
    return None, 0


def _exactly(buffer: bytes, ended: bool, name: str, numbers: Iterator[int], place: _Place) -> tuple[Block, int, bool]:
    """Element by element, with the exact place of everything that is wrong.

    Returns the block, the bytes used, and whether the array was closed.
    """
    # Latin-1 maps each byte to one character, so places in the text are places in the bytes.
    text = buffer.decode("latin-1")
    found: list[Read] = []
    broken: list[Broken] = []
    done = 0  # everything before it has been passed over

    def pass_to(end: int) -> None:
        nonlocal done
        place.pass_over(buffer[done:end])
        done = end

    def report(start: int, end: int, at: int, cause: str) -> None:
        line, column = place.at(buffer[done:at])
        broken.append(Broken(name, line, column, place.offset + at - done, cause, buffer[start:end].strip()))

    closed = False
    expect_comma = False
    while True:
        position = _SPACE.match(text, done).end()  # type: ignore[union-attr]  # matches the empty string too
        if position == len(text):
            if ended:
                report(position, position, position, "the file ends before the array's closing ]")
            break
        if text[position] == "]":
            closed = True
            after = buffer[position + 1 :]
            if after.strip():
                report(position + 1, len(text), position + 1, "text behind the array's closing ]")
            pass_to(len(text))
            break
        if text[position] == ",":
            following = _SPACE.match(text, position + 1).end()  # type: ignore[union-attr]
            if following == len(text) and not ended:
                break
            if not expect_comma or text[following : following + 1] in (",", "]", ""):
                report(position, position + 1, position, "a comma with no element behind it")
            expect_comma = False
            pass_to(position + 1)
            continue
        end, at, cause = _element(text, buffer, position)
        if cause is None and expect_comma:
            # The element itself is whole, so only the missing comma is reported and the element kept.
            report(position, position, position, "expected , or ] between elements")
        if cause is None and (end < len(text) or ended):
            raw = buffer[position:end]
            try:
                found.append(Read(next(numbers), place.offset + position - done, orjson.loads(raw)))
            except orjson.JSONDecodeError as error:
                _, cause = _why(raw, error)
                report(position, end, position + _bytes_before(raw, _why(raw, error)[0]), cause)
            pass_to(end)
            expect_comma = True
            continue
        if not ended and at >= len(text) - 1:
            break  # the element may simply go on behind the buffer
        # One back: the comma before the next element may be what the error stumbled behind.
        resume = _NEXT_ELEMENT.search(buffer, max(at - 1, position + 1))
        if resume is None and not ended and len(buffer) < 8 * _BLOCK:
            break  # look for the next element's start further on
        stop = resume.start() if resume else len(text)
        next(numbers)
        report(position, stop, at, cause or "broken element")
        pass_to(stop)
        expect_comma = True
    return Block(found, broken, place.offset), done, closed


def _element(text: str, buffer: bytes, start: int) -> tuple[int, int, str | None]:
    """(end, place of the error, cause or None) of the element at start."""
    try:
        _, end = _scan(text, start)
    except json.JSONDecodeError as error:
        # An unterminated string is reported at its start; what matters is that it reached the text's end.
        at = len(text) if error.msg.startswith("Unterminated string") else error.pos
        return start, at, error.msg[0].lower() + error.msg[1:]
    except RecursionError:
        return start, start, "nested too deeply"
    return end, end, None
