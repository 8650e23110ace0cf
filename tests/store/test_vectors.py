"""Vectors in the project: kept once, found again, whole after a kill."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from studio.curate.duplicates.semantic import unit
from studio.errors import ProjectError
from studio.store.database import Database
from studio.store.vectors import KEY_BYTES, Kept, Space, Vectors, kept
from tests.support.projects import ROOT

SPACE = Space("harbour-embed", 8, "query: ")


@pytest.fixture
def database(tmp_path):
    database = Database(tmp_path / "studio.db", writable=True)
    yield database
    database.close()


def keys_of(*texts, space=SPACE):
    return [space.key(text) for text in texts]


def rows(count, width=8, seed=1):
    return unit(np.random.default_rng(seed).standard_normal((count, width)).astype(np.float32))


def test_a_key_tells_apart_all_that_decides_a_vector():
    spaces = [SPACE, Space("harbour-embed", 0, "query: "), Space("harbour-embed", 8), Space("other", 8, "query: ")]
    texts = ["", "a", "b", "港口", "query: a"]
    keys = {space.key(text) for space in spaces for text in texts}
    assert len(keys) == len(spaces) * len(texts)
    assert {len(key) for key in keys} == {KEY_BYTES}
    assert Space("m", 1, "ab").key("c") != Space("m", 1, "a").key("bc")
    # Kept vectors are found by these names for ever.
    assert SPACE.key("港口 at dawn").hex() == "9aec4feda644d0a2e7f6e6cf37ef12d0"
    with pytest.raises(UnicodeEncodeError):
        SPACE.key("half \ud800 a pair")


def test_vectors_come_back_as_they_were_kept_in_any_order(database):
    vectors, found = rows(5), Vectors(database, SPACE)
    assert (len(found), found.width) == (0, 0)
    keys = keys_of("one", "two", "三", "四", "five")
    found.keep(keys[:3], vectors[:3])
    found.keep(keys[3:], vectors[3:])
    for store in (found, Vectors(database, SPACE)):
        assert (len(store), store.width) == (5, 8)
        assert keys[2] in store
        assert SPACE.key("six") not in store
        mixed = [3, 0, 4, 2, 3, 1]
        assert np.array_equal(store.matrix([keys[place] for place in mixed]), vectors[mixed])
        assert store.matrix([]).shape == (0, 8)
        with pytest.raises(KeyError):
            store.matrix([keys[0], SPACE.key("six")])


def test_reading_goes_answer_by_answer_and_leaves_out_what_is_not_there(database):
    vectors, found, keys = rows(6), Vectors(database, SPACE), keys_of(*"abcdef")
    for start in (0, 2, 4):
        found.keep(keys[start : start + 2], vectors[start : start + 2])
    asked = [keys[5], SPACE.key("nowhere"), keys[0], keys[4]]
    read = [(places, part.tolist()) for places, part in found.read(asked)]
    assert read == [([2], vectors[[0]].tolist()), ([0, 3], vectors[[5, 4]].tolist())]


def test_what_is_kept_is_not_kept_again(database):
    found, keys = Vectors(database, SPACE), keys_of("one", "two")
    found.keep(keys[:1], rows(1, seed=1))
    found.keep(keys, rows(2, seed=2))
    found.keep(keys, rows(2, seed=3))
    expected = [rows(1, seed=1)[0].tolist(), rows(2, seed=2)[1].tolist()]
    assert found.matrix(keys).tolist() == Vectors(database, SPACE).matrix(keys).tolist() == expected
    assert kept(database) == [Kept(SPACE, 8, 2)]


def test_spaces_have_nothing_to_do_with_each_other(database):
    wide, narrow = Space("harbour-embed"), SPACE
    Vectors(database, wide).keep(keys_of("one", space=wide), rows(1, 12))
    Vectors(database, narrow).keep(keys_of("one", "two"), rows(2))
    assert kept(database) == [Kept(wide, 12, 1), Kept(narrow, 8, 2)]
    assert Vectors(database, wide).matrix(keys_of("one", space=wide)).shape == (1, 12)
    assert keys_of("two", space=wide)[0] not in Vectors(database, wide)


def test_two_at_work_in_one_space_do_not_hinder_each_other(database):
    first, second = Vectors(database, SPACE), Vectors(database, SPACE)
    assert (len(first), len(second)) == (0, 0)
    first.keep(keys_of("one"), rows(1, seed=1))
    second.keep(keys_of("one", "two"), rows(2, seed=2))
    told = Vectors(database, SPACE).matrix(keys_of("one", "two"))
    assert told.tolist() == [rows(1, seed=1)[0].tolist(), rows(2, seed=2)[1].tolist()]


def test_vectors_of_another_width_are_refused_and_nothing_is_lost(database):
    found = Vectors(database, SPACE)
    found.keep(keys_of("one"), rows(1))
    with pytest.raises(ProjectError, match="12 dimensions, and those kept have 8"):
        found.keep(keys_of("two"), rows(1, 12))
    assert len(found) == len(Vectors(database, SPACE)) == 1
    found.keep(keys_of("two"), rows(1))
    assert len(found) == 2


def test_a_read_only_project_shows_its_vectors(database):
    Vectors(database, SPACE).keep(keys_of("one"), rows(1))
    viewer = Database(database.path, writable=False)
    assert Vectors(viewer, SPACE).matrix(keys_of("one")).shape == (1, 8)
    viewer.close()


def test_a_full_disk_is_told_and_costs_nothing(database):
    found = Vectors(database, SPACE)
    found.keep(keys_of("one"), rows(1))
    pages = database.connection.execute("PRAGMA page_count").fetchone()[0]
    database.connection.execute(f"PRAGMA max_page_count={pages}")
    many = [SPACE.key(str(number)) for number in range(20_000)]
    with pytest.raises(ProjectError, match="full"):
        found.keep(many, rows(20_000))
    assert many[0] not in found
    database.connection.execute("PRAGMA max_page_count=1000000")
    found.keep(many, rows(20_000))
    assert len(found) == len(Vectors(database, SPACE)) == 20_001


def test_a_disk_that_is_full_at_the_first_vector_leaves_no_trace_of_it(database):
    pages = database.connection.execute("PRAGMA page_count").fetchone()[0]
    database.connection.execute(f"PRAGMA max_page_count={pages}")
    found = Vectors(database, SPACE)
    with pytest.raises(ProjectError, match="full"):
        found.keep([SPACE.key(str(number)) for number in range(20_000)], rows(20_000))
    assert (len(found), found.width, kept(database)) == (0, 0, [])
    database.connection.execute("PRAGMA max_page_count=1000000")
    found.keep(keys_of("one"), rows(1, 12))
    assert Vectors(database, SPACE).matrix(keys_of("one")).shape == (1, 12)


def test_many_are_read_within_their_own_size(database):
    """Besides the matrix: where each vector is, and one answer. Not the numbers as objects."""
    import tracemalloc

    count, width, batch = 20_000, 256, 500
    space = Space("wide", width)
    keys = [space.key(str(number)) for number in range(count)]
    found = Vectors(database, space)
    for start in range(0, count, batch):
        found.keep(keys[start : start + batch], rows(batch, width, seed=start))
    fresh = Vectors(database, space)
    tracemalloc.start()
    matrix = fresh.matrix(keys)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.array_equal(matrix[-batch:], rows(batch, width, seed=count - batch))
    assert peak < matrix.nbytes + 350 * count + 4 * batch * width * 2


KEEPING = """
import sys
import numpy as np
from studio.curate.duplicates.semantic import unit
from studio.store.database import Database
from studio.store.vectors import Space, Vectors
found = Vectors(Database(__import__("pathlib").Path(sys.argv[1]), writable=True), Space("m"))
for number in range(int(sys.argv[2]), 10**6):
    texts = [f"{number} {part}" for part in range(7)]
    spread = np.array([[number + 1, part + 1, number % 7 + 1] for part in range(7)], np.float32)
    found.keep([found.space.key(text) for text in texts], unit(spread))
    found.sync()
    print(number, flush=True)
"""


@pytest.mark.parametrize("kills", [4, pytest.param(60, marks=pytest.mark.slow)])
def test_what_was_told_to_be_kept_is_there_after_a_kill(tmp_path, kills):
    luck, path, last = random.Random(kills), tmp_path / "studio.db", -1
    Database(path, writable=True).close()
    for _ in range(kills):
        command = [sys.executable, "-c", KEEPING, str(path), str(last + 1)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
            for _ in range(luck.randint(1, 40)):
                last = int(child.stdout.readline())
            time.sleep(luck.random() * 0.003)
            child.send_signal(signal.SIGKILL)
            told = child.stdout.read().split("\n")[:-1]
            last = int(told[-1]) if told else last
        database = Database(path, writable=True)
        found = Vectors(database, Space("m"))
        assert len(found) >= (last + 1) * 7
        assert len(found) % 7 == 0, "an answer is there as a whole or not at all"
        keys = [found.space.key(f"{number} {part}") for number in range(last + 1) for part in range(7)]
        spread = [[n + 1, part + 1, n % 7 + 1] for n in range(last + 1) for part in range(7)]
        assert np.array_equal(found.matrix(keys), unit(np.array(spread, np.float32)))
        assert database.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        database.close()
