"""Asks an embedding model within the budget and the endpoint's rate, and stores each vector that was paid for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from studio.alpaca.lengths import estimate_tokens
from studio.curate.duplicates.semantic import has_direction, unit
from studio.llm.budget import Budget, due_for
from studio.llm.chat import Usage
from studio.llm.embedding.embeddings import Embedded, EmbeddingModel, OpenAIEmbeddings
from studio.llm.gate import Gate
from studio.llm.limits import Limits
from studio.llm.prices import Price

if TYPE_CHECKING:
    from studio.curate.duplicates.semantic import Halves

SPECIAL_TOKENS = 4
"""Tokens that a model puts around a text, about."""


class VectorStore(Protocol):
    """Where vectors of length one are kept, by the keys of their texts."""

    def keep(self, keys: Sequence[bytes], vectors: Halves) -> None:
        """Keep vectors. They outlive this process when this returns."""

    def sync(self) -> None:
        """Have all that was kept outlive a loss of power too. Called in another thread."""


class Paid(msgspec.Struct, frozen=True):
    """What one request brought and took. kept: texts whose vectors are in the store now. without: keys of texts whose
    vectors have no direction (NaN, or only zeros), and that are not kept.
    """

    kept: int
    without: tuple[bytes, ...]
    usage: Usage
    seconds: float


class Embedder:
    """Asks for vectors within a budget and at an endpoint's pace, and keeps each answer before anybody goes on.

    price: None when it is not known. prefix_tokens: of what the model puts before each text. clock: as in `Gate`.
    Raises UsageError for a cap in USD without a price: it could not be kept.
    """

    def __init__(
        self,
        model: EmbeddingModel,
        limits: Limits,
        budget: Budget,
        price: Price | None,
        store: VectorStore,
        *,
        prefix_tokens: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        budget.must_know(price, model.model)
        self.name = model.name
        self.model = model.model
        self.price = price
        self._inner = model
        self._budget = budget
        self._store = store
        self._gate = Gate(limits, clock=clock)
        self._around = SPECIAL_TOKENS + prefix_tokens
        if isinstance(model, OpenAIEmbeddings):
            model.on_headers = self._gate.heed

    def tokens(self, text: str) -> int:
        """About how many tokens a text takes, with what is put around it."""
        return estimate_tokens(text) + self._around

    async def embed(self, texts: Mapping[bytes, str]) -> Paid:
        """Ask for the vectors of these texts, by key, in one request; they are in the store when this returns.

        Raises BudgetError when a cap is reached, and what the model and the store raise. An answer that has arrived is
        kept, whoever is cancelled.
        """
        keys, sent = list(texts), list(texts.values())
        estimate = Usage(sum(map(self.tokens, sent)))

        def used(answer: Embedded) -> Usage:
            return answer.usage if answer.usage.prompt_tokens else estimate

        answer = await self._budget.spend(
            due_for(estimate, self.price),
            lambda: self._gate.ask(
                estimate.prompt_tokens, lambda: self._inner.embed(sent), lambda answer: used(answer).prompt_tokens
            ),
            lambda answer: due_for(used(answer), self.price),
        )
        # Nothing is awaited between the answer and this.
        good = has_direction(answer.vectors).tolist()
        kept = [key for key, one in zip(keys, good, strict=True) if one]
        if kept:
            self._store.keep(kept, unit(answer.vectors[good]))
            await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, self._store.sync))
        without = tuple(key for key, one in zip(keys, good, strict=True) if not one)
        return Paid(len(kept), without, used(answer), answer.seconds)

    async def close(self) -> None:
        """Close the model."""
        self._gate.close()
        await self._inner.close()
