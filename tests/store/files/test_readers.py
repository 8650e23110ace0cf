from __future__ import annotations

import json
import tracemalloc

import msgspec
import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from studio.alpaca.rows import Sft, array_decoder, one_decoder, parse
from studio.errors import StudioError
from studio.store.files import readers
from studio.store.files.blocks import Decoder, locate

FUNCTION_FIXTURE = [HealthCheck.function_scoped_fixture]
SMALL = 64


def read_all(path):
    blocks = list(readers.read(path))
    return [value for block in blocks for _, _, value in block.read], [b for block in blocks for b in block.broken]


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(readers, "_ARRAY", SMALL)
    monkeypatch.setattr(readers, "_LINES", SMALL)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "rows.json"


scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
hostile = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ["}, {", '}, {"a', "[{", "]", '\\"}, {\\"', "\u2028", "中文，{", "\ufeff", "\x00", "e" * 90]
)
values = st.recursive(
    scalars | hostile,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(hostile, inner, max_size=3),
    max_leaves=6,
)
objects = st.lists(st.dictionaries(hostile, values, max_size=3), max_size=12)
spaces = st.sampled_from([b"", b" ", b"\n", b"\r\n  ", b"\t", b" " * 70])


def joined(found, space):
    return b"[" + space + (space + b"," + space).join(orjson.dumps(one) for one in found) + space + b"]" + space


# -- what is right is read as orjson reads it ------------------------------------------------------


@settings(max_examples=80, suppress_health_check=FUNCTION_FIXTURE)
@given(found=objects, space=spaces, bom=st.booleans())
@example(found=[{"a": "}, {" * 200}, {"a": "]"}], space=b"", bom=True)
def test_a_whole_array_is_read_as_orjson_reads_it(small_blocks, file, found, space, bom):
    file.write_bytes((b"\xef\xbb\xbf" if bom else b"") + joined(found, space))
    assert read_all(file) == (found, [])


@settings(max_examples=80, suppress_health_check=FUNCTION_FIXTURE)
@given(
    found=objects.filter(lambda found: len(found) != 1),
    ending=st.sampled_from([b"\n", b"\r\n", b"\n\n", b" \n\t\n"]),
    last=st.booleans(),
)
def test_json_lines_are_read_as_orjson_reads_them(small_blocks, file, found, ending, last):
    text = ending.join(orjson.dumps(one) for one in found)
    file.write_bytes(text + (ending if last else b""))
    read, broken = read_all(file)
    assert read == found
    assert [one.cause for one in broken] == ([] if found else ["the file is empty"])


@settings(max_examples=120, suppress_health_check=FUNCTION_FIXTURE)
@given(found=objects.filter(bool), space=spaces, change=st.data())
def test_a_mutated_array_is_accepted_exactly_when_orjson_accepts_it(small_blocks, file, found, space, change):
    text = bytearray(joined(found, space))
    for _ in range(change.draw(st.integers(1, 2))):
        at = change.draw(st.integers(1, len(text) - 1))
        kind = change.draw(st.sampled_from(["drop", "put", "swap"]))
        byte = change.draw(st.sampled_from(b'{}[],:"\\ \nx0-\xff\x00\xe4'))
        if kind == "drop":
            del text[at]
        elif kind == "put":
            text.insert(at, byte)
        else:
            text[at] = byte
        if len(text) < 2:
            return
    file.write_bytes(text)
    try:
        expected = orjson.loads(bytes(text))
    except orjson.JSONDecodeError:
        assert read_all(file)[1]
    else:
        assert read_all(file) == (expected, [])


