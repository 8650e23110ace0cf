"""Reading dataset files, streamed in blocks, whatever their size.

A broken line or element never costs the rest: it comes out as Broken, with file, line, column, byte
offset and cause, and reading goes on behind it. Memory stays at a few blocks plus the longest row.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import orjson

from studio.alpaca.conversations import ROW_KEYS
from studio.errors import StudioError
from studio.store.files.arrays import Place, elements, read_array
from studio.store.files.blocks import PLAIN, WHITE, Block, Broken, Decoder, Lines, Read, block_of, bytes_before, why
from studio.store.files.encodings import refuse_foreign
from studio.store.files.opening import damage, kind_of, opened
from studio.store.files.tables import read_arrow, read_csv, read_parquet, read_text
from studio.store.files.wrappers import Wrapper, look_through, read_objects

_BOM = b"\xef\xbb\xbf"
_HEAD = 1 << 18
# What is parsed should still be in the processor's cache when it is looked at.
_LINES = 1 << 16
_ARRAY = 1 << 18


class Layout(NamedTuple):
    """How a file holds its rows. kind: its ending, or for JSON empty, lines, objects, array or wrapper.

    start: bytes of a byte order mark. wrapper: for that kind, where its list is.
    """

    kind: str
    start: int = 0
    wrapper: Wrapper | None = None


def layout(path: Path) -> Layout:
    """How the file holds its rows. Which kind of JSON it is, the content decides, not the name.

    A wrapper object is read once as a whole, to know what is in it. Raises StudioError when the file cannot be
    opened or is not UTF-8.
    """
    kind = kind_of(path)
    with _explained(path):
        if kind in (".parquet", ".arrow"):
            return Layout(kind)
        with opened(path) as file:
            head = file.read(_HEAD)
        refuse_foreign(head, path)
        return _layout_of_json(path, head) if kind in (".json", ".jsonl") else Layout(kind)


def _layout_of_json(path: Path, head: bytes) -> Layout:
    start = len(_BOM) if head.startswith(_BOM) else 0
    text = head[start:].lstrip(WHITE)
    if text.startswith(b"["):
        return Layout("array", start)
    if not text.startswith(b"{"):
        return Layout("lines" if text or len(head) == _HEAD else "empty", start)
    first, _, more = text.partition(b"\n")
    if more.strip(WHITE) and _is_json(first):
        return Layout("lines", start)
    with opened(path) as file, Lines(partial(opened, path), start) as lines:
        file.read(start)
        found = look_through(Place(path.name, start, lines), file, _ARRAY, ROW_KEYS)
    return Layout("wrapper", start, found) if isinstance(found, Wrapper) else Layout(found, start)


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def read(path: Path, decoder: Decoder = PLAIN, known: Layout | None = None) -> Iterator[Block]:
    """The objects of a dataset file, a block at a time; known: its layout, if that has been found out.

    JSON arrays, JSON Lines, CSV, Parquet, Arrow and text with a document a line; .gz and .zst of these. With a
    decoder, a JSON object that it accepts comes out as what the decoder made of it, any other as the plain dict.
    Offsets are of the decompressed file. A damaged file gives its rows up to the damage. Raises StudioError as
    `layout` does.
    """
    found = known or layout(path)
    try:
        with _explained(path):
            yield from _contents(path, decoder, found)
    except Exception as error:
        # Arrow's errors can be named only where it is imported, which takes 0.1 s.
        if not type(error).__module__.startswith("pyarrow"):
            raise
        yield _damaged(path, str(error))


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if not error.strerror:
            raise
        raise StudioError(f"{path} cannot be read: {error.strerror}.", hint="Check the path.") from None


def _contents(path: Path, decoder: Decoder, found: Layout) -> Iterator[Block]:
    if found.kind == ".parquet" and path.suffix.lower() == ".parquet":
        yield from read_parquet(path)
        return
    with opened(path) as file:
        match found.kind:
            case ".csv":
                yield from read_csv(file, path.name)
            case ".txt":
                yield from read_text(file, path.name)
            case ".arrow" | ".parquet":
                yield from read_arrow(file)
            case _:
                yield from _json(file, path, decoder, found)
        if cause := damage(file):
            yield _damaged(path, cause)


def _damaged(path: Path, cause: str) -> Block:
    cause = f"damaged, or not what its name says; read up to here: {cause}"
    return block_of([], [Broken(path.name, 1, 1, 0, cause, b"")], 0)


def _json(file: io.BufferedReader, path: Path, decoder: Decoder, found: Layout) -> Iterator[Block]:
    file.read(found.start)
    if found.kind == "empty":
        # Reading on tells a damaged file, of which nothing came, from an empty one.
        if not file.read().strip(WHITE) and not damage(file):
            yield block_of([], [Broken(path.name, 1, 1, found.start, "the file is empty", b"")], found.start)
        return
    if found.kind == "lines":
        yield from _lines(file, path.name, found.start, decoder)
        return
    with Lines(partial(opened, path), found.start) as lines:
        place = Place(path.name, found.start, lines)
        if found.kind == "array":
            yield from read_array(file, place, decoder, _ARRAY)
        elif found.wrapper:
            _skip(file, found.wrapper.offset - found.start)
            place.offset = found.wrapper.offset
            yield from elements(file, b"", place, decoder, _ARRAY)
            if found.wrapper.broken:
                yield block_of([], found.wrapper.broken, place.offset)
        else:
            yield from read_objects(place, file, _ARRAY)


def _skip(file: io.BufferedReader, n: int) -> None:
    while n > 0 and (passed := len(file.read(min(n, _HEAD)))):
        n -= passed


def _lines(file: io.BufferedReader, name: str, offset: int, decoder: Decoder) -> Iterator[Block]:
    number = 0
    while lines := file.readlines(_LINES):
        begin, offset = offset, offset + sum(map(len, lines))
        try:
            # Every line at once, which none but a broken or blank one prevents.
            values = list(map(decoder.one, lines))
        except decoder.refuses:
            yield _line_by_line(lines, name, number, begin, decoder)
        else:
            numbers = range(number + 1, number + 1 + len(lines))
            yield Block(values, numbers, (), offset, partial(_begins, lines, begin), typed=True)
        number += len(lines)


def _begins(lines: list[bytes], offset: int) -> list[int]:
    return list(accumulate(map(len, lines[:-1]), initial=offset))


def _line_by_line(lines: list[bytes], name: str, number: int, offset: int, decoder: Decoder) -> Block:
    found: list[Read] = []
    broken: list[Broken] = []
    for line in lines:
        number += 1
        try:
            found.append((number, offset, decoder.one(line)))
        except decoder.refuses:
            if not line.isspace():
                _slowly(found, broken, name, number, offset, line)
        offset += len(line)
    return block_of(found, broken, offset)


def _slowly(found: list[Read], broken: list[Broken], name: str, number: int, offset: int, line: bytes) -> None:
    raw = line.rstrip(b"\r\n")
    try:
        found.append((number, offset, orjson.loads(raw)))
    except orjson.JSONDecodeError as error:
        column, cause = why(raw, error)
        broken.append(Broken(name, number, column, offset + bytes_before(raw, column), cause, raw))
