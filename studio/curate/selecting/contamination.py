"""Rows that overlap a benchmark: what was trained on cannot be tested with. Pure.

The rule is GPT-3's (arXiv 2005.14165, appendix C): a row is contaminated when it shares 13 tokens on end with an entry
of the benchmark. Tokens are those of `text.tokens`, so punctuation, case and full-width forms make no difference and a
Chinese character counts as a word does. Of an entry every text of 13 tokens and more counts. One that has only shorter
texts is matched by its longest, which must stand in the row as a whole; fewer than five tokens say too little to be
found inside other text and must be a whole field of the row.

GPT-3 leaves out 13-grams that stand in more than ten training documents, as phrases in common use. In a set of rows
that would hide an entry which leaked into eleven of them, so it is the benchmark that is asked: what more than ten of
its texts have in common is the frame its tasks are put in. A row that shares nothing more is told apart (`Hit.common`).

Memory: some 40 bytes for each token of the benchmark, and a batch of rows.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from itertools import groupby, repeat
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import msgspec

from studio.alpaca.rows import Row, texts
from studio.text.tokens import spans, tokenize

if TYPE_CHECKING:
    import numpy as np

    _Numbers: TypeAlias = np.ndarray[Any, np.dtype[Any]]

GRAM = 13
"""This many consecutive tokens are never shared by chance."""
SHORTEST = 5
"""Fewer tokens must be a whole field."""
COMMON = 10
"""A stretch that more texts of the benchmark than this have is common to the benchmark, not of one entry."""

_BREAK, _UNKNOWN, _FIRST = 0, 1, 2
"""Codes: between texts; a token that the benchmark has not; the first token that it has."""
_AT_ONCE = 1 << 18
"""Tokens that are searched together; a row more may begin below that."""
_MULTIPLIERS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xFF51AFD7ED558CCD)
"""Odd, so that each code keeps its part in a hash of 64 bits."""


class Entry(NamedTuple):
    """An entry of a benchmark: the file, and its number in it, from 1."""

    file: str
    number: int


class Place(NamedTuple):
    """A stretch of a row's text: field (as `alpaca.rows.texts` names it), begin and end in characters."""

    field: str
    begin: int
    end: int


class Hit(msgspec.Struct, frozen=True):
    """A stretch that a row shares with a benchmark.

    places: where it stands in the row: one, or two when it goes on from the instruction into the input. text: what
    stands there. tokens: how long it is. path: the text of the entry that has it. texts: how many texts of the
    benchmark have its rarest part.
    """

    row: int
    places: tuple[Place, ...]
    text: str
    tokens: int
    entry: Entry
    path: str
    texts: int = 1

    @property
    def common(self) -> bool:
        """Whether the stretch is common to many entries of the benchmark, such as the frame of its tasks."""
        return self.texts > COMMON


class NearHit(msgspec.Struct, frozen=True):
    """A row that asks nearly what an entry of a benchmark says. path: the text of the entry. score: their overlap.

    texts: how many texts of the benchmark it is near.
    """

    row: int
    entry: Entry
    path: str
    score: float
    texts: int = 1

    @property
    def common(self) -> bool:
        """Whether the row is near many texts of the benchmark, so that no single entry is to blame."""
        return self.texts > COMMON


