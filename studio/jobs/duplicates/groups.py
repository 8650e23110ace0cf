"""The rows of a project in the groups in which they are compared.

Rows are compared within their type: one prompt may well serve SFT and preference training. KTO rows are compared within
their tag, for a good and a bad answer to one prompt belong together. Rejected rows take no part.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple

from studio.alpaca.rows import ROW_TYPES, Kto, Row, RowType
from studio.curate.duplicates.compared import Compared, Field, compared
from studio.jobs.events import Event, Progressed
from studio.store.reader import Reader

_STEP = 5000


class Group(NamedTuple):
    """Rows that are compared with each other. name: of the index that is made of them."""

    name: str
    rows: list[int]
    texts: list[Compared]

    @property
    def whole(self) -> list[str]:
        return [one.whole for one in self.texts]

    @property
    def inner(self) -> list[str] | None:
        """The inner texts, if any row has one."""
        return [one.inner for one in self.texts] if any(one.inner for one in self.texts) else None


def group_name(type: RowType, row: Row, field: Field) -> str:
    """The name of the group a row is compared in."""
    tag = f"-{'good' if row.kto_tag else 'bad'}" if isinstance(row, Kto) else ""
    return f"{field}-{type}{tag}"


def read_groups(store: Reader, field: Field, total: int) -> Generator[Event, None, list[Group]]:
    """The rows that are not rejected, by group."""
    groups: dict[str, Group] = {}
    done = 0
    for type in ROW_TYPES:
        for row_id, row in store.rows.contents(type):
            name = group_name(type, row, field)
            group = groups.setdefault(name, Group(name, [], []))
            group.rows.append(row_id)
            group.texts.append(compared(row, field))
            done += 1
            if done % _STEP == 0:
                yield Progressed(done, total, "rows read")
    return list(groups.values())
