"""A run of Self-Instruct against an endpoint that misbehaves: whatever happens, the rows are those of a quiet one."""

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
from studio.methods.self_instruct.lineage import UNANSWERED
from studio.store.filters import Filter
from tests.support.chat_server import ChatServer, Fault, flaky
from tests.support.projects import bring_in, kept, new_project, recount, watch
from tests.support.tasks import fresh
from tests.support.teacher import digits

SEEDS = [{"instruction": fresh(False, digits(f"seed {n}")), "output": "Done."} for n in range(16)]
FAULTS = {
    "429": Fault("429", retry_after="0.02"),
    "500": Fault("500"),
    "hang": Fault("hang"),
    "cut": Fault("cut"),
    "drop": Fault("drop"),
    "malformed": Fault("malformed"),
    "no-choices": Fault("no-choices"),
    "error-200": Fault("error-200"),
}


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch):
    monkeypatch.setattr(lanes, "with_retries", partial(with_retries, base=0.01))


@pytest.fixture
async def opened():
    """Sessions that are closed at the end."""
    sessions = []
    yield sessions
    for session in sessions:
        await session.close()


async def project(folder, url, patience=10.0, **chosen):
    patience = {"first_token": patience, "silence": patience / 2, "total": patience}
    model = {"base_url": url, "model": "teacher-small", **patience}
    session = new_project(folder, model=model, self_instruct={"target": 15, "concurrency": 4} | chosen)
    await bring_in(session, folder.with_suffix(".jsonl"), SEEDS, seed=True)
    return session


def rows(session):
    found = session.rows.each(Filter(generated=True))
    return {(row.round, row.variant): (row.row, row.status, row.rule, row.operation) for row in found}


async def run(session, control=None):
    def waiting():
        return sum(rule == UNANSWERED for _, _, rule, _ in rows(session).values())

    tally, before = RunTally(registry.get("self-instruct")), waiting()
    await watch(session.runs.run("self-instruct", control or Control()), tally.see)
    counts = tally.counts
    assert counts["instructions"] == counts["new"] + tally.by_rule("eliminated").total()
    assert waiting() == before + counts["new"] - counts["standing"] - tally.by_rule("without-instance").total()
    assert kept(session) == recount(session)
    return tally


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The rows of a run without faults, by variant."""

    async def undisturbed(variant):
        async with ChatServer() as server:
            session = await project(tmp_path_factory.mktemp("whole") / "p", server.url, variant=variant)
            await run(session)
            found = rows(session)
            await session.close()
        return found

    return {variant: asyncio.run(undisturbed(variant)) for variant in ("paper", "alpaca")}


@pytest.mark.parametrize("variant", ["paper", "alpaca"])
@pytest.mark.parametrize("kind", FAULTS)
async def test_every_fault_now_and_then(tmp_path, opened, whole, kind, variant):
    async with ChatServer(flaky(0.4, [FAULTS[kind]])) as server:
        session = await project(tmp_path / "p", server.url, 0.3 if kind == "hang" else 10.0, variant=variant)
        opened.append(session)
        tally = await run(session)
        assert tally.failed == 0
        assert any(request.kind != "ok" for request in server.asked)
        # Each answer was asked for, paid and kept once.
        assert sum(request.kind == "ok" for request in server.asked) == session.rows.stats()["replies"]
        assert rows(session) == whole[variant]


async def test_a_list_that_is_never_answered_is_left_for_the_next_start_and_the_others_are_read(tmp_path, opened):
    broken = [True]
    first = []

    def script(_number, body):
        listing = body["max_tokens"] == 1024
        if listing and not first:
            first.append(body["messages"])
        return Fault("500") if broken[0] and listing and body["messages"] == first[0] else Fault()

    async with ChatServer(script) as server:
        session = await project(tmp_path / "p", server.url, concurrency=2)
        opened.append(session)
        tally = await run(session)
        assert (tally.failed, tally.counts["standing"]) == (1, 15)
        assert 1 not in {request for request, _ in rows(session)}
        broken[0] = False
        session.project.settings = _aiming_at(session.settings, 40)
        again = await run(session)
        assert again.failed == 0
        assert 1 in {request for request, _ in rows(session)}


async def test_an_instruction_that_is_not_answered_is_asked_for_again_by_the_next_start(tmp_path, opened, whole):
    broken = [True]
    victim = next(row.instruction for row, _, rule, _ in whole["paper"].values() if rule is None)

    def script(_number, body):
        return Fault("500") if broken[0] and victim in body["messages"][-1]["content"][:200] else Fault()

    async with ChatServer(script) as server:
        session = await project(tmp_path / "p", server.url)
        opened.append(session)
        tally = await run(session)
        assert tally.failed == 1
        assert UNANSWERED in {rule for row, _, rule, _ in rows(session).values() if row.instruction == victim}
        broken[0] = False
        session.project.settings = _aiming_at(session.settings, 16)
        await run(session)
        assert None in {rule for row, _, rule, _ in rows(session).values() if row.instruction == victim}


async def test_a_server_that_is_gone_pauses_an_attended_run_that_goes_on_when_it_is_back(tmp_path, opened, monkeypatch):
    monkeypatch.setattr(lanes, "MOST_FAILURES", 3)
    control = Control(attended=True)
    tally, reasons = RunTally(registry.get("self-instruct")), []
    async with ChatServer() as server:
        session = await project(tmp_path / "p", server.url, concurrency=2)
        opened.append(session)
        await server.stop()
        async for event in session.runs.run("self-instruct", control):
            tally.see(event)
            if isinstance(event, Paused):
                reasons.append(event.reason)
                await server.start()
                control.resume()
        assert len(reasons) == 1
        assert tally.counts["standing"] == 15


def _aiming_at(settings, target):
    from msgspec.structs import replace

    return replace(settings, self_instruct=replace(settings.self_instruct, target=target))
