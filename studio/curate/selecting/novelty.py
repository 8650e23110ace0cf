"""Novelty of a generated instruction: ROUGE-L against the whole task pool, as in Self-Instruct (arXiv 2212.10560).

An instruction is novel when its ROUGE-L F-measure with every instruction of the pool is at most the threshold
(exactly the threshold is novel). The decisions and the ten nearest are those of comparing with every row. Few are
compared, because F = 2·LCS / (m + n), and an LCS is at most the number of tokens in common, repetitions counted:

- that number is counted for all rows at once, by adding up one column of 0 and 1 for each token of the text;
  rare tokens have the numbers of their rows instead of a column;
- rows are compared in the order of the bound it gives, until the bound falls below the tenth best score.
"""

from __future__ import annotations

from array import array
from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from rapidfuzz import process
from rapidfuzz.distance import LCSseq

from studio.errors import StudioError, UsageError
from studio.text.rouge import Vocabulary, exact
from studio.text.tokens import tokenize

if TYPE_CHECKING:
    import numpy as np

    _Counts: TypeAlias = np.ndarray[Any, np.dtype[np.unsignedinteger[Any]]]
    _Bounds: TypeAlias = np.ndarray[Any, np.dtype[np.float32]]
    _Places: TypeAlias = np.ndarray[Any, np.dtype[np.intp]]

THRESHOLD = 0.7
"""The ROUGE-L threshold of Self-Instruct and Alpaca; a score of exactly this is novel."""
NEAREST = 10
"""How many rows of the pool are kept as evidence, as in the paper's code."""

_FIRST = 32
"""Rows compared first: a few more than asked for, so that the tenth best of them is nearly the tenth best of all."""
_SLACK = 1e-6
"""More than the rounding of a bound in single precision."""
_STEPS = (0.35, 0.3, 0.25, 0.22, 0.19, 0.16, 0.13, 0.1, 0.05, _SLACK)
"""Bounds (of LCS / (m + n), half of F) tried from the top until enough rows reach one; the last: any overlap."""
_FEW = 512
"""Adding up this many row numbers costs as much as adding a whole column."""
_SHARE = 64
"""A feature gets a column when more than one row in this many, and more than a few, have it."""


class Near(NamedTuple):
    """A row of the pool and its ROUGE-L F-measure with the text, over 0.0 to 1.0."""

    row: int
    score: float


class Novelty(NamedTuple):
    """Whether a text is novel, and the evidence when it is not.

    nearest: of a text that is not novel, as `NoveltyIndex.nearest` gives it; else empty, because most texts are novel
    and finding the nearest takes longer than the decision.
    """

    novel: bool
    nearest: tuple[Near, ...]


