"""Reading tables: CSV, Parquet, Arrow, and text with a document on each line.

Cells of a CSV are text. A cell that is written as a JSON list (history, images) or as true or false is
read as such; everything else stays text, so an answer "42" stays an answer.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from studio.store.files.blocks import Block, Broken, Read, block_of
from studio.text.tokens import is_utf8

_ROWS = 2000
_LISTS = ("history", "images", "videos", "audios", "conversations", "messages")
_LONGEST_CELL = 1 << 30


def read_csv(file: io.BufferedReader, name: str) -> Iterator[Block]:
    """Rows under the first line's names. A row with another number of cells, or that is no CSV, is Broken."""
    csv.field_size_limit(_LONGEST_CELL)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        yield from _csv_blocks(csv.reader(text, strict=True), name)
    finally:
        # The file belongs to the caller.
        text.detach()


def _csv_blocks(table: Any, name: str) -> Iterator[Block]:
    names = next(table, None)
    if not names:
        yield block_of([], [Broken(name, 1, 1, 0, "the file is empty", b"")], 0)
        return
    ended = False
    while not ended:
        found: list[Read] = []
        broken: list[Broken] = []
        for _ in range(_ROWS):
            line = table.line_num + 1
            try:
                cells = next(table, None)
            except csv.Error as error:
                broken.append(Broken(name, line, 1, 0, f"no CSV: {error}", b""))
                continue
            if cells is None:
                ended = True
                break
            raw = ",".join(cells)
            if not cells:
                continue
            if len(cells) != len(names):
                cause = f"{len(cells)} cells under {len(names)} column names"
                broken.append(Broken(name, line, 1, 0, cause, _bytes(raw)))
            elif not is_utf8(raw):
                broken.append(Broken(name, line, 1, 0, "not UTF-8", _bytes(raw)))
            else:
                found.append((line, None, {key: _cell(key, cell) for key, cell in zip(names, cells, strict=True)}))
        if found or broken:
            yield block_of(found, broken, 0)


def read_text(file: io.BufferedReader, name: str) -> Iterator[Block]:
    """A document a line, as the trainer reads .txt; lines without text are left out."""
    number = offset = 0
    while lines := file.readlines(1 << 20):
        found: list[Read] = []
        broken: list[Broken] = []
        for line in lines:
            number += 1
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                broken.append(Broken(name, number, error.start + 1, offset + error.start, "not UTF-8", line.rstrip()))
            else:
                if text.strip():
                    found.append((number, offset, {"text": text}))
            offset += len(line)
        yield block_of(found, broken, offset)


def read_parquet(path: Path) -> Iterator[Block]:
    """The rows of a Parquet file."""
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(path) as table:
        yield from _batches(table.iter_batches(batch_size=_ROWS))


def read_arrow(file: io.BufferedReader) -> Iterator[Block]:
    """The rows of an Arrow file, in the stream format (as `datasets` saves it) or the file format."""
    import pyarrow

    if file.peek(6)[:6] == b"ARROW1":
        table = pyarrow.ipc.open_file(file)
        yield from _batches(table.get_batch(index) for index in range(table.num_record_batches))
    else:
        yield from _batches(pyarrow.ipc.open_stream(file))


def _batches(batches: Iterable[Any]) -> Iterator[Block]:
    number = 0
    for batch in batches:
        rows = iter(batch.to_pylist())
        while part := list(islice(rows, _ROWS)):
            yield block_of([(number + index, None, row) for index, row in enumerate(part, start=1)], [], 0)
            number += len(part)


def _cell(name: str, cell: str) -> Any:
    if name in ("kto_tag", "label") and cell.strip().lower() in ("true", "false"):
        return cell.strip().lower() == "true"
    if name in _LISTS and cell.lstrip().startswith("["):
        try:
            return orjson.loads(cell)
        except orjson.JSONDecodeError:
            return cell
    return cell


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
