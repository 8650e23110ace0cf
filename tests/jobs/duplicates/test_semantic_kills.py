"""A search for semantic neighbours killed at any instant: nothing that was paid is lost, or asked for again."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from studio.store.database import Database
from studio.store.project import create
from studio.store.vectors import kept
from tests.support.projects import ROOT
from tests.support.serving import logged, serving

CANARY = "sk-canary-5c1d7e90ab"
LANES, BATCH = 4, 5


def texts(number):
    """So many, half of them English and half Chinese; neighbours by number are near each other."""
    half = range(number // 2)
    english = [f"Describe tool number {n} of a carpenter, and what {n + 1} of them cost." for n in half]
    return english + [f"说说木匠的第{n}件工具，以及它的用法。" for n in half]


def asked(folder):
    """How often each text was asked for."""
    return Counter(text for request in logged(folder) for text in request["input"])


def searching(folder, url, threshold=0.9):
    """The search as a process of its own; it has read its rows when this returns, and says how many texts it needs."""
    command = [sys.executable, "tests/support/semantic_run.py", folder / "p", url, folder / "rows.json", threshold]
    child = subprocess.Popen(
        [*map(str, command)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "CANARY_KEY": CANARY},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    return child, int(child.stdout.readline())


def prepare(folder, rows):
    folder.mkdir()
    create(folder / "p")
    (folder / "rows.json").write_text(json.dumps(rows), "utf-8")
    return folder


def vectors_in(folder):
    database = Database(folder / "p" / "studio.db", writable=True)
    assert database.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    found = kept(database)
    database.close()
    return found[0].vectors if found else 0


def pairs_of(folder, url):
    child, missing = searching(folder, url)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    return json.loads(out), missing


@pytest.mark.parametrize(("kills", "number"), [(1, 100), pytest.param(40, 2000, marks=pytest.mark.slow)])
def test_a_search_killed_at_any_instant_pays_nothing_twice_and_finds_the_same_pairs(tmp_path, kills, number):
    luck, rows = random.Random(kills), texts(number)
    killed, whole = prepare(tmp_path / "killed", rows), prepare(tmp_path / "whole", rows)
    before = 0
    with serving(killed, 0.004) as url:
        for kill in range(1, kills + 1):
            goal = asked(killed).total() + luck.randint(1, 2 * number // kills)
            child, missing = searching(killed, url)
            assert missing == number - before, "what was kept is not asked for"
            end = time.monotonic() + 20
            while asked(killed).total() < goal and child.poll() is None and time.monotonic() < end:
                time.sleep(0.001)
            time.sleep(luck.random() * 0.006)
            child.send_signal(signal.SIGKILL)
            child.communicate()
            now = vectors_in(killed)
            assert now >= before
            # What was asked for and is not there was in flight when it was killed.
            assert asked(killed).total() - now <= kill * LANES * BATCH
            before = now
        assert before > 0
        pairs, missing = pairs_of(killed, url)
        assert missing == number - before
        assert vectors_in(killed) == number
        total = asked(killed)
        assert pairs_of(killed, url) == (pairs, 0)
        assert asked(killed) == total, "there is nothing left to ask for"
    with serving(whole, 0) as url:
        found, missing = pairs_of(whole, url)
    assert (found, missing) == (pairs, number)
    assert len(pairs) > 20
    assert set(total) == set(asked(whole)) == {f"text: {text}" for text in rows}
    for path in (killed / "p").rglob("*"):
        assert path.is_dir() or CANARY.encode() not in path.read_bytes(), path
