from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import pytest

from studio.alpaca.rows import Sft
from studio.errors import LockedError, ProjectError, UsageError
from studio.session import Session
from studio.store import database
from studio.store.database import Database
from studio.store.files import atomic
from studio.store.migrations import MIGRATIONS
from studio.store.project import create, open_project
from tests.support.projects import ROOT, start_studio


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "project"
    create(made, "seeds 种子")
    return made


# -- creating and opening --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["plain", 'quo"te \\ back', "中文 项目", "line\nbreak", "del\x7f\x1b", "half \udcff"])
def test_any_name_makes_a_valid_settings_file(tmp_path, name):
    create(tmp_path / "p", name)
    written = tomllib.loads((tmp_path / "p" / "studio.toml").read_text("utf-8"))["project"]["name"]
    assert written == name.encode(errors="replace").decode()


def test_creating_does_not_touch_what_is_there(tmp_path, folder):
    with pytest.raises(UsageError, match="already"):
        create(folder)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="not an empty folder"):
        create(tmp_path / "full")


def test_an_interrupted_creation_can_be_tried_again(folder):
    (folder / "studio.toml").unlink()
    create(folder)
    open_project(folder).close()


def test_a_lost_database_is_an_error_not_an_empty_project(folder):
    (folder / "studio.db").unlink()
    with pytest.raises(ProjectError, match="has lost its"):
        open_project(folder)


def test_a_folder_that_is_no_project_is_wrong_use(tmp_path):
    with pytest.raises(UsageError, match="not a studio project"):
        open_project(tmp_path)


# -- the database ----------------------------------------------------------------------------------


@pytest.mark.parametrize("writable", [True, False])
def test_a_newer_schema_is_refused_and_left_alone(folder, writable):
    path = folder / "studio.db"
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version={len(MIGRATIONS) + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(ProjectError, match="newer studio"):
        Database(path, writable=writable)
    assert path.read_bytes() == before


def test_a_migration_backs_the_database_up_first(folder, monkeypatch):
    monkeypatch.setattr(database, "MIGRATIONS", (*MIGRATIONS, "CREATE TABLE later (id INTEGER);"))
    path = folder / "studio.db"
    with pytest.raises(ProjectError, match=f"needs {len(MIGRATIONS) + 1}"):
        Database(path, writable=False)
    opened = Database(path, writable=True)
    assert opened.version == len(MIGRATIONS) + 1
    opened.close()
    backup = sqlite3.connect(path.with_name(f"studio.db.v{len(MIGRATIONS)}.bak"))
    assert backup.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    backup.close()


def test_a_failed_migration_changes_nothing(folder, monkeypatch):
    monkeypatch.setattr(database, "MIGRATIONS", (*MIGRATIONS, "CREATE TABLE later (id INTEGER); NONSENSE;"))
    with pytest.raises(ProjectError):
        Database(folder / "studio.db", writable=True)
    monkeypatch.undo()
    opened = Database(folder / "studio.db", writable=True)
    assert opened.version == len(MIGRATIONS)
    assert opened.connection.execute("SELECT name FROM sqlite_master WHERE name = 'later'").fetchone() is None
    opened.close()


@pytest.mark.parametrize("content", [b"not a database at all, but longer than a header " * 40, b"SQLite format 3\x00"])
def test_a_damaged_database_is_a_project_error(folder, content):
    (folder / "studio.db").write_bytes(content)
    with pytest.raises(ProjectError, match="damaged"):
        open_project(folder)
    (folder / "studio.db").write_bytes(b"")
    open_project(folder).close()  # an empty file is an empty database, and the lock is free


async def test_a_full_disk_is_a_project_error_and_costs_nothing(folder):
    session = Session.open(folder, must_write=True)
    session.rows.add(_row("kept"))
    connection = session.project.database.connection
    connection.execute(f"PRAGMA max_page_count={connection.execute('PRAGMA page_count').fetchone()[0]}")
    with pytest.raises(ProjectError, match="full"):
        session.rows.add(_row("x" * 300_000))
    connection.execute("PRAGMA max_page_count=1000000")
    assert session.rows.add(_row("later")) == 2
    assert session.rows.stats()["rows"] == 2
    await session.close()


# -- the lock --------------------------------------------------------------------------------------


async def test_a_second_opening_reads_only_and_says_who_writes(folder):
    first = Session.open(folder)
    second = Session.open(folder)
    assert (first.writable, second.writable) == (True, False)
    assert f"process {os.getpid()} on " in second.holder
    with pytest.raises(LockedError, match=f"process {os.getpid()}"):
        second.rows.add(_row("no"))
    with pytest.raises(LockedError, match=f"process {os.getpid()}"):
        Session.open(folder, must_write=True)
    first.rows.add(_row("yes"))
    assert second.rows.stats()["rows"] == 1
    await second.close()
    await first.close()
    third = Session.open(folder, must_write=True)
    await third.close()
    looking = Session.open(folder, read_only=True)
    assert looking.holder == "nobody"
    await looking.close()


_HOLD = """
import sys, time
from pathlib import Path
from studio.session import Session
session = Session.open(Path(sys.argv[1]), must_write=True)
print("held", flush=True)
time.sleep(60)
"""


def test_a_lock_is_free_when_its_holder_was_killed(folder):
    holder = subprocess.Popen([sys.executable, "-c", _HOLD, folder], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LockedError, match=f"process {holder.pid} "):
            Session.open(folder, must_write=True)
        for words in (["check", folder], ["stats", folder], ["export", folder, "--out", folder / "out"]):
            with start_studio(*words) as other:
                assert other.wait(30) == 0, other.stderr.read()
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    asyncio.run(Session.open(folder, must_write=True).close())


_LOOK = """
import os, sys
from pathlib import Path
from studio.session import Session
from studio.errors import ProjectError
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
session = Session.open(Path(sys.argv[1]))
print(session.writable, session.rows.stats()["rows"], session.holder)
try:
    Session.open(Path(sys.argv[1]), must_write=True)
except ProjectError as error:
    print(type(error).__name__, error.message)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="changes its user")
def test_a_project_in_a_folder_that_cannot_be_written_is_shown(folder):
    session = Session.open(folder, must_write=True)
    session.rows.add(_row("seen"))
    asyncio.run(session.close())
    # The folder above a test's own is closed to other users.
    public = Path(tempfile.mkdtemp(prefix="studio-read-only-"))
    shutil.copytree(folder, public, dirs_exist_ok=True)
    try:
        (public / ".studio.db.lock").unlink()
        public.chmod(0o555)
        command = [sys.executable, "-c", _LOOK, str(public)]
        found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"HOME": "/"})
    finally:
        public.chmod(0o755)
        shutil.rmtree(public)
    assert found.stdout.splitlines()[0] == "False 1 nobody", found.stderr
    assert "cannot be written: Permission denied" in found.stdout


# -- files -----------------------------------------------------------------------------------------


def test_a_replaced_file_is_the_old_one_until_it_is_the_new_one(tmp_path):
    path = tmp_path / "file"
    atomic.write(path, b"old")
    with contextlib.suppress(RuntimeError), atomic.replacing(path) as file:
        file.write(b"half of the n")
        file.flush()
        assert path.read_bytes() == b"old"
        raise RuntimeError
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    atomic.write(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _row(text):
    return Sft(instruction=text, output="y")


def _umask():
    current = os.umask(0o022)
    os.umask(current)
    return current
