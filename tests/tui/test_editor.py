"""A row as text for $EDITOR and back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given

from studio.alpaca.rows import RowError, Sft
from studio.errors import StudioError
from studio.tui import editor
from tests.support.row_strategies import rows

ROW = Sft(instruction="name a bird", output="a wren", history=(("q", "a"),))


@given(rows)
def test_text_that_was_not_edited_gives_the_same_row(row):
    assert editor.from_text(editor.to_text(row), row) == row


@pytest.mark.parametrize("text", ["%%% output", "%", "%%", "a\n%%% input\nb", "a\r\nb\rc", "\n", "", "末尾\n\n"])
def test_text_that_looks_like_a_mark_stays_text(text):
    row = Sft(instruction=text, input=text, output=text)
    assert editor.from_text(editor.to_text(row), row) == row


def test_history_is_edited_as_json():
    text = editor.to_text(ROW).replace('"q"', '"which?"')
    assert editor.from_text(text, ROW).history == (("which?", "a"),)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("%%% output", "%%% outptu"), "outptu: is no field of this row"),
        (('"q"', "q"), "history: not JSON"),
        (('"q"', "3"), "history"),
    ],
)
def test_what_makes_no_row_is_refused_by_field(change, told):
    with pytest.raises(RowError, match=told):
        editor.from_text(editor.to_text(ROW).replace(*change), ROW)


def test_the_editor_of_the_person_is_run(monkeypatch):
    monkeypatch.setenv("EDITOR", "sed -i s/wren/heron/")
    assert editor.edit(ROW).output == "a heron"
    monkeypatch.setenv("VISUAL", "sed -i s/wren/owl/")
    assert editor.edit(ROW).output == "a owl"


def test_an_editor_that_fails_leaves_the_row(monkeypatch):
    monkeypatch.setenv("EDITOR", "false")
    assert editor.edit(ROW) == ROW


def test_a_missing_editor_is_named(monkeypatch):
    monkeypatch.setenv("EDITOR", "no-such-editor")
    with pytest.raises(StudioError, match="no-such-editor cannot be run"):
        editor.edit(ROW)


def test_text_that_makes_no_row_is_kept(monkeypatch):
    monkeypatch.setenv("EDITOR", 'sed -i "s/^%%% output/%%% outptu/"')
    with pytest.raises(StudioError, match="The row is as it was") as caught:
        editor.edit(ROW)
    kept = Path(caught.value.hint.removeprefix("Your text is kept in ").removesuffix("."))
    assert "a wren" in kept.read_text(encoding="utf-8")
    kept.unlink()
    kept.parent.rmdir()
