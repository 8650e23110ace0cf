"""Deciding on rows by keys: each decision is on disk, undone by u, also after a restart."""

from __future__ import annotations

from studio.alpaca.rows import Sft
from studio.errors import StudioError
from studio.session import Session
from tests.support.projects import new_project
from tests.support.screens import opened, press, text_of, type_in


def status(session, row_id):
    return session.rows.get(row_id).status


def notices(app):
    return [notice.message for notice in app._notifications]


async def test_reject_goes_on_and_undo_comes_back(session):
    async with opened(session) as (app, pilot):
        await press(pilot, "x", "x")
        assert [status(session, row_id) for row_id in (1, 2, 3)] == ["rejected", "rejected", "accepted"]
        assert app.screen.current.id == 3
        await press(pilot, "u")
        assert status(session, 2) == "accepted"
        assert app.screen.current.id == 2
        assert notices(app) == ["undid: reject #2   ctrl+r does it again"]
        await press(pilot, "ctrl+r")
        assert status(session, 2) == "rejected"
        await press(pilot, "u", "u")
        assert status(session, 1) == "accepted"
        # An import is taken back after a question only.
        await press(pilot, "u")
        assert "Take back: import" in text_of(app)
        assert "back. " in text_of(app)  # The question goes on on a second line.
        await press(pilot, "n")
        assert status(session, 1) == "accepted"
        await press(pilot, "u", "y")
        assert notices(app)[-1].startswith("undid: import")


async def test_accept_seed_and_delete(session):
    async with opened(session) as (_, pilot):
        await press(pilot, "x", "k", "a")
        assert status(session, 1) == "accepted"
        await press(pilot, "k", "t")
        assert not session.rows.get(1).seed
        await press(pilot, "d")
        assert session.rows.get(1).evidence == "you deleted it"


async def test_a_restart_shows_the_same_row_and_undoes(project):
    session = Session.open(project, must_write=True)
    async with opened(session) as (_, pilot):
        await press(pilot, "4", "1", "j", "j", "j", "x")
        # Nothing more is written than a kill would leave: the place is kept with the decision.
        place = session.project.recall("stage.seeds")
    await session.close()
    assert place == {"row": 5, "filter": ""}
    session = Session.open(project, must_write=True)
    async with opened(session) as (app, pilot):
        assert app.screen.stage == "seeds"
        assert app.screen.current.id == 5
        await press(pilot, "u")
        assert status(session, 4) == "accepted"
        # It was rejected before the start, so it was not in the view; now it is, with the cursor on it.
        assert app.screen.current.id == 4
    await session.close()


async def test_undo_of_another_stages_row_moves_no_cursor(session):
    made = session.rows.add(session.rows.get(1).row)
    session.rows.reject(made)
    async with opened(session) as (app, pilot):
        await press(pilot, "/")
        await type_in(pilot, "seed:yes")
        await press(pilot, "enter", "j", "j")
        await press(pilot, "u")
        assert status(session, made) == "accepted"
        assert app.screen.current.id == 3


async def test_a_cursor_at_rest_is_remembered(session):
    async with opened(session) as (_, pilot):
        await press(pilot, "j", "j")
        await pilot.pause(0.4)
        assert session.project.recall("stage.seeds") == {"row": 3, "filter": ""}


async def test_the_filter_narrows_says_so_and_is_remembered(session):
    async with opened(session) as (app, pilot):
        await press(pilot, "/")
        await type_in(pilot, "type:preference")
        await press(pilot, "enter")
        assert {row.type for row in session.rows.page(app.screen._entries.ids)} == {"preference"}
        assert "/type:preference  1/10" in text_of(app).splitlines()[0]
        assert session.project.recall("stage.seeds")["filter"] == "type:preference"
        await press(pilot, "/", "ctrl+u", "enter")
        assert len(app.screen._entries) == 80


async def test_a_wrong_filter_says_what_is_right(session):
    async with opened(session) as (app, pilot):
        before = len(app.screen._entries)
        await press(pilot, "/")
        await type_in(pilot, "status:bad")
        await press(pilot, "enter")
        assert "'bad' is not one of pending, accepted, rejected" in notices(app)[0]
        assert len(app.screen._entries) == before


async def test_editing_changes_the_row_and_undo_restores_it(session):
    before = session.rows.get(1).row
    async with opened(session) as (_, pilot):
        await press(pilot, "e")
        await type_in(pilot, "Say: ")
        await press(pilot, "f2")
        assert session.rows.get(1).row.instruction == "Say: " + before.instruction
        await press(pilot, "u")
        assert session.rows.get(1).row == before


async def test_an_edit_is_left_only_when_that_is_meant(session):
    async with opened(session) as (app, pilot):
        await press(pilot, "e")
        await type_in(pilot, "never mind")
        await press(pilot, "escape")
        assert "Leave without saving" in text_of(app)
        await press(pilot, "n", "escape", "y")
        assert app.screen.stage == "seeds"
        assert "never mind" not in session.rows.get(1).row.instruction


