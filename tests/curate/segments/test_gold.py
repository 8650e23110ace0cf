from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.alpaca.rows import Preference, Sft
from studio.curate.segments.context import context_of
from studio.curate.segments.gold import NO_RULE, Gold, find_gold
from studio.curate.segments.shapes.finding import find

SAMPLES = Path(__file__).parents[3] / "sample_data"
ENGLISH = find(
    "Document 1: The bakery in Harrow opens at five.\n"
    "Document 2: The east lamp was lit in 1904 by Ada Quill, a retired pilot.\n"
    "Document 3: Nine boats of larch were built in Harrow for 1911."
).segments
CHINESE = find(
    "文档1：面包房每天五点开门。\n文档2：东灯塔由退休领航员秋水点亮。\n文档3：渔村用落叶松造了九条船。"
).segments
SURE = 0.6


@pytest.mark.parametrize(
    ("segments", "question", "answer", "place", "by", "words"),
    [
        (ENGLISH, "When was the lamp lit?", "1904", 1, "span", "1904"),
        (
            ENGLISH,
            "Who lit the lamp?",
            "It was lit by the pilot Ada Quill.",
            1,
            "overlap",
            "only there: pilot, ada, quill",
        ),
        (ENGLISH, "Who?", "ADA QUILL.", 1, "span", "ADA QUILL."),
        (ENGLISH, "Who?", "the pilot that had retired, Quill", 1, "overlap", "quill"),
        (CHINESE, "灯塔是谁点亮的？", "秋水", 1, "span", "秋水"),
        (CHINESE, "船用什么造的？", "船是用落叶松做的。", 2, "overlap", "落叶"),
        (CHINESE, "谁点的灯？", "退休的领航员，名叫秋水。", 1, "overlap", "秋水"),
    ],
)
def test_a_rule_is_sure_and_says_why(segments, question, answer, place, by, words):
    gold = find_gold(segments, question, answer)
    assert (gold.place, gold.by) == (place, by)
    assert gold.confidence >= SURE
    assert words in gold.evidence


@pytest.mark.parametrize(
    ("segments", "question", "answer"),
    [
        (ENGLISH, "Where?", "Harrow"),
        (ENGLISH, "Was it lit?", "Yes."),
        (ENGLISH, "Who is who?", "Ada Quill is no baker, and larch is no oak, and nine is no number of boats."),
        (ENGLISH, "Who?", "Nobody named here."),
        (ENGLISH, "When?", ""),
        (ENGLISH, "What?", "pil"),
        (CHINESE, "是吗？", "是的。"),
        (CHINESE, "谁？", "领航员和面包房，还有落叶松。"),
    ],
)
def test_what_is_not_certain_is_unsure(segments, question, answer):
    assert find_gold(segments, question, answer).confidence < SURE


def test_whole_words_count_not_parts_of_them():
    segments = find("[1] The catalogue is red.\n[2] The cat sleeps.").segments
    assert find_gold(segments, "What sleeps?", "cat").place == 1
    assert find_gold(find("[1] from 1911 on\n[2] in 191 boats").segments, "How many?", "191").place == 1


def test_the_question_prefers_one_of_several_that_hold_the_answer():
    gold = find_gold(ENGLISH, "Where were boats of larch built?", "Harrow")
    assert (gold.place, gold.by) == (2, "span")
    assert "2 segments" in gold.evidence


def test_the_question_alone_only_suggests():
    gold = find_gold(ENGLISH, "Was the east lamp lit by a retired pilot?", "Yes")
    assert (gold.place, gold.by) == (1, "question")
    assert 0 < gold.confidence <= NO_RULE < SURE


@pytest.mark.parametrize(
    ("output", "place", "confidence"),
    [
        ("It was Ada Quill [2].", 1, 0.95),
        ("Document 2 says so; see document 2.", 1, 0.95),
        ("Lit [2], as built [3].", None, 0.0),
        ("[2] and again [2], though [3] doubts it.", 1, 0.4),
    ],
)
def test_citations(output, place, confidence):
    context = context_of(Sft(instruction="Who lit the lamp?", input=ENGLISH.join(), output=output))
    assert (context.gold.place, context.gold.by, context.gold.confidence) == (place, "citation", confidence)


FIRE = find("Document [1] The fire began at noon.\nDocument [2] The storm felled oaks.").segments
火灾 = find("文档1：大火从中午烧起。\n文档2：暴雨冲倒了橡树。").segments


@pytest.mark.parametrize(
    ("segments", "question", "output", "place", "sure"),
    [
        (FIRE, "When did it begin?", "Document [2] does not say when. It began at noon.", 1, False),
        (FIRE, "When did it begin?", "Of all that, document [2] speaks: the fire began at noon.", 1, False),
        (FIRE, "What fell?", "Nothing of that is in document [2].", 1, False),
        (FIRE, "When did it begin?", "At noon, not later [1].", 0, True),
        (FIRE, "What fell?", "Oaks, no elms [2].", 1, True),
        (火灾, "几点烧起的？", "文档2没有说。大火从中午烧起。", 1, False),
        (火灾, "几点烧起的？", "不是晚上，大火是中午烧起的（文档1）。", 0, True),
    ],
)
def test_a_citation_is_doubted_where_it_denies_or_says_what_another_says(segments, question, output, place, sure):
    context = context_of(Sft(instruction=question, input=segments.join(), output=output))
    assert (context.gold.place, context.gold.by, context.sure(SURE)) == (place, "citation", sure)


