from __future__ import annotations

import json

import pytest
from hypothesis import given

from studio.alpaca.rows import (
    COLUMNS,
    ROW_TYPES,
    TYPES,
    Kto,
    Multimodal,
    Preference,
    Pretrain,
    RowError,
    Sft,
    decode,
    encode,
    fields,
    map_texts,
    parse,
    prompt_text,
    texts,
    type_of,
)
from studio.errors import StudioError
from tests.support.row_strategies import rows


def test_types_are_told_in_one_order():
    assert tuple(TYPES) == ROW_TYPES == ("pretrain", "sft", "preference", "multimodal", "kto")


@given(rows)
def test_row_survives_the_store(row):
    assert decode(type_of(row), encode(row)) == row


@given(rows)
def test_row_survives_a_json_file(row):
    assert parse(type_of(row), json.loads(json.dumps(fields(row)))) == (row, {})


def test_columns_of_every_type_in_their_written_order():
    assert COLUMNS["sft"] == ("instruction", "input", "output", "system", "history")
    assert COLUMNS["preference"] == ("instruction", "input", "chosen", "rejected", "system", "history")
    assert COLUMNS["kto"][-1] == "kto_tag"
    assert list(fields(Multimodal())) == list(COLUMNS["multimodal"])


def test_unknown_keys_are_kept_apart():
    row, extras = parse("sft", {"instruction": "数到三", "output": "一二三", "id": 4, "note": None})
    assert row == Sft(instruction="数到三", output="一二三")
    assert extras == {"id": 4, "note": None}


@pytest.mark.parametrize("obj", [{}, {"instruction": None, "history": None}, {"history": ""}, {"history": []}])
def test_missing_and_null_become_empty(obj):
    assert parse("sft", obj) == (Sft(), {})


def test_null_inside_history_becomes_empty():
    row, _ = parse("sft", {"history": [["早上好", None]]})
    assert row.history == (("早上好", ""),)


@pytest.mark.parametrize(("value", "images"), [("a.png", ("a.png",)), (["a.png"], ("a.png",)), ("", ()), (None, ())])
def test_one_image_may_stand_alone(value, images):
    row, _ = parse("multimodal", {"images": value})
    assert row == Multimodal(images=images)


@pytest.mark.parametrize(
    ("type", "obj", "field", "problem"),
    [
        ("sft", {"output": 7}, "output", "expected text, found a number"),
        ("sft", {"output": True}, "output", "expected text, found true or false"),
        ("sft", {"history": [["a", "b"], [1, "c"]]}, "history[1][0]", "expected text, found a number"),
        ("sft", {"history": [["a", "b", "c"]]}, "history[0]", "expected a list of length 2, found 3"),
        ("sft", {"history": ["ab"]}, "history[0]", "expected a list, found text"),
        ("sft", {"history": {"a": "b"}}, "history", "expected a list, found an object"),
        ("multimodal", {"images": ["a.png", None]}, "images[1]", "expected text, found null"),
        ("kto", {"output": "x"}, "kto_tag", "missing; expected true or false"),
        ("kto", {"kto_tag": None}, "kto_tag", "missing; expected true or false"),
        ("kto", {"kto_tag": "true"}, "kto_tag", "expected true or false, found text"),
        ("kto", {"kto_tag": 1}, "kto_tag", "expected true or false, found a number"),
        ("sft", [1], "", "expected an object, found a list"),
        ("sft", {"output": "half \ud83d"}, "output", "lone surrogate \\ud83d at character 6"),
        ("sft", {"history": [["a", "\udc00"]]}, "history[0][1]", "lone surrogate \\udc00 at character 1"),
        ("multimodal", {"images": ["\ud800.png"]}, "images[0]", "lone surrogate \\ud800 at character 1"),
    ],
)
def test_wrong_value_is_named(type, obj, field, problem):
    with pytest.raises(RowError) as caught:
        parse(type, obj)
    assert (caught.value.field, caught.value.problem) == (field, problem)
    assert isinstance(caught.value, StudioError)
    assert str(caught.value) == (f"{field}: {problem}" if field else problem)


def test_stored_bytes_of_another_type_are_refused():
    with pytest.raises(RowError, match="kto_tag"):
        decode("kto", encode(Sft()))


@pytest.mark.parametrize(
    ("row", "prompt"),
    [
        (Sft(instruction="Translate.", input="潮汐"), "Translate.\n潮汐"),
        (Sft(input="潮汐"), "潮汐"),
        (Preference(instruction="Translate."), "Translate."),
        (Pretrain(text="潮汐"), "潮汐"),
        (Kto(kto_tag=True), ""),
    ],
)
def test_prompt_text(row, prompt):
    assert prompt_text(row) == prompt


def test_texts_leave_media_and_tags_out():
    row = Multimodal(instruction="看图", images=("a.png",), history=(("q", "a"),))
    assert ("history[0][1]", "a") in list(texts(row))
    assert "a.png" not in dict(texts(row)).values()
    assert "kto_tag" not in dict(texts(Kto(kto_tag=True)))


def test_map_texts_changes_what_is_text():
    row = Multimodal(instruction="a", system="a", history=(("a", "b"),), images=("a.png",))
    changed = map_texts(row, str.upper, ("system",))
    assert changed == Multimodal(instruction="A", system="a", history=(("A", "B"),), images=("a.png",))
