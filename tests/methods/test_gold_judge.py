"""The judge of gold segments: prompts of both languages and profiles, and replies of every shape."""

from __future__ import annotations

import pytest

from studio.errors import StudioError
from studio.methods.gold_judge import FIELDS, FILES, SMALL_ROOM, UNPROVED, messages, read

SEGMENTS = ["The lamp was lit in 1904.", "Nine boats were built of larch.", "面包房五点开门。"]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("profile", ["standard", "small"])
def test_the_prompt_shows_every_segment_under_a_number_of_ours(language, profile):
    prompts = FILES.load(language, profile)
    turns = messages(prompts, SEGMENTS, " When? ", "In {count}.")
    assert turns[-1][0] == "user"
    for number, segment in enumerate(SEGMENTS, start=1):
        assert f"[{number}] {segment}" in turns[-1][1]
    # What is filled in is not searched for fields again.
    assert "In {count}." in turns[-1][1]
    assert len(turns) == (1 if profile == "standard" else 8)
    assert FIELDS <= prompts.templates["judge"].fields <= FIELDS | {"count"}


def test_worked_examples_are_read_as_they_mean():
    for language in ("en", "zh"):
        shown = FILES.load(language, "small").templates["judge"].examples
        read_back = []
        for question, reply in shown:
            bodies = [line.partition("] ")[2] for line in question.split("\n") if line.startswith("[")]
            read_back.append(read(reply, bodies).place)
        assert read_back == [2, 0, None]


def test_a_small_model_is_shown_shortened_segments():
    (_, content) = messages(FILES.load("en", "small"), ["word " * 900] * 4, "Which?", "word")[-1]
    assert len(content) < SMALL_ROOM + 200
    assert content.count("…") == 4


@pytest.mark.parametrize(
    ("reply", "place", "confidence"),
    [
        ("Passage: 1\nConfidence: 90\nQuote: lit in 1904", 0, 0.9),
        ("passage: [2]\nconfidence: 0.8\nquote: \"Nine boats\"", 1, 0.8),
        ('{"passage": 2, "confidence": 70, "quote": "of larch"}', 1, 0.7),
        ("**Passage:** 1\n**Confidence:** 100\n**Quote:** The LAMP was lit", 0, 0.95),
        ("段落：3\n把握：90\n引文：“五点开门”", 2, 0.9),
        ("Passage 2 it is.\nQuote: larch", 1, 0.7),
        ("2", 1, UNPROVED),
        ("Passage: 2\nConfidence: 99\nQuote: never said so", 1, UNPROVED),
        ("Passage: 2\nConfidence: 30\nQuote: Nine boats", 1, 0.3),
        ("段落：3\n把握：90\n引文：", 2, UNPROVED),
    ],
)  # fmt: skip
def test_a_verdict_is_read_and_proved_by_its_quotation(reply, place, confidence):
    verdict = read(reply, SEGMENTS)
    assert (verdict.place, verdict.confidence) == (place, confidence)
    assert "the judge quotes" in verdict.evidence


@pytest.mark.parametrize(
    "reply",
    [
        "Passage: 0\nConfidence: 95\nQuote: none",
        "段落：0",
        "Passage: 9",
        "none of them",
        "",
        "Passage: none",
        "段落：无",
    ],
)
def test_a_verdict_for_none(reply):
    verdict = read(reply, SEGMENTS)
    assert (verdict.place, verdict.confidence) == (None, 0.0)
    assert verdict.evidence.startswith("the judge names none")


def test_own_prompts_take_the_place_of_a_profile():
    text = '[small.judge]\nsystem = "s"\nexamples = []\nprompt = "{segments} {question} {answer}"'
    mine = FILES.own(text, "mine.toml", "en", "small")
    assert messages(mine, ["a", "b"], "q", "x") == (("system", "s"), ("user", "[1] a\n[2] b q x"))
    assert FILES.own(text, "mine.toml", "en", "standard") == FILES.load("en", "standard")
    assert mine.digest != FILES.load("en", "small").digest
    assert FILES.file_name("zh") == "gold_judge.zh.toml"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[small", "mine.toml"),
        ('[small.judge]\nsystem = ""\nexamples = []\nprompt = "{segments}"', "small.judge.prompt"),
        ("[large]", "large"),
        ("[small.judge]\nsystem = 3", "mine.toml"),
    ],
)
def test_broken_prompts_are_named_with_what_is_wrong(text, said):
    with pytest.raises(StudioError) as caught:
        FILES.own(text, "mine.toml", "en", "small")
    assert said in caught.value.message
