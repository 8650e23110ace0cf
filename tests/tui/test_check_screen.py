"""The Check stage by keys: groups, the place in the row, fixes after a look, waivers, undo, restarts."""

from __future__ import annotations

import pytest

from studio.alpaca.rows import Pretrain, Sft
from studio.session import Session
from studio.tui.details.issues import change_spans
from studio.tui.details.rows import Mark, field_lines
from studio.tui.issue_groups import Spot
from tests.support.projects import new_project
from tests.support.screens import opened, press, text_of, type_in

TOKEN, EDGE, EMPTY = (2, "control-token"), (2, "edge-whitespace"), (1, "empty-output")


@pytest.fixture
async def session(tmp_path):
    session = new_project(tmp_path / "p")
    for number in range(1, 5):
        session.rows.add(Sft(f"说出第 {number} 种水果。", "", f"第 {number} 种是梨。<|im_end|>"))
    session.rows.add(Sft("Name a fruit.", "", "Pear. "))
    session.rows.add(Sft("Say nothing.", "", ""))
    yield session
    await session.close()


def entries(app):
    """The list's entries: a group by its code, an issue by its row."""
    groups = app.screen.groups
    found = [groups.at(index) for index in range(len(groups))]
    return [group.code if one is None else one.row for group, one in found]


def go_to(app, *spot):
    app.screen.move_to(app.screen.groups.index_of(Spot(*spot)))


def under_cursor(app):
    return app.screen.groups.spot(app.screen.list.cursor)


def output(session, row):
    return session.rows.get(row).row.output


def notices(app):
    return [notice.message for notice in app._notifications]


async def open_tokens(app, pilot):
    await press(pilot, "5")
    go_to(app, TOKEN)
    await press(pilot, "space")


async def test_codes_with_counts_open_and_close(session):
    async with opened(session) as (app, pilot):
        await press(pilot, "5")
        assert entries(app) == ["empty-output", "control-token", "edge-whitespace"]
        assert "✗ 1  ! 5" in text_of(app).splitlines()[0]
        go_to(app, TOKEN)
        await press(pilot, "space")
        assert entries(app) == ["empty-output", "control-token", 1, 2, 3, 4, "edge-whitespace"]
        await press(pilot, "j", "j")
        assert under_cursor(app) == Spot(TOKEN, 2)
        await press(pilot, "space")
        assert entries(app) == ["empty-output", "control-token", "edge-whitespace"]
        assert under_cursor(app) == Spot(TOKEN)
        await press(pilot, "enter", "j", "enter")
        assert app.screen.stage == "seeds"
        assert app.screen.current.id == 1


async def test_the_page_tells_the_rule_the_fix_and_the_place(session):
    async with opened(session) as (app, pilot):
        await open_tokens(app, pilot)
        picture = text_of(app)
        assert "F mends 4, after a look at what it changes" in picture
        await press(pilot, "j", "J")
        page = "\n".join("".join(span.text for span in line) for line in app.screen.page._lines)
        assert "! control-token A chat template's control token in the text." in page
        assert "f: output  第 1 种是梨。<{+ +}|im_end|>" in page
        assert "▸ output\n第 1 种是梨。»<|im_end|>«" in page
        assert page.index("▸ output") < page.index("instruction")


async def test_f_fixes_one_and_the_next_comes_under_the_cursor(session):
    async with opened(session) as (app, pilot):
        await open_tokens(app, pilot)
        await press(pilot, "j", "j", "f")
        assert output(session, 2) == "第 2 种是梨。< |im_end|>"
        assert entries(app) == ["empty-output", "control-token", 1, 3, 4, "edge-whitespace"]
        assert under_cursor(app) == Spot(TOKEN, 3)
        await press(pilot, "u")
        assert output(session, 2) == "第 2 种是梨。<|im_end|>"
        assert under_cursor(app) == Spot(TOKEN, 2)
        go_to(app, EMPTY)
        await press(pilot, "space", "j", "f")
        assert notices(app) == ["empty-output has no automatic fix here; e edits the row"]


