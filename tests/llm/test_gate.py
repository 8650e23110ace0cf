"""The gate before one endpoint, on a clock that jumps."""

from __future__ import annotations

import asyncio

import pytest

from studio.errors import ModelError, PassingError
from studio.llm.gate import Gate
from studio.llm.limits import Limits
from tests.support.virtual_time import run


def now() -> float:
    return asyncio.get_running_loop().time()


def limited(retry_after: float | None = None) -> PassingError:
    return PassingError("slow down", limited=True, retry_after=retry_after)


class Endpoint:
    """Answers each question after delay seconds, or raises the next of these errors. moments: when it was asked."""

    def __init__(self, *errors: Exception, always: Exception | None = None, delay: float = 1.0) -> None:
        self.errors, self.always, self.delay = list(errors), always, delay
        self.asked: list[int] = []
        self.moments: list[float] = []

    async def answer(self, number: int) -> int:
        self.asked.append(number)
        self.moments.append(now())
        await asyncio.sleep(self.delay)
        if error := self.errors.pop(0) if self.errors else self.always:
            raise error
        return number


def gate(concurrency: int = 64, rpm: int = 0, tpm: int = 0) -> Gate:
    return Gate(Limits(concurrency, rpm, tpm), clock=now)


def together(gate: Gate, endpoint: Endpoint, number: int, *, tokens: float = 10.0, used: float = 10.0):
    asking = (gate.ask(tokens, lambda n=n: endpoint.answer(n), lambda _: used) for n in range(number))
    return asyncio.gather(*asking, return_exceptions=True)


def test_no_more_than_the_limit_are_under_way_and_each_leaves_as_soon_as_there_is_room():
    async def go():
        endpoint = Endpoint()
        assert await together(gate(4), endpoint, 12) == list(range(12))
        assert endpoint.moments == [0.0] * 4 + [1.0] * 4 + [2.0] * 4
        assert endpoint.asked == list(range(12)), "first come, first served"

    run(go())


def test_requests_a_minute_are_kept_to():
    async def go():
        endpoint = Endpoint(delay=0.0)
        await together(gate(rpm=60), endpoint, 61)
        assert endpoint.moments == pytest.approx([float(second) for second in range(61)])

    run(go())


def test_tokens_a_minute_are_estimated_before_and_put_right_afterwards():
    async def go():
        endpoint, door = Endpoint(delay=0.0), gate(1, tpm=1200)
        for number in range(100):
            await door.ask(100, lambda n=number: endpoint.answer(n), lambda _: 20.0)
        assert now() == pytest.approx(100 * 20 / (1200 / 60), rel=0.1)

    run(go())


def test_a_storm_holds_everybody_and_costs_nobody_an_answer():
    async def go():
        endpoint = Endpoint(*(limited(7.0) for _ in range(8)))
        assert await together(gate(8), endpoint, 16) == list(range(16))
        assert endpoint.moments[:8] == [0.0] * 8
        assert endpoint.moments[8:12] == [8.0] * 4, "at half the concurrency, after the seven seconds"
        assert endpoint.asked[8:12] == [0, 1, 2, 3], "in the old order"

    run(go())


def test_an_endpoint_that_only_limits_is_given_up_after_eight_tries():
    async def go():
        endpoint = Endpoint(always=limited(), delay=0.0)
        (outcome,) = await together(gate(), endpoint, 1)
        assert str(outcome) == "slow down"
        assert endpoint.moments == [0, 1, 3, 7, 15, 31, 63, 123]

    run(go())


def test_a_retry_after_of_a_day_is_told_at_once():
    async def go():
        endpoint = Endpoint(limited(86_400.0))
        (outcome,) = await together(gate(), endpoint, 1)
        assert isinstance(outcome, PassingError)
        assert len(endpoint.asked) == 1

    run(go())


@pytest.mark.parametrize(
    "error", [PassingError("it broke"), ModelError("no such model"), PassingError("x", retry_after=9)]
)
def test_other_failures_are_the_questions_own_and_leave_room_for_the_next(error):
    async def go():
        endpoint = Endpoint(error)
        assert await together(gate(1), endpoint, 2) == [error, 1]
        assert endpoint.moments[1] == (10.0 if getattr(error, "retry_after", None) else 1.0)

    run(go())


def test_who_is_cancelled_leaves_its_place_to_the_next():
    async def go():
        endpoint, door = Endpoint(delay=10.0), gate(1)
        asking = [asyncio.create_task(door.ask(1, lambda n=n: endpoint.answer(n), lambda _: 1.0)) for n in range(3)]
        await asyncio.sleep(1)
        asking[1].cancel()
        asking[0].cancel()
        await asyncio.wait(asking[:2])
        assert await asking[2] == 2
        assert now() == 11.0
        # One that is cancelled at the very moment it is let through.
        first, second = (asyncio.create_task(door.ask(1, lambda: endpoint.answer(7), lambda _: 1.0)) for _ in range(2))
        await asyncio.sleep(0)
        first.add_done_callback(lambda _: second.cancel())
        await asyncio.wait([first, second])
        assert await door.ask(1, lambda: endpoint.answer(8), lambda _: 1.0) == 8

    run(go())


def test_headers_that_tell_of_a_used_up_rate_hold_the_next():
    async def go():
        endpoint, door = Endpoint(delay=0.0), gate()
        await together(door, endpoint, 1)
        door.heed({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "30s"})
        await together(door, endpoint, 1)
        assert endpoint.moments == [0.0, 30.0]

    run(go())


def test_a_closed_gate_leaves_no_alarm_behind():
    async def go():
        door = gate(rpm=1)
        asking = [asyncio.create_task(door.ask(1, lambda: asyncio.sleep(0), lambda _: 1.0)) for _ in range(2)]
        await asyncio.sleep(1)
        door.close()
        asking[1].cancel()
        await asyncio.wait(asking)
        assert now() < 2

    run(go())
