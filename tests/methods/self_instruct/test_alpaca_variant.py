from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.alpaca.rows import Sft
from studio.methods.self_instruct import alpaca_variant
from studio.methods.self_instruct.instructions import tidy
from studio.methods.self_instruct.prompts import FILES

SEEDS = [Sft(instruction=f"Seed {number}", output="out") for number in range(20)]
ONE = Sft(instruction="Name a bird", output="A wren.")
TWO = Sft(instruction="Add the numbers", input="2\n3", output="5")


def read(reply, finish_reason="stop"):
    return alpaca_variant.read(reply, finish_reason=finish_reason)


def rules(found):
    return [dropped.rejection.rule for dropped in found.dropped]


class TestRequest:
    def test_three_seed_tasks_by_seed_and_request(self):
        drawn = alpaca_variant.draw(SEEDS, seed=42, request=3)
        assert len(set(drawn)) == 3
        assert drawn == alpaca_variant.draw(SEEDS, seed=42, request=3)
        assert len({alpaca_variant.draw(SEEDS, seed=42, request=request) for request in range(20)}) == 20

    def test_fewer_seeds_than_that(self):
        assert len(alpaca_variant.draw(SEEDS[:2], seed=1, request=1)) == 2
        with pytest.raises(ValueError, match="seed task"):
            alpaca_variant.draw([], seed=1, request=1)

    @pytest.mark.parametrize("profile", ["standard", "small"])
    def test_the_prompt_ends_with_the_next_instruction(self, profile):
        shown = [Sft(instruction="Name  a bird: ", output="A wren."), TWO]
        (_, asked) = alpaca_variant.messages(FILES.load("en", profile), shown)[-1]
        assert asked.endswith(
            "###\n1. Instruction: Name a bird\n1. Input:\n<noinput>\n1. Output:\nA wren.\n"
            "###\n2. Instruction: Add the numbers\n2. Input:\n2\n3\n2. Output:\n5\n###\n3. Instruction:"
        )

    def test_chinese_labels(self):
        (_, asked) = alpaca_variant.messages(FILES.load("zh", "standard"), [ONE])[-1]
        assert asked.endswith("###\n1. 指令: Name a bird\n1. 输入:\n<noinput>\n1. 输出:\nA wren.\n###\n2. 指令:")

    def test_a_capable_model_is_asked_for_twenty(self):
        assert "20 different tasks" in alpaca_variant.messages(FILES.load("en", "standard"), [ONE])[-1][1]


class TestRead:
    @pytest.mark.parametrize(
        "reply",
        [
            " name a bird\n4. Input:\n<noinput>\n4. Output:\nA wren.\n###\n"
            "5. Instruction: add the numbers\n5. Input:\n2\n3\n5. Output:\n5",
            "###\n4. Instruction: name a bird\n4. Input:\n<noinput>\n4. Output:\nA wren.\n\n###\n"
            "5. Instruction: add the numbers\n5. Input:\n2\n3\n5. Output:\n5\n###",
            "### 4. Instruction: name a bird\nInput: None\nOutput: A wren.\n"
            "### 5. Instruction: add the numbers\nInput:\n2\n3\nOutput: 5",
            "**4. Instruction:** name a bird\n**4. Input:** <noInput>\n**4. Output:** A wren.\n"
            "**5. Instruction:** add the numbers\n**5. Input:** 2\n3\n**5. Output:** 5",
            "4. 指令：name a bird\n4. 输入：<noinput>\n4. 输出：A wren.\n###\n"
            "5. 指令：add the numbers\n5. 输入：2\n3\n5. 输出：5",
        ],
    )
    def test_two_tasks_however_they_are_written(self, reply):
        assert read(reply) == ((ONE, TWO), ())

    def test_only_the_last_task_of_a_cut_reply_is_dropped(self):
        reply = "4. Instruction: name a bird\n4. Input:\n<noinput>\n4. Output:\nA wren.\n###\n5. Instruction: add the"
        found = read(reply, "length")
        assert found.rows == (ONE,)
        assert rules(found) == ["cut-short"]
        assert rules(read(reply)) == ["unreadable"]

    @pytest.mark.parametrize(
        ("given", "output", "rule"),
        [("wren", "wren", "copies-input"), ("wren", "", "no-output"), ("wren", "These:", "ends-with-colon")],
    )
    def test_instances_that_no_one_can_learn_from(self, given, output, rule):
        found = read(f"4. Instruction: Name a bird\n4. Input:\n{given}\n4. Output:\n{output}")
        assert found.rows == ()
        assert rules(found) == [rule]

    @pytest.mark.parametrize("label", ["4. Instruction:", ""])
    def test_lines_that_look_like_labels_stay_in_a_numbered_task(self, label):
        output = "Input: 3\nOutput: 9"
        found = read(f"{label} Show the run\n4. Input:\n<noinput>\n4. Output:\n{output}\n###\n")
        assert found.rows == (Sft(instruction="Show the run", output=output),)

    @pytest.mark.parametrize("reply", ["", "I cannot do that."])
    def test_nothing_to_read(self, reply):
        assert read(reply) == ((), ())


WORD = st.sampled_from(["Rain", "Tell", "写诗", "雨。", "3", "outputs", "一", "(b)", "x=1"])
LINE = st.lists(WORD, min_size=1, max_size=4).map(" ".join)
TEXT = st.lists(LINE, min_size=1, max_size=3).map("\n".join)
TASKS = st.lists(
    st.builds(Sft, instruction=LINE.map(tidy), input=st.just("") | TEXT, output=TEXT).filter(
        lambda row: row.input != row.output
    ),
    min_size=2,
    max_size=8,
)


@given(st.sampled_from(["en", "zh"]), TASKS)
def test_tasks_as_the_prompt_writes_them_are_read_back(language, tasks):
    (_, asked) = alpaca_variant.messages(FILES.load(language, "small"), tasks)[-1]
    whole, _, _ = asked.rpartition("###\n")
    assert read(whole) == (tuple(tasks), ())
