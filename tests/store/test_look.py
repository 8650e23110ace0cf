"""What a method sees of a project, and the runs of methods."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

from studio.alpaca.rows import Sft
from studio.methods.asking import Answer, Look, OfRun
from studio.store.answers import Answers
from studio.store.database import Database
from studio.store.look import ProjectLook
from studio.store.rows import Generated, Rows
from studio.store.runs import Runs


@pytest.fixture
def database(tmp_path):
    database = Database(tmp_path / "studio.db", writable=True)
    yield database
    database.close()


@pytest.fixture
def rows(database):
    return Rows(database)


def seeds(database, n, type="sft", seed=True):
    with database.transaction():
        return Rows(database).add_imported([(b'{"instruction":"a"}', 0, None, None)] * n, type, source=None, seed=seed)


def made(database, root, round, rule=None, run=1, operation="deepening", variant=0):
    row = Generated("sft", Sft("b"), run, root, round, root, operation, ("k",), rule, rule, variant)
    with database.transaction():
        return Rows(database).add_generated(row)


def looking(database, run=1) -> Look:
    return ProjectLook(database, run, lambda: [range(1, 3)])


def test_rows_by_what_they_are(database, rows):
    seeds(database, 3)
    seeds(database, 1, seed=False)
    seeds(database, 1, "pretrain")
    child, dropped = made(database, 1, 1), made(database, 2, 1, "no-gain")
    with database.transaction():
        rows.change(2, 2, {"status": "rejected"})
        rows.change(3, 3, {"status": "pending"})
    look = looking(database)
    assert list(look.seeds()) == [1, 3]
    assert list(look.accepted("sft")) == [1, 4]
    assert list(look.accepted("pretrain")) == [5]
    assert list(look.tasks_among(range(2, 100))) == [2, 3, child, dropped]
    assert list(look.tasks_among(range(3, 4))) == [3]
    assert list(look.tasks_among(range(0))) == []
    assert look.rows.get(1).seed
    assert look.touched() == [range(1, 3)]


def test_what_a_run_has_made(database):
    seeds(database, 2)
    first, dropped = made(database, 1, 1), made(database, 2, 1, "no-gain")
    made(database, 1, 1, run=2)
    beside = made(database, 1, 1, variant=1, operation="in_breadth")
    assert looking(database).of_run() == [
        OfRun(first, 1, 1, 1, 0, "deepening", False, None),
        OfRun(dropped, 2, 2, 1, 0, "deepening", True, "no-gain"),
        OfRun(beside, 1, 1, 1, 1, "in_breadth", False, None),
    ]
    assert looking(database, 0).of_run() == []


def test_how_far_a_run_has_brought_a_seed_task(database):
    seeds(database, 2)
    first = made(database, 1, 1)
    made(database, 1, 2, "no-gain")
    made(database, 1, 3, run=2)
    third = made(database, 1, 3)
    look = looking(database)
    assert look.head(1, 1) is None
    assert (look.head(1, 2).id, look.head(1, 3).id, look.head(1, 4).id) == (first, first, third)
    assert look.head(2, 9) is None


def test_rows_of_a_run_may_share_their_round_and_root(database):
    """Methods that have neither once met a rule of the table, and the project was called damaged."""
    assert made(database, None, 0) < made(database, None, 0)


def test_the_answers_of_the_run(database):
    with database.transaction():
        Answers(database).keep(1, (1, 2), {"n": 1}, ())
        Answers(database).keep(2, (9,), {}, ())
    assert looking(database).answers() == [Answer((1, 2), None, {"n": 1})]


def test_a_look_through_another_connection_that_only_reads(database):
    seeds(database, 2)
    with closing(Database(database.path, writable=False)) as reading:
        assert list(looking(reading).seeds()) == [1, 2]


def test_a_run_of_a_hundred_thousand_rows_is_seen_at_once(database):
    n, body = 100_000, b'{"instruction":"%s"}' % (b"x" * 800)
    with database.transaction() as connection:
        connection.executemany(
            "INSERT INTO rows (id, body, run, parent, root, round, operation, replies) "
            "VALUES (?, ?, 1, ?, ?, ?, 'deepening', 'k')",
            ((i, body, i, i % 25_000, i // 25_000 + 1) for i in range(1, n + 1)),
        )
        connection.execute(
            "INSERT INTO state SELECT id, 1, 0, 0, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM rows"
        )
        connection.executemany(
            "INSERT INTO answers VALUES (1, ?, NULL, '{}', 'teacher:k')", ((f"[{i},1]",) for i in range(n))
        )
    look = looking(database)
    started = time.perf_counter()
    assert (len(look.of_run()), len(look.answers()), len(Answers(database).done(1))) == (n, n, n)
    for root in range(1, 500):
        assert look.head(root, 4).round == 3
    assert time.perf_counter() - started < 10


# -- runs ------------------------------------------------------------------------------------------


def begun(database, digest, method="probe", model="m"):
    with database.transaction():
        return Runs(database).open(method, digest, f'{{"roles":{{"teacher":{{"model":"{model}"}}}}}}')


def ended(database, run):
    with database.transaction():
        Runs(database).end(run)


def test_a_recipe_has_one_run_and_it_comes_back_as_it_was_begun(database):
    run = begun(database, "d")
    assert begun(database, "d") == run == Runs(database).find("d")
    assert begun(database, "e") != run
    found = Runs(database).get(run)
    assert (found.method, found.key, found.ended) == ("probe", "d", None)
    assert Runs(database).get(99) is None


def test_the_newest_is_the_one_that_ended_last(database):
    runs = Runs(database)
    assert runs.newest("probe") is None
    one, two, three = begun(database, "1"), begun(database, "2", model="n"), begun(database, "3")
    other = begun(database, "4", "evol-instruct")
    assert runs.newest("probe", "m") is None
    for run in (one, two, other):
        ended(database, run)
    assert (runs.newest("probe").id, runs.newest("probe", "m").id, runs.newest("probe", "n").id) == (two, one, two)
    assert runs.newest("probe", "o") is None
    ended(database, one)
    assert runs.newest("probe").id == one
    assert [run.id for run in runs.all("probe")] == [one, two, three]
    assert [run.ended for run in runs.all("probe")] == [4, 2, None]


def test_a_run_whose_recipe_cannot_be_read_has_no_model(database):
    run = begun(database, "d", model='"')
    ended(database, run)
    assert Runs(database).newest("probe").id == run
    assert Runs(database).newest("probe", "m") is None
