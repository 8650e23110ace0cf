from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.curate.selecting.pool import CLASSES, KINDS, SeedTask, balance, beginning, class_names, class_of, share
from studio.curate.selecting.pool_report import heading, sections
from studio.text.tokens import language, units

TASKS = st.lists(
    st.builds(
        SeedTask,
        st.sampled_from(["Describe a plane.", "Sort the tools.", "说说木匠的刨子。", "判断对错。", "", "…"])
        | st.text(max_size=40),
        st.sampled_from(["", " ", "a saw", "锯子"]),
        st.sampled_from(["", "yes", "对"]),
        st.sampled_from([(), ("hard",), ("难", "hard")]),
        st.booleans(),
        st.booleans(),
    ),
    max_size=20,
)


def task(instruction, input="", *, classification=False):
    return SeedTask(instruction, input, "out", (), classification, True)


def test_a_pool_in_numbers():
    pool = balance(
        [
            SeedTask("Classify the tool.", "a saw", "hand tool", ("hard",), True, True),
            SeedTask("Please describe the old plane.", "", "", (), False, False),
            SeedTask("请翻译下面这句话。", "Good wood.", "好木头。", ("hard", "译"), False, True),
        ]
    )
    assert pool.kinds == {
        "en": {"classification": 1, "with input": 0, "open": 1},
        "zh": {"classification": 0, "with input": 1, "open": 0},
    }
    assert (pool.guessed, pool.no_input, pool.no_output) == (1, 1, 1)
    assert pool.tags == {"hard": 2, "译": 1}
    assert pool.beginnings["en"] == {"classify": {"tool": 1}, "describe": {"old": 1}}
    assert pool.beginnings["zh"] == {"翻译": {"下面": 1}}
    assert pool.missing == [
        "only 3 of the 8 tasks that a request shows",
        "no English task with an input",
        "no Chinese classification task",
        "no Chinese open task",
    ]


def test_a_language_without_any_task_is_said_once():
    pool = balance([task("说说木匠的刨子。"), task("分类。", classification=True), task("翻译。", "wood")] * 3)
    assert pool.missing == ["no English task"]


def test_few_classification_tasks_are_said_against_the_papers_share():
    english = [task("Describe a plane."), task("Sum it up.", "text")] * 20
    chinese = [task("说说木匠的刨子。"), task("翻译这句话。", "wood")] * 20
    labelled = [task("Decide whether it is wood.", classification=True), task("判断是不是木头。", classification=True)]
    assert balance([*english, *chinese, *labelled]).missing == ["few classification tasks: 2%, the paper had 15%"]
    assert balance([*english, *chinese, *labelled * 4]).missing == []


@pytest.mark.parametrize(
    ("instruction", "parts"),
    [
        ("Write a short poem about fog.", ("write", "poem")),
        ("Could you please list the tools?", ("list", "tools")),
        ("Sort!", ("sort", "")),
        ("请你用三句话解释潮汐。", ("用三", "句话")),
        ("为什么高原上煮饭不容易熟？", ("为什么", "高原")),
        ("帮我翻译。", ("翻译", "")),
        ("用 Python 写一个函数，返回最长的词。", ("用", "")),
        ("", ("", "")),
        ("。！", ("", "")),
    ],
)
def test_how_an_instruction_begins(instruction, parts):
    assert beginning(instruction) == parts


def test_classes_of_lengths_meet_without_a_gap():
    names = class_names()
    assert [names[class_of(n)] for n in (0, 1, 8, 9, 256, 257, 10_000)] == [
        "0",
        "1-8",
        "1-8",
        "9-16",
        "129-256",
        "257+",
        "257+",
    ]
    assert len(names) == len(CLASSES) + 1


def test_a_share_never_hides_a_task():
    assert [share(n, of) for n, of in ((0, 5), (1, 1000), (26, 175), (5, 5), (0, 0))] == [
        "0%",
        "<1%",
        "15%",
        "100%",
        "0%",
    ]


@given(TASKS)
def test_every_task_is_counted_once_in_each_section(tasks):
    pool = balance(tasks)
    n = len(tasks)
    assert pool.tasks == sum(pool.of_kind(kind) for kind in KINDS) == sum(pool.instructions) == sum(pool.outputs) == n
    assert sum(map(pool.of_language, ("en", "zh"))) == n
    begun = sum(sum(following.values()) for openings in pool.beginnings.values() for following in openings.values())
    assert begun == sum(bool(beginning(one.instruction)[0]) for one in tasks)
    assert pool.no_output == sum(not units(one.output) for one in tasks)
    assert pool.tags.get("hard", 0) == sum("hard" in one.tags for one in tasks)
    assert heading(pool)[1:] == [f"! {told}" for told in pool.missing]
    assert bool(sections(pool)) == bool(tasks)
    # msgspec structs compare their dicts, and dicts do not mind the order.
    assert balance(reversed(tasks)) == pool


@given(st.text())
def test_a_beginning_is_in_the_text(instruction):
    first, _ = beginning(instruction)
    if first and instruction.isascii():
        assert first in instruction.lower()
    assert bool(first) <= bool(units(instruction))
    assert language(instruction) in ("en", "zh")
