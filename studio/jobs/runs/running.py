"""Running a method: its attempts in lanes, each result kept before it is told."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from studio.jobs.events import Event
from studio.jobs.runs import lanes
from studio.jobs.runs.asking import attempt
from studio.jobs.runs.control import Control
from studio.jobs.runs.course import Course, Heard
from studio.jobs.runs.keeper import Keeper
from studio.jobs.runs.lanes import Lane, Outcome
from studio.jobs.runs.plan import Plan, Reading
from studio.methods.asking import Task


class _Came(Event, frozen=True):
    """A result is to be kept now."""

    lane: int
    heard: Heard


async def run(plan: Plan, course: Course, keeper: Keeper, control: Control) -> AsyncGenerator[Event, None]:
    """Planned, then LaneStarted, LaneText, Retried, Ended, AttemptFailed and Paused until the plan is done.

    Raises what `lanes.run` raises; what was answered by then is kept. Ends early when a person undoes what it changes.
    """
    yield plan.planned

    async def work(lane: Lane, task: Task | Reading) -> None:
        if isinstance(task, Task):
            heard = await attempt(lane, task, course)
            if not task.turn:
                await lane.hand_over(_Came(lane.number, heard))
                return
            plan.hold(heard)
        if plan.reading:
            # Whoever reads goes on with this one when its turn comes.
            return
        plan.reading = True
        try:
            while (heard_next := plan.in_turn()) is not None:
                await lane.hand_over(_Came(lane.number, heard_next))
        finally:
            plan.reading = False

    attempts: lanes.Attempts[Task | Reading] = plan
    async with aclosing(lanes.run(attempts, work, control)) as events:
        async for event in events:
            if isinstance(event, _Came):
                ended = keeper.keep(event.lane, event.heard)
                if ended is None:
                    return
                plan.kept(event.heard.task, left=ended.result.left)
                yield ended
            else:
                yield event


async def run_these(
    tasks: list[Task], course: Course, keep: Callable[[int, Heard], Event | None], control: Control
) -> AsyncGenerator[Event, None]:
    """The events of these tasks and no others, without a plan. keep: makes an event of what a lane's attempt came to,
    as `Keeper.keep` does.
    """

    async def work(lane: Lane, task: Task) -> None:
        await lane.hand_over(_Came(lane.number, await attempt(lane, task, course)))

    async with aclosing(lanes.run(_Only(tasks), work, control)) as events:
        async for event in events:
            told = keep(event.lane, event.heard) if isinstance(event, _Came) else event
            if told is None:
                return
            yield told


class _Only:
    """Tasks at hand, as lanes.Attempts."""

    def __init__(self, tasks: list[Task]) -> None:
        self._left = tasks[::-1]

    def take(self) -> Task | None:
        return self._left.pop() if self._left else None

    def ended(self, attempt: Task, outcome: Outcome) -> None:
        if outcome == "returned":
            self._left.append(attempt)
