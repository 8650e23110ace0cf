"""Flowing text into lines: nothing is wider than the page, nothing is lost."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from studio.text.display import columns, visible
from studio.tui.flow import beside, flow
from studio.tui.ink import Span

texts = st.text(st.sampled_from([*"abc de\n\t文字，。é👍\x1b\u202e"]) | st.characters(), max_size=80)
spans = st.lists(st.builds(Span, texts, st.sampled_from(["", "muted", "gold"])), max_size=4)


def text(lines):
    return "".join(span.text for line in lines for span in line)


def width(line):
    return sum(columns(span.text) for span in line)


@given(spans, st.integers(2, 40))
def test_no_line_is_wider_than_the_page(spans, room):
    assert all(width(line) <= room for line in flow(spans, room))


@given(spans, st.integers(1, 40))
def test_nothing_but_blanks_at_a_break_is_lost(spans, room):
    whole = "".join(visible(span.text) for span in spans)
    assert "".join(text(flow(spans, room)).split()) == "".join(whole.split())


@given(spans)
def test_a_wide_page_breaks_only_where_the_text_does(spans):
    whole = "".join(span.text for span in spans)
    assert len(flow(spans, 10_000)) == 1 + visible(whole).count("\n")


def test_words_stay_whole_and_chinese_breaks_anywhere():
    assert [text([line]) for line in flow([Span("the tide mill stops")], 9)] == ["the tide ", "mill ", "stops"]
    assert [text([line]) for line in flow([Span("潮汐水车停了")], 7)] == ["潮汐水", "车停了"]


def test_inks_stay_with_their_text():
    assert flow([Span("ab ", "gold"), Span("cd", "muted")], 4) == [[Span("ab ", "gold")], [Span("cd", "muted")]]


def test_a_megabyte_is_cut_with_a_word_about_it():
    start = time.process_time()
    lines = flow([Span("潮" * 1_000_000)], 78)
    assert time.process_time() - start < 1
    assert "980,000 more characters" in text(lines)


def test_two_columns_stand_side_by_side():
    lines = beside([[Span("左")], [Span("b")]], [[Span("right")]], 11)
    assert [text([line]) for line in lines] == ["左   │ right", "b    │ "]
