from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.alpaca.rows import Kto, Preference, Pretrain, Sft, texts
from studio.curate.selecting import contamination
from studio.curate.selecting.contamination import COMMON, GRAM, SHORTEST, Benchmark, Entry, Place, texts_of
from studio.text.tokens import tokenize

LONG = "A miller has three sacks of rye and sells two of them on the first market day of May."
LANG = "一位磨坊主有三袋黑麦，五月的第一个集日他卖掉了两袋，还剩下几袋？"


def benchmark(*entries, file="test.jsonl"):
    made = Benchmark()
    for number, entry in enumerate(entries, start=1):
        made.add(Entry(file, number), entry)
    return made


def hits(made, *rows):
    return made.overlaps(enumerate(rows, start=1))


def shown(row, hit):
    """What stands where the hit says, as its text must be."""
    by_field = dict(texts(row))
    assert hit.text == "\n".join(by_field[place.field][place.begin : place.end] for place in hit.places)
    return hit.text


# -- the rule ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [LONG, LANG])
def test_a_shared_stretch_is_found_with_its_evidence(text):
    made = benchmark(
        {"question": "Something else that is long enough to count " * 2}, {"question": text, "answer": "1"}
    )
    row = Sft("Solve it step by step.", "", f"As the book says: {text} Think first.")
    [hit] = hits(made, Sft("Nothing of the kind.", "", "没有。"), row)
    assert (hit.row, hit.entry, hit.path) == (2, Entry("test.jsonl", 2), "question")
    assert (hit.tokens, hit.texts, hit.common) == (len(tokenize(text)), 1, False)
    begin = row.output.index(text)
    [place] = hit.places
    assert (place.field, place.begin) == ("output", begin)
    assert shown(row, hit) == text.rstrip(".？")


def words(n, begin=0):
    return " ".join(f"w{number}" for number in range(begin, begin + n))


def characters(n, begin=0):
    return "".join(chr(0x4E00 + number) for number in range(begin, begin + n))


@pytest.mark.parametrize("made_of", [words, characters])
def test_thirteen_tokens_on_end_count_and_twelve_do_not(made_of):
    made = benchmark({"q": made_of(40)})
    assert hits(made, Pretrain(f"vor {made_of(12, 3)} nach")) == []
    [hit] = hits(made, Pretrain(f"vor {made_of(13, 3)} nach"))
    assert (hit.tokens, hit.text) == (13, made_of(13, 3))
    # Twelve and twelve with a word between them are not thirteen on end.
    assert hits(made, Pretrain(f"{made_of(12)} vor {made_of(12, 12)}")) == []


def test_punctuation_case_and_forms_make_no_difference():
    made = benchmark({"q": LONG}, {"q": LANG})
    english = Pretrain(LONG.upper().replace(" ", " -- "))
    chinese = Pretrain(LANG.replace("，", "……").replace("黑", "「黑」"))
    wide = Pretrain("".join(chr(ord(c) + 0xFEE0) if "!" < c < "~" else c for c in LONG))
    for row in (english, chinese, wide):
        [hit] = hits(made, row)
        assert tokenize(shown(row, hit)) == tokenize(LANG if row is chinese else LONG)


@pytest.mark.parametrize("text", ["Which bell rings at noon?", "哪口钟在正午响"])
def test_a_short_entry_counts_when_it_is_there_as_a_whole(text):
    assert SHORTEST <= len(tokenize(text)) < GRAM
    made = benchmark({"question": text, "answer": "the old one"})
    row = Sft(f"Tell me: {text} Be brief.", "", "The old one.")
    [hit] = hits(made, row)
    assert (shown(row, hit), hit.tokens) == (text.rstrip("?"), len(tokenize(text)))
    half = text.split("n")[0] if text.isascii() else text[:-1]
    assert hits(made, Sft(half, "", text[1:])) == []


def test_an_entry_of_few_tokens_must_be_a_whole_field():
    made = benchmark({"text": "Name a river."}, {"text": "写首诗"})
    assert hits(made, Sft("Name a river in Asia and say where it ends.", "", "请你写首诗给我")) == []
    rows = [Sft("name a RIVER", "", "The Amur."), Sft("写首诗！", "", "春风又绿。")]
    assert [(hit.row, shown(rows[hit.row - 1], hit)) for hit in hits(made, *rows)] == [
        (1, "name a RIVER"),
        (2, "写首诗"),
    ]
    # With an input it is another prompt.
    assert hits(made, Sft("Name a river.", "In Asia.", "The Amur.")) == []


def test_the_answers_of_a_long_question_and_what_has_no_token_are_not_sought():
    made = benchmark({"question": LONG, "choices": ["one sack", "two sacks are sold then"], "answer": "A"})
    assert hits(made, Sft("A", "", "Well, two sacks are sold then.")) == []
    assert not made.add(Entry("x", 1), {"question": "?!", "n": 3, "none": None})
    assert made.add(Entry("x", 2), "汽笛")


