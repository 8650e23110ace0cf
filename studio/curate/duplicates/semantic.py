"""Semantic neighbours: every pair of vectors whose cosine reaches a threshold. Exact: the all-pairs definition.

Vectors are rows of length one in half precision (`unit`). That rounding is the only one that counts, and it happens
once, before anything is compared: the studio keeps vectors so. It moves a cosine by some 0.00003 at 768 dimensions,
a hundredth of what one endpoint's answers to one text differ by. What follows decides on those numbers without error:

- half-precision numbers are multiples of 2^-24, their products of 2^-48, and no sum of them exceeds the vectors'
  lengths: in double precision a dot product is exact, in whatever order it is added up;
- blocks are multiplied in single precision first, whose error is at most d times 2^-24 for d dimensions (Higham,
  Accuracy and Stability of Numerical Algorithms, 3.1). Pairs that reach the threshold less that much are computed
  again in double precision; the others cannot reach it;
- a pair whose score lies within 1e-12 of the threshold is decided in whole numbers. Exactly the threshold counts.

So pairs and scores are the same for all sizes of blocks, numbers of threads and libraries of linear algebra.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from studio.errors import UsageError
from studio.text.rouge import exact

if TYPE_CHECKING:
    import numpy as np

    Halves: TypeAlias = np.ndarray[Any, np.dtype[np.float16]]
    Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float32]]
    Doubles: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
    Places: TypeAlias = np.ndarray[Any, np.dtype[np.intp]]
    Flags: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]

NEAREST = 10
"""How many neighbours of one vector are told."""

_ROWS, _COLUMNS = 2048, 1024
"""The size of a block of products: 8 MB. The vectors of its rows are widened once for all blocks of the same rows."""
_FEW = 512
"""Rows that are multiplied with one vector at a time: they stay in a core's own cache."""
_CHUNK = 4096
"""Pairs that are computed again at once: 50 MB of doubles at 768 dimensions."""
_DENSE = 128
"""When more than one pair in this many must be computed again, computing the whole block is cheaper."""
_SINGLE = 2.0**-24
_NEAR = 1e-12
_SLIP = 0.01
"""How far the square of a length may be from 1. `unit` stays within a fifth of that."""


class Neighbours(NamedTuple):
    """Pairs by the places of their vectors, left before right, and their cosines; arrays of one length."""

    left: Places
    right: Places
    score: Doubles


def has_direction(vectors: Floats) -> Flags:
    """Of each row, whether it is one: all numbers finite, not all of them zero."""
    import numpy as np

    return np.logical_and(np.isfinite(vectors).all(axis=1), np.any(vectors, axis=1))


def unit(vectors: Floats) -> Halves:
    """The rows at length one, in half precision. Raises ValueError for one without a direction."""
    import numpy as np

    if not has_direction(vectors).all():
        raise ValueError("a vector without a direction")
    # Scaled first, so that no square over- or underflows.
    doubles = vectors / np.abs(vectors).max(axis=1, keepdims=True).astype(np.float64)
    halves: Halves = (doubles / np.linalg.norm(doubles, axis=1, keepdims=True)).astype(np.float16)
    return halves


def neighbours(
    vectors: Halves, threshold: float | Fraction, *, rows: int = _ROWS, columns: int = _COLUMNS
) -> Iterator[Neighbours]:
    """All pairs of `unit` vectors whose cosine is at least threshold, each pair once.

    One answer a block of products, `blocks` of them, empty ones too, so that a caller sees how far it is. Sorted within
    an answer. rows, columns: of a block; they change the answers' sizes and nothing else. Memory: some 50 MB besides
    the vectors, and the pairs of one block. Raises UsageError for a threshold outside 0 to 1, ValueError for vectors
    that are not of length one or not in half precision.
    """
    search = _Search(vectors, threshold)
    for start in range(0, len(vectors), rows):
        search.stand(start, min(start + rows, len(vectors)))
        for place in range(start, len(vectors), columns):
            yield search.meet(place, min(place + columns, len(vectors)))


