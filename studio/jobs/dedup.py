"""Near-duplicate search over the store's rows."""

from __future__ import annotations

from collections.abc import Iterator

from studio.alpaca.rows import ROW_TYPES, Kto, Pretrain, RowType, prompt_text
from studio.curate.rouge_duplicates import find_duplicates as find
from studio.jobs.events import Events, PairsFound, Progressed
from studio.store.filters import Filter
from studio.store.reader import Reader
from studio.text.rouge import exact, exceeds, rouge_l
from studio.text.tokens import tokenize

_STEP = 256


def find_duplicates(store: Reader, threshold: float) -> Events:
    """Progressed, then PairsFound: rows whose prompts are closer than threshold (ROUGE-L F).

    Rows are compared within their type, for the same prompt may well serve SFT and preference training, and KTO
    rows within their tag, for a good and a bad answer to one prompt belong together. Where rows have an input,
    both instructions and inputs must be close: one task over many inputs is a set of rows, not of duplicates.
    Rejected rows take no part, and pairs the person wants both of are not reported again.
    """
    apart = store.pairs.settled_apart()
    total = sum(count.n for count in store.rows.counts() if count.status != "rejected")
    pairs: list[tuple[int, int, float]] = []
    done = 0
    for type in ROW_TYPES:
        for group in _groups(store, type):
            for pair in group.search(threshold):
                done += 1
                if pair is not None and pair[:2] not in apart:
                    pairs.append(pair)
                if done % _STEP == 0:
                    yield Progressed(done, total, "rows compared")
    yield PairsFound(pairs)


class _Group:
    """Rows that are compared with each other. With inputs, these are searched and instructions compared on top."""

    def __init__(self, *, inputs: bool) -> None:
        self._inputs = inputs
        self._texts: dict[int, tuple[str, str]] = {}

    def add(self, row: int, instruction: str, input: str) -> None:
        self._texts[row] = (instruction, input)

    def search(self, threshold: float) -> Iterator[tuple[int, int, float] | None]:
        """An answer a row, as curate.duplicates gives it; the score is that of the whole prompts."""
        limit = exact(threshold)
        tokens = {row: tokenize(instruction) for row, (instruction, _) in self._texts.items()} if self._inputs else {}

        def alike(left: int, right: int) -> bool:
            return tokens[left] == tokens[right] or exceeds(tokens[left], tokens[right], limit)

        sought = ((row, input if self._inputs else text) for row, (text, input) in self._texts.items())
        for pair in find(sought, threshold, alike if self._inputs else None):
            if pair is None:
                yield None
            else:
                whole = [tokenize("\n".join(self._texts[row])) for row in (pair.left, pair.right)]
                yield pair.left, pair.right, rouge_l(*whole) if self._inputs else pair.score


def _groups(store: Reader, type: RowType) -> list[_Group]:
    groups: dict[tuple[bool, bool], _Group] = {}
    for stored in store.rows.each(Filter(type=type, statuses=("pending", "accepted"))):
        row = stored.row
        input = "" if isinstance(row, Pretrain) else row.input
        with_input = bool(tokenize(input))
        tag = row.kto_tag if isinstance(row, Kto) else False
        group = groups.setdefault((tag, with_input), _Group(inputs=with_input))
        if with_input and not isinstance(row, Pretrain):
            group.add(stored.id, row.instruction, input)
        elif prompt_text(row).strip():
            group.add(stored.id, prompt_text(row), "")
    return list(groups.values())
