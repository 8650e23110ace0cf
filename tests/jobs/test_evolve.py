from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from studio.errors import LockedError, ModelError, PassingError, StudioError
from studio.jobs.events import AttemptFailed, Ended, LaneText, Planned, Retried, RunBegun
from studio.jobs.runs.control import Control
from studio.jobs.runs.tally import RunTally
from studio.llm.chat import Reply, Usage
from studio.methods import registry
from studio.methods.evol_instruct.method import in_order
from studio.session import Session
from studio.store.filters import Filter
from tests.support.fake_chat import FakeChat, taught, use
from tests.support.projects import bring_in, drain, kept, new_project, recount, watch

SEEDS = [{"instruction": text} for text in (
    "Name three fruits that keep well in winter.", "Explain why the sea is salty.", "写一首关于雨的短诗。",
    "给新邻居写一封欢迎信。", "Sort these words by length: pear, fig, plum.", "说明如何给自行车补胎。",
)]  # fmt: skip


@pytest.fixture
async def make(tmp_path):
    """A function that makes a project with the seeds, whose model is a fake."""
    opened = []

    async def make(name="p", chat=None, seeds=SEEDS, **evolving):
        session = new_project(tmp_path / name, evolve={"rounds": 3, "concurrency": 3} | evolving)
        await bring_in(session, tmp_path / f"{name}.jsonl", seeds, seed=True)
        use(session, chat or FakeChat())
        opened.append(session)
        return session

    yield make
    for session in opened:
        await session.close()


def generated(session):
    rows = session.rows.each(Filter(generated=True))
    return {(row.root, row.round): (row.row, row.status, row.rule, row.operation) for row in rows}


async def run(session, control=None):
    tally = RunTally(registry.get("evol-instruct"))
    await watch(session.runs.run("evol-instruct", control or Control()), tally.see)
    return tally


async def test_every_attempt_ends_as_accepted_eliminated_or_failed(make):
    session = await make()
    tally = await run(session)
    assert tally.attempts == 18 == tally.accepted + tally.eliminated.total() + tally.failed
    assert tally.accepted > 5
    stats = session.rows.stats()
    assert stats["generated"] == {"pending": tally.accepted, "accepted": 0, "rejected": tally.eliminated.total()}
    assert stats["eliminated"] == dict(tally.eliminated)
    assert kept(session) == recount(session)
    for row in session.rows.each(Filter(generated=True)):
        assert (row.status == "rejected") == bool(row.rule and row.evidence)
        assert len(row.replies.split()) in (1, 2, 3)


@pytest.mark.parametrize("concurrency", [1, 2, 7, 64])
async def test_the_same_seed_gives_the_same_rows_whatever_the_concurrency(make, concurrency):
    waits = FakeChat(delay=lambda request: (hash(request.messages) % 7) / 2000)
    one, other = await make("one", concurrency=1), await make("other", waits, concurrency=concurrency)
    await run(one)
    await run(other)
    assert generated(one) == generated(other)


async def test_another_seed_gives_other_rows(make):
    one, other = await make("one", seed=1), await make("other", seed=2)
    await run(one)
    await run(other)
    assert generated(one) != generated(other)


async def test_a_failed_evolution_puts_the_parent_back(make):
    """Round 1 gains nothing; round 2 starts from the seed again, and round 3 from what round 2 made."""
    judged = Counter()

    def script(request):
        text = taught(request)
        if text in ("Equal", "Not Equal"):
            judged[request.messages[-1][1]] += 1
            return "Equal" if len(judged) == 1 else "Not Equal"
        return text if "Sorry" not in text else "A pear keeps for weeks."

    session = await make(chat=FakeChat(script), seeds=SEEDS[:1])
    await run(session)
    first, second, third = session.rows.each(Filter(generated=True))
    assert (first.rule, first.parent, first.round) == ("no-gain", 1, 1)
    assert (second.rule, second.parent, second.round) == (None, 1, 2)
    assert (third.rule, third.parent, third.round) == (None, second.id, 3)
    assert [row.id for row in session.rows.lineage(third.id)] == [1, second.id, third.id]
    assert third.row.instruction.startswith(second.row.instruction)
    assert "round 3, seed #1" in session.rows.origin(third)


