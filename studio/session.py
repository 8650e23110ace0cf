"""The one object both front ends talk to: values out, commands in, jobs run, undo.

A command returns when it is on disk. A job is an async generator of events; each is applied to the
store before it is passed on: a front end only shows what is safe. Jobs are imported when they run.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from studio import settings as settings_module
from studio.alpaca import rows as alpaca
from studio.alpaca.rows import ROW_TYPES, Row, RowType
from studio.errors import LockedError, ProjectError
from studio.jobs.events import Event, Events, Evolved, FileOpened, ImportEnded, PairsFound, Placed, RowsRead, SetAside
from studio.jobs.threads import in_thread, reading
from studio.llm.chat import ChatModel
from studio.llm.ledger import LedgerChat
from studio.settings import Settings, Strategy
from studio.store import decisions, summary
from studio.store import project as projects
from studio.store.database import Database
from studio.store.filters import STATUSES, Filter
from studio.store.intake import Intake, give_up_unfinished
from studio.store.journal import Change, Group, Journal, Target
from studio.store.pairs import Pairs, Verdict
from studio.store.project import DATABASE_FILE, SET_ASIDE, Project
from studio.store.reader import Reader
from studio.store.replies import Replies
from studio.store.rows import Rows, StoredRow, fields_of
from studio.store.runs import Runs

if TYPE_CHECKING:
    from studio.alpaca.checks import Issue
    from studio.jobs.evolve import Control


class Session:
    """An open project."""

    def __init__(self, project: Project, settings: Settings) -> None:
        self._project = project
        self.settings = settings
        self.rows = Rows(project.database)
        self.pairs = Pairs(project.database)
        self.runs = Runs(project.database)
        self._replies = Replies(project.database)
        self._journal = Journal(project.database, self._apply)
        self._model: ChatModel | None = None
        if project.writable:
            give_up_unfinished(project.database)

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        flags: Mapping[str, Mapping[str, Any]] | None = None,
        read_only: bool = False,
        must_write: bool = False,
    ) -> Session:
        """Open a project folder with its settings. Raises ProjectError, LockedError, UsageError."""
        if projects.is_project(folder):
            files = (settings_module.user_file(), folder / projects.SETTINGS_FILE)
            settings = settings_module.load(files, flags=flags)
        else:
            settings = Settings()
        return cls(projects.open_project(folder, read_only=read_only, must_write=must_write), settings)

    async def close(self) -> None:
        """End the chat model's child, release the lock. What was decided is on disk already."""
        if self._model is not None:
            await self._model.close()
            self._model = None
        self._project.close()

    # -- what is here ----------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        return self._project.folder

    @property
    def name(self) -> str:
        return self.settings.project.name or self.folder.resolve().name

    @property
    def writable(self) -> bool:
        return self._project.writable

    @property
    def holder(self) -> str:
        """Who writes in the project when we may not."""
        return self._project.holder

    @property
    def export_folder(self) -> Path:
        """Where exports go unless another folder is named."""
        return self.folder / self.settings.export.out

    def stats(self) -> dict[str, Any]:
        """Counts by type and status, seeds, generated rows, eliminations by rule, pairs, paid replies."""
        found = summary.stats(self.rows, self.pairs)
        return {"project": self.name, **found, "replies": self._replies.count()}

    async def view(self, chosen: Filter) -> array[int]:
        """Every id the filter lets through, found in a thread while the screens go on painting."""

        def ids() -> array[int]:
            with closing(Database(self.folder / DATABASE_FILE, writable=False)) as database:
                return Rows(database).ids(chosen)

        return await asyncio.to_thread(ids)

    def origin(self, stored: StoredRow) -> str:
        """Where a row came from, in words: file and row, or parent, operation and round."""
        return summary.origin(stored, self.runs)

    def lineage(self, row_id: int) -> list[StoredRow]:
        """The row and its ancestors, seed task first."""
        line: list[StoredRow] = []
        next_id: int | None = row_id
        while next_id is not None and (stored := self.rows.get(next_id)) is not None:
            line.append(stored)
            next_id = stored.parent
        return line[::-1]

    @property
    def changes(self) -> tuple[int, int]:
        """Something that differs once any row or decision has been added."""
        last = self._journal.latest(1)
        return (last[0].id if last else 0, self.rows.last_id())

    @property
    def model_name(self) -> str:
        """The model that would answer, by name."""
        return self.settings.model.model or "SmolLM2-135M-Instruct (embedded); a larger model writes better data"

    def recall(self, key: str) -> Any:
        """What a front end remembered (which stage, row and filter were shown), or None."""
        found = self._project.database.get_meta(key)
        return None if found is None else orjson.loads(found)

    def remember(self, key: str, value: Any) -> None:
        """Keep a front end's small state over restarts. Nothing happens in a read-only session."""
        if self.writable:
            self._project.database.set_meta(key, orjson.dumps(value))

    # -- decisions -------------------------------------------------------------------------------

    def accept(self, row_id: int) -> None:
        self._decide_on(row_id, "accept", decisions.ACCEPTED)

    def reject(self, row_id: int, evidence: str = "you rejected it") -> None:
        self._decide_on(row_id, "reject", decisions.rejected(decisions.BY_HAND, evidence))

    def set_seed(self, row_id: int, seed: bool) -> None:
        """Put a row into the task pool or take it out."""
        self._decide_on(row_id, "seed" if seed else "unseed", {"seed": seed})

    def mark_gold(self, row_id: int, gold: int | None) -> None:
        """Say which segment (from 0) of the row holds the answer."""
        self._decide_on(row_id, "gold", {"gold": gold})

    def place_one(self, row_id: int, strategy: Strategy) -> None:
        """Move one row's gold segment to head, middle or tail. Raises ProjectError when it cannot be moved."""
        from studio.curate.context import context_of
        from studio.jobs import placements

        stored = self.rows.get(row_id)
        context = context_of(stored.row, stored.gold) if stored else None
        if stored is None or context is None or context.gold is None:
            raise ProjectError(f"#{row_id} has no gold segment.", hint="Mark one first.")
        placed = placements.place_one(stored, context, strategy, 0, self.settings.position.seed)
        self._decide("place", f"gold of #{row_id} to the {strategy}", [placements.change(placed)])

    def edit(self, row_id: int, row: Row) -> None:
        """Replace a row's content. Raises ProjectError for a row of another type: a row's type stays."""
        stored = self.rows.get(row_id)
        if stored is not None and alpaca.type_of(row) != stored.type:
            raise ProjectError(f"#{row_id} is a {stored.type} row, and stays one.")
        self._decide_on(row_id, "edit", {"body": alpaca.encode(row).decode()})

    def add(self, row: Row, *, seed: bool = False) -> int:
        """A row written by hand: accepted, and a seed task when asked. Returns its id."""
        self._must_write()
        with self._project.database.transaction() as connection:
            fresh = (alpaca.encode(row), 0, None, None)
            row_id = self.rows.add_imported([fresh], alpaca.type_of(row), source=None, seed=seed).start
            undone = decisions.brought_in(range(row_id, row_id + 1), "you took it back")
            self._journal.record(connection, "add", f"add #{row_id}", [undone])
        return row_id

    def settle(self, pair_id: int, verdict: Verdict) -> None:
        """Decide a near-duplicate pair; keeping one side rejects the other. A settled pair may be settled anew."""
        pair = self.pairs.get(pair_id)
        if pair is None:
            raise ProjectError(f"There is no pair {pair_id}.")
        self._decide(
            "settle", f"{verdict} of #{pair.left} and #{pair.right}", decisions.settling(self.rows.get, pair, verdict)
        )

    def settle_all(self, verdict: Verdict) -> int:
        """Settle every open pair alike, as one undoable step; returns how many."""
        changes, settled = decisions.settling_all(self.rows.get, self.pairs.all(), verdict)
        if changes:
            self._decide("settle", f"{verdict} for {settled} pairs", changes)
        return settled

    def fix(self, code: str, row_ids: Iterable[int]) -> int:
        """Apply a check's automatic fix to these rows as one undoable step; returns how many changed."""
        from studio.alpaca import checks

        changes = []
        for stored in self.rows.page(list(row_ids)):
            mended = checks.fix(stored.row, code)
            if mended is not None:
                changes.append(decisions.rewritten(stored, mended))
        if changes:
            self._decide("fix", f"fix {code} in {_rows(len(changes))}", changes)
        return len(changes)

    def undo(self) -> tuple[str, int | None] | None:
        """Take back the last decision: what it was, and the row to show; None when there is none."""
        self._must_write()
        return self._told(self._journal.undo())

    def redo(self) -> tuple[str, int | None] | None:
        self._must_write()
        return self._told(self._journal.redo())

    def history(self, n: int = 20) -> list[Group]:
        """The last decisions, newest first."""
        return self._journal.latest(n)

    # -- jobs ------------------------------------------------------------------------------------

    async def import_files(
        self, paths: Sequence[Path], type: RowType | None = None, *, seed: bool = False
    ) -> AsyncGenerator[Event, None]:
        """Bring files in as one undoable step; rows are accepted, they are the person's own. Ends with ImportEnded.

        An import that does not come to its end brings nothing in: its rows are rejected as interrupted.
        """
        from studio.jobs import imports

        self._must_write()
        intake = Intake(self._project.database, self._journal, self.folder / SET_ASIDE)
        try:
            async with aclosing(in_thread(imports.import_files(paths, type, seed=seed))) as events:
                async for event in events:
                    if isinstance(event, FileOpened):
                        intake.open(Path(event.path), event.why)
                    elif isinstance(event, RowsRead):
                        intake.keep(event.rows, event.type, seed=seed)
                        if event.broken:
                            yield SetAside(event.broken, str(intake.set_aside(event.broken)))
                    yield event
            intake.finish()
        except BaseException:
            give_up_unfinished(self._project.database)
            raise
        yield ImportEnded(intake.rows, intake.broken, str(intake.side_file) if intake.side_file else None)

    async def evolve(self, control: Control) -> AsyncGenerator[Event, None]:
        """Evolve the task pool; generated rows come in pending, eliminated ones rejected with their rule."""
        from studio.jobs import evolve, evolve_plan

        self._must_write()
        model = self.chat_model()
        evolving, profile = self.settings.evolve, self.settings.model.profile
        with self._project.database.transaction():
            plan = evolve_plan.make(evolving, profile, model, self.rows, self.runs)
        async with aclosing(evolve.evolve(plan, model, control)) as events:
            async for event in events:
                if isinstance(event, Evolved):
                    with self._project.database.transaction():
                        self.rows.add_generated(event.made)
                yield event

    async def find_duplicates(self, threshold: float | None = None) -> AsyncGenerator[Event, None]:
        """Search near-duplicates among rows that are not rejected; open pairs are replaced."""
        from studio.jobs import dedup

        self._must_write()
        limit = self.settings.dedup.threshold if threshold is None else threshold
        async for event in self._reading(lambda store: dedup.find_duplicates(store, limit)):
            if isinstance(event, PairsFound):
                with self._project.database.transaction():
                    self.pairs.replace_open(event.pairs)
            yield event

    async def place(self, strategy: Strategy | None = None, seed: int | None = None) -> AsyncGenerator[Event, None]:
        """Move gold segments as one undoable step."""
        from studio.jobs import placements

        self._must_write()
        chosen = strategy or self.settings.position.strategy
        number = self.settings.position.seed if seed is None else seed
        async for event in self._reading(lambda store: placements.place(store.rows, chosen, number)):
            if isinstance(event, Placed) and event.placements:
                changes = [change for change in map(placements.change, event.placements) if self._still_so(change)]
                self._decide("place", f"place {_rows(len(changes))} ({chosen})", changes)
            yield event

    async def survey_segments(self) -> AsyncGenerator[Event, None]:
        """Which rows have segments to place, and where their gold is now."""
        from studio.jobs import placements

        async for event in self._reading(lambda store: placements.survey(store.rows)):
            yield event

    async def check(self) -> AsyncGenerator[Event, None]:
        """Check every row that is not rejected; ends with Checked."""
        from studio.jobs import surveys

        async for event in self._reading(lambda store: surveys.check_rows(store, self.folder)):
            yield event

    async def export(
        self,
        out: Path,
        types: Sequence[RowType] = ROW_TYPES,
        *,
        statuses: Sequence[str] | None = None,
        strict: bool = False,
    ) -> AsyncGenerator[Event, None]:
        """Write dataset files and dataset_info.json; ends with Exported."""
        from studio.jobs import exports

        chosen = tuple(status for status in STATUSES if status in (statuses or self.settings.export.statuses))

        def job(store: Reader) -> Events:
            return exports.export(exports.rows_of(store, chosen, self.folder), types, out, self.name, strict=strict)

        async for event in self._reading(job):
            yield event

    def issues_of(self, stored: StoredRow) -> list[Issue]:
        """The issues of one row as it is now."""
        from studio.jobs import surveys

        return surveys.issues_of(stored, self.runs.folder(stored.source) or self.folder)

    def chat_model(self) -> ChatModel:
        """The model the settings name, behind the ledger; one for the whole session."""
        from studio.llm.choice import choose_model

        if self._model is None:
            self._model = LedgerChat(choose_model(self.settings.model), self._replies)
        return self._model

    # -- inside ----------------------------------------------------------------------------------

    def _must_write(self) -> None:
        if not self.writable:
            raise LockedError(
                f"{self.folder} is open for reading only; {self.holder} is writing in it.",
                hint="Close it there, and open it here again.",
            )

    def _apply(self, target: Target, first: int, last: int, fields: dict[str, Any]) -> None:
        if target == "row":
            self.rows.change(first, last, fields)
        else:
            self.pairs.change(first, fields["verdict"])

    def _decide(self, command: str, summary: str, changes: Sequence[Change]) -> None:
        self._must_write()
        self._journal.decide(command, summary, changes)

    def _decide_on(self, row_id: int, command: str, after: Mapping[str, Any]) -> None:
        stored = self.rows.get(row_id)
        if stored is None:
            raise ProjectError(f"There is no row #{row_id}.")
        change = decisions.change(stored, after)
        if change.before != change.after:
            self._decide(command, f"{command} #{row_id}", [change])

    def _still_so(self, change: Change) -> bool:
        """Whether the row is as it was when a job looked at it: a later edit is not overwritten."""
        stored = self.rows.get(change.first)
        return stored is not None and fields_of(stored, change.before) == change.before

    def _told(self, group: Group | None) -> tuple[str, int | None] | None:
        return None if group is None else (group.summary, self._journal.touched(group.id))

    def _reading(self, job: Callable[[Reader], Events]) -> AsyncGenerator[Event, None]:
        return reading(self.folder / DATABASE_FILE, job)


def _rows(n: int) -> str:
    return f"{n} row" if n == 1 else f"{n} rows"
