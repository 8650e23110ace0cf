"""`studio probe` against a model that forgets the middle, in a process of its own: drawn, killed, asked again."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import time
from collections import Counter

import pytest

from studio.session import Session
from studio.text.display import columns
from tests.support.projects import new_project, start_studio, studio, studio_json
from tests.support.serving import asked, serving

LANES = 4


@pytest.fixture
def folder(tmp_path):
    asyncio.run(new_project(tmp_path / "p").close())
    return tmp_path / "p"


def words(url, *more):
    return ("--base-url", url, "--model", "teacher-small", *more)


def probes_of(folder):
    session = Session.open(folder, read_only=True)
    found = session.runs.probes(), session.rows.stats()["replies"]
    asyncio.run(session.close())
    return found


PICTURE = """\
kv, en: 15 key-value pairs, 5 positions x 10 samples, seed 42
model: teacher-small

at  right       0%                            50%                          100%
 1  10/10 100% █████████████████████████████████████████████├────────────────●
 4  10/10 100% █████████████████████████████████████████████├────────────────●
 8   0/10   0% ●────────────────┤                                              <
11  10/10 100% █████████████████████████████████████████████├────────────────●
15  10/10 100% █████████████████████████████████████████████├────────────────●
head ████▁▁████ tail   (● share right, ├┤ 95% interval)

