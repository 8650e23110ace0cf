"""The Dedup stage: clusters reviewed by keys, each decision on disk, and all of it taken back by u."""

from __future__ import annotations

import msgspec
import pytest

from studio.alpaca.rows import Preference, Sft
from studio.session import Session
from studio.store.filters import Filter
from studio.tui import jobs
from tests.support.projects import drain
from tests.support.screens import opened, press, settled, text_of

ASK = "Describe the lighthouse at the northern end of the island"


@pytest.fixture(autouse=True)
def _fast_beat(monkeypatch):
    monkeypatch.setattr(jobs, "BEAT", 0.02)


@pytest.fixture
async def session(session):
    """The sample project with four rows more that are all near each other, the second of them longer."""
    for end, output in (("", "a"), (" today", "a long answer"), (" now", "b"), (" tonight", "c")):
        session.rows.add(Sft(f"{ASK}{end}", "", output))
    await drain(session.review.find_duplicates())
    return session


def status(session, *rows):
    return [session.rows.get(row).status for row in rows]


def near(session):
    """The four rows near each other."""
    last = session.project.rows.last_id()
    return list(range(last - 3, last + 1))


def header(app):
    return text_of(app).splitlines()[0]


async def at(pilot, row):
    """Put the cursor on the cluster of a row."""
    app = pilot.app
    app.screen.go_to_row(row)
    await settled(pilot)


async def test_the_queue_is_there_and_the_least_certain_come_first(session):
    async with opened(session) as (app, pilot):
        await press(pilot, "3")
        scores = [one.score for one in app.screen.clusters.queue if one.kind == "near"]
        assert scores == sorted(scores)
        assert app.screen.clusters.queue[len(app.screen.clusters.queue) - 1].kind == "conflict"
        assert "left ≥ 0.75" in header(app)
        await press(pilot, "s")
        scores = [one.score for one in app.screen.clusters.queue if one.kind == "near"]
        assert scores == sorted(scores, reverse=True)


async def test_one_key_settles_a_pair_and_u_takes_it_back(session):
    async with opened(session) as (app, pilot):
        await press(pilot, "3")
        await at(pilot, 17)
        left = len(app.screen.clusters.queue)
        await press(pilot, "h")
        assert status(session, 17, 23) == ["accepted", "rejected"]
        assert session.rows.get(23).evidence.startswith("overlap 0.98")
        assert len(app.screen.clusters.queue) == left - 1
        assert "✓ 1 " in header(app)
        await press(pilot, "u")
        assert status(session, 17, 23) == ["accepted", "accepted"]
        assert app.screen.clusters.current.rows == (17, 23)
        assert "✓" not in header(app)
        await press(pilot, "l")
        assert status(session, 17, 23) == ["rejected", "accepted"]


async def test_digits_keep_that_row_of_a_cluster_and_function_keys_lead_to_the_stages(session):
    rows = near(session)
    async with opened(session) as (app, pilot):
        await press(pilot, "3")
        await at(pilot, rows[0])
        assert set(app.screen.clusters.current.rows) == set(rows)
        third = app.screen.clusters.current.rows[2]
        await press(pilot, "3")
        assert app.screen.stage == "dedup"
        assert {row for row in rows if session.rows.get(row).status == "accepted"} == {third}
        await press(pilot, "u")
        assert status(session, *rows) == ["accepted"] * 4
        await press(pilot, "9")
        assert status(session, *rows) == ["accepted"] * 4
        await press(pilot, "f1")
        assert app.screen.stage == "seeds"


async def test_the_rows_of_a_cluster_are_shown_one_after_the_other(session):
    rows = near(session)
    async with opened(session) as (app, pilot):
        await press(pilot, "3")
        await at(pilot, rows[0])
        first, *others = app.screen.clusters.current.rows
        shown = []
        for _ in others:
            shown.append(app.screen.clusters.both)
            await press(pilot, "tab")
        assert shown == [(first, other) for other in others]
        assert app.screen.clusters.both == shown[0]
        await press(pilot, "shift+tab", "h")
        assert status(session, others[-1]) == ["rejected"]
        assert set(app.screen.clusters.current.rows) == {first, *others[:-1]}


async def test_rows_that_are_no_duplicates_are_never_asked_again(session):
    rows = near(session)
    async with opened(session) as (app, pilot):
        await press(pilot, "3")
        await at(pilot, rows[0])
        await press(pilot, "n")
        assert app.screen.clusters.queue.find(rows[0]) is None
        await press(pilot, "f")
        assert app.screen.clusters.queue.find(rows[0]) is None
        await press(pilot, "u")
        assert app.screen.clusters.queue.find(rows[0]) is not None
        await at(pilot, rows[0])
        one, other = app.screen.clusters.both
        await press(pilot, "b")
        assert not [cluster for cluster in app.screen.clusters.queue if {one, other} <= set(cluster.rows)]
        assert status(session, *rows) == ["accepted"] * 4


