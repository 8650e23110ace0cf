"""Rows of a view are fetched a window at a time, and only a few windows are kept."""

from __future__ import annotations

from studio.alpaca.rows import Sft
from studio.store.rows import StoredRow
from studio.text.display import columns
from studio.tui.entries import RowEntries, RowWindow, row_line
from tests.support.rows import stored


class Store:
    """A store of any number of rows that remembers what it was asked for."""

    def __init__(self):
        self.asked = []

    def page(self, ids):
        self.asked.append(list(ids))
        return [stored(row_id) for row_id in ids]


def test_a_million_rows_cost_one_window():
    store = Store()
    window = RowWindow(range(1, 1_000_001), store.page)
    assert len(window) == 1_000_000
    assert [window.at(index).id for index in (500_000, 500_001, 500_020)] == [500_001, 500_002, 500_021]
    assert [len(ids) for ids in store.asked] == [64]


def test_old_windows_are_let_go():
    store = Store()
    window = RowWindow(range(1, 10_001), store.page)
    for index in range(0, 10_000, 64):
        window.at(index)
    before = len(store.asked)
    window.at(9_999)
    assert len(store.asked) == before
    window.at(0)
    assert len(store.asked) == before + 1


def test_rows_that_changed_are_fetched_again():
    store = Store()
    window = RowWindow([7, 9], store.page)
    window.at(1)
    window.forget()
    window.at(1)
    assert store.asked == [[7, 9], [7, 9]]


def test_a_row_that_is_not_there_is_a_gap():
    assert RowWindow([7], lambda ids: []).at(0) is None
    assert [span.text for span in RowEntries([7], lambda ids: []).line(0, 80)] == ["…"]


def shown(row: StoredRow, width: int) -> str:
    return "".join(span.text for span in row_line(row, width))


def test_a_row_in_a_line():
    row = stored(12, Sft(instruction="Why do tides turn?\nSay it briefly."), seed=True)
    assert shown(row, 60) == "    12 • ◆ sft          Why do tides turn?⏎Say it briefly."


def test_the_rule_stands_at_the_end_of_a_long_text():
    row = stored(12, Sft(instruction="潮汐" * 100), status="rejected", rule="no-gain", operation="in_breadth")
    line = shown(row, 60)
    assert line.startswith("    12 ✗   in breadth   潮汐")
    assert line.endswith("…  no-gain")
    assert columns(line) == 60
