"""Projects for tests: made in a folder, filled, run to the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import orjson

from studio import __main__
from studio.jobs.events import ImportEnded
from studio.session import Session
from studio.store.project import create

ROOT = Path(__file__).parents[2]


def new_project(folder, **flags):
    """A fresh project, open for writing."""
    create(folder)
    return Session.open(folder, flags=flags, must_write=True)


async def drain(events):
    """Everything a job says."""
    return [event async for event in events]


async def watch(events, see):
    """Call see with each event of a job."""
    async for event in events:
        see(event)


async def bring_in(session, file, objects, **how):
    """Import objects as a JSON Lines file; the ids of its rows."""
    last = session.project.rows.last_id()
    file.write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in objects))
    events = await drain(session.files.import_files([file], **how))
    assert isinstance(events[-1], ImportEnded)
    return range(last + 1, session.project.rows.last_id() + 1)


def recount(session):
    """The kept counts as they must be, counted from every row."""
    rows = session.rows.page(range(1, session.project.rows.last_id() + 1))
    return Counter((row.type, row.status, row.seed, row.generated) for row in rows)


def kept(session):
    """The kept counts."""
    return Counter({tuple(count[:4]): count.n for count in session.rows.counts()})


def contents(session, ids=None):
    """Content and state of every row, by id."""
    rows = session.rows.page(ids or range(1, session.project.rows.last_id() + 1))
    return {row.id: (row.row, row.status, row.seed, row.rule, row.evidence, row.gold) for row in rows}


def studio(capsys, *words):
    """A subcommand in this process: (exit code, stdout, stderr)."""
    capsys.readouterr()
    code = __main__.run([str(word) for word in words])
    out, err = capsys.readouterr()
    return code, out, err


def studio_json(capsys, *words):
    """A subcommand with --json: (exit code, the document)."""
    code, out, _ = studio(capsys, *words, "--json")
    return code, json.loads(out)


def start_studio(*words, **more):
    """A subcommand as a process of its own."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | more.pop("env", {})
    command = [sys.executable, "-m", "studio", *map(str, words)]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, env=environment, text=True, **pipes | more)
