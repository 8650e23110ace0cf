"""Rows of methods on disk."""

from __future__ import annotations

import pytest

from studio.alpaca.rows import Sft
from studio.store.database import Database
from studio.store.rows import Generated, Rows


@pytest.fixture
def database(tmp_path):
    database = Database(tmp_path / "studio.db", writable=True)
    yield database
    database.close()


def test_completing_a_row_keeps_the_counts(database):
    rows = Rows(database)
    open_row = Generated("sft", Sft("Describe."), 1, None, 1, None, "m/first", ("k",), "unanswered", "to come")
    done = Generated("sft", Sft("Describe.", "", "Done."), 1, None, 1, None, "m/second", ("k", "l", "m"))
    with database.transaction():
        row_id = rows.add_generated(open_row)
    assert [(count.status, count.n) for count in rows.counts()] == [("rejected", 1)]
    with database.transaction():
        rows.complete(row_id, done)
    found = rows.get(row_id)
    assert (found.row.output, found.status, found.rule, found.evidence) == ("Done.", "pending", None, None)
    assert (found.operation, found.replies) == ("m/second", "k l m")
    assert [(count.status, count.n) for count in rows.counts()] == [("pending", 1)]


def test_rows_made_beside_another_are_found_with_it(database):
    rows = Rows(database)
    with database.transaction():
        made = [
            rows.add_generated(Generated("sft", Sft("b"), run, 1, round, 1, "deepening", ("k",), variant=variant))
            for run, round, variant in ((1, 1, 1), (1, 1, 0), (1, 2, 0), (2, 1, 0))
        ]
    assert [row.id for row in rows.variants(1, 1, 1)] == [made[1], made[0]]
