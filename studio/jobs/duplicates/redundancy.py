"""How redundant the project's rows are, and which of them to keep when only so many may stay."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterator

from studio.alpaca.rows import Row, RowType, texts
from studio.curate.selecting.diversity import Measure, select
from studio.curate.selecting.redundancy import Census, Clusters, cluster_of, spare
from studio.jobs.duplicates.redundancy_events import DiverseSelected, RedundancyMeasured
from studio.jobs.events import Events, Progressed
from studio.jobs.files.selection import method_of, origin_of, waits
from studio.store.filters import Filter, Status
from studio.store.reader import Reader
from studio.store.rows import StoredRow, paired

_STEP = 500
_STATUSES: tuple[Status, ...] = ("pending", "accepted")


CLUSTERED = 0.75
"""The score from which on a pair makes a cluster here."""


def measure(store: Reader, clusters: Clusters | None = None, dropped: Collection[int] | None = None) -> Events:
    """Progressed, then RedundancyMeasured over every row that is not rejected.

    clusters: of near-duplicates; None: those that the pairs found so far connect. dropped: rows to do without, to see
    what that changes; None: all rows of each cluster but the first.
    """
    known = cluster_of(_connected(store) if clusters is None else clusters)
    # Of a cluster, the first row may be gone already.
    present = {row: known[row] for row in known.keys() & store.rows.ids(Filter(statuses=_STATUSES))}
    census = Census(present, spare(present) if dropped is None else dropped)
    total, source_of = _total(store), _sources(store)
    for n, (stored, text) in enumerate(_rows(store), start=1):
        census.add(stored.id, text, source_of(stored), method_of(stored))
        if n % _STEP == 0:
            yield Progressed(n, total, "rows measured")
    yield RedundancyMeasured(census.redundancy(), len(set(known.values())))


def choose(store: Reader, size: int, by: Measure, seed: int, type: RowType | None = None) -> Events:
    """Progressed, then DiverseSelected: `size` of the rows that an export could take, of this type or of all.

    Seed tasks without an answer take no part, and neither do rows without a text. Raises UsageError for a size below 0.
    """
    ids, selected = array("q"), array("q")
    wanted = min(size, _total(store))
    for row in select(_candidates(store, type, ids), size, by, seed):
        if row is not None:
            selected.append(row)
        yield Progressed(len(selected), wanted, "rows selected")
    kept = frozenset(selected)
    others = array("q", (row for row in ids if row not in kept))
    census, source_of = Census(_connected(store), frozenset(others)), _sources(store)
    for n, (stored, text) in enumerate(_rows(store, type), start=1):
        if not waits(stored):
            census.add(stored.id, text, source_of(stored), method_of(stored))
        if n % _STEP == 0:
            yield Progressed(n, len(ids), "rows measured")
    yield DiverseSelected(selected, others, by, seed, census.redundancy())


def text_of(row: Row) -> str:
    """All that is trained on of a row: system prompt, earlier turns, prompt and answers."""
    return "\n".join(text for _, text in texts(row))


def _candidates(store: Reader, type: RowType | None, ids: array[int]) -> Iterator[tuple[int, str]]:
    """The rows that can be selected; their ids are noted in ids."""
    for stored, text in _rows(store, type):
        if not waits(stored):
            ids.append(stored.id)
            yield stored.id, text


def _rows(store: Reader, type: RowType | None = None) -> Iterator[tuple[StoredRow, str]]:
    for stored in store.rows.each(Filter(type=type, statuses=_STATUSES)):
        if (text := text_of(stored.row)).strip():
            yield stored, text


def _total(store: Reader) -> int:
    return sum(count.n for count in store.rows.counts() if count.status != "rejected")


def _sources(store: Reader) -> Callable[[StoredRow], str]:
    """What a row's source is called: each run and each import has a name of its own."""
    names: dict[tuple[int | None, int | None, bool], str] = {}

    def source_of(stored: StoredRow) -> str:
        key = stored.run, stored.source, paired(stored)
        if key not in names:
            name = origin_of(store, stored)
            names[key] = f"{name}, import {stored.source}" if name in names.values() else name
        return names[key]

    return source_of


def _connected(store: Reader) -> dict[int, int]:
    """The clusters that pairs of near-duplicates make, but for pairs of which the person wants both."""
    leader: dict[int, int] = {}

    def find(row: int) -> int:
        while leader.setdefault(row, row) != row:
            leader[row] = row = leader[leader[row]]
        return row

    for pair in store.pairs.all():
        if pair.verdict != "keep-both" and pair.kind not in ("conflict", "task") and pair.score >= CLUSTERED:
            first, second = sorted((find(pair.left), find(pair.right)))
            leader[second] = first
    return {row: find(row) for row in list(leader)}
