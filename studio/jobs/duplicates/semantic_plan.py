"""What a search for semantic neighbours has to ask: rows by their texts, the texts that have no vector yet, batches."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Collection, Container, Generator, Iterable

from studio.alpaca.lengths import beginning, estimate_tokens
from studio.jobs.events import Progressed
from studio.jobs.runs.lanes import Outcome
from studio.llm.embedding.embedder import SPECIAL_TOKENS
from studio.settings import EmbeddingsSettings
from studio.store.vectors import Space

MOST_TOKENS = 50_000
"""In a request, by estimate. OpenAI takes 300,000 and counts otherwise; what is in flight is what a kill costs."""

_STEP = 2000

Texts = dict[bytes, str]
"""Texts by the keys of their vectors."""


def space_of(settings: EmbeddingsSettings) -> Space:
    """The space that the vectors of these settings are in."""
    return Space(settings.model, settings.dimensions, settings.prefix)


class Corpus:
    """The texts that rows are compared by, each once, with their rows.

    keys and firsts: of each text, that of its vector and its first row, in the order of rows. repeated: the other rows,
    each with the place of its text. missing: texts to ask for, tokens: about what they take. cut, blank: see
    `TextsPlanned`. unreadable: rows whose text cannot be sent, and why.
    """

    def __init__(self, settings: EmbeddingsSettings) -> None:
        self.rows = 0
        self.keys: list[bytes] = []
        self.firsts: array[int] = array("q")
        self.repeated: list[tuple[int, int]] = []
        self.missing: Texts = {}
        self.tokens = 0
        self.cut: list[int] = []
        self.blank = 0
        self.unreadable: dict[int, str] = {}
        self._space = space_of(settings)
        self._around = estimate_tokens(settings.prefix) + SPECIAL_TOKENS
        # At least one token of the text itself, however long the prefix is.
        self._limit = max(1, settings.cutoff - self._around)
        self._places: dict[bytes, int] = {}

    def read(self, rows: Iterable[tuple[int, str]], known: Container[bytes]) -> Generator[Progressed, None, None]:
        """Take rows (id, text). known: the keys of vectors that are there."""
        for row, text in rows:
            self.rows += 1
            self._take(row, text, known)
            if self.rows % _STEP == 0:
                yield Progressed(self.rows, 0, "rows read")

    def rows_of(self, keys: Iterable[bytes]) -> Generator[tuple[int, bytes], None, None]:
        """The rows that have these texts, with the text's key."""
        places = {self._places[key]: key for key in keys}
        for place, key in places.items():
            yield self.firsts[place], key
        for row, place in self.repeated if places else ():
            if place in places:
                yield row, places[place]

    def _take(self, row: int, text: str, known: Container[bytes]) -> None:
        if not text.strip():
            self.blank += 1
            return
        sent = beginning(text, self._limit)
        try:
            key = self._space.key(sent)
        except UnicodeEncodeError:
            self.unreadable[row] = "The text holds half a character, which cannot be sent."
            return
        if len(sent) < len(text):
            self.cut.append(row)
        place = self._places.setdefault(key, len(self.keys))
        if place < len(self.keys):
            self.repeated.append((row, place))
            return
        self.keys.append(key)
        self.firsts.append(row)
        if key not in known:
            self.missing[key] = sent
            self.tokens += estimate_tokens(sent) + self._around


class Batch:
    """Texts that go out together. left: those that have neither a vector nor a refusal yet."""

    def __init__(self, texts: Texts) -> None:
        self.left = texts

    def settle(self, keys: Iterable[bytes]) -> None:
        """Take texts out that now have a vector or a refusal."""
        for key in keys:
            del self.left[key]


class Batches:
    """The batches still to ask for, as `lanes.Attempts`, and what came of those that were.

    most: texts in a request, which may turn out to be too many. answered: texts that have their vectors. refused: those
    that the endpoint makes no vector of, and why; on_end: how many of them since the last answer. failed: those that
    were not answered this time.
    """

    def __init__(self, missing: Texts, most: int, tokens: Callable[[str], int]) -> None:
        self.most = most
        self.answered = 0
        self.on_end = 0
        self.refused: dict[bytes, str] = {}
        self.failed: list[bytes] = []
        self._tokens = tokens
        self._left = deque(missing.items())
        self._returned: deque[Batch] = deque()

    def take(self) -> Batch | None:
        if self._returned:
            return self._returned.popleft()
        texts: Texts = {}
        tokens = 0
        while self._left and len(texts) < self.most:
            key, text = self._left[0]
            tokens += self._tokens(text)
            if texts and tokens > MOST_TOKENS:
                break
            texts[key] = text
            self._left.popleft()
        return Batch(texts) if texts else None

    def answer(self, texts: int) -> None:
        """Count texts that have got their vectors."""
        self.answered += texts
        self.on_end = 0 if texts else self.on_end

    def refuse(self, keys: Collection[bytes], why: str) -> None:
        """Note texts that the endpoint makes no vector of."""
        self.refused |= dict.fromkeys(keys, why)
        self.on_end += len(keys)

    def ended(self, batch: Batch, outcome: Outcome) -> None:
        if outcome == "returned":
            if batch.left:
                self._returned.append(batch)
        elif outcome != "done":
            self.failed += batch.left
