"""What a job says while it runs. Facts in the past tense; the session applies some of them, front ends show all."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import msgspec

from studio.alpaca.rows import RowType
from studio.store.blocks import Broken
from studio.store.rows import Generated, Imported

if TYPE_CHECKING:
    from studio.alpaca.checks import Issue


class Event(msgspec.Struct, frozen=True):
    """The base of all events."""


Events = Generator[Event, None, None]
"""What a job that computes is: a plain generator, run in a thread."""


class Progressed(Event, frozen=True):
    """done of total units of work; unit names them. total 0: not known."""

    done: int
    total: int
    unit: str


# -- import --------------------------------------------------------------------------------------


class FileOpened(Event, frozen=True):
    """A file is about to be read as rows of type; why says what told it."""

    path: str
    type: RowType
    why: str
    size: int


class RowsRead(Event, frozen=True):
    """Rows of the opened file that are good, and what was not. done: bytes read so far.

    unused: columns no row of this type has, and in how many rows; they are kept beside the rows.
    """

    type: RowType
    rows: list[Imported]
    broken: list[Broken]
    done: int
    unused: dict[str, int]


class SetAside(Event, frozen=True):
    """What could not be read is in the side file at path."""

    broken: list[Broken]
    path: str


class ImportEnded(Event, frozen=True):
    """rows came in; broken ones are in the side file, if there were any."""

    rows: int
    broken: int
    path: str | None


# -- evolve --------------------------------------------------------------------------------------


class Planned(Event, frozen=True):
    """attempts in all, done of them by earlier starts of the same run."""

    attempts: int
    done: int


class LaneStarted(Event, frozen=True):
    """A lane works on an attempt: step is evolving, answering or judging."""

    lane: int
    root: int
    round: int
    operation: str
    step: str
    instruction: str


class LaneText(Event, frozen=True):
    """More streamed text in a lane."""

    lane: int
    text: str


class Evolved(Event, frozen=True):
    """An attempt ended: a new row, pending or eliminated (made.rule). tokens and seconds it took."""

    lane: int
    made: Generated
    tokens: int
    seconds: float
    replayed: bool


class AttemptFailed(Event, frozen=True):
    """An attempt ended without an answer; starting again asks for it again."""

    lane: int
    root: int
    round: int
    message: str


class Retried(Event, frozen=True):
    """A request failed in a way that may pass, and is asked again after seconds."""

    lane: int
    message: str
    seconds: float


# -- dedup, place, check, export -----------------------------------------------------------------


class PairsFound(Event, frozen=True):
    """Every near-duplicate pair of the search: (earlier row, later row, ROUGE-L F)."""

    pairs: list[tuple[int, int, float]]


class Placement(msgspec.Struct, frozen=True):
    """A row's body before and after its segments moved, and where its gold one stood and stands.

    gold_before and gold_after are what the store holds: None unless the person marked it.
    """

    row_id: int
    before: str
    after: str
    gold_before: int | None
    gold_after: int | None
    place_before: int | None
    place_after: int | None
    segments: int


class Segmented(Event, frozen=True):
    """Rows with segments to place. gold: (row, index, of how many segments), index None where not known."""

    rows: list[tuple[int, int | None, int]]


class Placed(Event, frozen=True):
    """Rows whose gold segment gets a new place, and why others stay. Positions are (index, of how many)."""

    placements: list[Placement]
    skipped: dict[str, list[int]]
    before: list[tuple[int, int]]
    after: list[tuple[int, int]]


class Checked(Event, frozen=True):
    """Every issue of every row looked at, by row id."""

    rows: int
    issues: dict[int, list[Issue]]


class FileWritten(Event, frozen=True):
    """A dataset file is in place, read back and verified: rows kept by the trainer's rules."""

    path: str
    type: RowType
    rows: int


class Exported(Event, frozen=True):
    """The export is complete. held_back: rows the trainer would not keep; waiting: seeds without an answer."""

    out: str
    files: list[FileWritten]
    held_back: int
    waiting: int
    reasons: dict[str, int]
