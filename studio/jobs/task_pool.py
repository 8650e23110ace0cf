"""The task pool of Self-Instruct: what requests show, and what new instructions are compared with.

Every seed task and every instruction that a method made and nobody dropped is compared with. What came of an
instruction later takes nothing back: as in the paper, one without an instance stays in the pool, or it would be
written again and again. What the person rejects leaves the pool, what they bring back returns.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from studio.alpaca.rows import Sft, prompt_text
from studio.curate.selecting.novelty import NoveltyIndex
from studio.jobs.evolve_plan import POOL
from studio.jobs.self_instruct_recipe import INPUT_FIRST, METHOD, OUTPUT_FIRST, nothing_to_show
from studio.methods.self_instruct.rules import RULES
from studio.methods.templates import Language
from studio.store.database import Database
from studio.store.draws import UNANSWERED, Shown, pool_ids
from studio.store.rows import PLACEMENT, Rows, StoredRow
from studio.text.tokens import language

_BATCH = 2000
_EVERY = range(1, 1 << 62)


class TaskPool:
    """The pool of a run in one language; tasks in others are only compared with.

    human, machine: ids of the tasks that requests may show, ascending. others: how many seed tasks in other languages
    there were when the pool was loaded.
    """

    def __init__(self, spoken: Language, threshold: float) -> None:
        self.language = spoken
        self.novelty = NoveltyIndex(threshold)
        self.human: list[int] = []
        self.machine: list[int] = []
        self.others: Counter[Language] = Counter()
        self._members: set[int] = set()

    def take(self, stored: StoredRow) -> None:
        """Put a row where it belongs, if anywhere."""
        text = _instruction(stored)
        if not text or not _counts(stored):
            return
        if shown_in(stored) == self.language:
            insort(self.human if stored.seed else self.machine, stored.id)
        self._compare_with(stored.id, text)

    def add(self, row_id: int, instruction: str) -> None:
        """Take a new instruction, the newest row of all."""
        if language(instruction) == self.language:
            self.machine.append(row_id)
        self._compare_with(row_id, instruction)

    def renew(self, rows: Rows, database: Database, touched: Iterable[range]) -> None:
        """Look again at rows that the person or a job has touched."""
        for ids in touched:
            known = ids if len(ids) < len(self._members) else self._members
            for row_id in [row_id for row_id in known if row_id in ids and row_id in self._members]:
                self._drop(row_id)
            self.take_all(rows, pool_ids(database, ids))

    def take_all(self, rows: Rows, ids: array[int]) -> None:
        """Put these rows where they belong."""
        for start in range(0, len(ids), _BATCH):
            for stored in rows.page(ids[start : start + _BATCH]):
                self.take(stored)

    def _compare_with(self, row_id: int, text: str) -> None:
        self.novelty.add(row_id, text)
        self._members.add(row_id)

    def _drop(self, row_id: int) -> None:
        self.novelty.remove(row_id)
        self._members.remove(row_id)
        for ids in (self.human, self.machine):
            place = bisect_left(ids, row_id)
            if place < len(ids) and ids[place] == row_id:
                del ids[place]


def load(path: Path, spoken: Language | None, threshold: float) -> TaskPool:
    """The pool of the project database at path, over a connection of its own: for any thread.

    spoken None: the language of most seed tasks, of equals that of the first. Raises StudioError when no row is a seed
    task in it, and UsageError for a threshold outside 0 to 1.
    """
    with closing(Database(path, writable=False)) as database:
        rows = Rows(database)
        seeds = Counter(_language(stored) for stored in rows.each(POOL))
        if not seeds[spoken] if spoken else not seeds:
            raise nothing_to_show(spoken or "")
        pool = TaskPool(spoken or seeds.most_common(1)[0][0], threshold)
        pool.take_all(rows, pool_ids(database, _EVERY))
        pool.others = Counter({other: n for other, n in seeds.items() if other != pool.language})
        return pool


def shown(rows: Rows, ids: Iterable[int], *, whole: bool) -> tuple[Shown, ...]:
    """These tasks, in this order, as a request shows them. whole: with input and output."""
    tasks = (stored for stored in rows.page(list(ids)))
    return tuple(
        Shown(stored.id, stored.row.instruction, *((stored.row.input, stored.row.output) if whole else ()))
        for stored in tasks
        if isinstance(stored.row, Sft)
    )


def shown_in(stored: StoredRow) -> Language | None:
    """The language whose requests may show the row, as a seed task or as a machine-made one; None: no request may."""
    text = _instruction(stored)
    if not text or not _counts(stored) or not (stored.seed or (stored.operation or "").startswith(METHOD)):
        return None
    return _language(stored) if stored.seed else language(text)


def _instruction(stored: StoredRow) -> str:
    return stored.row.instruction.strip() if isinstance(stored.row, Sft) else ""


def _counts(stored: StoredRow) -> bool:
    """Whether a row is a task of the pool: a seed task, or a method's, that was not dropped as it was read."""
    if stored.generated and stored.parent is not None and (stored.operation or "").startswith(METHOD):
        return False  # A further instance of a task that is in the pool with its first.
    if stored.operation == PLACEMENT:
        return stored.seed  # Its task is in the pool with its parent, if that is a task of the pool.
    if stored.status != "rejected":
        return stored.seed or stored.generated
    through = stored.operation in (OUTPUT_FIRST, INPUT_FIRST) and stored.rule in RULES
    return stored.rule == UNANSWERED or (through and stored.rule != "near-duplicate")


def _language(stored: StoredRow) -> Language:
    return language(prompt_text(stored.row))
