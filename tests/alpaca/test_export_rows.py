from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from studio.alpaca.export_rows import export_object, uniform_columns
from studio.alpaca.rows import Kto, Multimodal, Sft, parse, type_of
from tests.support.row_strategies import multimodal_rows, rows


def test_columns_empty_in_all_rows_are_left_out():
    plain = [Sft(instruction="q"), Sft(output="a")]
    assert uniform_columns("sft", plain) == ("instruction", "input", "output")
    assert uniform_columns("sft", [*plain, Sft(system="简短")]) == ("instruction", "input", "output", "system")
    assert uniform_columns("kto", [Kto(kto_tag=False)]) == ("instruction", "input", "output", "kto_tag")
    assert "images" not in uniform_columns("multimodal", [Multimodal()])


def test_rows_may_come_as_a_stream():
    stream = iter([Sft(history=(("q", "a"),)), Sft(system="s")])
    assert uniform_columns("sft", stream)[3:] == ("system", "history")


def test_object_has_lists_where_the_trainer_expects_them():
    row = Multimodal(instruction="看", images=("a.png",), history=(("q", "a"),))
    assert export_object(row, ("instruction", "images", "history")) == {
        "instruction": "看",
        "images": ["a.png"],
        "history": [["q", "a"]],
    }


@given(st.lists(multimodal_rows, min_size=1, max_size=4))
def test_objects_of_a_file_are_uniform_and_read_back(some):
    columns = uniform_columns("multimodal", some)
    objects = [export_object(row, columns) for row in some]
    assert {tuple((name, type(value)) for name, value in obj.items()) for obj in objects} == {
        tuple((name, type(value)) for name, value in objects[0].items())
    }
    assert [parse("multimodal", json.loads(json.dumps(obj)))[0] for obj in objects] == some


@given(rows)
def test_one_row_reads_back(row):
    columns = uniform_columns(type_of(row), [row])
    assert parse(type_of(row), export_object(row, columns)) == (row, {})
