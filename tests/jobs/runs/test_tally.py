"""Counting a run as its events come by."""

from __future__ import annotations

from studio.alpaca.rows import Sft
from studio.jobs.events import AttemptFailed, Ended, GaveUp, LaneStarted, Paused, Planned
from studio.jobs.runs.tally import RunTally
from studio.methods import registry
from studio.methods.asking import Made, Result, Task


def ended(*rows, left=False, rule=None, **counts):
    result = Result(rows, counts=counts, rule=rule, left=left)
    return Ended(0, Task((1, 1)), result, tuple(range(len(rows))), ("k",), (10, 5), 1.0, False)


def test_what_it_rested_for_is_forgotten_when_it_goes_on():
    tally = RunTally(registry.get("evol-instruct"))
    tally.see(LaneStarted(0, "evolving", "Why?"))
    tally.see(Paused("the key is wrong"))
    assert (tally.paused_for, tally.asked) == ("the key is wrong", 0)
    tally.see(LaneStarted(0, "evolving", "Why?"))
    assert (tally.paused_for, tally.asked) == ("", 1)


def test_rows_failures_and_what_was_left_are_told_apart():
    tally = RunTally(registry.get("evol-instruct"))
    tally.see(Planned(6, 1))
    tally.see(ended(Made(Sft("Why?"), "deepening", round=1)))
    tally.see(ended(Made(Sft("Who?"), "deepening", rule="no-gain", evidence="equal")))
    tally.see(ended(rule="unreadable"))
    tally.see(ended(left=True))
    tally.see(AttemptFailed(0, "busy"))
    assert (tally.accepted, dict(tally.eliminated), dict(tally.fruitless)) == (1, {"no-gain": 1}, {"unreadable": 1})
    assert (tally.answered, tally.left_out, tally.failed, tally.ended) == (3, 1, 1, 5)
    assert tally.difficulty[1].tasks == 1


def test_an_open_ended_run_is_as_far_as_its_own_count_says():
    tally = RunTally(registry.get("self-instruct"))
    tally.see(Planned(20, 4))
    tally.see(ended(standing=3, new=5))
    tally.see(AttemptFailed(0, "busy"))
    assert tally.ended == 7
    tally.see(Planned(30, 7))
    assert (tally.attempts, tally.ended) == (30, 7)
    tally.see(GaveUp("nothing new comes"))
    assert tally.record()["gave_up"] == "nothing new comes"
