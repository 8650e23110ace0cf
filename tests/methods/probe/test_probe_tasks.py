from __future__ import annotations

import json
import re
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.methods.probe import facts
from studio.methods.probe.judgement import holds
from studio.methods.probe.prompts import FILES
from studio.methods.probe.tasks import KEYS, Setup, messages, questions

LANGUAGES = ("en", "zh")
HEADS = {
    "en": re.compile(r"^Document \[(\d+)\]\(Title: (.+?)\) (.+)$"),
    "zh": re.compile(r"^文档 \[(\d+)\]（标题：(.+?)）(.+)$"),
}


@st.composite
def setups(draw, task=None, most=40):
    size = draw(st.integers(3, most))
    return Setup(
        task or draw(st.sampled_from(["kv", "documents"])),
        size,
        draw(st.integers(3, min(size, 9))),
        draw(st.integers(1, 4)),
        draw(st.sampled_from(LANGUAGES)),
        draw(st.integers(-5, 10**9)),
    )


def documents(question, language):
    return [HEADS[language].match(line).groups() for line in question.context.split("\n")]


@given(setups())
def test_the_same_setup_asks_the_same_and_all_of_it(setup):
    found = list(questions(setup))
    assert found == list(questions(setup))
    expected = [(sample, index) for sample in range(setup.samples) for index in setup.indices]
    assert [(one.sample, one.index) for one in found] == expected
    assert len(found) == setup.questions


@given(setups("kv"))
def test_the_pairs_are_a_json_object_with_the_asked_one_at_its_place(setup):
    for question in questions(setup):
        pairs = json.loads(question.context)
        assert len(pairs) == setup.size
        assert len({*pairs, *pairs.values()}) == 2 * setup.size
        assert list(pairs)[question.index] == question.asked
        assert pairs[question.asked] == question.answer
        assert all(
            str(uuid.UUID(text)) == text and uuid.UUID(text).version == 4 for pair in pairs.items() for text in pair
        )
        # A pair on each line, as the paper prints them.
        assert question.context.count("\n") == setup.size - 1


@given(setups("documents"))
@settings(max_examples=60)
def test_one_document_holds_the_answer_and_stands_at_its_place(setup):
    for question in questions(setup):
        found = documents(question, setup.language)
        assert [int(number) for number, _, _ in found] == list(range(1, setup.size + 1))
        assert len({title for _, title, _ in found}) == setup.size
        holding = [n for n, (_, title, text) in enumerate(found) if holds(f"{title} {text}", question.answer)]
        assert holding == [question.index]
        assert not holds(question.asked, question.answer)


@given(setups())
@settings(max_examples=60)
def test_only_the_gold_one_moves(setup):
    def rest(question):
        if setup.task == "kv":
            return [pair for pair in json.loads(question.context).items() if pair[0] != question.asked]
        return [one[1:] for n, one in enumerate(documents(question, setup.language)) if n != question.index]

    by_sample = {}
    for question in questions(setup):
        by_sample.setdefault(question.sample, []).append(question)
    for sample in by_sample.values():
        assert len({(one.asked, one.answer) for one in sample}) == 1
        assert all(rest(one) == rest(sample[0]) for one in sample)


def test_samples_and_seeds_ask_different_things_and_more_samples_keep_the_first():
    few = list(questions(Setup("kv", 5, 3, 2, "en", 1)))
    more = list(questions(Setup("kv", 5, 3, 6, "en", 1)))
    other = list(questions(Setup("kv", 5, 3, 2, "en", 2)))
    assert more[: len(few)] == few
    assert len({one.asked for one in [*more, *other]}) == 8


@pytest.mark.parametrize("language", LANGUAGES)
def test_documents_are_made_of_every_kind_and_fact(language):
    told = facts.lore(language)
    asked = {one.asked for one in questions(Setup("documents", 4, 3, 400, language, 7))}
    for kind in told.kinds:
        for fact in kind.facts:
            pattern = re.escape(fact.question).replace(r"\{place\}", ".+")
            assert any(re.fullmatch(pattern, question) for question in asked), fact.question


@pytest.mark.parametrize("language", LANGUAGES)
def test_distractors_are_like_the_question(language):
    """Half tell the same of another place, half something else of the same one, as long as there are kinds left."""
    for question in questions(Setup("documents", 11, 3, 20, language, 3)):
        found = documents(question, language)
        place = (
            re.sub("^.* of ", "", found[question.index][1])
            if language == "en"
            else found[question.index][1].split("的")[0]
        )
        assert sum(place in title for _, title, _ in found) == 1 + 5


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_largest_set_of_documents_can_be_drawn(language):
    question = next(questions(Setup("documents", facts.MOST_DOCUMENTS, 3, 1, language, 1)))
    assert len({title for _, title, _ in documents(question, language)}) == facts.MOST_DOCUMENTS


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_are_different_and_none_holds_another(language):
    words = facts.lore(language).words
    for listed in (words.materials, words.animals, words.family_names, words.first_names):
        assert len(set(listed)) == len(listed)
    for answers in (words.materials, words.animals):
        assert not [(one, other) for one in answers for other in answers if one != other and holds(other, one)]
    assert len(words.place_heads) * len(words.place_tails) > facts.MOST_DOCUMENTS


@pytest.mark.parametrize("language", LANGUAGES)
def test_filler_answers_nothing(language):
    told = facts.lore(language)
    answers = [*told.words.materials, *told.words.animals, *told.words.first_names, *told.words.family_names]
    for kind in told.kinds:
        for sentence in kind.filler:
            assert not [answer for answer in answers if holds(sentence, answer)]
            assert not re.search(r"\d{4}|\{", sentence)


@pytest.mark.parametrize("profile", ["standard", "small"])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("task", ["kv", "documents"])
def test_a_prompt_asks_at_its_end(task, language, profile):
    setup = Setup(task, KEYS["small"], 3, 1, language, 5)
    question = next(questions(setup))
    *before, (role, last) = messages(FILES.load(language, profile), setup, question)
    assert role == "user"
    assert question.context in last
    assert last.index(question.asked, last.index(question.context) + len(question.context)) > len(last) - 150
    assert all(role in ("system", "user", "assistant") for role, _ in before)
    assert not holds(" ".join(content for _, content in before), question.answer)
