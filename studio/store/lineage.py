"""A row's family: what it grew from, what grew from that and was dropped, what grew from it."""

from __future__ import annotations

from typing import NamedTuple

from studio.store.rows import Rows, StoredRow


class Kin(NamedTuple):
    """A row of a family. depth: generations from its seed task. on_line: it leads to the row that was asked about."""

    row: StoredRow
    depth: int
    on_line: bool


def line(rows: Rows, row_id: int) -> list[StoredRow]:
    """The row and its ancestors, seed task first."""
    found: list[StoredRow] = []
    next_id: int | None = row_id
    while next_id is not None and (stored := rows.get(next_id)) is not None:
        found.append(stored)
        next_id = stored.parent
    return found[::-1]


def family(rows: Rows, row_id: int) -> list[Kin]:
    """The row's ancestors with all their children, and its own children, as a tree: parents before children.

    Children stand by round and variant; those that lead nowhere near the row are there without their own.
    """
    ancestors = line(rows, row_id)
    kin: list[Kin] = []

    def add(depth: int) -> None:
        stored = ancestors[depth]
        kin.append(Kin(stored, depth, True))
        ahead = ancestors[depth + 1].id if depth + 1 < len(ancestors) else None
        for child in rows.children(stored.id):
            if child.id == ahead:
                add(depth + 1)
            else:
                kin.append(Kin(child, depth + 1, False))

    if ancestors:
        add(0)
    return kin
