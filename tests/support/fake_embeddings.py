"""A scripted embedding model in this process: no network, no waiting unless told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import numpy as np

from studio.llm.chat import Usage
from studio.llm.embedding.embeddings import Embedded
from tests.support.vectors import vector

Scripted = Callable[[list[str]], "Embedded | Exception | None"]
"""From texts to an answer, the error to raise, or None for what the loopback server would say."""


def answer_to(texts: Sequence[str], tokens: int | None = None) -> Embedded:
    """What the loopback server would say. tokens: as the endpoint counts them; words where it is not given."""
    rows = np.array([vector(text) for text in texts])
    return Embedded(rows, Usage(sum(len(text.split()) for text in texts) if tokens is None else tokens), "fake", 0.5)


class FakeEmbeddings:
    """An EmbeddingModel that remembers what it was asked. delay: seconds before each answer. closed: how often."""

    def __init__(self, script: Scripted = lambda texts: None, *, delay: float = 0.0, name: str = "fake") -> None:
        self.name = name
        self.model = name
        self.asked: list[list[str]] = []
        self.answered: list[list[str]] = []
        self.closed = 0
        self.most_at_once = 0
        self._at_once = 0
        self._script = script
        self._delay = delay

    async def embed(self, texts: Sequence[str]) -> Embedded:
        self.asked.append(list(texts))
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await asyncio.sleep(self._delay)
        finally:
            self._at_once -= 1
        said = self._script(list(texts))
        if isinstance(said, Exception):
            raise said
        self.answered.append(list(texts))
        return said or answer_to(texts)

    async def close(self) -> None:
        self.closed += 1
