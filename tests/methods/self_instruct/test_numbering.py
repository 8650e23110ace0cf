from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.methods.self_instruct.numbering import Entry, read_list

NUMERALS = [
    "一",
    "二",
    "三",
    "四",
    "五",
    "六",
    "七",
    "八",
    "九",
    "十",
    "十一",
    "十二",
    "十三",
    "十四",
    "十五",
    "十六",
    "十七",
    "十八",
    "十九",
    "二十",
]


def texts(reply, first=9):
    return [entry.text for entry in read_list(reply, first)]


@pytest.mark.parametrize(
    "reply",
    [
        "9. Name a bird.\n10. Name a fish.",
        " Name a bird.\n10. Name a fish.",
        "9) Name a bird.\n10) Name a fish.",
        "9、Name a bird.\n10、Name a fish.",
        "９．Name a bird.\n１０．Name a fish.",
        "9 . Name a bird.\n10 . Name a fish.",
        "9\\. Name a bird.\n10\\. Name a fish.",
        "(9) Name a bird.\n（10） Name a fish.",
        "九、Name a bird.\n十、Name a fish.",
        "（九）Name a bird.\n（十）Name a fish.",
        "第九题：Name a bird.\n第十题：Name a fish.",
        "任务9：Name a bird.\n任务10：Name a fish.",
        "Task 9: Name a bird.\nTask 10: Name a fish.",
        "Task 9 - Name a bird.\nTask 10 - Name a fish.",
        "**9.** Name a bird.\n**10.** Name a fish.",
        "**Task 9:** Name a bird.\n**Task 10:** Name a fish.",
        "**9. Name a bird.**\n**10. Name a fish.**",
        "9. **Name a bird.**\n10. **Name a fish.**",
        "### Task 9: Name a bird.\n### Task 10: Name a fish.",
        "9. Name a bird.\n\n10. Name a fish.\n\nLet me know if you want more!",
        "Sure! Here are the next tasks:\n\n9. Name a bird.\n10. Name a fish.",
        "9.\nName a bird.\n10.\nName a fish.",
        "1. Name a bird.\n2. Name a fish.",
        "- Name a bird.\n- Name a fish.",
        "• Name a bird.\n• Name a fish.",
        "9. Name a bird.\n9. Name a fish.",
    ],
)
def test_two_tasks_however_they_are_numbered(reply):
    assert texts(reply) == ["Name a bird.", "Name a fish."]


def test_an_entry_may_have_several_lines_and_a_list_of_its_own():
    reply = "9. Sort these:\n   1. pear\n   2. fig\n10. End\nhere."
    assert texts(reply) == ["Sort these:\n   1. pear\n   2. fig", "End\nhere."]


def test_numbers_that_start_again_do_not_join_tasks():
    assert texts("9. Name a bird.\n1. Name a fish.\n2. Name a tree.") == [
        "Name a bird.",
        "Name a fish.",
        "Name a tree.",
    ]


def test_decimals_times_and_years_at_the_start_of_a_line_are_no_numbers():
    assert texts("9. Round this:\n12.5 metres\n10:30 in the morning") == [
        "Round this:\n12.5 metres\n10:30 in the morning"
    ]


def test_words_that_begin_with_a_numeral_are_no_numbers():
    assert texts("九、说出\n十个省份\n十、说出一种茶") == ["说出\n十个省份", "说出一种茶"]


def test_bold_words_inside_an_entry_stay():
    assert texts("9. Compute 2**10 and 3**2.\n10. Explain **why** bread rises.") == [
        "Compute 2**10 and 3**2.",
        "Explain **why** bread rises.",
    ]


def test_a_number_that_is_left_out_does_not_join_two_tasks():
    assert read_list("9. Name a bird.\n11. Name a fish.", 9) == [Entry(9, "Name a bird."), Entry(11, "Name a fish.")]


@pytest.mark.parametrize("reply", ["", "  \n ", "9.", "9. \n10. "])
def test_nothing_there(reply):
    assert read_list(reply, 9) == []


def test_a_text_without_numbers_is_one_entry_up_to_its_empty_line():
    assert texts("Name a bird.\n\nThat is all.") == ["Name a bird."]


STYLES = st.sampled_from(
    ["{}. {}", "{}) {}", "{}、{}", "({}) {}", "**{}.** {}", "Task {}: {}", "任务{}：{}", "第{}题：{}"]
)
WORD = st.sampled_from(["rain", "Tell", "写诗", "雨。", "outputs", "雨", "b)", "x=1"])
LINES = st.lists(WORD, min_size=1, max_size=4).map(" ".join)


@given(STYLES, st.lists(st.lists(LINES, min_size=1, max_size=3), min_size=1, max_size=7), st.booleans(), st.booleans())
def test_what_is_written_as_a_list_is_read_back(style, entries, chinese, spaced):
    written = ["\n".join(lines) for lines in entries]
    numbers = [
        NUMERALS[place + 8] if chinese and "**" not in style else str(place + 9) for place in range(len(entries))
    ]
    reply = ("\n\n" if spaced else "\n").join(style.format(*pair) for pair in zip(numbers, written, strict=True))
    assert read_list(reply, 9) == [Entry(number, text) for number, text in enumerate(written, start=9)]
