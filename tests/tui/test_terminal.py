"""The whole program in a pseudo-terminal: bytes on the wire, hostile text, signals, $EDITOR."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from studio.alpaca.rows import Preference, Sft
from studio.session import Session
from studio.text.display import visible
from tests.support.chat_server import ChatServer, Fault
from tests.support.projects import bring_in, new_project
from tests.support.terminal import Terminal

ROOT = str(Path(__file__).parents[2])


@contextmanager
def started(project, **environment):
    """The studio on a project; ready when it has painted."""
    environment |= {"STUDIO_CONFIG_FILE": "none", "PYTHONPATH": ROOT}
    with Terminal([sys.executable, "-m", "studio", str(project)], environment=environment) as terminal:
        terminal.wait_for("1 Seeds")
        terminal.read(quiet=0.5)
        yield terminal


@contextmanager
def served(script):
    """The chat server in a thread of its own; gives the settings that lead to it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = ChatServer(script, latency=0.02)
    try:
        asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(5)
        yield {"STUDIO_MODEL_BASE_URL": server.url, "STUDIO_MODEL_MODEL": "teacher-small"}
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


# -- bytes -----------------------------------------------------------------------------------------


def idle(terminal):
    """What is written while nobody does anything."""
    terminal.read(quiet=0.6)
    return terminal.read_for(1.2)


def test_what_is_written_is_little_and_an_idle_screen_writes_nothing(project):
    with started(project) as terminal:
        assert len(terminal.raw) <= 40_000
        assert idle(terminal) == b""
        terminal.go("6", "[x] sft")
        terminal.go("w", "verified")
        terminal.read(quiet=0.5)
        # Here nothing depends on the cursor: this is the move alone.
        assert 0 < len(terminal.press("j", quiet=0.4)) <= 400
        assert 0 < len(terminal.press("k", quiet=0.4)) <= 400
        terminal.go("1", "#1 ")
        terminal.read(quiet=0.5)
        assert 0 < len(terminal.press("j", quiet=0.4)) <= 8_000
        assert 0 < len(terminal.press("ctrl+d", quiet=0.4)) <= 8_000
        terminal.go("/", "Filter")
        assert idle(terminal) == b""
        terminal.go("escape", "Filter", gone=True)
        terminal.go("e", "Edit #")
        assert idle(terminal) == b""
        terminal.go("escape", "Edit #", gone=True)
        terminal.go("4", "then ")
        assert idle(terminal) == b""
        # Another segment is selected: two lines, and nothing else.
        assert 0 < len(terminal.press("l", quiet=0.4)) <= 400
        assert 0 < len(terminal.press("h", quiet=0.4)) <= 400
        assert 0 < len(terminal.press("v", quiet=0.4)) <= 8_000
        assert 0 < len(terminal.press("w", quiet=0.4)) <= 8_000
        terminal.go("5", "chosen-equals-rejected")
        assert idle(terminal) == b""


@pytest.mark.slow
def test_live_generation_is_a_trickle(project):
    said = " ".join(f"word{number} 潮汐" for number in range(60))

    def streams(number, body):
        return Fault("drip", text=said, pause=0.05)

    with served(streams) as model, started(project, **model) as terminal:
        terminal.go("2", "s starts")
        terminal.go("s", "word")
        terminal.read_for(2)
        assert 0 < len(terminal.read_for(4)) <= 4 * 1_000


@pytest.mark.parametrize("rate", [pytest.param(5, marks=pytest.mark.slow), 100])
def test_eight_lanes_stay_within_a_kilobyte_a_second_and_keys_are_heard(project, rate):
    said = " ".join(f"word{number} 潮汐" for number in range(60 if rate == 5 else 400))

    def streams(number, body):
        # The first rows come at once: something to look at while the others are being written.
        return Fault() if number < 60 else Fault("drip", text=f"{number} {said}", pause=1 / rate)

    lanes = {"STUDIO_EVOLVE_CONCURRENCY": "8"}
    with served(streams) as model, started(project, **model, **lanes) as terminal:
        terminal.go("2", "s starts")
        terminal.go("s", "word")
        terminal.read_for(6)
        assert 0 < len(terminal.read_for(5)) <= 5 * 1_000
        assert "8 #" in terminal.text
        assert "tok/s" in terminal.text
        row = int(re.search(r"^#(\d+) ", terminal.text, re.MULTILINE)[1])
        for number in range(1, 12):
            # A key comes at any time between two beats.
            terminal.read_for(0.27)
            terminal.send("j")
            terminal.wait_for_bytes(f"#{row + number} ".encode())


