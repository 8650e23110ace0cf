"""The Seeds screen: the task pool's balance, hints, classification, copies, new rows of a type, the draw of 8."""

from __future__ import annotations

import pytest

from studio.alpaca.rows import Kto, Multimodal, Sft
from studio.methods.self_instruct import bootstrap
from studio.tui.parts import pool
from tests.support.projects import bring_in
from tests.support.screens import opened, press, same_picture, text_of, type_in


def notices(app):
    return [notice.message for notice in app._notifications]


def tags(session, row):
    return session.rows.get(row).tags


# -- writing ---------------------------------------------------------------------------------------


async def test_a_copy_is_edited_and_added_as_a_seed(session):
    async with opened(session) as (app, pilot):
        original = app.screen.current
        await press(pilot, "D")
        await type_in(pilot, "Copied: ")
        await press(pilot, "f2")
        copy = session.rows.get(session.project.rows.last_id())
        assert (copy.row.instruction, copy.row.output) == (f"Copied: {original.row.instruction}", original.row.output)
        assert (copy.seed, copy.id, session.rows.get(original.id)) == (True, app.screen.current.id, original)
        await press(pilot, "u")
        assert session.rows.get(copy.id).status == "rejected"


async def test_a_copy_that_nobody_changed_is_not_added(session):
    last = session.project.rows.last_id()
    async with opened(session) as (app, pilot):
        await press(pilot, "D", "f2")
        assert "nothing is added" in notices(app)[-1]
    assert session.project.rows.last_id() == last


@pytest.mark.parametrize(
    ("key", "made"),
    [
        ("enter", Sft("写一首诗。")),
        ("g", Kto(instruction="写一首诗。", kto_tag=True)),
        ("b", Kto(instruction="写一首诗。", kto_tag=False)),
    ],
)
async def test_a_new_row_of_a_type(session, key, made):
    async with opened(session) as (_, pilot):
        await press(pilot, "N", key)
        await type_in(pilot, "写一首诗。")
        await press(pilot, "f2")
    row = session.rows.get(session.project.rows.last_id())
    assert (row.row, row.seed) == (made, isinstance(made, Sft))


async def test_a_new_row_about_images_asks_for_them_first(session):
    async with opened(session) as (_, pilot):
        await press(pilot, "N", "m")
        await type_in(pilot, "images/a.png images/b.png")
        await press(pilot, "enter")
        await type_in(pilot, "<image><image>Which is older?")
        await press(pilot, "f2")
    images = ("images/a.png", "images/b.png")
    assert session.rows.get(session.project.rows.last_id()).row == Multimodal(
        "<image><image>Which is older?", images=images
    )


# -- classification --------------------------------------------------------------------------------


async def test_classify_says_the_guess_then_its_opposite_then_nothing_and_undo_takes_it_back(session):
    session.rows.set_tags([1], ["hard"])
    async with opened(session) as (app, pilot):
        assert "no classification? its words ask for no label; c marks it" in text_of(app)
        await press(pilot, "c")
        assert tags(session, 1) == ("hard", "no-classification")
        assert "no classification?" not in text_of(app)
        await press(pilot, "c")
        assert tags(session, 1) == ("hard", "classification")
        await press(pilot, "c")
        assert tags(session, 1) == ("hard",)
        await press(pilot, "u", "u")
        assert tags(session, 1) == ("hard", "no-classification")
        assert "undid: classify as classification" in notices(app)[-1]


async def test_what_the_papers_seed_file_says_counts(session, tmp_path):
    one = {"instruction": "Sing of the harbour at night.", "instances": [{"input": "", "output": "La."}]}
    ids = await bring_in(session, tmp_path / "seed_tasks.jsonl", [one | {"is_classification": True}], seed=True)
    async with opened(session) as (app, pilot):
        await press(pilot, "G")
        app.screen.go_to_row(ids[0])
        await press(pilot, "c")
        assert tags(session, ids[0]) == ("no-classification",)
        await press(pilot, "c")
        assert tags(session, ids[0]) == ()


