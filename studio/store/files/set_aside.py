"""The side file: what an import could not read, kept whole, with its place and cause."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import orjson

from studio.store.files.blocks import Broken


def append(folder: Path, source: int, file: str, broken: Iterable[Broken]) -> Path:
    """Add to the side file of one import; returns its path."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{source:04d}-{Path(file).name}.jsonl"
    with path.open("ab") as side:
        for one in broken:
            side.write(orjson.dumps(one.record()) + b"\n")
    return path
