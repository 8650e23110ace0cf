"""Duplicates by meaning: rows whose vectors of an embeddings endpoint point the same way, and rows exactly alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing, closing
from pathlib import Path

import numpy as np

from studio.curate.duplicates.finding import Texts
from studio.curate.duplicates.join.components import Components
from studio.jobs.duplicates import semantic
from studio.jobs.duplicates.dedup import Asked, pairs_of
from studio.jobs.duplicates.dedup_events import DuplicatesFound
from studio.jobs.duplicates.groups import Group, read_groups
from studio.jobs.duplicates.semantic_events import NeighboursEnded, NeighboursFound
from studio.jobs.events import Event
from studio.jobs.runs.control import Control
from studio.llm.embedding.embedder import Embedder
from studio.settings import EmbeddingsSettings
from studio.store.database import Database
from studio.store.pairs import Found
from studio.store.reader import Reader

_ENOUGH = 32
"""Once this many pairs per row are found on average, only pairs that connect two clusters are kept."""


async def find_duplicates(
    path: Path, asked: Asked, settings: EmbeddingsSettings, embedder: Embedder, control: Control
) -> AsyncGenerator[Event, None]:
    """What `semantic.find_neighbours` says for each group of rows, but its pairs; then DuplicatesFound.

    Vectors that were paid for are in the project whatever happens. Raises what it raises.
    """
    groups = await asyncio.to_thread(_groups, path, asked)
    found = _Pairs(groups)
    indexes = {}
    for group in groups:
        texts = await asyncio.to_thread(Texts, group.whole)
        found.add(pairs_of(group, texts.exact()))
        indexes[group.name] = await asyncio.to_thread(texts.index, group.rows)
        firsts = [(group.rows[place], group.texts[place].whole) for place in texts.firsts]
        async with aclosing(
            semantic.find_neighbours(path, lambda _, rows=firsts: rows, settings, asked.floor, embedder, control)  # type: ignore[misc]
        ) as events:
            async for event in events:
                if isinstance(event, NeighboursFound):
                    found.near(event)
                elif not isinstance(event, NeighboursEnded):
                    yield event
        if control.stopping:
            return
    yield DuplicatesFound(found.pairs, found.partial, found.rows, indexes)


def _groups(path: Path, asked: Asked) -> list[Group]:
    with closing(Database(path, writable=False)) as database:
        reading = read_groups(Reader(database), asked.field, 0)
        while True:
            try:
                next(reading)
            except StopIteration as end:
                groups: list[Group] = end.value
                return groups


class _Pairs:
    """Collects pairs block by block. Once there are too many, only pairs that connect two clusters are kept."""

    def __init__(self, groups: list[Group]) -> None:
        ids = sorted(row for group in groups for row in group.rows)
        self._ids = np.array(ids, np.int64)
        self._components = Components(len(ids))
        self._passed_over = np.zeros(len(ids), bool)
        self.pairs: list[Found] = []

    @property
    def rows(self) -> int:
        return len(self._ids)

    def add(self, found: Iterable[Found]) -> None:
        self.pairs += found

    def near(self, event: NeighboursFound) -> None:
        left, right = np.searchsorted(self._ids, event.left), np.searchsorted(self._ids, event.right)
        score = event.score
        if len(self.pairs) > _ENOUGH * len(self._ids):
            apart = self._components.of(left) != self._components.of(right)
            self._passed_over[left[~apart]] = True
            left, right, score = left[apart], right[apart], score[apart]
        self._components.connect(left, right)
        columns = (self._ids[left].tolist(), self._ids[right].tolist(), score.tolist())
        self.pairs += ((one, other, min(cosine, 1.0), "semantic") for one, other, cosine in zip(*columns, strict=True))

    @property
    def partial(self) -> tuple[int, ...]:
        """The rows of clusters that lack some of their pairs."""
        of = self._components.of(np.arange(len(self._ids)))
        return tuple(self._ids[np.isin(of, of[self._passed_over])].tolist())
