"""Bitmaps that bound how much weight two rows can have in common (bitmap filter: Sandes et al. 2020), weighted.

A feature of weight w owns floor(w) of 512 bits, and a row's bitmap has the bits of all its features. Each bit in which
two bitmaps differ belongs to a feature that one row has and the other has not; so they differ in at most as many bits
as those features weigh, which is what both rows weigh less twice what they share.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from studio.curate.duplicates.overlap import UNIT, Features, Ints, spread

Flags: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]
_Words: TypeAlias = np.ndarray[Any, np.dtype[np.uint64]]

BITS = 512
_WORDS = BITS // 64
_AT_ONCE = 1 << 16


class Bitmaps:
    """A bitmap a row: 64 bytes."""

    def __init__(self, of: Features) -> None:
        self._features = of
        masks = _masks(of)
        self._rows: _Words = np.zeros((of.n, _WORDS), np.uint64)
        for begin in range(0, of.n, _AT_ONCE):
            filled = np.flatnonzero(np.diff(of.starts[begin : begin + _AT_ONCE + 1])) + begin
            if len(filled):
                first, last = of.starts[filled[0]], of.starts[filled[-1] + 1]
                parts = masks[of.ranks[first:last]]
                self._rows[filled] = np.bitwise_or.reduceat(parts, of.starts[filled] - first, axis=0)

    def may_reach(self, left: Ints, right: Ints, threshold: Fraction) -> Flags:
        """False where the rows left[i] and right[i] surely score less than the threshold."""
        both = self._features.totals[left] + self._features.totals[right]
        # 2·common >= t·both, and the bits that differ weigh at most both - 2·common.
        room = (threshold.denominator - threshold.numerator) * both // (threshold.denominator * UNIT)
        passed = np.empty(len(left), bool)
        for begin in range(0, len(left), _AT_ONCE):
            part = slice(begin, begin + _AT_ONCE)
            differing = np.bitwise_count(self._rows[left[part]] ^ self._rows[right[part]]).sum(axis=1, dtype=np.int64)
            passed[part] = differing <= room[part]
        return passed


def _masks(of: Features) -> _Words:
    """The bits of each feature, by its rank: the same bits for the same rank in every run."""
    owned = of.weights // UNIT
    ranks, turns = spread(np.zeros(len(owned), np.int64), owned.astype(np.int64))
    bits = _mixed(ranks.astype(np.uint64) << np.uint64(8) | turns.astype(np.uint64)) % np.uint64(BITS)
    masks = np.zeros((len(owned), _WORDS), np.uint64)
    np.bitwise_or.at(masks, (ranks, (bits // 64).astype(np.int64)), np.uint64(1) << (bits % np.uint64(64)))
    return masks


def _mixed(numbers: _Words) -> _Words:
    """The numbers scattered (splitmix64)."""
    with np.errstate(over="ignore"):
        numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))
