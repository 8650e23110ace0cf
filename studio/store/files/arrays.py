"""Reading a JSON array of any size, a stretch of elements at a time, past whatever is broken in it."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Generator, Iterator
from functools import partial

import orjson

from studio.store.files.blocks import (
    WHITE,
    Block,
    Broken,
    Decoder,
    Lines,
    Read,
    block_of,
    bytes_before,
    element_offsets,
    scan,
    why,
)

# A block is cut behind a "}" that a "," and a "{" follow. Such bytes can also stand inside a string, so
# a cut counts only if the piece before it parses; a few earlier ones are tried before the exact scan.
_CUT = re.compile(rb"\}(?=\s*,\s*\{)")
_CUTS_TRIED = 4
_CUT_WINDOWS = (1 << 13, 1 << 16)
_BETWEEN = re.compile(rb"[ \t\n\r,]*")
_NEXT_ELEMENT = re.compile(rb",\s*(?=\{\s*\")")
_SPACE = re.compile(r"[ \t\n\r]*")
_FIRST_KEY = re.compile(rb'\{\s*("(?:[^"\\]|\\.)*")\s*:')
# An error this close to the buffer's end may be a literal or an escape that goes on behind it.
LONGEST_LITERAL = 16


class Place:
    """Where the unread part of an array begins, and what is known of the part before it.

    number: of the next element. opening: the first key of the last good element, as it is written. lost: the place is
    inside something broken.
    """

    def __init__(self, name: str, offset: int, lines: Lines) -> None:
        self.name = name
        self.offset = offset
        self.lines = lines
        self.number = 1
        self.behind_element = False
        self.lost = False
        self.opening = b""

    def broken(self, ahead: int, cause: str, raw: bytes) -> Broken:
        """The Broken at this many bytes ahead of the place."""
        offset = self.offset + ahead
        return Broken(self.name, *self.lines.at(offset), offset, cause, raw)


def read_array(file: io.BufferedReader, place: Place, decoder: Decoder, size: int) -> Iterator[Block]:
    """The elements of the array at place, read size bytes at a time; what follows it is broken."""
    rest = file.read(size)
    opening = rest.index(b"[") + 1
    place.offset += opening
    behind = yield from elements(file, rest[opening:], place, decoder, size)
    # What has been read may end with the "]" itself, and the file go on.
    while behind is not None and (behind := behind or file.read(size)):
        text = behind.lstrip(WHITE)
        if text:
            ahead = len(behind) - len(text)
            wrong = place.broken(ahead, "text behind the array's closing ]", text.rstrip(WHITE))
            yield block_of([], [wrong], place.offset + len(behind))
        place.offset += len(behind)
        behind = b""


def elements(
    file: io.BufferedReader, rest: bytes, place: Place, decoder: Decoder, size: int
) -> Generator[Block, None, bytes | None]:
    """The elements of an array whose "[" has been read; rest is what has been read behind it, at place.

    Returns what was read behind the closing "]", where place then stands; None when the file ended before it.
    """
    want = size
    while True:
        fresh = file.read(want)
        buffer = rest + fresh
        ended = len(fresh) < want
        closed = False
        block, used = _piece(buffer, decoder, place) if not ended else (None, 0)
        if block is None:
            block, used, closed = _exactly(buffer, ended, place, size)
        rest = buffer[used:]
        if block.values or block.broken:
            yield block
        if closed:
            return rest
        if ended:
            return None
        # Nothing used means one row is longer than the buffer: read as much again.
        want = size if used else max(size, len(buffer))


def _piece(buffer: bytes, decoder: Decoder, place: Place) -> tuple[Block | None, int]:
    """All whole elements of the buffer at once, if it can be cut; (None, 0) when only an exact scan can tell.

    A text that starts at an element's start parses as an array body only if it also ends at an element's
    end, for JSON is read from left to right; so a wrong cut is always noticed.
    """
    lead = _BETWEEN.match(buffer).end()  # type: ignore[union-attr]  # matches b"" too
    if place.lost or buffer.count(b",", 0, lead) != place.behind_element:
        return None, 0
    for cut in _cuts(buffer):
        text = b"".join((b"[", memoryview(buffer)[lead:cut], b"]"))
        typed = True
        try:
            values = decoder.array(text)
        except decoder.refuses:
            typed = False
            try:
                values = orjson.loads(text)
            except orjson.JSONDecodeError:
                continue
        begin, n = place.offset + lead - 1, len(values)
        numbers = range(place.number, place.number + n)
        place.offset += cut
        place.number += n
        place.behind_element = True
        place.opening = _opening(buffer, lead) or place.opening
        objects = typed or all(type(one) is dict for one in values)
        offsets = partial(element_offsets, text, begin, n, objects)
        return Block(values, numbers, (), place.offset, offsets, place.lines, typed), cut
    return None, 0


def _cuts(buffer: bytes) -> list[int]:
    """Where the buffer may be cut, the last place first."""
    for window in _CUT_WINDOWS:
        if found := [match.end() for match in _CUT.finditer(buffer, max(0, len(buffer) - window))]:
            return found[: -_CUTS_TRIED - 1 : -1]
    return []


def _exactly(buffer: bytes, ended: bool, place: Place, size: int) -> tuple[Block, int, bool]:
    """Element by element, with the exact place of everything that is wrong.

    Returns the block, the bytes used, and whether the array was closed.
    """
    # Latin-1 maps each byte to one character, so places in the text are places in the bytes.
    text = buffer.decode("latin-1")
    found: list[Read] = []
    broken: list[Broken] = []
    done = 0  # everything before it has been passed over

    def report(begin: int, end: int, at: int, cause: str) -> None:
        broken.append(place.broken(at, cause, buffer[begin:end].strip(WHITE)))

    closed = False
    while not closed:
        position = _SPACE.match(text, done).end()  # type: ignore[union-attr]  # matches "" too
        if position == len(text):
            if ended:
                report(position, position, position, "the file ends before the array's closing ]")
            break
        if text[position] == "]" and not place.lost:
            closed = True
            done = position + 1
            continue
        if text[position] == "," and not place.lost:
            following = _SPACE.match(text, position + 1).end()  # type: ignore[union-attr]
            if following == len(text) and not ended:
                break
            if not place.behind_element or text[following : following + 1] == "]":
                report(position, position + 1, position, "a comma with no element beside it")
            done = position + 1
            place.behind_element = False
            continue
        end, at, cause = (position, position, "still broken") if place.lost else _element(text, position)
        if cause is None and (end < len(text) or ended):
            number, raw = place.number, buffer[position:end]
            place.number += 1
            if place.behind_element:
                report(position, position, position, "expected , or ] between elements")
            try:
                found.append((number, place.offset + position, orjson.loads(raw)))
                place.opening = _opening(buffer, position) or place.opening
            except orjson.JSONDecodeError as error:
                column, cause = why(raw, error)
                report(position, end, position + bytes_before(raw, column), cause)
            done = end
            place.behind_element = True
            continue
        if not ended and at >= len(text) - LONGEST_LITERAL:
            break  # the element may simply go on behind the buffer
        stop = _next_element(buffer, position, at, place.opening, ended, size)
        if stop is None:
            break  # look for the next element's start further on
        place.number += 1
        report(position, stop, at, cause or "broken element")
        done = stop
        place.behind_element = True
        place.lost = stop == len(buffer) and not ended
    place.offset += done
    return block_of(found, broken, place.offset, place.lines), done, closed


def _opening(buffer: bytes, position: int) -> bytes:
    """The first key of the object at position, as it is written; b"" if there is none."""
    found = _FIRST_KEY.match(buffer, position)
    return found[1] if found else b""


def _next_element(buffer: bytes, position: int, at: int, opening: bytes, ended: bool, size: int) -> int | None:
    """Where the element behind the broken one (from position, wrong at `at`) begins, its comma included.

    It most likely begins with the same key as its neighbours, which the objects inside the broken one do not.
    Without such a neighbour: the next object behind the error. None: further on than the buffer goes.
    """
    key = _opening(buffer, position) or opening
    if key:
        alike = re.compile(rb",\s*(?=\{\s*" + re.escape(key) + rb"\s*:)").search(buffer, position + 1)
        if alike:
            return alike.start()
    if not ended and len(buffer) < 8 * size:
        return None
    # The comma before the next element may be what the error stumbled behind.
    before = len(buffer[:at].rstrip(WHITE)) - 1
    resume = _NEXT_ELEMENT.search(buffer, max(before, position + 1))
    if resume:
        return resume.start()
    whole = buffer.rstrip(WHITE)
    closes = ended and whole.endswith(b"]") and len(whole) - 1 > position
    return len(whole) - 1 if closes else len(buffer)


def _element(text: str, start: int) -> tuple[int, int, str | None]:
    """(end, place of the error, cause or None) of the element at start."""
    try:
        _, end = scan(text, start)
    except json.JSONDecodeError as error:
        # An unterminated string is reported at its start; what matters is that it reached the text's end.
        at = len(text) if error.msg.startswith("Unterminated string") else error.pos
        return start, at, in_words(error)
    except RecursionError:
        return start, start, "nested too deeply"
    return end, end, None


def in_words(error: json.JSONDecodeError) -> str:
    """What the standard library's parser says, as the other causes are written."""
    return (error.msg[0].lower() + error.msg[1:]).removesuffix(" at")
