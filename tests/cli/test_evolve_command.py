"""`studio evolve` against a server in a process of its own: killed, stopped, refused."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import subprocess
import time
from collections import Counter

import orjson
import pytest

from studio.session import Session
from studio.store.filters import Filter
from tests.support.projects import new_project, start_studio, studio_json
from tests.support.serving import asked, serving

CANARY = "sk-canary-7f3a91d2c4"
SEEDS = [f"Describe tool number {n} of a carpenter." for n in range(10)] + [
    f"说说木匠的第{n}件工具。" for n in range(10)
]


def project(folder, seeds=SEEDS):
    asyncio.run(new_project(folder / "p").close())
    file = folder / "seeds.jsonl"
    file.write_bytes(b"".join(orjson.dumps({"instruction": text}) + b"\n" for text in seeds))
    with start_studio("import", folder / "p", file, "--seed") as child:
        assert child.wait(30) == 0
    return folder / "p"


def evolving(folder, url, *words, **more):
    base = ["--base-url", url, "--model", "teacher-small", "--rounds", "2", "--concurrency", "4", "--json"]
    return start_studio("evolve", folder, *base, *words, **more)


def rows_of(folder):
    session = Session.open(folder, must_write=True)
    rows = {(row.root, row.round): (row.row, row.status, row.rule) for row in session.rows.each(Filter(generated=True))}
    count = session.rows.stats()["generated"]
    asyncio.run(session.close())
    assert sum(count.values()) == len(rows)  # each attempt once
    return rows


def replies_of(folder):
    session = Session.open(folder, read_only=True)
    count = session.rows.stats()["replies"]
    asyncio.run(session.close())
    return count


@pytest.mark.parametrize("kills", [2, pytest.param(50, marks=pytest.mark.slow)])
def test_a_run_killed_at_any_instant_repeats_no_paid_request_and_loses_no_row(tmp_path, kills):
    luck = random.Random(7)
    (tmp_path / "killed").mkdir()
    (tmp_path / "whole").mkdir()
    folder = project(tmp_path / "killed")
    # Each start asks some twentieth to fortieth of what is to be asked.
    words = ("--rounds", "2" if kills < 10 else "10")
    rows = {}
    with serving(tmp_path / "killed", 0.01) as url:
        for _ in range(kills):
            before = len(asked(tmp_path / "killed"))
            with evolving(folder, url, *words) as child:
                end = time.monotonic() + 20
                goal = before + luck.randint(1, 15)
                while len(asked(tmp_path / "killed")) < goal and child.poll() is None and time.monotonic() < end:
                    time.sleep(0.002)
                time.sleep(luck.random() * 0.02)
                child.send_signal(signal.SIGKILL)
                child.wait()
            now = rows_of(folder)
            assert rows.items() <= now.items()
            rows = now
        assert rows
        with evolving(folder, url, *words) as child:
            out, err = child.communicate(timeout=120)
        assert child.returncode == 0, err
        report = json.loads(out)
        assert report["done_before"] == len(rows) < report["attempts"]
        final = rows_of(folder)
        assert report["attempts"] == len(final)
        assert rows.items() <= final.items()
        of_killed = Counter(asked(tmp_path / "killed"))
        with evolving(folder, url, *words) as child:
            assert child.wait(60) == 0
        assert len(asked(tmp_path / "killed")) == of_killed.total()
    with serving(tmp_path / "whole", 0) as url:
        whole = project(tmp_path / "whole")
        with evolving(whole, url, *words) as child:
            assert child.wait(120) == 0
        assert rows_of(whole) == final
        # Two rounds may draw the same operation for the same parent: the server sees one body twice.
        assert (of_killed - Counter(asked(tmp_path / "whole"))).total() <= 4 * kills


def test_ctrl_c_keeps_what_was_answered(tmp_path):
    folder = project(tmp_path)
    with serving(tmp_path, 0.05) as url:
        with evolving(folder, url) as child:
            end = time.monotonic() + 20
            while len(asked(tmp_path)) < 12 and time.monotonic() < end:
                time.sleep(0.005)
            child.send_signal(signal.SIGINT)
            _, err = child.communicate(timeout=30)
        assert child.returncode == 130
        assert "Stopped." in err
        assert "Traceback" not in err
        before = asked(tmp_path)
        session = Session.open(folder, read_only=True)
        assert session.rows.stats()["replies"] >= len(before) - 4
        asyncio.run(session.close())
        with evolving(folder, url) as child:
            assert child.wait(60) == 0
        assert len(asked(tmp_path)) - replies_of(folder) <= 4


def test_a_wrong_key_is_one_clear_error_and_is_written_nowhere(tmp_path, monkeypatch):
    from tests.support.chat_server import ChatServer

    folder = project(tmp_path, SEEDS[:3])
    settings = folder / "studio.toml"
    settings.write_text(settings.read_text().replace('# api_key_env = ""', 'api_key_env = "CANARY_KEY"'))

    async def run(key):
        async with ChatServer(key=key) as server:
            words = ["--base-url", server.url, "--model", "teacher-small", "--rounds", "1"]
            child = start_studio("evolve", folder, *words, env={"CANARY_KEY": CANARY})
            out, err = await asyncio.to_thread(child.communicate)
            return child.returncode, out, err

    code, out, err = asyncio.run(run("sk-another-key"))
    assert code == 1
    assert err.count("does not accept the key in CANARY_KEY") == 1
    assert "0 passed" in out
    assert "kept" in err
    assert "Traceback" not in err
    assert rows_of(folder) == {}
    code, good_out, good_err = asyncio.run(run(CANARY))
    assert code == 0, good_err
    assert len(rows_of(folder)) == 3
    with start_studio("export", folder, "--out", folder / "out") as child:
        assert child.wait(30) == 0
    assert CANARY not in out + err + good_out + good_err
    for path in folder.rglob("*"):
        assert path.is_dir() or CANARY.encode() not in path.read_bytes(), path


def test_a_refusal_in_the_middle_says_how_many_were_kept(tmp_path):
    from tests.support.chat_server import ChatServer, Fault

    folder = project(tmp_path)

    def script(number, _body):
        return Fault("status", status=402, text="no credit") if number >= 30 else Fault()

    async def run():
        async with ChatServer(script) as server:
            child = evolving(folder, server.url)
            out, err = await asyncio.to_thread(child.communicate)
            return child.returncode, json.loads(out), err

    code, report, err = asyncio.run(run())
    assert code == 1
    assert "no credit" in report["error"]
    kept = report["accepted"] + sum(report["eliminated"].values())
    assert kept == len(rows_of(folder)) > 0
    assert "What was answered is kept" in err


def test_evolving_needs_a_model_name_for_an_endpoint(capsys, tmp_path):
    folder = project(tmp_path, SEEDS[:1])
    with start_studio("evolve", folder, "--base-url", "http://127.0.0.1:9/v1") as child:
        _, err = child.communicate(timeout=30)
    assert child.returncode == 2
    assert "Which model" in err
    assert studio_json(capsys, "stats", folder)[1]["replies"] == 0


@pytest.mark.slow
def test_ctrl_c_ends_the_embedded_models_process(tmp_path):
    from studio.llm.embedded import model as embedded

    if reason := embedded.available():
        pytest.skip(reason)
    folder = project(tmp_path, SEEDS)
    with start_studio("evolve", folder, "--rounds", "1", "--json") as child:
        end = time.monotonic() + 120
        while not (servers := _children(child.pid)) and time.monotonic() < end:
            time.sleep(0.1)
        time.sleep(5)
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=60)
    assert child.returncode == 130
    time.sleep(0.5)
    assert servers
    assert not [pid for pid in servers if _alive(pid)]


def _children(pid):
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return found.stdout.split()


def _alive(pid):
    found = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True).stdout.strip()
    return bool(found) and not found.startswith("Z")