@settings(max_examples=80, suppress_health_check=FUNCTION_FIXTURE)
@given(found=objects.filter(bool), space=spaces, at=st.integers(0, 10_000), bytes_=st.binary(min_size=1, max_size=3))
def test_what_stands_before_a_random_fault_is_read_as_it_was(small_blocks, file, found, space, at, bytes_):
    text = joined(found, space)
    at = 1 + at % (len(text) - 1)
    file.write_bytes(text[:at] + bytes_ + text[at + len(bytes_) :])
    end, whole = 1, 0
    for one in found:
        end += len(space) + len(orjson.dumps(one))
        whole += end < at
        end += len(space) + 1
    assert read_all(file)[0][:whole] == found[:whole]


alpaca_rows = st.lists(
    st.fixed_dictionaries({"instruction": hostile, "output": hostile}, optional={"input": hostile, "system": hostile}),
    min_size=1,
    max_size=12,
)
TYPED = Decoder(one_decoder("sft"), array_decoder("sft"), (msgspec.DecodeError, UnicodeDecodeError, RecursionError))


@settings(max_examples=120, suppress_health_check=FUNCTION_FIXTURE)
@given(
    found=alpaca_rows,
    lines=st.booleans(),
    space=spaces,
    at=st.integers(0, 10_000),
    byte=st.sampled_from([None, *b'{}[],:"\\ \nx0u-\xff\x00\xe4\xed\xa0']),
)
def test_typed_rows_are_what_orjson_and_the_strict_parser_make_of_them(
    small_blocks, file, found, lines, space, at, byte
):
    text = bytearray(b"\n".join(map(orjson.dumps, found)) if lines else joined(found, space))
    if byte is not None:
        text[1 + at % (len(text) - 1)] = byte
    file.write_bytes(text)
    values = broken = 0
    for block in readers.read(file, TYPED):
        broken += len(block.broken)
        for offset, value in zip(block.find_offsets(), block.values, strict=True):
            values += 1
            if isinstance(value, Sft):
                raw = bytes(text[offset:]).split(b"\n")[0] if lines else text[offset:].decode(errors="replace")
                plain = orjson.loads(raw) if lines else json.JSONDecoder().raw_decode(raw)[0]
                assert parse("sft", plain) == (value, {})
    if lines:
        assert values + broken == sum(bool(line.strip()) for line in bytes(text).split(b"\n"))
        return
    try:
        expected = orjson.loads(bytes(text))
    except orjson.JSONDecodeError:
        assert broken
    else:
        assert (values, broken) == (len(expected), 0)


def test_a_large_array_on_one_line_costs_neither_false_alarms_nor_its_size_in_memory(monkeypatch, file):
    monkeypatch.setattr(readers, "_ARRAY", 1 << 16)
    monkeypatch.setattr(readers, "_LINES", 1 << 16)
    count = 20_000
    row = {"instruction": "问" * 20, "output": 'y, {"instruction"' * 10}
    file.write_bytes(orjson.dumps([row] * count))
    assert file.stat().st_size > 4 << 20
    tracemalloc.start()
    read = broken = 0
    for block in readers.read(file):
        read += len(block.read)
        broken += len(block.broken)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (read, broken) == (count, 0)
    assert peak < 3 << 20


# -- what is broken costs only itself --------------------------------------------------------------

