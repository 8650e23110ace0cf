"""Clusters: the groups in which duplicates are judged, and the conflicts beside them.

A cluster has one row that would stay, its representative, and rows that repeat it. All of its rows are near each
other: a chain A - B - C whose ends are strangers makes two clusters, {A, B} and {B, C}, and both say that they were
split; whatever is decided about one, no row goes in favour of a row it is not near to. A row may be in several
clusters, and every near pair is in at least one.

Of rows that ask the same, only the best one and those equal to it are compared with other groups; when they are
rejected, the next best take their place. Where somebody wants two of several equal rows, the others are in the cluster
of the better one.

One prompt with two answers is no duplicate but a conflict. Conflicts are groups of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from studio.curate.duplicates.ties import Ties

Kind = Literal["near", "conflict"]
LARGEST = 256
"""The rows of a larger cluster are compared with the representative only, not with each other."""


class Cluster(NamedTuple):
    """rows: the representative, then the others, the nearest to it first. scores: of each row with the representative.

    split: other clusters have rows that are near some of these rows, but not near all. loose: every row is near the
    representative, but the rows were not all compared with each other.
    """

    kind: Kind
    rows: tuple[int, ...]
    scores: tuple[float, ...]
    split: bool = False
    loose: bool = False

    @property
    def score(self) -> float:
        """The lowest score of a row with the representative."""
        return min(self.scores[1:])


Rank = Callable[[int], Any]
"""The sort key of a row: the row to keep has the lowest, and no two rows have the same."""
Alike = Callable[[int, Sequence[int]], Sequence[float]]
"""Gives the scores of a row with other rows."""


def clusters(
    ties: Ties,
    rank: Rank,
    threshold: float,
    *,
    gone: Collection[int] = frozenset(),
    partial: Collection[int] = frozenset(),
    alike: Alike | None = None,
) -> list[Cluster]:
    """The clusters of rows that are not gone, in the order of their representatives; conflicts come last.

    partial: rows that lack some of their edges; alike, where it is given, finds the missing ones of a representative.
    The result does not depend on the order of the edges.
    """
    standing = {group: _Standing(ties, rows) for group, rows in _not_gone(ties, gone, rank).items()}
    near = _near(ties, standing, threshold)
    best = {group: rank(one.rows[0]) for group, one in standing.items()}
    first = {group: one.rows[0] for group, one in standing.items()}
    found: list[Cluster] = []
    for component in _components(near, best):
        loose = any(row in partial for group in component for row in ties.rows[group])
        cover = _Cover(component, near, threshold, ties, first, alike if loose else None, loose=loose)
        found += (_cluster(members, near, standing, one_of_many, cover.loose) for members, one_of_many in cover.found())
    for group, one in standing.items():
        found += (_equal(rows) for rows in one.equal(shown=group in near))
        found += (_conflict(rows) for rows in one.conflicts())
    return sorted(found, key=lambda one: (one.kind == "conflict", rank(one.rows[0]), [rank(row) for row in one.rows]))


def _not_gone(ties: Ties, gone: Collection[int], rank: Rank) -> dict[int, list[int]]:
    """For each group that asks the same, its rows that are not gone, the best first; no empty groups."""
    standing = {group: sorted((row for row in rows if row not in gone), key=rank) for group, rows in ties.rows.items()}
    return {group: rows for group, rows in standing.items() if rows}


class _Standing:
    """The rows of a group that asks the same, the best first."""

    def __init__(self, ties: Ties, rows: Sequence[int]) -> None:
        self.rows, self._ties = rows, ties
        by_answer: dict[int, list[int]] = {}
        for row in rows:
            by_answer.setdefault(ties.says[row], []).append(row)
        # The rows of each answer, in several clumps where both of two rows are wanted.
        self._clumps = [ties.rows_apart.clumps(ones) for ones in by_answer.values()]
        self._bests = {answer: ones[0] for answer, ones in by_answer.items()}

    @property
    def shown(self) -> list[int]:
        """The rows that are compared with other groups: the best row and those equal to it."""
        return self._clumps[0][0]

    def equal(self, *, shown: bool) -> list[list[int]]:
        """Clumps of two rows or more that say the same. shown: leave `shown` out, since a cluster of near groups has
        it.
        """
        found = [rows for clumps in self._clumps for rows in clumps if len(rows) > 1]
        return [rows for rows in found if not shown or rows is not self.shown]

    def conflicts(self) -> list[list[int]]:
        """For each prompt that is answered in several ways: the best row of each answer."""
        if len(self._bests) < 2:
            return []
        by_prompt: dict[int, list[int]] = {}
        for answer, row in self._bests.items():
            by_prompt.setdefault(self._ties.prompts[row], []).append(answer)
        clumps = (one for answers in by_prompt.values() for one in self._ties.answers_apart.clumps(answers))
        return [[self._bests[answer] for answer in one] for one in clumps if len(one) > 1]


def _near(ties: Ties, standing: Collection[int], threshold: float) -> dict[int, dict[int, float]]:
    """For each standing group, the standing groups whose score with it reaches the threshold, and that score."""
    near = {
        group: {other: edge.score for other, edge in others.items() if edge.score >= threshold and other in standing}
        for group, others in ties.near.items()
        if group in standing
    }
    return {group: others for group, others in near.items() if others}


def _components(near: Mapping[int, Mapping[int, float]], best: Mapping[int, Any]) -> Iterator[list[int]]:
    """The connected components of the groups; within a component, the best group comes first."""
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
    """Makes clusters until each near pair is in one. component: groups, the best first. first: each group's best
    row.
    """

    def __init__(
        self,
        component: list[int],
        near: dict[int, dict[int, float]],
        threshold: float,
        ties: Ties,
        first: Mapping[int, int],
        alike: Alike | None,
        *,
        loose: bool,
    ) -> None:
        self.loose = loose
        self._component, self._near, self._threshold, self._alike = component, near, threshold, alike
        self._ties, self._first = ties, first
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
        """The neighbours of the group whose pair with it is in no cluster yet."""
        return [other for other in self._near[row] if _pair(row, other) not in self._covered]

    def _fits(self, row: int, members: list[int]) -> bool:
        if self.loose or len(members) > LARGEST:
            return True
        return all(row in self._near[member] for member in members[1:])

    def _cover(self, members: list[int]) -> None:
        inside = set(members)
        for one in members:
            self._covered.update(_pair(one, other) for other in self._near[one] if other in inside)

    def _complete(self, group: int) -> None:
        """Score the group against every group of the component that is not known to be near it, and note any that
        is.
        """
        assert self._alike is not None
        apart = self._ties.asks_apart
        others = [one for one in self._component if one != group and one not in self._near[group]]
        others = [one for one in others if not apart(group, one)]
        scores = self._alike(self._first[group], [self._first[one] for one in others])
        for other, score in zip(others, scores, strict=True):
            if score >= self._threshold:
                self._near[group][other] = self._near[other][group] = score


def _pair(one: int, other: int) -> tuple[int, int]:
    return (one, other) if one < other else (other, one)


def _cluster(
    members: list[int],
    near: Mapping[int, Mapping[int, float]],
    standing: Mapping[int, _Standing],
    split: bool,
    loose: bool,
) -> Cluster:
    """The cluster of these groups: each gives its best row and the rows equal to that."""
    first = members[0]
    scores = [1.0, *(near[first][member] for member in members[1:])]
    held = [(row, score) for member, score in zip(members, scores, strict=True) for row in standing[member].shown]
    rows, row_scores = zip(*held, strict=True)
    return Cluster("near", rows, row_scores, split, (loose or len(members) > LARGEST) and len(members) > 2)


def _equal(rows: Sequence[int]) -> Cluster:
    return Cluster("near", tuple(rows), (1.0,) * len(rows))


def _conflict(rows: Sequence[int]) -> Cluster:
    return Cluster("conflict", tuple(rows), (1.0,) * len(rows))
