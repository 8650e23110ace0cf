"""All pairs of rows that are alike as a whole and inside: where one task is put to many inputs, rows are duplicates
only if their inputs are.

A join is quick where few rows are alike in the features they are filed by, or where alike rows also become pairs. Rows
of a task are alike as a whole and differ inside, so they are filed by what is inside; many questions about one text are
alike inside, so they are filed as a whole; and so are rows with nothing inside, of which the whole decides. Each pair
is found in one of these three ways, whatever other rows there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from fractions import Fraction
from typing import NamedTuple, Protocol

import numpy as np

from studio.curate.duplicates.join.bitmaps import Flags
from studio.curate.duplicates.join.prefix_join import Also, Found
from studio.curate.duplicates.overlap import Features, Ints, shared

_MANY = 64
"""Where more rows than this have the same inner text, pairs of such rows are sought by their whole texts."""


class Join(Protocol):
    """Finds pairs of rows: all of them (`prefix_join.join`), or most (`minhash.join`)."""

    def __call__(
        self, of: Features, threshold: Fraction, also: Also | None = None, lone: Flags | None = None
    ) -> Generator[float, None, Found]: ...


class _Way(NamedTuple):
    """One way to find pairs: rows, the features they are filed by, and also and lone as in `prefix_join.join`."""

    rows: Ints
    of: Features
    also: Callable[[Ints, Ints], tuple[Ints, Ints]] | None
    lone: Flags


def join(
    by: Join, whole: Features, inner: Features, inside: Sequence[str], threshold: Fraction
) -> Generator[float, None, Found]:
    """The pairs of rows whose wholes reach the threshold, and so do the inner texts where both have one.

    inside: the inner texts. The score is the lower one. Yields the share of the work that is done.
    """
    filled = inner.totals > 0
    times = Counter(inside)
    numbers = {text: number for number, text in enumerate(times)}
    number_of = np.array([numbers[text] for text in inside], np.int64)
    asked_of_one = filled & np.array([times[text] > _MANY for text in inside], bool)
    everyone = np.arange(whole.n)
    some, those = np.flatnonzero(filled), np.flatnonzero(asked_of_one)
    ways = [
        _Way(everyone, whole, None, ~filled),
        _Way(some, inner, lambda left, right: _weighed(whole, left, right), ~asked_of_one[some]),
        _Way(those, whole, lambda left, right: _inside(inner, number_of, left, right), np.ones(len(those), bool)),
    ]
    ways = [way for way in ways if way.lone.any()]
    work = [max(len(way.rows), 1) for way in ways]
    found: list[Found] = []
    for number_of_way, way in enumerate(ways):
        before = sum(work[:number_of_way])
        joining = by(way.of.part(way.rows), threshold, _at(way), None if way.lone.all() else way.lone)
        while True:
            try:
                yield (before + next(joining) * work[number_of_way]) / sum(work)
            except StopIteration as end:
                found.append(_placed(end.value, way.rows))
                break
    return _together(found)


def _weighed(of: Features, left: Ints, right: Ints) -> tuple[Ints, Ints]:
    return shared(of, left, right), of.totals[left] + of.totals[right]


def _inside(inner: Features, number_of: Ints, left: Ints, right: Ints) -> tuple[Ints, Ints]:
    """The shared and the total weight of inner texts. Equal numbers mean equal texts: (1, 2), without a comparison."""
    common, both = np.ones(len(left), np.int64), np.full(len(left), 2)
    other = number_of[left] != number_of[right]
    common[other], both[other] = _weighed(inner, left[other], right[other])
    return common, both


def _at(way: _Way) -> Also | None:
    """The second measure of the way, for places among its rows."""
    also, rows = way.also, way.rows
    return None if also is None else lambda left, right: also(rows[left], rows[right])


def _placed(found: Found, rows: Ints) -> Found:
    return Found(rows[found.left], rows[found.right], found.scores, rows[found.partial])


def _together(found: Sequence[Found]) -> Found:
    none = np.zeros(0, np.int64)
    return Found(
        np.concatenate([none, *(one.left for one in found)]),
        np.concatenate([none, *(one.right for one in found)]),
        np.concatenate([np.zeros(0), *(one.scores for one in found)]),
        np.unique(np.concatenate([none, *(one.partial for one in found)])),
    )
