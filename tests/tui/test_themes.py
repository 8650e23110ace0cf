"""Loading themes: what is right is taken, what is not is left out with one line about it."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.style import Style

from studio.tui import themes
from studio.tui.ink import Ink, Span

SHIPPED = Path(__file__).parents[2] / "themes"
INK = (SHIPPED / "ink.toml").read_text(encoding="utf-8")


def test_the_shipped_ones_are_there_without_a_problem():
    found, problems = themes.load([SHIPPED])
    assert {"ink", "paper", "contrast", "terminal"} <= found.keys()
    assert not problems
    assert themes.DEFAULT in found
    assert themes.WITHOUT_COLOUR in found


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('name = "ink"', "name = "), "Invalid value"),
        (('name = "ink"', 'name = "ink"\ncolour = "red"'), "colour"),
        (('accept = "#8cc98f"', 'accept = "greenish"'), "accept = 'greenish' is no colour"),
        (('accept = "#8cc98f"\n', ""), "[variables] lacks accept"),
    ],
)
def test_a_broken_one_is_left_out_with_its_reason(tmp_path, change, told):
    (tmp_path / "mine.toml").write_text(INK.replace(*change), encoding="utf-8")
    found, problems = themes.load([tmp_path])
    assert not found
    assert problems[0].startswith("mine.toml: ")
    assert told in problems[0]


def test_the_persons_own_wins(tmp_path):
    (tmp_path / "ink.toml").write_text(INK.replace("#14171c", "#000010"), encoding="utf-8")
    assert themes.load([SHIPPED, tmp_path])[0]["ink"].background == "#000010"


def test_the_cursor_is_seen_without_colours():
    variables = themes.load([SHIPPED])[0]["terminal"].variables
    strip = Ink(variables, colours=False).strip([Span("here", "accept")], 10, Style(), cursor=True)
    assert all(segment.style.reverse for segment in strip)


def test_a_line_is_as_wide_as_it_is_told_and_safe():
    ink = Ink(themes.load([SHIPPED])[0]["ink"].variables)
    for text in ("\x1b[2J文字", "潮" * 20, "a\tb\nc", ""):
        strip = ink.strip([Span("> ", "muted"), Span(text)], 9, Style())
        assert strip.cell_length == 9
        assert strip.text.isprintable()
