"""`studio self-instruct` against a server in a process of its own: killed, stopped, told about."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import time
from collections import Counter

import orjson
import pytest

from studio.jobs.runs.control import Control
from studio.session import Session
from studio.store.filters import Filter
from tests.support.fake_chat import FakeChat, use
from tests.support.projects import bring_in, drain, new_project, start_studio, studio, studio_json
from tests.support.serving import asked, serving
from tests.support.tasks import fresh
from tests.support.teacher import digits

SEEDS = [{"instruction": fresh(False, digits(f"seed {n}")), "output": "Done."} for n in range(16)]
LANES = 4


def project(folder):
    asyncio.run(new_project(folder / "p").close())
    file = folder / "seeds.jsonl"
    file.write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in SEEDS))
    with start_studio("import", folder / "p", file, "--seed") as child:
        assert child.wait(30) == 0
    return folder / "p"


def writing(folder, url, *words, **more):
    base = ["--base-url", url, "--model", "teacher-small", "--target", "30", "--concurrency", str(LANES), "--json"]
    return start_studio("self-instruct", folder, *base, *words, **more)


def rows_of(folder):
    session = Session.open(folder, must_write=True)
    rows = list(session.rows.each(Filter(generated=True)))
    asyncio.run(session.close())
    found = {(row.round, row.variant): (row.row, row.status, row.rule, row.operation) for row in rows}
    assert len(found) == len(rows)
    return found


# The Alpaca variant takes a fifteenth of the requests.
@pytest.mark.parametrize(
    ("kills", "variant", "target", "requests"),
    [
        (1, "paper", 30, 80),
        pytest.param(2, "alpaca", 250, 10, marks=pytest.mark.slow),
        pytest.param(15, "paper", 30, 80, marks=pytest.mark.slow),
    ],
)
def test_a_run_killed_at_any_instant_pays_nothing_twice_and_makes_the_same_rows(
    tmp_path, kills, variant, target, requests
):
    luck = random.Random(kills)
    words = ("--variant", variant, "--target", target)
    (tmp_path / "killed").mkdir()
    (tmp_path / "whole").mkdir()
    folder = project(tmp_path / "killed")
    killed = 0
    with serving(tmp_path / "killed", 0.02) as url:
        for _ in range(kills):
            before = len(asked(tmp_path / "killed"))
            with writing(folder, url, *words) as child:
                end = time.monotonic() + 20
                goal = before + luck.randint(0, max(1, requests // kills))
                while len(asked(tmp_path / "killed")) < goal and child.poll() is None and time.monotonic() < end:
                    time.sleep(0.002)
                time.sleep(luck.random() * 0.03)
                child.send_signal(signal.SIGKILL)
                child.wait()
                killed += child.returncode == -signal.SIGKILL
        with writing(folder, url, *words) as child:
            _, err = child.communicate(timeout=60)
        assert child.returncode == 0, err
        of_killed = Counter(asked(tmp_path / "killed"))
        with writing(folder, url, *words) as child:
            assert child.wait(30) == 0
        assert of_killed.total() == len(asked(tmp_path / "killed"))
    with serving(tmp_path / "whole", 0) as url:
        whole = project(tmp_path / "whole")
        with writing(whole, url, *words) as child:
            assert child.wait(60) == 0
        assert rows_of(whole) == rows_of(folder)
        # What was in flight when it was killed had not been answered, or its answer had not arrived.
        assert killed
        assert (of_killed - Counter(asked(tmp_path / "whole"))).total() <= killed * LANES


def test_ctrl_c_keeps_what_was_answered(tmp_path):
    folder = project(tmp_path)
    with serving(tmp_path, 0.05) as url:
        with writing(folder, url) as child:
            end = time.monotonic() + 20
            while len(asked(tmp_path)) < 12 and time.monotonic() < end:
                time.sleep(0.005)
            child.send_signal(signal.SIGINT)
            _, err = child.communicate(timeout=30)
        assert child.returncode == 130
        assert "Stopped." in err
        assert "Traceback" not in err
        with writing(folder, url) as child:
            assert child.wait(60) == 0
        again = Counter(asked(tmp_path))
        assert (again.total() - len(again)) <= LANES


@pytest.fixture
def folder(tmp_path):
    async def make():
        session = new_project(tmp_path / "p", self_instruct={"target": 12})
        await bring_in(session, tmp_path / "seeds.jsonl", SEEDS, seed=True)
        use(session, FakeChat())
        await drain(session.runs.run("self-instruct", Control()))
        await session.close()

    asyncio.run(make())
    return tmp_path / "p"


def rows(folder, **chosen):
    session = Session.open(folder, read_only=True)
    found = list(session.rows.each(Filter(**chosen)))
    asyncio.run(session.close())
    return found


def test_why_tells_what_was_shown_asked_and_answered(capsys, folder):
    row = next(one for one in rows(folder, generated=True) if one.status == "pending")
    code, told, _ = studio(capsys, "why", folder, row.id)
    assert code == 0
    assert f"#{row.id} request {row.round} {row.operation} {row.row.instruction[:40]}" in told
    assert told.index("shown to the model:") < told.index("listing by fake")
    assert told.index("listing by fake") < told.index("classifying by fake") < told.index("answering by fake")
    (record, *_) = studio_json(capsys, "why", folder, row.id)[1]
    assert len(record["shown"]) == 8
    assert {task["row"] for task in record["shown"]} <= set(range(1, len(SEEDS) + 1))
    assert [one["step"] for one in record["exchanges"]] == ["listing", "classifying", "answering"]


def test_rejected_tells_the_evidence_and_the_method_is_a_filter(capsys, folder):
    code, told, _ = studio(capsys, "rejected", folder)
    assert code == 0
    assert "starts-with-punctuation: begins with '#'" in told
    every = rows(folder, methods=("self-instruct",))
    assert len(every) == len(rows(folder, generated=True)) > 12
    dropped = rows(folder, methods=("self-instruct/bootstrap",))
    assert {one.operation for one in dropped} == {"self-instruct/bootstrap"}
    assert 0 < len(dropped) < len(every)


def test_difficulty_by_round_is_of_evolved_rows_only(folder):
    session = Session.open(folder, read_only=True)
    found = asyncio.run(session.runs.difficulty("evol-instruct"))
    asyncio.run(session.close())
    assert {round: one.tasks for round, one in found.items()} == {0: len(SEEDS)}


def test_an_estimate_is_assumed_before_and_measured_after(capsys, tmp_path, folder):
    code, told, err = studio(capsys, "self-instruct", folder, "--dry-run", "--seed", "7", "--target", "100")
    assert code == 0
    assert "100 instructions left" in told
    assert "assumed: a reply has 7 instructions" in told
    assert "--target 5 first" in err
    with serving(tmp_path, 0) as url:
        with writing(folder, url) as child:
            spent = json.loads(child.communicate(timeout=60)[0])["spent"]
        before = len(asked(tmp_path))
        words = ("--base-url", url, "--model", "teacher-small", "--target", "60", "--dry-run")
        found = studio_json(capsys, "self-instruct", folder, *words)[1]
        told = studio(capsys, "self-instruct", folder, *words)[1]
        assert len(asked(tmp_path)) == before
    assert found["attempts"] == found["sampled"] == 30
    assert found["requests"] == pytest.approx(before, rel=0.1)
    assert found["prompt_tokens"] + found["completion_tokens"] == pytest.approx(spent["tokens"], rel=0.1)
    assert found["assumptions"] == ["the rest goes as the first 30 instructions did"]
    assert "measured on 30 instructions: the rest goes as the first 30 instructions did" in told


def test_an_open_ended_plan_cannot_be_sampled(capsys, folder):
    code, _, err = studio(capsys, "self-instruct", folder, "--dry-run", "--sample", "3")
    assert code == 2
    assert "no plan of which a part could be sampled" in err
    assert "Run it with a low target first" in err


def test_json_tells_what_every_run_tells_and_the_methods_own_counts(tmp_path):
    folder = project(tmp_path)
    with serving(tmp_path, 0) as url:
        with writing(folder, url) as child:
            out, _ = child.communicate(timeout=60)
        requests = len(asked(tmp_path))
        with writing(folder, url) as child:
            again = json.loads(child.communicate(timeout=60)[0])
    told = json.loads(out)
    made = rows(folder, generated=True)
    firsts = [one for one in made if one.parent is None]
    dropped = [one for one in firsts if one.operation == "self-instruct/bootstrap" and one.rule != "unanswered"]
    assert (told["method"], told["attempts"], told["done_before"], told["standing"]) == ("self-instruct", 30, 0, 30)
    assert told["accepted"] == told["instances"] == sum(one.status == "pending" for one in made)
    assert told["instructions"] == len(firsts) == told["new"] + sum(told["eliminated"].values())
    assert told["eliminated"] == Counter(one.rule for one in dropped)
    assert told["replies"] == max(one.round for one in made)
    without = [one.rule for one in firsts if one.status == "rejected" and one.operation.endswith("-first")]
    assert told["without_instance"] == Counter(without)
    assert told["answered"] == told["replies"] + told["standing"] + len(without)
    assert (told["fruitless"], told["failed"], told["failures"], told["gave_up"]) == ({}, 0, {}, "")
    assert (told["spent"]["requests"], told["error"]) == (requests, None)
    assert (again["attempts"], again["done_before"], again["answered"]) == (30, 30, 0)
    assert again["spent"]["requests"] == 0


@pytest.mark.parametrize("variant", ["paper", "alpaca"])
def test_an_estimate_knows_the_variant(capsys, folder, variant):
    found = studio_json(capsys, "self-instruct", folder, "--dry-run", "--variant", variant, "--seed", "9")[1]
    assert found["requests"] == pytest.approx(245 if variant == "paper" else 8, abs=2)


def test_what_ends_it_is_said_with_exit_code_1(capsys, tmp_path):
    from tests.support.chat_server import ChatServer

    folder = project(tmp_path)

    async def run():
        async with ChatServer(key="sk-another") as server:
            child = writing(folder, server.url)
            out, err = await asyncio.to_thread(child.communicate)
            return child.returncode, json.loads(out), err

    code, report, err = asyncio.run(run())
    assert code == 1
    assert report["error"]
    assert report["accepted"] == 0
    assert "Traceback" not in err
    code, _, err = studio(capsys, "self-instruct", folder, "--language", "zh")
    assert code == 1
    assert "no row is a seed task in 'zh'" in err
