"""The one object both front ends talk to: values out, commands in, jobs run, undo.

A command returns when it is on disk. A job is an async generator of events; each is applied to the
store before it is passed on, so a front end only ever shows what is already safe.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing, closing
from pathlib import Path
from typing import Any

import orjson

from studio import settings as settings_module
from studio.alpaca import checks
from studio.alpaca import rows as alpaca
from studio.alpaca.checks import Issue
from studio.alpaca.rows import ROW_TYPES, Row, RowType
from studio.curate.context import context_of
from studio.errors import LockedError, ProjectError
from studio.jobs import dedup, evolve, evolve_plan, exports, imports, placements, surveys
from studio.jobs.events import (
    Event,
    Evolved,
    FileOpened,
    ImportEnded,
    PairsFound,
    Placed,
    Placement,
    RowsRead,
    SetAside,
)
from studio.jobs.evolve import Control
from studio.jobs.threads import in_thread
from studio.llm.chat import ChatModel
from studio.llm.choice import choose_model
from studio.llm.ledger import LedgerChat
from studio.settings import Settings, Strategy
from studio.store import project as projects
from studio.store import set_aside
from studio.store.database import Database
from studio.store.filters import STATUSES, Filter
from studio.store.journal import Change, Group, Journal, Target
from studio.store.pairs import Pairs, StoredPair, Verdict
from studio.store.project import DATABASE_FILE, SET_ASIDE, Project
from studio.store.reader import Reader
from studio.store.replies import Replies
from studio.store.rows import Count, Imported, Rows, StoredRow, fields_of
from studio.store.runs import Runs

BY_HAND = "by-hand"
NEAR_DUPLICATE = "near-duplicate"


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
            self._give_up_interrupted_imports()

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

    def stats(self) -> dict[str, Any]:
        """Counts by type and status, seeds, generated rows, eliminations by rule, pairs, paid replies."""
        counts = self.rows.counts()
        pairs = self.pairs.all()
        return {
            "project": self.name,
            "rows": sum(count.n for count in counts),
            "seeds": sum(count.n for count in counts if count.seed and count.status != "rejected"),
            "generated": _by_status(count for count in counts if count.generated),
            "types": {
                type: by_status
                for type in ROW_TYPES
                if any((by_status := _by_status(count for count in counts if count.type == type)).values())
            },
            "eliminated": self.rows.rules(),
            "rejected": self.rows.rules(generated=False),
            "pairs": {"open": sum(pair.verdict == "open" for pair in pairs), "all": len(pairs)},
            "replies": self._replies.count(),
        }

    async def view(self, chosen: Filter) -> array[int]:
        """Every id the filter lets through, found in a thread while the screens go on painting."""

        def ids() -> array[int]:
            with closing(Database(self.folder / DATABASE_FILE, writable=False)) as database:
                return Rows(database).ids(chosen)

        return await asyncio.to_thread(ids)

    def origin(self, stored: StoredRow) -> str:
        """Where a row came from, in words: file and row, or parent, operation and round."""
        if stored.generated:
            run = self.runs.get(stored.run) if stored.run is not None else None
            model = orjson.loads(run.settings).get("model", "") if run else ""
            return f"{stored.operation} of #{stored.parent}, round {stored.round}, seed #{stored.root}, by {model}"
        if stored.source is None:
            return "written here"
        source = self.runs.source(stored.source)
        return f"{Path(source.path).name if source else '?'}, row {stored.number}"

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
        self._decide_on(row_id, "accept", {"status": "accepted", "rule": None, "evidence": None})

    def reject(self, row_id: int, evidence: str = "you rejected it") -> None:
        self._decide_on(row_id, "reject", {"status": "rejected", "rule": BY_HAND, "evidence": evidence})

    def set_seed(self, row_id: int, seed: bool) -> None:
        """Put a row into the task pool or take it out."""
        self._decide_on(row_id, "seed" if seed else "unseed", {"seed": seed})

    def mark_gold(self, row_id: int, gold: int | None) -> None:
        """Say which segment (from 0) of the row holds the answer."""
        self._decide_on(row_id, "gold", {"gold": gold})

    def place_one(self, row_id: int, strategy: Strategy) -> None:
        """Move one row's gold segment to head, middle or tail. Raises ProjectError when it cannot be moved."""
        stored = self.rows.get(row_id)
        context = context_of(stored.row, stored.gold) if stored else None
        if stored is None or context is None or context.gold is None:
            raise ProjectError(f"#{row_id} has no gold segment.", hint="Mark one first.")
        placed = placements.place_one(stored, context, strategy, 0, self.settings.position.seed)
        self._decide("place", f"gold of #{row_id} to the {strategy}", [_placing(placed)])

    def edit(self, row_id: int, row: Row) -> None:
        """Replace a row's content; its type stays."""
        self._decide_on(row_id, "edit", {"body": alpaca.encode(row).decode()})

    def add(self, row: Row, *, seed: bool = False) -> int:
        """A row written by hand: accepted, and a seed task when asked. Returns its id."""
        self._must_write()
        with self._project.database.transaction() as connection:
            fresh = Imported(alpaca.encode(row), 0, None, None)
            row_id = self.rows.add_imported([fresh], alpaca.type_of(row), source=None, seed=seed).start
            # Undoing an addition rejects the row: nothing is ever deleted.
            self._journal.record(
                connection, "add", f"add #{row_id}", [_import_change(row_id, row_id, "you took it back")]
            )
        return row_id

    def settle(self, pair_id: int, verdict: Verdict) -> None:
        """Decide a near-duplicate pair; keeping one side rejects the other with the pair as evidence."""
        pair = self.pairs.get(pair_id)
        if pair is None:
            raise ProjectError(f"There is no pair {pair_id}.")
        self._decide("settle", f"{verdict} of #{pair.left} and #{pair.right}", self._settling(pair, verdict))

    def settle_all(self, verdict: Verdict) -> int:
        """Settle every open pair alike, as one undoable step; returns how many."""
        changes: list[Change] = []
        gone: set[int] = set()
        settled = 0
        for pair in self.pairs.all():
            if pair.verdict == "open" and not {pair.left, pair.right} & gone:
                changes += self._settling(pair, verdict)
                gone |= {"keep-left": {pair.right}, "keep-right": {pair.left}}.get(verdict, set())
                settled += 1
        if changes:
            self._decide("settle", f"{verdict} for {settled} pairs", changes)
        return settled

    def fix(self, code: str, row_ids: Iterable[int]) -> int:
        """Apply a check's automatic fix to these rows as one undoable step; returns how many changed."""
        changes = []
        for stored in self.rows.page(list(row_ids)):
            mended = checks.fix(stored.row, code)
            if mended is not None:
                changes.append(_change(stored, {"body": alpaca.encode(mended).decode()}))
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
        """Bring files in; rows are accepted, they are the person's own. Ends with ImportEnded."""
        self._must_write()
        source, ranges, good, bad = 0, list[tuple[int, int]](), 0, 0
        side: Path | None = None
        async with aclosing(in_thread(imports.import_files(paths, type))) as events:
            async for event in events:
                if isinstance(event, FileOpened):
                    source = self._open_source(Path(event.path), event.why, finished=source)
                elif isinstance(event, RowsRead):
                    if event.rows:
                        ids = self._keep_imported(event, source, seed)
                        _extend(ranges, ids)
                        good += len(ids)
                    if event.broken:
                        side = set_aside.append(self.folder / SET_ASIDE, source, event.broken[0].file, event.broken)
                        bad += len(event.broken)
                        yield SetAside(event.broken, str(side))
                yield event
        with self._project.database.transaction() as connection:
            if source:
                self.runs.finish_source(source)
            if ranges:
                undone = [_import_change(first, last, "its import was undone") for first, last in ranges]
                self._journal.record(connection, "import", f"import {_rows(good)}", undone)
        yield ImportEnded(good, bad, str(side) if side else None)

    async def evolve(self, control: Control) -> AsyncGenerator[Event, None]:
        """Evolve the task pool; generated rows come in pending, eliminated ones rejected with their rule."""
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
        self._must_write()
        limit = self.settings.dedup.threshold if threshold is None else threshold
        async for event in self._reading(lambda store: dedup.find_duplicates(store, limit)):
            if isinstance(event, PairsFound):
                with self._project.database.transaction():
                    self.pairs.replace_open(event.pairs)
            yield event

    async def place(self, strategy: Strategy | None = None, seed: int | None = None) -> AsyncGenerator[Event, None]:
        """Move gold segments as one undoable step."""
        self._must_write()
        chosen = strategy or self.settings.position.strategy
        number = self.settings.position.seed if seed is None else seed
        async for event in self._reading(lambda store: placements.place(store.rows, chosen, number)):
            if isinstance(event, Placed) and event.placements:
                changes = [_placing(placed) for placed in event.placements]
                self._decide("place", f"place {_rows(len(changes))} ({chosen})", changes)
            yield event

    async def survey_segments(self) -> AsyncGenerator[Event, None]:
        """Which rows have segments to place, and where their gold is now."""
        async for event in self._reading(lambda store: placements.survey(store.rows)):
            yield event

    async def check(self) -> AsyncGenerator[Event, None]:
        """Check every row that is not rejected; ends with Checked."""
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
        chosen = tuple(status for status in STATUSES if status in (statuses or self.settings.export.statuses))

        def job(store: Reader) -> Iterator[Event]:
            source = exports.RowsOf(
                ids=lambda type: store.rows.ids(Filter(type=type, statuses=chosen)),
                page=store.rows.page,
                folder=lambda stored: store.runs.folder(stored.source) or self.folder,
            )
            return exports.export(source, types, out, self.name, strict=strict)

        async for event in self._reading(job):
            yield event

    def issues_of(self, stored: StoredRow) -> list[Issue]:
        """The issues of one row as it is now."""
        return surveys.issues_of(stored, self.runs.folder(stored.source) or self.folder)

    def chat_model(self) -> ChatModel:
        """The model the settings name, behind the ledger; one for the whole session."""
        if self._model is None:
            self._model = LedgerChat(choose_model(self.settings.model), self._replies)
        return self._model

    # -- inside ----------------------------------------------------------------------------------

    def _must_write(self) -> None:
        if not self.writable:
            raise LockedError(
                f"{self.folder} is open for reading only: {self.holder} is writing.", hint="Close it there first."
            )

    def _apply(self, target: Target, first: int, last: int, fields: dict[str, Any]) -> None:
        if target == "row":
            self.rows.change(first, last, fields)
        else:
            self.pairs.change(first, fields["verdict"])

    def _decide(self, command: str, summary: str, changes: Sequence[Change]) -> None:
        self._must_write()
        self._journal.decide(command, summary, changes)

    def _decide_on(self, row_id: int, command: str, after: dict[str, Any]) -> None:
        stored = self.rows.get(row_id)
        if stored is None:
            raise ProjectError(f"There is no row #{row_id}.")
        change = _change(stored, after)
        if change.before != change.after:
            self._decide(command, f"{command} #{row_id}", [change])

    def _settling(self, pair: StoredPair, verdict: Verdict) -> list[Change]:
        changes = [Change("pair", pair.id, pair.id, {"verdict": pair.verdict}, {"verdict": verdict})]
        if verdict in ("keep-left", "keep-right"):
            kept, gone = (pair.left, pair.right) if verdict == "keep-left" else (pair.right, pair.left)
            stored = self.rows.get(gone)
            if stored is not None and stored.status != "rejected":
                evidence = f"near-duplicate of #{kept}, ROUGE-L {pair.score:.2f}"
                changes.append(_change(stored, {"status": "rejected", "rule": NEAR_DUPLICATE, "evidence": evidence}))
        return changes

    def _told(self, group: Group | None) -> tuple[str, int | None] | None:
        return None if group is None else (group.summary, self._journal.touched(group.id))

    def _open_source(self, path: Path, note: str, *, finished: int) -> int:
        with self._project.database.transaction(durable=False):
            if finished:
                self.runs.finish_source(finished)
            return self.runs.add_source(path, note)

    def _keep_imported(self, event: RowsRead, source: int, seed: bool) -> range:
        with self._project.database.transaction(durable=False):
            return self.rows.add_imported(event.rows, event.type, source=source, seed=seed)

    def _give_up_interrupted_imports(self) -> None:
        """A killed import left a part of its file: take it out of the way, so that importing again is right."""
        for source in self.runs.unfinished_sources():
            with self._project.database.transaction():
                name = Path(source.path).name
                self.rows.give_up(source.id, "interrupted", f"the import of {name} was interrupted; import it again")
                self.runs.finish_source(source.id)

    async def _reading(self, job: Callable[[Reader], Iterator[Event]]) -> AsyncGenerator[Event, None]:
        """Run a job that only reads, in a thread, over a connection of its own."""
        database = Database(self.folder / DATABASE_FILE, writable=False)
        try:
            async with aclosing(in_thread(job(Reader(database)))) as events:
                async for event in events:
                    yield event
        finally:
            database.close()


def _change(stored: StoredRow, after: dict[str, Any]) -> Change:
    return Change("row", stored.id, stored.id, fields_of(stored, after), after)


def _placing(placed: Placement) -> Change:
    before = {"body": placed.before, "gold": placed.gold_before}
    return Change("row", placed.row_id, placed.row_id, before, {"body": placed.after, "gold": placed.gold_after})


def _import_change(first: int, last: int, evidence: str) -> Change:
    gone = {"status": "rejected", "rule": BY_HAND, "evidence": evidence}
    return Change("row", first, last, gone, {"status": "accepted", "rule": None, "evidence": None})


def _extend(ranges: list[tuple[int, int]], ids: range) -> None:
    """Add ids, joined to the last range where they follow it."""
    if ranges and ranges[-1][1] + 1 == ids.start:
        ranges[-1] = (ranges[-1][0], ids.stop - 1)
    else:
        ranges.append((ids.start, ids.stop - 1))


def _by_status(counts: Iterable[Count]) -> dict[str, int]:
    totals = dict.fromkeys(STATUSES, 0)
    for count in counts:
        totals[count.status] += count.n
    return {str(status): n for status, n in totals.items()}


def _rows(n: int) -> str:
    return f"{n} row" if n == 1 else f"{n} rows"
