"""Files that are one JSON object: a wrapper around a list of rows, or rows over several lines."""

from __future__ import annotations

import tracemalloc

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.store.files import readers
from studio.store.files.blocks import locate

ROWS = [{"instruction": f"Name quay {n} 码头", "output": '}, {"a": [1]} ' * n} for n in range(9)]
LIST = orjson.dumps(ROWS)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "rows.json"


@pytest.fixture(params=[64, 1 << 18])
def size(request, monkeypatch):
    monkeypatch.setattr(readers, "_ARRAY", request.param)


def read_all(path):
    blocks = list(readers.read(path))
    return [one for block in blocks for one in block.values], [one for block in blocks for one in block.broken]


@pytest.mark.parametrize(
    ("before", "after", "beside"),
    [
        (b'{"data":', b"}", ()),
        (b'{\n  "version" : 2,\n  "data" : ', b"\n}\n", ("version",)),
        (b'\xef\xbb\xbf{"info": {"by": ["me"]}, "data":', b', "licence": "CC0", "n": 9}', ("info", "licence", "n")),
        (b'{"columns": [{"name": "a"}], "rows":', b"}", ("columns (1 objects)",)),
        (b'{"odd": [{"a":1},{"a":2}], "other":', b', "last": [{"b": 1}]}', ("odd (2 objects)", "last (1 objects)")),
        (b'{"pad": "' + b"x" * 300 + b'", "data":', b', "pad2": "' + "港".encode() * 300 + b'"}', ("pad", "pad2")),
    ],
)
def test_the_list_of_rows_inside_a_wrapper_is_read(size, file, before, after, beside):
    file.write_bytes(before + LIST + after)
    found = readers.layout(file)
    assert (found.kind, found.wrapper.beside) == ("wrapper", beside)
    assert read_all(file) == (ROWS, [])


def test_offsets_and_lines_are_those_of_the_file(size, file):
    text = b'{\n "n": 2,\n "data": [\n  {"a": 1},\n  {"a": [{"b": {"c": 2}}]}\n ]\n}'
    file.write_bytes(text)
    found = [place for block in readers.read(file) for place in locate(block, range(len(block.values)))]
    assert found == [(4, 3, text.index(b'{"a": 1')), (5, 3, text.index(b'{"a": ['))]


def test_a_broken_row_in_a_wrapper_costs_only_itself(size, file):
    file.write_bytes(b'{"data": [{"a": 1},\n{"a": oops},\n{"a": 3}], "n": 3}')
    values, (broken,) = read_all(file)
    assert values == [{"a": 1}, {"a": 3}]
    assert (broken.line, broken.column) == (2, 7)


@pytest.mark.parametrize(
    ("after", "cause"),
    [
        (b', "n": nine}', "expecting value"),
        (b', "n": NaN}', "unexpected"),
        (b"", "the file ends before the object does"),
        (b"} more", "text behind the object's closing }"),
    ],
)
def test_what_is_broken_behind_the_list_is_reported_and_costs_no_row(size, file, after, cause):
    file.write_bytes(b'{"data":' + LIST + after)
    values, (broken,) = read_all(file)
    assert values == ROWS
    assert cause in broken.cause
    assert len(LIST) < broken.offset <= file.stat().st_size


def test_a_file_that_ends_inside_the_list_says_so_once(size, file):
    file.write_bytes(b'{"data":' + LIST[:-1])
    values, (broken,) = read_all(file)
    assert (values, broken.cause) == (ROWS, "the file ends before the array's closing ]")


PRETTY = orjson.dumps(ROWS[1], option=orjson.OPT_INDENT_2)


@pytest.mark.parametrize("between", [b"\n", b"\n\n", b" "])
def test_objects_over_several_lines_are_a_row_each(size, file, between):
    file.write_bytes(PRETTY)
    assert read_all(file) == (ROWS[1:2], [])
    file.write_bytes(between.join([PRETTY] * 5) + b"\n")
    assert read_all(file) == (ROWS[1:2] * 5, [])


@pytest.mark.parametrize("fault", [b'{\n "a": oops\n}', b'{\n "a": "\xff"\n}', b'{\n "a": NaN\n}', b'{\n "a": 1'])
def test_a_broken_object_over_several_lines_costs_only_itself(size, file, fault):
    file.write_bytes(b"\n".join([PRETTY, fault, PRETTY]))
    values, (broken,) = read_all(file)
    assert values == ROWS[1:2] * 2
    assert broken.raw == fault
    assert len(PRETTY) < broken.offset <= len(PRETTY) + len(fault) + 2


@pytest.mark.parametrize("indent", [None, orjson.OPT_INDENT_2])
@pytest.mark.parametrize(
    "row",
    [
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]},
        {"dialogue": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]},
        {"instruction": "x", "instances": [{"input": "", "output": "y"}]},
        {"instruction": "x", "notes": [{"by": "me"}]},
    ],
)
def test_an_object_that_is_a_row_is_not_taken_for_a_wrapper(size, file, row, indent):
    file.write_bytes(orjson.dumps(row, option=indent))
    assert read_all(file) == ([row], [])


def test_lines_of_objects_with_lists_stay_lines(size, file):
    file.write_bytes(b'{"data": [{"a": 1}]}\n' * 3)
    assert read_all(file) == ([{"data": [{"a": 1}]}] * 3, [])


@pytest.mark.parametrize("first", [b'{"a": 1, "b": }', b'{"a": "open}', b'{"a": [1, 2', b"{", b'{"a": {"b": 1}'])
def test_a_broken_first_line_costs_only_itself(size, file, first):
    file.write_bytes(first + b"\n" + b'{"a": 2}\n' * 3)
    values, broken = read_all(file)
    assert values == [{"a": 2}] * 3
    assert [one.line for one in broken] == [1]


def test_a_large_wrapper_is_read_in_little_memory(file):
    row = {"instruction": "问" * 40, "output": "y" * 300}
    file.write_bytes(orjson.dumps({"version": 1, "data": [row] * 40_000, "tail": [row] * 5000}))
    assert file.stat().st_size > 16 << 20
    tracemalloc.start()
    n = sum(len(block.values) for block in readers.read(file))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert n == 40_000
    assert peak < 12 << 20


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
scalars = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | texts
beside = st.dictionaries(
    texts.map("_".__add__),
    scalars | st.lists(scalars, max_size=3) | st.dictionaries(texts, scalars, max_size=2),
    max_size=3,
)
rows = st.lists(st.dictionaries(texts, scalars, max_size=3), min_size=1, max_size=8)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=rows, before=beside, after=beside, indent=st.booleans(), cut=st.integers(0, 400), byte=st.integers(0, 255))
def test_a_mutated_wrapper_is_read_without_complaint_only_if_it_is_json(file, rows, before, after, indent, cut, byte):
    wrapped = before | {"data": rows} | after
    text = bytearray(orjson.dumps(wrapped, option=orjson.OPT_INDENT_2 if indent else None))
    file.write_bytes(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readers, "_ARRAY", 64)
        assert read_all(file) == (rows, [])
        text[1 + cut % (len(text) - 1)] = byte
        file.write_bytes(text)
        broken = read_all(file)[1]
    try:
        orjson.loads(bytes(text))
    except orjson.JSONDecodeError:
        assert broken
    else:
        assert not broken
