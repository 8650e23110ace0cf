from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.alpaca.rows import Sft
from studio.methods.self_instruct import instances
from studio.methods.self_instruct.instances import MOST, Instance
from studio.methods.self_instruct.prompts import FILES
from studio.methods.self_instruct.rules import RULES


def generated(reply):
    return instances.read(reply, classification=False)


def classified(reply):
    return instances.read(reply, classification=True)


def kept(*found, finish_reason="stop"):
    return instances.keep("Do it", [Instance(*pair) for pair in found], finish_reason=finish_reason)


def rules(found):
    return [dropped.rejection.rule for dropped in found.dropped]


class TestInputFirst:
    @pytest.mark.parametrize(
        "reply",
        [
            "Example 1\nInput: 2 + 2\nOutput: 4\nExample 2\nInput: 3 + 3\nOutput: 6",
            "Example 1:\nInput: 2 + 2\nOutput: 4\n\nExample 2:\nInput: 3 + 3\nOutput: 6\n",
            "**Example 1**\n**Input:** 2 + 2\n**Output:** 4\n\n**Example 2**\n**Input:** 3 + 3\n**Output:** 6",
            "### Example 1\nInput:\n2 + 2\nOutput:\n4\n### Example 2\nInput:\n3 + 3\nOutput:\n6",
            "示例 1\n输入：2 + 2\n输出：4\n示例 2\n输入：3 + 3\n输出：6",
            "示例一：\n输入：2 + 2\n输出：4\n示例二：\n输入：3 + 3\n输出：6",
            "Task: Add the numbers.\nExample 1\nInput: 2 + 2\nOutput: 4\nExample 2\nInput: 3 + 3\nOutput: 6",
            "Example 1\nInput: 2 + 2\nOutput: 4\nExample 2\nInput: 3 + 3\nOutput: 6\nTask: Another\nOutput: no",
            "Here you are:\nExample 1\n2 + 2\nOutput: 4\nExample 2\nInput: 3 + 3 Output: 6",
        ],
    )
    def test_two_examples_however_they_are_labelled(self, reply):
        assert generated(reply) == [Instance("2 + 2", "4"), Instance("3 + 3", "6")]

    @pytest.mark.parametrize("reply", ["Output: A song.\nIt has lines.", "输出：A song.\nIt has lines."])
    def test_a_task_without_input(self, reply):
        assert generated(reply) == [Instance("", "A song.\nIt has lines.")]

    @pytest.mark.parametrize("written", ["<noinput>", "None", "N/A", "(no input)", "无", "（无）", "无输入", ""])
    def test_words_for_no_input(self, written):
        assert generated(f"Example 1\nInput: {written}\nOutput: 4") == [Instance("", "4")]

    def test_other_labels_belong_to_the_input(self):
        assert generated("Example 1\nSentence: It rains.\nOutput: wet") == [Instance("Sentence: It rains.", "wet")]

    def test_an_example_without_an_output_label_is_an_output(self):
        assert generated("Example 1\nRun fast.\nExample 2\nRun slowly.") == [
            Instance("", "Run fast."),
            Instance("", "Run slowly."),
        ]

    def test_a_second_input_without_a_number_ends_the_first_output(self):
        assert generated("Input: a\nOutput: b\nInput: c\nOutput: d") == [Instance("a", "b")]

    @pytest.mark.parametrize("reply", ["", "I cannot do that.", "Task: Another one"])
    def test_a_reply_without_labels_has_none(self, reply):
        assert generated(reply) == []


class TestOutputFirst:
    @pytest.mark.parametrize(
        "reply",
        [
            "Class label: good\nInput: Warm soup.\nClass label: bad\nInput: Cold soup.",
            "Class label: good\nWarm soup.\n\nClass label: bad\nCold soup.",
            "**Class label:** good\n**Input:** Warm soup.\n\n**Class label:** bad\n**Input:** Cold soup.",
            "Example 1\nClass label: good\nInput: Warm soup.\nExample 2\nClass label: bad\nInput: Cold soup.",
            "类别标签：good\n输入：Warm soup.\n类别标签：bad\n输入：Cold soup.",
            "Example 1\nInput: Warm soup.\nClass label: good\nExample 2\nInput: Cold soup.\nClass label: bad",
        ],
    )
    def test_each_label_gets_its_own_input(self, reply):
        assert classified(reply) == [Instance("Warm soup.", "good"), Instance("Cold soup.", "bad")]

    def test_labels_alone(self):
        assert classified("Class label: yes\nClass label: no") == [Instance("", "yes"), Instance("", "no")]

    def test_a_reply_without_labels_has_none(self):
        assert classified("Output: good") == []


