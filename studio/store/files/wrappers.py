"""One JSON object that fills a file: a row written over several lines, or a wrapper around a list of rows.

``{"data": [{...}, ...], "version": 2}`` and its kin are looked through once, in bounded memory, to learn which list
holds the rows and what stands beside it; then that list is read like any array.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import orjson

from studio.alpaca.conversations import is_turns
from studio.store.files.arrays import LONGEST_LITERAL, Place, elements, in_words
from studio.store.files.blocks import PLAIN, WHITE, Block, Broken, Read, block_of, bytes_before, scan, why

_SPACE = re.compile(r"[ \t\n\r]*")
_NEXT_OBJECT = re.compile(r"\n(?=\{)")
_USUAL = ("data", "rows", "train", "examples", "items", "records", "samples", "instances", "dataset")
"""Names that say of one list among several that it holds the rows."""


class Wrapper(NamedTuple):
    """A list of rows inside an object. offset: behind its "[". beside: what else the object holds, left out.

    broken: what stands behind the list and is no JSON.
    """

    key: str
    offset: int
    beside: tuple[str, ...]
    broken: tuple[Broken, ...]


def look_through(
    place: Place, file: io.BufferedReader, size: int, rows: frozenset[str]
) -> Wrapper | Literal["objects", "lines"]:
    """How a file holds its rows; it has been read up to place, where its first object begins.

    It is a wrapper, or has an object on each line, or objects over several lines each, as `jq` prints them. rows: an
    object with one of these names is a row, whatever lists it holds.
    """
    walk = _Walk(place, file, size)
    wrong: tuple[Broken, ...] = ()
    follows, end = "", place.offset
    try:
        walk.members()
        end = walk.offset
        follows = walk.next()
        if follows and walk.lists and follows != "{":
            raise walk.wrong("text behind the object's closing }")
    except _Wrong as error:
        if not walk.lists:
            return "lines"
        wrong = () if walk.cut else (walk.broken(error),)
    if not walk.lists or follows == "{" or not rows.isdisjoint(walk.keys):
        return "objects" if place.lines.at(end)[0] > 1 else "lines"
    key = next((name for name in _USUAL if name in walk.lists), None)
    key = key or max(walk.lists, key=lambda name: walk.lists[name][1])
    beside = tuple(
        f"{name} ({walk.lists[name][1]:,} objects)" if name in walk.lists else name for name in walk.keys if name != key
    )
    return Wrapper(key, walk.lists[key][0], beside, wrong)


def read_objects(place: Place, file: io.BufferedReader, size: int) -> Iterator[Block]:
    """Objects one after another, whatever space is between them. A broken one ends where a line begins with "{"."""
    walk = _Walk(place, file, size)
    while walk.next():
        found: list[Read] = []
        broken: list[Broken] = []
        begin = walk.offset
        try:
            found.append((place.number, begin, walk.strict_value()))
        except _Wrong as error:
            broken.append(walk.broken(error)._replace(raw=error.raw or walk.to_next_object()))
        place.number += 1
        yield block_of(found, broken, walk.offset, place.lines)


class _Wrong(Exception):
    """Something that is no JSON: its place in the file in bytes, and why. raw: the value around it, if that has an
    end.
    """

    def __init__(self, offset: int, cause: str, raw: bytes = b"") -> None:
        self.offset = offset
        self.cause = cause
        self.raw = raw


class _Walk:
    """Goes through JSON in a file, holding no more than one value of it.

    text: the part of the file in memory, one character a byte, beginning at byte base; pos: how much of it is passed.
    lists: for every list of objects that are no turns of a conversation, the offset behind its "[" and how many there
    are. cut: the file ended in one.
    """

    def __init__(self, place: Place, file: io.BufferedReader, size: int) -> None:
        self._place, self._file, self._size = place, file, size
        self.text, self.base, self.pos = "", place.offset, 0
        self.keys: dict[str, None] = {}
        self.lists: dict[str, tuple[int, int]] = {}
        self.cut = False

    @property
    def offset(self) -> int:
        """Bytes of the file that have been passed."""
        return self.base + self.pos

    def members(self) -> None:
        """Pass over an object, noting its members. Raises _Wrong."""
        self._expect("{", "expected an object")
        if self.next() != "}":
            self._member()
            while self.next() == ",":
                self.pos += 1
                self._member()
        self._expect("}", "expected , or }")

    def next(self) -> str:
        """The next character that is no space; "" at the file's end."""
        while True:
            self.pos = _SPACE.match(self.text, self.pos).end()  # type: ignore[union-attr]  # matches "" too
            if self.pos < len(self.text) or not self._more():
                return self.text[self.pos : self.pos + 1]

    def value(self) -> bytes:
        """Pass over one value of any kind; its text. Raises _Wrong."""
        while True:
            try:
                end = scan(self.text, self.pos)[1]
                if end < len(self.text) or not self._more():
                    raw = self.text[self.pos : end].encode("latin-1")
                    self.pos = end
                    return raw
            except json.JSONDecodeError as error:
                # A value that goes on behind what has been read looks broken at its end; a string, at its start.
                cut = error.msg.startswith("Unterminated") or error.pos >= len(self.text) - LONGEST_LITERAL
                if not cut or not self._more():
                    raise _Wrong(self.base + error.pos, in_words(error)) from None
            except RecursionError:
                raise self.wrong("nested too deeply") from None

    def to_next_object(self) -> bytes:
        """Pass over everything up to a line that begins with "{"; returns the passed text."""
        while not (found := _NEXT_OBJECT.search(self.text, self.pos)) and self._more():
            pass
        end = found.end() if found else len(self.text)
        raw = self.text[self.pos : end].encode("latin-1").rstrip(WHITE)
        self.pos = end
        return raw

    def wrong(self, cause: str) -> _Wrong:
        """The _Wrong for this place."""
        return _Wrong(self.offset, cause)

    def broken(self, error: _Wrong) -> Broken:
        """The Broken for a _Wrong, with line and column."""
        return Broken(self._place.name, *self._place.lines.at(error.offset), error.offset, error.cause, b"")

    def _member(self) -> None:
        if self.next() != '"':
            raise self.wrong("expected a name in double quotes")
        key = self.strict_value()
        self._expect(":", "expected : behind a name")
        self.keys[key] = None
        if self.next() == "[" and self._opens_objects():
            self._list(key)
        else:
            self.strict_value()

    def strict_value(self) -> Any:
        """Pass over one value and return it as orjson, which accepts only strict JSON, parses it. Raises _Wrong."""
        begin, raw = self.offset, self.value()
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            column, cause = why(raw, error)
            raise _Wrong(begin + bytes_before(raw, column), cause, raw) from None

    def _opens_objects(self) -> bool:
        while True:
            first = _SPACE.match(self.text, self.pos + 1).end()  # type: ignore[union-attr]  # matches "" too
            if first < len(self.text) or not self._more():
                return self.text[first : first + 1] == "{"

    def _list(self, key: str) -> None:
        place = Place(self._place.name, self.base + self.pos + 1, self._place.lines)
        begin = place.offset
        steps = elements(self._file, self.text[self.pos + 1 :].encode("latin-1"), place, PLAIN, self._size)
        talk: bool | None = None
        while True:
            try:
                block = next(steps)
                talk = is_turns(block.values) if talk is None else talk
            except StopIteration as ended:
                if not talk:
                    self.lists[key] = begin, place.number - 1
                self.cut = ended.value is None
                self.text, self.base, self.pos = (ended.value or b"").decode("latin-1"), place.offset, 0
                return

    def _expect(self, character: str, cause: str) -> None:
        if self.next() != character:
            raise self.wrong(cause if self.pos < len(self.text) else "the file ends before the object does")
        self.pos += 1

    def _more(self) -> bool:
        """Read more of the file and drop the passed part."""
        fresh: bytes = self._file.read(max(self._size, len(self.text) - self.pos))
        if fresh:
            self.text = self.text[self.pos :] + fresh.decode("latin-1")
            self.base += self.pos
            self.pos = 0
        return bool(fresh)