JUDGED = find("文档1：报道正确，没有错误，可以查明，正面居多，还无法确定。\n文档2：大火烧毁了谷仓。").segments


@pytest.mark.parametrize("answer", ["正确", "错误。", "没有", "可以", "正面", "无法确定", "无", "是的", "不对"])
def test_a_verdict_is_no_quotation(answer):
    gold = find_gold(JUDGED, "大火烧毁了谷仓吗？", answer)
    assert (gold.place, gold.by) == (1, "question")
    assert gold.confidence <= NO_RULE


@pytest.mark.parametrize("answer", ["B", "(b)", "B."])
def test_a_letter_names_an_option(answer):
    segments = find("[1] Iron is in red meat.\n[2] Zinc is in nuts.\n[3] Vitamin B helps nerves.").segments
    assert find_gold(segments, "Which is in nuts?\nA. iron\nB. zinc", answer).place == 1
    assert find_gold(segments, "Which is in nuts?\nA. iron\nB. zinc", f"{answer[:-1] or answer}. Zinc").place == 1


@pytest.mark.parametrize(
    ("text", "question", "answer", "sure"),
    [
        ("- Tom has 12 pears.\n- Ann has 15 figs.\n- Bob has 27 plums.", "How much have Tom and Ann?", "27", False),
        ("- Tom has 12 pears.\n- Ann has 15 figs.\n- Bob has 27 plums.", "How much has Bob?", "27", True),
        ("[1] A mill burned near the halls of trade.\n[2] Rain.", "Topic?", "Trade", False),
        ("[1] A mill burned near the halls of trade.\n[2] Rain.", "Where did the mill burn?", "near the halls", True),
        ("[1] 秋水喜欢经济学。\n[2] 下雨了。", "主题？", "经济", False),
        ("[1] 秋水喜欢经济学。\n[2] 下雨了。", "秋水喜欢什么？", "经济", True),
        ("[1] Built in 1904.\n[2] Burned in 1911.", "Since when?", "1904", True),
    ],
)
def test_a_lone_word_or_number_must_be_what_is_asked_for(text, question, answer, sure):
    assert (find_gold(find(text).segments, question, answer).confidence >= SURE) is sure


def test_of_two_answers_the_better_one_tells():
    context = context_of(
        Preference(instruction="Who?", input=ENGLISH.join(), chosen="Ada Quill", rejected="larch boats of 1911")
    )
    assert context.gold.place == 1


def test_who_has_said_so_is_believed():
    said = Gold(2, 1.0, "hand", "marked by you")
    row = Sft(instruction="Who?", input=ENGLISH.join(), output="Ada Quill")
    assert context_of(row, said).gold == said
    assert context_of(row, Gold(7, 1.0, "hand", "of a text that had more")).gold.place == 1


def test_an_example_is_at_most_suggested():
    text = "Example 1\nInput: a\nOutput: glad\n\nExample 2\nInput: b\nOutput: sad\n\nInput: c\nOutput:"
    gold = context_of(Sft(instruction="Mood?", input=text, output="glad")).gold
    assert (gold.place, gold.confidence) == (0, NO_RULE)


def test_the_rules_are_right_where_they_are_sure_on_all_samples():
    """The gold places of the sample files, as their README and the eye say."""
    rows = json.loads((SAMPLES / "long_context.json").read_text("utf-8"))
    rows += json.loads((SAMPLES / "positions.json").read_text("utf-8"))
    truth = [2, 2, 3, 1, 1, 3, 4, 0, 2, 2, 0, 2, 1, 1, 1, 2, 1, 1, 1, 1, 1, None, None, 1, 1]
    sure = 0
    for row, gold in zip(rows, truth, strict=False):
        context = context_of(Sft(**row))
        if context.sure(SURE):
            sure += 1
            assert context.gold.place == gold, row["instruction"]
    assert sure == 23


WORDS = st.sampled_from(
    ["oak", "ash", "elm", "1904", "larch", "pilot", "lamp", "船", "灯塔", "秋水", "落叶松", "五点", "the", "of", "的"]
)
TEXTS = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)


@given(st.lists(TEXTS, min_size=2, max_size=5), TEXTS, TEXTS, st.randoms(use_true_random=False))
def test_the_order_of_segments_has_no_part_in_it(bodies, question, answer, rng):
    segments = find("\n".join(f"[{number}] {body}" for number, body in enumerate(bodies, start=1))).segments
    places = list(range(len(bodies)))
    rng.shuffle(places)
    gold, moved = (find_gold(one, question, answer) for one in (segments, segments.moved(places)))
    assert gold._replace(place=None) == moved._replace(place=None)
    assert (gold.place is None) == (moved.place is None)
    if gold.place is not None:
        assert bodies[gold.place] == bodies[places[moved.place]]
