"""Runs by recipe, rows by attempt, families; and what the migration makes of an older project."""

from __future__ import annotations

import sqlite3

import pytest

from studio.alpaca.rows import Sft
from studio.store import migrations
from studio.store.database import Database
from studio.store.lineage import family, line
from studio.store.rows import Generated, Rows
from studio.store.runs import Runs


@pytest.fixture
def database(tmp_path):
    database = Database(tmp_path / "studio.db", writable=True)
    yield database
    database.close()


def seeded(database, n=2):
    rows = Rows(database)
    with database.transaction():
        rows.add_imported([(b'{"instruction":"Describe a plane."}', 0, None, None)] * n, "sft", source=None, seed=True)
    return rows


def grow(database, root, round, parent, variant=0, rule=None, run=1):
    made = Generated(
        "sft", Sft(f"{root}.{round}.{variant}"), run, root, round, parent, "deepening", (), rule, rule, variant
    )
    with database.transaction():
        return Rows(database).add_generated(made)


def test_a_run_goes_by_every_recipe_it_adopted(database):
    runs = Runs(database)
    with database.transaction():
        first = runs.open("evol-instruct", "a", "{}")
        runs.adopt(first, "b", "{}")
        second = runs.open("evol-instruct", "c", "{}")
        runs.adopt(second, "b", "{}")
        assert [runs.open("evol-instruct", key, "{}") for key in "abc"] == [first, first, second]
    assert runs.find("d") is None


def test_the_head_is_the_last_row_of_an_earlier_round_that_is_not_rejected(database):
    rows = seeded(database)
    first = grow(database, 1, 1, 1)
    grow(database, 1, 2, first, rule="no-gain")
    beside = grow(database, 1, 1, 1, variant=1)
    grow(database, 2, 1, 2)
    assert rows.head(1, 1, 1) is None
    assert rows.head(1, 1, 2).id == beside
    assert rows.head(1, 1, 4).id == beside
    assert rows.head(2, 1, 4) is None
    assert [row.variant for row in rows.variants(1, 1, 1)] == [0, 1]


def test_a_family_has_the_line_its_branches_and_the_children(database):
    rows = seeded(database)
    dropped = grow(database, 1, 1, 1, rule="no-gain")
    first = grow(database, 1, 2, 1)
    second = grow(database, 1, 3, first)
    beside = grow(database, 1, 3, first, variant=1)
    child = grow(database, 1, 4, second)
    assert [row.id for row in line(rows, second)] == [1, first, second]
    assert [(kin.row.id, kin.depth, kin.on_line) for kin in family(rows, second)] == [
        (1, 0, True),
        (dropped, 1, False),
        (first, 1, True),
        (second, 2, True),
        (child, 3, False),
        (beside, 2, False),
    ]
    assert [kin.row.id for kin in family(rows, 2)] == [2]
    assert family(rows, 999) == []


def test_a_project_of_the_second_schema_keeps_its_runs_and_rows(tmp_path):
    path = tmp_path / "studio.db"
    old = sqlite3.connect(path)
    for step in migrations.MIGRATIONS[:2]:
        old.executescript(step)
    old.execute("PRAGMA user_version=2")
    old.execute("INSERT INTO runs VALUES (1, 'evol-instruct', 'a', '{}', 'then')")
    old.execute("INSERT INTO rows (id, body, run, root, round, parent) VALUES (2, '{}', 1, 1, 1, 1)")
    old.execute("INSERT INTO state (id, type, status, seed, generated) VALUES (2, 1, 0, 0, 1)")
    old.commit()
    old.close()
    database = Database(path, writable=True)
    assert Runs(database).find("a") == 1
    assert Rows(database).get(2).variant == 0
    assert (tmp_path / "studio.db.v2.bak").exists()
    database.close()
