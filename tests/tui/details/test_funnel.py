"""The funnel as lines: two of them while it runs, all of it on demand."""

from __future__ import annotations

import pytest

from studio.alpaca.rows import Sft
from studio.jobs.events import AttemptFailed, Ended, LaneStarted, Planned, Retried
from studio.jobs.runs.estimate import Estimate
from studio.jobs.runs.tally import RunTally
from studio.llm.budget import Spent
from studio.methods import registry
from studio.methods.asking import Made, Result, Task
from studio.methods.difficulty import Difficulty
from studio.text.display import columns
from studio.tui.details.funnel import Standing, clock, estimate_words, full_lines, head_lines, short

ESTIMATE = Estimate(108, 324, 52_300, 41_000, 1.234, (), 395, 0, ("each is like the last",))


def evolved(rule=None, lane=0):
    made = Made(Sft("Name exactly 3 tides"), "deepening", rule=rule, evidence="seen" if rule else None, round=1)
    return Ended(lane, Task((1, 1)), Result((made,)), (1,), (), (10, 5), 1.0, False)


def told(lines):
    return ["".join(span.text for span in line).rstrip() for line in lines]


@pytest.fixture
def tally():
    tally = RunTally(registry.get("evol-instruct"), {0: Difficulty(2, 20, 1)})
    tally.see(Planned(10, 2))
    for event in (evolved(), evolved("no-gain"), evolved("no-gain"), evolved("hard-to-answer")):
        tally.see(LaneStarted(0, "evolving", "Why?"))
        tally.see(event)
    tally.see(LaneStarted(1, "evolving", "Why?"))
    return tally


def test_two_lines_hold_the_funnel(tally):
    first, second = told(head_lines(Standing(tally, "evolving", 0.0, ""), 80))
    assert first == "evolving 6/10  ✓ 1 passed  ✗ 3 eliminated"
    assert second == "asked 5  answered 4  ✗ no-gain 2  hard-to-answer 1"


def test_the_rate_and_the_time_left_stand_behind_the_counts(tally):
    first, _ = told(head_lines(Standing(tally, "evolving", 41.6, ""), 80))
    assert first.endswith("ETA 0:00  42 tok/s")


def test_a_remark_takes_the_second_line(tally):
    _, second = told(head_lines(Standing(tally, "paused", 1.0, "s goes on: the key is wrong"), 80))
    assert second == "s goes on: the key is wrong"


def test_trouble_is_told_once_with_its_count(tally):
    for _ in range(40):
        tally.see(Retried(0, "the server is busy", 1.0))
    tally.see(AttemptFailed(1, "no such model"))
    assert told(head_lines(Standing(tally, "evolving", 0.0, ""), 80))[1].endswith("! 41 × trouble")
    assert told(head_lines(Standing(tally, "evolving", 0.0, ""), 160))[1].endswith(
        "! 40 × the server is busy and 1 more"
    )
    whole = told(full_lines(Standing(tally, "evolving", 0.0, ""), None, None, 80))
    assert [line for line in whole if "the server is busy" in line] == ["  40 × asked again: the server is busy"]
    assert "  1 × failed: no such model" in whole


@pytest.mark.parametrize("width", [20, 60, 80, 160])
def test_no_line_is_wider_than_the_screen(tally, width):
    for _ in range(1200):
        tally.see(evolved("copied-prompt-words"))
        tally.see(Retried(0, "服务器很忙" * 30, 1.0))
    standing = Standing(tally, "evolving", 1234.0, "")
    assert all(columns(line) <= width for line in told(head_lines(standing, width))[1:])
    if width >= 60:
        assert all(columns(line) <= width for line in told(full_lines(standing, ESTIMATE, None, width)))


def test_the_whole_funnel_has_difficulty_by_round_and_what_it_takes(tally):
    whole = told(full_lines(Standing(tally, "done", 0.0, ""), ESTIMATE, Spent(9, 60, 0.5, 1.0), 80))
    rows = [line.split() for line in whole]
    assert ["seed", "tasks", "2", "10.0", "0.50"] in rows
    assert ["round", "1", "1", "4.0", "1.00"] in rows
    assert "used: 9 requests, 60 tokens, $0.5000" in whole
    assert "foretold: 108 evolutions, 324 requests, 52k + 41k tokens, about $1.23, 6:35" in whole
    bars = {line.split("█")[0].split()[-2]: line.count("█") for line in whole if "█" in line}
    assert bars["asked"] > bars["answered"] > bars["no-gain"] > bars["passed"] > 0


def test_an_unknown_price_is_said():
    unknown = Estimate(1, 3, 10, 10, None, ("newest-model",), 1.0, 0, ())
    assert "price unknown for newest-model" in estimate_words(unknown)
    assert "nothing to pay" in estimate_words(Estimate(1, 3, 10, 10, 0.0, (), 1.0, 0, ()))


def test_numbers_and_times_in_few_characters():
    assert [short(n) for n in (0, 950, 9_999, 12_345, 3_400_000)] == ["0", "950", "9,999", "12k", "3.4M"]
    assert [clock(seconds) for seconds in (0, 42, 725, 12_000)] == ["0:00", "0:42", "12:05", "3 h 20 min"]