async def test_a_whole_band_is_decided_after_a_look(session):
    async with opened(session) as (app, pilot):
        await press(pilot, "3")
        await at(pilot, 32)
        low, high = app.screen.clusters.queue.band(app.screen.clusters.current.score)
        losses = app.screen.clusters.queue.losses(low, high)
        await pilot.press("A")
        await pilot.pause()
        assert f"Drop {len(losses)} rows (0.95 to 1.00)?" in text_of(app)
        assert "stays, #" in text_of(app)
        await press(pilot, "enter")
        assert status(session, 32, 48) == ["accepted", "accepted"]
        await press(pilot, "A", "y")
        assert [status(session, loss.row) for loss in losses] == [["rejected"]] * len(losses)
        assert app.screen.clusters.queue.find(32) is None
        await press(pilot, "u")
        assert status(session, *(loss.row for loss in losses)) == ["accepted"] * len(losses)


async def test_what_is_settled_is_counted_back_when_a_whole_band_is_taken_back(session, project):
    async with opened(session) as (app, pilot):
        await press(pilot, "3", "h", "h", "h")
        assert "✓ 3 " in header(app)
        await at(pilot, 32)
        low, high = app.screen.clusters.queue.band(app.screen.clusters.current.score)
        settled = 3 + len({loss.keeper for loss in app.screen.clusters.queue.losses(low, high)})
        assert settled > 4
        for _ in range(2):
            await at(pilot, 32)
            await press(pilot, "A", "y")
            assert f"✓ {settled} " in header(app)
            await press(pilot, "u")
            assert "✓ 3 " in header(app)
        await press(pilot, "ctrl+r")
        assert f"✓ {settled} " in header(app)
        await press(pilot, "q")
    await session.close()
    again = Session.open(project, must_write=True)
    async with opened(again) as (app, pilot):
        assert f"✓ {settled} " in header(app)
        await press(pilot, "u", "u")
        assert "✓ 2 " in header(app)
        await press(pilot, "f")
        assert "✓" not in header(app)
    await again.close()


async def test_a_look_says_how_many_of_the_rows_it_shows(session):
    rows = [session.rows.add(Sft("Name the oldest mill by the river", "", "a")) for _ in range(6)]
    async with opened(session) as (app, pilot):
        await press(pilot, "3")
        await at(pilot, rows[0])
        losses = app.screen.clusters.queue.losses(*app.screen.clusters.queue.band(1.0))
        assert len(losses) >= 5
        await press(pilot, "A")
        assert f"3 of {len(losses)} shown" in text_of(app)
        await press(pilot, "escape")
        await at(pilot, 17)
        await press(pilot, "A")
        assert "shown" not in text_of(app)


async def test_a_digit_without_a_row_names_the_stage_that_has_it_if_there_is_one(session):
    async with opened(session) as (app, pilot):
        await press(pilot, "3")
        await at(pilot, 17)
        assert len(app.screen.clusters.current.rows) == 2
        await press(pilot, "5")
        assert "There is no row 5 here; F5 goes to Check" in text_of(app)
        await press(pilot, "7")
        assert "There is no row 7 here" in text_of(app)
        assert "F7" not in text_of(app)


@pytest.mark.parametrize("key", ["n", "b", "h", "l"])
async def test_after_an_undo_the_cursor_is_on_what_came_back(session, project, key):
    async with opened(session) as (app, pilot):
        await press(pilot, "3")
        back = app.screen.clusters.current.rows
        await press(pilot, key, "j", "j")
        assert app.screen.clusters.current.rows != back
        await press(pilot, "u")
        assert app.screen.clusters.current.rows == back
        await press(pilot, key, "j", "j", "q")
    await session.close()
    again = Session.open(project, must_write=True)
    async with opened(again) as (app, pilot):
        assert app.screen.clusters.current.rows != back
        await press(pilot, "u")
        assert app.screen.clusters.current.rows == back
    await again.close()


async def test_after_an_edit_is_undone_the_cursor_is_on_its_cluster(session):
    rows = near(session)
    async with opened(session) as (app, pilot):
        await press(pilot, "3")
        session.rows.edit(rows[3], Sft("What is the deepest lake?"))
        await press(pilot, "j", "u")
        assert rows[3] in app.screen.clusters.current.rows