def blocks(count: int, *, rows: int = _ROWS, columns: int = _COLUMNS) -> int:
    """How many answers `neighbours` gives for so many vectors."""
    return sum(-(-(count - start) // columns) for start in range(0, count, rows))


def nearest(vectors: Halves, one: Halves, threshold: float | Fraction, most: int = NEAREST) -> list[tuple[int, float]]:
    """The vectors whose cosine with this one is at least threshold, as (place, cosine).

    The closest first, of equals the first; at most so many. one: a single row. Some 60 ms for 100,000 vectors of 768
    dimensions. Raises UsageError for a threshold outside 0 to 1.
    """
    import numpy as np

    limit = checked(threshold)
    single, double = _widened(one.reshape(1, -1))[0], one.reshape(-1).astype(np.float64)
    cut = float(limit) * (1 - _SLIP) - _slack(len(single))
    space = np.empty((_FEW, len(single)), np.float32)
    likely = [np.empty(0, np.intp)]
    for start in range(0, len(vectors), _FEW):
        part = _widened(vectors[start : start + _FEW], space)
        likely.append(start + np.flatnonzero(part @ single >= cut))
    places = np.concatenate(likely)
    found: list[tuple[float, int]] = []
    for start in range(0, len(places), _CHUNK):
        part_of = places[start : start + _CHUNK]
        others = vectors[part_of].astype(np.float64)
        squares = np.einsum("ij,ij->i", others, others)
        close, scores = _decided(others @ double, squares, np.full_like(squares, double @ double), limit)
        found += zip((-scores[close]).tolist(), part_of[close].tolist(), strict=True)
    return [(place, -below) for below, place in sorted(found)[:most]]


class _Search:
    """Finds the pairs between one range of rows (`stand`) and other ranges (`meet`), block by block."""

    def __init__(self, vectors: Halves, threshold: float | Fraction) -> None:
        import numpy as np

        self._threshold = checked(threshold)
        if vectors.ndim != 2 or vectors.dtype != np.float16:
            raise ValueError("the vectors are not rows in half precision")
        self._vectors = vectors
        parts = [_squares(vectors[start : start + _CHUNK]) for start in range(0, len(vectors), _CHUNK)]
        self._squares: Doubles = np.concatenate([np.empty(0), *parts])
        if not (np.abs(self._squares - 1) <= _SLIP).all():
            raise ValueError("the vectors are not of length one")
        least = float(self._squares.min(initial=1.0))
        self._space: Floats = np.empty(0, np.float32)
        self._cut = float(self._threshold) * least - _slack(vectors.shape[1])

    def stand(self, start: int, end: int) -> None:
        """Set the standing rows: `meet` then pairs rows start to end with others."""
        self._start, self._end = start, end
        self._singles = _widened(self._vectors[start:end])
        self._doubles: Doubles | None = None

    def meet(self, start: int, end: int) -> Neighbours:
        """The pairs of the standing rows with rows start to end."""
        import numpy as np

        # A pair needs a later row on the right, so standing rows from end on have no partner here.
        rows = min(self._end, end) - self._start
        singles = _widened(self._vectors[start:end])
        products = np.matmul(self._singles[:rows], singles.T, out=self._room(rows, end - start))
        # Most blocks hold no pair; comparing their greatest product is the cheapest test.
        likely = np.flatnonzero(products >= self._cut) if products.max() >= self._cut else np.empty(0, np.intp)
        left, right = likely // (end - start), likely % (end - start)
        if self._start + rows > start:
            ahead = left + self._start < right + start
            left, right = left[ahead], right[ahead]
        if not len(left):
            return Neighbours(left, right, np.empty(0))
        dots = self._dots(left, right, singles)
        left, right = left + self._start, right + start
        close, scores = _decided(dots, self._squares[left], self._squares[right], self._threshold)
        return Neighbours(left[close], right[close], scores[close])

    def _room(self, rows: int, columns: int) -> Floats:
        """The array for the products of a block; all blocks share its memory."""
        import numpy as np

        if len(self._space) < rows * columns:
            self._space = np.empty(rows * columns, np.float32)
        return self._space[: rows * columns].reshape(rows, columns)

    def _dots(self, left: Places, right: Places, singles: Floats) -> Doubles:
        """Exact products of standing rows with others, both by their places in the block."""
        import numpy as np

        if self._doubles is None:
            self._doubles = self._singles.astype(np.float64)
        others = singles.astype(np.float64)
        if len(left) * _DENSE > len(singles) * len(self._doubles):
            dense: Doubles = (self._doubles @ others.T)[left, right]
            return dense
        dots: Doubles = np.empty(len(left))
        for start in range(0, len(left), _CHUNK):
            part = slice(start, start + _CHUNK)
            dots[part] = np.einsum("ij,ij->i", self._doubles[left[part]], others[right[part]])
        return dots


def checked(threshold: float | Fraction) -> Fraction:
    """The threshold as the decimal it was written as. Raises UsageError outside 0 to 1."""
    limit = exact(threshold)
    if not 0 <= limit <= 1:
        raise UsageError(f"A cosine threshold lies between 0 and 1; {threshold} does not.")
    return limit


def _slack(dimensions: int) -> float:
    """More than the error of a product in single precision, and of comparing it with a bound in single precision."""
    return (1 + 2 * _SLIP) * (dimensions + 2) * _SINGLE


def _decided(dots: Doubles, lefts: Doubles, rights: Doubles, threshold: Fraction) -> tuple[Flags, Doubles]:
    """Which pairs reach the threshold, by their products and their vectors' squares; and the cosines."""
    import numpy as np

    scores = np.minimum(dots / np.sqrt(lefts * rights), 1.0)
    close = scores >= float(threshold)
    # Equal vectors are the one tie that there may be millions of.
    same = (dots == lefts) & (dots == rights)
    close |= same
    for place in np.flatnonzero((np.abs(scores - float(threshold)) < _NEAR) & ~same).tolist():
        close[place] = _reaches(dots[place].item(), lefts[place].item(), rights[place].item(), threshold)
    return close, scores


def _reaches(dot: float, left: float, right: float, threshold: Fraction) -> bool:
    """Whether dot / sqrt(left * right) is at least the threshold, without rounding."""
    return dot >= 0 and Fraction(dot) ** 2 >= threshold**2 * Fraction(left) * Fraction(right)


def _squares(vectors: Halves) -> Doubles:
    import numpy as np

    doubles = vectors.astype(np.float64)
    squares: Doubles = np.einsum("ij,ij->i", doubles, doubles)
    return squares


def _widened(vectors: Halves, space: Floats | None = None) -> Floats:
    """The same numbers in single precision, in space where it is given.

    A half has 5 bits of exponent where a single has 8, and 13 bits less of fraction: its bits, moved, are the number
    divided by 2^112. Half the time of numpy's own conversion, which goes number by number.
    """
    import numpy as np

    singles: Floats = np.empty(vectors.shape, np.float32) if space is None else space[: len(vectors)]
    bits = singles.view(np.int32)
    np.left_shift(vectors.view(np.int16), 13, out=bits, dtype=np.int32)
    # Moving a negative number copies its sign into the three bits behind it.
    np.bitwise_and(bits, -0x70000001, out=bits)
    np.multiply(singles, np.float32(2.0**112), out=singles)
    return singles
