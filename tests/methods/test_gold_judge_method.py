"""The gold judge as a method: which rows it asks about, with what, and what it changes, driven by hand."""

from __future__ import annotations

import json
import re

import pytest

from studio.alpaca.rows import Sft, encode
from studio.methods.asking import Said, Sampling, Task
from studio.methods.gold_judge import FILES, GoldJudge, messages
from studio.settings import PositionSettings
from tests.support.method_engine import Project, Start, driven

ROWS = {
    "en": Sft(
        "Where is the lamp?",
        "Document [1] The lamp stands in the harbour.\nDocument [2] Nine boats were built of larch.",
        "Nobody knows.",
    ),
    "zh": Sft("灯塔在哪里？", "文档 [1] 灯塔立在港口。\n文档 [2] 用落叶松造了九条船。", "没人知道。"),
}
SECOND = {
    "en": "Passage: 2\nConfidence: 90\nQuote: Nine boats were built",
    "zh": "段落：2\n把握：90\n引文：用落叶松造了九条船",
}
every_language = pytest.mark.parametrize("language", ["en", "zh"])


def start_of(*rows, profile="standard", pattern=None, **fields):
    project = Project([])
    for row in rows or (ROWS["en"],):
        project.add(row, **({"status": "accepted", "generated": False} | fields))
    method = GoldJudge(range(1, len(project.rows) + 1), pattern)
    return Start(method, project, None, PositionSettings(), profile=profile)


def judge(start, *answers, row=1):
    return driven(start.method.attempt(Task((row,), row=row), start), answers)


def test_the_rows_it_is_given_are_asked_about_in_their_order():
    start = start_of(ROWS["en"], ROWS["zh"])
    start.method = GoldJudge([2, 1])
    assert [(task.key, task.row) for task in start.method.tasks(start)] == [((2,), 2), ((1,), 1)]
    assert start.method.total(start, lambda key: False) == (2, 0)
    # The rows keep the verdict: what is asked about is told by them.
    assert not start.method.keeps


@every_language
@pytest.mark.parametrize("profile", ["standard", "small"])
def test_the_judge_is_shown_the_segments_the_question_and_the_answer(language, profile):
    row = ROWS[language]
    [ask], _ = judge(start_of(row, profile=profile), SECOND[language])
    bodies = [re.sub(r"^(Document|文档) ", "", line) for line in row.input.split("\n")]
    for body in bodies:
        assert body.partition("] ")[2] in ask.messages[-1][1]
    prompts = FILES.load(language, profile)
    assert len(ask.messages) == len(messages(prompts, bodies, row.instruction, row.output))
    assert row.output in ask.messages[-1][1]
    assert (ask.role, ask.step, ask.about, ask.sample) == ("judge", "judging", row.instruction, 0)


def test_the_verdict_is_sampled_without_chance_with_room_for_thoughts():
    [ask], _ = judge(start_of(), SECOND["en"])
    assert ask.sampling == Sampling(0.0, 1.0, 2048)
    [ask], _ = judge(start_of(profile="small"), SECOND["en"])
    assert ask.sampling == Sampling(0.0, 1.0, 60, ("\n\n",))


@pytest.mark.parametrize(
    ("reply", "place", "confidence", "evidence"),
    [
        (SECOND["en"], 1, 0.9, 'the judge quotes "Nine boats were built"'),
        ("Passage: 2\nConfidence: 99\nQuote: I made it up", 1, 0.55, 'the judge quotes "I made it up", which is not'),
        ("1", 0, 0.55, "the judge quotes nothing"),
        ("Passage: none", None, 0.0, "the judge names none: Passage: none"),
        ("Passage: 3\nConfidence: 90", None, 0.0, "the judge names none"),
        ("", None, 0.0, "the judge names none"),
        (Said("Passage: 2\nConf", "length", tokens=9), 1, 0.55, "the judge quotes nothing"),
        (Said("Pass", "content_filter"), None, 0.0, "the judge names none: Pass"),
        (Said(SECOND["en"], thinking="Passage: 1"), 1, 0.9, 'the judge quotes "Nine boats were built"'),
    ],
)
def test_a_verdict_of_any_shape_is_a_change_of_the_row_that_was_asked_about(reply, place, confidence, evidence):
    _, result = judge(start_of(), reply)
    [change] = result.changes
    assert (change.row, change.body) == (1, encode(ROWS["en"]).decode())
    why = json.loads(change.fields["gold_why"])
    assert set(change.fields) == {"gold", "gold_why"}
    assert (change.fields["gold"], why["by"], why["confidence"]) == (place, "judge", confidence)
    assert why["evidence"].startswith(evidence)
    # The screens are told the same.
    assert result.value == {"place": place, "confidence": confidence, "evidence": why["evidence"]}
    assert (result.rows, result.left) == ((), False)


@every_language
def test_a_row_that_was_rejected_meanwhile_is_not_asked_about(language):
    start = start_of(ROWS[language])
    start.project.decide(1, status="rejected")
    asks, result = judge(start)
    assert not asks
    assert result.left
    assert not result.changes
    for status in ("pending", "accepted"):
        start.project.decide(1, status=status)
        assert judge(start, SECOND[language])[1].changes


def test_a_row_that_is_gone_or_has_no_segments_any_more_is_left():
    start = start_of()
    assert judge(start, row=99)[1].left
    start.project.decide(1, row=Sft("Where is the lamp?", "", "Nobody knows."))
    asks, result = judge(start)
    assert not asks
    assert result.left


def test_what_was_edited_before_it_was_asked_about_is_what_the_verdict_is_for():
    start = start_of()
    edited = Sft(ROWS["en"].instruction, ROWS["en"].input, "In the harbour.", system="Be brief.")
    start.project.decide(1, row=edited)
    [ask], result = judge(start, SECOND["en"])
    assert "In the harbour." in ask.messages[-1][1]
    assert result.changes[0].body == encode(edited).decode()


def test_segments_of_ones_own_are_found_by_their_expression():
    row = Sft("Where is the lamp?", "Note A: In the harbour.\nNote B: Nine boats.", "Nobody knows.")
    start = start_of(row, pattern=re.compile(r"^Note \w:", re.MULTILINE))
    [ask], result = judge(start, "Passage: 2\nConfidence: 90\nQuote: Nine boats")
    assert "[2] Note B: Nine boats." in ask.messages[-1][1]
    assert result.changes[0].fields["gold"] == 1


@every_language
def test_the_likely_answer_is_a_short_verdict(language):
    start = start_of(ROWS[language])
    [ask], result = driven(start.method.attempt(Task((1,), row=1), start))
    assert ask.length == 30
    assert result.value["place"] == 0
