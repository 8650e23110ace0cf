"""The queue of clusters that a person reviews, and the rows that accepting a whole band of scores would reject.

A decision recomputes only the components it touches, so it costs the same in a project of any size.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple, get_args

from studio.curate.duplicates.clusters import Alike, Cluster, Rank, clusters
from studio.curate.duplicates.ties import Edge, Ties, groups

Order = Literal["border", "closest", "largest"]
"""border: the least certain first, those nearest to the threshold. closest: the most alike. largest: most rows."""
ORDERS: tuple[Order, ...] = get_args(Order)

BAND = 0.05
"""The width of a score band: clusters that are alike enough to be decided alike."""


class Loss(NamedTuple):
    """A row that would be rejected in favour of keeper, and their score."""

    row: int
    keeper: int
    score: float


class Outlook(NamedTuple):
    """clusters and conflicts to decide about; rows that would go if every representative stayed."""

    clusters: int
    conflicts: int
    rows: int


class ReviewQueue:
    """Clusters in the order of review. `edges`, `rank`, `partial` and `alike` are those of `clusters`."""

    def __init__(
        self,
        edges: Iterable[Edge],
        rank: Rank,
        threshold: float,
        *,
        gone: Collection[int] = frozenset(),
        partial: Collection[int] = frozenset(),
        alike: Alike | None = None,
        order: Order = "border",
    ) -> None:
        self.threshold, self.order = threshold, order
        self._rank, self._partial, self.alike = rank, partial, alike
        self._gone = set(gone)
        self._edges: dict[int, list[Edge]] = _by_component(edges)
        self._component = {row: root for root, some in self._edges.items() for edge in some for row in edge[:2]}
        self._ties = {root: Ties(some) for root, some in self._edges.items()}
        self._clusters: dict[int, list[Cluster]] = {}
        self._sorted: list[tuple[Any, Cluster]] = []
        for root in self._edges:
            self._add(root)
        self._sorted.sort()

    def __len__(self) -> int:
        return len(self._sorted)

    def __getitem__(self, place: int) -> Cluster:
        return self._sorted[place][1]

    def __iter__(self) -> Iterator[Cluster]:
        return (one for _, one in self._sorted)

    def find(self, row: int) -> int | None:
        """The place of the first cluster that has the row."""
        return next((place for place, one in enumerate(self) if row in one.rows), None)

    def place(self, cluster: Cluster) -> int | None:
        """Where the cluster stands now; None when it is settled."""
        return next((place for place, one in enumerate(self) if one == cluster), None)

    def losses_for(self, keeper: int, cluster: Cluster) -> list[Loss]:
        """The rows that go if this row of the cluster stays: the others whose score with it reaches the threshold."""
        scores = dict(zip(cluster.rows, cluster.scores, strict=True))
        others = [row for row in cluster.rows if row != keeper]
        if keeper == cluster.rows[0]:
            return [Loss(row, keeper, scores[row]) for row in others]
        if cluster.loose and self.alike is not None:
            found = dict(zip(others, self.alike(keeper, others), strict=True))
        else:
            found = {row: edge.score for row in others if (edge := self.tie(keeper, row)) is not None}
        return [Loss(row, keeper, score) for row, score in found.items() if score >= self.threshold]

    def tie(self, one: int, other: int) -> Edge | None:
        """What makes two rows of a cluster alike; None when that is not known."""
        return self._ties_of(one).tie(one, other)

    def beside(self, cluster: Cluster) -> int:
        """Rows that ask the same as a row of the cluster and are not in it: other answers, or other inputs."""
        ties = self._ties_of(cluster.rows[0])
        asking = {row for group in {ties.asks[row] for row in cluster.rows} for row in ties.rows[group]}
        return len(asking - self._gone - set(cluster.rows))

    def follow(
        self, gone: Iterable[int] = (), back: Iterable[int] = (), open: Mapping[tuple[int, int], bool] | None = None
    ) -> None:
        """Take in decisions. gone: rows rejected now. back: rows no longer rejected. open: for a pair (left, right),
        True when it is open, False when somebody wants both rows.
        """
        gone, back, verdicts = set(gone), set(back), open or {}
        self._gone = (self._gone | gone) - back
        touched = gone | back | {row for pair in verdicts for row in pair}
        for root in {self._component[row] for row in touched if row in self._component}:
            if verdicts:
                self._judge(root, verdicts)
            self._again(root)

    def band(self, score: float) -> tuple[float, float]:
        """The band of scores that holds this one, its end exclusive. Equal rows, 1.0, are a band of their own."""
        low = int(score / BAND + 1e-9) * BAND
        return (1.0, 2.0) if score >= 1.0 else (round(low, 4), min(round(low + BAND, 4), 1.0))

    def losses(self, low: float = 0.0, high: float = 2.0) -> list[Loss]:
        """The rows that go if the representative of every cluster with low <= score < high stays.

        Clusters are taken in the rank of their representatives, so a row that others went for does not go later. A
        cluster whose representative goes is left for a later call. Conflicts are never decided this way: no row of a
        prompt that has other answers, or of a task that has other inputs, goes for a row near it.
        """
        found: list[Loss] = []
        lost: set[int] = set()
        contested = {self._ties_of(row).asks[row] for one in self if one.kind == "conflict" for row in one.rows[:1]}
        for one in sorted(self, key=lambda one: self._rank(one.rows[0])):
            if one.kind == "near" and low <= one.score < high and one.rows[0] not in lost:
                for row, score in zip(one.rows[1:], one.scores[1:], strict=True):
                    if row not in lost and not self._contested(one.rows[0], row, contested):
                        lost.add(row)
                        found.append(Loss(row, one.rows[0], score))
        return found

    def at(self, threshold: float) -> Outlook:
        """The outlook at another threshold. Any thread may ask.

        Where a cluster is so large that pairs are missing, only the known pairs count.
        """
        edges = (edge for some in self._edges.values() for edge in some)
        other = ReviewQueue(edges, self._rank, threshold, gone=self._gone, partial=self._partial, order=self.order)
        return other.outlook()

    def outlook(self) -> Outlook:
        """How many clusters and conflicts are left, and how many rows would go."""
        conflicts = sum(one.kind == "conflict" for one in self)
        return Outlook(len(self) - conflicts, conflicts, len(self.losses()))

    # -- inside ----------------------------------------------------------------------------------

    def _ties_of(self, row: int) -> Ties:
        return self._ties[self._component[row]]

    def _contested(self, keeper: int, row: int, conflicts: Collection[int]) -> bool:
        """Whether the row may not go for the keeper: it says something else, and its prompt or task has other rows to
        choose from.

        conflicts: the groups that ask the same in which answers differ.
        """
        ties = self._ties_of(row)
        group = ties.asks[row]
        if ties.says[row] == ties.says[keeper]:
            return False
        return group in conflicts or len({ties.prompts[one] for one in ties.rows[group] if one not in self._gone}) > 1

    def _judge(self, root: int, verdicts: Mapping[tuple[int, int], bool]) -> None:
        """Set whether pairs of the component are open; a pair without an edge, near only through other rows, gets one
        of score 0.0.
        """
        edges, known = self._edges[root], {edge[:2] for edge in self._edges[root]}
        edges = [edge._replace(open=verdicts.get(edge[:2], edge.open)) for edge in edges]
        for (left, right), open in verdicts.items():
            if (left, right) not in known and self._component.get(left) == self._component.get(right) == root:
                edges.append(Edge(left, right, 0.0, "overlap", open))
        self._edges[root], self._ties[root] = edges, Ties(edges)

    def _add(self, root: int) -> None:
        """Work out the clusters of a component; sorting is left to the caller."""
        found = clusters(
            self._ties[root], self._rank, self.threshold, gone=self._gone, partial=self._partial, alike=self.alike
        )
        self._clusters[root] = found
        self._sorted += [(self._key(one), one) for one in found]

    def _again(self, root: int) -> None:
        """Work the clusters of a component out again."""
        for one in self._clusters[root]:
            entry = (self._key(one), one)
            del self._sorted[bisect_left(self._sorted, entry)]
        start = len(self._sorted)
        self._add(root)
        fresh = self._sorted[start:]
        del self._sorted[start:]
        for entry in fresh:
            insort(self._sorted, entry)

    def _key(self, one: Cluster) -> Any:
        match self.order:
            case "border":
                first = round(abs(one.score - self.threshold), 6)
            case "closest":
                first = round(-one.score, 6)
            case "largest":
                first = -len(one.rows)
        return (one.kind == "conflict", first, one.rows)


def _by_component(edges: Iterable[Edge]) -> dict[int, list[Edge]]:
    """The edges of each connected component, by the lowest row of the component."""
    edges = list(edges)
    lowest = groups(edges)
    found: defaultdict[int, list[Edge]] = defaultdict(list)
    for edge in edges:
        found[lowest[edge.left]].append(edge)
    return dict(found)