# -- hostile text ----------------------------------------------------------------------------------

HOSTILE = (
    "\x1b]52;c;cHduZWQ=\x07 \x1b]0;title\x07 \x1b[31;47mred \x1b[2J \x1b[6n \x1bP+q544e\x1b\\ \x9b2J \x9d0;t\x9c "
    "\u202eright-to-left\u2066 \x00 \x7f \x08 \x0e \x0b \x85 \u2028 \ufeff [/] [@click=app.quit]quit[/] [bold"
)
OURS = re.compile(
    r"\x1b\[[0-9;]*[mH]|\x1b\[\?[0-9]+(?:h|l|\$p)|\x1b\[[<>][0-9]*u|\x1b\]22;default\x07"  # what Textual itself writes
)


def check_stream(raw):
    """Every character is one that we may show, but for Textual's own sequences and line ends."""
    assert b"\x1b[31;47m" not in raw
    assert b"\x1b]52" not in raw
    left = OURS.sub("", raw.decode())
    unsafe = {char for char in left if visible(char) != char or char == "\t"} - {"\r"}
    assert not unsafe, [left[max(0, at - 40) : at + 20] for at in map(left.index, unsafe)]


@pytest.fixture
async def hostile_project(tmp_path):
    folder = tmp_path / "hostile"
    session = new_project(folder)
    name = HOSTILE.replace("/", "|").replace("\x00", "")[:60]
    file = tmp_path / f"{name}.jsonl"
    kinds = {"instruction": HOSTILE, "input": HOSTILE, "output": HOSTILE, "system": HOSTILE}
    again = kinds | {"instruction": HOSTILE + " again"}
    await bring_in(session, file, [kinds, again], seed=True)
    session.rows.add(Preference(instruction=HOSTILE, chosen=HOSTILE, rejected=HOSTILE, history=((HOSTILE, HOSTILE),)))
    context = "\n\n".join(f"Document [{n}](Title: {HOSTILE}) {HOSTILE} {n}" for n in (1, 2, 3))
    session.rows.add(Sft(instruction="Which?", input=context.replace("\u2028", ""), output=HOSTILE))
    session.project.remember("stage.export", {"out": f"{folder}/{name}"})
    session.project.remember("stage.seeds", {"row": 1, "filter": HOSTILE.split(" ")[0]})
    await session.close()
    with (folder / "studio.toml").open(encoding="utf-8") as settings:
        text = settings.read().replace('name = ""', 'name = "\\u001b]0;t\\u0007\\u009b"')
    (folder / "studio.toml").write_text(text, encoding="utf-8")
    return folder