class Benchmark:
    """The texts of a benchmark, to find in rows. Not for several threads at once."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        # All texts, one behind the other, a break between them.
        self._codes = array("I", [_BREAK])
        self._begins = array("q")
        self._origins: list[tuple[Entry, str]] = []
        self._known: set[bytes] = set()
        self._tables: dict[int, _Table] | None = None

    def add(self, entry: Entry, value: Any) -> bool:
        """Take in an entry as it was read from its file. False when there is no token in it."""
        found = [(path, tokens) for path, text in texts_of(value) if (tokens := tokenize(text))]
        if not found:
            return False
        long = [one for one in found if len(one[1]) >= GRAM]
        for path, tokens in long or [max(found, key=lambda one: len(one[1]))]:
            codes = array("I", [self._numbers.setdefault(token, len(self._numbers) + _FIRST) for token in tokens])
            digest = blake2b(codes.tobytes(), digest_size=16).digest()
            # A passage with twenty questions is one text, not a stretch common to twenty texts.
            if digest not in self._known:
                self._known.add(digest)
                self._begins.append(len(self._codes))
                self._origins.append((entry, path))
                self._codes.extend(codes)
                self._codes.append(_BREAK)
                self._tables = None
        return True

    def overlaps(self, rows: Iterable[tuple[int, Row]]) -> list[Hit]:
        """What these rows (id, row) share with the benchmark, in their order, the longest stretch of a row first."""
        if self._tables is None:
            self._tables = self._indexed()
        hits: list[Hit] = []
        waiting = iter(rows)
        while (batch := _Batch(waiting, self._numbers)).rows:
            for matches in self._matches(batch):
                hits += self._hits(batch, matches)
        return hits

    def _indexed(self) -> dict[int, _Table]:
        """By length, the stretches to look for: every 13-gram of the long texts, the short texts as they are."""
        import numpy as np  # 70 ms: only whoever searches pays for it

        codes = np.array(self._codes)
        begins = np.array(self._begins, dtype=np.int64)
        sizes = np.diff(np.append(begins, len(codes))) - 1
        owners = np.repeat(np.arange(len(begins)), sizes + 1)
        found: dict[int, _Numbers] = {}
        for size in sorted(set(sizes[sizes < GRAM].tolist())):
            found[size] = begins[sizes == size]
        if (sizes >= GRAM).any():
            inside = np.append(0, (codes == _BREAK).cumsum())
            found[GRAM] = np.flatnonzero(inside[GRAM:] == inside[:-GRAM])
        # The codes begin with a break, the owners with the first text.
        return {size: _Table(codes, places, owners[places - 1], size) for size, places in found.items()}

    def _matches(self, batch: _Batch) -> Iterator[list[_Match]]:
        """The matches of each row that has some, in the order of the rows."""
        assert self._tables is not None
        found: list[_Match] = []
        for size, table in self._tables.items():
            for match in table.find(batch.codes):
                if size >= SHORTEST or batch.is_whole(match.place, size):
                    found.append(match)
        found.sort()
        for _, matches in groupby(found, key=lambda match: batch.row_at(match.place)):
            yield list(matches)

    def _hits(self, batch: _Batch, matches: list[_Match]) -> list[Hit]:
        """The stretches of one row: each match, the rarest first, is extended as far as both texts agree.

        A common stretch is kept only when the row has no other, and only one of them.
        """
        hits: list[Hit] = []
        waiting = sorted(matches, key=lambda match: (match.texts, -match.size, match.place))
        while waiting and not (hits and waiting[0].texts > COMMON):
            match = waiting[0]
            begin, end, at = match.place, match.place + match.size, match.at
            while batch.list[begin - 1] == self._codes[at - 1] != _BREAK:
                begin, at = begin - 1, at - 1
            at += end - begin
            while batch.list[end] == self._codes[at] != _BREAK:
                end, at = end + 1, at + 1
            waiting = [one for one in waiting if one.place < begin or one.place + one.size > end]
            entry, path = self._origins[bisect_right(self._begins, match.at) - 1]
            row, places, text = batch.stretch(begin, end)
            hits.append(Hit(row, places, text, end - begin, entry, path, match.texts))
        return sorted(hits, key=lambda hit: -hit.tokens)


def texts_of(value: Any) -> list[tuple[str, str]]:
    """The texts of a benchmark's entry with their paths, however deep; instruction and input are one prompt."""
    found: list[tuple[str, str]] = []
    if isinstance(value, dict):
        named = (value.get("instruction"), value.get("input"))
        parts = [part for part in named if isinstance(part, str) and part.strip()]
        if len(parts) == len(named):
            found.append(("instruction", "\n".join(parts)))
            value = {name: part for name, part in value.items() if name not in ("instruction", "input")}
    # A stack of its own: JSON nests deeper than Python calls.
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        path, part = waiting.pop()
        if isinstance(part, str):
            found.append((path, part))
        elif isinstance(part, dict):
            waiting += [(f"{path}.{name}" if path else str(name), one) for name, one in reversed(part.items())]
        elif isinstance(part, list | tuple):
            waiting += reversed([(f"{path}[{number}]", one) for number, one in enumerate(part)])
    return found


class _Match(NamedTuple):
    """A stretch of a batch (place, size) that the benchmark has, at `at`. texts: how many have its rarest part."""

    place: int
    size: int
    at: int
    texts: int


