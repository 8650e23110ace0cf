"""The one list: what it paints, and how little."""

from __future__ import annotations

import pytest
from textual.app import App

from studio.tui.ink import Span
from studio.tui.widgets.row_list import RowList
from tests.support.screens import text_of


class Numbers:
    """So many entries; asked remembers which were painted."""

    def __init__(self, many):
        self.many, self.asked = many, set()

    def __len__(self):
        return self.many

    def line(self, index, width):
        self.asked.add(index)
        return [Span(f"entry {index}")]


class Harness(App):
    def __init__(self, many):
        super().__init__()
        self.entries = Numbers(many)
        self.rows = RowList(empty="nothing here")
        self.painted = []

    def compose(self):
        yield self.rows

    def on_mount(self):
        self.rows.show(self.entries)
        render = self.rows.render_line
        self.rows.render_line = lambda y: self.painted.append(y) or render(y)

    async def painted_by(self, pilot, work):
        """The lines that the work had painted anew."""
        await pilot.pause()
        self.painted.clear()
        work()
        await pilot.pause()
        await pilot.pause()
        return sorted(self.painted)


@pytest.fixture
async def harness():
    async with Harness(1_000_000).run_test(size=(30, 10)) as pilot:
        await pilot.pause()
        yield pilot.app, pilot


async def test_a_million_entries_are_asked_for_a_screenful(harness):
    app, _ = harness
    assert text_of(app).splitlines() == [f"entry {index}" for index in range(10)]
    assert app.entries.asked == set(range(10))


async def test_a_move_inside_the_view_paints_two_lines(harness):
    app, pilot = harness
    assert await app.painted_by(pilot, lambda: app.rows.move_to(1)) == [0, 1]
    assert app.rows.cursor == 1


async def test_at_its_edge_the_view_jumps_half_a_page(harness):
    app, pilot = harness
    app.rows.move_to(9)
    await app.painted_by(pilot, lambda: app.rows.move_to(10))
    assert text_of(app).splitlines()[0] == "entry 5"


async def test_no_move_paints_nothing(harness):
    app, pilot = harness
    moved = []
    assert await app.painted_by(pilot, lambda: moved.append(app.rows.move_to(-3))) == []
    assert moved == [False]


async def test_the_last_entry_is_at_the_bottom(harness):
    app, pilot = harness
    assert app.rows.move_to(1 << 62)
    await pilot.pause()
    assert text_of(app).splitlines()[-1] == "entry 999999"
    assert app.rows.cursor == 999_999


async def test_the_same_entries_again_paint_nothing(harness):
    app, pilot = harness
    assert await app.painted_by(pilot, lambda: app.rows.show(Numbers(1_000_000))) == []


async def test_rows_that_come_in_above_move_nothing(harness):
    app, pilot = harness
    app.rows.move_to(4)

    class Shifted(Numbers):
        def line(self, index, width):
            return [Span(f"entry {index - 3}")]

    assert await app.painted_by(pilot, lambda: app.rows.show(Shifted(2_000_000), 7)) == []
    assert text_of(app).splitlines()[4] == "entry 4"


async def test_an_empty_list_says_so(harness):
    app, pilot = harness
    app.rows.show(Numbers(0), empty="no row yet")
    await pilot.pause()
    assert text_of(app).strip() == "no row yet"
    assert not app.rows.move_to(5)


async def test_a_smaller_terminal_keeps_the_cursor_in_view(harness):
    app, pilot = harness
    app.rows.move_to(9)
    await pilot.resize_terminal(30, 3)
    await pilot.pause()
    assert "entry 9" in text_of(app)