async def test_capital_f_shows_what_it_would_change_and_asks(session):
    async with opened(session) as (app, pilot):
        await open_tokens(app, pilot)
        await press(pilot, "F")
        picture = text_of(app)
        assert "Fix control-token in 4 rows?" in picture
        assert "#4 output  第 4 种是梨。<{+ +}|im_end|>" in picture
        await press(pilot, "enter")
        assert output(session, 1).endswith("<|im_end|>")
        await press(pilot, "F", "y")
        assert [output(session, row)[-11:] for row in (1, 2, 3, 4)] == ["< |im_end|>"] * 4
        assert entries(app) == ["empty-output", "edge-whitespace"]
        assert under_cursor(app) == Spot(EDGE)
        await press(pilot, "u")
        assert entries(app) == ["empty-output", "control-token", 1, 2, 3, 4, "edge-whitespace"]
        go_to(app, EMPTY)
        await press(pilot, "F")
        assert notices(app) == ["empty-output has no automatic fix; e edits a row"]


async def test_an_issue_is_let_pass_with_a_reason_and_counts_again(session):
    async with opened(session) as (app, pilot):
        await open_tokens(app, pilot)
        await press(pilot, "j", "w")
        assert "Let control-token pass in #1" in text_of(app)
        await press(pilot, "escape")
        assert session.rows.get(1).waived == {}
        await press(pilot, "w")
        await type_in(pilot, "讲模板的")
        await press(pilot, "enter")
        assert session.rows.get(1).waived == {"control-token": "讲模板的"}
        assert under_cursor(app) == Spot(TOKEN, 2)
        assert "✗ 1  ! 4  ○ 1" in text_of(app).splitlines()[0]
        await press(pilot, "v", "G", "space", "j")
        assert under_cursor(app) == Spot((3, "control-token"), 1)
        assert "○ waived: 讲模板的" in text_of(app)
        await press(pilot, "w")
        assert session.rows.get(1).waived == {}
        await press(pilot, "u")
        assert session.rows.get(1).waived == {"control-token": "讲模板的"}
        await press(pilot, "v")
        assert entries(app) == ["empty-output", "control-token", 2, 3, 4, "edge-whitespace"]


async def test_a_whole_code_is_let_pass_and_that_lasts(tmp_path, session):
    async with opened(session) as (app, pilot):
        await open_tokens(app, pilot)
        await press(pilot, "W")
        await type_in(pilot, "ours")
        await press(pilot, "enter")
        assert [session.rows.get(row).waived for row in (1, 4)] == [{"control-token": "ours"}] * 2
        await press(pilot, "v")
        go_to(app, (3, "control-token"))
        await press(pilot, "space", "j", "j")
        await pilot.pause(0.4)
    await session.close()
    session = Session.open(tmp_path / "p", must_write=True)
    async with opened(session) as (app, pilot):
        assert app.screen.stage == "check"
        assert entries(app) == ["empty-output", "edge-whitespace", "control-token", 1, 2, 3, 4]
        assert under_cursor(app) == Spot((3, "control-token"), 2)
        await press(pilot, "W")
        assert all(session.rows.get(row).waived == {} for row in (1, 2, 3, 4))
    await session.close()


async def test_a_rejected_row_is_gone_and_an_accepted_one_is_passed(session):
    async with opened(session) as (app, pilot):
        await open_tokens(app, pilot)
        await press(pilot, "j", "x")
        assert session.rows.get(1).status == "rejected"
        assert under_cursor(app) == Spot(TOKEN, 2)
        await press(pilot, "a")
        assert under_cursor(app) == Spot(TOKEN, 3)


async def test_an_edit_is_checked_and_only_that_row(session, monkeypatch):
    async with opened(session) as (app, pilot):
        await open_tokens(app, pilot)
        looked = []
        original = session.files.issues_of
        monkeypatch.setattr(session.files, "issues_of", lambda stored: looked.append(stored.id) or original(stored))
        await press(pilot, "j")
        session.rows.edit(3, Sft("第三种？", "", "梨。"))
        app.screen.decided()
        assert looked == [3]
        assert entries(app) == ["empty-output", "control-token", 1, 2, 4, "edge-whitespace"]