# -- balance, hints, draw --------------------------------------------------------------------------


async def test_the_balance_at_80x24(session):
    async with opened(session) as (app, pilot):
        await press(pilot, "b")
        same_picture(app, "seeds_balance")
        assert "no Chinese task" in text_of(app)


async def test_the_balance_follows_decisions(session):
    session.rows.add(Sft("判断这句话是不是真的。", "天是绿的。", "不是"), seed=True)
    async with opened(session, size=(120, 40)) as (app, pilot):
        await press(pilot, "b")
        assert "28 seed tasks" in text_of(app)
        assert "no Chinese open task" in text_of(app)
        await press(pilot, "escape", "d", "b")
        assert "27 seed tasks" in text_of(app)


async def test_hints_narrow_the_view_and_stand_below_the_status(session):
    session.rows.add(Sft("Draw a map of the harbour.", "", ""), seed=True)
    async with opened(session) as (app, pilot):
        await press(pilot, "h")
        assert [session.rows.get(row).seed for row in app.screen._entries.ids] == [True] * 3
        assert "! near-duplicate: ROUGE-L 0.92 with #23" in text_of(app)
        await press(pilot, "G")
        assert "! blacklisted: contains 'draw'" in text_of(app)
        assert "! no-output: " in text_of(app)
        await press(pilot, "h")
        assert len(app.screen._entries) > 80
        await press(pilot, "slash")
        await type_in(pilot, "hint:blacklisted harbour")
        await press(pilot, "enter")
        assert list(app.screen._entries.ids) == [session.project.rows.last_id()]
        await press(pilot, "slash")
        await type_in(pilot, "hint:ugly")
        await press(pilot, "enter")
        assert "There is no hint 'ugly'" in notices(app)[-1]
        assert list(app.screen._entries.ids) == [session.project.rows.last_id()]


async def test_a_narrowed_view_is_there_again_after_a_restart(session):
    async with opened(session) as (app, pilot):
        await press(pilot, "h", "j")
        app.screen.remember()
    async with opened(session) as (app, _):
        assert list(app.screen._entries.ids) == [17, 23]
        assert app.screen.current.id == 23


async def test_the_prompt_of_a_request_is_the_methods_own_and_comes_back(session):
    async with opened(session, size=(160, 48)) as (app, pilot):
        await press(pilot, "p")
        first = text_of(app)
        seeds = list(range(1, 28))
        drawn = bootstrap.draw(seeds, [], seed=42, request=0)
        assert f"8 seed tasks, 0 machine-made: {' '.join(f'#{row}' for row in drawn)}" in first
        for number, row in enumerate(drawn, start=1):
            assert f"{number}. {session.rows.get(row).row.instruction[:60]}" in first
        assert "system, sent before that" in first
        await press(pilot, "n")
        assert "Request 2" in text_of(app)
        assert text_of(app) != first
        await press(pilot, "p", "p")
        assert text_of(app) == first


async def test_an_empty_pool_has_no_draw_but_a_balance(session):
    for row in range(1, 28):
        session.rows.set_seed(row, False)
    async with opened(session) as (app, pilot):
        await press(pilot, "p")
        assert "The task pool is empty" in notices(app)[-1]
        await press(pilot, "b")
        assert "no seed task at all" in text_of(app)


async def test_a_large_pool_is_looked_at_when_somebody_asks(session, monkeypatch):
    monkeypatch.setattr(pool, "_AT_ONCE", 5)
    async with opened(session, size=(160, 30)) as (app, pilot):
        assert "not compared with the other seed tasks yet" in text_of(app)
        assert app.screen.pool.hints is None
        await press(pilot, "b")
        assert "27 seed tasks" in text_of(app)
        await press(pilot, "escape", "j")
        assert "not compared" not in text_of(app)
