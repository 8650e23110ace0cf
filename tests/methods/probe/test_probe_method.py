"""The position probe as a method: what it plans, asks and takes for an answer, driven by hand."""

from __future__ import annotations

import pytest

from studio.errors import ModelError, RefusedError, UsageError
from studio.methods.asking import Said, Sampling
from studio.methods.probe.method import Probe, setup_of, setup_told, too_long
from studio.methods.probe.prompts import FILES
from studio.methods.probe.tasks import Setup, messages, questions
from studio.settings import ProbeSettings
from tests.support.method_engine import Project, Start, driven

EVERY = [
    pytest.param(task, language, profile, id=f"{task}-{language}-{profile}")
    for task in ("kv", "documents")
    for language in ("en", "zh")
    for profile in ("standard", "small")
]


def start_of(profile="standard", **settings):
    chosen = ProbeSettings(**({"keys": 8, "positions": 4, "samples": 3} | settings))
    return Start(Probe(), Project([]), None, chosen, profile=profile)


def first(start):
    """The first task, and the question that it is about."""
    return next(iter(start.method.tasks(start))), next(questions(start.state))


def ask(start, answer):
    """What is asked, and what becomes of an answer: a text, in which {} is the right one, or a whole Said."""
    task, question = first(start)
    answers = [answer.format(question.answer) if isinstance(answer, str) else answer]
    [asked], result = driven(start.method.attempt(task, start), answers)
    return asked, result


@pytest.mark.parametrize("task", ["kv", "documents"])
def test_every_sample_is_planned_with_its_answer_at_every_position(task):
    start = start_of(task=task)
    tasks = list(start.method.tasks(start))
    assert [one.key for one in tasks] == [(one.sample, one.index) for one in questions(start.state)]
    assert {one.round for one in tasks} == {1, 2, 3}
    assert {one.operation for one in tasks} == {"probe"}
    done = {tasks[0].key, tasks[5].key, (99, 0)}
    assert start.method.total(start, done.__contains__) == (12, 2)


@pytest.mark.parametrize(("task", "language", "profile"), EVERY)
def test_each_question_is_asked_once_and_leaves_nothing_to_chance(task, language, profile):
    start = start_of(profile, task=task, language=language)
    prompts = FILES.load(language, profile)
    for task_, question in zip(start.method.tasks(start), questions(start.state), strict=True):
        [asked], result = driven(start.method.attempt(task_, start))
        assert (asked.role, asked.step, asked.about) == ("teacher", "probing", question.asked)
        assert asked.messages == messages(prompts, start.state, question)
        assert asked.sampling == Sampling(0.0, max_tokens=100, stop=("\n\n",) if profile == "small" else ())
        assert asked.sample == 0
        assert (result.value, result.counts) == ({"right": True}, {"right": 1})
        assert asked.length == (40 if task == "kv" else 10)


def test_a_model_that_thinks_first_gets_room_for_it():
    assert ask(start_of(thinking_room=500), "{}")[0].sampling.max_tokens == 600


@pytest.mark.parametrize(
    ("answer", "right"), [("{}", True), ("It is {}.", True), ("no", False), ("", False), ("nothing\n{}", True)]
)
def test_an_answer_is_right_or_wrong_and_brings_no_rows(answer, right):
    _, result = ask(start_of(), answer)
    assert (result.value, result.counts) == ({"right": right}, {"right": int(right)})
    assert (result.rows, result.changes, result.left) == ((), (), False)


def test_of_an_answer_to_documents_the_first_line_counts():
    assert ask(start_of(task="documents"), "It is {}.\nOr not.")[1].value == {"right": True}
    assert ask(start_of(task="documents"), "Or not.\nIt is {}.")[1].value == {"right": False}


def test_a_model_that_only_thought_is_told_to_get_more_room():
    for text in ("", " \n"):
        with pytest.raises(ModelError) as caught:
            ask(start_of(thinking_room=20), Said(text, "length", "hmm", 120, "the model"))
        assert caught.value.message == "the model thought for 120 tokens and said nothing."
        assert "--thinking-room" in caught.value.hint
        # Else it would be one question that is refused, and not what dooms every one.
        assert type(caught.value) is ModelError


