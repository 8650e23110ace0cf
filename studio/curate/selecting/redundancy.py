"""How redundant a set of rows is: what compression finds in it, and what share of it stands in clusters. Pure.

Entropy Law (arXiv 2407.06645) measures the information in training data by its compression ratio, the bytes of the
text as UTF-8 by the bytes that zlib makes of them at level 9: of sets of one quality, the one with the lower ratio
trains the better model. The ratio is that of the whole text, not the mean of its rows', so that what rows have in
common counts. deflate looks back 32 KB: it sees that neighbours are alike, not that the first row and the last are, for
which clusters of near-duplicates are counted beside it. Compare ratios of one language: a Chinese character is three
bytes to begin with.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

import msgspec

LEVEL = 9
"""Of zlib, as the paper measures."""
GROUPS = 48
"""Sources, and methods, that are measured by themselves; each has a compressor, which takes 0.3 MB."""
OTHERS = "all others"
"""The name under which rows of all further sources, or methods, are counted."""

Clusters = Mapping[int, int] | Iterable[Iterable[int]]
"""The cluster of each row that is in one, or the rows of each cluster."""


class Compression:
    """The compression ratio of texts, one a line, that come one after the other; none of them is kept."""

    def __init__(self) -> None:
        self.rows = 0
        self.size = 0
        self._packed = 0
        self._compressor = zlib.compressobj(LEVEL)

    def add(self, text: str | bytes) -> None:
        """Take in the text of a row."""
        self._feed(self._framed(text))
        self.rows += 1

    def packed(self) -> int:
        """The bytes zlib makes of all texts so far; more can follow."""
        return self._packed + len(self._compressor.copy().flush())

    def with_text(self, text: str | bytes) -> float:
        """The ratio if this text came next; it is not taken in."""
        framed, compressor = self._framed(text), self._compressor.copy()
        packed = self._packed + len(compressor.compress(framed)) + len(compressor.flush())
        return (self.size + len(framed)) / packed

    @property
    def ratio(self) -> float:
        """Bytes of all texts by compressed bytes; 0.0 where there is no text."""
        return self.size / self.packed()

    def _framed(self, text: str | bytes) -> bytes:
        raw = text.encode() if isinstance(text, str) else text
        return b"\n" + raw if self.rows else raw

    def _feed(self, framed: bytes) -> None:
        self.size += len(framed)
        self._packed += len(self._compressor.compress(framed))


class Figures(msgspec.Struct, frozen=True):
    """A set of rows in numbers.

    clustered: rows that stand in a cluster with at least one other row of the whole set; clusters: those they stand
    in. size, packed: bytes of their text, and of it compressed.
    """

    rows: int
    clustered: int
    clusters: int
    size: int
    packed: int

    @property
    def ratio(self) -> float:
        """The compression ratio; 0.0 where there is no text."""
        return self.size / self.packed

    @property
    def share(self) -> float:
        """The share of rows that stand in clusters, 0.0 to 1.0."""
        return self.clustered / self.rows if self.rows else 0.0


class Redundancy(msgspec.Struct, frozen=True):
    """How redundant a set is, whole and by source and method, most rows first.

    kept: what would be left if the rows in question were dropped; None when none were.
    """

    whole: Figures
    by_source: dict[str, Figures]
    by_method: dict[str, Figures]
    kept: Figures | None = None


class Census:
    """Measures a set row by row, in one pass. Memory: the clusters, and 0.3 MB for each group."""

    def __init__(self, clusters: Clusters = (), dropped: Collection[int] = ()) -> None:
        """clusters: of rows of the set or of others. dropped: rows to leave out, to see what that changes."""
        self._cluster_of = cluster_of(clusters)
        self._dropped = dropped
        self._whole, self._kept = _Group(), _Group()
        self._sources: dict[str, _Group] = {}
        self._methods: dict[str, _Group] = {}

    def add(self, row: int, text: str, source: str, method: str) -> None:
        """Take in a row: what of it is trained on, the file or run it came from, and how it came about."""
        raw, cluster = text.encode(), self._cluster_of.get(row)
        groups = [self._whole, _group(self._sources, source), _group(self._methods, method)]
        if self._dropped and row not in self._dropped:
            groups.append(self._kept)
        for group in groups:
            group.add(raw, cluster)

    def redundancy(self) -> Redundancy:
        """The set so far."""
        whole = self._whole.clusters
        return Redundancy(
            self._whole.figures(whole),
            _figures(self._sources, whole),
            _figures(self._methods, whole),
            self._kept.figures(self._kept.clusters) if self._dropped else None,
        )


def cluster_of(clusters: Clusters) -> dict[int, int]:
    """The cluster of each row that is in one. A row that several lists name is of the last of them."""
    if isinstance(clusters, Mapping):
        return dict(clusters)
    return {row: number for number, rows in enumerate(clusters) for row in rows}


def spare(clusters: Clusters) -> set[int]:
    """Every row of a cluster but its first, the one with the lowest id: what keeping first would drop."""
    first: dict[int, int] = {}
    found = cluster_of(clusters)
    for row, cluster in found.items():
        first[cluster] = min(row, first.get(cluster, row))
    return {row for row, cluster in found.items() if first[cluster] != row}


class _Group:
    """Some of the rows: their compression, and how many of them each cluster has."""

    def __init__(self) -> None:
        self._compression = Compression()
        self.clusters: Counter[int] = Counter()

    def add(self, text: bytes, cluster: int | None) -> None:
        self._compression.add(text)
        if cluster is not None:
            self.clusters[cluster] += 1

    def figures(self, whole: Mapping[int, int]) -> Figures:
        """The group in figures. whole: rows of each cluster in the whole set; a cluster of one row does not count."""
        inside = [n for cluster, n in self.clusters.items() if whole[cluster] > 1]
        one = self._compression
        return Figures(one.rows, sum(inside), len(inside), one.size, one.packed())


def _group(groups: dict[str, _Group], name: str) -> _Group:
    if name not in groups:
        name = name if len(groups) < GROUPS else OTHERS
    return groups.setdefault(name, _Group())


def _figures(groups: Mapping[str, _Group], whole: Mapping[int, int]) -> dict[str, Figures]:
    found = {name: group.figures(whole) for name, group in groups.items()}
    return dict(sorted(found.items(), key=lambda one: (one[0] == OTHERS, -one[1].rows, one[0])))
