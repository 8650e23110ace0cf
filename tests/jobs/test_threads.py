from __future__ import annotations

import asyncio
import threading
import time

import pytest

from studio.jobs.threads import in_thread
from tests.support.projects import watch


async def test_steps_run_in_other_threads_and_in_order():
    def steps():
        for number in range(5):
            yield number, threading.current_thread() is threading.main_thread()

    assert [step async for step in in_thread(steps())] == [(number, False) for number in range(5)]


async def test_an_error_of_a_step_reaches_the_consumer():
    def steps():
        yield 1
        raise ValueError("broken")

    seen = []
    with pytest.raises(ValueError, match="broken"):
        await watch(in_thread(steps()), seen.append)
    assert seen == [1]


async def test_a_consumer_that_stops_early_ends_the_generator():
    ended = []

    def steps():
        try:
            yield from range(100)
        finally:
            ended.append(True)

    stream = in_thread(steps())
    assert await anext(stream) == 0
    await stream.aclose()
    assert ended == [True]


async def test_cancelling_waits_for_the_step_at_work_and_then_ends_the_generator():
    said = []
    begun = threading.Event()

    def steps():
        try:
            begun.set()
            time.sleep(0.05)
            said.append("step ended")
            yield 1
        finally:
            said.append("generator ended")

    async def consume():
        async for _ in in_thread(steps()):
            pass

    task = asyncio.create_task(consume())
    await asyncio.to_thread(begun.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert said == ["step ended", "generator ended"]
