"""Reading dataset files, streamed in blocks, whatever their size.

A broken line or element never costs the rest: it comes out as Broken, with file, line, column, byte
offset and cause, and reading goes on behind it. Memory stays at a few blocks plus the longest row.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from studio.errors import StudioError
from studio.store.arrays import read_array
from studio.store.blocks import PLAIN, WHITE, Block, Broken, Decoder, Read, bytes_before, why
from studio.store.opening import damage, kind_of, opened
from studio.store.tables import read_arrow, read_csv, read_parquet, read_text

_BLOCK = 1 << 20
_BOM = b"\xef\xbb\xbf"
_HEAD = 4096


def read(path: Path, decoder: Decoder = PLAIN) -> Iterator[Block]:
    """The objects of a dataset file, a block at a time.

    JSON arrays, JSON Lines, CSV, Parquet, Arrow and text with a document a line; .gz and .zst of these. Which of
    the two JSONs it is, the content decides, not the name. With a decoder, a JSON object that it accepts comes
    out as what the decoder made of it, any other as the plain dict. Offsets are of the decompressed file. A
    damaged file gives its rows up to the damage. Raises StudioError when the file cannot be opened.
    """
    try:
        yield from _contents(path, decoder)
    except Exception as error:
        if isinstance(error, OSError) and error.strerror:
            raise StudioError(f"{path} cannot be read: {error.strerror}.", hint="Check the path.") from None
        # Arrow's errors can be named only where it is imported, which takes 0.1 s.
        if not type(error).__module__.startswith("pyarrow"):
            raise
        yield _damaged(path, str(error))


def _contents(path: Path, decoder: Decoder) -> Iterator[Block]:
    if kind_of(path) == ".parquet" and path.suffix.lower() == ".parquet":
        yield from read_parquet(path)
        return
    with opened(path) as file:
        match kind_of(path):
            case ".csv":
                yield from read_csv(file, path.name)
            case ".txt":
                yield from read_text(file, path.name)
            case ".arrow":
                yield from read_arrow(file)
            case _:
                yield from _json(file, path.name, decoder)
        if cause := damage(file):
            yield _damaged(path, cause)


def _damaged(path: Path, cause: str) -> Block:
    return Block(
        [], [Broken(path.name, 1, 1, 0, f"damaged, or not what its name says; read up to here: {cause}", b"")], 0
    )


def _json(file: io.BufferedReader, name: str, decoder: Decoder) -> Iterator[Block]:
    head = file.peek(_HEAD)[:_HEAD]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise StudioError(
            f"{name} is UTF-16, and the trainer reads UTF-8.",
            hint=f"iconv -f UTF-16 -t UTF-8 {name} > utf8-{name}",
        )
    start = len(_BOM) if head.startswith(_BOM) else 0
    text = head[start:].lstrip(WHITE)
    if not text and len(head) < _HEAD:
        yield Block([], [Broken(name, 1, 1, start, "the file is empty", b"")], start)
        return
    file.read(start)
    if text.startswith(b"["):
        yield from read_array(file, name, start, decoder, _BLOCK)
    else:
        yield from _lines(file, name, start, decoder)


def _lines(file: Any, name: str, offset: int, decoder: Decoder) -> Iterator[Block]:
    one, refuses = decoder.one, decoder.refuses
    number = 0
    while lines := file.readlines(_BLOCK):
        found: list[Read] = []
        broken: list[Broken] = []
        for line in lines:
            number += 1
            try:
                found.append((number, offset, one(line)))
            except refuses:
                if not line.isspace():
                    _slowly(found, broken, name, number, offset, line)
            offset += len(line)
        yield Block(found, broken, offset)


def _slowly(found: list[Read], broken: list[Broken], name: str, number: int, offset: int, line: bytes) -> None:
    raw = line.rstrip(b"\r\n")
    try:
        found.append((number, offset, orjson.loads(raw)))
    except orjson.JSONDecodeError as error:
        column, cause = why(raw, error)
        broken.append(Broken(name, number, column, offset + bytes_before(raw, column), cause, raw))
