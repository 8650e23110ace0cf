"""The six stages at 80x24 as plain text, and what the app does at other sizes and without colours."""

from __future__ import annotations

import pytest

from studio.tui.commands import STAGES
from tests.support.screens import opened, press, same_picture, settled, text_of, type_in


@pytest.mark.parametrize("number", range(1, 7))
async def test_the_stages_at_80x24(session, number):
    session.project.remember("stage.export", {"out": "a-folder"})
    async with opened(session) as (app, pilot):
        await press(pilot, str(number))
        same_picture(app, f"{number}_{STAGES[number - 1]}")


@pytest.mark.parametrize(
    ("key", "name"), [("?", "help"), ("e", "edit"), ("/", "filter"), (":", "palette"), ("i", "import")]
)
async def test_the_dialogs_at_80x24(session, key, name):
    async with opened(session) as (app, pilot):
        await press(pilot, key)
        same_picture(app, name)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
async def test_a_wide_terminal(session, number):
    async with opened(session, size=(160, 30)) as (app, pilot):
        await press(pilot, str(number))
        same_picture(app, f"wide_{number}_{STAGES[number - 1]}")


async def test_a_tiny_terminal_and_back(session):
    async with opened(session) as (app, pilot):
        before = text_of(app)
        await pilot.resize_terminal(20, 5)
        for key in ("1", "e", "escape", ":", "escape", "?", "escape", "2", "3", "f4", "5", "6", "1"):
            await press(pilot, key)
            assert all(len(line) <= 20 for line in text_of(app).splitlines())
        await pilot.resize_terminal(80, 24)
        await settled(pilot)
        assert text_of(app) == before


async def test_without_colours_the_cursor_is_reversed(session, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    async with opened(session, ansi=True) as (app, pilot):
        await press(pilot, "j")
        strips = app.screen.list.render_lines(app.screen.list.size.region)
        reversed_lines = [y for y, strip in enumerate(strips) if all(segment.style.reverse for segment in strip)]
        assert reversed_lines == [1]


@pytest.mark.parametrize("theme", ["ink", "paper", "contrast", "terminal"])
async def test_a_theme_is_picked_in_the_palette_and_remembered(session, theme):
    async with opened(session) as (app, pilot):
        await press(pilot, ":")
        await type_in(pilot, f"theme {theme}")
        await press(pilot, "enter", "2")
        assert app.theme == theme
        assert session.project.recall("theme") == theme
