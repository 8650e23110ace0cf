"""Finding duplicates and deciding about them; a new or edited row is held against all others at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Collection, Iterable, Sequence
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

from studio.alpaca import rows as alpaca
from studio.alpaca.rows import Preference, Row
from studio.curate.duplicates import prompts
from studio.errors import ProjectError
from studio.jobs.events import Event
from studio.session.deciding import Deciding, count_of
from studio.settings import DedupSettings, Settings
from studio.store import decisions, index_folder
from studio.store.journal import Change
from studio.store.pairs import Kind, Search, StoredPair
from studio.store.project import DATABASE_FILE, Project
from studio.store.rows import PAIRED

if TYPE_CHECKING:
    from studio.curate.duplicates.review_queue import Loss, Order, ReviewQueue
    from studio.jobs.duplicates.dedup import Asked
    from studio.jobs.duplicates.neighbours import Neighbour, Neighbours
    from studio.jobs.runs.control import Control

FLOOR = 0.65
"""Pairs down to this score are kept, so that the threshold can be lowered to it without a new search."""
MANY = 20_000
"""Rows decided on at once, from which on a queue is rather made anew."""
AT_ONCE = 100
"""Rows that came back, up to which they are compared with all others before anything else goes on."""
ALIKE: dict[Kind, str] = {
    "exact": "says the same as",
    "overlap": "overlap {:.2f} with",
    "letters": "overlap {:.2f}, typing mistakes aside, with",
    "conflict": "another answer to the prompt of",
    "rouge-l": "ROUGE-L {:.2f} with",
    "semantic": "cosine {:.2f} with",
    "task": "another input to the instruction of",
}


class Judging(Deciding):
    """An open project to judge duplicates in."""

    def __init__(self, project: Project, settings: Settings) -> None:
        super().__init__(project, settings)
        self._near: Neighbours | None = None

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

        self._must_write()
        how, before = chosen or self.settings.dedup, self.changes
        floor = min(how.limit, FLOOR) if how.method in ("overlap", "minhash") else how.limit
        asked = dedup.Asked(how.method, how.field, floor)
        if how.method == "semantic":
            events = self._by_meaning(asked, control)
        else:
            events = self._reading(lambda store: dedup.find_duplicates(store, asked))
        async for event in events:
            if isinstance(event, DuplicatesFound):
                at = time.strftime("%Y-%m-%dT%H:%M:%S")
                search = Search(how.method, how.field, floor, event.rows, at, before, event.partial)
                with self._project.database.transaction():
                    self.pairs.replace_open(event.pairs, search)
                self._near = None
                with suppress(OSError):
                    # What is kept there only saves time.
                    index_folder.write(self.folder, event.indexes, search)
            yield event

    async def _by_meaning(self, asked: Asked, control: Control | None) -> AsyncGenerator[Event, None]:
        from studio.jobs.duplicates import dedup_semantic
        from studio.jobs.duplicates.semantic_plan import space_of
        from studio.jobs.runs.control import Control
        from studio.llm import prices
        from studio.llm.budget import Budget
        from studio.llm.choice import choose_embedder
        from studio.store.vectors import Vectors

        settings = self.settings.embeddings_at()
        vectors, budget = Vectors(self._project.database, space_of(settings)), Budget(self.settings.budget)
        embedder = choose_embedder(self.settings, vectors, budget, prices.load(self.settings.prices))
        path, running = self.folder / DATABASE_FILE, control or Control(concurrency=settings.concurrency)
        try:
            async with aclosing(dedup_semantic.find_duplicates(path, asked, settings, embedder, running)) as events:
                async for event in events:
                    yield event
        finally:
            await embedder.close()

    async def review_queue(
        self, chosen: DedupSettings | None = None, order: Order = "border"
    ) -> AsyncGenerator[Event, None]:
        """The clusters of the last search; ends with QueueMade. chosen: its threshold and who stays, [dedup]'s else."""
        from studio.jobs.duplicates import dedup
        from studio.jobs.duplicates.dedup_events import QueueMade

        how, folder = chosen or self.settings.dedup, self.folder
        async for event in self._reading(lambda store: dedup.make_queue(store, how.limit, how.keep, order, folder)):
            if isinstance(event, QueueMade):
                event.queue.alike = self._alike
            yield event

    async def foretell(self, queue: ReviewQueue, threshold: float) -> AsyncGenerator[Event, None]:
        """What another threshold would make of a queue: Foretold."""
        from studio.jobs.duplicates.dedup_events import Foretold

        yield Foretold(threshold, await asyncio.to_thread(queue.at, threshold))

    def neighbours(self, row_id: int) -> list[Neighbour]:
        """Rows near this one by the measure of the last search, the nearest first; [] before there was one."""
        stored, near = self.rows.get(row_id), self._neighbours
        return [] if stored is None or near is None else near.near(stored) or []

    def near_words(self, row_id: int) -> str:
        """Of which rows this one is an open duplicate, in words; "" when of none that is known."""
        found = [pair for pair in self.pairs.of(row_id) if pair.score >= self.settings.dedup.limit]
        if not found:
            return ""
        first, more = found[0], f", {len(found) - 1} more" if found[1:] else ""
        other = first.right if first.left == row_id else first.left
        return f"{ALIKE[first.kind].format(first.score)} #{other}{more}: Dedup decides"

    def compare(self, row_id: int) -> list[Neighbour]:
        """The same for a row that came or was rewritten; what is found is kept for the queue."""
        stored, near = self.rows.get(row_id), self._neighbours
        search = self.pairs.search()
        if search is not None and search.method == "semantic":
            # Those pairs are of another measure.
            return []
        if stored is None or stored.status == "rejected" or near is None or (found := near.near(stored)) is None:
            return []
        with self._project.database.transaction(durable=False):
            pairs = [(min(row_id, one.row), max(row_id, one.row), one.score, one.kind) for one in found]
            self.pairs.replace_of(row_id, pairs)
        return found

    def add(self, row: Row, *, seed: bool = False) -> int:
        """A row written by hand, compared with all others at once."""
        row_id = super().add(row, seed=seed)
        self.compare(row_id)
        return row_id

    def edit(self, row_id: int, row: Row) -> None:
        """Replace a row's content, and compare it with all others at once."""
        super().edit(row_id, row)
        self.compare(row_id)

    def undo(self) -> tuple[str, int | None] | None:
        """The same, and what came back or is written otherwise now is compared with all others."""
        before = self.changes
        return self._compared(before, super().undo())

    def redo(self) -> tuple[str, int | None] | None:
        before = self.changes
        return self._compared(before, super().redo())

    def _decide(self, command: str, summary: str, changes: Sequence[Change]) -> None:
        before = self.changes
        super()._decide(command, summary, changes)
        if any(one.before.get("status") == "rejected" for one in changes):
            self._compare_since(before)

    def _compared(self, earlier: tuple[int, int], told: tuple[str, int | None] | None) -> tuple[str, int | None] | None:
        if told is not None and (missing := self._compare_since(earlier)):
            return f"{told[0]}; only a new search finds the duplicates of {count_of(missing)}", told[1]
        return told

    def _compare_since(self, earlier: tuple[int, int]) -> int:
        """Compare the rows that changes since then rewrote or brought back; returns how many are too many for that."""
        search = self.pairs.search()
        if search is None or search.method == "semantic":
            return 0
        rows = self._journal.rewritten_since(earlier[0]) | self._unseen(search, earlier)
        if len(rows) > AT_ONCE:
            return len(rows)
        for row_id in sorted(rows):
            self.compare(row_id)
        return 0

    def _unseen(self, search: Search, earlier: tuple[int, int]) -> set[int]:
        """The rows that came back since then, and that the search did not see, for it was made while they were gone."""
        back = self._journal.brought_back_since(*earlier)
        return back & self._journal.brought_back_since(*search.changes) if back else back

    def shared_terms(self, left: int, right: int) -> list[tuple[str, float]]:
        """The terms that two rows share by what the last search compared, the rarest first, with their weights."""
        one, other, near = self.rows.get(left), self.rows.get(right), self._neighbours
        return near.shared(one, other) if one and other and near else []

    def judged_since(self, earlier: tuple[int, int]) -> tuple[set[int], list[StoredPair], bool]:
        """What decisions since `changes` was this mean for a queue: rows, pairs, and whether it is to be made anew."""
        entry, last = earlier
        rows = {row for ids in self._journal.rows_since(entry) for row in ids if row <= last}
        pairs = [pair for pair_id in self._journal.pairs_since(entry) if (pair := self.pairs.get(pair_id))]
        anew = self.rows.last_id() > last or bool(self._journal.rewritten_since(entry)) or len(rows) > MANY
        search = self.pairs.search()
        if not anew and search is not None:
            anew = bool(self._unseen(search, earlier))
        return rows, pairs, anew

    def settled(self) -> list[int]:
        """The decisions about duplicates since the last search that stand, by their numbers in the journal."""
        search = self.pairs.search()
        return [] if search is None else self._journal.standing_since(search.changes[0], "dedup")

    def _alike(self, row: int, others: Sequence[int]) -> Sequence[float]:
        near = self._neighbours
        return near.scores(row, others) if near else [0.0] * len(others)

    @property
    def _neighbours(self) -> Neighbours | None:
        if self._near is None and (search := self.pairs.search()) is not None:
            from studio.jobs.duplicates.neighbours import Neighbours

            self._near = Neighbours(self.folder, self.rows, search, self._rewritten_since)
        return self._near

    def _rewritten_since(self, earlier: tuple[int, int]) -> tuple[tuple[int, int], Iterable[int]]:
        entry, last = earlier
        now = self.changes
        came = self._journal.brought_back_since(entry, last) | set(range(last + 1, now[1] + 1))
        return now, self._journal.rewritten_since(entry) | came

    # -- deciding --------------------------------------------------------------------------------

    def drop_duplicates(self, losses: Collection[Loss]) -> int:
        """Reject each of these rows in favour of the one that stays for it, as one undoable step; returns how many."""
        kinds = {
            (one.left, one.right): one.kind for one in self.pairs.among([_pair(one.row, one.keeper) for one in losses])
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
        changes = decisions.dropped(self.rows.page, told)
        if changes:
            keepers = sorted({one.keeper for one in losses})
            for_whom = f" for #{keepers[0]}" if len(keepers) == 1 else ""
            rows = f"#{changes[0].first}" if len(changes) == 1 else count_of(len(changes))
            self._decide("dedup", f"drop {rows}{for_whom}", changes)
        return len(changes)

    def keep_both(self, pairs: Collection[tuple[int, int]]) -> None:
        """Say of these pairs of rows that they are no duplicates, for good."""
        self._must_write()
        asked = [_pair(*pair) for pair in pairs]
        known = {(one.left, one.right) for one in self.pairs.among(asked)}
        missing: list[tuple[int, int, float, Kind]] = [(*pair, 0.0, "overlap") for pair in asked if pair not in known]
        if missing:
            with self._project.database.transaction(durable=False):
                self.pairs.add(missing)
        changes = decisions.wanted_both(self.pairs.among(asked))
        if changes:
            rows = sorted({row for pair in asked for row in pair})
            self._decide("dedup", f"keep {', '.join(f'#{row}' for row in rows[:4])}{' …' if rows[4:] else ''}", changes)

    def merge(self, keeper: int, row: Row, gone: Iterable[int]) -> None:
        """Give the row that stays this content, and reject the others as merged into it."""
        stored = self.rows.get(keeper)
        if stored is None:
            raise ProjectError(f"There is no row #{keeper}.")
        others = [one for one in self.rows.page(list(gone)) if one.status != "rejected"]
        changes = [decisions.change(stored, self._content(stored, row))]
        changes += [decisions.change(one, decisions.rejected("merged", f"merged into #{keeper}")) for one in others]
        changes = [one for one in changes if one.before != one.after]
        if changes:
            self._decide("dedup", f"merge {', '.join(f'#{one.id}' for one in others)} into #{keeper}", changes)
            self.compare(keeper)

    def settle_conflict(self, keeper: int | None, gone: Iterable[int]) -> None:
        """Of rows that answer one prompt otherwise, keep this one, or none."""
        others = [one for one in self.rows.page(list(gone)) if one.status != "rejected"]
        why = f"another answer stays, #{keeper}" if keeper else "no answer of this conflict stays"
        changes = [decisions.change(one, decisions.rejected("conflict", why)) for one in others]
        said = f"keep #{keeper} of a conflict" if keeper else f"drop {count_of(len(changes))} of a conflict"
        if changes:
            self._decide("dedup", said, changes)

    def pair_up(self, chosen: int, rejected: int) -> int:
        """Make a preference row of two answers to one prompt; both rows go in its favour. Returns its id.

        Raises ProjectError when one is no row with an answer, or the two are asked different things.
        """
        self._must_write()
        better, worse = self.rows.get(chosen), self.rows.get(rejected)
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
            made = self.rows.add_imported([fresh], "preference", source=None, seed=False).start
            self.rows.descend(made, chosen, f"{PAIRED}{rejected}")
            changes: list[Change] = [decisions.brought_in(range(made, made + 1), "you took it back")]
            for one in (better, worse):
                gone = decisions.change(one, decisions.rejected("paired", f"became the preference row #{made}"))
                self._apply(gone.target, gone.first, gone.last, gone.after)
                changes.append(gone)
            said = f"make #{made} of #{chosen} over #{rejected}"
            self._journal.record(connection, "dedup", said, changes)
        return made


def _pair(one: int, other: int) -> tuple[int, int]:
    return (one, other) if one < other else (other, one)
