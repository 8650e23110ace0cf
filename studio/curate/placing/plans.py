"""The plan of a placed row: everything that was changed in it, so that it can be put back byte for byte.

A plan needs no finding of segments: it knows where each moved text stands now. It belongs to exactly the row it was
made for, which its digest tells; a row that was edited since is its own original.
"""

from __future__ import annotations

import hashlib
import re

import msgspec

from studio.alpaca.rows import History, Row, encode
from studio.errors import StudioError
from studio.settings import Question, Strategy


class Edit(msgspec.Struct, frozen=True, array_like=True):
    """A change of a text beside the moving: text[start:end] of the field stood as `was` before.

    path: the field, such as "output" or "history[0][1]".
    """

    path: str
    start: int
    end: int
    was: str


class Plan(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a row was placed.

    field: which text holds the segments. order: for each place now, the place its segment had, -1 for a distractor.
    spans: where the row's own segments stand in the text once the edits are undone. edits: in the order they were made.
    gold: the place of the gold segment now, before: the one it had; None without one. distractors: the rows that others
    of its segments came from. variant: which one of its parent, 0 for a row that was placed itself. digest: of the row.
    """

    strategy: Strategy
    seed: int
    field: str
    order: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    digest: str
    gold: int | None = None
    before: int | None = None
    edits: tuple[Edit, ...] = ()
    distractors: tuple[int, ...] = ()
    question: Question = "as-is"
    locate_first: bool = False
    variant: int = 0

    def encode(self) -> str:
        """The plan as JSON, as it is kept with the row."""
        return msgspec.json.encode(self).decode()


def decode(kept: str) -> Plan:
    """The plan that was kept. Raises StudioError when it is none."""
    try:
        return msgspec.json.decode(kept, type=Plan)
    except msgspec.DecodeError as error:
        raise StudioError(f"A row's plan of placement cannot be read: {error}.") from None


def digest(row: Row) -> str:
    """16 hex digits that tell a row's content."""
    return hashlib.blake2b(encode(row), digest_size=8).hexdigest()


def holds(plan: Plan, row: Row) -> bool:
    """Whether the row is still as the plan left it."""
    return plan.digest == digest(row)


def restored(row: Row, plan: Plan) -> Row:
    """The row as it was before it was placed. Raises StudioError for a row that is not as the plan left it."""
    if not holds(plan, row):
        raise StudioError("The row was edited since it was placed.", hint="Undo the edit first.")
    for edit in reversed(plan.edits):
        text = text_at(row, edit.path)
        row = with_text(row, edit.path, text[: edit.start] + edit.was + text[edit.end :])
    text = text_at(row, plan.field)
    own = [place for place in plan.order if place >= 0]
    bodies = {place: text[start:end] for place, (start, end) in zip(own, plan.spans, strict=True)}
    parts: list[str] = []
    at = 0
    for place, (start, end) in enumerate(plan.spans):
        parts += (text[at:start], bodies[place])
        at = end
    return with_text(row, plan.field, "".join([*parts, text[at:]]))


_TURNS = "history"
_HISTORY = re.compile(r"history\[(\d+)\]\[([01])\]")


def text_at(row: Row, path: str) -> str:
    """The text at a path such as "output" or "history[0][1]"."""
    if found := _HISTORY.fullmatch(path):
        history: History = getattr(row, _TURNS)
        return history[int(found[1])][int(found[2])]
    whole: str = getattr(row, path)
    return whole


def with_text(row: Row, path: str, text: str) -> Row:
    """The row with another text at a path."""
    found = _HISTORY.fullmatch(path)
    if found is None:
        return msgspec.structs.replace(row, **{path: text})
    turns: History = getattr(row, _TURNS)
    history = [list(pair) for pair in turns]
    history[int(found[1])][int(found[2])] = text
    return msgspec.structs.replace(row, history=tuple((question, answer) for question, answer in history))
