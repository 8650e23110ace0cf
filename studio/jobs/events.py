"""What a job says while it runs. Facts in the past tense; the session applies some of them, front ends show all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import msgspec

from studio.alpaca.census import TypeFacts
from studio.alpaca.rows import RowType
from studio.store.files.blocks import Broken
from studio.store.rows import Imported

if TYPE_CHECKING:
    from array import array

    from studio.alpaca.checks import Issue
    from studio.alpaca.llamafactory import Stage
    from studio.alpaca.preflight import Outlook
    from studio.curate.selecting.pool import Balance
    from studio.methods.asking import Result, Task
    from studio.methods.self_instruct.seed_tasks import Hint
    from studio.text.tokens import Language


class Event(msgspec.Struct, frozen=True):
    """The base of all events."""


Events = Generator[Event, None, None]
"""What a job that computes is: a plain generator, run in a thread."""


class Progressed(Event, frozen=True):
    """done of total units of work; unit names them. total 0: not known."""

    done: int
    total: int
    unit: str


# -- the task pool -------------------------------------------------------------------------------


class PoolCounted(Event, frozen=True):
    """The balance of the task pool; by language, the ids of the seed tasks and of the machine-made ones that requests
    of Self-Instruct may show, ascending.
    """

    balance: Balance
    seeds: dict[Language, array[int]]
    machine: dict[Language, array[int]]


class HintsFound(Event, frozen=True):
    """What speaks against seed tasks, by row id; a task without a hint is not there."""

    hints: dict[int, tuple[Hint, ...]]


# -- import --------------------------------------------------------------------------------------


class FileOpened(Event, frozen=True):
    """A source is about to be read as rows of type; why says what told it.

    total: bytes of all files of the import, 0 where unknown. fingerprint: tells the source from others.
    """

    path: str
    type: RowType
    why: str
    total: int
    fingerprint: str


class ImportedBefore(Event, frozen=True):
    """The opened source has been imported before, as this source of so many rows, and they are still here."""

    path: str
    source: int
    rows: int


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


# -- generation ----------------------------------------------------------------------------------


class RunBegun(Event, frozen=True):
    """A run of a method begins, or goes on. run: its id. model: who is asked in its first role, as the endpoint calls
    it. says: what a person should know, in lines.
    """

    method: str
    run: int
    model: str
    says: tuple[str, ...]


class GaveUp(Event, frozen=True):
    """A run came to its end before it was done; reason: in sentences."""

    reason: str


class Planned(Event, frozen=True):
    """attempts in all, done of them by earlier starts of the same run. Said again when the plan changes."""

    attempts: int
    done: int


class LaneStarted(Event, frozen=True):
    """A lane sends a request: step says what for (evolving, answering, judging, ...), text what it is about.

    root, round and operation: of the attempt, where its method has them.
    """

    lane: int
    step: str
    text: str
    root: int | None = None
    round: int = 0
    operation: str = ""


class LaneText(Event, frozen=True):
    """More streamed text in a lane."""

    lane: int
    text: str


class Ended(Event, frozen=True):
    """An attempt of a method came to its end, and what became of it is in the store.

    row_ids: of result.rows. replies: their keys in the ledger. tokens: of its prompts and of its answers, seconds: of
    its requests, replayed: none was paid for now.
    """

    lane: int
    task: Task
    result: Result
    row_ids: tuple[int, ...]
    replies: tuple[str, ...]
    tokens: tuple[int, int]
    seconds: float
    replayed: bool


class AttemptFailed(Event, frozen=True):
    """An attempt ended without an answer; starting again asks for it again."""

    lane: int
    message: str


class Retried(Event, frozen=True):
    """A request failed in a way that may pass, and is asked again after seconds."""

    lane: int
    message: str
    seconds: float


class Paused(Event, frozen=True):
    """The job paused by itself: nothing can be answered until the person has mended the reason and resumes."""

    reason: str


# -- check, export ------------------------------------------------------------------------


class Checked(Event, frozen=True):
    """Every issue of every row looked at, by row id; of_set: what is wrong with the project's rows as a whole."""

    rows: int
    issues: dict[int, list[Issue]]
    of_set: list[Issue]


class HeldBackFor(msgspec.Struct, frozen=True):
    """rows stay out of an export for one reason: a check's code, or trainer-dropped, trainer-aborts, media-file.

    reason, row: what is said of the first of them.
    """

    code: str
    reason: str
    rows: int
    row: int


class TypePreview(msgspec.Struct, frozen=True):
    """What an export takes of one type. parts: rows by train, valid and test, {} when there is no split.

    waiting: seed tasks without an answer, which stay in the project. held_back: most rows first. short: how many rows
    less than its share a part has, since duplicates stay together.
    """

    facts: TypeFacts
    parts: dict[str, int]
    waiting: int
    held_back: list[HeldBackFor]
    short: dict[str, int] = {}


class Previewed(Event, frozen=True):
    """What an export would write, of each type that has rows. cutoff: in tokens.

    estimated: no tokenizer of a model counted the tokens. notes: what is worth a word, in sentences.
    """

    types: list[TypePreview]
    cutoff: int
    estimated: bool
    notes: list[str]

    @property
    def reasons(self) -> dict[str, int]:
        """How many rows are held back by code, most first."""
        counted: Counter[str] = Counter()
        for one in self.types:
            for held in one.held_back:
                counted[held.code] += held.rows
        return dict(counted.most_common())


class FileKnown(Event, frozen=True):
    """A file that is in no project is about to be checked as rows of type; why says what told it."""

    path: str
    type: RowType
    why: str


class FileRowsChecked(Event, frozen=True):
    """More rows of a file that is in no project: each issue with the row's number and line. done: bytes read so far."""

    rows: int
    issues: list[tuple[int, Issue]]
    done: int


class FileOutlook(msgspec.Struct, frozen=True):
    """A file under an entry in a stage. name: of the entry, "" where there is none; then entry is one that fits."""

    name: str
    stage: Stage
    outlook: Outlook
    entry: dict[str, Any] | None


class FileChecked(Event, frozen=True):
    """What the trainer would make of the whole file, for each entry of dataset_info.json it has."""

    outlooks: list[FileOutlook]


class FileWritten(Event, frozen=True):
    """A dataset file is in place, read back and verified: rows kept by the trainer's rules.

    part: train, valid or test, "" when the rows are not split.
    """

    path: str
    type: RowType
    rows: int
    part: str = ""


class Exported(Event, frozen=True):
    """The export is complete. held_back: rows that stay out, listed in held_list (a path, "" when there are none).

    waiting: seeds without an answer. reasons: held back rows by code. preview: what the export said of itself first.
    beside: the other files it wrote, by their names in the folder.
    """

    out: str
    files: list[FileWritten]
    held_back: int
    waiting: int
    reasons: dict[str, int]
    preview: Previewed
    held_list: str = ""
    beside: tuple[str, ...] = ()


class Pushed(Event, frozen=True):
    """The export is on the Hub at this address; files went up. card: its card did too."""

    url: str
    files: int
    card: bool
