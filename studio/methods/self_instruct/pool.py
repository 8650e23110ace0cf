"""The task pool of Self-Instruct: what requests show, and what new instructions are compared with.

Every seed task and every instruction that a method made and nobody dropped is compared with. What came of an
instruction later takes nothing back: as in the paper, one without an instance stays in the pool, or it would be
written again and again. What the person rejects leaves the pool, what they bring back returns.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from studio.alpaca.rows import Sft, prompt_text
from studio.alpaca.stored import StoredRow
from studio.curate.selecting.novelty import NoveltyIndex
from studio.errors import StudioError
from studio.methods.asking import Look, StoredRows
from studio.methods.self_instruct.lineage import INPUT_FIRST, METHOD, OUTPUT_FIRST, UNANSWERED
from studio.methods.self_instruct.rules import RULES
from studio.methods.templates import Language
from studio.text.tokens import language

_PLACEMENT = "placement"  # The operation of a row whose segments were put in another order.
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

    def renew(self, look: Look, touched: Iterable[range]) -> None:
        """Look again at rows that the person or a job has touched."""
        for ids in touched:
            known = ids if len(ids) < len(self._members) else self._members
            for row_id in [row_id for row_id in known if row_id in ids and row_id in self._members]:
                self._drop(row_id)
            self.take_all(look.rows, look.tasks_among(ids))

    def take_all(self, rows: StoredRows, ids: Sequence[int]) -> None:
        """Put these rows where they belong."""
        for stored in _each(rows, ids):
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


def load(look: Look, spoken: Language | None, threshold: float) -> TaskPool:
    """The pool of the project. spoken None: the language of most seed tasks, of equals that of the first.

    Raises StudioError when no row is a seed task in it, and UsageError for a threshold outside 0 to 1.
    """
    seeds = _languages(look)
    if not seeds[spoken] if spoken else not seeds:
        raise nothing_to_show(spoken or "")
    pool = TaskPool(spoken or seeds.most_common(1)[0][0], threshold)
    pool.take_all(look.rows, look.tasks_among(_EVERY))
    pool.others = Counter({other: n for other, n in seeds.items() if other != pool.language})
    return pool


def language_of_most(look: Look) -> Language:
    """The language of most seed tasks, of equals that of the first. Raises StudioError when there is none."""
    seeds = _languages(look)
    if not seeds:
        raise nothing_to_show()
    return seeds.most_common(1)[0][0]


def shown_in(stored: StoredRow) -> Language | None:
    """The language whose requests may show the row, as a seed task or as a machine-made one; None: no request may."""
    text = _instruction(stored)
    if not text or not _counts(stored) or not (stored.seed or (stored.operation or "").startswith(METHOD)):
        return None
    return _language(stored) if stored.seed else language(text)


def nothing_to_show(spoken: str = "") -> StudioError:
    """No seed task to begin with."""
    return StudioError(
        "The task pool is empty: no row is a seed task" + (f" in {spoken!r}." if spoken else "."),
        title="Nothing to begin with",
        hint="Import seeds (studio import DIR FILE --seed), or mark rows as seeds in Seeds.",
    )


def _languages(look: Look) -> Counter[Language]:
    """How many seed tasks there are in each language."""
    return Counter(_language(stored) for stored in _each(look.rows, look.seeds()))


def _each(rows: StoredRows, ids: Sequence[int]) -> Iterator[StoredRow]:
    for start in range(0, len(ids), _BATCH):
        yield from rows.page(ids[start : start + _BATCH])


def _instruction(stored: StoredRow) -> str:
    return stored.row.instruction.strip() if isinstance(stored.row, Sft) else ""


def _counts(stored: StoredRow) -> bool:
    """Whether a row is a task of the pool: a seed task, or a method's, that was not dropped as it was read."""
    if stored.generated and stored.parent is not None and (stored.operation or "").startswith(METHOD):
        return False  # A further instance of a task that is in the pool with its first.
    if stored.operation == _PLACEMENT:
        return stored.seed  # Its task is in the pool with its parent, if that is a task of the pool.
    if stored.status != "rejected":
        return stored.seed or stored.generated
    through = stored.operation in (OUTPUT_FIRST, INPUT_FIRST) and stored.rule in RULES
    return stored.rule == UNANSWERED or (through and stored.rule != "near-duplicate")


def _language(stored: StoredRow) -> Language:
    return language(prompt_text(stored.row))
