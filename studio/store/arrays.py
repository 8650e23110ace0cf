"""Reading a JSON array of any size, a stretch of elements at a time, past whatever is broken in it."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from copy import copy
from typing import Any

import orjson

from studio.store.blocks import WHITE, Block, Broken, Decoder, Place, Read, bytes_before, scan, why

# A block is cut behind a "}" that a "," and a "{" follow. Such bytes can also stand inside a string, so
# a cut counts only if the piece before it parses; a few earlier ones are tried before the exact scan.
_CUT = re.compile(rb"\}(?=\s*,\s*\{)")
_CUTS_TRIED = 4
_NEXT_ELEMENT = re.compile(rb",\s*(?=\{\s*\")")
_SPACE = re.compile(r"[ \t\n\r]*")
_FIRST_KEY = re.compile(rb'\{\s*("(?:[^"\\]|\\.)*")\s*:')
# An error this close to the buffer's end may be a literal or an escape that goes on behind it.
_LONGEST_LITERAL = 16


def read_array(file: Any, name: str, offset: int, decoder: Decoder, size: int) -> Iterator[Block]:
    """The elements of the array that begins behind offset, read size bytes at a time."""
    place = Place(offset)
    numbers = itertools.count(1)
    rest = file.read(size)
    opening = rest.index(b"[") + 1
    place.pass_over(rest[:opening])
    rest = rest[opening:]
    want = size
    while True:
        fresh = file.read(want)
        buffer = rest + fresh
        ended = len(fresh) < want
        closed = False
        block, used = _piece(buffer, decoder, numbers, place) if not ended else (None, 0)
        if block is None:
            block, used, closed = _exactly(buffer, ended, name, numbers, place, size)
        rest = buffer[used:]
        if block.read or block.broken:
            yield block
        if closed:
            yield from _behind(file, rest, name, place, size)
        if closed or ended:
            return
        # Nothing used means one row is longer than the buffer: read as much again.
        want = size if used else max(size, len(buffer))


def _behind(file: Any, rest: bytes, name: str, place: Place, size: int) -> Iterator[Block]:
    """What follows an array's end: nothing but space, else broken text, a block at a time."""
    while rest:
        text = rest.lstrip(WHITE)
        there = place.ahead(rest[: len(rest) - len(text)])
        place.pass_over(rest)
        if text:
            yield Block([], [there.broken(name, "text behind the array's closing ]", text.rstrip(WHITE))], place.offset)
        rest = file.read(size)


def _piece(buffer: bytes, decoder: Decoder, numbers: Iterator[int], place: Place) -> tuple[Block | None, int]:
    """All whole elements of the buffer at once, if it can be cut; (None, 0) when only an exact scan can tell.

    A text that starts at an element's start parses as an array body only if it also ends at an element's
    end, for JSON is read from left to right; so a wrong cut is always noticed.
    """
    lead = len(buffer) - len(buffer.lstrip(b" \t\n\r,"))
    if place.lost or buffer[:lead].count(b",") != place.behind_element:
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
        place.behind_element = True
        place.opening = _opening(buffer, lead) or place.opening
        return Block(
            [(number, None, value) for value, number in zip(values, numbers, strict=False)],
            [],
            place.offset,
            buffer[:cut],
            start,
        ), cut
    return None, 0


def _exactly(
    buffer: bytes, ended: bool, name: str, numbers: Iterator[int], place: Place, size: int
) -> tuple[Block, int, bool]:
    """Element by element, with the exact place of everything that is wrong.

    Returns the block, the bytes used, and whether the array was closed.
    """
    # Latin-1 maps each byte to one character, so places in the text are places in the bytes.
    text = buffer.decode("latin-1")
    start = copy(place)
    found: list[Read] = []
    broken: list[Broken] = []
    done = 0  # everything before it has been passed over

    def pass_to(end: int) -> None:
        nonlocal done
        place.pass_over(buffer[done:end])
        done = end

    def report(begin: int, end: int, at: int, cause: str) -> None:
        broken.append(place.ahead(buffer[done:at]).broken(name, cause, buffer[begin:end].strip(WHITE)))

    closed = False
    while not closed:
        position = _SPACE.match(text, done).end()  # type: ignore[union-attr]  # matches "" too
        if position == len(text):
            if ended:
                report(position, position, position, "the file ends before the array's closing ]")
            break
        if text[position] == "]" and not place.lost:
            closed = True
            pass_to(position + 1)
            continue
        if text[position] == "," and not place.lost:
            following = _SPACE.match(text, position + 1).end()  # type: ignore[union-attr]
            if following == len(text) and not ended:
                break
            if not place.behind_element or text[following : following + 1] == "]":
                report(position, position + 1, position, "a comma with no element beside it")
            pass_to(position + 1)
            place.behind_element = False
            continue
        end, at, cause = (position, position, "still broken") if place.lost else _element(text, position)
        if cause is None and (end < len(text) or ended):
            number, raw = next(numbers), buffer[position:end]
            if place.behind_element:
                report(position, position, position, "expected , or ] between elements")
            try:
                found.append((number, place.offset + position - done, orjson.loads(raw)))
                place.opening = _opening(buffer, position) or place.opening
            except orjson.JSONDecodeError as error:
                column, cause = why(raw, error)
                report(position, end, position + bytes_before(raw, column), cause)
            pass_to(end)
            place.behind_element = True
            continue
        if not ended and at >= len(text) - _LONGEST_LITERAL:
            break  # the element may simply go on behind the buffer
        stop = _next_element(buffer, position, at, place.opening, ended, size)
        if stop is None:
            break  # look for the next element's start further on
        next(numbers)
        report(position, stop, at, cause or "broken element")
        pass_to(stop)
        place.behind_element = True
        place.lost = stop == len(buffer) and not ended
    return Block(found, broken, place.offset, buffer[:done], start), done, closed


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
        return start, at, (error.msg[0].lower() + error.msg[1:]).removesuffix(" at")
    except RecursionError:
        return start, start, "nested too deeply"
    return end, end, None
