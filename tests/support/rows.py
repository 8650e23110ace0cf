"""Stored rows made by hand."""

from __future__ import annotations

import msgspec

from studio.alpaca.rows import Sft, type_of
from studio.store.rows import StoredRow

_NOTHING = {field.name: None for field in msgspec.structs.fields(StoredRow)}


def stored(row_id, row=None, **state):
    """A stored row: pending, without provenance, unless told otherwise."""
    row = row or Sft(instruction=f"task {row_id}", output="done")
    fields = {"id": row_id, "type": type_of(row), "row": row, "status": "pending", "seed": False, "generated": False}
    return StoredRow(**_NOTHING | fields | state)
