from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.alpaca.rows import Sft, texts, type_of
from studio.errors import UsageError
from studio.store.filters import Filter, parse
from studio.store.rows import Generated
from tests.support.projects import bring_in, new_project
from tests.support.row_strategies import rows as any_rows


@pytest.fixture
async def session(tmp_path):
    opened = new_project(tmp_path / "p")
    yield opened
    await opened.close()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(row=any_rows, data=st.data())
def test_every_piece_of_a_rows_text_finds_it(session, row, data):
    row_id = session.rows.add(row)
    for _, text in texts(row):
        # SQLite's LIKE looks no further than a NUL; nobody types one, and texts that hold one are rare.
        if "\x00" in text:
            continue
        start = data.draw(st.integers(0, len(text) - 1))
        piece = text[start : data.draw(st.integers(start + 1, len(text)))]
        assert row_id in session.rows.ids(Filter(text=piece))


def test_column_names_and_json_signs_find_only_texts(session):
    named = session.rows.add(Sft(instruction="Explain the word input, please"))
    session.rows.add(Sft(instruction="100% sure_", output="plain"))
    assert list(session.rows.ids(Filter(text="input"))) == [named]
    assert list(session.rows.ids(Filter(text="instruction"))) == []
    assert list(session.rows.ids(Filter(text=","))) == [named]
    assert list(session.rows.ids(Filter(text='":"'))) == []
    assert list(session.rows.ids(Filter(text="0% s"))) == [2]
    assert list(session.rows.ids(Filter(text="e_"))) == [2]
    assert list(session.rows.ids(Filter(text="%"))) == [2]


async def test_every_condition_narrows_the_view(session, tmp_path):
    await bring_in(session, tmp_path / "a.jsonl", [{"instruction": f"task {n}"} for n in range(3)], seed=True)
    await bring_in(session, tmp_path / "b.jsonl", [{"text": "水"}])
    session.rows.reject(2)
    assert list(session.rows.ids(parse("", Filter()))) == [1, 2, 3, 4]
    assert list(session.rows.ids(parse("seed:yes", Filter()))) == [1, 2, 3]
    assert list(session.rows.ids(parse("status:rej", Filter()))) == [2]
    assert list(session.rows.ids(parse("status:accepted,pending type:sft", Filter()))) == [1, 3]
    assert list(session.rows.ids(parse("rule:by-hand", Filter()))) == [2]
    assert list(session.rows.ids(parse("task 2", Filter()))) == [3]
    assert list(session.rows.ids(parse("水", Filter(seed=False)))) == [4]
    assert list(await session.rows.view(parse("type:pretrain", Filter()))) == [4]
    assert session.rows.ids_from(Filter(), 2, 2) == [2, 3]
    assert [row.id for row in session.rows.page([4, 99, 1])] == [4, 1]
    assert {row.id: type_of(row.row) for row in session.project.rows.each(Filter(), batch=2)}[4] == "pretrain"


async def test_opinions_and_methods_narrow_the_view(session, tmp_path):
    await bring_in(session, tmp_path / "a.jsonl", [{"instruction": f"task {n}"} for n in range(3)])
    written = session.rows.add(Sft("By hand"))
    run = session.project.runs.open("evol-instruct", "key", "{}")
    grown = session.project.rows.add_generated(Generated("sft", Sft("Grown"), run, 1, 1, 1, "deepening", ()))
    session.rows.set_tags([1, 2], ["hard", "诗"])
    session.rows.set_tags([2], ["诗"])
    session.rows.set_score([1, 3], 4)
    session.rows.set_score([2], 2.5)
    for typed, found in {
        "tag:hard": [1],
        "tag:诗": [1, 2],
        "tag:hard,other": [1],
        "tag:har": [],
        "score:4": [1, 3],
        "score:>=2.5 tag:诗": [1, 2],
        "method:imported": [1, 2, 3],
        "method:written": [written],
        "method:deepening,written": [written, grown],
        "method:imported task 1": [2],
    }.items():
        assert list(session.rows.ids(parse(typed, Filter()))) == found, typed


@pytest.mark.parametrize("typed", ["status:lost", "type:", "seed:maybe", "score:high"])
def test_a_wrong_condition_says_what_is_known(typed):
    with pytest.raises(UsageError, match=r"is not one of|is not a number"):
        parse(typed, Filter())


def test_words_with_a_colon_are_sought():
    assert parse("note: http://x", Filter()).text == "note: http://x"
