"""One model behind one endpoint or several: who is asked next, and when."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import time
from collections.abc import Callable, Mapping, Sequence

import msgspec

from studio.errors import ModelError, PassingError, RefusedError
from studio.llm.chat import ChatModel, OnText, Reply, Request
from studio.llm.limits import Guess, Limits, Pace, pause, used
from studio.llm.openai_chat import OpenAIChat
from studio.llm.retry import LONGEST_WAIT

_FIRST_REST = 5.0
_LONGEST_REST = 300.0
# At doubling holds these are some four minutes of an endpoint that only refuses.
_MOST_REFUSALS = 8


class State(msgspec.Struct, frozen=True):
    """One endpoint of a pool at this moment.

    window: requests it is trusted with at once. held and resting: seconds until it is asked again, because it limits
    the rate, because it broke. limited: how often it refused for the rate. trouble: why it last broke, "" once it
    answers again.
    """

    name: str
    in_flight: int
    window: int
    held: float
    resting: float
    limited: int
    trouble: str


class _Place:
    """An endpoint, and how it is doing. tokens: about what its last request takes."""

    def __init__(self, model: ChatModel, limits: Limits, clock: Callable[[], float]) -> None:
        self.model = model
        self.pace = Pace(limits, clock())
        self.rests_until = -math.inf
        self.limited = 0
        self.trouble = ""
        self.has_answered = False
        self._breaks = 0
        self._clock = clock
        self.tokens = 0.0
        if isinstance(model, OpenAIChat):
            model.on_headers = self._heed

    def works(self) -> None:
        self.has_answered = True
        self.trouble = ""
        self._breaks = 0

    def breaks(self, why: str) -> None:
        self.trouble = why
        self.rests_until = self._clock() + min(_LONGEST_REST, _FIRST_REST * 2.0**self._breaks)
        self._breaks = min(16, self._breaks + 1)

    def _heed(self, headers: Mapping[str, str]) -> None:
        if wait := pause(headers, self.tokens):
            self.pace.hold(self._clock() + wait)


class _Waiter:
    """A request in the queue. turn: its number in order of arrival. tried: endpoints that failed it."""

    def __init__(self, turn: int, tokens: float, tried: list[_Place]) -> None:
        self.turn = turn
        self.tokens = tokens
        self.tried = tried
        self.place: asyncio.Future[_Place] = asyncio.get_running_loop().create_future()

    def __lt__(self, other: _Waiter) -> bool:
        return self.turn < other.turn


class Pool:
    """A chat model that asks the least loaded of its endpoints, each within its limits; first come, first served.

    A refusal for the rate costs a request nothing but time: it goes to another endpoint, or waits where it was in the
    queue. An endpoint that breaks rests (5 s, doubling up to 300 s) while others are left, and the request goes to one
    of these at once; after text that was already heard the failure is raised instead, so that nobody hears two answers
    in one. With all endpoints resting, all are asked. clock: seconds that only go forward, as fast as the event loop's.
    """

    def __init__(
        self, models: Sequence[ChatModel], limits: Limits, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = models[0].name
        self.model = models[0].model
        self._clock = clock
        self._places = [_Place(model, limits, clock) for model in models]
        self._queue: list[_Waiter] = []
        self._turns = itertools.count()
        self._alarm: asyncio.TimerHandle | None = None
        self._guess = Guess()

    @property
    def models(self) -> tuple[ChatModel, ...]:
        """The model at each endpoint."""
        return tuple(place.model for place in self._places)

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return sum(not waiter.place.done() for waiter in self._queue)

    def state(self) -> tuple[State, ...]:
        """How each endpoint is doing."""
        now = self._clock()
        return tuple(
            State(
                place.model.name,
                place.pace.in_flight,
                int(place.pace.window),
                max(0.0, place.pace.held_until - now),
                max(0.0, place.rests_until - now),
                place.limited,
                place.trouble,
            )
            for place in self._places
        )

    def change(self, limits: Limits) -> None:
        """Go by other limits from the next request on."""
        for place in self._places:
            if place.pace.limits != limits:
                place.pace.change(limits, self._clock())
        self._dispatch()

    async def reply(self, request: Request, on_text: OnText | None = None) -> Reply:
        """The answer of the endpoint that had room first.

        Raises what the endpoints raise: PassingError once each that is left has broken, or refused for the rate eight
        times or for longer than ten minutes; RefusedError at once; ModelError at once, unless it comes from one
        endpoint of several that has answered before.
        """
        guess = self._guess.tokens(request)
        tokens = guess.prompt_tokens + guess.completion_tokens
        turn, refusals = next(self._turns), 0
        tried: list[_Place] = []
        while True:
            spoke = False

            def hear(text: str) -> None:
                nonlocal spoke
                spoke = True
                assert on_text is not None
                on_text(text)

            place = await self._seat(_Waiter(turn, tokens, tried))
            left, taken = self._clock(), 0
            try:
                reply = await place.model.reply(request, hear if on_text is not None else None)
                usage = used(request, reply)
                taken = usage.prompt_tokens + usage.completion_tokens
                place.works()
                place.pace.answered(left)
                self._guess.learn(usage)
                return reply
            except RefusedError:
                place.works()
                raise
            except PassingError as error:
                if error.limited:
                    place.limited += 1
                    place.pace.limited(left, self._clock(), error.retry_after)
                    refusals += 1
                    if refusals >= _MOST_REFUSALS or (error.retry_after or 0) > LONGEST_WAIT:
                        raise
                    continue
                if error.retry_after:
                    place.pace.hold(self._clock() + min(LONGEST_WAIT, error.retry_after))
                if not self._elsewhere(place, tried, error) or spoke:
                    raise
            except ModelError as error:
                if not place.has_answered or not self._elsewhere(place, tried, error):
                    raise
            finally:
                place.pace.land(tokens, taken)
                self._dispatch()

    async def close(self) -> None:
        """Close every endpoint."""
        if self._alarm is not None:
            self._alarm.cancel()
        for place in self._places:
            await place.model.close()

    def _elsewhere(self, place: _Place, tried: list[_Place], error: ModelError) -> bool:
        """Let a broken endpoint rest; returns whether another one is left to try."""
        if len(self._places) > 1:
            place.breaks(error.message)
        tried.append(place)
        return len(tried) < len(self._places)

    async def _seat(self, waiter: _Waiter) -> _Place:
        """Wait until an endpoint has room for the request; returns that endpoint."""
        heapq.heappush(self._queue, waiter)
        self._dispatch()
        try:
            return await waiter.place
        except asyncio.CancelledError:
            if waiter.place.done() and not waiter.place.cancelled():
                waiter.place.result().pace.land(waiter.tokens, 0)
            self._dispatch()
            raise

    def _dispatch(self) -> None:
        """Give endpoints with room to the waiting requests, in order; call again when the next may have room."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        while self._queue:
            waiter = self._queue[0]
            if not waiter.place.done():
                now = self._clock()
                place, wait = self._best(waiter, now)
                if place is None:
                    if wait < math.inf:
                        self._alarm = asyncio.get_running_loop().call_later(wait, self._dispatch)
                    return
                place.pace.leave(waiter.tokens, now)
                place.tokens = waiter.tokens
                waiter.place.set_result(place)
            heapq.heappop(self._queue)

    def _best(self, waiter: _Waiter, now: float) -> tuple[_Place | None, float]:
        """The least loaded endpoint with room, else how long until there may be one."""
        left = [place for place in self._places if place not in waiter.tried]
        awake = [place for place in left if place.rests_until <= now] or left
        best, soonest = None, math.inf
        for place in left:
            wait = place.pace.wait(waiter.tokens, now)
            if place not in awake:
                wait = max(wait, place.rests_until - now)
            soonest = min(soonest, wait)
            if wait <= 0 and (best is None or _load(place) < _load(best)):
                best = place
        return best, soonest


def _load(place: _Place) -> float:
    return place.pace.in_flight / place.pace.window
