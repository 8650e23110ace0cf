from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from studio.text.display import columns, one_line, visible

ANYTHING = st.text(st.characters())  # lone surrogates included


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain ASCII, with [markup] and ~",
        "two\nlines\tand a tab",
        "中文，标点。",
        "naïve café",
        "𠀀 한글",
    ],
)
def test_ordinary_text_stays_as_it_is(text):
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]52;c;cm0=\x07", "␛]52;c;cm0=␇"),
        ("\x1b[2J\x00\r\x7f", "␛[2J␀␍␡"),
        ("\x9b31m", "\ufffd31m"),
        ("\ud800x", "\ufffdx"),
        ("abc\u202edcb\u2066", "abc·dcb·"),
        ("z\u200bw\u2060s\ufeff", "z·w·s·"),
        ("one\u2028two\u2029", "one·two·"),
        ("tag\U000e0041\ufff9", "tag··"),
        ("👩\u200d💻 ❤\ufe0f 👍🏽", "👩·💻 ❤· 👍·"),
        ("🇨🇳", "CN"),
    ],
)
def test_what_a_terminal_would_obey_or_hide_is_shown(text, shown):
    assert visible(text) == shown


def test_every_control_and_format_character_is_replaced():
    for code in range(0x110000):
        category = unicodedata.category(chr(code))
        if category in ("Cc", "Cf", "Cs", "Zl", "Zp") and chr(code) not in "\n\t":
            shown = visible(chr(code))
            assert len(shown) == columns(shown) == 1
            assert unicodedata.category(shown) == "So" or shown == "·"


@given(ANYTHING)
def test_nothing_is_deleted_and_twice_is_once(text):
    shown = visible(text)
    assert len(shown) == len(text)
    assert visible(shown) == shown


@given(ANYTHING)
def test_columns_are_those_the_screens_count(text):
    line = one_line(text)
    assert columns(line) == sum(map(cell_len, line))


@given(ANYTHING, st.integers(0, 12))
def test_a_line_fits_its_width_and_is_cut_only_when_it_must(text, width):
    whole, line = one_line(text), one_line(text, width)
    assert columns(line) <= width
    assert "\n" not in line
    assert line == whole or columns(whole) > width


def test_one_line():
    assert one_line("a\tb\nc\r\nd") == "a b⏎c␍⏎d"
    assert one_line("abcdef", 6) == "abcdef"
    assert one_line("abcdefg", 6) == "abcde…"
    assert one_line("数据集工作室", 7) == "数据集…"
    assert one_line("数据集工作室", 8) == "数据集…"
    assert one_line("e\u0301" * 3, 3) == "e\u0301" * 3
    assert one_line("\x1b[31mred", 4) == "␛[3…"
    assert one_line("x", 0) == ""
