"""Runs: in which order they came to their end, which one is the newest, and whom they asked."""

from __future__ import annotations

import json

import pytest

from studio.store.database import Database
from studio.store.runs import Runs


@pytest.fixture
def database(tmp_path):
    database = Database(tmp_path / "studio.db", writable=True)
    yield database
    database.close()


@pytest.fixture
def runs(database):
    return Runs(database)


@pytest.fixture
def begun(database, runs):
    """A function that begins runs of these models, by their digests."""

    def begun(method="probe", **models):
        with database.transaction():
            return [
                runs.open(method, digest, json.dumps({"roles": {"teacher": {"model": model}}}))
                for digest, model in models.items()
            ]

    return begun


def end(database, runs, *ids):
    for run in ids:
        with database.transaction():
            runs.end(run)


def test_runs_that_ended_come_first_the_last_one_before_all(database, runs, begun):
    a, b, c, d, e = begun(a="m", b="m", c="n", d="m", e="m")
    end(database, runs, d, a, c)
    assert [run.id for run in runs.all("probe")] == [c, a, d, e, b]
    assert [run.ended for run in runs.all("probe")] == [3, 2, 1, None, None]
    assert runs.newest("probe").id == c


def test_a_run_that_ends_again_is_the_newest(database, runs, begun):
    a, b = begun(a="m", b="m")
    end(database, runs, a, b, a)
    assert [run.id for run in runs.all("probe")] == [a, b]
    assert runs.newest("probe") == runs.get(a)


def test_the_newest_of_a_model_is_the_one_that_ended_last(database, runs, begun):
    a, b, c, _ = begun(a="m", b="n", c="m", d="m")
    assert runs.newest("probe") is None
    end(database, runs, c, a, b)
    assert runs.newest("probe", "m").id == a
    assert runs.newest("probe", "n").id == runs.newest("probe").id == b
    assert runs.newest("probe", "nobody") is None


def test_runs_of_other_methods_are_no_probes(database, runs, begun):
    [a] = begun(a="m")
    [other] = begun("evol-instruct", b="m")
    end(database, runs, a, other)
    assert [run.id for run in runs.all("probe")] == [a]
    assert runs.newest("probe", "m").id == a
    assert runs.get(other).ended == 2


def test_a_recipe_that_nobody_can_read_is_of_no_model(database, runs):
    with database.transaction():
        ids = [runs.open("probe", digest, digest) for digest in ("no json", "{}", "[1]")]
    end(database, runs, *ids)
    assert runs.newest("probe").id == ids[2]
    assert runs.newest("probe", "m") is None
    assert [run.model for run in runs.all("probe")] == [None] * 3


def test_a_recipe_is_opened_once_and_what_it_is_adopted_by_stays(database, runs, begun):
    [a] = begun(a="m")
    with database.transaction():
        runs.adopt(a, "warmer", "{}")
    [again, other] = begun(a="other", b="n")
    assert again == a
    assert runs.get(a).model == "m"
    with database.transaction():
        runs.adopt(other, "warmer", "{}")
    assert (runs.find("warmer"), runs.find("b"), runs.find("none")) == (a, other, None)
