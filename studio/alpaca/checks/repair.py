"""What a repair changes in a row, field by field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from studio.alpaca.rows import Row, fields


class FieldChange(NamedTuple):
    """A text of a row before and after. field: its path, such as "history[0][1]"."""

    field: str
    before: str
    after: str


def changes(before: Row, after: Row) -> tuple[FieldChange, ...]:
    """The texts and media paths in which two rows of one type differ, in the order of the columns."""
    old, new = dict(_leaves("", fields(before))), dict(_leaves("", fields(after)))
    both = ((field, old.get(field, ""), new.get(field, "")) for field in {**old, **new})
    return tuple(FieldChange(*one) for one in both if one[1] != one[2])


def _leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:
    match value:
        case dict():
            for name, part in value.items():
                yield from _leaves(name, part)
        case tuple():
            for index, part in enumerate(value):
                yield from _leaves(f"{path}[{index}]", part)
        case _:
            yield path, str(value)