async def test_both_of_the_rows_shown_leaves_the_third_to_be_decided(session):
    rows = [session.rows.add(Sft("Name the oldest of the three mills by the river", "", answer)) for answer in "abc"]
    async with opened(session) as (app, pilot):
        await press(pilot, "3")
        await at(pilot, rows[0])
        assert app.screen.clusters.current.kind == "conflict"
        first, second = app.screen.clusters.both
        (third,) = set(rows) - {first, second}
        await press(pilot, "b")
        await at(pilot, third)
        assert app.screen.clusters.current.rows == (first, third)
        await press(pilot, "n")
        await at(pilot, third)
        assert app.screen.clusters.current.rows == (second, third)


async def test_rows_that_are_asked_different_things_make_no_preference_pair(session):
    rows = near(session)
    async with opened(session) as (app, pilot):
        await press(pilot, "3")
        await at(pilot, rows[0])
        await press(pilot, "c", "p")
        assert "are asked different things: their instruction differs" in " ".join(text_of(app).split())
        assert status(session, *rows) == ["accepted"] * 4
        assert session.project.rows.last_id() == rows[3]


async def test_a_band_of_rows_with_other_answers_beside_them_is_left_to_a_person(session):
    mill = "Name the oldest of the three mills by the river"
    for end, answer in ((" Ouse", "the longest answer of them"), ("", "a"), ("", "b")):
        session.rows.add(Sft(f"{mill}{end}", "", answer))
    last = session.project.rows.last_id()
    async with opened(session) as (app, pilot):
        await press(pilot, "3")
        app.screen.clusters.choose(msgspec.structs.replace(app.screen.clusters.chosen, keep="longest"), "border")
        app.screen.clusters.make_queue()
        await settled(pilot)
        await at(pilot, last - 2)
        assert app.screen.clusters.current.kind == "near"
        await press(pilot, "A", "escape")
        assert all(loss.row not in (last - 1, last) for loss in app.screen.clusters.queue.losses())


async def test_the_threshold_moves_by_keys_and_says_what_would_go(session):
    async with opened(session) as (app, pilot):
        await press(pilot, "3")
        everything = len(app.screen.clusters.queue)
        await press(pilot, "t")
        assert "would go; 1 conflicts stay" in text_of(app)
        await press(pilot, "L", "L", "L", "L")
        assert "0.95" in text_of(app)
        before = text_of(app)
        await press(pilot, "enter")
        assert before != text_of(app)
        assert 0 < len(app.screen.clusters.queue) < everything
        assert "left ≥ 0.95" in header(app)
        await press(pilot, "f2", "f3")
        assert "left ≥ 0.95" in header(app)


async def test_two_rows_are_merged_column_by_column(session):
    first, second, *_ = near(session)
    async with opened(session) as (app, pilot):
        await press(pilot, "3")
        await at(pilot, first)
        while app.screen.clusters.both != (first, second):
            await press(pilot, "tab")
        await pilot.press("m")
        await pilot.pause()
        assert f"Merge #{second} into #{first}" in text_of(app)
        await press(pilot, "j", "l", "enter")
        assert session.rows.get(first).row == Sft(ASK, "", "a long answer")
        assert session.rows.get(second).rule == "merged"
        await press(pilot, "u")
        assert session.rows.get(first).row == Sft(ASK, "", "a")
        assert status(session, second) == ["accepted"]


async def test_a_conflict_becomes_a_preference_pair(session):
    async with opened(session) as (app, pilot):
        await press(pilot, "3")
        await at(pilot, 45)
        assert app.screen.clusters.current.kind == "conflict"
        assert "one prompt, 2 answers" in text_of(app)
        await press(pilot, "A")
        assert status(session, 35, 45) == ["accepted", "accepted"]
        await press(pilot, "c", "o")
        made = session.rows.get(session.project.rows.last_id())
        one, other = session.rows.get(35).row, session.rows.get(45).row
        assert made.row == Preference(one.instruction, one.input, other.output, one.output)
        assert (session.rows.get(35).rule, session.rows.get(45).rule) == ("paired", "paired")
        assert app.screen.clusters.queue.find(35) is None
        await press(pilot, "u")
        assert status(session, 35, 45, made.id) == ["accepted", "accepted", "rejected"]


