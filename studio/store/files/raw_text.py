"""The text of a JSON file beside what was parsed of it: parsing hides keys given twice and numbers too big."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studio.store.files.blocks import Block

_HUGE = re.compile(rb"[0-9]{19}|[0-9][eE]\+?[0-9]{3}")


class RawText:
    """Goes through a plain JSON or JSONL file in step with the blocks `readers.read` gives of it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._end = 0

    def suspect(self, block: Block) -> Iterator[tuple[int, str]]:
        """Offset and text of each object whose text seems to have more keys than the parsed object, or a huge number.

        A colon behind a quotation mark, and digits, can also stand in a string, so only another look tells.
        """
        base, self._end = self._end, block.end
        with self._path.open("rb") as file:
            file.seek(base)
            text = file.read(block.end - base)
        if _colons(text) <= sum(map(_keys, block.values)) and not _HUGE.search(text):
            return
        offsets = [offset for offset in block.find_offsets() if offset is not None]
        ends = [*offsets[1:], base + len(text)]
        for value, offset, end in zip(block.values, offsets, ends, strict=False):
            one = text[offset - base : end - base]
            if _colons(one) > _keys(value) or _HUGE.search(one):
                yield offset, one.strip(b" \t\r\n,]").decode(errors="surrogateescape")


def _colons(text: bytes) -> int:
    return text.count(b'":') + text.count(b'" :')


def _keys(value: Any) -> int:
    match value:
        case dict():
            return len(value) + sum(_keys(part) for part in value.values() if part.__class__ in (dict, list))
        case list():
            return sum(_keys(part) for part in value if part.__class__ in (dict, list))
    return 0
