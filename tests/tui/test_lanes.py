"""The lanes of a run: they grow in place, and tell what is going on."""

from __future__ import annotations

from studio.jobs.events import LaneStarted, LaneText, Planned, Retried
from studio.text.display import columns
from studio.tui.lanes import Lanes


def shown(lanes, lane=0, width=80):
    return "".join(span.text for span in lanes.lines(width, "evolving", running=True)[2 + lane])


def started():
    lanes = Lanes(2)
    lanes.see([Planned(10, 4), LaneStarted(0, "evolving", "Why?", 7, 1, "increase_reasoning")])
    return lanes


def test_a_lane_says_who_works_on_what():
    assert shown(started()).rstrip() == "1 #7 r1 reasoning evolving"
    assert shown(started(), 1).rstrip() == "2 waiting"


def test_the_counts_stand_above():
    head = started().lines(80, "evolving", running=True)[0]
    assert "".join(span.text for span in head).startswith("evolving 4/10  ✓ 0 accepted  ✗ 0 eliminated")


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


def test_a_retry_says_why_and_goes_when_text_comes():
    lanes = started()
    lanes.see([Retried(0, "the server is busy", 2.0)])
    assert "asking again in 2 s: the server is busy" in shown(lanes)
    lanes.see([LaneText(0, "Because")])
    assert shown(lanes).endswith("Because")


def test_control_characters_never_stand_in_a_lane():
    lanes = started()
    lanes.see([LaneText(0, "\x1b]52;c;eA==\x07\r\n\x9b2J")])
    assert shown(lanes).isprintable()