FAULTS = [
    (b'{"a": 2, "b": }', "expecting value"),
    (b'{"a": 2', "expecting"),
    (b'{"a": "open}', ""),
    (b'{"a": 2}}', "expecting"),
    (b'{"a": NaN}', "unexpected"),
    (b'{"a": "\xff"}', "not UTF-8 (byte 0xff)"),
    (b"{a: 2}", "property name"),
    (b'"a": 2}', ""),
    (b'{"a": "tab\there"}', "control character"),
    (b'{"a": "\\ud800"}', "surrogate"),
    (b'{"a": [{"x": 1}, {"x": oops}, {"x": 3}]}', "expecting value"),
    (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
]


@pytest.mark.parametrize("block", [SMALL, 1 << 20])
@pytest.mark.parametrize(("fault", "cause"), FAULTS, ids=range(len(FAULTS)))
@pytest.mark.parametrize("between", [b",", b",\n  ", b" ,\r\n"])
def test_rows_before_and_after_a_broken_element_come_in(monkeypatch, file, fault, cause, between, block):
    monkeypatch.setattr(readers, "_ARRAY", block)
    monkeypatch.setattr(readers, "_LINES", block)
    good = [{"a": number, "pad": "中" * 30} for number in range(6)]
    parts = [orjson.dumps(one) for one in good]
    text = b"[\n" + between.join([*parts[:3], fault, *parts[3:]]) + b"\n]"
    file.write_bytes(text)
    read, broken = read_all(file)
    assert [one for one in read if isinstance(one, dict) and one != {"a": 2}] == good
    assert cause.lower() in broken[0].cause.lower()
    begin = text.index(fault)
    # A quote that is not closed is noticed where the next one opens.
    late = 12 if fault.endswith(b"open}") else 0
    assert begin <= broken[0].offset <= begin + len(fault) + len(between) + late
    before = text[: broken[0].offset]
    assert broken[0].line == before.count(b"\n") + 1
    assert broken[0].column == len(before[before.rfind(b"\n") + 1 :].decode(errors="replace")) + 1


@pytest.mark.parametrize("block", [SMALL, 1 << 20])
@pytest.mark.parametrize(("fault", "cause"), [*FAULTS[:10], FAULTS[11]], ids=range(11))
@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_lines_before_and_after_a_broken_line_come_in(monkeypatch, file, fault, cause, ending, block):
    monkeypatch.setattr(readers, "_ARRAY", block)
    monkeypatch.setattr(readers, "_LINES", block)
    good = [{"a": number, "pad": "中"} for number in range(6)]
    parts = [orjson.dumps(one) for one in good]
    text = b"\xef\xbb\xbf" + ending.join([*parts[:3], fault, *parts[3:]])
    file.write_bytes(text)
    read, (broken,) = read_all(file)
    assert read == good
    assert (broken.line, broken.raw) == (4, fault)
    begin = text.index(fault)
    assert begin <= broken.offset <= begin + len(fault)
    assert broken.column == len(text[begin : broken.offset].decode(errors="replace")) + 1


def test_column_and_offset_count_characters_and_bytes(file):
    file.write_bytes('{"键": 1}\n{"键": 坏}\n'.encode())
    (broken,) = read_all(file)[1]
    assert (broken.line, broken.column, broken.offset) == (2, 7, 11 + 8)
    assert str(broken).startswith("rows.json:2:7: ")


def test_bad_utf8_is_kept_as_base64_in_the_side_file(file):
    file.write_bytes(b'{"a": "\xff\xfe"}\n')
    (broken,) = read_all(file)[1]
    assert broken.record()["raw_base64"] == "eyJhIjogIv/+In0="


@pytest.mark.parametrize(
    ("text", "read", "causes"),
    [
        (b"", [], ["the file is empty"]),
        (b" \n\t\n", [], ["the file is empty"]),
        (b"\xef\xbb\xbf", [], ["the file is empty"]),
        (b"[]", [], []),
        (b" [ ] ", [], []),
        (b'[{"a":1},]', [{"a": 1}], ["a comma with no element beside it"]),
        (b'[,{"a":1}]', [{"a": 1}], ["a comma with no element beside it"]),
        (b'[{"a":1},,{"a":2}]', [{"a": 1}, {"a": 2}], ["a comma with no element beside it"]),
        (b'[{"a":1} {"a":2}]', [{"a": 1}, {"a": 2}], ["expected , or ] between elements"]),
        (b'[{"a":1}', [{"a": 1}], ["the file ends before the array's closing ]"]),
        (b'[{"a":1}]\n[{"a":2}]', [{"a": 1}], ["text behind the array's closing ]"]),
        (b"[1, null, {}]", [1, None, {}], []),
        (b'{"a":1}', [{"a": 1}], []),
        (b'{"a":1}\n\n5\n', [{"a": 1}, 5], []),
        ('{"a":"\u2028 \u0085"}\n'.encode(), [{"a": "\u2028 \u0085"}], []),
        (b'{"a":"\\u0000"}\n', [{"a": "\x00"}], []),
    ],
)
@pytest.mark.parametrize("block", [SMALL, 1 << 20])
def test_shapes_of_files(monkeypatch, file, text, read, causes, block):
    monkeypatch.setattr(readers, "_ARRAY", block)
    monkeypatch.setattr(readers, "_LINES", block)
    file.write_bytes(text)
    found, broken = read_all(file)
    assert (found, [one.cause for one in broken]) == (read, causes)


def test_everything_behind_a_closed_array_is_kept_however_long(small_blocks, file):
    rest = b'[{"a": 2}' * 40
    file.write_bytes(b'[{"a":1}]' + b" " * 200 + rest)
    read, broken = read_all(file)
    assert read == [{"a": 1}]
    assert b"".join(one.raw for one in broken).replace(b" ", b"") == rest.replace(b" ", b"")
    assert broken[0].offset == 209


def test_objects_inside_a_broken_row_do_not_become_rows(file):
    talk = b'[{"from":"human","value":oops},{"from":"gpt","value":"y"}]'
    row = b'{"conversations":[{"from":"human","value":"x"}]}'
    file.write_bytes(b"[" + row + b',{"conversations":' + talk + b"}," + row + b"]")
    read, broken = read_all(file)
    assert read == [orjson.loads(row)] * 2
    assert len(broken) == 1


def test_utf16_is_refused_with_the_cure(file):
    file.write_text('[{"a":1}]', encoding="utf-16")
    with pytest.raises(StudioError, match="UTF-16") as error:
        read_all(file)
    assert "iconv" in error.value.hint


@pytest.mark.parametrize("name", ["absent.json", "."])
def test_what_cannot_be_opened_is_an_error_with_the_path(tmp_path, name):
    with pytest.raises(StudioError, match="cannot be read"):
        read_all(tmp_path / name)


# -- locate ----------------------------------------------------------------------------------------


@settings(max_examples=60, suppress_health_check=FUNCTION_FIXTURE)
@given(found=objects.filter(bool), space=spaces, block=st.sampled_from([SMALL, 300, 1 << 20]))
def test_locate_finds_where_each_element_begins(file, found, space, block):
    text = joined(found, space)
    file.write_bytes(text)
    begins, at = [], 1 + len(space)
    for one in found:
        begins.append(at)
        at += len(orjson.dumps(one)) + 2 * len(space) + 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readers, "_ARRAY", block)
        places = [place for one in readers.read(file) for place in locate(one, range(len(one.read)))]
    lines = [
        (text[:at].count(b"\n") + 1, len(text[text.rfind(b"\n", 0, at) + 1 : at].decode()) + 1, at) for at in begins
    ]
    assert places == lines


def test_locate_in_json_lines_names_the_line(file):
    file.write_bytes(b'{"a":1}\n\n{"a":2}\n')
    (block,) = readers.read(file)
    assert locate(block, [1]) == [(3, 1, 9)]


@pytest.mark.parametrize("wrap", [b"%s\n", b"[%s]\n"])
def test_a_broken_row_in_the_middle_of_300_000_costs_only_itself(file, wrap):
    row = '{"instruction": "Name a pear.", "output": "梨"}'.encode()
    half = 150_000
    between = b",\n" if wrap.startswith(b"[") else b"\n"
    rows = [row] * half + [row[:-1]] + [row] * half
    file.write_bytes(wrap % between.join(rows))
    n, broken = 0, []
    for block in readers.read(file, TYPED):
        n += len(block.values)
        broken += block.broken
    assert (n, len(broken), broken[0].line) == (2 * half, 1, half + 1 + wrap.startswith(b"["))
