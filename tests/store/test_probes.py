"""Probes on disk: one a recipe, answers as they come, the newest of a model."""

from __future__ import annotations

import sqlite3

import pytest

from studio.errors import StudioError
from studio.methods.probe.curve import Curve, Point
from studio.methods.probe.tasks import Setup
from studio.store import database as databases
from studio.store.database import Database
from studio.store.migrations import MIGRATIONS
from studio.store.probes import Probes

SETUP = Setup("kv", 9, 3, 2, "zh", 42)


@pytest.fixture
def database(tmp_path):
    database = Database(tmp_path / "studio.db", writable=True)
    yield database
    database.close()


def begun(database, digest="d", model="m", setup=SETUP):
    with database.transaction():
        return Probes(database).open(digest, model, setup, "{}")


def answered(database, probe, *answers):
    with database.transaction():
        for sample, position, correct in answers:
            Probes(database).keep(probe, sample, position, correct=correct, reply=f"{sample}/{position}")


def ended(database, probe):
    with database.transaction():
        Probes(database).end(probe)


def test_a_recipe_has_one_probe_and_it_comes_back_as_it_was_begun(database):
    probes, probe = Probes(database), begun(database)
    assert begun(database) == probe
    assert begun(database, "other") != probe
    found = probes.get(probe)
    assert (found.model, found.setup, found.recipe, found.ended) == ("m", SETUP, "{}", False)
    assert found.curve == Curve(9, (Point(0, 0, 0), Point(4, 0, 0), Point(8, 0, 0)))
    assert probes.get(99) is None


def test_answers_make_the_curve_and_one_that_comes_again_takes_its_place(database):
    probe = begun(database)
    answered(database, probe, (0, 0, True), (0, 4, False), (1, 0, True))
    answered(database, begun(database, "other"), (0, 8, True))
    answered(database, probe, (1, 0, False), (0, 0, True))
    assert Probes(database).get(probe).curve == Curve(9, (Point(0, 2, 1), Point(4, 1, 0), Point(8, 0, 0)))


def test_the_newest_is_the_one_that_ended_last(database):
    probes = Probes(database)
    assert probes.newest() is None
    one, two, three = begun(database, "1"), begun(database, "2", "n"), begun(database, "3")
    assert probes.newest("m") is None
    for probe in (one, two):
        ended(database, probe)
    assert (probes.newest().id, probes.newest("m").id, probes.newest("n").id) == (two, one, two)
    assert probes.newest("o") is None
    ended(database, one)
    assert probes.newest().id == one
    assert [probe.id for probe in probes.all()] == [one, two, three]
    assert [probe.ended for probe in probes.all()] == [True, True, False]


def test_a_setup_that_cannot_be_read_is_an_error_that_says_so(database):
    probe = begun(database)
    database.connection.execute("UPDATE probes SET setup = '{}'")
    with pytest.raises(StudioError, match="stored probe cannot be read"):
        Probes(database).get(probe)


def test_a_project_from_before_probes_gets_their_tables_and_a_backup(tmp_path, monkeypatch):
    path = tmp_path / "studio.db"
    monkeypatch.setattr(databases, "MIGRATIONS", MIGRATIONS[:5])
    Database(path, writable=True).close()
    monkeypatch.undo()
    migrated = Database(path, writable=True)
    ended(migrated, begun(migrated))
    assert Probes(migrated).newest().setup == SETUP
    migrated.close()
    with sqlite3.connect(path.with_name("studio.db.v5.bak")) as backup:
        assert backup.execute("SELECT count(*) FROM sqlite_master WHERE name = 'probes'").fetchone() == (0,)
    backup.close()
