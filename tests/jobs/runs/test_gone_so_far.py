"""An estimate of an open-ended run by what it has asked so far."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from studio.errors import UsageError
from studio.jobs.runs import estimate
from studio.jobs.runs.control import Control
from studio.llm.chat import Reply, Usage
from studio.store.filters import Filter
from tests.support.fake_chat import FakeChat, use
from tests.support.projects import bring_in, drain, new_project
from tests.support.tasks import fresh
from tests.support.teacher import digits

SEEDS = [{"instruction": fresh(False, digits(f"seed {n}")), "output": "Done."} for n in range(16)]


def ledger(key):
    return Reply("yes", "stop", Usage(10, 2), "fake", 0.5).encode()


def totals(requests):
    return {
        role: (
            sum(1 for one in requests if one.role == role),
            round(sum(one.weight for one in requests if one.role == role), 6),
        )
        for role in {one.role for one in requests}
    }


def test_only_the_first_of_a_role_are_looked_at_and_stand_for_all():
    asked = [f"{'teacher' if n % 4 == 0 else 'answerer'}:{n}" for n in range(1200)]
    found = estimate.gone_so_far(asked, ledger, 0.5, "teacher")
    assert totals(found) == {"teacher": (200, 150.0), "answerer": (200, 450.0)}
    assert {one.usage for one in found} == {Usage(10, 2)}


def test_requests_without_a_role_count_as_the_usual_ones():
    found = estimate.gone_so_far(["teacher:1", "2", "answerer:3"], ledger, 2.0, "teacher")
    assert totals(found) == {"teacher": (2, 4.0), "answerer": (1, 2.0)}


@pytest.fixture
async def session(tmp_path):
    session = new_project(tmp_path / "p", self_instruct={"target": 12, "concurrency": 2})
    await bring_in(session, tmp_path / "seeds.jsonl", SEEDS, seed=True)
    yield session
    await session.close()


def aim_at(session, target):
    settings = session.settings
    session.project.settings = replace(settings, self_instruct=replace(settings.self_instruct, target=target))


@pytest.mark.parametrize("variant", ["paper", "alpaca"])
async def test_it_goes_on_as_it_did(session, variant):
    settings = session.settings
    session.project.settings = replace(settings, self_instruct=replace(settings.self_instruct, variant=variant))
    use(session, chat := FakeChat(), answerer=(answerer := FakeChat(name="other")))
    assert (await session.runs.estimate("self-instruct")).sampled == 0
    await drain(session.runs.run("self-instruct", Control()))
    spent, made = session.runs.spent, sum(row.parent is None for row in pending(session))
    aim_at(session, 3 * made)
    asked = len(chat.asked) + len(answerer.asked)
    found = await session.runs.estimate("self-instruct")
    assert (found.attempts, found.sampled) == (2 * made, made)
    assert found.assumptions == (f"the rest goes as the first {made} instructions did",)
    assert found.requests == pytest.approx(2 * asked, rel=0.1)
    assert found.prompt_tokens + found.completion_tokens == pytest.approx(2 * spent.tokens, rel=0.1)
    assert len(chat.asked) + len(answerer.asked) == asked


async def test_what_nothing_stands_of_is_assumed(session):
    use(session, FakeChat())
    await drain(session.runs.run("self-instruct", Control()))
    for row in pending(session):
        session.rows.reject(row.id)
    found = await session.runs.estimate("self-instruct")
    assert (found.attempts, found.sampled) == (12, 0)


async def test_an_open_ended_plan_has_no_part_to_sample(session):
    use(session, chat := FakeChat())
    with pytest.raises(UsageError, match="no plan"):
        await session.runs.estimate("self-instruct", 3)
    assert chat.asked == []


def pending(session):
    return [row for row in session.rows.each(Filter(generated=True)) if row.status == "pending"]
