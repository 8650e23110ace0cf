from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.llm.chat import Reply, Request, Usage
from studio.llm.limits import Bucket, Guess, Limits, Pace, pause, used

ASKED = Request("m", (("user", "Describe a harbour at dawn."),), max_tokens=100)


@given(st.integers(1, 6000), st.lists(st.floats(0, 5), min_size=1, max_size=300))
def test_no_minute_gets_more_requests_than_allowed(a_minute, pauses):
    bucket, now, left = Bucket(a_minute, 0.0), 0.0, []
    for idle in pauses:
        now += idle
        now += bucket.wait(1, now)
        assert bucket.wait(1, now) <= 1e-6
        bucket.take(1, now)
        left.append(now)
    for index, first in enumerate(left):
        assert sum(moment < first + 60 - 1e-6 for moment in left[index:]) <= a_minute


@pytest.mark.parametrize("a_minute", [1, 7, 60, 500, 10_000])
def test_a_long_run_uses_nearly_all_of_it(a_minute):
    bucket, now = Bucket(a_minute, 0.0), 0.0
    for _ in range(a_minute * 5):
        now += bucket.wait(1, now)
        bucket.take(1, now)
    assert now <= 5 * 60 * 1.02


@given(st.integers(600, 100_000), st.lists(st.integers(1, 5000), min_size=2, max_size=100))
def test_no_minute_gets_more_tokens_than_allowed_and_one_request(a_minute, amounts):
    bucket, now, left = Bucket(a_minute, 0.0), 0.0, []
    for amount in amounts:
        now += bucket.wait(amount, now)
        bucket.take(amount, now)
        left.append((now, amount))
    for index, (first, _) in enumerate(left):
        taken = sum(amount for moment, amount in left[index:] if moment < first + 60 - 1e-6)
        assert taken <= a_minute + max(amounts) + 1


def test_tokens_that_were_not_used_are_given_back_and_others_owed():
    cheap, dear = (Pace(Limits(9, tpm=6000), 0.0) for _ in range(2))
    for pace, spent in ((cheap, 10), (dear, 500)):
        pace.leave(100, 0.0)
        assert pace.wait(100, 0.0) == pytest.approx(100 / (5901 / 60))
        pace.land(100, spent)
    assert cheap.wait(90, 0.0) == 0
    assert dear.wait(100, 0.0) == pytest.approx(500 / (5901 / 60))


def test_a_full_window_waits_for_an_answer():
    pace = Pace(Limits(2), 0.0)
    pace.leave(1, 0.0)
    assert pace.wait(1, 0.0) == 0
    pace.leave(1, 0.0)
    assert pace.wait(1, 99.0) == math.inf
    pace.land(1, 1)
    assert pace.wait(1, 99.0) == 0


def storm(pace: Pace, number: int, now: float, retry_after: float | None) -> None:
    for _ in range(number):
        pace.leave(1, now)
    for _ in range(number):
        pace.limited(now, now + 0.1, retry_after)
        pace.land(1, 0)


def test_a_storm_halves_concurrency_once_and_holds_for_what_was_asked():
    pace = Pace(Limits(64), 0.0)
    storm(pace, 64, 0.0, 7.0)
    assert pace.window == 32
    assert pace.wait(1, 0.1) == pytest.approx(7.0)
    assert pace.wait(1, 7.2) == 0


def test_without_retry_after_the_hold_doubles_up_to_a_minute():
    pace, now, holds = Pace(Limits(64), 0.0), 0.0, []
    for _ in range(8):
        storm(pace, 3, now, None)
        now += 0.1
        holds.append(round(pace.wait(1, now), 3))
        now += holds[-1]
    assert holds == [1, 2, 4, 8, 16, 32, 60, 60]
    assert pace.window == 1


def test_an_answer_ends_the_row_of_refusals_unless_it_left_before_them():
    pace = Pace(Limits(64), 0.0)
    storm(pace, 2, 5.0, None)
    storm(pace, 2, 10.0, None)
    pace.answered(left=9.0)
    storm(pace, 2, 20.0, None)
    assert pace.wait(1, 20.1) == pytest.approx(4)
    pace.answered(left=25.0)
    storm(pace, 2, 30.0, None)
    assert pace.wait(1, 30.1) == pytest.approx(1)


def test_answers_grow_the_window_back_to_the_limit_and_no_further():
    pace = Pace(Limits(8), 0.0)
    storm(pace, 8, 0.0, 1.0)
    assert pace.window == 4
    for _ in range(4):
        pace.answered(left=5.0)
    assert 4.8 < pace.window <= 5
    for _ in range(100):
        pace.answered(left=5.0)
    assert pace.window == 8


def test_a_wait_of_a_day_is_not_sat_out():
    pace = Pace(Limits(8), 0.0)
    pace.leave(1, 0.0)
    pace.limited(0.0, 0.0, 86_400.0)
    assert pace.held_until == 600


def test_tokens_are_guessed_from_the_prompt_and_the_answers_so_far():
    guess = Guess()
    assert guess.tokens(ASKED) == Usage(12, 100)
    assert guess.tokens(Request("m", ASKED.messages)).completion_tokens == 512
    for tokens in (20, 40):
        guess.learn(Usage(1, tokens))
    assert guess.tokens(ASKED).completion_tokens == 30
    assert guess.tokens(Request("m", ASKED.messages, max_tokens=10)).completion_tokens == 10
    for _ in range(1000):
        guess.learn(Usage(1, 80))
    assert 79 <= guess.tokens(ASKED).completion_tokens <= 80


def test_an_endpoint_that_does_not_count_is_counted_for():
    reply = Reply("twelve chars", "stop", Usage(), "m", 1.0, thinking="and four more")
    assert used(ASKED, reply) == Usage(12, 3 + 4)
    assert used(ASKED, Reply("x", "stop", Usage(5, 6), "m", 1.0)) == Usage(5, 6)


def rate(kind: str, limit: str, remaining: str, reset: str) -> dict[str, str]:
    return {
        f"x-ratelimit-limit-{kind}": limit,
        f"x-ratelimit-remaining-{kind}": remaining,
        f"x-ratelimit-reset-{kind}": reset,
    }


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        (rate("requests", "60", "5", "55s"), 0),
        (rate("requests", "60", "0", "60s"), 1.0),
        (rate("requests", "60", "0", "1m0s"), 1.0),
        (rate("requests", "10", "0", "500ms"), 0.05),
        (rate("requests", "10", "0", "7"), 0.7),
        (rate("tokens", "30000", "2000", "56s"), 0),
        (rate("tokens", "30000", "0", "60s"), 2.0),
        (rate("requests", "60", "0", "60s") | rate("tokens", "30000", "0", "60s"), 2.0),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "3s"}, 3.0),
        (rate("requests", "1", "0", "11h59m"), 0),
        (rate("requests", "many", "few", "soon"), 0),
        (rate("requests", "60", "0", "soon"), 0),
    ],
)
def test_headers_that_tell_of_an_empty_allowance_make_a_pause(headers, seconds):
    assert pause(headers, tokens=1000) == pytest.approx(seconds)