A U-shape: head 100%, middle 0%, tail 100%. The middle is weakest, and not by
chance (p < 0.001): 0 of 10 right there, 40 of 40 elsewhere.
inverse placement of gold, % by tenth from head: 4 4 7 15 23 22 11 4 4 4
"""


def test_it_draws_the_curve_without_colour_in_80_columns(capsys, tmp_path, folder):
    with serving(tmp_path) as url:
        probing = ("probe", folder, "--keys", "15", "--samples", "10", *words(url))
        code, out, err = studio(capsys, *probing)
        assert code == 0
        spent = next(line for line in out.splitlines(True) if line.startswith("spent 50 requests"))
        assert out.replace(spent, "") == PICTURE
        assert "probing teacher-small" in err
        code, again, _ = studio(capsys, *probing)
    assert code == 0
    assert "50 of 50 answers are from the ledger" in again
    assert again.partition("\n\n")[2] == out.partition("\n\n")[2]
    assert "\x1b" not in out
    assert len(asked(tmp_path)) == 50


@pytest.mark.parametrize("positions", [12, 30])
@pytest.mark.parametrize(("task", "language"), [("kv", "en"), ("documents", "zh")])
def test_no_line_of_the_picture_is_wider_than_a_terminal(capsys, tmp_path, folder, task, language, positions):
    with serving(tmp_path) as url:
        sizes = ("--keys", "120", "--documents", "30", "--positions", positions, "--samples", "2")
        code, out, _ = studio(capsys, "probe", folder, "--task", task, "--language", language, *sizes, *words(url))
    assert code == 0
    assert max(map(columns, out.splitlines())) <= 80
    picture = out.split("\n\n")[1].splitlines()
    assert picture[0].split() == ["at", "right", "0%", "50%", "100%"]
    assert sum("●" in line and "/2" in line for line in picture) == positions
    assert ("head " in picture[-1]) == (positions == 12)
    assert "A U-shape" in out


def test_json_has_the_figures(capsys, tmp_path, folder):
    with serving(tmp_path) as url:
        code, found = studio_json(
            capsys, "probe", folder, "--keys", "9", "--positions", "3", "--samples", "4", *words(url)
        )
    assert code == 0
    assert found["setup"] == {"task": "kv", "size": 9, "positions": 3, "samples": 4, "language": "en", "seed": 42}
    assert [(one["position"], one["asked"], one["right"]) for one in found["curve"]["points"]] == [
        (1, 4, 4),
        (5, 4, 0),
        (9, 4, 4),
    ]
    assert found["curve"]["points"][1]["interval"] == [0.0, 0.4899]
    assert found["curve"]["verdict"]["shape"] == "u"
    assert len(found["curve"]["weights_by_decile"]) == 10
    assert (found["answered"], found["right"], found["failed"], found["error"]) == (12, 8, 0, None)
    assert found["spent"]["requests"] == 12


def test_a_dry_run_asks_nothing_and_says_what_it_would(capsys, tmp_path, folder):
    with serving(tmp_path) as url:
        code, out, _ = studio(capsys, "probe", folder, "--dry-run", "--context", "20000", *words(url))
        assert code == 0
        assert "kv, en: 75 key-value pairs, 5 positions x 20 samples, seed 42" in out
        assert "positions 1, 19, 38, 56, 75" in out
        assert "100 questions left" in out
        assert "19,900 fit beside an answer" in out
        found = studio_json(capsys, "probe", folder, "--dry-run", "--task", "documents", *words(url))[1]
        assert found["positions"] == [1, 3, 5, 7, 10]
        assert found["room"] is None
        assert asked(tmp_path) == []
    assert probes_of(folder) == ([], 0)


def test_what_cannot_fit_is_wrong_use_with_the_number_that_does(capsys, tmp_path, folder):
    with serving(tmp_path) as url:
        code, out, err = studio(capsys, "probe", folder, "--context", "3000", *words(url))
        assert (code, out) == (2, "")
        assert "75 keys take" in err
        assert "Nothing was asked" in err
        fitting = err.split()[-1]
        assert studio(capsys, "probe", folder, "--dry-run", "--keys", fitting, "--context", "3000", *words(url))[0] == 0
        assert asked(tmp_path) == []


def test_settings_of_the_project_count_and_flags_win(capsys, tmp_path, folder):
    settings = folder / "studio.toml"
    text = settings.read_text()
    for name, value in (("keys = 0", "keys = 6"), ("samples = 20", "samples = 2"), ("positions = 5", "positions = 3")):
        assert f"# {name}" in text
        text = text.replace(f"# {name}", value)
    settings.write_text(text)
    with serving(tmp_path) as url:
        assert studio_json(capsys, "probe", folder, *words(url))[1]["setup"]["size"] == 6
        found = studio_json(capsys, "probe", folder, "--samples", "3", *words(url))[1]
    assert (found["questions"], found["replayed"]) == (9, 6)


@pytest.mark.parametrize("kills", [1, pytest.param(4, marks=pytest.mark.slow)])
def test_a_probe_killed_at_any_instant_pays_nothing_twice_and_finds_the_same(tmp_path, folder, kills):
    luck = random.Random(3)
    probing = ("--keys", "12", "--samples", "12", "--concurrency", str(LANES), "--json")
    killed = 0
    with serving(tmp_path, 0.02) as url:
        for _ in range(kills):
            goal = len(asked(tmp_path)) + luck.randint(2 * LANES, 3 * LANES)
            with start_studio("probe", folder, *probing, *words(url)) as child:
                end = time.monotonic() + 20
                while len(asked(tmp_path)) < goal and child.poll() is None and time.monotonic() < end:
                    time.sleep(0.002)
                time.sleep(luck.random() * 0.03)
                child.send_signal(signal.SIGKILL)
                child.wait()
                killed += child.returncode == -signal.SIGKILL
            for probe in probes_of(folder)[0]:
                assert not probe.ended
        with start_studio("probe", folder, *probing, *words(url)) as child:
            out, err = child.communicate(timeout=60)
        assert child.returncode == 0, err
        report = json.loads(out)
        assert report["replayed"] > 0
        assert [(one["asked"], one["right"]) for one in report["curve"]["points"]] == [(12, 12)] * 2 + [(12, 0)] + [
            (12, 12)
        ] * 2
        ((probe,), replies) = probes_of(folder)
        assert (probe.ended, probe.curve.asked, replies) == (True, 60, 60)
        times = Counter(asked(tmp_path))
        # What was in flight when it was killed had not been answered, or its answer had not arrived.
        assert killed
        assert len(times) == 60
        assert times.total() - 60 <= killed * LANES
        with start_studio("probe", folder, *probing, *words(url)) as child:
            assert child.wait(60) == 0
        assert len(asked(tmp_path)) == times.total()


def test_ctrl_c_keeps_what_was_answered(tmp_path, folder):
    with serving(tmp_path, 0.05) as url:
        probing = ("probe", folder, "--keys", "12", "--samples", "12", *words(url))
        with start_studio(*probing) as child:
            end = time.monotonic() + 20
            while len(asked(tmp_path)) < 12 and time.monotonic() < end:
                time.sleep(0.005)
            child.send_signal(signal.SIGINT)
            _, err = child.communicate(timeout=30)
        assert child.returncode == 130
        assert "Traceback" not in err
        with start_studio(*probing) as child:
            assert child.wait(60) == 0
        again = Counter(asked(tmp_path))
        assert again.total() - len(again) <= LANES


def test_what_ends_it_is_said_with_exit_code_1(tmp_path, folder):
    from tests.support.chat_server import ChatServer

    async def run():
        async with ChatServer(key="sk-another") as server:
            child = start_studio("probe", folder, "--keys", "5", *words(server.url))
            out, err = await asyncio.to_thread(child.communicate)
            return child.returncode, out, err

    code, out, err = asyncio.run(run())
    assert code == 1
    assert "Too little was answered" in out
    assert "wants a key (401)" in err
    assert "Traceback" not in err