async def test_a_row_that_was_only_looked_at_keeps_its_bytes(tmp_path):
    odd = "a\r\nb\rc\x85d\u2028e\x1b[2J ␛ \u202e\x00\tend\n"
    session = new_project(tmp_path / "odd")
    kept = session.rows.get(session.rows.add(Sft(instruction=odd, output=odd)))
    async with opened(session) as (_, pilot):
        await press(pilot, "e", "f2")
        assert session.rows.get(kept.id).row == kept.row
        await press(pilot, "e")
        await type_in(pilot, "!")
        await press(pilot, "f2")
        assert session.rows.get(kept.id).row.instruction == "!" + odd
    await session.close()


async def test_a_new_seed_task(session):
    async with opened(session) as (app, pilot):
        await press(pilot, "n")
        await type_in(pilot, "Name a bird.")
        await press(pilot, "f2")
        assert app.screen.current.row.instruction == "Name a bird."
        assert app.screen.current.seed


async def test_files_come_in(session, tmp_path):
    (tmp_path / "more.jsonl").write_text('{"instruction": "one"}\n{broken\n{"instruction": "two"}\n', encoding="utf-8")
    async with opened(session) as (app, pilot):
        before = len(app.screen._entries)
        await press(pilot, "i")
        await type_in(pilot, f"--seed {tmp_path}/mor")
        await press(pilot, "right")
        await press(pilot, "enter")
        assert len(app.screen._entries) == before + 2
        told = " ".join(notices(app))
        assert "imported 2 rows, 1 set aside in" in told
        assert "more.jsonl:2:2" in told


async def test_a_missing_file_is_named(session):
    async with opened(session) as (app, pilot):
        await press(pilot, "i")
        await type_in(pilot, "/no/such.json")
        await press(pilot, "enter")
        assert "There is no file /no/such.json" in notices(app)[0]


async def test_a_second_opening_reads_only(session, project):
    second = Session.open(project)
    async with opened(second) as (app, pilot):
        assert "read-only" in text_of(app).splitlines()[0]
        await press(pilot, "x")
        assert status(session, 1) == "accepted"
        assert all("Read-only: process" in notice for notice in notices(app))
        assert all(not command.writes for command in app.screen.available())
        for key in ("2", "3", "f4", "5", "6"):
            await press(pilot, key)
    await second.close()


async def test_a_key_of_ones_own(tmp_path, project):
    with (project / "studio.toml").open("a", encoding="utf-8") as file:
        file.write('reject = "z"\n')
    session = Session.open(project, must_write=True)
    async with opened(session) as (app, pilot):
        await press(pilot, "x")
        assert status(session, 1) == "accepted"
        await press(pilot, "z")
        assert status(session, 1) == "rejected"
        assert " z reject" in text_of(app).splitlines()[-1]
    await session.close()


async def test_copying_says_where_it_went(session):
    async with opened(session) as (app, pilot):
        await press(pilot, "y")
        assert notices(app) == ["copied, if your terminal takes OSC 52"]
        assert session.rows.get(1).row.instruction in app.clipboard


async def test_the_palette_finds_and_does(session):
    async with opened(session) as (app, pilot):
        await press(pilot, ":")
        await type_in(pilot, "dedup")
        await press(pilot, "enter")
        assert app.screen.stage == "dedup"


async def test_the_stages_in_a_ring(session):
    async with opened(session) as (app, pilot):
        for stage in ("evolve", "dedup", "position", "check", "export", "seeds"):
            await press(pilot, "]")
            assert app.screen.stage == stage
            assert session.project.recall("stage") == stage
        await press(pilot, "[")
        assert app.screen.stage == "export"


async def test_notices_are_neither_markup_nor_obeyed(session):
    async with opened(session) as (app, pilot):
        app.complain(StudioError("[/]\x1b]0;t\x07", title="[@click=app.quit]x[/]\x9b"))
        for _ in range(200):
            await pilot.pause(0.01)
            if "␇" in text_of(app):
                break
        assert "[/]␛]0;t␇" in text_of(app)
        assert "[@click=app.quit]x[/]\ufffd" in text_of(app)


async def test_tags_and_scores_are_given_by_keys_and_filtered_by(session):
    async with opened(session) as (app, pilot):
        await press(pilot, "number_sign")
        await type_in(pilot, "hard 诗")
        await press(pilot, "enter", "equals_sign")
        await type_in(pilot, "4.5")
        await press(pilot, "enter")
        row = session.rows.get(1)
        assert (row.tags, row.score) == (("hard", "诗"), 4.5)
        assert "#hard  #诗  score 4.5" in text_of(app)
        await press(pilot, "equals_sign")
        await type_in(pilot, "high")
        await press(pilot, "enter")
        assert session.rows.get(1).score == 4.5
        assert "is not a number" in notices(app)[-1]
        await press(pilot, "slash")
        await type_in(pilot, "tag:诗 score:4")
        await press(pilot, "enter")
        assert len(app.screen._entries) == 1
        await press(pilot, "escape")
        assert len(app.screen._entries) > 1
        await press(pilot, "u", "u")
        assert session.rows.get(1).tags == ()


async def test_ctrl_c_tells_the_way_out(session):
    async with opened(session) as (app, pilot):
        await press(pilot, "ctrl+c")
        assert notices(app) == ["q leaves; everything is kept."]
        assert app.is_running


async def test_a_new_project_is_greeted(session):
    async with opened(session, greeting="There was nothing at p: made.") as (app, _):
        assert notices(app) == ["There was nothing at p: made."]
