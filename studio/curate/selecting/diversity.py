"""Diversity-first selection: the rows of a set that say most when only so many may stay. Pure.

Two measures. `by_compression` is ZIP (Entropy Law, arXiv 2407.06645): greedily the rows that keep the compression ratio
of the selection low, in three stages, because asking every row each time would take for ever:

1. the K1 rows with the lowest ratio last known are asked anew, each together with all that is selected;
2. the K2 lowest of these are the pool of the round;
3. of the pool K3 rows are taken one at a time, each the one that compresses worst with those of this round.

The authors' code marks all K2 rows as used and then forgets it, selects rows twice, fails on small sets and goes past
the budget to a whole number of rounds. Here a selected row is out for good, a pool row that was not taken is not, each
K ends at what is left, and so does the last round at the size asked for.

`by_overlap` is farthest-first traversal (k-center greedy: Gonzalez 1985): always the row whose nearest selected row is
farthest away, by the Dice coefficient of their sets of tokens weighted by rarity. It orders rows as weighted Jaccard
does, which is a metric: in it no row is farther from the selection than twice what the best selection could do.

Both go on from a draw: it says which of equal rows comes first, and with which row `by_overlap` begins. It depends on
the seed and the row's id alone, so that the order in which rows come changes nothing.
"""

from __future__ import annotations

import math
import os
from array import array
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from studio.curate.selecting.redundancy import Compression
from studio.errors import UsageError
from studio.text.tokens import tokenize

if TYPE_CHECKING:
    import numpy as np

    _Numbers: TypeAlias = np.ndarray[Any, np.dtype[Any]]

Measure = Literal["compression", "overlap"]
SEED = 42

_STEP = 256
"""Rows looked at between two reports of progress."""
_AT_ONCE = 16
"""Texts that a thread compresses before it takes the next ones."""
_UNIT = 1 << 20
"""Weights are whole multiples of 1 / this number, so that sums are exact in any order."""


class Widths(NamedTuple):
    """How many rows each stage of ZIP looks at: K1, K2 and K3 of the paper."""

    asked: int = 10_000
    pool: int = 200
    taken: int = 100


ZIP = Widths()


def select(rows: Iterable[tuple[int, str]], size: int, measure: Measure, seed: int = SEED) -> Iterator[int | None]:
    """`by_compression` or `by_overlap`; where all rows are selected nothing is weighed, and they come as drawn."""
    _check(size)
    rest = iter(rows)
    first = list(islice(rest, size + 1))
    if len(first) <= size:
        yield from sorted((row for row, _ in first), key=lambda row: _draw(row, seed))
    else:
        yield from {"compression": by_compression, "overlap": by_overlap}[measure](chain(first, rest), size, seed)


def by_compression(
    rows: Iterable[tuple[int, str]], size: int, seed: int = SEED, widths: Widths = ZIP
) -> Iterator[int | None]:
    """The ids of `size` rows (id, text), or of all there are, in the order they are selected.

    None comes now and then, so that a caller sees that it goes on. Each id comes once. Memory: the texts. Raises
    UsageError for a size below 0.
    """
    import numpy as np  # 70 ms: only whoever selects pays for it

    _check(size)
    drawn = sorted(((row, text.encode()) for row, text in rows), key=lambda row: _draw(row[0], seed))
    ids, texts = [row for row, _ in drawn], [text for _, text in drawn]
    wanted = min(size, len(ids))
    # The last known ratio of each row, by its place in the draw; infinite once the row is selected.
    ratios = np.zeros(len(ids))
    selected = Compression()
    # zlib lets go of the interpreter while it compresses. What it says does not depend on who is asked first.
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        yield from _ask(selected, np.arange(len(ids)), texts, ratios, threads)
        while selected.rows < wanted:
            asked = np.argsort(ratios, kind="stable")[: min(widths.asked, len(ids) - selected.rows)]
            yield from _ask(selected, asked, texts, ratios, threads)
            # Both sorts keep the draw's order among equals, and so the lower place wins.
            asked.sort()
            pool = asked[np.argsort(ratios[asked], kind="stable")][: widths.pool].tolist()
            group = Compression()
            for _ in range(min(widths.taken, len(pool), wanted - selected.rows)):
                found = _ratios(group, [texts[place] for place in pool], threads)
                _, best = min(zip(found, pool, strict=True))
                pool.remove(best)
                ratios[best] = np.inf
                group.add(texts[best])
                selected.add(texts[best])
                yield ids[best]


