"""Hard caps on what a run may cost."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from studio.errors import BudgetError, PassingError, UsageError
from studio.llm.chat import ChatModel, OnText, Reply, Request, Usage
from studio.llm.limits import Guess, used
from studio.llm.prices import Price, cost
from studio.settings import BudgetSettings

Answer = TypeVar("Answer")


class Spent(msgspec.Struct, frozen=True):
    """What a run has cost so far. minutes: since the first request. usd is None once a price was not known."""

    requests: int
    tokens: int
    usd: float | None
    minutes: float


class Due(msgspec.Struct, frozen=True):
    """What one request costs, or is expected to."""

    tokens: int
    usd: float | None


class Budget:
    """Tells by what is spent and under way whether the caps allow another request. For one run and one event loop.

    A request is let go when what is spent and what is expected of those under way leave room under every cap; as long
    as these may still turn out cheaper, it waits for them. So a cap is passed by no more than the last request, and
    what the answers in flight cost above what was expected. An answer that was perhaps charged for, but did not arrive,
    counts as expected.
    """

    def __init__(self, caps: BudgetSettings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.caps = caps
        self._clock = clock
        self._began: float | None = None
        self._requests = 0
        self._tokens = 0
        self._usd: float | None = 0.0
        self._under_way = 0
        self._expected_tokens = 0
        self._expected_usd = 0.0
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def spent(self) -> Spent:
        """What the run has cost so far."""
        return Spent(self._requests, self._tokens, self._usd, self._minutes())

    def ended(self) -> str | None:
        """Which cap is reached, in words; None while there is room."""
        caps = self.caps
        if caps.usd and (self._usd or 0.0) >= caps.usd:
            return f"{_dollars(caps.usd)} are spent"
        if caps.tokens and self._tokens >= caps.tokens:
            return f"{caps.tokens:,} tokens are used"
        if caps.requests and self._requests >= caps.requests:
            return f"{caps.requests:,} requests are made"
        if caps.minutes and self._minutes() >= caps.minutes:
            return f"{caps.minutes:g} minutes are over"
        return None

    def must_know(self, price: Price | None, model: str) -> None:
        """Raise UsageError when there is a cap in USD and no price of the model: it could not be kept."""
        if self.caps.usd and price is None:
            raise UsageError(
                f"The price of {model} is not known, so the cap of {_dollars(self.caps.usd)} cannot be kept.",
                hint=f'Add [prices."{model}"] to studio.toml, or cap tokens instead.',
            )

    def may_ask(self) -> bool:
        """Whether a request may leave now, those under way counted as expected."""
        caps = self.caps
        if self.ended() is not None:
            return False
        if not self._under_way:
            return True
        usd_left = caps.usd - (self._usd or 0.0) - self._expected_usd if caps.usd else math.inf
        tokens_left = caps.tokens - self._tokens - self._expected_tokens if caps.tokens else math.inf
        return usd_left > 0 and tokens_left > 0

    async def leave(self, due: Due) -> None:
        """Count a request that leaves, once it may. Raises BudgetError when a cap is reached."""
        while not self.may_ask():
            if (cap := self.ended()) is not None:
                raise BudgetError(
                    f"The budget is used up: {cap}.", hint="Raise it in [budget] and start again to go on."
                )
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        if self._began is None:
            self._began = self._clock()
        self._requests += 1
        self._under_way += 1
        self._expected_tokens += due.tokens
        self._expected_usd += due.usd or 0.0

    async def spend(self, due: Due, ask: Callable[[], Awaitable[Answer]], paid: Callable[[Answer], Due]) -> Answer:
        """Call ask once the caps allow it, count its cost and return its answer. paid: gives what an answer has cost.

        Raises BudgetError when a cap is reached, and what ask raises.
        """
        await self.leave(due)
        counted = Due(0, 0.0)
        try:
            answer = await ask()
            counted = paid(answer)
            return answer
        except PassingError as error:
            if error.paid:
                counted = due
            raise
        except asyncio.CancelledError:
            counted = due
            raise
        finally:
            self.land(due, counted)

    def land(self, due: Due, paid: Due) -> None:
        """Count what a request has cost in place of what it was expected to (due); wake the waiting requests."""
        self._under_way -= 1
        self._expected_tokens -= due.tokens
        self._expected_usd -= due.usd or 0.0
        self._tokens += paid.tokens
        self._usd = None if self._usd is None or paid.usd is None else self._usd + paid.usd
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            if not turn.done():
                turn.set_result(None)

    def _minutes(self) -> float:
        return 0.0 if self._began is None else (self._clock() - self._began) / 60


class Budgeted:
    """A chat model that asks within a budget and counts what it costs. price: None when it is not known.

    Raises UsageError for a cap in USD without a price: it could not be kept.
    """

    def __init__(self, inner: ChatModel, budget: Budget, price: Price | None) -> None:
        budget.must_know(price, inner.model)
        self.name = inner.name
        self.model = inner.model
        self._inner = inner
        self._budget = budget
        self._price = price
        self._guess = Guess()

    async def reply(self, request: Request, on_text: OnText | None = None) -> Reply:
        """The inner model's answer. Raises BudgetError when a cap is reached, and what the inner model raises."""
        return await self._budget.spend(
            self._due(self._guess.tokens(request)),
            lambda: self._inner.reply(request, on_text),
            lambda reply: self._paid(request, reply),
        )

    async def close(self) -> None:
        """Close the inner model."""
        await self._inner.close()

    def _paid(self, request: Request, reply: Reply) -> Due:
        usage = used(request, reply)
        self._guess.learn(usage)
        return self._due(usage)

    def _due(self, usage: Usage) -> Due:
        return due_for(usage, self._price)


def due_for(usage: Usage, price: Price | None) -> Due:
    """What so many tokens cost. price: None when it is not known."""
    return Due(usage.prompt_tokens + usage.completion_tokens, None if price is None else cost(price, usage))


def _dollars(amount: float) -> str:
    return f"${amount:,.2f}" if amount >= 0.01 else f"${amount:g}"