class NoveltyIndex:
    """The task pool, growing and shrinking, one text a row id.

    Memory: 60 to 75 MB for 100,000 rows of 20 to 30 tokens, a third of it columns: one byte a row for each of the 200
    to 300 tokens that more than one row in 64 has. Tokens are remembered for good, those of removed rows too.
    Not for several threads at once.
    """

    def __init__(self, threshold: float | Fraction = THRESHOLD) -> None:
        """Raises UsageError for a threshold outside 0 to 1."""
        import numpy as np  # 70 ms: only whoever searches pays for it

        self._threshold = exact(threshold)
        if not 0 <= self._threshold <= 1:
            raise UsageError(f"A ROUGE-L threshold lies between 0 and 1; {threshold} does not.")
        self._vocabulary = Vocabulary()
        self._places: dict[int, int] = {}
        # Of the rows by place; a place that a removed row left is taken again.
        self._rows: list[int] = []
        self._codes: list[str] = []
        self._sizes: _Bounds = np.zeros(1024, np.float32)
        self._free: list[int] = []
        self._last: tuple[str, str, list[str]] = ("", "", [])
        # A feature is a token with its occurrence: the second "the" of a text is another feature than the first. A
        # column ends at its last 1.
        self._columns: dict[str, bytearray] = {}
        self._postings: dict[str, array[int]] = {}

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, row: int) -> bool:
        return row in self._places

    def check(self, text: str) -> Novelty:
        """Whether text is novel, with evidence if it is not. Nothing is added."""
        codes, features = self._encode(text)
        counts = self._overlaps(features)
        if not self._repeated(codes, counts):
            return Novelty(True, ())
        return Novelty(False, self._nearest(codes, counts))

    def nearest(self, text: str) -> tuple[Near, ...]:
        """The rows most like text: at most ten, the best first, of equals the lowest id; none that shares nothing."""
        codes, features = self._encode(text)
        return self._nearest(codes, self._overlaps(features))

    def mean(self, text: str) -> float:
        """The mean F-measure with all rows of the pool, 0.0 for none; the paper's code stores it with the ten nearest.

        Compares with every row: some 15 ms at 100,000.
        """
        import numpy as np

        codes, _ = self._encode(text)
        if not self._places or not codes:
            return 0.0
        *_, scores = self._compare(codes, np.array(list(self._places.values())))
        return float(scores.mean())

    def add(self, row: int, text: str) -> None:
        """Put a row into the pool, novel or not. Raises UsageError when it is there already."""
        if row in self._places:
            raise UsageError(f"Row {row} is in the task pool already.")
        codes, features = self._encode(text)
        if self._free:
            place = self._free.pop()
            self._rows[place], self._codes[place] = row, codes
        else:
            place = len(self._rows)
            self._rows.append(row)
            self._codes.append(codes)
            if place == len(self._sizes):
                self._sizes.resize(2 * place, refcheck=False)
        self._places[row] = place
        self._sizes[place] = len(codes)
        for feature in features:
            column = self._columns.get(feature)
            if column is not None:
                if place < len(column):
                    column[place] = 1
                else:
                    column += bytes(place - len(column)) + b"\1"
            elif (posting := self._postings.get(feature)) is None:
                self._postings[feature] = array("i", (place,))
            else:
                posting.append(place)
                if len(posting) > _FEW and len(posting) * _SHARE > len(self._rows):
                    self._widen(feature)

    def remove(self, row: int) -> None:
        """Take a row out of the pool, for example because a person rejected it. Raises KeyError when it is not in."""
        place = self._places.pop(row)
        for feature in _features(self._codes[place]):
            if feature in self._columns:
                self._columns[feature][place] = 0
            else:
                self._postings[feature].remove(place)
        self._codes[place] = ""
        self._sizes[place] = 0
        self._free.append(place)

    def _widen(self, feature: str) -> None:
        """Give the feature a column instead of the numbers of its rows."""
        posting = self._postings.pop(feature)
        column = self._columns[feature] = bytearray(max(posting) + 1)
        for place in posting:
            column[place] = 1

    def _overlaps(self, features: list[str]) -> _Counts:
        """By place, the number of tokens in common, repetitions counted."""
        import numpy as np

        counts: _Counts = np.zeros(len(self._rows), np.uint8 if len(features) < 256 else np.uint32)
        rare = []
        for feature in features:
            column = self._columns.get(feature)
            if column is not None:
                part = counts[: len(column)]
                np.add(part, np.frombuffer(column, np.uint8), out=part)
            elif feature in self._postings:
                rare.append(self._postings[feature])
        if rare:
            np.add.at(counts, np.frombuffer(b"".join(rare), np.intc), counts.dtype.type(1))
        return counts

    def _repeated(self, codes: str, counts: _Counts) -> bool:
        """Whether F exceeds the threshold t with any row: 2·LCS > t·(m + n)."""
        top, bottom = self._threshold.numerator, self._threshold.denominator
        # A row has at least the tokens in common: 2·c > t·(m + c).
        fewest = top * len(codes) // (2 * bottom - top) + 1
        places = (counts >= fewest).nonzero()[0]
        places = places[counts[places] >= (self._sizes[places] + len(codes)) * (top / bottom / 2 - _SLACK)]
        if not len(places):
            return False
        common, sizes, _ = self._compare(codes, places)
        return any(
            2 * shared * bottom > top * int(size) for shared, size in zip(common.tolist(), sizes.tolist(), strict=True)
        )

    def _nearest(self, codes: str, counts: _Counts) -> tuple[Near, ...]:
        import numpy as np

        if not codes:
            return ()
        bounds = self._sizes[: len(counts)] + np.float32(len(codes))
        np.divide(counts, bounds, out=bounds, dtype=np.float32)
        step, places = _likely(bounds, _STEPS)
        best = self._better([], codes, places[:_FIRST])
        # What is left: rows whose bound reaches the tenth best score so far, in chunks, because that score rises.
        if _least(best) < step:
            _, places = _likely(bounds, (_least(best),))
        start, length = _FIRST, 2 * _FIRST
        while start < len(places) and bounds[places[start]] >= _least(best):
            best = self._better(best, codes, places[start : start + length])
            start, length = start + length, 2 * length
        return tuple(Near(row, -below) for below, row in best)

    def _better(self, best: list[_Found], codes: str, places: _Places) -> list[_Found]:
        """The ten nearest among those known so far and the rows at places."""
        *_, scores = self._compare(codes, places)
        near = (scores >= 2 * _least(best)).nonzero()[0]
        rows = [self._rows[place] for place in places[near].tolist()]
        return sorted([*best, *zip((-scores[near]).tolist(), rows, strict=True)])[:NEAREST]

    def _compare(self, codes: str, places: _Places) -> tuple[Any, Any, Any]:
        """Arrays with the LCS, the tokens of both, and F, of the rows at places."""
        import numpy as np

        known = self._codes
        texts = [known[place] for place in places.tolist()]
        common = process.cdist([codes], texts, scorer=LCSseq.similarity, dtype=np.int32)[0]
        sizes = self._sizes[places] + np.float32(len(codes))
        return common, sizes, 2 * common / sizes

    def _encode(self, text: str) -> tuple[str, list[str]]:
        """The text as one character a token, and its features."""
        # A text is checked first and added next.
        if text != self._last[0]:
            try:
                codes = self._vocabulary.encode(tokenize(text))
            except OverflowError as error:
                raise StudioError(
                    f"The text was not compared with the task pool: the pool holds {error}.",
                    hint="Generate into a project with fewer rows.",
                ) from error
            self._last = text, codes, _features(codes)
        return self._last[1:]


_Found: TypeAlias = tuple[float, int]
"""Minus the score, and the row: in the order of nearness."""


def _least(best: list[_Found]) -> float:
    """The bound below which no row can be among the ten nearest."""
    return max(_SLACK, -best[-1][0] / 2 - _SLACK) if len(best) == NEAREST else _SLACK


def _likely(bounds: _Bounds, steps: tuple[float, ...]) -> tuple[float, _Places]:
    """The first step that enough rows reach, else the last one, and the places of those rows, highest bound first."""
    import numpy as np

    for step in steps:
        reached = bounds >= step
        if np.count_nonzero(reached) >= _FIRST:
            break
    places = np.flatnonzero(reached)
    # Stable, so that the first rows are the same ones whatever the step.
    return step, places[np.argsort(-bounds[places], kind="stable")]


def _features(codes: str) -> list[str]:
    """The features of a text: the second occurrence of a token is the token written twice, and so on."""
    if len(set(codes)) == len(codes):
        return list(codes)
    return [code * nth for code, times in Counter(codes).items() for nth in range(1, times + 1)]