class _Table:
    """Stretches of one length, by a hash of their codes."""

    def __init__(self, codes: _Numbers, places: _Numbers, owners: _Numbers, size: int) -> None:
        """places: where they begin in codes, ascending; owners: the text that each is in."""
        import numpy as np

        self._codes, self._size = codes, size
        for multiplier in _MULTIPLIERS:
            hashes = _hashes(codes, size, multiplier)[places]
            order = hashes.argsort(kind="stable")
            again = np.diff(hashes[order]) == 0
            one, other = places[order][1:][again], places[order][:-1][again]
            # Two stretches with one hash would hide each other: then another multiplier.
            if all((codes[one + step] == codes[other + step]).all() for step in range(size)):
                break
        self._multiplier = multiplier
        first = np.append(True, ~again)
        self._keys, self._places = hashes[order][first], places[order][first]
        differs = np.append(True, np.diff(owners[order]) != 0) | first
        self._texts = np.add.reduceat(differs.astype(np.intp), np.flatnonzero(first))
        bits = int(8 * len(self._keys)).bit_length()
        self._shift = np.uint64(64 - bits)
        # Most stretches of most rows are nowhere in the benchmark, and a look into a small table says so.
        self._maybe = np.zeros(1 << bits, dtype=bool)
        self._maybe[self._keys >> self._shift] = True

    def find(self, codes: _Numbers) -> Iterator[_Match]:
        """Where codes have one of the stretches, ascending."""
        import numpy as np

        if len(codes) < self._size:
            return
        hashes = _hashes(codes, self._size, self._multiplier)
        places = np.flatnonzero(self._maybe[hashes >> self._shift])
        at = np.minimum(np.searchsorted(self._keys, hashes[places]), len(self._keys) - 1)
        same = self._keys[at] == hashes[places]
        places, at = places[same], at[same]
        for step in range(self._size):
            same = codes[places + step] == self._codes[self._places[at] + step]
            places, at = places[same], at[same]
        if not len(places):
            return
        # Stretches that follow each other in both are one longer stretch.
        texts, at = self._texts[at], self._places[at]
        begins = np.flatnonzero(np.append(True, (np.diff(places) != 1) | (np.diff(at) != 1)))
        sizes = np.diff(np.append(begins, len(places))) + self._size - 1
        found = (places[begins], sizes, at[begins], np.minimum.reduceat(texts, begins))
        yield from map(_Match, *(one.tolist() for one in found))


def _hashes(codes: _Numbers, size: int, multiplier: int) -> _Numbers:
    """A hash of every stretch of so many codes: a polynomial modulo 2^64, whose upper bits each code has a part in."""
    import numpy as np

    last = len(codes) - size + 1
    hashes = np.zeros(last, dtype=np.uint64)
    for step in range(size):
        hashes += codes[step : step + last]
        hashes *= np.uint64(multiplier)
    return hashes


class _Batch:
    """Rows as codes, and where each text of them begins. rows: how many they are."""

    def __init__(self, rows: Iterator[tuple[int, Row]], numbers: Mapping[str, int]) -> None:
        """Takes in rows until there are enough."""
        import numpy as np

        self.rows = 0
        self._begins: list[int] = []
        self._texts: list[tuple[int, str, str]] = []
        self._spans: dict[int, list[tuple[int, int]]] = {}
        self.list = [_BREAK]
        for row, value in rows:
            before = ""
            for field, text in texts(value):
                # To the model the input is where the instruction goes on.
                if (before, field) != ("instruction", "input") and self.list[-1] != _BREAK:
                    self.list.append(_BREAK)
                self._begins.append(len(self.list))
                self._texts.append((row, field, text))
                self.list += map(numbers.get, tokenize(text), repeat(_UNKNOWN))
                before = field
            self.list.append(_BREAK)
            self.rows += 1
            if len(self.list) >= _AT_ONCE:
                break
        self.codes = np.array(self.list, dtype=np.uint32)

    def row_at(self, place: int) -> int:
        """The row that has the code at place."""
        return self._texts[self._text_at(place)][0]

    def is_whole(self, place: int, size: int) -> bool:
        """Whether nothing stands before and behind these codes."""
        return self.list[place - 1] == self.list[place + size] == _BREAK

    def stretch(self, begin: int, end: int) -> tuple[int, tuple[Place, ...], str]:
        """The row that has these codes, where they stand in its texts, and what stands there."""
        places: list[Place] = []
        parts: list[str] = []
        number = self._text_at(begin)
        row = self._texts[number][0]
        while number < len(self._begins) and (start := self._begins[number]) < end:
            _, field, text = self._texts[number]
            if number not in self._spans:
                self._spans[number] = spans(text)
            if inside := self._spans[number][max(0, begin - start) : end - start]:
                places.append(Place(field, inside[0][0], inside[-1][1]))
                parts.append(text[inside[0][0] : inside[-1][1]])
            number += 1
        return row, tuple(places), "\n".join(parts)

    def _text_at(self, place: int) -> int:
        return bisect_right(self._begins, place) - 1
