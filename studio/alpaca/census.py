"""The rows of an export in numbers: how many, how long, of what kind, and where they come from."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict

import msgspec

from studio.alpaca.lengths import Count, Length, estimate_tokens, kept_of, length_of
from studio.alpaca.rows import Kto, Preference, Pretrain, Row, RowType, answers, prompt_text
from studio.text.tokens import language

EDGES = (0, *(round(16 * 2 ** (step / 2)) for step in range(42)))
"""Where the bars of a length histogram begin, in tokens: 0, 16, then 1.41 times the one before; the last has no end."""

# The language shows in the beginning of a prompt.
_PROBE = 200
Bar = tuple[int, int, int]
"""A bar of a histogram: from so many tokens, below so many, and how many rows."""


class TypeFacts(msgspec.Struct, frozen=True):
    """The rows of one type that go out.

    tokens: how many of them are trained on in an epoch with this cutoff; an estimate unless the model's own tokenizer
    counted. over_cutoff: rows the trainer would cut. lengths: a histogram of whole rows, without gaps, which reaches to
    the cutoff. by: rows by "status", "method", "language" (of the prompt; "en" is whatever is not Chinese), "origin".
    """

    type: RowType
    rows: int
    tokens: int
    over_cutoff: int
    lengths: list[Bar]
    by: dict[str, dict[str, int]]


class Census:
    """Counts rows of one type: `see` each once, then `facts`.

    cutoff: the trainer's cutoff_len in tokens. count: tokens of a text.
    """

    def __init__(self, type: RowType, cutoff: int, count: Count = estimate_tokens) -> None:
        self._type, self._cutoff, self._count = type, cutoff, count
        self._rows = self._tokens = self._over = 0
        self._lengths: Counter[int] = Counter()
        self._by: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def see(self, row: Row, **labels: str) -> None:
        """Count a row; labels: what to count it under, by heading."""
        length = length_of(row, self._count)
        self._rows += 1
        self._tokens += trained_tokens(row, length, self._cutoff, self._count)
        self._over += length.total > self._cutoff and not isinstance(row, Pretrain)
        self._lengths[_bar(length.total)] += 1
        for heading, label in labels.items():
            self._by[heading][label] += 1
        self._by["language"][language(prompt_text(row)[:_PROBE])] += 1

    def facts(self) -> TypeFacts:
        """What was counted; labels with the most rows first."""
        by = {
            heading: dict(sorted(counter.items(), key=lambda one: (-one[1], one[0])))
            for heading, counter in sorted(self._by.items())
        }
        return TypeFacts(self._type, self._rows, self._tokens, self._over, self._bars(), by)

    def _bars(self) -> list[Bar]:
        if not self._rows:
            return []
        # Pretrain texts are packed end to end: the cutoff says nothing about one of them. For other types, the number
        # of the bar that ends at the cutoff or holds it.
        limit = [] if self._type == "pretrain" else [_bar(self._cutoff - 1)]
        shown = [*self._lengths, *limit]
        bars = range(min(shown), max(shown) + 1)
        return [(EDGES[bar], EDGES[bar + 1], self._lengths[bar]) for bar in bars]


def _bar(tokens: int) -> int:
    return min(bisect_right(EDGES, tokens), len(EDGES) - 1) - 1


def trained_tokens(row: Row, length: Length, cutoff: int, count: Count = estimate_tokens) -> int:
    """How many tokens of the row the loss is taken on, once the trainer has cut it.

    Pretrain texts are trained on whole, SFT on every answer, those of the history too; preference and KTO on the
    answers alone (their processors mask the whole prompt).
    """
    if isinstance(row, Pretrain):
        return length.total
    most = kept_of(length, cutoff).target
    if isinstance(row, Preference | Kto):
        return sum(min(count(answer), most) for answer in answers(row))
    return most