def test_a_long_answer_is_sought_too():
    made = benchmark({"question": "Why?", "answer": LONG})
    [hit] = hits(made, Sft("Tell a tale.", "", LONG))
    assert hit.path == "answer"


# -- fields ------------------------------------------------------------------------------------------


def test_instruction_and_input_are_one_prompt():
    made = benchmark({"instruction": words(7), "input": words(7, 7), "output": "x"})
    together = Sft(f"please {words(7)}", f"{words(7, 7)} thanks", "y")
    [hit] = hits(made, together)
    assert hit.path == "instruction"
    assert (hit.tokens, [place.field for place in hit.places]) == (14, ["instruction", "input"])
    assert shown(together, hit) == f"{words(7)}\n{words(7, 7)}"
    # The answer is not: there it breaks off.
    assert hits(made, Sft(words(7), "", words(7, 7))) == []


def test_a_question_in_one_piece_is_found_in_a_row_that_cuts_it():
    made = benchmark({"question": words(20)})
    [hit] = hits(made, Sft(words(6), words(8, 6), ""))
    assert hit.tokens == 14


def test_every_field_of_every_type_is_looked_at():
    made = benchmark({"q": LONG})
    rows = [
        Pretrain(LONG),
        Sft("a", "b", "c", LONG),
        Sft("a", "b", "c", "d", (("e", "f"), ("g", LONG))),
        Preference("a", "b", "c", LONG),
        Kto(instruction="a", output=LONG, kto_tag=True),
    ]
    found = [(hit.row, [place.field for place in hit.places]) for hit in hits(made, *rows)]
    assert found == [(1, ["text"]), (2, ["system"]), (3, ["history[1][1]"]), (4, ["rejected"]), (5, ["output"])]


def test_texts_of_an_entry():
    entry = {
        "id": 7,
        "messages": [{"role": "user", "content": "问"}, {"role": "assistant", "content": "答"}],
        "choices": {"text": ["a", "b"]},
        "instruction": "Do",
        "input": "this",
    }
    assert texts_of(entry) == [
        ("instruction", "Do\nthis"),
        ("messages[0].role", "user"),
        ("messages[0].content", "问"),
        ("messages[1].role", "assistant"),
        ("messages[1].content", "答"),
        ("choices.text[0]", "a"),
        ("choices.text[1]", "b"),
    ]
    assert texts_of("just text") == [("", "just text")]
    assert texts_of({"instruction": "Do", "input": ""}) == [("instruction", "Do"), ("input", "")]
    deep = "bottom"
    for _ in range(5000):
        deep = [deep]
    assert texts_of(deep)[0][1] == "bottom"


# -- which entry -------------------------------------------------------------------------------------


def test_what_many_entries_have_in_common_is_told_apart():
    frame = "Answer the multiple choice question below with the letter of the option that fits best of all"
    entries = [{"q": f"{frame} {words(20, 100 * number)}"} for number in range(COMMON + 1)]
    made = benchmark(*entries)
    framed, leaked = Sft(frame, "", "B"), Sft(f"{frame} {words(20, 300)}", "", "B")
    first, second = hits(made, framed, leaked)
    assert (first.common, first.texts) == (True, COMMON + 1)
    # The rarest part says which entry it is, and the frame belongs to it.
    assert (second.common, second.texts, second.entry.number) == (False, 1, 4)
    assert second.tokens == len(tokenize(frame)) + 20
    assert not hits(benchmark(*entries[:-1]), framed)[0].common
    # Of the entry in which the frame was seen first, the frame and what is its own are one stretch.
    [whole] = hits(made, Sft(entries[0]["q"], "", "B"))
    assert (whole.common, whole.texts, whole.entry.number) == (False, 1, 1)
    assert whole.tokens == second.tokens
    # Nothing common is told of a row that has more in it, and of others it is told once.
    [only] = hits(made, Sft(frame, "", f"{words(20, 300)} {frame}"))
    assert (only.common, only.tokens) == (False, second.tokens - len(tokenize(frame)))
    [once] = hits(made, Sft(frame, "", frame))
    assert once.common


def test_one_passage_with_many_questions_is_one_text():
    made = benchmark(*({"context": LONG, "question": f"question {n}"} for n in range(COMMON * 3)))
    [hit] = hits(made, Pretrain(LONG))
    assert (hit.texts, hit.common, hit.entry.number) == (1, False, 1)


def test_each_entry_that_a_row_holds_is_named_the_longest_first():
    made = benchmark({"q": LANG}, {"q": LONG}, {"q": words(30)})
    row = Sft(words(14, 2), "", f"{LONG} 另外：{LANG}")
    assert [(hit.entry.number, hit.tokens) for hit in hits(made, row)] == [
        (1, len(tokenize(LANG))),
        (2, len(tokenize(LONG))),
        (3, 14),
    ]


