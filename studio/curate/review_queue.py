"""The queue of clusters a person goes through: what is next, what is left, what accepting a whole band would do.

Only what a decision touches is worked out anew, so that a decision costs the same in a project of any size.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple, get_args

from studio.curate.clusters import Alike, Cluster, Edge, Rank, clusters

Order = Literal["border", "closest", "largest"]
"""border: the least certain first, those nearest to the threshold. closest: the most alike. largest: most rows."""
ORDERS: tuple[Order, ...] = get_args(Order)

BAND = 0.05
"""The width of a score band: clusters that are alike enough to be decided alike."""


class Loss(NamedTuple):
    """A row that goes in favour of another one it is near to, and how near."""

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
        # The first row of those that a row equals, and of those that ask the same and are answered otherwise.
        self._first = {edge.right: edge.left for some in self._edges.values() for edge in some if edge.by == "exact"}
        self._asked = {edge.right: edge.left for some in self._edges.values() for edge in some if edge.by == "conflict"}
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
        """What goes if this row of the cluster stays: the others, as far as they are near it."""
        scores = dict(zip(cluster.rows, cluster.scores, strict=True))
        others = [row for row in cluster.rows if row != keeper]
        if keeper == cluster.rows[0]:
            return [Loss(row, keeper, scores[row]) for row in others]
        if cluster.loose and self.alike is not None:
            found = dict(zip(others, self.alike(keeper, others), strict=True))
        else:
            found = {row: max((edge.score for edge in self.between(keeper, row)), default=1.0) for row in others}
        return [Loss(row, keeper, score) for row, score in found.items() if score >= self.threshold]

    def between(self, one: int, other: int) -> list[Edge]:
        """The edges that make these two rows near each other: their own, or those of the rows they equal."""
        first, second = self._first.get(one, one), self._first.get(other, other)
        if first == second:
            # Of equal rows each is only tied to the first.
            rows = {one, other} - {first}
            return [edge for edge in self._of(first) if edge.left == first and edge.right in rows]
        asking = {self._asked.get(first, first), first}, {self._asked.get(second, second), second}
        pairs = {tuple(sorted((left, right))) for left in asking[0] for right in asking[1]}
        return [edge for edge in self._of(first) if edge[:2] in pairs]

    def follow(
        self, gone: Iterable[int] = (), back: Iterable[int] = (), open: Mapping[tuple[int, int], bool] | None = None
    ) -> None:
        """What was decided: rows that are rejected now, or not any more; and of pairs (left, right) whether they are
        open, or somebody wants both rows.
        """
        gone, back, verdicts = set(gone), set(back), open or {}
        self._gone = (self._gone | gone) - back
        touched = gone | back | {row for pair in verdicts for row in pair}
        for root in {self._component[row] for row in touched if row in self._component}:
            self._edges[root] = [edge._replace(open=verdicts.get(edge[:2], edge.open)) for edge in self._edges[root]]
            self._again(root)

    def band(self, score: float) -> tuple[float, float]:
        """From where up to where (exclusive) scores are decided alike with this one; equal rows alone."""
        low = int(score / BAND + 1e-9) * BAND
        return (1.0, 2.0) if score >= 1.0 else (round(low, 4), min(round(low + BAND, 4), 1.0))

    def losses(self, low: float = 0.0, high: float = 2.0) -> list[Loss]:
        """What goes if the representative of every cluster with a score in low <= score < high stays.

        By the order in which representatives are preferred, so that none that stays for another goes later. A cluster
        whose representative goes is left to a further look. Conflicts are never decided so.
        """
        found: list[Loss] = []
        lost: set[int] = set()
        for one in sorted(self, key=lambda one: self._rank(one.rows[0])):
            if one.kind == "near" and low <= one.score < high and one.rows[0] not in lost:
                for row, score in zip(one.rows[1:], one.scores[1:], strict=True):
                    if row not in lost:
                        lost.add(row)
                        found.append(Loss(row, one.rows[0], score))
        return found

    def at(self, threshold: float) -> Outlook:
        """What there would be to decide at another threshold, and what would go. Any thread may ask.

        Of clusters too large to know all pairs, only the known ones count.
        """
        edges = (edge for some in self._edges.values() for edge in some)
        other = ReviewQueue(edges, self._rank, threshold, gone=self._gone, partial=self._partial, order=self.order)
        return other.outlook()

    def outlook(self) -> Outlook:
        """What is left, and what would go."""
        conflicts = sum(one.kind == "conflict" for one in self)
        return Outlook(len(self) - conflicts, conflicts, len(self.losses()))

    # -- inside ----------------------------------------------------------------------------------

    def _of(self, row: int) -> list[Edge]:
        return self._edges[self._component[row]]

    def _add(self, root: int) -> None:
        """Work out the clusters of a component; sorting is left to the caller."""
        found = clusters(
            self._edges[root], self._rank, self.threshold, gone=self._gone, partial=self._partial, alike=self.alike
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
    """The edges by the lowest row of the rows they connect."""
    lowest: dict[int, int] = {}

    def find(row: int) -> int:
        root = row
        while lowest.setdefault(root, root) != root:
            root = lowest[root]
        while lowest[row] != root:
            lowest[row], row = root, lowest[row]
        return root

    edges = list(edges)
    for edge in edges:
        one, other = find(edge.left), find(edge.right)
        lowest[max(one, other)] = min(one, other)
    found: defaultdict[int, list[Edge]] = defaultdict(list)
    for edge in edges:
        found[find(edge.left)].append(edge)
    return dict(found)
