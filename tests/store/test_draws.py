"""What requests show, on disk; which rows of a run are open; which belong to the pool."""

from __future__ import annotations

import pytest

from studio.alpaca.rows import Sft
from studio.store.database import Database
from studio.store.draws import UNANSWERED, Draw, Draws, Shown, pool_ids
from studio.store.rows import Generated, Rows

SHOWN = (Shown(3, "Describe a rope."), Shown(1, "翻译。", "船", "boat"))


@pytest.fixture
def database(tmp_path):
    database = Database(tmp_path / "studio.db", writable=True)
    yield database
    database.close()


def add(database, request, variant=0, rule=None, operation="self-instruct/bootstrap", parent=None, run=1):
    row = Generated("sft", Sft("Describe."), run, None, request, parent, operation, ("k",), rule, rule, variant)
    with database.transaction():
        return Rows(database).add_generated(row)


def test_a_draw_comes_back_as_it_was_written_and_is_read_once(database):
    draws = Draws(database)
    assert draws.last(1) == 0
    with database.transaction():
        draws.add(1, [Draw(1, SHOWN), Draw(2, SHOWN[:1])])
        draws.add(2, [Draw(1, ())])
    assert draws.get(1, 1) == Draw(1, SHOWN)
    assert draws.get(1, 3) is None
    assert draws.last(1) == 2
    with database.transaction():
        draws.end(1, 1, "key", "cut-short", "it was cut")
    assert draws.get(1, 1) == Draw(1, SHOWN, "key", "cut-short", "it was cut")
    assert [draw.request for draw in draws.to_read(1)] == [2]
    assert draws.replies(1, 9) == ["key"]


def test_open_rows_come_in_the_order_of_their_requests(database):
    late, early = add(database, 2, 0, UNANSWERED), add(database, 1, 8, UNANSWERED)
    second = add(database, 1, 16, operation="self-instruct/input-first")
    restored = add(database, 1, 24)
    add(database, 1, 17, parent=second, operation="self-instruct/input-first")
    add(database, 1, 0, "too-short")
    add(database, 1, 0, UNANSWERED, run=2)
    draws = Draws(database)
    assert draws.unanswered(1) == [early, restored, late]
    assert draws.made(1) == 1
    assert draws.tasks(1, 1) == [early, second, restored, restored + 2]


def test_completing_a_row_keeps_the_counts(database):
    row_id = add(database, 1, 0, UNANSWERED)
    rows = Rows(database)
    done = Generated(
        "sft", Sft("Describe.", "", "Done."), 1, None, 1, None, "self-instruct/input-first", ("k", "l", "m")
    )
    with database.transaction():
        rows.complete(row_id, done)
    found = rows.get(row_id)
    assert (found.row.output, found.status, found.rule, found.evidence) == ("Done.", "pending", None, None)
    assert (found.operation, found.replies) == ("self-instruct/input-first", "k l m")
    assert [(count.status, count.n) for count in rows.counts()] == [("pending", 1)]


def test_replies_on_end_that_brought_nothing_new(database):
    draws = Draws(database)
    with database.transaction():
        draws.add(1, [Draw(number, ()) for number in range(1, 9)])
        for number in range(1, 7):
            draws.end(1, number, "k", None, None)
    add(database, 5, 0, "near-duplicate")
    assert draws.barren(1) == 6
    add(database, 2, 0, UNANSWERED)
    assert draws.barren(1) == 4
    add(database, 4, 0, "no-output", "self-instruct/input-first")
    assert draws.barren(1) == 2
    add(database, 6, 0)
    assert draws.barren(1) == 0


def test_rows_of_the_pool_are_seeds_and_what_was_generated(database):
    rows = Rows(database)
    with database.transaction():
        rows.add_imported([(b'{"instruction":"a"}', 0, None, None)] * 3, "sft", source=None, seed=True)
        rows.add_imported([(b'{"instruction":"a"}', 0, None, None)], "sft", source=None, seed=False)
        rows.add_imported([(b'{"text":"a"}', 0, None, None)], "pretrain", source=None, seed=True)
    made = add(database, 1)
    assert list(pool_ids(database, range(2, 100))) == [2, 3, made]
