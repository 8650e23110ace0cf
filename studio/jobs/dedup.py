"""Near-duplicate search over the store's rows."""

from __future__ import annotations

from collections.abc import Iterator

from studio.alpaca.rows import ROW_TYPES, RowType, prompt_text
from studio.curate.duplicates import find_duplicates as find
from studio.jobs.events import Events, PairsFound, Progressed
from studio.store.filters import Filter
from studio.store.reader import Reader

_STEP = 256


def find_duplicates(store: Reader, threshold: float) -> Events:
    """Progressed, then PairsFound: rows of one type whose prompts are closer than threshold (ROUGE-L F).

    Types are compared each for itself: the same prompt may well serve SFT and preference training. Rejected
    rows take no part, and pairs the person wants both of are not reported again.
    """
    apart = store.pairs.settled_apart()
    total = sum(count.n for count in store.rows.counts() if count.status != "rejected")
    pairs: list[tuple[int, int, float]] = []
    done = 0
    for type in ROW_TYPES:
        for pair in find(_prompts(store, type), threshold):
            done += 1
            if pair is not None and (pair.left, pair.right) not in apart:
                pairs.append(pair)
            if done % _STEP == 0:
                yield Progressed(done, total, "rows compared")
    yield PairsFound(pairs)


def _prompts(store: Reader, type: RowType) -> Iterator[tuple[int, str]]:
    for stored in store.rows.each(Filter(type=type, statuses=("pending", "accepted"))):
        yield stored.id, prompt_text(stored.row)
