"""The lanes of a run: they grow in place, tell what is going on, and cost no more than the wire has room for."""

from __future__ import annotations

import re

from studio.jobs.events import LaneStarted, LaneText, Retried
from studio.text.display import columns
from studio.tui.lanes import MOST, Lanes


def shown(lanes, lane=0, width=80):
    return "".join(span.text for span in lanes.lines(width)[lane])


def started():
    lanes = Lanes(2)
    lanes.see([LaneStarted(0, "evolving", "Why?", 7, 1, "increase_reasoning")])
    return lanes


def test_a_lane_says_who_works_on_what():
    assert shown(started()).rstrip() == "1 #7 r1 reasoning evolving"
    assert shown(started(), 1).rstrip() == "2 waiting"


def test_text_grows_to_the_right_and_starts_again_at_half_the_room():
    lanes = started()
    before = shown(lanes)
    for number in range(200):
        lanes.see([LaneText(0, f"{number} 潮汐 ")])
        now = shown(lanes)
        assert columns(now) <= 80
        assert now.endswith(f"{number} 潮汐 ")
        grew = now.startswith(before.rstrip())
        assert grew or columns(now) < columns(before)
        before = now


def test_a_retry_says_why_and_what_had_come_comes_again():
    lanes = started()
    lanes.see([LaneText(0, "Bec"), Retried(0, "the server is busy", 2.0)])
    assert "asking again in 2 s: the server is busy" in shown(lanes)
    lanes.see([LaneText(0, "Because")])
    assert re.fullmatch(r"1 #7 r1 reasoning evolving +Because", shown(lanes))


def test_control_characters_never_stand_in_a_lane():
    lanes = started()
    lanes.see([LaneText(0, "\x1b]52;c;eA==\x07\r\n\x9b2J")])
    assert shown(lanes).isprintable()


def test_a_beat_paints_no_more_than_its_share_and_each_lane_gets_its_turn():
    lanes = Lanes(MOST)
    before = lanes.lines(80)
    painted = []
    for beat in range(16):
        lanes.see([LaneStarted(lane, "answering", "Why?", beat, beat, "deepening") for lane in range(MOST)])
        lanes.see([LaneText(lane, f"潮汐 of beat {beat} " * 3) for lane in range(MOST)])
        now = lanes.lines(80)
        fresh = [lane for lane in range(MOST) if now[lane] != before[lane]]
        assert sum(len(span.text.encode()) for lane in fresh for span in now[lane]) < 700
        painted += fresh
        before = now
    turns = [painted.count(lane) for lane in range(MOST)]
    assert min(turns) >= 2
    assert max(turns) - min(turns) <= 1


def test_another_width_paints_every_lane():
    lanes = Lanes(MOST)
    lanes.lines(80)
    lanes.see([LaneText(lane, f"lane {lane} " * 40) for lane in range(MOST)])
    assert all(f"lane {number}" in shown(lanes, number, 100) for number in range(MOST))


def test_lanes_that_are_added_are_shown():
    lanes = started()
    lanes.lines(80)
    lanes.grow(4)
    lanes.see([LaneStarted(3, "judging", "Why?", 9, 2, "deepening")])
    assert shown(lanes, 3).startswith("4 #9 r2 deepening judging")


def test_the_rate_is_that_of_the_last_seconds():
    now = [0.0]
    lanes = Lanes(1, clock=lambda: now[0])
    for second in range(10):
        now[0] = float(second)
        lanes.see([LaneText(0, "four" * 20)])
    assert 20 <= lanes.rate <= 24
    now[0] = 30.0
    assert lanes.rate == 0
