"""The Evolve screen by keys: lanes, funnel, family tree, review while it runs, settings in place, money before."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from studio.errors import ModelError, RefusedError
from studio.jobs.runs.estimate import Estimate
from studio.session import Session
from studio.tui import jobs
from tests.support.fake_chat import FakeChat, taught, use
from tests.support.packages import installed, written
from tests.support.projects import bring_in, new_project
from tests.support.screens import opened, press, settled, text_of, type_in


@pytest.fixture(autouse=True)
def _fast_beat(monkeypatch):
    monkeypatch.setattr(jobs, "BEAT", 0.02)


def notices(app):
    return [notice.message for notice in app._notifications]


def model(session, *script, **how):
    chat = FakeChat(*script, **how)
    use(session, chat)
    return chat


async def until(pilot, sign):
    for _ in range(500):
        await pilot.pause(0.01)
        if sign(text_of(pilot.app)):
            return
    raise TimeoutError(text_of(pilot.app))


def shorten(session, limit):
    """Plan so many attempts and no more."""
    session.runs.change_settings(replace(session.settings, evolve=replace(session.settings.evolve, limit=limit)))


async def to_a_row_with_a_dropped_relative(session, app, pilot):
    """Put the cursor there; the ids of its family, and of the dropped one."""
    while True:
        family = session.rows.family(app.screen.current.id)
        dropped = [one.row.id for one in family if one.row.rule and one.row.id != app.screen.current.id]
        if dropped:
            return [one.row.id for one in family], dropped[0]
        await press(pilot, "j")


def steps(ids, start, end):
    """The keys that lead from one relative to another."""
    by = ids.index(end) - ids.index(start)
    return ["J" if by > 0 else "K"] * abs(by)


def board(app):
    """The lines above the list."""
    lines = text_of(app).splitlines()
    return lines[1 : next(y for y, line in enumerate(lines) if line.startswith("──"))]


# -- lanes and funnel ------------------------------------------------------------------------------


async def test_lanes_show_who_works_on_what_and_fold_away(session):
    model(session, delay=0.3)
    async with opened(session) as (app, pilot):
        await pilot.press("2", "s")
        await until(pilot, lambda text: " answering " in text)
        assert [line[0] for line in board(app)[2:]] == ["1", "2", "3", "4"]
        await pilot.press("v")
        await until(pilot, lambda text: len(board(app)) == 2)
        await pilot.press("v")
        await until(pilot, lambda text: len(board(app)) == 6)
        await pilot.press("S", "S")
        await settled(pilot)
        assert len(board(app)) == 2


async def test_the_whole_funnel_goes_on_while_it_is_open(session):
    model(session, delay=0.3)
    async with opened(session) as (app, pilot):
        await pilot.press("2", "s")
        await until(pilot, lambda text: "evolving" in text)
        await pilot.press("f")
        await until(pilot, lambda text: "answered" in text and "seed tasks" in text)
        before = app.screen._page._lines
        await until(pilot, lambda text: app.screen._page._lines != before)
        await pilot.press("f", "S", "S")
        await settled(pilot)
        assert app.screen.stage == "evolve"


async def test_before_the_first_run_the_funnel_tells_what_is_there(session):
    async with opened(session) as (app, pilot):
        await press(pilot, "2", "f")
        assert "seed tasks        27" in text_of(app)
        assert "used: nothing yet" in text_of(app)


async def test_failures_are_told_once_with_their_count(session):
    shorten(session, 27)

    def script(request):
        return RefusedError("[/] this is too long") if "bread" in request.messages[-1][1] else taught(request)

    model(session, script)
    async with opened(session) as (app, pilot):
        await press(pilot, "2", "s")
        assert [told for told in notices(app) if "too long" in told] == ["[/] this is too long"]
        assert "× trouble" in text_of(app)
        await press(pilot, "f")
        assert text_of(app).count("× failed: [/] this is too long") == 1


async def test_a_paused_job_says_why_and_which_key_goes_on(session):
    shorten(session, 27)
    broken = [True]
    model(session, lambda request: ModelError("the key is wrong") if broken[0] else taught(request))
    async with opened(session) as (app, pilot):
        await pilot.press("2", "s")
        await until(pilot, lambda text: "s goes on: the key is wrong" in text)
        broken[0] = False
        await press(pilot, "s")
        assert board(app)[0].startswith("done 27/27")


async def test_stop_once_more_drops_what_is_in_flight(session):
    model(session, delay=60)
    async with opened(session) as (app, pilot):
        await pilot.press("2", "s")
        await until(pilot, lambda text: "evolving" in text)
        await pilot.press("S")
        await until(pilot, lambda text: "S again drops what is in flight" in text)
        await pilot.press("S")
        await settled(pilot)
        assert "stopped 0/108" in text_of(app)


# -- before the start ------------------------------------------------------------------------------


def foretell(session, monkeypatch, usd, unpriced=()):
    async def estimate(name, sample=0):
        return Estimate(108, 324, 50_000, 40_000, usd, unpriced, 60, 0, ())

    monkeypatch.setattr(session.runs, "estimate", estimate)


async def test_what_costs_nothing_starts_at_once_and_says_what_it_takes(session, monkeypatch):
    model(session, delay=0.1)
    foretell(session, monkeypatch, 0.0)
    async with opened(session) as (_, pilot):
        await pilot.press("2", "s")
        await until(pilot, lambda text: "108 evolutions, 324 requests, 50k + 40k tokens, nothing to pay, 1:00" in text)
        await pilot.press("S")
        await settled(pilot)


@pytest.mark.parametrize(("usd", "unpriced", "told"), [(1.5, (), "about $1.50"), (None, ("newest",), "price unknown")])
async def test_what_costs_money_asks_first(session, monkeypatch, usd, unpriced, told):
    shorten(session, 27)
    chat = model(session)
    foretell(session, monkeypatch, usd, unpriced)
    async with opened(session) as (app, pilot):
        await press(pilot, "2", "s")
        assert told in text_of(app)
        assert "No cap on the money is set; o sets one." in text_of(app)
        await press(pilot, "enter")
        assert not chat.asked
        await press(pilot, "s", "y")
        assert board(app)[0].startswith("done 27/27")


async def test_an_empty_pool_is_told(session):
    for row_id in range(1, session.project.rows.last_id() + 1):
        if session.rows.get(row_id).seed:
            session.rows.set_seed(row_id, False)
    async with opened(session) as (app, pilot):
        await press(pilot, "2", "s")
        assert "The task pool is empty" in " ".join(notices(app))


# -- review while it runs --------------------------------------------------------------------------


async def test_the_list_and_the_text_stay_while_rows_come_in(session):
    model(session, delay=0.2)
    async with opened(session) as (app, pilot):
        await pilot.press("2", "s")
        await until(pilot, lambda text: len(app.screen._entries) > 6)
        await pilot.press("j", "j", "J")
        row, top, line = app.screen.current.id, app.screen.page._top, text_of(app).splitlines().index
        place = line(next(one for one in text_of(app).splitlines() if one.startswith(f"{row:>6} ")))
        assert top > 0
        many = len(app.screen._entries)
        await until(pilot, lambda text: len(app.screen._entries) > many + 6)
        assert (app.screen.current.id, app.screen.page._top) == (row, top)
        assert text_of(app).splitlines()[place].startswith(f"{row:>6} ")
        await pilot.press("x", "a", "t", "S", "S")
        await settled(pilot)
        rows = session.rows.page([row, row + 1, row + 2])
        assert [one.status for one in rows[:2]] == ["rejected", "accepted"]
        assert rows[2].seed


async def test_a_row_is_rolled_again_by_the_operation_chosen(session):
    shorten(session, 27)
    async with opened(session) as (app, pilot):
        await press(pilot, "2", "s", "g")
        row = app.screen.current
        await press(pilot, "r")
        assert f"#{row.id} once more, by which operation?" in text_of(app)
        await type_in(pilot, "in breadth")
        await press(pilot, "enter")
        made = session.rows.page([session.project.rows.last_id()])[0]
        assert (made.parent, made.operation, made.variant) == (row.parent, "in_breadth", 1)
        assert app.screen.current.id == row.id
        assert f"#{made.id} stands beside #{row.id}, by in breadth" in " ".join(notices(app))


async def test_a_roll_that_fails_says_so(session):
    shorten(session, 27)
    async with opened(session) as (app, pilot):
        await press(pilot, "2", "s", "g")
        model(session, lambda request: RefusedError("not this one"))
        await press(pilot, "r", "enter")
        assert "not this one" in notices(app)


# -- the family ------------------------------------------------------------------------------------


async def test_the_tree_is_shown_and_enter_goes_to_a_relative(session):
    shorten(session, 54)
    async with opened(session) as (app, pilot):
        await press(pilot, "2", "s", "g", "w")
        ids, dropped = await to_a_row_with_a_dropped_relative(session, app, pilot)
        picture = text_of(app)
        assert f"#{ids[0]} ◆ seed task" in picture
        assert "← this row" in picture
        assert f"{session.rows.get(dropped).rule}: " in picture
        await press(pilot, *steps(ids, app.screen.current.id, dropped))
        assert f" #{dropped} " in next(line for line in text_of(app).splitlines() if line.startswith("▶"))
        await press(pilot, "enter")
        assert app.screen.current.id == dropped
        await press(pilot, *["K"] * len(ids), "enter")
        assert app.screen.stage == "seeds"
        assert app.screen.current.id == ids[0]
        await press(pilot, "2", "w")
        assert "instruction" in text_of(app)


async def test_enter_finds_a_relative_that_the_filter_hides(session):
    shorten(session, 54)
    async with opened(session) as (app, pilot):
        await press(pilot, "2", "s", "slash")
        await type_in(pilot, "status:pending")
        await press(pilot, "enter", "w")
        ids, dropped = await to_a_row_with_a_dropped_relative(session, app, pilot)
        await press(pilot, *steps(ids, app.screen.current.id, dropped), "enter")
        assert app.screen.current.id == dropped


async def test_a_wide_terminal_shows_row_and_tree_side_by_side(session):
    shorten(session, 27)
    async with opened(session, size=(120, 40)) as (app, pilot):
        await press(pilot, "2", "s", "g")
        picture = text_of(app)
        assert "instruction" in picture
        assert "← this row" in picture


# -- settings --------------------------------------------------------------------------------------


async def test_settings_apply_from_the_next_request_on_and_are_remembered(project):
    session = Session.open(project, must_write=True)
    written = (project / "studio.toml").read_bytes()
    chat = model(session, delay=0.3)
    async with opened(session) as (app, pilot):
        await pilot.press("2", "s")
        await until(pilot, lambda text: "evolving" in text)
        await pilot.press("o", "backspace", "2", "down", "down", "down", "backspace", "9", "down", "backspace")
        await pilot.press(*"0.25", "enter")
        await until(pilot, lambda text: len(board(app)) == 10)
        assert "/54" in board(app)[0]
        await until(pilot, lambda text: {request.temperature for request in chat.asked} >= {1.0, 0.25})
        await pilot.press("S", "S")
        await settled(pilot)
    await session.close()
    assert (project / "studio.toml").read_bytes() == written
    again = Session.open(project, must_write=True)
    use(again, FakeChat())
    async with opened(again) as (_, pilot):
        await press(pilot, "2")
        assert (again.settings.evolve.rounds, again.settings.evolve.temperature) == (2, 0.25)
    await again.close()


async def test_a_wrong_setting_stays_in_the_form_with_its_cure(session):
    before = session.settings
    async with opened(session) as (app, pilot):
        await press(pilot, "2", "o", "backspace", "x", "enter")
        assert "✗ rounds: 'x' does not do. Write a whole number, at least 1." in text_of(app)
        await press(pilot, "escape")
        assert app.screen.stage == "evolve"
        assert session.settings == before


# -- self-instruct ---------------------------------------------------------------------------------


async def test_new_tasks_are_written_with_the_same_lanes_and_funnel(session):
    model(session, delay=0.1)
    few = replace(session.settings.self_instruct, target=6)
    session.runs.change_settings(replace(session.settings, self_instruct=few))
    async with opened(session) as (app, pilot):
        await pilot.press("2", "m")
        await until(pilot, lambda text: "Self-Instruct" in text)
        await pilot.press("j", "enter")
        await until(pilot, lambda text: "writing tasks " in text)
        await pilot.press("f")
        await until(pilot, lambda text: "replies" in text)
        await pilot.press("f")
        await settled(pilot)
        assert "instructions" in board(app)[1]
        made = session.rows.page(app.screen._entries.ids)
        assert made
        assert all(row.operation.startswith("self-instruct") for row in made)
        await press(pilot, "r")
        assert "was not evolved from another row" in notices(app)[-1]


async def test_one_run_at_a_time(session):
    model(session, delay=0.3)
    async with opened(session) as (app, pilot):
        await pilot.press("2", "s")
        await until(pilot, lambda text: "evolving" in text)
        await pilot.press("m", "j", "enter")
        await until(pilot, lambda text: "self-instruct waits until evolve has ended" in " ".join(notices(app)))
        await until(pilot, lambda text: "then: self-instruct" in text)
        await pilot.press("S", "S")
        await until(pilot, lambda text: "writing tasks " in text)
        await pilot.press("S", "S")
        await settled(pilot)


# -- a method that a package brings ----------------------------------------------------------------


async def test_a_method_of_a_package_is_listed_estimated_set_and_started(tmp_path):
    with installed(written(tmp_path / "site")):
        session = new_project(tmp_path / "p")
        rows = [{"instruction": f"What is tool {n} for?", "output": "For wood."} for n in range(5)]
        await bring_in(session, tmp_path / "rows.jsonl", rows)
        chat = model(session, lambda request: "And why is that so?")
        async with opened(session) as (app, pilot):
            await pilot.press("2", "m")
            await until(pilot, lambda text: "Follow-up questions" in text)
            await pilot.press("j", "j")
            await until(pilot, lambda text: "5 questions, 5 requests" in text)
            assert "accepted rows" in text_of(app)
            await press(pilot, "o")
            assert "Settings of Follow-up questions" in text_of(app)
            await press(pilot, "backspace", "3", "enter")
            await until(pilot, lambda text: "3 questions, 3 requests" in text)
            await press(pilot, "enter")
            assert board(app)[0].startswith("done 3/3")
            assert len(chat.asked) == 3
        await session.close()