def walk(terminal, outcome):
    """Every screen, every dialog, and the jobs that show text."""
    for key, text in (("/", "Filter"), ("?", "Seeds   j k"), (":", "a command or a theme"), ("i", "Tab completes")):
        terminal.go(key, text)
        terminal.go("escape", text, gone=True)
    terminal.go("/", "Filter")
    terminal.send("ctrl+u")
    terminal.go("enter", "Filter", gone=True)
    terminal.go("j", "2/4")
    terminal.go("e", "Edit #2")
    terminal.go("ctrl+o", "Edit #2", gone=True)
    terminal.go("2", "s starts")
    terminal.go("s", outcome)
    assert idle(terminal) == b""
    terminal.press("j", "j", "J", quiet=0.2)
    terminal.go("3", "Nothing was searched")
    terminal.go("f", "overlap ")
    for key, text in (
        ("t", "would go"),
        ("m", "Merge #"),
        ("c", "what shall be"),
        ("A", "Drop "),
        ("o", "overlap: words"),
    ):
        terminal.go(key, text)
        terminal.go("escape", text, gone=True)
    terminal.press("tab", quiet=0.2)
    terminal.go("f4", "equally often")
    terminal.go("c", "Which segment")
    terminal.go("escape", "Which segment", gone=True)
    terminal.press("l", "m", "T", "w", "w", "w", quiet=0.2)
    for key, text in (
        ("s", "Where shall gold go"),
        ("o", "How rows are placed"),
        ("f", "rows  "),
    ):
        terminal.go(key, text)
        terminal.go("escape", text, gone=True)
    terminal.go("5", "✗ ")
    terminal.press("j", "J", quiet=0.2)
    terminal.go("6", "[x] sft")
    terminal.go("O", "Export to")
    terminal.go("escape", "Export to", gone=True)
    terminal.go("w", "verified")
    terminal.send("q")


@pytest.mark.parametrize("fails", [False, pytest.param(True, marks=pytest.mark.slow)])
async def test_no_hostile_byte_reaches_the_terminal(hostile_project, fails):
    def answers(number, body):
        return Fault("status", status=400, text=HOSTILE) if fails else Fault(text=f"{HOSTILE} number {number}")

    before = Session.open(hostile_project, read_only=True)
    rows = before.rows.page([1, 2, 3])
    await before.close()
    with served(answers) as model, started(hostile_project, STUDIO_EVOLVE_ROUNDS="1", **model) as terminal:
        walk(terminal, "refused the request" if fails else "2/2")
        assert terminal.wait() == 0
    check_stream(bytes(terminal.raw))
    assert "␛]52;c;cHduZWQ=␇".encode() in terminal.raw
    assert b"[@click=app.quit]quit[/]" in terminal.raw
    after = Session.open(hostile_project, read_only=True)
    # One of them was opened in fields and saved.
    assert [row.row for row in after.rows.page([1, 2, 3])] == [row.row for row in rows]
    await after.close()


# -- signals and editors ---------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "status"), [(signal.SIGHUP, 0), (signal.SIGTERM, 0), (signal.SIGKILL, -9)])
def test_whatever_ends_it_the_same_row_is_there_and_u_undoes(project, number, status):
    with started(project) as terminal:
        terminal.go("3", " left ≥ ")
        terminal.go("f1", "#1 ")
        terminal.go("j", "#2 ")
        terminal.go("j", "#3 ")
        terminal.go("x", "#4 ")
        terminal.read_for(0.6)
        terminal.kill(number)
        assert terminal.wait() == status
    with started(project) as terminal:
        assert terminal.text.splitlines()[13].startswith("#4 ")
        terminal.go("u", "undid: reject #3")
        terminal.read(quiet=0.5)
        assert terminal.text.splitlines()[13].startswith("#3 ")


def test_the_persons_editor_edits_the_row(project):
    with started(project, EDITOR="sed -i s/Explain/Tell/") as terminal:
        terminal.go("E", "Tell why bread dough rises")
        terminal.go("u", "Explain why bread dough rises")


def test_a_terminal_that_shrinks_and_grows_again(project):
    with started(project) as terminal:
        before = terminal.text
        terminal.resize(20, 5)
        terminal.press("j", "k", quiet=0.4)
        terminal.resize(80, 24)
        terminal.read(quiet=1.0)
        assert terminal.text == before


def test_a_wrong_key_setting_is_told_before_the_screens_open(project):
    with (project / "studio.toml").open("a", encoding="utf-8") as file:
        file.write('acept = "z"\n')
    with Terminal([sys.executable, "-m", "studio", str(project)], environment={"PYTHONPATH": ROOT}) as terminal:
        assert terminal.wait() == 2
        assert "there is no command 'acept'" in terminal.text
        assert b"\x1b[?1049h" not in terminal.raw