@pytest.mark.parametrize(
    ("keys", "after"),
    [
        (["h"], ["accepted", "rejected"]),
        (["2"], ["rejected", "accepted"]),
        (["c", "d"], ["rejected", "rejected"]),
        (["c", "k"], ["accepted", "accepted"]),
        (["c", "escape"], ["accepted", "accepted"]),
    ],
)
async def test_a_conflict_is_settled_otherwise(session, keys, after):
    async with opened(session) as (app, pilot):
        await press(pilot, "3")
        await at(pilot, 35)
        await press(pilot, *keys)
        assert status(session, 35, 45) == after
        assert (app.screen.clusters.queue.find(35) is None) == (keys[-1] != "escape")


async def test_settings_say_how_and_who_stays(session):
    rows = near(session)
    async with opened(session) as (app, pilot):
        await press(pilot, "3", "o")
        assert "overlap: words in common" in text_of(app)
        for _ in range(3):
            await pilot.press("down")
        await press(pilot, *["backspace"] * len("first"), *"longest", "enter")
        await at(pilot, rows[0])
        assert app.screen.clusters.current.rows[0] == rows[1]
        await press(pilot, "o", *["backspace"] * len("overlap"), *"magic", "enter")
        assert "method: 'magic' does not do" in text_of(app)
        await press(pilot, "escape")
    async with opened(session) as (app, pilot):
        await at(pilot, rows[0])
        assert app.screen.clusters.current.rows[0] == rows[1]


async def test_a_restart_shows_the_same_cluster_and_u_still_undoes(session, project):
    async with opened(session) as (app, pilot):
        await press(pilot, "3", "j", "h", "j")
        here, left = app.screen.clusters.current, len(app.screen.clusters.queue)
        await press(pilot, "q")
    await session.close()
    again = Session.open(project, must_write=True)
    async with opened(again) as (app, pilot):
        assert (app.screen.clusters.current, len(app.screen.clusters.queue)) == (here, left)
        assert "✓ 1 " in header(app)
        await press(pilot, "u")
        assert len(app.screen.clusters.queue) == left + 1
    await again.close()


async def test_what_was_decided_elsewhere_shows_on_return(session):
    async with opened(session) as (app, pilot):
        await press(pilot, "3")
        assert app.screen.clusters.queue.find(17) is not None
        await press(pilot, "f1")
        session.rows.reject(23)
        await press(pilot, "j", "f3")
        assert app.screen.clusters.queue.find(17) is None
        await press(pilot, "f1")
        fresh = session.rows.add(Sft(f"{ASK} soon"))
        await press(pilot, "j", "f3")
        assert app.screen.clusters.queue.find(fresh) is not None


async def test_a_row_says_in_its_own_stage_what_it_is_near(session):
    async with opened(session) as (app, pilot):
        await press(pilot, "g")
        while app.screen.current.id != 17:
            await press(pilot, "j")
        assert "≈ overlap 0.98 with #23: Dedup decides" in text_of(app)
        session.rows.reject(23)
        await press(pilot, "j", "k")
        assert "Dedup decides" not in text_of(app)


async def test_redundancy_is_a_page_and_the_most_diverse_rows_get_a_tag(session):
    async with opened(session) as (app, pilot):
        await press(pilot, "3", "R")
        text = text_of(app)
        assert "Compression ratio" in text
        assert "With one row of each cluster" in text
        assert "by source" in text
        await press(pilot, "escape", "v", "5", "enter")
        assert len(session.rows.ids(Filter(tags=("diverse",)))) == 5
        await press(pilot, "u")
        assert not session.rows.ids(Filter(tags=("diverse",)))
        await press(pilot, "v", "x", "enter")
        assert not session.rows.ids(Filter(tags=("diverse",)))


async def test_enter_goes_to_the_row(session):
    async with opened(session) as (app, pilot):
        await press(pilot, "3")
        right = app.screen.clusters.both[1]
        await press(pilot, "enter")
        assert app.screen.stage == "seeds"
        assert app.screen.current.id == right


async def test_before_the_first_search_it_says_how_to_begin(tmp_path):
    from tests.support.projects import new_project

    empty = new_project(tmp_path / "empty")
    async with opened(empty) as (app, pilot):
        await press(pilot, "3")
        assert "f finds duplicates" in text_of(app)
        await press(pilot, "h", "l", "b", "n", "m", "c", "A", "t", "tab", "1", "enter", "u")
        await press(pilot, "f")
        assert "t lowers it" in text_of(app)
    await empty.close()


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (160, 48)])
async def test_differences_carry_signs_at_every_width(session, size):
    async with opened(session, size=size) as (app, pilot):
        await press(pilot, "3")
        await at(pilot, 32)
        assert "[-List-]" in text_of(app)
        assert "{+Name+}" in text_of(app)
        assert all(len(line) <= size[0] for line in text_of(app).splitlines())
