from __future__ import annotations

import random

import pytest

from studio.errors import ModelError, PassingError
from studio.llm.retry import with_retries


class Flaky:
    """A call that raises the given errors, one after the other, and then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.asked = 0
        self.slept: list[float] = []
        self.told: list[tuple[int, float, str]] = []

    async def __call__(self) -> str:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def run(self, **options) -> str:
        def note(failed: int, wait: float, error: PassingError) -> None:
            self.told.append((failed, wait, error.message))

        return await with_retries(
            self, rng=random.Random(3), sleep=self.sleep, on_retry=note, **{"attempts": 4, **options}
        )


async def test_an_answer_at_once_waits_for_nothing():
    flaky = Flaky()
    assert await flaky.run() == "answer"
    assert (flaky.asked, flaky.slept, flaky.told) == (1, [], [])


async def test_passing_failures_are_asked_again_and_told():
    flaky = Flaky(PassingError("one"), PassingError("two"))
    assert await flaky.run() == "answer"
    assert flaky.asked == 3
    assert [(failed, message) for failed, _, message in flaky.told] == [(1, "one"), (2, "two")]
    assert [wait for _, wait, _ in flaky.told] == flaky.slept


async def test_the_last_failure_is_raised_after_the_last_try():
    flaky = Flaky(*(PassingError(str(number)) for number in range(1, 9)))
    with pytest.raises(PassingError, match="4"):
        await flaky.run(attempts=4)
    assert flaky.asked == 4
    assert len(flaky.slept) == 3


@pytest.mark.parametrize("error", [ModelError("bad key"), ValueError("a bug")])
async def test_other_failures_are_raised_at_once(error):
    flaky = Flaky(error)
    with pytest.raises(type(error)):
        await flaky.run()
    assert flaky.asked == 1


async def test_full_jitter_lies_between_nothing_and_the_doubling_bound():
    bounds = [1, 2, 4, 8, 8, 8]
    seen = []
    for seed in range(200):
        flaky = Flaky(*(PassingError("again") for _ in bounds))
        await with_retries(flaky, attempts=7, base=1, cap=8, rng=random.Random(seed), sleep=flaky.sleep)
        seen.append(flaky.slept)
    for bound, waits in zip(bounds, zip(*seen, strict=True), strict=True):
        assert 0 <= min(waits) < bound * 0.05
        assert bound * 0.95 < max(waits) <= bound


@pytest.mark.parametrize("asked_for", [0.5, 119.0, 121.0, 600.0])
async def test_retry_after_is_obeyed_to_ten_percent_whatever_its_length(asked_for):
    flaky = Flaky(PassingError("wait", retry_after=asked_for))
    assert await flaky.run() == "answer"
    assert asked_for <= flaky.slept[0] <= asked_for * 1.1


async def test_a_retry_after_beyond_the_longest_wait_is_raised_at_once():
    flaky = Flaky(PassingError("come tomorrow", retry_after=86_400))
    with pytest.raises(PassingError, match="tomorrow"):
        await flaky.run()
    assert (flaky.asked, flaky.slept, flaky.told) == (1, [], [])
