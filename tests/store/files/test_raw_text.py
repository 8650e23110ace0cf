"""Keys given twice are seen in the text, whatever the layout, and nothing is looked at twice without need."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.store.files import readers
from studio.store.files.raw_text import RawText

TWICE = '{"instruction": "a", "output": "b", "output": "c"}'
ONCE = '{"instruction": "a", "output": "梨"}'
QUOTED = r'{"instruction": "say \"a\": b", "output": "c"}'


def seen(path):
    text = RawText(path)
    return [found for block in readers.read(path) for found in text.suspect(block)]


@pytest.mark.parametrize("name", ["rows.json", "rows.jsonl"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_the_text_of_an_object_with_a_key_twice(tmp_path, name, mark):
    before, between, after = ("[ ", ",\n ", "]\n") if name == "rows.json" else ("", "\n", "\n")
    text = before + between.join([ONCE, TWICE, ONCE]) + after
    (tmp_path / name).write_bytes(mark + text.encode())
    assert seen(tmp_path / name) == [(len(mark) + text.encode().index(TWICE.encode()), TWICE)]


def test_space_before_the_colon(tmp_path):
    spaced = '{"a" : 1, "a" : 2}'
    (tmp_path / "rows.jsonl").write_text(f"{ONCE}\n{spaced}\n", encoding="utf-8")
    assert [text for _, text in seen(tmp_path / "rows.jsonl")] == [spaced]


def test_a_colon_in_a_string_is_looked_at_and_told_apart_by_parsing(tmp_path):
    (tmp_path / "rows.jsonl").write_text(f"{ONCE}\n{QUOTED}\n", encoding="utf-8")
    assert [text for _, text in seen(tmp_path / "rows.jsonl")] == [QUOTED]


@given(
    st.lists(
        st.dictionaries(st.text(max_size=3), st.text(max_size=5) | st.integers() | st.none(), min_size=1), min_size=1
    )
)
def test_objects_come_with_their_own_text(tmp_path_factory, objects):
    path = tmp_path_factory.mktemp("raw") / "rows.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in objects), encoding="utf-8")
    for _, text in seen(path):
        assert json.loads(text) in objects
