"""A run of Evol-Instruct against an endpoint that misbehaves in every way: whatever happens, the counts add up."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from studio.jobs.events import Paused
from studio.jobs.runs import lanes
from studio.jobs.runs.control import Control
from studio.jobs.runs.tally import RunTally
from studio.llm.retry import with_retries
from studio.methods import registry
from studio.session import Session
from studio.store.filters import Filter
from tests.support.chat_server import ChatServer, Fault, flaky
from tests.support.projects import bring_in, kept, new_project, recount, watch

SEEDS = [{"instruction": f"Describe tool {n} of a carpenter."} for n in range(4)] + [
    {"instruction": f"说说木匠的第{n}件工具。"} for n in range(4)
]
ANSWERED = ("ok", "length", "drip")
FAULTS = {
    "429": Fault("429", retry_after="0.02"),
    "500": Fault("500"),
    "503": Fault("status", status=503),
    "hang": Fault("hang"),
    "hang-mid": Fault("hang-mid"),
    "cut": Fault("cut"),
    "drop": Fault("drop"),
    "malformed": Fault("malformed"),
    "wrong-schema": Fault("wrong-schema"),
    "no-choices": Fault("no-choices"),
    "html": Fault("html"),
    "error-200": Fault("error-200"),
    "length": Fault("length"),
    "drip": Fault("drip", pause=0.0),
}


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch):
    monkeypatch.setattr(lanes, "with_retries", partial(with_retries, base=0.01))


@pytest.fixture
async def make(tmp_path):
    opened = []

    async def make(url, name="p", patience=0.3, **evolving):
        patience = {"first_token": patience, "silence": patience / 2, "total": patience}
        session = new_project(
            tmp_path / name,
            model={"base_url": url, "model": "teacher-small", **patience},
            evolve={"rounds": 2, "concurrency": 4} | evolving,
        )
        await bring_in(session, tmp_path / f"{name}.jsonl", SEEDS, seed=True)
        opened.append(session)
        return session

    yield make
    for session in opened:
        await session.close()


def rows(session):
    found = session.rows.each(Filter(generated=True))
    return {(row.root, row.round): (row.row, row.status, row.rule, row.operation) for row in found}


async def run(session, control=None):
    tally = RunTally(registry.get("evol-instruct"))
    await watch(session.runs.run("evol-instruct", control or Control()), tally.see)
    assert tally.asked == tally.accepted + tally.eliminated.total() + tally.failed
    assert len(rows(session)) == tally.done_before + tally.accepted + tally.eliminated.total()
    assert kept(session) == recount(session)
    return tally


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The rows of a run without faults."""

    async def undisturbed():
        folder = tmp_path_factory.mktemp("whole")
        async with ChatServer() as server:
            model = {"base_url": server.url, "model": "teacher-small"}
            session = new_project(folder / "p", model=model, evolve={"rounds": 2})
            await bring_in(session, folder / "seeds.jsonl", SEEDS, seed=True)
            await run(session)
            found = rows(session)
            await session.close()
        return found

    return asyncio.run(undisturbed())


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("kind", FAULTS)
async def test_every_fault_now_and_then(make, whole, kind, streaming):
    async with ChatServer(flaky(0.3, [FAULTS[kind]])) as server:
        session = await make(server.url, patience=0.3 if kind.startswith("hang") else 10.0)
        tally = await run(session, Control(streaming=streaming))
        assert tally.asked == 16
        assert tally.failed == 0
        # Each answer was asked for, paid and kept once.
        assert sum(request.kind in ANSWERED for request in server.asked) == session.rows.stats()["replies"]
        if kind == "length":
            assert tally.eliminated["cut-short"] > 0
        else:
            assert rows(session) == whole


async def test_all_faults_at_once(make, whole):
    # A drip may take longer than the patience here, and then it is no answer.
    faults = [fault for kind, fault in FAULTS.items() if kind not in ("length", "drip")]
    async with ChatServer(flaky(0.7, faults)) as server:
        session = await make(server.url, concurrency=8)
        tally = await run(session)
        while tally.failed:
            tally = await run(session)
        assert rows(session) == whole
        assert sum(request.kind in ANSWERED for request in server.asked) == session.rows.stats()["replies"]


async def test_a_storm_of_429_ends_and_the_run_comes_through(make, whole):
    def script(number, _body):
        return Fault("429", retry_after="0.05") if 8 <= number < 40 else Fault()

    async with ChatServer(script) as server:
        session = await make(server.url, concurrency=8)
        tally = await run(session)
        assert tally.failed == 0
        assert rows(session) == whole


async def test_what_fails_for_good_is_counted_and_asked_again_by_the_next_start(make, whole):
    broken = [True]

    def script(_number, body):
        return Fault("500") if broken[0] and "tool 3" in body["messages"][-1]["content"] else Fault()

    async with ChatServer(script) as server:
        session = await make(server.url)
        tally = await run(session)
        assert tally.failed == 1
        assert tally.asked == 15
        assert len(tally.failures) == 1
        replies = session.rows.stats()["replies"]
        broken[0] = False
        again = await run(session)
        assert (again.done_before, again.accepted + again.eliminated.total(), again.failed) == (14, 2, 0)
        assert rows(session) == whole
        assert session.rows.stats()["replies"] > replies


async def test_a_prompt_that_is_refused_costs_its_round_and_no_other(make):
    def script(_number, body):
        filtered = "tool 3 of" in body["messages"][-1]["content"] and body["messages"][-1]["content"].count("tool") == 1
        return Fault("status", status=400, code="content_filter", text="filtered") if filtered else Fault()

    async with ChatServer(script) as server:
        session = await make(server.url)
        tally = await run(session)
        assert tally.failed == 2
        assert tally.asked == 16


async def test_a_server_that_restarts_costs_nothing(make, whole, monkeypatch):
    monkeypatch.setattr(lanes, "with_retries", partial(with_retries, base=0.2))
    async with ChatServer(latency=0.02) as server:
        session = await make(server.url)
        task = asyncio.create_task(run(session))
        for _ in range(2):
            await asyncio.sleep(0.15)
            await server.stop()
            await asyncio.sleep(0.05)
            await server.start()
        tally = await task
    assert tally.failed == 0
    assert rows(session) == whole


async def test_a_server_that_is_gone_pauses_an_attended_run_which_goes_on_when_it_is_back(make, whole, monkeypatch):
    monkeypatch.setattr(lanes, "MOST_FAILURES", 3)
    control = Control(attended=True)
    tally, reasons = RunTally(registry.get("evol-instruct")), []
    async with ChatServer() as server:
        session = await make(server.url, concurrency=2)
        await server.stop()
        async for event in session.runs.run("evol-instruct", control):
            tally.see(event)
            if isinstance(event, Paused):
                reasons.append(event.reason)
                await server.start()
                control.resume()
        assert len(reasons) == 1
        assert "No connection" in reasons[0]
        assert 3 <= tally.failed <= 4
        # What failed before the pause, and what waits for that, is for the next start.
        assert tally.asked == 16 - tally.failed
        await run(session)
    assert rows(session) == whole


async def test_answers_are_written_down_before_they_count(make, tmp_path):
    """What a reader of the project sees at any event is at least what the events have told."""
    async with ChatServer() as server:
        session = await make(server.url)
        told = 0
        async for event in session.runs.run("evol-instruct", Control()):
            told += type(event).__name__ == "Ended"
            reader = Session.open(tmp_path / "p", read_only=True)
            assert len(rows(reader)) >= told
            await reader.close()
