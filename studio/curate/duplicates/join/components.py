"""Which rows are connected by pairs, for millions of rows: union-find over arrays."""

from __future__ import annotations

import numpy as np

from studio.curate.duplicates.overlap import Ints


class Components:
    """n rows, each alone at first. The component of a row goes by its lowest row."""

    def __init__(self, n: int) -> None:
        self._lowest = np.arange(n)

    def connect(self, left: Ints, right: Ints) -> None:
        """Bring left[i] and right[i] together, for each i."""
        while len(left):
            first, second = self._lowest[left], self._lowest[right]
            apart = first != second
            left, right, first, second = left[apart], right[apart], first[apart], second[apart]
            if not len(left):
                return
            np.minimum.at(self._lowest, np.maximum(first, second), np.minimum(first, second))
            self._flatten()

    def of(self, rows: Ints) -> Ints:
        """The lowest row of each row's component."""
        return self._lowest[rows]

    def _flatten(self) -> None:
        while True:
            lower = self._lowest[self._lowest]
            if np.array_equal(lower, self._lowest):
                return
            self._lowest = lower
