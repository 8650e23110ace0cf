from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.methods.self_instruct import bootstrap
from studio.methods.self_instruct.parameters import ALPACA, BOOTSTRAP, CLASSIFICATION, instances
from studio.methods.self_instruct.prompts import FILES

HUMAN = [f"human {number}" for number in range(175)]
MACHINE = [f"machine {number}" for number in range(50)]


def kinds(drawn):
    return Counter(text.split()[0] for text in drawn)


class TestDraw:
    def test_six_human_and_two_machine_made(self):
        for request in range(50):
            drawn = bootstrap.draw(HUMAN, MACHINE, seed=42, request=request)
            assert kinds(drawn) == {"human": 6, "machine": 2}
            assert len(set(drawn)) == 8

    def test_the_first_round_is_human_only(self):
        assert kinds(bootstrap.draw(HUMAN, [], seed=42, request=0)) == {"human": 8}

    def test_one_machine_made_task_is_shown_with_seven_others(self):
        assert kinds(bootstrap.draw(HUMAN, MACHINE[:1], seed=42, request=0)) == {"human": 7, "machine": 1}

    def test_few_seeds_give_a_short_list(self):
        assert kinds(bootstrap.draw(HUMAN[:3], MACHINE, seed=42, request=0)) == {"human": 3, "machine": 2}

    def test_no_seed_task(self):
        with pytest.raises(ValueError, match="seed task"):
            bootstrap.draw([], MACHINE, seed=42, request=0)

    def test_shuffled_so_that_machine_made_ones_stand_anywhere(self):
        places = {
            place
            for request in range(60)
            for place, text in enumerate(bootstrap.draw(HUMAN, MACHINE, seed=1, request=request))
            if text.startswith("machine")
        }
        assert places == set(range(8))

    @given(st.integers(), st.integers(0, 10**6))
    def test_the_same_seed_and_request_give_the_same_examples(self, seed, request):
        drawn = bootstrap.draw(HUMAN, MACHINE, seed=seed, request=request)
        assert drawn == bootstrap.draw(HUMAN, MACHINE, seed=seed, request=request)

    def test_another_seed_or_request_gives_others(self):
        drawn = {bootstrap.draw(HUMAN, MACHINE, seed=seed, request=request) for seed in (1, 2) for request in range(20)}
        assert len(drawn) == 40

    def test_the_draw_does_not_change_from_one_version_to_the_next(self):
        assert bootstrap.draw(HUMAN, MACHINE, seed=42, request=7)[:3] == ("machine 1", "human 15", "human 109")


class TestMessages:
    @pytest.mark.parametrize("language", ["en", "zh"])
    @pytest.mark.parametrize("profile", ["standard", "small"])
    def test_the_list_ends_with_the_next_number(self, language, profile):
        turns = bootstrap.messages(FILES.load(language, profile), ["Answer  this\n question: ", "写一首诗："])
        role, asked = turns[-1]
        assert role == "user"
        assert asked.endswith("1. Answer this question\n2. 写一首诗\n3.")

    def test_a_capable_model_is_told_where_the_list_ends(self):
        (_, asked) = bootstrap.messages(FILES.load("en", "standard"), HUMAN[:8])[-1]
        assert "up to number 15" in asked


class TestRead:
    def test_new_instructions_are_tidied(self):
        found = bootstrap.read(" name  a bird\n10. 写一首\n诗\n", shown=8, finish_reason="stop")
        assert found == (("Name a bird", "写一首 诗"), None)

    def test_a_reply_cut_by_its_length_is_dropped_whole(self):
        found = bootstrap.read("9. Name a bird\n10. Name a f", shown=8, finish_reason="length")
        assert found.instructions == ()
        assert found.rejection.rule == "cut-short"

    def test_nothing_to_read(self):
        assert bootstrap.read(" \n", shown=8, finish_reason="stop").rejection.rule == "unreadable"

    def test_the_list_ends_before_number_16(self):
        reply = "\n".join(f"{number}. Task with number {number}" for number in range(9, 31))
        found = bootstrap.read(reply, shown=8, finish_reason="stop").instructions
        assert found == tuple(f"Task with number {number}" for number in range(9, 16))

    def test_a_cut_beyond_the_list_costs_nothing(self):
        reply = "9. Name a bird\n16. Name a fish\n9. Name a tr"
        assert bootstrap.read(reply, shown=8, finish_reason="length").instructions == ("Name a bird",)


def test_the_papers_parameters():
    assert BOOTSTRAP[:6] == (0.7, 0.5, 1024, 0.0, 2.0, ("\n\n", "\n16", "16.", "16 ."))
    assert (CLASSIFICATION.temperature, CLASSIFICATION.max_tokens) == (0, 3)
    assert (ALPACA.temperature, ALPACA.top_p, ALPACA.max_tokens, ALPACA.stop) == (1, 1, 3072, ("\n20", "20."))
    generated, classified = instances("en", classification=False), instances("zh", classification=True)
    assert (generated.temperature, generated.presence_penalty, generated.max_tokens) == (0, 1.5, 350)
    assert generated.stop == ("Example 6", "Task:")
    assert (classified.max_tokens, classified.stop) == (300, ("示例 6", "示例6", "任务："))


def test_chat_models_are_not_stopped_by_what_they_write_first():
    for parameters in (BOOTSTRAP, ALPACA, instances("en", classification=True), instances("zh", classification=False)):
        assert len(parameters.chat_stop) <= 4
        for opening in ("\n\n", "Task:", "任务：", "in 2020.", "in 2016."):
            assert not any(stop in opening for stop in parameters.chat_stop)
