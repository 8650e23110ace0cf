from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from studio.alpaca.checks import FIXES, RULES, FieldChange, changes, checker, fix
from studio.alpaca.dataset_info import entry
from studio.alpaca.export_rows import columns_of, export_object, filled
from studio.alpaca.llamafactory import STAGE_OF, verdict
from studio.alpaca.rows import Kto, Multimodal, Preference, Pretrain, Sft, texts, type_of
from tests.support.row_strategies import rows

check = checker(RULES)
GOOD = Sft(instruction="Name a fruit.", output="Pear.")


def found(row):
    return [(issue.code, issue.field) for issue in check(row)]


@pytest.mark.parametrize(
    "row",
    [
        GOOD,
        Sft(input="翻译：潮汐", output="tide", system="简短", history=(("你好", "你好！"),)),
        Pretrain(text="  Two spaces before the text are the text's own.\n"),
        Preference(instruction="Name a fruit.", chosen="Pear.", rejected="Stone."),
        Multimodal(instruction="<image>看图", output="梨", images=("a.png",)),
        Multimodal(instruction="What?", output="A pear.", images=("a.png",), history=(("<image>", "Yes."),)),
        Multimodal(instruction="<image>", output="A pear.", images=("a/b.c/1.png",)),
        Preference(instruction="Round 2.46.", chosen="2.5", rejected="2.4"),
        Kto(instruction="Name a fruit.", output="Stone.", kto_tag=False),
        Sft(instruction="Is 3 < 4 | 5 > 4, a[0]?", output="Yes. <b>Both</b> [INSTALL]"),
    ],
)
def test_sound_rows_have_no_issue(row):
    assert check(row) == []


@pytest.mark.parametrize(
    ("row", "issue"),
    [
        (Pretrain(), ("empty-text", "text")),
        (Pretrain(text=" \n"), ("empty-text", "text")),
        (Sft(output="Pear."), ("empty-prompt", "instruction")),
        (Sft(instruction="\u3000", input="\n", output="Pear."), ("empty-prompt", "instruction")),
        (Sft(instruction="Name a fruit.", output=" "), ("empty-output", "output")),
        (Preference(instruction="q", rejected="b"), ("empty-chosen", "chosen")),
        (Preference(instruction="q", chosen="a"), ("empty-rejected", "rejected")),
        (Preference(instruction="q", chosen="a", rejected="a\n"), ("chosen-equals-rejected", "rejected")),
        (Sft(instruction="q", output="a", history=(("q", "a"), ("q", " "))), ("history-pair", "history[1][1]")),
        (Kto(instruction="q", kto_tag=True), ("kto-true-empty", "kto_tag")),
        (Multimodal(instruction="q", output="a", images=("a.png",)), ("image-count", "images")),
        (Multimodal(instruction="<image>", output="<image>", images=("a.png",)), ("image-count", "images")),
        (Multimodal(instruction="q", system="<image>", output="a", images=("a.png",)), ("image-count", "images")),
        (Multimodal(instruction="<video>", output="a"), ("video-count", "videos")),
        (Multimodal(instruction="q", output="a", audios=("a.wav",)), ("audio-count", "audios")),
        (Sft(instruction="q", output="Write <image>."), ("literal-placeholder", "output")),
        (Sft(instruction="q", output="done<|im_end|>"), ("control-token", "output")),
        (Pretrain(text="end<|endoftext|>"), ("control-token", "text")),
        (Sft(instruction="[INST] q", output="a"), ("control-token", "instruction")),
        (Sft(instruction="q", output="a</s>"), ("control-token", "output")),
        (Sft(instruction="q", output="a<｜end▁of▁sentence｜>"), ("control-token", "output")),
        (Sft(instruction="[|Human|]: q", output="a"), ("control-token", "instruction")),
        (Sft(instruction="q", output="a<eoa>"), ("control-token", "output")),
        (Sft(instruction="q", output="[TOOL_CALLS] a"), ("control-token", "output")),
        (Preference(instruction="q", chosen="Yes, 是", rejected="yes,  是"), ("chosen-equals-rejected", "rejected")),
        (Sft(instruction="q", output="a", history=(("答：b", "c"),)), ("history-alternation", "history[0][0]")),
        (Sft(instruction="q", output="a", history=(("b", "User: c"),)), ("history-alternation", "history[0][1]")),
        (Sft(instruction="q", output="a", history=(("b", "c"), ("q", "a"))), ("history-alternation", "history[1]")),
        (Multimodal(instruction="<image>", output="a", images=("/home/a.png",)), ("media-path", "images[0]")),
        (Multimodal(instruction="<image>", output="a", images=("C:/a.png",)), ("media-path", "images[0]")),
        (Multimodal(instruction="<image>", output="a", images=("../a.png",)), ("media-path", "images[0]")),
        (Multimodal(instruction="<image>", output="a", images=("b\\a.png",)), ("media-path", "images[0]")),
        (Multimodal(instruction="<image>", output="a", images=("a.PNG",)), ("media-path", "images[0]")),
        (Multimodal(instruction="<audio>", output="a", audios=("https://x/a.wav",)), ("media-path", "audios[0]")),
        (Sft(instruction="q ", output="a"), ("edge-whitespace", "instruction")),
        (Sft(instruction="q", output="a", history=(("q", "\na"),)), ("edge-whitespace", "history[0][1]")),
    ],
)
def test_rule_finds(row, issue):
    assert issue in found(row)


