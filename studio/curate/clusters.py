"""Clusters: the groups in which duplicates are judged, and the conflicts beside them.

A cluster has one row that would stay, its representative, and rows that repeat it. All of its rows are near each
other: a chain A - B - C whose ends are strangers makes two clusters, {A, B} and {B, C}, and both say that they were
split; whatever is decided about one, no row goes in favour of a row it is not near to. A row may be in several
clusters, and every near pair is in at least one.

One prompt with two answers is no duplicate but a conflict. Conflicts are groups of their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from studio.curate.compared import By

Kind = Literal["near", "conflict"]
LARGEST = 256
"""Of a cluster of more rows, each is only held against the representative."""


class Edge(NamedTuple):
    """Two rows and how alike they are. open: nobody has said yet that both shall stay.

    An exact edge leads from the first of equal rows to each other one, a conflict from the first row that asks
    something to each first row that answers it otherwise. All other edges are between such first rows, and stand for
    whatever asks the same.
    """

    left: int
    right: int
    score: float
    by: By | Literal["conflict"]
    open: bool = True


class Cluster(NamedTuple):
    """rows: the representative, then the others, the nearest to it first. scores: each row's with the representative.

    split: rows that are near some of these, but not all, are in other clusters. loose: the rows are near the
    representative; whether also each other was not looked at.
    """

    kind: Kind
    rows: tuple[int, ...]
    scores: tuple[float, ...]
    split: bool = False
    loose: bool = False

    @property
    def score(self) -> float:
        """That of its least certain row."""
        return min(self.scores[1:])


Rank = Callable[[int], Any]
"""Sorts rows, the one to keep first; no two alike."""
Alike = Callable[[int, Sequence[int]], Sequence[float]]
"""The scores of a row with others."""


def clusters(
    edges: Iterable[Edge],
    rank: Rank,
    threshold: float,
    *,
    gone: Collection[int] = frozenset(),
    partial: Collection[int] = frozenset(),
    alike: Alike | None = None,
) -> list[Cluster]:
    """The clusters of rows that are not gone, in the order of their representatives; conflicts come last.

    partial: rows of which edges are missing; `alike` finds those of a representative, where it is given. The result
    does not depend on the order of the edges.
    """
    edges = list(edges)
    standing = _standing(edges, gone, rank)
    near = _near(edges, standing, threshold)
    best = {row: rank(rows[0]) for row, rows in standing.items()}
    found: list[Cluster] = []
    for component in _components(near, best):
        loose = any(row in partial for row in component)
        cover = _Cover(component, near, threshold, alike if loose else None, loose=loose)
        found += (_cluster(members, near, standing, one_of_many, cover.loose) for members, one_of_many in cover.found())
    found += (_equal(rows) for row, rows in standing.items() if row not in near and len(rows) > 1)
    found += _conflicts(edges, standing, rank)
    return sorted(found, key=lambda one: (one.kind == "conflict", rank(one.rows[0]), [rank(row) for row in one.rows]))


def _standing(edges: Iterable[Edge], gone: Collection[int], rank: Rank) -> dict[int, list[int]]:
    """By the first row of each kind: the rows exactly like it that are still there, the best first; none left out."""
    rows: defaultdict[int, set[int]] = defaultdict(set)
    for edge in edges:
        rows[edge.left].add(edge.left)
        rows[edge.left if edge.by == "exact" and edge.open else edge.right].add(edge.right)
    standing = {first: sorted(ones.difference(gone), key=rank) for first, ones in rows.items()}
    return {first: ones for first, ones in standing.items() if ones}


def _near(edges: Iterable[Edge], standing: Collection[int], threshold: float) -> dict[int, dict[int, float]]:
    """Between first rows that stand: who is near whom, and how near."""
    asking: defaultdict[int, list[int]] = defaultdict(list)
    for edge in edges:
        if edge.by == "conflict":
            asking[edge.left].append(edge.right)
    near: defaultdict[int, dict[int, float]] = defaultdict(dict)
    for edge in edges:
        if edge.by in ("exact", "conflict") or not edge.open or edge.score < threshold:
            continue
        for left in (edge.left, *asking[edge.left]):
            for right in (edge.right, *asking[edge.right]):
                if left in standing and right in standing:
                    near[left][right] = near[right][left] = max(edge.score, near[left].get(right, 0.0))
    return dict(near)


def _components(near: Mapping[int, Mapping[int, float]], best: Mapping[int, Any]) -> Iterator[list[int]]:
    """The rows that are connected, those of each component the best first."""
    seen: set[int] = set()
    for row in near:
        if row in seen:
            continue
        component, waiting = [row], [row]
        seen.add(row)
        while waiting:
            for other in near[waiting.pop()]:
                if other not in seen:
                    seen.add(other)
                    component.append(other)
                    waiting.append(other)
        yield sorted(component, key=best.__getitem__)


class _Cover:
    """Clusters that hold every near pair of a component (its rows, the best first)."""

    def __init__(
        self,
        component: list[int],
        near: dict[int, dict[int, float]],
        threshold: float,
        alike: Alike | None,
        *,
        loose: bool,
    ) -> None:
        self.loose = loose
        self._component, self._near, self._threshold, self._alike = component, near, threshold, alike
        self._place = {row: place for place, row in enumerate(component)}
        self._covered: set[tuple[int, int]] = set()

    def found(self) -> list[tuple[list[int], bool]]:
        """The members of each cluster, the representative first, and whether there is more than one cluster."""
        found = []
        for row in self._component:
            if self._alike is not None and self._left(row):
                self._complete(row)
            while left := self._left(row):
                members = [row]
                for other in sorted(left, key=lambda one: (-self._near[row][one], self._place[one])):
                    if self._fits(other, members):
                        members.append(other)
                self._cover(members)
                found.append(members)
        return [(members, len(found) > 1) for members in found]

    def _left(self, row: int) -> list[int]:
        """Neighbours of which the pair with the row is in no cluster yet."""
        return [other for other in self._near[row] if _pair(row, other) not in self._covered]

    def _fits(self, row: int, members: list[int]) -> bool:
        if self.loose or len(members) > LARGEST:
            return True
        return all(row in self._near[member] for member in members[1:])

    def _cover(self, members: list[int]) -> None:
        inside = set(members)
        for one in members:
            self._covered.update(_pair(one, other) for other in self._near[one] if other in inside)

    def _complete(self, row: int) -> None:
        """Look how near the whole component is to the row."""
        assert self._alike is not None
        others = [other for other in self._component if other != row and other not in self._near[row]]
        for other, score in zip(others, self._alike(row, others), strict=True):
            if score >= self._threshold:
                self._near[row][other] = self._near[other][row] = score


def _pair(one: int, other: int) -> tuple[int, int]:
    return (one, other) if one < other else (other, one)


def _cluster(
    members: list[int],
    near: Mapping[int, Mapping[int, float]],
    standing: Mapping[int, list[int]],
    split: bool,
    loose: bool,
) -> Cluster:
    """The members with all rows exactly like them."""
    first = members[0]
    scores = [1.0, *(near[first][member] for member in members[1:])]
    held = [(row, score) for member, score in zip(members, scores, strict=True) for row in standing[member]]
    rows, row_scores = zip(*held, strict=True)
    return Cluster("near", rows, row_scores, split, (loose or len(members) > LARGEST) and len(members) > 2)


def _equal(rows: Sequence[int]) -> Cluster:
    return Cluster("near", tuple(rows), (1.0,) * len(rows))


def _conflicts(edges: Iterable[Edge], standing: Mapping[int, list[int]], rank: Rank) -> Iterator[Cluster]:
    """Prompts that are answered in several ways: the best row of each answer."""
    answers: defaultdict[int, set[int]] = defaultdict(set)
    for edge in edges:
        if edge.by == "conflict" and edge.open:
            answers[edge.left] |= {edge.left, edge.right}
    for firsts in answers.values():
        rows = sorted((standing[first][0] for first in firsts if first in standing), key=rank)
        if len(rows) > 1:
            yield Cluster("conflict", tuple(rows), (1.0,) * len(rows))
