"""Looking at the task pool: its balance, and what speaks against single seed tasks."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from studio.alpaca.rows import Sft
from studio.curate.duplicates.rouge_l import find_duplicates
from studio.curate.selecting.pool import Census, SeedTask
from studio.jobs.events import Events, HintsFound, PoolCounted, Progressed
from studio.methods.self_instruct.pool import shown_in
from studio.methods.self_instruct.seed_tasks import Hint, classification, hints
from studio.store.filters import Filter
from studio.store.look import SEEDS
from studio.store.reader import Reader
from studio.store.rows import StoredRow
from studio.text.tokens import Language

# A task that never got an instance stays in the pool as a rejected row.
_MACHINE_MADE = Filter(generated=True, seed=False, type="sft")
_STEP = 500


def survey(store: Reader, threshold: float) -> Events:
    """Progressed, then PoolCounted as soon as every seed task is read, then HintsFound.

    Near-duplicates are those that ROUGE-L finds among the instructions, as the method compares them; both rows of
    a pair carry the hint.
    """
    census = Census()
    seeds: dict[Language, array[int]] = {"en": array("q"), "zh": array("q")}
    total = sum(count.n for count in store.rows.counts() if count.seed and count.status != "rejected")
    for n, (stored, row) in enumerate(_tasks(store), start=1):
        spoken = shown_in(stored)
        census.add(seed_task(stored, row), spoken)
        if spoken:
            seeds[spoken].append(stored.id)
        if n % _STEP == 0:
            yield Progressed(n, total, "seed tasks counted")
    machine: dict[Language, array[int]] = {"en": array("q"), "zh": array("q")}
    for stored in store.rows.each(_MACHINE_MADE):
        if spoken := shown_in(stored):
            machine[spoken].append(stored.id)
    yield PoolCounted(census.balance(), seeds, machine)
    found: dict[int, tuple[Hint, ...]] = {}
    for n, (stored, row) in enumerate(_tasks(store), start=1):
        if said := hints(row):
            found[stored.id] = said
        if n % _STEP == 0:
            yield Progressed(n, total, "seed tasks judged")
    nearest: dict[int, tuple[float, int]] = {}
    texts = ((stored.id, row.instruction) for stored, row in _tasks(store) if row.instruction.strip())
    for n, pair in enumerate(find_duplicates(texts, threshold), start=1):
        if pair is not None:
            for one, other in ((pair.left, pair.right), (pair.right, pair.left)):
                if pair.score > nearest.get(one, (0.0, 0))[0]:
                    nearest[one] = (pair.score, other)
        if n % _STEP == 0:
            yield Progressed(n, total, "seed tasks compared")
    for one, (score, other) in nearest.items():
        found[one] = (*found.get(one, ()), Hint("near-duplicate", f"ROUGE-L {score:.2f} with #{other}"))
    yield HintsFound(dict(sorted(found.items())))


def seed_task(stored: StoredRow, row: Sft) -> SeedTask:
    """A stored row as the census counts it."""
    told = classification(row.instruction, stored.tags, stored.extras)
    return SeedTask(row.instruction, row.input, row.output, stored.tags, told.answer, told.known)


def _tasks(store: Reader) -> Iterator[tuple[StoredRow, Sft]]:
    for stored in store.rows.each(SEEDS):
        if isinstance(stored.row, Sft):
            yield stored, stored.row
