"""Only what differs of a line is sent, and nothing of what differs is left out."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st
from rich.style import Style

from studio.text.display import columns
from studio.tui.ink import Ink, Span
from studio.tui.widgets.painted import changed

INK = Ink({"text-muted": "red"})
texts = st.text(st.sampled_from("ab 潮汐\u0301\u200d…\n"), max_size=12)
lines = st.lists(st.builds(Span, texts, st.sampled_from(["", "muted bold"])), max_size=3)


def cells(line, width):
    """What each column shows: a character with the marks on it, and its style."""
    found = []
    for text, style, _ in INK.strip(line, width, Style()):
        for char in text:
            if not columns(char):
                found[-1:] = [(before + char, style) for before, _ in found[-1:]]
            else:
                found += [(char, style)] * max(columns(char), 1)
    return found


@given(lines, lines, st.integers(1, 20))
@example([Span("abcdef")], [Span("abcdefg")], 6)
@example([Span("ab")], [Span("ab\u0301")], 6)
@example([Span("ab", "muted bold")], [Span("ab")], 6)
def test_what_differs_lies_within_what_is_painted(old, new, width):
    start, end = changed(old, new, width)
    assert 0 <= start < end <= width
    before, after = cells(old, width), cells(new, width)
    differ = [at for at, (one, other) in enumerate(zip(before, after, strict=False)) if one != other]
    assert not differ or (start <= differ[0] and differ[-1] < end)


def test_text_that_grows_costs_only_what_is_new():
    assert changed([Span("title", "muted"), Span("one")], [Span("title", "muted"), Span("one two")], 80) == (8, 12)
