"""Writing dataset files: a JSON array, JSON Lines, or Parquet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from studio.alpaca.column_survey import Shape

# A row group is held in memory by whoever writes or reads it.
_GROUP_ROWS = 10_000
_GROUP_BYTES = 32 << 20


def write_objects(path: Path, objects: Iterable[dict[str, Any]], shapes: Mapping[str, Shape] | None = None) -> int:
    """Write UTF-8 without BOM, streamed; returns how many objects there were. The same objects give the same bytes.

    The ending says what: .parquet (shapes then gives the type of each column), .jsonl, any other a JSON array.
    """
    if path.suffix == ".parquet":
        return _write_parquet(path, objects, shapes or {})
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


def arrow_schema(shapes: Mapping[str, Shape]) -> Any:
    """The shapes as a pyarrow.Schema."""
    import pyarrow

    return pyarrow.schema([(name, _arrow_type(shape)) for name, shape in shapes.items()])


def _arrow_type(shape: Shape) -> Any:
    import pyarrow

    match shape:
        case ("list", inner):
            return pyarrow.list_(_arrow_type(inner))
        case ("object", parts):
            return pyarrow.struct([(name, _arrow_type(part)) for name, part in parts.items()])
        case "true or false":
            return pyarrow.bool_()
        case _:
            return pyarrow.string()


def _write_parquet(path: Path, objects: Iterable[dict[str, Any]], shapes: Mapping[str, Shape]) -> int:
    import pyarrow
    import pyarrow.parquet

    schema = arrow_schema(shapes)
    count = size = 0
    group: list[dict[str, Any]] = []
    with pyarrow.parquet.ParquetWriter(path, schema) as file:

        def close_group() -> None:
            file.write_table(pyarrow.Table.from_pylist(group, schema))
            group.clear()

        for one in objects:
            group.append(one)
            count += 1
            size += len(orjson.dumps(one))
            if len(group) == _GROUP_ROWS or size >= _GROUP_BYTES:
                close_group()
                size = 0
        if group:
            close_group()
    return count
