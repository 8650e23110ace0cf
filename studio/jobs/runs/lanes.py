"""Lanes: attempts at requests to chat models, so many at once, refilled as they end. The engine of generation.

What an attempt does is its job's business (Evol-Instruct, Self-Instruct): it gets a Lane to ask models through
and to hand its results over. A result counts once the consumer of the events has applied it: handing over waits
until the event's yield was resumed, so a successor that asks the store finds it there.

What goes wrong is sorted here. One request refused, or tries exhausted: AttemptFailed, and the others go on. What
dooms every request (a bad key, no credit, a cap of the budget), and many failures on end: the attempts concerned go
back to be taken again, and the job pauses (Paused) or, when nobody is there to resume, ends with that error.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, Generic, Literal, Protocol, TypeVar

from studio.errors import BudgetError, ModelError, PassingError, RefusedError, StudioError
from studio.jobs.events import AttemptFailed, Event, LaneText, Paused, Retried
from studio.jobs.runs.control import Control
from studio.llm.chat import ChatModel, Reply, Request, Usage
from studio.llm.retry import with_retries

MOST_FAILURES = 10
"""Attempts that may fail on end, none succeeding between them, before the job pauses. Refused ones count only before
the first success: an endpoint that has answered means the request it refuses, and there may be many of that kind.
"""

Outcome = Literal["done", "refused", "failed", "returned"]
"""How an attempt ended: done; refused: its request will never be answered; failed: it was not answered this time;
returned: it did not come to an end, and is to be taken again.
"""

A = TypeVar("A")


class Attempts(Protocol[A]):
    """Where attempts come from."""

    def take(self) -> A | None:
        """The next attempt that may begin now, None when there is none at the moment.

        It is asked again whenever an attempt has ended; the job is over when nothing is in flight either.
        """

    def ended(self, attempt: A, outcome: Outcome) -> None:
        """An attempt that was taken is over."""


class Lane:
    """One attempt's hold on a lane: its requests, what they cost, what it says.

    number: of the lane, from 0. keys: of the replies it rests on. usage and seconds: of all its requests together;
    replayed: none of them was paid for now. say: adds an event.
    """

    def __init__(self, number: int, engine: _Engine[Any]) -> None:
        self.number = number
        self.keys: list[str] = []
        self.usage = Usage()
        self.seconds = 0.0
        self.replayed = True
        self.say: Callable[[Event], None] = engine.hear
        self._engine = engine

    async def turn(self) -> None:
        """Wait while the job is paused. Raises what has doomed it meanwhile: nothing more is asked then."""
        await self._engine.turn()

    async def hand_over(self, event: Event) -> None:
        """Say a result, and wait until it has been applied."""
        await self._engine.hand_over(event)

    async def ask(
        self, model: ChatModel, request: Request, started: Event, *, key: str = "", streams: bool = True
    ) -> Reply:
        """The model's answer, tried again where that may help. started is said as the request sets out.

        key: of the request in the ledger, where it is known already. streams: its text may be shown as it comes.

        Raises ModelError and BudgetError, for the engine to sort.
        """
        await self.turn()
        self.say(started)

        def on_retry(_tries: int, seconds: float, error: PassingError) -> None:
            self.say(Retried(self.number, str(error), seconds))

        def on_text(text: str) -> None:
            self.say(LaneText(self.number, text))

        key = key or request.key()
        reply = await with_retries(
            lambda: model.reply(request, on_text if streams and self._engine.streaming else None),
            rng=random.Random(key),
            on_retry=on_retry,
        )
        self.keys.append(key)
        self.usage = Usage(
            self.usage.prompt_tokens + reply.usage.prompt_tokens,
            self.usage.completion_tokens + reply.usage.completion_tokens,
        )
        self.seconds += reply.seconds
        self.replayed = self.replayed and reply.replayed
        return reply


Work = Callable[[Lane, A], Coroutine[Any, Any, None]]
"""What is done with an attempt."""


async def run(attempts: Attempts[A], work: Work[A], control: Control) -> AsyncGenerator[Event, None]:
    """Every event of the attempts until none is left or the control ends it.

    Raises the error that doomed the job when nobody attends it, and every error that is none of a model's.
    """
    engine = _Engine(attempts, work, control)
    control.tell(engine.hear)
    try:
        async for event, applied in engine.said():
            yield event
            if applied is not None and not applied.done():
                applied.set_result(None)
    finally:
        control.tell(None)
        await engine.close()


_Said = tuple[Event, asyncio.Future[None] | None]


class _Engine(Generic[A]):
    def __init__(self, attempts: Attempts[A], work: Work[A], control: Control) -> None:
        self._attempts, self._work, self._control = attempts, work, control
        # What was said, the number of a lane whose attempt is over, or None: a knob was turned.
        self._heard: asyncio.Queue[_Said | int | None] = asyncio.Queue()
        self._active: dict[int, tuple[asyncio.Task[None], A]] = {}
        self._free: list[int] = []
        self._failures = 0
        self._succeeded = False
        self._paused_for = ""
        self._doom: StudioError | None = None

    # -- for the lanes ---------------------------------------------------------------------------

    @property
    def streaming(self) -> bool:
        return self._control.streaming

    def hear(self, event: Event | None) -> None:
        self._heard.put_nowait(None if event is None else (event, None))

    async def turn(self) -> None:
        await self._control.going()
        if self._doom is not None:
            raise self._doom

    async def hand_over(self, event: Event) -> None:
        applied: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._heard.put_nowait((event, applied))
        await applied
        self._failures, self._succeeded = 0, True

    # -- for run ---------------------------------------------------------------------------------

    async def said(self) -> AsyncGenerator[_Said, None]:
        while True:
            self._fill()
            if not self._active and self._heard.empty() and not self._may_resume():
                break
            heard = await self._heard.get()
            if isinstance(heard, tuple):
                yield heard
            elif heard is not None:
                self._end(heard)
            elif self._control.ending == "now":
                self._cancel()
        if self._doom is not None:
            raise self._doom

    async def close(self) -> None:
        self._cancel()
        await asyncio.gather(*(task for task, _ in self._active.values()), return_exceptions=True)

    def _cancel(self) -> None:
        for task, _ in self._active.values():
            task.cancel()

    def _may_resume(self) -> bool:
        return self._control.paused and not self._control.stopping

    def _fill(self) -> None:
        control = self._control
        while len(self._active) < control.concurrency and not (control.stopping or control.paused or self._doom):
            attempt = self._attempts.take()
            if attempt is None:
                return
            number = heapq.heappop(self._free) if self._free else len(self._active)
            task = asyncio.create_task(self._work(Lane(number, self), attempt))
            self._active[number] = (task, attempt)
            task.add_done_callback(lambda _, number=number: self._heard.put_nowait(number))  # type: ignore[misc]

    def _end(self, number: int) -> None:
        task, attempt = self._active.pop(number)
        heapq.heappush(self._free, number)
        error = None if task.cancelled() else task.exception()
        outcome: Outcome = "returned"
        match error:
            case None:
                outcome = "returned" if task.cancelled() else "done"
            case PassingError() | RefusedError():
                outcome = "refused" if isinstance(error, RefusedError) else "failed"
                self.hear(AttemptFailed(number, str(error)))
                if not (self._succeeded and isinstance(error, RefusedError)):
                    self._count_failure(str(error))
            case ModelError() | BudgetError():
                self._pause_or_end(error)
            case _:
                raise error
        self._attempts.ended(attempt, outcome)

    def _count_failure(self, message: str) -> None:
        self._failures += 1
        if self._failures >= MOST_FAILURES:
            self._failures = 0
            self._pause_or_end(ModelError(f"{MOST_FAILURES} attempts failed on end, the last one so: {message}"))

    def _pause_or_end(self, error: StudioError) -> None:
        if not self._control.attended:
            self._doom = self._doom or error
        elif not self._control.paused or self._paused_for != str(error):
            self._paused_for = str(error)
            self._control.pause()
            self.hear(Paused(str(error)))
