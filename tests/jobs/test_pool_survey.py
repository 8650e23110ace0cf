"""The survey of the task pool, and that its draws are the very requests that a run then sends."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from studio.alpaca.rows import Pretrain
from studio.jobs.events import HintsFound, PoolCounted, Progressed
from studio.jobs.runs.control import Control
from studio.methods.self_instruct import pool as task_pool
from studio.store.look import ProjectLook
from tests.support.fake_chat import FakeChat, use
from tests.support.projects import bring_in, drain, new_project
from tests.support.tasks import fresh
from tests.support.teacher import digits

EN = [{"instruction": fresh(False, digits(f"seed {n}")), "output": "Done."} for n in range(20)]
ZH = [{"instruction": fresh(True, digits(f"seed {n}")), "output": "完成。"} for n in range(20)]


@pytest.fixture
async def session(tmp_path):
    session = new_project(
        tmp_path / "p", model={"profile": "standard"}, self_instruct={"target": 25, "concurrency": 3, "seed": 7}
    )
    await bring_in(session, tmp_path / "en.jsonl", EN, seed=True)
    await bring_in(session, tmp_path / "zh.jsonl", ZH, seed=True)
    yield session
    await session.close()


async def survey(session):
    events = [event for event in await drain(session.runs.survey_pool()) if not isinstance(event, Progressed)]
    counted, found = events
    assert isinstance(counted, PoolCounted)
    assert isinstance(found, HintsFound)
    return counted, found.hints


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_the_draws_are_what_a_run_sends_and_the_pool_is_its_pool(session, language):
    counted, _ = await survey(session)
    drawn = [session.runs.draw_examples(counted, language, request) for request in range(5)]
    chat = FakeChat()
    use(session, chat)
    settings = session.settings
    session.project.settings = replace(settings, self_instruct=replace(settings.self_instruct, language=language))
    await drain(session.runs.run("self-instruct", Control()))
    asked = [request.messages for request in chat.asked]
    assert all(one.turns in asked for one in drawn)
    counted, _ = await survey(session)
    pool = task_pool.load(ProjectLook(session.project.database, 0, list), language, 0.7)
    assert (list(counted.seeds[language]), list(counted.machine[language])) == (pool.human, pool.machine)
    assert pool.machine
    later = session.runs.draw_examples(counted, language, 9)
    assert sorted(stored.generated for stored in later.shown) == [False] * 6 + [True] * 2


async def test_both_rows_of_a_pair_carry_the_score_and_edits_take_it_away(session, tmp_path):
    twins = [
        {"instruction": text, "output": "."} for text in ("说说木匠怎么用刨子。", "说说木匠怎么用锯子。", "Name it.")
    ]
    one, other, short = await bring_in(session, tmp_path / "twins.jsonl", twins, seed=True)
    _, found = await survey(session)
    assert {row: [hint.rule for hint in hints] for row, hints in found.items()} == {
        one: ["near-duplicate"],
        other: ["near-duplicate"],
        short: ["too-short"],
    }
    assert found[one][0].reason == f"ROUGE-L 0.89 with #{other}"
    session.rows.reject(other)
    assert list((await survey(session))[1]) == [short]


async def test_only_seed_tasks_are_counted(session, tmp_path):
    await bring_in(session, tmp_path / "rows.jsonl", [{"instruction": "No seed.", "output": ""}])
    session.rows.add(Pretrain("Wood."), seed=True)
    session.rows.reject(1)
    counted, _ = await survey(session)
    assert counted.balance.tasks == 39
    assert list(counted.seeds["en"]) == list(range(2, 21))


async def test_classify_is_one_step_that_can_be_undone(session):
    session.rows.set_tags([3], ["hard"])
    session.rows.classify(3, True)
    assert session.rows.get(3).tags == ("hard", "classification")
    session.rows.classify(3, False)
    assert session.rows.get(3).tags == ("hard", "no-classification")
    assert session.journal.undo() == ("classify as no classification of #3", 3)
    assert session.rows.get(3).tags == ("hard", "classification")
    counted, _ = await survey(session)
    assert (counted.balance.of_kind("classification"), counted.balance.guessed) == (1, 39)
