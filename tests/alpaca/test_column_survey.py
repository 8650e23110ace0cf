"""Whole-file traps; tests/alpaca/test_llamafactory_conformance.py holds the same cases against the real reader."""

from __future__ import annotations

import io
import json

import pyarrow.json
import pytest

from studio.alpaca.column_survey import CHUNK, CSV_CHUNK, ColumnSurvey
from studio.alpaca.traps import traps_of_head, traps_of_name, traps_of_text

ROW = {"instruction": "说出一种水果。", "input": "", "output": "Pear."}


def survey(rows, layout="lines", offsets=None):
    """(code, column, effect) of each trap; rows stand one after another from byte 0 unless offsets say otherwise."""
    one = ColumnSurvey(layout)
    found = []
    for index, row in enumerate(rows):
        found += one.see(row, offsets[index] if offsets else index * 100)
    return [(trap.code, trap.column, trap.effect) for trap in [*found, *one.finish()]]


def converted(rows, layout="lines"):
    one = ColumnSurvey(layout)
    for row in rows:
        one.see(row)
    return one.converted


@pytest.mark.parametrize(
    "values",
    [
        (None, "a", ""),
        ([], [["q", "a"]], []),
        (1, 2.5, None),
        ([{"a": 1}], [{"b": "x"}], None),
        ("2024-05-17", "tomorrow"),
        ("2024-05-17", ""),
        ("20240517", "2024/05/17"),
        ("２０２４-05-17", None),
        ("2024-13-01", "2024-13-01"),
        ("2024-05-17T10:00:00.123",),
    ],
)
def test_columns_the_reader_takes(values):
    assert survey([ROW | {"system": value} for value in values]) == []


@pytest.mark.parametrize(
    "values",
    [("a", 1), (1, "a"), ("", [["q", "a"]]), (True, 1), ([1], ["a"]), ([1, "a"], [2]), ({"a": 1}, {"a": "x"})],
)
@pytest.mark.parametrize("layout", ["lines", "array"])
def test_mixed_types(values, layout):
    found = survey([ROW | {"extra": value} for value in values], layout)
    assert found == [("mixed-types", "extra", "aborts")]


def test_not_a_number_is_null_in_an_array():
    rows = [ROW | {"output": float("nan")}, ROW]
    assert survey(rows, "array") == []
    assert survey(rows) == [("mixed-types", "output", "aborts")]


def test_mixed_types_are_told_once_in_words():
    one = ColumnSurvey("lines")
    assert one.see(ROW) == []
    [trap] = one.see(ROW | {"output": 3}, 55)
    assert (trap.message, trap.offset) == (
        "holds text and number in different rows; the reader takes one type a column",
        55,
    )
    assert one.see(ROW | {"output": 4}, 99) == []


@pytest.mark.parametrize(
    "text", ["2024-05-17", "2024-05-17 10:00:00", "2024-05-17T10:00:00Z", "2024-05-17 10", "2024-05-17T10:00:00+02:00"]
)
def test_dates_become_dates_in_lines_alone(text):
    rows = [ROW | {"output": text}, ROW | {"output": None}]
    assert converted(rows) == {"output": "date"}
    assert converted(rows, "array") == {}
    assert converted([*rows, ROW]) == {}


@pytest.mark.parametrize(
    ("value", "dates"),
    [([["2024-05-17", "2024-05-18"]], 1), ([["2024-05-17", "a"]], 0), ([{"a": "b", "at": "2024-05-17"}], 1)],
)
def test_dates_inside_other_values(value, dates):
    assert len(converted([{"history": value}])) == dates


@pytest.mark.parametrize(
    ("early", "late", "code"),
    [
        ({"history": None}, {"history": [["q", "a"]]}, "null-first"),
        ({"history": []}, {"history": [["q", "a"]]}, "null-first"),
        ({"extra": {"a": None}}, {"extra": {"a": 1}}, "null-first"),
        ({}, {"system": "Be brief."}, "late-column"),
        ({"system": "2024-05-17"}, {"system": "Be brief."}, "dates-first"),
    ],
)
def test_first_ten_megabytes_decide(early, late, code):
    rows = [ROW | early, ROW | late]
    assert survey(rows, offsets=[0, CHUNK]) == []
    column = next(iter(late))
    assert survey(rows, offsets=[0, CHUNK + 1]) == [(code, column, "aborts")]
    assert survey(rows, "array", offsets=[0, CHUNK + 1]) == []


@pytest.mark.parametrize("late", [{}, {"system": None}, {"system": "2024-05-17"}])
def test_what_may_change_after_the_first_chunk(late):
    assert survey([ROW | {"system": "Be brief."}, ROW | late], offsets=[0, CHUNK + 1]) == []


def test_file_without_rows_and_rows_in_a_wrapper():
    assert survey([]) == [("no-rows", "", "aborts")]
    assert survey([{"version": 1, "data": [ROW]}], "array") == [("wrapper", "", "aborts")]
    assert survey([ROW | {"notes": [{"a": 1}]}], "array") == []


def test_csv_cells():
    rows = [
        ROW | {"output": "3", "input": "NA", "score": "1", "good": "True", "odd": "True", "limit": "-inf"},
        ROW | {"output": "4.5", "input": "", "score": "x", "good": "FALSE", "odd": "3", "limit": ""},
    ]
    assert survey(rows, "csv") == [("csv-null", "input", "loses")]
    assert converted(rows, "csv") == {"output": "number", "good": "truth value", "limit": "number"}


