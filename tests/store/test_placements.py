"""What the store keeps for placed rows: the migration, plans and gold in the journal, decisions taken in batches."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from studio.alpaca.rows import Sft, encode
from studio.store import migrations
from studio.store.database import Database
from studio.store.journal import Change, Journal
from studio.store.rows import PLACEMENT, Generated, Rows, fields_of
from studio.store.runs import Runs


@pytest.fixture
def database(tmp_path):
    with closing(Database(tmp_path / "studio.db", writable=True)) as opened:
        yield opened


@pytest.fixture
def rows(database):
    found = Rows(database)
    with database.transaction():
        bodies = [(encode(Sft(instruction=f"row {n}")), n, None, None) for n in range(1, 2501)]
        found.add_imported(bodies, "sft", source=None, seed=False)
    return found


@pytest.fixture
def journal(database, rows):
    return Journal(database, lambda target, first, last, fields: rows.change(first, last, fields))


def placed(row_id, text):
    before = {"body": encode(Sft(instruction=f"row {row_id}")).decode(), "gold": None, "placement": None}
    after = {"body": encode(Sft(instruction=text)).decode(), "gold": 2, "placement": '{"plan": 1}'}
    return Change("row", row_id, row_id, before, after)


def test_a_project_of_the_fifth_schema_keeps_its_gold_and_gets_no_plans(tmp_path):
    path = tmp_path / "studio.db"
    old = sqlite3.connect(path, isolation_level=None)
    for step in migrations.MIGRATIONS[:5]:
        old.executescript(step)
    old.execute("PRAGMA user_version=5")
    old.execute("INSERT INTO rows (id, body) VALUES (1, ?)", (encode(Sft(instruction="old")),))
    old.execute("INSERT INTO state (id, type, status, seed, generated, gold) VALUES (1, 1, 1, 0, 0, 3)")
    old.close()
    with closing(Database(path, writable=True)) as opened:
        stored = Rows(opened).get(1)
    assert (stored.row, stored.gold, stored.gold_why, stored.placement) == (Sft(instruction="old"), 3, None, None)
    assert (tmp_path / "studio.db.v5.bak").is_file()


def test_plan_and_gold_are_fields_like_others(database, rows):
    with database.transaction():
        rows.change(7, 7, {"gold": 1, "gold_why": '{"by": "judge"}', "placement": '{"order": [1]}'})
    stored = rows.get(7)
    assert (stored.gold, stored.gold_why, stored.placement) == (1, '{"by": "judge"}', '{"order": [1]}')
    assert fields_of(stored, ("gold_why", "placement")) == {"gold_why": stored.gold_why, "placement": stored.placement}
    assert rows.page([7]) == [stored]


def test_a_decision_taken_in_batches_is_undone_and_redone_whole(database, rows, journal):
    before = rows.page(range(1, 2501))
    group = journal.decide("place", "place 2300 rows", [placed(n, f"new {n}") for n in range(1, 101)])
    for start in range(101, 2301, 100):
        changes = [placed(n, f"new {n}") for n in range(start, start + 100)]
        assert journal.stands(group)
        with database.transaction(durable=False):
            for change in changes:
                rows.change(change.first, change.last, change.after)
            journal.add(group, changes)
    after = rows.page(range(1, 2501))
    assert [row.row.instruction for row in after[:2300]] == [f"new {n}" for n in range(1, 2301)]
    entry = journal.last_entry()
    assert journal.undo().id == group
    assert rows.page(range(1, 2501)) == before
    assert not journal.stands(group)
    assert sum(len(ids) for ids in journal.rows_since(entry)) == 2300
    assert journal.redo().id == group
    assert rows.page(range(1, 2501)) == after
    assert journal.stands(group)


def test_what_was_changed_twice_in_one_decision_is_undone_in_the_right_order(database, rows, journal):
    group = journal.decide("place", "twice", [placed(1, "first")])
    again = placed(1, "second")._replace(before=placed(1, "first").after)
    with database.transaction():
        rows.change(1, 1, again.after)
        journal.add(group, [again])
    journal.undo()
    assert rows.get(1).row.instruction == "row 1"
    journal.redo()
    assert rows.get(1).row.instruction == "second"


def test_bodies_of_rows_that_are_not_rejected(database, rows):
    with database.transaction():
        rows.change(2, 2, {"status": "rejected"})
    assert rows.bodies([1, 2, 3, 9999]) == {n: encode(Sft(instruction=f"row {n}")) for n in (1, 3)}


def test_who_has_variants_and_which(database, rows):
    with database.transaction():
        run = Runs(database).open(PLACEMENT, "digest", "{}")
        made = [
            rows.add_generated(
                Generated("sft", Sft(instruction="v"), run, None, number, parent, PLACEMENT, (), variant=parent)
            )
            for parent in (1, 2)
            for number in (1, 2)
        ]
        rows.change(made[2], made[3], {"status": "rejected"})
    assert rows.made_of(run) == {(1, 1): made[0], (1, 2): made[1], (2, 1): made[2], (2, 2): made[3]}
    assert rows.parents_of(PLACEMENT) == {1}
    assert rows.parents_of("another") == frozenset()
