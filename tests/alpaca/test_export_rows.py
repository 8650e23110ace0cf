from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.alpaca.dataset_info import entry
from studio.alpaca.export_rows import columns_of, export_object, filled, shapes
from studio.alpaca.llamafactory import STAGE_OF, verdict
from studio.alpaca.rows import COLUMNS, Kto, Multimodal, Preference, Pretrain, Sft, parse, type_of
from tests.support.row_strategies import multimodal_rows, rows

FORMATS = ("alpaca", "sharegpt", "openai")


def columns_for(some):
    return columns_of(type_of(some[0]), set().union(*map(filled, some)))


def test_columns_empty_in_all_rows_are_left_out():
    plain = [Sft(instruction="q"), Sft(output="a")]
    assert columns_for(plain) == ("instruction", "input", "output")
    assert columns_for([*plain, Sft(system="简短")]) == ("instruction", "input", "output", "system")
    assert columns_for([Kto(kto_tag=False)]) == ("instruction", "input", "output", "kto_tag")
    assert "images" not in columns_for([Multimodal()])
    assert columns_for([Sft(history=(("q", "a"),)), Sft(system="s")])[3:] == ("system", "history")


def test_object_has_lists_where_the_trainer_expects_them():
    row = Multimodal(instruction="看", images=("a.png",), history=(("q", "a"),))
    assert export_object(row, ("instruction", "images", "history")) == {
        "instruction": "看",
        "images": ["a.png"],
        "history": [["q", "a"]],
    }


def test_turns():
    row = Sft("总结", "一篇文章", "短文", "简短", (("早", "好"),))
    assert export_object(row, COLUMNS["sft"], "sharegpt") == {
        "conversations": [
            {"from": "human", "value": "早"},
            {"from": "gpt", "value": "好"},
            {"from": "human", "value": "总结\n一篇文章"},
            {"from": "gpt", "value": "短文"},
        ],
        "system": "简短",
    }
    assert export_object(row, COLUMNS["sft"], "openai") == {
        "messages": [
            {"role": "system", "content": "简短"},
            {"role": "user", "content": "早"},
            {"role": "assistant", "content": "好"},
            {"role": "user", "content": "总结\n一篇文章"},
            {"role": "assistant", "content": "短文"},
        ]
    }


def test_pairs_and_tags_stand_beside_the_turns():
    pair = export_object(Preference("q", "", "better", "worse"), ("instruction", "chosen", "rejected"), "sharegpt")
    assert pair == {
        "conversations": [{"from": "human", "value": "q"}],
        "chosen": {"from": "gpt", "value": "better"},
        "rejected": {"from": "gpt", "value": "worse"},
    }
    tagged = export_object(Kto(instruction="q", output="a", kto_tag=False), ("output", "kto_tag"), "openai")
    assert tagged["kto_tag"] is False
    assert export_object(Pretrain("雨"), ("text",), "openai") == {"text": "雨"}


@given(st.lists(multimodal_rows, min_size=1, max_size=4))
def test_objects_of_a_file_are_uniform_and_read_back(some):
    columns = columns_for(some)
    objects = [export_object(row, columns) for row in some]
    assert {tuple((name, type(value)) for name, value in obj.items()) for obj in objects} == {
        tuple((name, type(value)) for name, value in objects[0].items())
    }
    assert [parse("multimodal", json.loads(json.dumps(obj)))[0] for obj in objects] == some


@given(rows)
def test_one_row_reads_back(row):
    columns = columns_for([row])
    assert parse(type_of(row), export_object(row, columns)) == (row, {})


@pytest.mark.parametrize("formatting", FORMATS)
@given(rows)
def test_columns_shapes_and_entry_agree_in_every_formatting(formatting, row):
    columns = columns_for([row])
    made = export_object(row, columns, formatting)
    assert list(shapes(type_of(row), columns, formatting)) == list(made)
    assert sorted(entry(type_of(row), "x", columns, formatting)["columns"].values()) == sorted(made)


@given(rows)
def test_the_trainer_says_the_same_of_a_row_in_every_formatting(row):
    columns = columns_for([row])
    said = set()
    for formatting in FORMATS:
        made = entry(type_of(row), "x.json", columns, formatting)
        said.add(verdict(export_object(row, columns, formatting), made, STAGE_OF[type_of(row)]).kind)
    assert len(said) == 1