@pytest.mark.parametrize(
    ("early", "late", "found"),
    [("", "x", 1), ("3", "x", 1), ("True", "x", 1), ("x", "3", 0), ("3", "4.5", 0), ("", "", 0)],
)
def test_first_rows_of_csv_decide(early, late, found):
    rows = [ROW | {"note": early}] * CSV_CHUNK
    assert survey([*rows, ROW | {"note": late}], "csv") == [("cells-first", "note", "aborts")] * found
    assert survey([*rows[1:], ROW | {"note": late}], "csv") == []


@pytest.mark.parametrize(
    "values",
    [
        ([None, "b"],),
        (["a"], [None, "b"]),
        (["a", None],),
        ([None], ["b"]),
        ([None], [None, "b"]),
        ([[None, "b"]],),
        ([["a"], [None, "b"]],),
        ([{"c": [None, 1]}],),
        ([{"c": None}, None],),
        ({"c": [None, 1]},),
    ],
)
def test_lists_the_reader_garbles(values):
    raw = "".join(json.dumps({"x": value}) + "\n" for value in values).encode()
    try:
        pyarrow.json.read_json(io.BytesIO(raw)).validate(full=True)
        garbled = []
    except pyarrow.ArrowInvalid:
        garbled = [("null-in-list", "x", "aborts")]
    rows = [ROW | {"x": value} for value in values]
    assert survey(rows) == garbled
    assert survey(rows, "array") == []


def test_keys_of_turns():
    one = ColumnSurvey("lines")
    one.see({"chosen": {"from": "gpt"}, "text": "a", "history": [["a", "b"]]})
    one.see({"chosen": {"value": "b"}, "conversations": [{"from": "human"}, {"text": "a"}]})
    assert one.keys == {"chosen": ("from", "value"), "conversations": ("from", "text")}


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"", [("empty-file", "aborts", None)]),
        (b" \n", [("empty-file", "aborts", None)]),
        (b"\xef\xbb\xbf[{}]", [("byte-order-mark", "aborts", 0)]),
        (b'\xef\xbb\xbf{"a": 1}', [("byte-order-mark", "harmless", 0)]),
        ('[{"a": "x"}]'.encode("utf-16"), [("encoding", "aborts", 0)]),
        ('[{"a": "x"}]'.encode("utf-16-le"), [("encoding", "aborts", 0)]),
        ('[{"a": "梨。"}]'.encode("gbk"), [("encoding", "aborts", 8)]),
        ('[{"a": "梨。"}]'.encode(), []),
        ('[{"a": "梨'.encode()[:-1], []),
    ],
)
def test_first_bytes(head, found):
    assert [(trap.code, trap.effect, trap.offset) for trap in traps_of_head(head)] == found


def test_last_bytes_of_a_whole_file_are_read_too():
    assert [trap.code for trap in traps_of_head("梨".encode()[:-1], whole=True)] == ["encoding"]
    assert "GBK" in traps_of_head("梨。".encode("gbk"))[0].message


@pytest.mark.parametrize(
    ("name", "traps"), [("a.json", 0), ("b.c/a.parquet", 0), ("a.JSON", 1), ("a.jsonl.gz", 1), ("rows", 1)]
)
def test_file_names(name, traps):
    assert len(traps_of_name(name)) == traps


DUPLICATES = [("duplicate-key", "loses", "b"), ("duplicate-key", "aborts", "a")]


@pytest.mark.parametrize(
    ("text", "layout", "found"),
    [
        ('{"a": 1, "a": 2}', "lines", [("duplicate-key", "aborts", "a")]),
        ('{"a": 1, "a": 2}', "array", [("duplicate-key", "loses", "a")]),
        ('{"x": [{"a": 1, "a": 2}]}', "lines", [("duplicate-key", "loses", "a")]),
        ('{"a": 1, "x": {"a": 1, "b": 2, "b": 3}, "a": 2}', "lines", [*DUPLICATES]),
        ('{"n": 18446744073709551616}', "array", [("number-too-big", "aborts", "")]),
        ('{"n": 18446744073709551615, "m": 1e400}', "array", []),
        ('{"n": 18446744073709551616}', "lines", []),
        ('{"n": -1e400}', "lines", [("number-too-big", "aborts", "")]),
        ('{"\\ud800": "a"}', "lines", [("lone-surrogate", "aborts", "?")]),
        ('{"a": NaN, "b": -Infinity}', "lines", [("not-a-number", "harmless", "")]),
        ('{"a": "\\ud800"}', "lines", [("lone-surrogate", "aborts", "a")]),
        ('{"a": ["\\udfff"]}', "array", [("lone-surrogate", "aborts", "a")]),
        ('{"a": "\\ud800"}', "array", [("lone-surrogate", "loses", "a")]),
        ('{"a": "\\ud800\\n"}', "array", [("lone-surrogate", "loses", "a")]),
        ('{"a": "\\ud800\\u0041"}', "array", [("lone-surrogate", "aborts", "a")]),
        ('{"a": "\\ud800\\ud83d\\ude00"}', "array", [("lone-surrogate", "aborts", "a")]),
        ('{"a": "\\ud83c\\udf50"}', "lines", []),
    ],
)
def test_text_of_an_object(text, layout, found):
    assert [(trap.code, trap.effect, trap.column) for trap in traps_of_text(text, layout)] == found


def test_text_that_is_no_json():
    with pytest.raises(ValueError, match="Expecting"):
        traps_of_text("{", "lines")