def test_an_answer_that_was_cut_by_its_length_is_judged_as_it_is():
    start = start_of()
    right = first(start)[1].answer
    assert ask(start, Said(f"{right}, and", "length"))[1].value == {"right": True}
    assert ask(start, Said("The value", "length"))[1].value == {"right": False}


@pytest.mark.parametrize("text", ["", "The value", "{}"])
def test_an_answer_that_a_filter_cut_is_no_answer(text):
    start = start_of()
    said = Said(text.format(first(start)[1].answer), "content_filter")
    with pytest.raises(RefusedError, match="content filter cut an answer") as caught:
        ask(start, said)
    assert "--seed" in caught.value.hint


def test_an_empty_answer_that_was_not_cut_is_a_wrong_one():
    assert ask(start_of(), Said("", "stop"))[1].value == {"right": False}


def test_what_is_asked_stays_what_it_was_when_settings_change():
    start = start_of()
    before = [ask(start, "{}")[0].messages, start.method.total(start, bool)]
    start.change(keys=9, positions=3, samples=1, language="zh", seed=1)
    assert [ask(start, "{}")[0].messages, start.method.total(start, bool)] == before


# -- the setup -------------------------------------------------------------------------------------


def test_the_number_of_pairs_suits_the_model_unless_it_is_said():
    assert [setup_of(ProbeSettings(), profile).size for profile in ("standard", "small")] == [75, 25]
    assert {setup_of(ProbeSettings(keys=9), profile).size for profile in ("standard", "small")} == {9}
    assert setup_of(ProbeSettings(task="documents", keys=9), "small").size == 10


@pytest.mark.parametrize(
    ("settings", "message", "hint"),
    [
        ({"keys": 2}, "A probe needs at least 3 keys.", "Raise --keys."),
        ({"keys": 1, "positions": 9}, "A probe needs at least 3 keys.", "Raise --keys."),
        ({"keys": 4}, "4 keys have no 5 positions.", "Raise --keys, or lower --positions."),
        (
            {"task": "documents", "documents": 9, "positions": 10},
            "9 documents have no 10 positions.",
            "Raise --documents, or lower --positions.",
        ),
    ],
)
def test_settings_that_make_no_curve_are_refused(settings, message, hint):
    with pytest.raises(UsageError) as caught:
        setup_of(ProbeSettings(**settings), "standard")
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_as_many_places_as_positions_will_do():
    assert setup_of(ProbeSettings(keys=3, positions=3), "standard").indices == (0, 1, 2)


def test_a_run_tells_its_setup():
    told = {"task": "documents", "documents": 12, "samples": 3, "unknown": 1}
    assert setup_told(told, "small") == Setup("documents", 12, 5, 3, "en", 42)
    assert setup_told({}, "small").size == 25


def test_own_prompts_of_the_language_it_speaks_alone_make_another_probe():
    assert [start_of(language=one).method.speaks(start_of(language=one)) for one in ("en", "zh")] == [("en",), ("zh",)]


@pytest.mark.parametrize(
    ("setup", "numbers", "hint"),
    [
        # 8 pairs take 800 tokens besides 100 of the frame; 500 hold 0.97 * 4.
        (Setup("kv", 8, 3, 1, "en", 42), {"taken": 900, "empty": 100, "context": 600}, "About 3 fit: --keys 3"),
        (Setup("documents", 80, 3, 1, "en", 42), {"taken": 900, "empty": 100, "context": 600},
         "About 38 fit: --documents 38"),
        (Setup("kv", 8, 4, 1, "en", 42), {"taken": 900, "empty": 100, "context": 600},
         "Choose a model with a longer context."),
        (Setup("kv", 8, 3, 1, "en", 42), {"taken": 900, "empty": 100, "context": 150},
         "Choose a model with a longer context."),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_with_how_many_would(setup, numbers, hint):
    error = too_long(setup, "the model", answer=100, **numbers)
    assert error.hint == hint
    kind = "keys" if setup.task == "kv" else "documents"
    assert error.message == (
        f"{setup.size} {kind} take 900 tokens, and an answer up to 100; the model holds {numbers['context']} in all. "
        "Nothing was asked."
    )
