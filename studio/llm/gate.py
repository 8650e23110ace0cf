"""One endpoint's gate: who asks next, and when. What `pool` does for several endpoints with chat, for any question."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, TypeVar

from studio.errors import PassingError
from studio.llm.limits import Limits, Pace, pause
from studio.llm.retry import LONGEST_WAIT

Answer = TypeVar("Answer")

# At doubling holds these are some four minutes of an endpoint that only refuses.
_MOST_REFUSALS = 8


class _Waiter(NamedTuple):
    """A question in the queue. turn: its number in order of arrival."""

    turn: int
    tokens: float
    opened: asyncio.Future[None]


class Gate:
    """Lets questions through within an endpoint's limits; first come, first served.

    A refusal for the rate costs a question nothing but time: it waits where it was in the queue. clock: seconds that
    only go forward, as fast as the event loop's.
    """

    def __init__(self, limits: Limits, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pace = Pace(limits, clock())
        self._queue: list[_Waiter] = []
        self._turns = itertools.count()
        self._alarm: asyncio.TimerHandle | None = None
        self._last_tokens = 0.0

    async def ask(
        self, tokens: float, question: Callable[[], Awaitable[Answer]], used: Callable[[Answer], float]
    ) -> Answer:
        """The answer to a question of about so many tokens. used: how many an answer tells that it took.

        Raises what the question raises; a PassingError for the rate only when it has come eight times, or asks for more
        than ten minutes.
        """
        turn, refusals = next(self._turns), 0
        while True:
            await self._wait(turn, tokens)
            left, taken = self._clock(), 0.0
            try:
                answer = await question()
                taken = used(answer)
                self._pace.answered(left)
                return answer
            except PassingError as error:
                if not error.limited:
                    if error.retry_after:
                        self._pace.hold(self._clock() + min(LONGEST_WAIT, error.retry_after))
                    raise
                self._pace.limited(left, self._clock(), error.retry_after)
                refusals += 1
                if refusals >= _MOST_REFUSALS or (error.retry_after or 0) > LONGEST_WAIT:
                    raise
            finally:
                self._pace.land(tokens, taken)
                self._open()

    def heed(self, headers: Mapping[str, str]) -> None:
        """Adapt to the rest of the rate that the headers of an answer tell."""
        if wait := pause(headers, self._last_tokens):
            self._pace.hold(self._clock() + wait)

    def close(self) -> None:
        """Close the gate: no question passes any more."""
        if self._alarm is not None:
            self._alarm.cancel()

    async def _wait(self, turn: int, tokens: float) -> None:
        waiter = _Waiter(turn, tokens, asyncio.get_running_loop().create_future())
        heapq.heappush(self._queue, waiter)
        self._open()
        try:
            await waiter.opened
        except asyncio.CancelledError:
            if waiter.opened.done() and not waiter.opened.cancelled():
                self._pace.land(tokens, 0)
            self._open()
            raise

    def _open(self) -> None:
        """Let the waiting questions through in order while the limits allow it; call again when the next may pass."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        while self._queue:
            waiter = self._queue[0]
            if not waiter.opened.done():
                now = self._clock()
                wait = self._pace.wait(waiter.tokens, now)
                if wait > 0:
                    if wait < math.inf:
                        self._alarm = asyncio.get_running_loop().call_later(wait, self._open)
                    return
                self._pace.leave(waiter.tokens, now)
                self._last_tokens = waiter.tokens
                waiter.opened.set_result(None)
            heapq.heappop(self._queue)