def _ask(
    selected: Compression, places: _Numbers, texts: list[bytes], ratios: _Numbers, threads: ThreadPoolExecutor
) -> Iterator[None]:
    """Note for each of these rows the ratio that the selection would have with it."""
    for begin in range(0, len(places), _STEP):
        part = places[begin : begin + _STEP]
        ratios[part] = _ratios(selected, [texts[place] for place in part.tolist()], threads)
        yield None


def _ratios(group: Compression, texts: list[bytes], threads: ThreadPoolExecutor) -> list[float]:
    """The ratio of the group with each of the texts."""

    def some(begin: int) -> list[float]:
        return [group.with_text(text) for text in texts[begin : begin + _AT_ONCE]]

    return [ratio for found in threads.map(some, range(0, len(texts), _AT_ONCE)) for ratio in found]


def by_overlap(rows: Iterable[tuple[int, str]], size: int, seed: int = SEED) -> Iterator[int | None]:
    """As `by_compression`, by the tokens that rows share.

    A row without a token says nothing new: such rows come last. Memory: four bytes for each different token of a row.
    """
    import numpy as np

    _check(size)
    ids: list[int] = []
    numbers: dict[str, int] = {}
    sets, lengths = array("i"), array("q")
    for row, text in rows:
        if len(ids) % _STEP == 0:
            yield None
        found = {numbers.setdefault(token, len(numbers)) for token in tokenize(text)}
        ids.append(row)
        sets.extend(found)
        lengths.append(len(found))
    index = _Index(np.frombuffer(sets, np.intc), np.frombuffer(lengths, np.int64), len(numbers))
    drawn = np.array(sorted(range(len(ids)), key=lambda place: _draw(ids[place], seed)), dtype=np.intp)
    # By place, the likeness of the row to the nearest selected row; infinite once the row is selected itself.
    nearest = np.where(index.totals > 0, 0.0, 1.0)
    for _ in range(min(size, len(ids))):
        best = int(drawn[nearest[drawn].argmin()])
        np.maximum(nearest, index.likeness(best), out=nearest)
        nearest[best] = np.inf
        yield ids[best]


class _Index:
    """The tokens of rows, and the rows of tokens."""

    def __init__(self, tokens: _Numbers, lengths: _Numbers, vocabulary: int) -> None:
        """tokens: those of each row, one row behind the other; lengths: how many each row has."""
        import numpy as np

        n = len(lengths)
        self._tokens, self._ends = tokens, lengths.cumsum()
        self._rows = np.repeat(np.arange(n, dtype=np.intc), lengths)[np.argsort(tokens, kind="stable")]
        frequency = np.bincount(tokens, minlength=vocabulary)
        self._postings = np.concatenate(([0], frequency.cumsum()))
        self._weights = np.array([max(1, round(_UNIT * math.log((n + 1) / found))) for found in frequency.tolist()])
        place = np.repeat(np.arange(n), lengths)
        self.totals = np.bincount(place, self._weights[tokens] if len(tokens) else None, minlength=n)

    def likeness(self, place: int) -> _Numbers:
        """The Dice coefficient of the row at place with every row, 0.0 to 1.0."""
        import numpy as np

        begin = self._ends[place - 1] if place else 0
        tokens = self._tokens[begin : self._ends[place]]
        if not len(tokens):
            return np.zeros(len(self.totals))
        postings = [self._rows[self._postings[token] : self._postings[token + 1]] for token in tokens.tolist()]
        weights = np.repeat(self._weights[tokens].astype(np.float64), [len(rows) for rows in postings])
        shared = np.bincount(np.concatenate(postings), weights, minlength=len(self.totals))
        alike: _Numbers = 2 * shared / (self.totals + self.totals[place])
        return alike


def _check(size: int) -> None:
    if size < 0:
        raise UsageError(f"{size} rows cannot be selected.", hint="Ask for as many as shall stay.")


def _draw(row: int, seed: int) -> tuple[bytes, int]:
    return blake2b(f"{seed}:{row}".encode(), digest_size=8).digest(), row