class TestShippedPrompts:
    @pytest.mark.parametrize("language", ["en", "zh"])
    @pytest.mark.parametrize("profile", ["standard", "small"])
    @pytest.mark.parametrize("classification", [True, False])
    def test_the_demonstrations_are_read_by_the_parser_and_kept_by_the_filters(self, language, profile, classification):
        turns = instances.messages(FILES.load(language, profile), "画一条线", classification=classification)
        replies = [text for role, text in turns if role == "assistant"]
        assert len(replies) >= 4
        for reply in replies:
            found = instances.read(reply, classification=classification)
            result = instances.keep("x", found, finish_reason="stop")
            assert result.rows
            assert not result.dropped
        assert "画一条线" in turns[-1][1]


class TestKeep:
    def test_rows_in_the_order_they_were_written(self):
        found = kept(("b", "2"), ("a", "1"))
        assert found.rows == (
            Sft(instruction="Do it", input="b", output="2"),
            Sft(instruction="Do it", input="a", output="1"),
        )
        assert found.dropped == ()

    @pytest.mark.parametrize(
        ("pair", "rule"),
        [
            (("a", "a"), "copies-input"),
            (("a", ""), "no-output"),
            (("", ""), "no-output"),
            (("Name:", "Ann"), "ends-with-colon"),
            (("a", "As follows:"), "ends-with-colon"),
            (("姓名：", "安"), "ends-with-colon"),
            (("甲", "如下："), "ends-with-colon"),
        ],
    )
    def test_filters_on_one_instance(self, pair, rule):
        found = kept(pair, ("good", "yes"))
        assert [row.input for row in found.rows] == ["good"]
        assert rules(found) == [rule]
        assert rule in RULES

    def test_the_last_instance_of_a_cut_reply_is_dropped(self):
        found = kept(("a", "1"), ("b", "tw"), finish_reason="length")
        assert [row.input for row in found.rows] == ["a"]
        assert rules(found) == ["cut-short"]

    def test_the_same_input_with_two_outputs_drops_the_whole_task(self):
        found = kept(("a", "1"), ("b", "2"), ("a", "3"))
        assert found.rows == ()
        assert rules(found) == ["conflicting-outputs"] * 3
        assert "'1' and '3'" in found.dropped[0].rejection.evidence

    def test_two_outputs_without_input_do_not_conflict(self):
        assert [row.output for row in kept(("", "1"), ("", "2")).rows] == ["1", "2"]

    def test_an_output_that_was_dropped_does_not_conflict(self):
        assert len(kept(("a", "1"), ("a", "a"), ("a", "")).rows) == 1

    def test_repeated_instances_are_kept_once(self):
        found = kept(("a", "1"), ("a", "1"))
        assert len(found.rows) == 1
        assert rules(found) == ["repeated"]

    def test_at_most_five(self):
        found = kept(*((str(number), f"out {number}") for number in range(7)))
        assert [row.input for row in found.rows] == list("01234")
        assert rules(found) == ["over-limit"] * 2

    @given(
        st.lists(st.tuples(st.sampled_from(["", "a", "b", "a:"]), st.sampled_from(["", "a", "1", "2："]))),
        st.booleans(),
    )
    def test_every_instance_is_a_row_or_has_a_reason(self, pairs, cut):
        found = kept(*pairs, finish_reason="length" if cut else "stop")
        told = [(row.input, row.output) for row in found.rows] + [tuple(dropped.instance) for dropped in found.dropped]
        assert sorted(told) == sorted(pairs)
        assert len(found.rows) <= MOST


WORD = st.sampled_from(["rain", "Tell", "写诗", "雨。", "3", "outputs", "一", "(b)", "x=1"])
LINE = st.lists(WORD, min_size=1, max_size=4).map(" ".join)
TEXT = st.lists(LINE, min_size=1, max_size=3).map("\n".join)
LABELS = st.sampled_from([("Example {}", "Input: ", "Output: "), ("示例 {}", "输入：", "输出：")])


@given(LABELS, st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=5))
def test_examples_are_read_back(labels, pairs):
    example, given_label, output_label = labels
    reply = "\n".join(
        f"{example.format(number)}\n{given_label}{given}\n{output_label}{output}"
        for number, (given, output) in enumerate(pairs, start=1)
    )
    assert generated(reply) == [Instance(*pair) for pair in pairs]


@given(
    st.sampled_from([("Class label: ", "Input: "), ("类别标签：", "输入：")]),
    st.lists(st.tuples(TEXT, LINE), min_size=1),
)
def test_classes_are_read_back(labels, pairs):
    reply = "\n".join(f"{labels[0]}{output}\n{labels[1]}{given}" for given, output in pairs)
    assert classified(reply) == [Instance(*pair) for pair in pairs]
