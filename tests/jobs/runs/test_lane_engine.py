"""The engine of generation by itself: what runs at once, what goes on, what pauses, what ends it."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from studio.errors import BudgetError, ModelError, PassingError, ProjectError, RefusedError
from studio.jobs.events import AttemptFailed, Event, Paused
from studio.jobs.runs import lanes
from studio.jobs.runs.control import Control
from studio.jobs.runs.lanes import MOST_FAILURES
from tests.support.projects import drain, watch


class Made(Event, frozen=True):
    """The test's result."""

    number: int


class Numbers:
    """The attempts 0..n-1 once each; what is returned comes again."""

    def __init__(self, n):
        self.left = list(range(n))[::-1]
        self.outcomes = Counter()

    def take(self):
        return self.left.pop() if self.left else None

    def ended(self, attempt, outcome):
        self.outcomes[outcome] += 1
        if outcome == "returned":
            self.left.append(attempt)


class Floor:
    """Work that hands a result over after a moment. broken: errors by attempt, each raised once."""

    def __init__(self, broken=None, seconds=0.0):
        self.broken = dict(broken or {})
        self.seconds = seconds
        self.at_once = self.most = 0
        self.begun = []
        self.lanes = set()

    async def __call__(self, lane, number):
        self.begun.append(number)
        self.lanes.add(lane.number)
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await asyncio.sleep(self.seconds)
            if (error := self.broken.pop(number, None)) is not None:
                raise error
            await lane.turn()
            await lane.hand_over(Made(number))
        finally:
            self.at_once -= 1


def made(events):
    return sorted(event.number for event in events if isinstance(event, Made))


async def tasks_left():
    await asyncio.sleep(0)
    return asyncio.all_tasks() - {asyncio.current_task()}


@pytest.mark.parametrize(("n", "concurrency"), [(0, 3), (1, 3), (20, 1), (20, 7), (5, 64)])
async def test_every_attempt_is_made_once_and_no_more_at_once_than_allowed(n, concurrency):
    numbers, floor = Numbers(n), Floor(seconds=0.001)
    events = await drain(lanes.run(numbers, floor, Control(concurrency=concurrency)))
    assert made(events) == list(range(n)) == sorted(floor.begun)
    assert floor.most == min(n, concurrency)
    assert floor.lanes == set(range(min(n, concurrency)))
    assert numbers.outcomes == Counter({"done": n})
    assert not await tasks_left()


async def test_a_lane_is_refilled_when_its_attempt_ends_and_not_when_all_have():
    async def work(lane, number):
        await asyncio.sleep(0.15 if number == 0 else 0.005)
        await lane.hand_over(Made(number))

    events = await drain(lanes.run(Numbers(12), work, Control(concurrency=2)))
    assert [event.number for event in events] == [*range(1, 12), 0]


async def test_a_result_is_applied_before_its_attempt_ends():
    applied = []
    seen = []

    async def work(lane, number):
        await lane.hand_over(Made(number))
        seen.append((number, number in applied))

    async for event in lanes.run(Numbers(9), work, Control(concurrency=3)):
        await asyncio.sleep(0.001)
        applied.append(event.number)
    assert sorted(seen) == [(number, True) for number in range(9)]


async def test_the_number_of_lanes_changes_while_it_runs():
    floor, control = Floor(seconds=0.002), Control(concurrency=1)
    at_once = []
    async for event in lanes.run(Numbers(60), floor, control):
        at_once.append(floor.at_once)
        if event.number == 10:
            control.concurrency = 8
        if event.number == 40:
            control.concurrency = 2
    assert max(at_once[:10]) == 1
    assert max(at_once[10:45]) == 8
    assert max(at_once[-8:]) <= 2
    assert len(at_once) == 60


@pytest.mark.parametrize("error", [RefusedError("filtered"), PassingError("overloaded")])
async def test_one_attempt_that_fails_leaves_the_others_alone(error):
    numbers = Numbers(8)
    events = await drain(lanes.run(numbers, Floor({3: error}), Control(concurrency=2)))
    assert made(events) == [0, 1, 2, 4, 5, 6, 7]
    (failed,) = [event for event in events if isinstance(event, AttemptFailed)]
    assert failed.message == str(error)
    assert numbers.outcomes == {"done": 7, "refused" if isinstance(error, RefusedError) else "failed": 1}