async def test_what_was_decided_elsewhere_shows_on_return(session):
    async with opened(session) as (app, pilot):
        await open_tokens(app, pilot)
        await press(pilot, "1")
        session.rows.reject(2)
        session.rows.add(Sft("A new one.", "", "With a token.<|im_end|>"))
        await press(pilot, "5")
        assert entries(app) == ["empty-output", "control-token", 1, 3, 4, 7, "edge-whitespace"]


async def test_more_rows_than_can_be_checked_at_once_are_checked_beside(session, monkeypatch):
    monkeypatch.setattr("studio.tui.screens.check._AT_ONCE", 2)
    async with opened(session) as (app, pilot):
        await open_tokens(app, pilot)
        await press(pilot, "F", "y")
        assert entries(app) == ["empty-output", "edge-whitespace"]


async def test_too_little_text_stands_at_the_top(session):
    session.rows.add(Pretrain("潮水来了。"))
    async with opened(session) as (app, pilot):
        await press(pilot, "5")
        assert entries(app)[0] == "too-few-tokens"
        assert "less than one sample of 2,048" in text_of(app)
        await press(pilot, "w", "f", "space")
        assert entries(app)[0] == "too-few-tokens"
        session.rows.reject(7)
        app.screen.decided()
        assert "too-few-tokens" not in entries(app)


async def test_a_rule_that_cannot_be_is_told_and_the_stage_stays_open(tmp_path, session):
    await session.close()
    (tmp_path / "p" / "studio.toml").write_text("[rules.mine]\npattern = '('\n", encoding="utf-8")
    session = Session.open(tmp_path / "p", must_write=True)
    async with opened(session) as (app, pilot):
        await press(pilot, "5", "j", "f", "w", "space", "r")
        assert any("[rules.mine]: pattern is no regular expression" in notice for notice in notices(app))
        assert app.screen.stage == "check"
    await session.close()


@pytest.mark.parametrize("size", [(80, 24), (160, 48), (24, 8)])
async def test_any_size_of_terminal(session, size):
    async with opened(session, size=size) as (app, pilot):
        await open_tokens(app, pilot)
        await press(pilot, "j", "F", "escape", "w", "escape")
        assert all(len(line) <= size[0] for line in text_of(app).splitlines())


# -- the lines themselves --------------------------------------------------------------------------


def shown(lines):
    return ["".join(span.text for span in line) for line in lines]


def test_a_mark_deep_in_a_text_is_in_sight():
    text = "潮" * 1000 + "BAD" + "水" * 10
    lines = shown(field_lines("output", text, 40, Mark("output", (1000, 1003))))
    assert lines[0] == "▸ output"
    assert "760 characters before" in lines[1]
    assert sum("»BAD«" in line for line in lines) == 1


def test_a_mark_in_history_and_in_media_stands_at_its_turn():
    history = (("你好", "您好"), ("q", "an answer"))
    lines = shown(field_lines("history", history, 40, Mark("history[1][1]", (3, 9))))
    assert lines[1:] == ["→ 你好", "← 您好", "→ q", "← an »answer«"]
    assert shown(field_lines("images", ("a.png", "b.png"), 40, Mark("images[1]")))[1:] == ["a.png", "»b.png«"]
    assert shown(field_lines("output", "", 40, Mark("output"))) == ["▸ output", "(empty)"]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("Pear. ", "Pear.", "Pear.[- -]"),
        ("\n梨", "梨", "[-⏎-]梨"),
        ("a <image> b", "a < image> b", "a <{+ +}image> b"),
        ("x" * 90 + " &amp; " + "y" * 90, "x" * 90 + " & " + "y" * 90, None),
        ("z " * 5000 + "tail ", "z " * 5000 + "tail", None),
    ],
)
def test_a_change_is_told_without_colours_and_without_what_stays(before, after, told):
    from studio.alpaca.checks import FieldChange

    said = "".join(span.text for span in change_spans(FieldChange("output", before, after)))
    assert told is None or said == told
    assert "[-" in said or "{+" in said
    assert len(said) < 120
