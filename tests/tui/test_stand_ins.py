"""Stand-ins: an editing widget never holds an unsafe character, and what was not edited comes back exactly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.document._document import Document

from studio.text.display import visible
from studio.tui.stand_ins import StandIns

HOSTILE = "\x1b]52;c;cm0=\x07 ␛ \x9b2J \x00\x7f\r\n\x85\u202e\u2066\u2028 · \ufffd [/] 文"
texts = st.text(st.sampled_from([*HOSTILE, "a", "\n", "\t"]) | st.characters(exclude_categories=["Cs"]), max_size=60)


@given(texts, st.booleans())
def test_what_is_shown_is_safe_and_comes_back_exactly(text, breaks):
    stand_ins = StandIns(text, breaks=breaks)
    shown = stand_ins.show(text)
    assert visible(shown) == shown
    assert len(shown) == len(text)
    assert breaks or not set(shown) & {"\n", "\t"}
    assert stand_ins.restore(shown) == text


@given(texts)
def test_a_text_area_keeps_every_break(text):
    # Textual splits lines at \r, \x0b, \x85, \u2028 and more, and joins them with one kind.
    stand_ins = StandIns(text, breaks=True)
    assert stand_ins.restore(Document(stand_ins.show(text)).text) == text


def test_escape_reads_as_escape():
    assert StandIns("\x1b[2J", breaks=True).show("\x1b[2J") == "␛[2J"


def test_a_picture_that_is_in_the_text_stays_itself():
    text = "␛ and \x1b"
    stand_ins = StandIns(text, breaks=True)
    assert stand_ins.show(text)[0] == "␛"
    assert stand_ins.show(text)[-1] != "␛"
    assert stand_ins.restore(stand_ins.show(text) + "␛") == text + "␛"


def test_more_kinds_than_stand_ins_are_refused():
    odd = "".join(chr(code) for code in range(0xE0000, 0xE0200))
    with pytest.raises(ValueError, match="more kinds"):
        StandIns(odd, breaks=True)
