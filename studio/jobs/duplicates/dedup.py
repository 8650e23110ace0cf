"""Looking for duplicates among the rows of a project, and making the queue in which they are reviewed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from studio.alpaca.rows import fields, texts
from studio.curate.duplicates.clusters import Alike
from studio.curate.duplicates.compared import BYS, Field
from studio.curate.duplicates.finding import Pairs, Texts
from studio.curate.duplicates.join import minhash, prefix_join
from studio.curate.duplicates.representatives import Facts, Rule, rank
from studio.curate.duplicates.review_queue import Order, ReviewQueue
from studio.curate.duplicates.ties import Edge, ties_of_equals
from studio.jobs.duplicates.dedup_events import DuplicatesFound, QueueMade
from studio.jobs.duplicates.groups import Group, read_groups
from studio.jobs.duplicates.neighbours import Neighbours
from studio.jobs.events import Event, Events, Progressed
from studio.settings import DedupMethod
from studio.store.pairs import Found, Search
from studio.store.reader import Reader

if TYPE_CHECKING:
    from studio.curate.duplicates.index import Arrays

_STEP = 5000


class Asked(NamedTuple):
    """How to search. floor: the lowest score that is reported. indexed: whether an index is made, for later rows."""

    method: DedupMethod
    field: Field
    floor: float
    indexed: bool = True


def find_duplicates(store: Reader, asked: Asked) -> Events:
    """Progressed, then DuplicatesFound. Raises UsageError for a floor that the method does not take."""
    yield (yield from search(store, asked))


def search(store: Reader, asked: Asked) -> Generator[Event, None, DuplicatesFound]:
    """As `find_duplicates`, for other jobs: yields Progressed events and returns the DuplicatesFound."""
    total = sum(count.n for count in store.rows.counts() if count.status != "rejected")
    groups = yield from read_groups(store, asked.field, total)
    found: list[Found] = []
    partial: list[int] = []
    indexes: dict[str, Arrays] = {}
    before = 0
    for group in groups:
        texts = Texts(group.whole)
        searching = _search(texts, group, asked)
        while True:
            try:
                yield Progressed(int(before + next(searching) * len(group.rows)), total, "rows compared")
            except StopIteration as end:
                pairs: Pairs = end.value
                break
        found += pairs_of(group, pairs)
        partial += (group.rows[place] for place in pairs.partial.tolist())
        if asked.indexed:
            indexes[group.name] = texts.index(group.rows)
        before += len(group.rows)
    return DuplicatesFound(found, tuple(sorted(partial)), total, indexes)


def _search(texts: Texts, group: Group, asked: Asked) -> Generator[float, None, Pairs]:
    match asked.method:
        case "exact":
            yield 0.0
            return texts.exact()
        case "rouge-l":
            return (yield from texts.rouge_l(asked.floor, group.inner))
        case "minhash":
            return (yield from texts.overlap(asked.floor, group.inner, minhash.join))
        case "overlap" | "semantic":
            return (yield from texts.overlap(asked.floor, group.inner, prefix_join.join))


def pairs_of(group: Group, pairs: Pairs) -> Iterable[Found]:
    """The pairs with row ids in place of places in the group; rows with equal texts are tied by `ties_of_equals`."""
    rows = group.rows
    asking: defaultdict[int, list[int]] = defaultdict(list)
    columns = (pairs.left.tolist(), pairs.right.tolist(), pairs.by.tolist(), pairs.scores.tolist())
    for left, right, by, score in zip(*columns, strict=True):
        if BYS[by] == "exact":
            asking[left].append(right)
        else:
            yield rows[left], rows[right], score, BYS[by]
    for first, others in asking.items():
        for left, right, kind in ties_of_equals((first, *others), group.texts.__getitem__):
            yield rows[left], rows[right], 1.0, kind


# -- the queue ---------------------------------------------------------------------------------------


def make_queue(store: Reader, threshold: float, rule: Rule, order: Order, folder: Path) -> Events:
    """Progressed, then QueueMade: the clusters of the last search at this threshold."""
    search = store.pairs.search()
    pairs = store.pairs.all()
    edges = [Edge(one.left, one.right, one.score, one.kind, one.verdict != "keep-both") for one in pairs]
    rows = sorted({row for edge in edges for row in edge[:2]})
    facts: dict[int, Facts] = {}
    gone: set[int] = set()
    for start in range(0, len(rows), _STEP):
        yield Progressed(start, len(rows), "rows looked at")
        for stored in store.rows.page(rows[start : start + _STEP]):
            length = sum(len(text) for _, text in texts(stored.row))
            filled = sum(value not in ("", ()) for value in fields(stored.row).values())
            facts[stored.id] = Facts(stored.id, length, stored.score, stored.generated, filled)
            if stored.status == "rejected":
                gone.add(stored.id)
    partial = frozenset(search.partial) if search else frozenset[int]()
    # By meaning, the index tells nothing of the pairs that are missing.
    alike = _alike(store, folder, search) if search and partial and search.method != "semantic" else None
    yield QueueMade(
        ReviewQueue(edges, rank(rule, facts), threshold, gone=gone, partial=partial, alike=alike, order=order)
    )


def _alike(store: Reader, folder: Path, search: Search) -> Alike:
    # The project is seen as it was when the job began: nothing comes or changes.
    return Neighbours(folder, store.rows, search, lambda earlier: (earlier, ())).scores
