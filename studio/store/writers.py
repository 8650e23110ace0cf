"""Writing dataset files: one object a line, as a JSON array or as JSON Lines."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson


def write_objects(path: Path, objects: Iterable[dict[str, Any]]) -> int:
    """Write UTF-8 without BOM, streamed; the ending .jsonl means JSON Lines, any other an array. Returns how many."""
    array = path.suffix != ".jsonl"
    count = 0
    with path.open("wb") as file:
        if array:
            file.write(b"[")
        for one in objects:
            if array:
                file.write(b",\n" if count else b"\n")
            file.write(orjson.dumps(one))
            if not array:
                file.write(b"\n")
            count += 1
        if array:
            file.write(b"\n]\n")
    return count
