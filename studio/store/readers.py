"""Reading dataset files: JSON arrays and JSON Lines, streamed in blocks, whatever their size.

A broken line or element never costs the rest: it comes out as Broken, with file, line, column, byte
offset and cause, and reading goes on behind it. Memory stays at a few blocks plus the longest row.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from studio.errors import StudioError
from studio.store.arrays import read_array
from studio.store.blocks import PLAIN, WHITE, Block, Broken, Decoder, Read, bytes_before, why

_BLOCK = 1 << 20
_BOM = b"\xef\xbb\xbf"
_HEAD = 4096


def read(path: Path, decoder: Decoder = PLAIN) -> Iterator[Block]:
    """The objects of a JSON array or JSON Lines file, a block at a time.

    The content decides which of the two it is, not the file's name. With a decoder, an object it accepts
    comes out as what the decoder made of it, any other as the plain dict. Raises StudioError when the file
    cannot be opened or is not UTF-8 text at all.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
            if head.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise StudioError(
                    f"{path.name} is UTF-16, and the trainer reads UTF-8.",
                    hint=f"iconv -f UTF-16 -t UTF-8 {path.name} > utf8-{path.name}",
                )
            start = len(_BOM) if head.startswith(_BOM) else 0
            text = head[start:].lstrip(WHITE)
            if not text and len(head) < _HEAD:
                yield Block([], [Broken(path.name, 1, 1, start, "the file is empty", b"")], start)
                return
            file.seek(start)
            if text.startswith(b"["):
                yield from read_array(file, path.name, start, decoder, _BLOCK)
            else:
                yield from _lines(file, path.name, start, decoder)
    except OSError as error:
        raise StudioError(f"{path} cannot be read: {error.strerror}.", hint="Check the path and its rights.") from None


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