async def test_later_rounds_of_a_later_start_use_the_last_good_head(make, tmp_path):
    whole = await make("whole")
    await run(whole)
    parts = await make("parts", rounds=1)
    await run(parts)
    await parts.close()
    again = Session.open(tmp_path / "parts", flags={"evolve": {"rounds": 3}}, must_write=True)
    use(again, FakeChat())
    tally = await run(again)
    assert (tally.attempts, tally.done_before) == (18, 6)
    assert generated(again) == generated(whole)
    await again.close()


async def test_a_row_the_person_rejected_is_no_parent(make):
    session = await make(rounds=1, seeds=SEEDS[:1], chat=FakeChat(_good))
    await run(session)
    session.rows.reject(2)
    session.project.settings = _with(session.settings, rounds=2)
    await run(session)
    assert session.rows.get(3).parent == 1


async def test_a_limit_truncates_the_plan_and_lifting_it_goes_on(make):
    session = await make(limit=4)
    tally = await run(session)
    assert tally.attempts == len(generated(session)) == 4
    session.project.settings = _with(session.settings, limit=0)
    tally = await run(session)
    assert (tally.attempts, tally.done_before) == (18, 4)
    assert len(generated(session)) == 18


def test_a_plan_is_rounds_in_a_seeded_order():
    (one, first), (two, second), (three, third) = in_order(42, range(10), 3, 25)
    assert (one, two, three) == (1, 2, 3)
    assert sorted(first) == sorted(second) == list(range(10)) != first
    assert first != second
    assert len(third) == 5


async def test_starting_again_asks_only_for_what_is_missing(make, no_waiting):
    chat = FakeChat(lambda request: taught(request) if len(chat.answered) < 12 else PassingError("overloaded"))
    session = await make(chat=chat)
    first = await run(session)
    assert first.failed
    assert (
        first.asked
        == first.accepted + first.eliminated.total() + first.failed
        == len(generated(session)) + first.failed
    )
    # The later rounds of a task that failed wait for the next start.
    assert first.attempts > first.ended
    later = FakeChat()
    use(session, later)
    second = await run(session)
    assert second.attempts == second.done_before + second.accepted + second.eliminated.total()
    answered = {request.key() for request in chat.answered}
    assert not answered & {request.key() for request in later.asked}
    whole = await make("whole")
    await run(whole)
    assert generated(session) == generated(whole)


async def test_a_passing_failure_is_retried_and_reported(make, no_waiting):
    tries = Counter()

    def script(request):
        tries[request.key()] += 1
        return PassingError("slow down", retry_after=2.0) if tries[request.key()] == 1 else taught(request)

    session = await make(chat=FakeChat(script), rounds=1)
    events = await drain(session.runs.run("evol-instruct", Control()))
    retried = [event for event in events if isinstance(event, Retried)]
    assert {event.message for event in retried} == {"slow down"}
    assert all(2.0 <= event.seconds <= 2.2 for event in retried)
    assert set(tries.values()) == {2}
    assert not any(isinstance(event, AttemptFailed) for event in events)


async def test_a_refusal_ends_the_run_and_keeps_what_was_answered(make):
    chat = FakeChat(lambda request: taught(request) if len(chat.answered) < 9 else ModelError("no credit left"))
    session = await make(chat=chat)
    tally = RunTally(registry.get("evol-instruct"))
    with pytest.raises(ModelError, match="no credit"):
        await watch(session.runs.run("evol-instruct", Control()), tally.see)
    assert len(generated(session)) == tally.accepted + tally.eliminated.total() > 0
    assert session.rows.stats()["replies"] == len(chat.answered)


