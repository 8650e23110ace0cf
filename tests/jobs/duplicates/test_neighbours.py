"""One row against all others: what an index tells must be what a new search would."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.alpaca.rows import Kto, Sft
from studio.session import Session
from studio.settings import DedupSettings
from studio.store import index_folder
from tests.support.projects import bring_in, drain, new_project

TIDES = "Explain why the tide in a long narrow bay is higher than on the open coast"
LOCKS = "说明船闸怎样让货船从低水位的河段升到高水位的河段"
FILLER = [{"instruction": f"sentence{n} about{n} nothing{n} 山{n}", "output": "a"} for n in range(10)]


def project(folder, *rows):
    session = new_project(folder / "p")
    asyncio.run(bring_in(session, folder / "rows.jsonl", FILLER))
    return session, [session.rows.add(row) for row in rows]


def search(session, **chosen):
    asyncio.run(drain(session.review.find_duplicates(DedupSettings(**chosen))))
    return pairs(session)


def pairs(session):
    return {(one.left, one.right): (one.kind, round(one.score, 2)) for one in session.project.pairs.all()}


def close(session):
    asyncio.run(session.close())


def sft(instruction, output="a"):
    return Sft(instruction, "", output)


@pytest.mark.parametrize("text", [TIDES, LOCKS])
def test_a_row_behind_rejected_ones_is_found(tmp_path, text):
    session, (first, second) = project(tmp_path, sft(text), sft(text))
    search(session)
    session.rows.reject(first)
    added = session.rows.add(sft(text))
    assert [one[::2] for one in session.neighbours.near(added)] == [(second, "exact")]
    close(session)


def test_a_row_behind_hundreds_of_rejected_ones_is_found(tmp_path):
    session, _ = project(tmp_path)
    words = TIDES.split()
    many = [
        {"instruction": " ".join([*words[: n % 15], f"z{n}", *words[n % 15 + 1 :]]), "output": "a"} for n in range(300)
    ]
    gone = asyncio.run(bring_in(session, tmp_path / "many.jsonl", many))
    stays = session.rows.add(sft(" ".join([*words[:9], "zz", *words[10:]])))
    search(session)
    for row in gone:
        session.rows.reject(row)
    added = session.rows.add(sft(TIDES))
    assert [one.row for one in session.neighbours.near(added)] == [stays]
    close(session)


def test_a_row_that_came_back_since_the_search_is_found(tmp_path):
    session, (row,) = project(tmp_path, sft(LOCKS))
    session.rows.reject(row)
    search(session)
    session.rows.restore([row])
    session.neighbours.compare(row)
    added = session.rows.add(sft(LOCKS))
    assert [one.row for one in session.neighbours.near(added)] == [row]
    close(session)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([TIDES, LOCKS]), st.sampled_from("ab")), max_size=6), st.integers(0, 6))
def test_rows_that_say_the_same_are_tied_as_a_search_ties_them(rows, known):
    with tempfile.TemporaryDirectory() as folder:
        session, _ = project(Path(folder), *(sft(*row) for row in rows[:known]))
        search(session)
        for row in rows[known:]:
            session.rows.add(sft(*row))
        found = pairs(session)
        assert search(session) == found
        close(session)


def test_a_typing_mistake_is_still_one_after_an_edit(tmp_path):
    session, (_, second) = project(
        tmp_path, sft("Name the capital of Portugal please"), sft("Name the capital of Portugall please")
    )
    before = search(session)
    assert [kind for kind, _ in before.values()] == ["letters"]
    session.rows.edit(second, sft("Name the capital of Portugall please", "b"))
    assert pairs(session) == before
    close(session)


@pytest.mark.parametrize("method", ["exact", "rouge-l"])
def test_a_search_by_another_measure_gets_no_pairs_of_overlap(tmp_path, method):
    session, (row,) = project(tmp_path, sft(TIDES))
    search(session, method=method)
    session.rows.add(sft(" ".join(reversed(TIDES.split()))))
    assert pairs(session) == {}
    copy = session.rows.add(sft(TIDES))
    assert pairs(session) == {(row, copy): ("exact", 1.0)}
    close(session)


def test_a_search_with_a_lower_floor_keeps_it(tmp_path):
    other = TIDES.replace("higher than on the open coast", "slow and wide")
    session, (_, second) = project(tmp_path, sft(TIDES), sft(other))
    before = search(session, threshold=0.45)
    assert [0.45 <= score < 0.65 for _, score in before.values()] == [True]
    session.rows.edit(second, sft(other, "b"))
    assert pairs(session) == before
    close(session)


def test_a_row_whose_tag_turned_is_in_one_group_alone(tmp_path):
    session, (row,) = project(tmp_path, Kto(instruction=TIDES, output="a", kto_tag=True))
    search(session)
    session.rows.edit(row, Kto(instruction=TIDES, output="a", kto_tag=False))
    session.rows.add(Kto(instruction=TIDES, output="a", kto_tag=True))
    assert pairs(session) == {} == search(session)
    close(session)


# -- the index on disk ---------------------------------------------------------------------------------


def _one_file_less(index):
    next(index.rglob("members.npy")).unlink()


def _a_group_without_files(index):
    for file in index.rglob("*.npy"):
        file.unlink()


def _an_empty_file(index):
    os.truncate(next(index.rglob("members.npy")), 0)


def _half_of_each(index):
    for file in index.rglob("*.npy"):
        os.truncate(file, file.stat().st_size // 2)


def _other_numbers(index):
    file = next(index.rglob("ranks.npy"))
    file.write_bytes(file.read_bytes()[:128] + b"\xfe" * (file.stat().st_size - 128))


def _no_note(index):
    next(index.glob("*.json")).unlink()


@pytest.mark.parametrize(
    "damage",
    [shutil.rmtree, _one_file_less, _a_group_without_files, _an_empty_file, _half_of_each, _other_numbers, _no_note],
)
def test_a_damaged_index_costs_only_the_warnings(tmp_path, damage):
    session, (row,) = project(tmp_path, sft(TIDES))
    search(session)
    close(session)
    damage(tmp_path / "p" / index_folder.FOLDER)
    session = Session.open(tmp_path / "p", must_write=True)
    added = session.rows.add(sft(TIDES))
    assert session.neighbours.near(added) == []
    session.rows.edit(added, sft(TIDES, "b"))
    assert search(session) == {(row, added): ("conflict", 1.0)}
    assert [one.row for one in session.neighbours.near(added)] == [row]
    close(session)


def test_a_file_of_the_desktop_in_the_index_does_no_harm(tmp_path):
    session, (row,) = project(tmp_path, sft(TIDES))
    search(session)
    (tmp_path / "p" / index_folder.FOLDER / ".DS_Store").write_bytes(b"x")
    assert [one.row for one in session.neighbours.near(session.rows.add(sft(TIDES)))] == [row]
    close(session)


@pytest.mark.parametrize("failing", [(np, "save"), (index_folder, "write")])
def test_the_index_of_an_earlier_search_is_not_taken_for_that_of_the_last(tmp_path, monkeypatch, failing):
    """The disk is full, or the process ends between the search's pairs and its index."""
    session, (row,) = project(tmp_path, sft(TIDES))
    search(session)
    session.rows.edit(row, sft(LOCKS))

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(*failing, fail)
        search(session)
    added = session.rows.add(sft(TIDES))
    assert session.neighbours.near(added) == []
    assert search(session) == {}
    close(session)