@pytest.mark.parametrize("error", [ModelError("no credit left"), BudgetError("the budget is used up")])
async def test_what_dooms_all_pauses_an_attended_job_once_and_loses_nothing(error):
    numbers, floor = Numbers(12), Floor(dict.fromkeys(range(4, 8), error), seconds=0.001)
    control = Control(attended=True, concurrency=4)
    events = []
    async for event in lanes.run(numbers, floor, control):
        events.append(event)
        if isinstance(event, Paused):
            assert control.paused
            begun = len(floor.begun)
            await asyncio.sleep(0.01)
            assert len(floor.begun) == begun
            control.resume()
    assert [event for event in events if isinstance(event, Paused)] == [Paused(str(error))]
    assert made(events) == list(range(12))
    assert not any(isinstance(event, AttemptFailed) for event in events)


async def test_what_dooms_all_ends_an_unattended_job_after_what_is_in_flight():
    async def work(lane, number):
        if number == 2:
            raise ModelError("no such model")
        await asyncio.sleep(0.01)
        await lane.hand_over(Made(number))

    events = []
    with pytest.raises(ModelError, match="no such model"):
        await watch(lanes.run(Numbers(50), work, Control(concurrency=4)), events.append)
    assert made(events) == [0, 1, 3]
    assert not await tasks_left()


async def test_a_doomed_job_asks_nothing_more():
    asked = []

    async def work(lane, number):
        if number == 0:
            raise ModelError("no credit left")
        for step in range(3):
            await lane.turn()
            asked.append((number, step))
            await asyncio.sleep(0.01)

    with pytest.raises(ModelError, match="no credit"):
        await drain(lanes.run(Numbers(3), work, Control(concurrency=3)))
    assert asked == [(1, 0), (2, 0)]


async def test_many_failures_on_end_pause_the_job():
    floor = Floor({number: PassingError(f"down ({number})") for number in range(MOST_FAILURES)})
    control = Control(attended=True, concurrency=1)
    events = []
    async for event in lanes.run(Numbers(MOST_FAILURES + 5), floor, control):
        events.append(event)
        control.resume()
    (paused,) = [event for event in events if isinstance(event, Paused)]
    assert f"down ({MOST_FAILURES - 1})" in paused.reason
    assert len(made(events)) == 5


@pytest.mark.parametrize(("first", "pauses"), [(0, 1), (1, 0)])
async def test_many_refusals_on_end_pause_only_before_the_first_answer(first, pauses):
    refused = range(first, first + MOST_FAILURES + 2)
    floor = Floor({number: RefusedError("filtered") for number in refused})
    control = Control(attended=True, concurrency=1)
    events = []
    async for event in lanes.run(Numbers(30), floor, control):
        events.append(event)
        control.resume()
    assert sum(isinstance(event, Paused) for event in events) == pauses
    assert len(made(events)) == 30 - len(refused)


async def test_failures_with_answers_between_them_do_not():
    floor = Floor({number: PassingError("busy") for number in range(90) if number % 3})
    events = await drain(lanes.run(Numbers(90), floor, Control(concurrency=1)))
    assert len(made(events)) == 30
    assert not any(isinstance(event, Paused) for event in events)


async def test_pausing_holds_the_next_request_and_stopping_lets_attempts_end():
    control = Control(concurrency=2, attended=True)
    numbers, floor = Numbers(20), Floor(seconds=0.002)
    control.pause()
    task = asyncio.create_task(drain(lanes.run(numbers, floor, control)))
    await asyncio.sleep(0.02)
    assert not floor.begun
    control.resume()
    await asyncio.sleep(0.005)
    control.stop()
    events = await task
    assert made(events) == sorted(floor.begun)
    assert 0 < len(events) < 20


async def test_stopping_now_drops_what_is_in_flight():
    control = Control(concurrency=3)
    numbers, floor = Numbers(9), Floor(seconds=60)
    task = asyncio.create_task(drain(lanes.run(numbers, floor, control)))
    await asyncio.sleep(0.01)
    control.stop_now()
    assert await task == []
    assert numbers.outcomes == {"returned": 3}
    assert sorted(numbers.left) == list(range(9))
    assert not await tasks_left()


@pytest.mark.parametrize("error", [ProjectError("the disk is full"), KeyError("a fault")])
async def test_any_other_error_ends_the_job(error):
    with pytest.raises(type(error)):
        await drain(lanes.run(Numbers(9), Floor({4: error}, seconds=0.001), Control(concurrency=3)))
    assert not await tasks_left()


async def test_a_consumer_that_leaves_ends_every_lane():
    stream = lanes.run(Numbers(9), Floor(seconds=0.001), Control(concurrency=3))
    assert isinstance(await anext(stream), Made)
    await stream.aclose()
    assert not await tasks_left()