async def test_stopping_ends_what_is_in_flight_and_nothing_new(make):
    session = await make(concurrency=2, chat=FakeChat(delay=0.002))
    control = Control()
    tally = RunTally(registry.get("evol-instruct"))
    async for event in session.runs.run("evol-instruct", control):
        tally.see(event)
        if isinstance(event, Ended):
            control.stop()
    assert 1 <= tally.ended <= 4
    assert len(generated(session)) == tally.ended


async def test_pausing_asks_nothing_until_resumed(make):
    chat = FakeChat()
    session = await make(chat=chat)
    control = Control()
    control.pause()
    task = asyncio.create_task(drain(session.runs.run("evol-instruct", control)))
    await asyncio.sleep(0.02)
    assert control.paused
    assert not chat.asked
    control.resume()
    await task
    assert len(generated(session)) == 18


async def test_a_cancelled_run_keeps_every_answer_and_leaves_no_task(make):
    chat = FakeChat(delay=0.002)
    session = await make(chat=chat)
    task = asyncio.create_task(drain(session.runs.run("evol-instruct", Control())))
    await asyncio.sleep(0.03)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert session.rows.stats()["replies"] == len(chat.answered)
    later = FakeChat()
    use(session, later)
    await run(session)
    assert not {request.key() for request in chat.answered} & {request.key() for request in later.asked}
    whole = await make("whole")
    await run(whole)
    assert generated(session) == generated(whole)


async def test_text_streams_only_when_somebody_looks(make):
    session = await make(rounds=1)
    events = await drain(session.runs.run("evol-instruct", Control(streaming=True)))
    spoken = "".join(event.text for event in events if isinstance(event, LaneText))
    row = next(row for row in session.rows.each(Filter(generated=True)) if row.row.output)
    assert row.row.output in spoken
    session.project.settings = _with(session.settings, rounds=2)
    assert not any(isinstance(event, LaneText) for event in await drain(session.runs.run("evol-instruct", Control())))


async def test_an_answer_cut_by_its_limit_is_eliminated(make):
    def script(request):
        return Reply(taught(request), "length", Usage(5, 2048), "fake", 0.0)

    session = await make(rounds=1, chat=FakeChat(script))
    await run(session)
    assert session.rows.stats()["eliminated"] == {"cut-short": 6}
    assert "2048 tokens" in session.rows.get(7).evidence


async def test_the_input_of_a_seed_is_part_of_its_task(make):
    chat = FakeChat()
    session = await make(chat=chat, rounds=1, seeds=[{"instruction": "Translate.", "input": "Guten Tag"}])
    await run(session)
    assert "Translate.\nGuten Tag" in chat.asked[0].messages[-1][1]


async def test_without_seeds_there_is_nothing_to_evolve(make):
    session = await make(seeds=[])
    with pytest.raises(StudioError, match="task pool is empty"):
        await run(session)


async def test_a_finished_run_asks_nothing(make):
    session = await make(rounds=1)
    await run(session)
    chat = FakeChat()
    use(session, chat)
    begun, planned = await drain(session.runs.run("evol-instruct", Control()))
    assert begun == RunBegun("evol-instruct", 1, "fake", ())
    assert planned == Planned(6, 6)
    assert not chat.asked


async def test_a_reader_cannot_evolve(make, tmp_path):
    await make()
    viewer = Session.open(tmp_path / "p")
    with pytest.raises(LockedError):
        await drain(viewer.runs.run("evol-instruct", Control()))
    await viewer.close()


def _good(request):
    text = taught(request)
    if text == "Equal":
        return "Not Equal"
    return "A pear keeps for weeks." if "Sorry" in text else text


def _with(settings, **evolving):
    from msgspec.structs import replace

    return replace(settings, evolve=replace(settings.evolve, **evolving))
