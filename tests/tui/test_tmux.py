"""The whole story in tmux at 80x24 by keys alone: evolve, settle, place, check, export; the client is killed; go on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from studio.session import Session
from tests.support.projects import ROOT
from tests.support.serving import serving

pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")]
SOCKET = f"studio-test-{os.getpid()}"


def tmux(*words):
    done = subprocess.run(
        ["tmux", "-L", SOCKET, "-f", "/dev/null", *words], capture_output=True, text=True, check=False
    )
    return done.stdout


def screen():
    return tmux("capture-pane", "-p", "-t", "studio")


def until(text, *, gone=False, limit=60):
    end = time.monotonic() + limit
    while (text in screen()) == gone:
        assert time.monotonic() < end, f"{text!r} {'stays' if gone else 'does not come'}:\n{screen()}"
        time.sleep(0.1)


def keys(*pressed):
    for key in pressed:
        tmux("send-keys", "-t", "studio", key)
        time.sleep(0.25)


@pytest.fixture
def chat(tmp_path):
    """The chat server as a process; gives the settings that lead to it."""
    with serving(tmp_path, 0.1) as url:
        yield {"STUDIO_MODEL_BASE_URL": url, "STUDIO_MODEL_MODEL": "teacher-small", "STUDIO_EVOLVE_LIMIT": "20"}


@pytest.fixture
def start(project, chat):
    """Start the studio on the project in a window of 80x24."""

    def start():
        settings = chat | {"STUDIO_CONFIG_FILE": "none", "PYTHONPATH": str(ROOT)}
        line = " ".join(f"{name}={value}" for name, value in settings.items())
        tmux("kill-server")
        tmux(
            "new-session", "-d", "-s", "studio", "-x", "80", "-y", "24",
            f"{line} {sys.executable} -m studio {project}; echo ended $?; sleep 600",
        )  # fmt: skip
        until("1 Seeds")

    yield start
    tmux("kill-server")


def opened(project: Path):
    return Session.open(project, read_only=True)


async def test_the_story(project, start):
    start()
    keys("2")
    until("s starts")
    keys("s")
    until("done 20/20")
    keys("j", "a", "x")
    keys("3", "f")
    until(" pairs among ")
    until(" left ≥ 0.75")
    keys("h", "l", "b", "u")
    until("undid: keep #")
    keys("F4")
    until("then ")
    keys("l", "m", "H", "P")
    until("Place all")
    keys("y")
    until("u takes it back")
    keys("5")
    until("chosen-equals-rejected")
    keys("space", "j", "x")
    until("chosen-equals-rejected", gone=True)
    keys("6", "w")
    until("verified")
    keys("2", "g", "j", "j")
    until("3/20")
    keys("x")
    until("4/20")
    status = next(line for line in screen().splitlines() if line.startswith("#"))
    # The terminal is gone without a word, and the program with it.
    tmux("kill-server")
    start()
    until(status)
    until("4/20")
    keys("u")
    until("undid: reject #")
    keys("q")
    until("ended 0")
    session = opened(project)
    rules = [session.rows.rules(generated=generated).get("near-duplicate", 0) for generated in (True, False)]
    assert sum(rules) == 2
    assert "keep-both" not in [pair.verdict for pair in session.project.pairs.all()]
    assert (project / "export" / "dataset_info.json").is_file()
    await session.close()


async def test_copying_fills_tmuxs_buffer(project, start):
    start()
    keys("y")
    until("copied to the tmux buffer")
    assert "Explain why bread dough rises" in tmux("show-buffer")


async def test_a_paste_arrives_once_and_safe(project, start):
    start()
    keys("e")
    until("Edit #1")
    tmux("set-buffer", "one\ntwo\u202e")
    tmux("paste-buffer", "-p", "-t", "studio")
    until("two·Explain")
    keys("F2")
    until("Edit #1", gone=True)
    session = opened(project)
    row = session.rows.get(1).row
    assert row.instruction.startswith("one\ntwo·Explain")
    await session.close()