def test_kto_false_may_lack_what_true_needs():
    assert found(Kto(instruction="q", kto_tag=False)) == [("empty-output", "output")]


def test_issue_says_what_it_is():
    [issue] = check(Sft(instruction="q", output="a<|im_end|><|im_end|>"))
    assert issue.severity == "warning"
    assert issue.fix
    assert issue.span == (1, 11)
    assert issue.message == "<|im_end|> is read as a control token of a chat template, not as text"


@pytest.mark.parametrize(
    ("row", "code", "mended"),
    [
        (
            Multimodal(instruction="看图", output="梨", images=("a.png", "b.png")),
            "image-count",
            Multimodal(instruction="<image>\n<image>\n看图", output="梨", images=("a.png", "b.png")),
        ),
        (
            Multimodal(instruction="<image>q", output="a", images=("a.png", "b.png")),
            "image-count",
            Multimodal(instruction="<image>\n<image>q", output="a", images=("a.png", "b.png")),
        ),
        (
            Sft(instruction=" q", output="<|im_end|>a", history=(("[INST]", "b"),)),
            "control-token",
            Sft(instruction=" q", output="< |im_end|>a", history=(("[ INST]", "b"),)),
        ),
        (
            Sft(instruction=" q", output="a\n", input=" "),
            "edge-whitespace",
            Sft(instruction="q", output="a", input=" "),
        ),
        (Sft(output="Write <image>."), "literal-placeholder", Sft(output="Write < image>.")),
        (
            Multimodal(instruction="<image>", output="a", images=("b\\a.png",)),
            "media-path",
            Multimodal(instruction="<image>", output="a", images=("b/a.png",)),
        ),
    ],
)
def test_fix(row, code, mended):
    assert fix(row, code) == mended


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (GOOD, "edge-whitespace"),
        (GOOD, "no such code"),
        (Multimodal(images=("../b\\a.png",)), "media-path"),
        (Sft(), "empty-prompt"),
        (Multimodal(instruction="<image>"), "image-count"),
        (GOOD, "image-count"),
        (Sft(system="<image>"), "literal-placeholder"),
    ],
)
def test_nothing_to_fix(row, code):
    assert fix(row, code) is None


@given(rows)
def test_fix_mends_what_it_promises_and_nothing_is_promised_twice(row):
    for issue in check(row):
        mended = fix(row, issue.code)
        assert (mended is not None) == issue.fix
        if mended is not None:
            assert issue.code not in {left.code for left in check(mended)}


@given(rows)
@example(Pretrain(text="Ã\x1f\x95"))
def test_a_fix_is_made_once_and_takes_no_word(row):
    for code in FIXES:
        mended = fix(row, code)
        if mended is not None:
            assert fix(mended, code) is None
            if code in ("literal-placeholder", "control-token", "edge-whitespace"):
                written = ["".join("".join(text.split()) for _, text in texts(one)) for one in (row, mended)]
                assert written[0] == written[1]


@given(rows)
def test_spans_lie_in_their_texts(row):
    found = dict(texts(row))
    for issue in check(row):
        if issue.span is not None:
            assert 0 <= issue.span[0] < issue.span[1] <= len(found[issue.field])


@given(rows, st.sampled_from(FIXES))
def test_what_a_fix_changes_is_told_field_by_field(row, code):
    mended = fix(row, code) or row
    told = changes(row, mended)
    assert (told == ()) == (mended == row)
    assert all(change.before != change.after for change in told)


def test_changes_name_the_place():
    before = Sft(instruction=" q", output="a", history=(("b", "c "),))
    assert changes(before, fix(before, "edge-whitespace")) == (
        FieldChange("instruction", " q", "q"),
        FieldChange("history[0][1]", "c ", "c"),
    )
    paths = Multimodal(instruction="<image>", output="a", images=("b\\a.png",))
    assert changes(paths, fix(paths, "media-path")) == (FieldChange("images[0]", "b\\a.png", "b/a.png"),)


def test_fixes_come_in_an_order_in_which_none_undoes_another():
    row = Sft(instruction="q", output="\u200b a&lt;|im_end|&gt;", input="<image>")
    for code in FIXES:
        row = fix(row, code) or row
    assert [issue for issue in check(row) if issue.fix] == []
    assert row == Sft(instruction="q", output="a< |im_end|>", input="< image>")


@given(rows)
def test_row_without_errors_is_kept_by_the_trainer(row):
    if all(issue.severity == "warning" for issue in check(row)):
        columns = columns_of(type_of(row), filled(row))
        made = entry(type_of(row), "rows.json", columns)
        assert verdict(export_object(row, columns), made, STAGE_OF[type_of(row)]).kind == "kept"


def test_codes_are_unique_and_explained():
    codes = [rule.code for rule in RULES]
    assert len(set(codes)) == len(codes)
    assert all(rule.meaning.endswith(".") for rule in RULES)
    assert (
        set(FIXES)
        == {rule.code for rule in RULES if rule.entry.fixable}
        == {
            "image-count",
            "video-count",
            "audio-count",
            "literal-placeholder",
            "control-token",
            "edge-whitespace",
            "media-path",
            "control-character",
            "mojibake",
            "html-entity",
        }
    )
