"""Which rows are near an entry of a benchmark, by overlap (`curate.duplicates.overlap`).

Rows are held against entries, never against each other, so that no number of rows alike hides one of them.

Weights are those of rows and entries together: words that all of them begin with count for little. But an entry that
leaked into hundreds of rows makes its own words common, and the words that a row changed rare. Therefore a row is also
near when it covers an entry: nearly all of its weight, by a text of nearly its length, whatever the row's other words
weigh. The rows of a template do not cover an entry of it: they lack what that entry is about, its rarest words.
"""

from __future__ import annotations

from collections.abc import Generator
from fractions import Fraction

import numpy as np

from studio.curate.duplicates.overlap import Features, Floats, Ints, Small, reaches, scores, spread

COVERED = Fraction(85, 100)
"""The share of an entry's weight from which on a row covers it: beyond it nearly everything is a duplicate."""
_STEP = 256
"""Entries between two reports of progress."""


class _Found:
    """Pairs as they come."""

    def __init__(self) -> None:
        self.rows: list[Ints] = []
        self.entries: list[Ints] = []
        self.scores: list[Floats] = []


def near(
    of: Features, rows: Ints, entries: Ints, threshold: Fraction
) -> Generator[float, None, tuple[Ints, Ints, Floats]]:
    """The pairs of one of these rows with one of these entries that are near, and their scores.

    rows, entries: places in the features, ascending; a text may be both, and is then in no pair with itself. Yields the
    share of the work that is done.
    """
    filed = _Filed(of, rows)
    found = _Found()
    for done, entry in enumerate(entries.tolist()):
        some, score = filed.near(entry, threshold)
        found.rows.append(some)
        found.entries.append(np.full(len(some), entry))
        found.scores.append(score)
        if done % _STEP == 0:
            yield done / len(entries)
    none = np.zeros(0, np.int64)
    return (
        np.concatenate([none, *found.rows]),
        np.concatenate([none, *found.entries]),
        np.concatenate([np.zeros(0), *found.scores]),
    )


class _Filed:
    """The rows filed by their features."""

    def __init__(self, of: Features, rows: Ints) -> None:
        self._of = of
        places, entries = spread(of.starts[rows], of.starts[rows + 1])
        ranks = of.ranks[entries]
        order = np.argsort(ranks, kind="stable")
        self._filed = rows[places[order]]
        self._starts = np.searchsorted(ranks[order], np.arange(len(of.weights) + 1))
        # By feature: its weight where the entry at work has it, else 0.
        self._weights: Small = np.zeros(len(of.weights), np.int32)

    def near(self, entry: int, threshold: Fraction) -> tuple[Ints, Floats]:
        """The rows near this entry, and their scores."""
        of = self._of
        ranks = of.ranks[of.starts[entry] : of.starts[entry + 1]]
        total = int(of.totals[entry])
        rows = self._candidates(ranks, total, threshold)
        rows = rows[rows != entry]
        self._weights[ranks] = of.weights[ranks]
        which, at = spread(of.starts[rows], of.starts[rows + 1])
        shared = self._weights[of.ranks[at]]
        common = np.bincount(which, weights=shared, minlength=len(rows)).astype(np.int64)
        terms = np.bincount(which, weights=shared > 0, minlength=len(rows)).astype(np.int64)
        self._weights[ranks] = 0
        both = of.totals[rows] + total
        # Each word that only the row has counts with the average weight of the entry's words.
        other = (of.starts[rows + 1] - of.starts[rows] - terms) * max(total // max(len(ranks), 1), 1)
        length = total + common + other
        enough = reaches(common, both, threshold)
        covers = (common * COVERED.denominator >= total * COVERED.numerator) & reaches(common, length, COVERED)
        score = np.where(enough, scores(common, both), scores(common, length))
        return rows[enough | covers], score[enough | covers]

    def _candidates(self, ranks: Small, total: int, threshold: Fraction) -> Ints:
        """Rows that have one of the entry's front features; every near row has at least one of them."""
        # A pair that reaches t shares t / (2 - t) of the entry's weight or more, see `prefix_keys`.
        need = min(threshold / (2 - threshold), COVERED) * total
        rest = total - np.cumsum(self._of.weights[ranks], dtype=np.int64)
        front = ranks[: int(np.searchsorted(-rest, -float(need), side="right")) + 1]
        _, at = spread(self._starts[front], self._starts[front + 1])
        return np.unique(self._filed[at])
