"""The rows of an open project: looking at them, where they came from, what a person decides about them."""

from __future__ import annotations

import asyncio
import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any, NamedTuple

from studio.alpaca import rows as alpaca
from studio.alpaca.rows import Row
from studio.errors import ProjectError
from studio.llm.chat import Reply, Request
from studio.session.journal import DecisionJournal, count_of
from studio.session.project import OpenProject
from studio.store import decisions, lineage, summary
from studio.store.database import Database
from studio.store.filters import Filter
from studio.store.lineage import Kin
from studio.store.project import DATABASE_FILE
from studio.store.rows import Count, Rows, StoredRow


class Exchange(NamedTuple):
    """A request and its reply as the ledger keeps them, and when that was."""

    request: Request
    reply: Reply
    at: str


class ProjectRows:
    """The rows of an open project. compare: holds a row that came or was rewritten against all others."""

    def __init__(self, project: OpenProject, journal: DecisionJournal, compare: Callable[[int], object]) -> None:
        self._project, self._journal, self._compare = project, journal, compare

    # -- looking ---------------------------------------------------------------------------------

    def get(self, row_id: int) -> StoredRow | None:
        return self._project.rows.get(row_id)

    def page(self, ids: Sequence[int]) -> list[StoredRow]:
        """These rows, in the order of ids; ids there are not are left out."""
        return self._project.rows.page(ids)

    def ids(self, chosen: Filter) -> array[int]:
        """Every id the filter lets through."""
        return self._project.rows.ids(chosen)

    def ids_from(self, chosen: Filter, row_id: int, n: int) -> list[int]:
        """Up to n ids that the filter lets through, from this one on."""
        return self._project.rows.ids_from(chosen, row_id, n)

    def each(self, chosen: Filter) -> Iterator[StoredRow]:
        """Every row the filter lets through, few of them in memory at a time."""
        return self._project.rows.each(chosen)

    def counts(self) -> list[Count]:
        return self._project.rows.counts()

    def rules(self, *, generated: bool = True) -> dict[str, int]:
        """How many rows each rule rejected, of the generated ones or of the others."""
        return self._project.rows.rules(generated=generated)

    def rejected_among(self, ids: Iterable[int]) -> set[int]:
        return self._project.rows.rejected_among(ids)

    def stats(self) -> dict[str, Any]:
        """Counts by type and status, seeds, generated rows, eliminations by rule, pairs, paid replies."""
        found = summary.stats(self._project.rows, self._project.pairs)
        return {"project": self._project.name, **found, "replies": self._project.replies.count()}

    async def view(self, chosen: Filter) -> array[int]:
        """Every id the filter lets through, found in a thread while the screens go on painting."""

        def ids() -> array[int]:
            with closing(Database(self._project.folder / DATABASE_FILE, writable=False)) as database:
                return Rows(database).ids(chosen)

        return await asyncio.to_thread(ids)

    def origin(self, stored: StoredRow) -> str:
        """Where a row came from, in words: file and row, or parent, operation and round."""
        return summary.origin(stored, self._project.runs, self._project.replies)

    def lineage(self, row_id: int) -> list[StoredRow]:
        """The row and its ancestors, seed task first."""
        return lineage.line(self._project.rows, row_id)

    def family(self, row_id: int) -> list[Kin]:
        """The row's lineage with the branches beside it and its own children, parents before children."""
        return lineage.family(self._project.rows, row_id)

    def exchanges(self, stored: StoredRow) -> list[Exchange]:
        """What was asked and answered to make a row, in order; [] for a row that no model made."""
        kept = [self._project.replies.exchange(key) for key in (stored.replies or "").split()]
        return [Exchange(Request.decode(one[0]), Reply.decode(one[1]), one[2]) for one in kept if one is not None]

    # -- deciding --------------------------------------------------------------------------------

    def accept(self, row_id: int) -> None:
        self._journal.decide_on(row_id, "accept", decisions.ACCEPTED)

    def reject(self, row_id: int, evidence: str = "you rejected it") -> None:
        self._journal.decide_on(row_id, "reject", decisions.rejected(decisions.BY_HAND, evidence))

    def restore(self, row_ids: Iterable[int]) -> int:
        """Bring rejected rows back as one undoable step: generated ones pending, others accepted. Returns how many."""
        return self._journal.decide_on_all(
            row_ids,
            "restore",
            lambda stored: decisions.brought_back(stored) if stored.status == "rejected" else {},
        )

    def set_seed(self, row_id: int, seed: bool) -> None:
        """Put a row into the task pool or take it out."""
        self._journal.decide_on(row_id, "seed" if seed else "unseed", {"seed": seed})

    def edit(self, row_id: int, row: Row) -> None:
        """Replace a row's content, and compare it with all others at once.

        Raises ProjectError for a row of another type: a row's type stays.
        """
        stored = self._project.rows.get(row_id)
        if stored is not None and alpaca.type_of(row) != stored.type:
            raise ProjectError(f"#{row_id} is a {stored.type} row, and stays one.")
        self._journal.decide_on(row_id, "edit", {} if stored is None else content(stored, row, self._project.pattern))
        self._compare(row_id)

    def add(self, row: Row, *, seed: bool = False) -> int:
        """A row written by hand: accepted, and a seed task when asked; compared with all others. Returns its id."""
        self._project.must_write()
        with self._project.database.transaction() as connection:
            fresh = (alpaca.encode(row), 0, None, None)
            row_id = self._project.rows.add_imported([fresh], alpaca.type_of(row), source=None, seed=seed).start
            undone = decisions.brought_in(range(row_id, row_id + 1), "you took it back")
            self._project.journal.record(connection, "add", f"add #{row_id}", [undone])
        self._compare(row_id)
        return row_id

    def fix(self, code: str, row_ids: Iterable[int]) -> int:
        """Apply a check's automatic fix to these rows as one undoable step; returns how many changed."""
        from studio.alpaca import checks

        changes = []
        for stored in self._project.rows.page(list(row_ids)):
            mended = checks.fix(stored.row, code)
            if mended is not None:
                changes.append(decisions.change(stored, content(stored, mended, self._project.pattern)))
        if changes:
            self._journal.decide("fix", f"fix {code} in {count_of(len(changes))}", changes)
        return len(changes)

    def set_tags(self, row_ids: Iterable[int], tags: Iterable[str]) -> None:
        """Give these rows exactly these tags, in one undoable step."""
        given = sorted({tag.strip() for tag in tags} - {""})
        said = f"tag {', '.join(given)}" if given else "no tags"
        self._journal.decide_on_all(row_ids, said, lambda stored: {"tags": given})

    def classify(self, row_id: int, answer: bool | None) -> None:
        """Say with a tag whether a seed task is a classification task; None says nothing of it any more."""
        from studio.methods.self_instruct.seed_tasks import marked

        said = {
            True: "classify as classification",
            False: "classify as no classification",
            None: "classify as unknown",
        }[answer]
        self._journal.decide_on_all([row_id], said, lambda stored: {"tags": list(marked(stored.tags, answer))})

    def set_score(self, row_ids: Iterable[int], score: float | None) -> None:
        """Give these rows a score of the person's own scale; None takes it away."""
        said = "no score" if score is None else f"score {score:g}"
        self._journal.decide_on_all(row_ids, said, lambda stored: {"score": score})

    def waive(self, code: str, row_ids: Iterable[int], reason: str) -> int:
        """Let an issue of these rows pass, and why; returns how many rows that changed."""
        return self._journal.decide_on_all(
            row_ids, f"waive {code}", lambda stored: {"waived": {**stored.waived, code: reason or "no reason given"}}
        )

    def unwaive(self, code: str, row_ids: Iterable[int]) -> int:
        """Hold an issue against these rows again; returns how many rows that changed."""
        return self._journal.decide_on_all(
            row_ids,
            f"waive {code} no longer",
            lambda stored: {"waived": {other: why for other, why in stored.waived.items() if other != code}},
        )


def content(stored: StoredRow, row: Row, pattern: re.Pattern[str] | None) -> dict[str, Any]:
    """The fields of a row with new content: what is known of its gold segment goes with that segment."""
    after: dict[str, Any] = {"body": alpaca.encode(row).decode()}
    if row != stored.row and (stored.gold is not None or stored.gold_why is not None):
        from studio.curate.segments.context import carried

        after["gold"] = None if stored.gold is None else carried(stored.row, row, stored.gold, pattern)
        if after["gold"] is None:
            after["gold_why"] = None
    return after
