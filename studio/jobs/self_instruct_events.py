"""What a run of Self-Instruct says besides what every job of lanes does."""

from __future__ import annotations

import msgspec

from studio.alpaca.rows import Sft
from studio.jobs.events import Event
from studio.methods.templates import Language


class Candidate(msgspec.Struct, frozen=True):
    """An instruction as it was read from a reply; row has input and output where the variant brings them at once.

    rule and evidence: why it was dropped; "unanswered": it is new, and is asked for instances next. row_id: in the
    store, 0 before it is there.
    """

    row: Sft
    rule: str | None = None
    evidence: str | None = None
    row_id: int = 0


class Listed(Event, frozen=True):
    """The reply to request number `request` for instructions was read; replies are read in the order of requests.

    rule and evidence: why the whole reply brought nothing. reply: its key in the ledger. tokens: of the prompt and the
    answer, seconds: of the request, replayed: it was not paid for now.
    """

    lane: int
    request: int
    candidates: tuple[Candidate, ...]
    reply: str
    tokens: tuple[int, int]
    seconds: float
    replayed: bool
    rule: str | None = None
    evidence: str | None = None


class Dropped(msgspec.Struct, frozen=True):
    """An instance that is not kept, and why."""

    row: Sft
    rule: str
    evidence: str


class Answered(Event, frozen=True):
    """The instances of the instruction in row row_id came: rows, the first of which is that one from now on.

    rule and evidence: why it has none and is rejected. row_ids: of rows, () before they are in the store. dropped:
    instances that are not kept. extras: what belongs beside the row. The rest as in `Listed`, over both requests.
    """

    lane: int
    request: int
    row_id: int
    instruction: str
    classification: bool
    rows: tuple[Sft, ...]
    dropped: tuple[Dropped, ...]
    replies: tuple[str, ...]
    tokens: tuple[int, int]
    seconds: float
    replayed: bool
    rule: str | None = None
    evidence: str | None = None
    extras: bytes | None = None
    row_ids: tuple[int, ...] = ()


def kept_rows(event: Event) -> tuple[int, ...]:
    """The rows that an event has brought into the store to stay."""
    match event:
        case Answered():
            return event.row_ids
        case Listed():
            return tuple(one.row_id for one in event.candidates if one.rule is None)
        case _:
            return ()


class PoolLoaded(Event, frozen=True):
    """The run has begun with these tasks to show, in its language: seed tasks and machine-made ones.

    others: seed tasks in other languages, which it does not show. unanswered: new instructions of earlier starts that
    wait for their instances.
    """

    language: Language
    human: int
    machine: int
    others: dict[Language, int]
    unanswered: int = 0


class RanDry(Event, frozen=True):
    """The run ended before its target: the last replies, so many on end, brought nothing new."""

    replies: int