def test_entries_can_be_added_after_looking():
    made = benchmark({"q": LANG})
    assert hits(made, Pretrain(LONG)) == []
    made.add(Entry("more.csv", 3), {"q": LONG})
    assert [hit.entry for hit in hits(made, Pretrain(LONG), Pretrain(LANG))] == [
        Entry("more.csv", 3),
        Entry("test.jsonl", 1),
    ]
    assert hits(Benchmark(), Pretrain(LONG)) == []


def test_stretches_with_the_same_hash_do_not_hide_each_other(monkeypatch):
    entries = [{"q": words(13)}, {"q": " ".join(reversed(words(13).split()))}]
    plain = [hit.entry for hit in hits(benchmark(*entries), *(Pretrain(one["q"]) for one in entries))]
    # Multiplied by one, a hash is the sum of codes, whatever their order.
    monkeypatch.setattr(contamination, "_MULTIPLIERS", (1, *contamination._MULTIPLIERS))
    assert [hit.entry for hit in hits(benchmark(*entries), *(Pretrain(one["q"]) for one in entries))] == plain
    assert [entry.number for entry in plain] == [1, 2]


# -- property: what the definition says --------------------------------------------------------------

WORD = st.sampled_from(["a", "the", "of", "红", "，", "……", "Ｃ", "c"])
# Stretches of one text, so that many of them overlap by about thirteen tokens.
TOKENS = [
    *words(8).split(),
    *characters(8),
    "The",
    "，",
    *words(8).split(),
    *characters(14, 4),
    "the",
    *words(12).split(),
]
STRETCH = st.tuples(st.integers(0, len(TOKENS)), st.integers(0, 24)).map(lambda cut: TOKENS[cut[0] : cut[0] + cut[1]])
SENTENCE = st.lists(STRETCH | WORD.map(lambda word: [word]), max_size=4).map(
    lambda parts: " ".join(token for part in parts for token in part)
)


def shares(row, entry):
    """The rule word for word, over the texts of a row as lists of tokens."""
    units = [tokenize(text) for text in entry]
    prompt = [token for part in row[:2] for token in tokenize(part)]
    fields = [prompt, tokenize(row[2])]
    long = [unit for unit in units if len(unit) >= GRAM]
    if long:
        grams = {tuple(unit[at : at + GRAM]) for unit in long for at in range(len(unit) - GRAM + 1)}
        return any(tuple(field[at : at + GRAM]) in grams for field in fields for at in range(len(field)))
    whole = max(units, key=len, default=[])
    if len(whole) < SHORTEST:
        return bool(whole) and whole in fields
    return any(field[at : at + len(whole)] == whole for field in fields for at in range(len(field)))


@given(
    st.lists(st.lists(SENTENCE, min_size=1, max_size=2), max_size=6), st.lists(st.tuples(*[SENTENCE] * 3), max_size=5)
)
def test_rows_are_found_that_the_rule_names_and_no_others(entries, rows):
    made = benchmark(*entries)
    found = hits(made, *(Sft(*row) for row in rows))
    named = {number for number, row in enumerate(rows, start=1) if any(shares(row, entry) for entry in entries)}
    assert {hit.row for hit in found} == named
    assert [hit.row for hit in found] == sorted(hit.row for hit in found)


@given(st.lists(SENTENCE, min_size=1, max_size=6), st.tuples(*[SENTENCE] * 3))
def test_the_evidence_stands_in_the_row_and_in_the_entry(entries, parts):
    row = Sft(*parts)
    for hit in hits(benchmark(*({"q": entry} for entry in entries)), row):
        tokens = tokenize(shown(row, hit))
        entry = tokenize(entries[hit.entry.number - 1])
        assert len(tokens) == hit.tokens
        assert any(entry[at : at + len(tokens)] == tokens for at in range(len(entry)))
        if hit.tokens < GRAM:
            assert tokens == entry


def test_places_are_in_characters():
    row = Sft("", "", f"🌊🌊 {LANG}")
    [hit] = hits(benchmark({"q": LANG}), row)
    assert hit.places == (Place("output", 3, 2 + len(LANG)),)


def test_rows_are_found_alike_however_many_are_searched_together(monkeypatch):
    made = benchmark({"q": LONG}, {"q": LANG}, {"q": "Name a bell."})
    rows = [Sft(f"{n} bells", LONG if n % 3 else "", LANG[n % 5 :]) for n in range(40)] + [Sft("name a bell")]
    together = hits(made, *rows)
    monkeypatch.setattr(contamination, "_AT_ONCE", 60)
    assert hits(made, *rows) == together
    assert {hit.row for hit in together} == set(range(1, 42))
