"""Duplicates: finding them, and deciding about them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Collection, Iterable
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

from studio.alpaca import rows as alpaca
from studio.alpaca.rows import Preference, Row
from studio.curate.duplicates import prompts
from studio.errors import ProjectError
from studio.jobs.events import Event
from studio.session.journal import DecisionJournal, count_of
from studio.session.neighbours import ALIKE, Neighbourhood
from studio.session.project import OpenProject
from studio.session.rows import content
from studio.settings import DedupSettings
from studio.store import decisions, index_folder
from studio.store.journal import Change
from studio.store.pairs import Kind, Search, StoredPair
from studio.store.project import DATABASE_FILE
from studio.store.rows import PAIRED

if TYPE_CHECKING:
    from studio.curate.duplicates.review_queue import Loss, Order, ReviewQueue
    from studio.jobs.duplicates.dedup import Asked
    from studio.jobs.runs.control import Control

FLOOR = 0.65
"""Pairs down to this score are kept, so that the threshold can be lowered to it without a new search."""
MANY = 20_000
"""Rows decided on at once, from which on a queue is rather made anew."""


class Review:
    """The duplicates of an open project."""

    def __init__(self, project: OpenProject, journal: DecisionJournal, neighbours: Neighbourhood) -> None:
        self._project, self._journal, self._neighbours = project, journal, neighbours

    # -- finding ---------------------------------------------------------------------------------

    async def find_duplicates(
        self, chosen: DedupSettings | None = None, control: Control | None = None
    ) -> AsyncGenerator[Event, None]:
        """Search among rows that are not rejected; ends with DuplicatesFound. Open pairs are replaced.

        chosen: how, [dedup] by default. control: of the requests for vectors, if it is by meaning. Raises UsageError
        for a threshold that the method does not take, and what asking an endpoint raises.
        """
        from studio.jobs.duplicates import dedup
        from studio.jobs.duplicates.dedup_events import DuplicatesFound

        self._project.must_write()
        how, before = chosen or self._project.settings.dedup, self._project.changes
        floor = min(how.limit, FLOOR) if how.method in ("overlap", "minhash") else how.limit
        asked = dedup.Asked(how.method, how.field, floor)
        if how.method == "semantic":
            events = self._by_meaning(asked, control)
        else:
            events = self._project.reading(lambda store: dedup.find_duplicates(store, asked))
        async for event in events:
            if isinstance(event, DuplicatesFound):
                at = time.strftime("%Y-%m-%dT%H:%M:%S")
                search = Search(how.method, how.field, floor, event.rows, at, before, event.partial)
                with self._project.database.transaction():
                    self._project.pairs.replace_open(event.pairs, search)
                self._neighbours.forget()
                with suppress(OSError):
                    # What is kept there only saves time.
                    index_folder.write(self._project.folder, event.indexes, search)
            yield event

    async def _by_meaning(self, asked: Asked, control: Control | None) -> AsyncGenerator[Event, None]:
        from studio.jobs.duplicates import dedup_semantic
        from studio.jobs.duplicates.semantic_plan import space_of
        from studio.jobs.runs.control import Control
        from studio.llm import prices
        from studio.llm.budget import Budget
        from studio.llm.choice import choose_embedder
        from studio.store.vectors import Vectors

        settings = self._project.settings.embeddings_at()
        vectors, budget = Vectors(self._project.database, space_of(settings)), Budget(self._project.settings.budget)
        embedder = choose_embedder(self._project.settings, vectors, budget, prices.load(self._project.settings.prices))
        path, running = self._project.folder / DATABASE_FILE, control or Control(concurrency=settings.concurrency)
        try:
            async with aclosing(dedup_semantic.find_duplicates(path, asked, settings, embedder, running)) as events:
                async for event in events:
                    yield event
        finally:
            await embedder.close()

    async def queue(self, chosen: DedupSettings | None = None, order: Order = "border") -> AsyncGenerator[Event, None]:
        """The clusters of the last search; ends with QueueMade. chosen: its threshold and who stays, [dedup]'s else."""
        from studio.jobs.duplicates import dedup
        from studio.jobs.duplicates.dedup_events import QueueMade

        how, folder = chosen or self._project.settings.dedup, self._project.folder
        async for event in self._project.reading(
            lambda store: dedup.make_queue(store, how.limit, how.keep, order, folder)
        ):
            if isinstance(event, QueueMade):
                event.queue.alike = self._neighbours.alike
            yield event

    async def foretell(self, queue: ReviewQueue, threshold: float) -> AsyncGenerator[Event, None]:
        """What another threshold would make of a queue: Foretold."""
        from studio.jobs.duplicates.dedup_events import Foretold

        yield Foretold(threshold, await asyncio.to_thread(queue.at, threshold))

    def last_search(self) -> Search | None:
        """The last search for duplicates, None before there was one."""
        return self._project.pairs.search()

    def judged_since(self, earlier: tuple[int, int]) -> tuple[set[int], list[StoredPair], bool]:
        """What decisions since `changes` was this mean for a queue: rows, pairs, and whether it is to be made anew."""
        entry, last = earlier
        rows = {row for ids in self._project.journal.rows_since(entry) for row in ids if row <= last}
        pairs = [
            pair for pair_id in self._project.journal.pairs_since(entry) if (pair := self._project.pairs.get(pair_id))
        ]
        anew = (
            self._project.rows.last_id() > last
            or bool(self._project.journal.rewritten_since(entry))
            or len(rows) > MANY
        )
        search = self._project.pairs.search()
        if not anew and search is not None:
            anew = bool(self._neighbours.unseen(search, earlier))
        return rows, pairs, anew

    def settled(self) -> list[int]:
        """The decisions about duplicates since the last search that stand, by their numbers in the journal."""
        search = self._project.pairs.search()
        return [] if search is None else self._project.journal.standing_since(search.changes[0], "dedup")

    # -- deciding --------------------------------------------------------------------------------

    def drop_duplicates(self, losses: Collection[Loss]) -> int:
        """Reject each of these rows in favour of the one that stays for it, as one undoable step; returns how many."""
        kinds = {
            (one.left, one.right): one.kind
            for one in self._project.pairs.among([_pair(one.row, one.keeper) for one in losses])
        }
        told = [
            (
                one.row,
                one.keeper,
                ALIKE[kinds.get(_pair(one.row, one.keeper), "exact" if one.score >= 1 else "overlap")].format(
                    one.score
                ),
            )
            for one in losses
        ]
        changes = decisions.dropped(self._project.rows.page, told)
        if changes:
            keepers = sorted({one.keeper for one in losses})
            for_whom = f" for #{keepers[0]}" if len(keepers) == 1 else ""
            rows = f"#{changes[0].first}" if len(changes) == 1 else count_of(len(changes))
            self._journal.decide("dedup", f"drop {rows}{for_whom}", changes)
        return len(changes)

    def keep_both(self, pairs: Collection[tuple[int, int]]) -> None:
        """Say of these pairs of rows that they are no duplicates, for good."""
        self._project.must_write()
        asked = [_pair(*pair) for pair in pairs]
        known = {(one.left, one.right) for one in self._project.pairs.among(asked)}
        missing: list[tuple[int, int, float, Kind]] = [(*pair, 0.0, "overlap") for pair in asked if pair not in known]
        if missing:
            with self._project.database.transaction(durable=False):
                self._project.pairs.add(missing)
        changes = decisions.wanted_both(self._project.pairs.among(asked))
        if changes:
            rows = sorted({row for pair in asked for row in pair})
            self._journal.decide(
                "dedup", f"keep {', '.join(f'#{row}' for row in rows[:4])}{' …' if rows[4:] else ''}", changes
            )

    def merge(self, keeper: int, row: Row, gone: Iterable[int]) -> None:
        """Give the row that stays this content, and reject the others as merged into it."""
        stored = self._project.rows.get(keeper)
        if stored is None:
            raise ProjectError(f"There is no row #{keeper}.")
        others = [one for one in self._project.rows.page(list(gone)) if one.status != "rejected"]
        changes = [decisions.change(stored, content(stored, row, self._project.pattern))]
        changes += [decisions.change(one, decisions.rejected("merged", f"merged into #{keeper}")) for one in others]
        changes = [one for one in changes if one.before != one.after]
        if changes:
            self._journal.decide("dedup", f"merge {', '.join(f'#{one.id}' for one in others)} into #{keeper}", changes)
            self._neighbours.compare(keeper)

    def settle_conflict(self, keeper: int | None, gone: Iterable[int]) -> None:
        """Of rows that answer one prompt otherwise, keep this one, or none."""
        others = [one for one in self._project.rows.page(list(gone)) if one.status != "rejected"]
        why = f"another answer stays, #{keeper}" if keeper else "no answer of this conflict stays"
        changes = [decisions.change(one, decisions.rejected("conflict", why)) for one in others]
        said = f"keep #{keeper} of a conflict" if keeper else f"drop {count_of(len(changes))} of a conflict"
        if changes:
            self._journal.decide("dedup", said, changes)

    def pair_up(self, chosen: int, rejected: int) -> int:
        """Make a preference row of two answers to one prompt; both rows go in its favour. Returns its id.

        Raises ProjectError when one is no row with an answer, or the two are asked different things.
        """
        self._project.must_write()
        better, worse = self._project.rows.get(chosen), self._project.rows.get(rejected)
        if (
            better is None
            or worse is None
            or not isinstance(better.row, alpaca.Sft | alpaca.Kto)
            or not isinstance(worse.row, alpaca.Sft | alpaca.Kto)
        ):
            raise ProjectError("Only SFT and KTO rows make a preference pair.", hint="Keep one of them, or both.")
        if other := prompts.difference(better.row, worse.row):
            raise ProjectError(
                f"#{chosen} and #{rejected} are asked different things: their {other} differs.",
                hint="A preference pair has one prompt. Keep one of the two, or both, or edit one first.",
            )
        row = Preference(
            better.row.instruction,
            better.row.input,
            better.row.output,
            worse.row.output,
            better.row.system,
            better.row.history,
        )
        with self._project.database.transaction() as connection:
            fresh = (alpaca.encode(row), 0, None, None)
            made = self._project.rows.add_imported([fresh], "preference", source=None, seed=False).start
            self._project.rows.descend(made, chosen, f"{PAIRED}{rejected}")
            changes: list[Change] = [decisions.brought_in(range(made, made + 1), "you took it back")]
            for one in (better, worse):
                gone = decisions.change(one, decisions.rejected("paired", f"became the preference row #{made}"))
                self._project.apply(gone.target, gone.first, gone.last, gone.after)
                changes.append(gone)
            said = f"make #{made} of #{chosen} over #{rejected}"
            self._project.journal.record(connection, "dedup", said, changes)
        return made


def _pair(one: int, other: int) -> tuple[int, int]:
    return (one, other) if one < other else (other, one)
