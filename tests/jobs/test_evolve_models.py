"""Which model is asked for what, what becomes of its thoughts, own prompts, and what a run will take."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from studio.errors import ModelError, StudioError, UsageError
from studio.jobs.events import Ended
from studio.jobs.runs.control import Control
from studio.jobs.runs.estimate import Requested, told
from studio.jobs.runs.tally import RunTally
from studio.llm.chat import Reply, Usage
from studio.llm.prices import Price
from studio.methods import registry
from studio.methods.evol_instruct.prompts import FILES
from studio.settings import ModelSettings
from studio.store.filters import Filter
from tests.support.fake_chat import FakeChat, taught, use
from tests.support.projects import bring_in, drain, new_project, watch

SEEDS = [{"instruction": text} for text in ("Describe a plane.", "说说木匠的刨子。", "Describe a chisel.")]


def good(request):
    text = taught(request)
    if text == "Equal":
        return "Not Equal"
    return "A plane smooths the board." if "Sorry" in text or "抱歉" in text else text


@pytest.fixture
async def make(tmp_path):
    opened = []

    async def make(chat=None, roles=None, seeds=SEEDS, **flags):
        session = new_project(tmp_path / f"p{len(opened)}", **{"evolve": {"rounds": 1, "concurrency": 2}} | flags)
        await bring_in(session, tmp_path / "seeds.jsonl", seeds, seed=True)
        use(session, chat or FakeChat(good), **(roles or {}))
        opened.append(session)
        return session

    yield make
    for session in opened:
        await session.close()


def made(session):
    return list(session.rows.each(Filter(generated=True)))


async def test_teacher_answerer_and_judge_may_be_three_models(make):
    chats = {name: FakeChat(good, name=name) for name in ("teacher", "answerer", "judge")}
    session = await make(chats["teacher"], {"answerer": chats["answerer"], "judge": chats["judge"]})
    await drain(session.runs.run("evol-instruct", Control()))
    for row in made(session):
        assert [one.request.model for one in session.rows.exchanges(row)] == ["teacher", "answerer", "judge"]
        assert session.rows.origin(row).endswith("by teacher")
    for name, chat in chats.items():
        assert len(chat.asked) == 3, name
    # The judge is asked without chance, the others as the settings say.
    assert {request.temperature for request in chats["judge"].asked} == {0.0}
    assert {request.temperature for request in chats["answerer"].asked} == {1.0}


async def test_another_judge_is_another_run(make):
    session = await make()
    await drain(session.runs.run("evol-instruct", Control()))
    use(session, FakeChat(good), judge=FakeChat(good, name="judge"))
    await drain(session.runs.run("evol-instruct", Control()))
    assert len({row.run for row in made(session)}) == 2


def thinking(request):
    reply = good(request)
    thought = "" if reply == "Not Equal" else "They ask for wood, so wood it is. Equal."
    return Reply(reply, "stop", Usage(5, 9), "fake", 0.0, thinking=thought)


@pytest.mark.parametrize("kind", ["drop", "keep", "attach"])
async def test_thoughts_are_no_part_of_the_task_and_of_the_answer_only_when_told(make, kind):
    session = await make(FakeChat(thinking), model={"thinking": kind})
    tally = RunTally(registry.get("evol-instruct"))
    await watch(session.runs.run("evol-instruct", Control()), tally.see)
    assert tally.accepted == 3
    for row in made(session):
        assert "They ask" not in row.row.instruction
        attached = row.row.output.startswith("<think>\nThey ask for wood, so wood it is. Equal.\n</think>\n\n")
        assert attached == (kind == "attach")
        assert (row.extras is not None and b"They ask" in row.extras) == (kind == "keep")
        assert all(one.reply.thinking for one in session.rows.exchanges(row)[:2])


async def test_prompts_of_ones_own_are_asked_and_are_another_run(make, tmp_path):
    chat = FakeChat(good)
    session = await make(chat, evolve={"rounds": 1, "operations": ["deepening"]})
    await drain(session.runs.run("evol-instruct", Control()))
    mine = session.folder / "mine"
    mine.mkdir()
    frame = '[standard]\nframe = """Sharpen this: {method}\n#Given Prompt#:\n{instruction}\n#Rewritten Prompt#:"""\n'
    (mine / FILES.file_name("en")).write_text(frame, encoding="utf-8")
    session.project.settings = replace(session.settings, evolve=replace(session.settings.evolve, prompts="mine"))
    chat.asked.clear()
    await drain(session.runs.run("evol-instruct", Control()))
    rewriting = [asked for request in chat.asked if "Prompt#" in (asked := request.messages[-1][1])]
    assert [asked.startswith("Sharpen this: ") for asked in rewriting] == [True, True]
    # The Chinese prompts are as they were, so that task comes from the ledger.
    assert not any("木匠" in request.messages[-1][1] for request in chat.asked)
    assert len({row.run for row in made(session)}) == 2
    (mine / FILES.file_name("en")).write_text('[standard.judge]\nprompt = "{one}"', encoding="utf-8")
    with pytest.raises(StudioError, match=r"standard\.judge\.prompt"):
        await drain(session.runs.run("evol-instruct", Control()))


async def test_a_sampled_estimate_is_paid_once(make):
    chat = FakeChat(good)
    session = await make(chat, evolve={"rounds": 4, "concurrency": 2})
    foretold = await session.runs.estimate("evol-instruct", sample=2)
    assert (foretold.attempts, foretold.requests, foretold.sampled) == (12, 36, 2)
    assert foretold.usd == 0
    assert len(chat.asked) == 6
    assert not made(session)
    sampled = {request.key() for request in chat.asked}
    await drain(session.runs.run("evol-instruct", Control()))
    assert len(chat.asked) == 36
    assert len({request.key() for request in chat.asked}) == 36
    assert sampled <= {key for row in made(session) for key in row.replies.split()}
    assert (await session.runs.estimate("evol-instruct")).attempts == 0


async def test_a_sample_is_of_what_may_begin_now(make):
    chat = FakeChat(good)
    session = await make(chat, evolve={"rounds": 1, "concurrency": 2})
    await drain(session.runs.run("evol-instruct", Control()))
    further = replace(session.settings, evolve=replace(session.settings.evolve, rounds=3))
    session.runs.change_settings(further)
    foretold = await session.runs.estimate("evol-instruct", sample=2)
    assert (foretold.attempts, foretold.sampled, foretold.requests) == (6, 2, 18)


async def test_an_estimate_without_samples_asks_nothing_and_opens_no_run(make):
    chat = FakeChat(good)
    session = await make(chat)
    foretold = await session.runs.estimate("evol-instruct")
    assert not chat.asked
    assert session.project.runs.get(1) is None
    assert (foretold.attempts, foretold.requests, foretold.sampled) == (3, 9, 0)
    assert any("tokens" in told for told in foretold.assumptions)
    assert foretold.prompt_tokens > 3 * 100


async def test_an_estimate_whose_samples_fail_says_why(make):
    session = await make(FakeChat(lambda request: ModelError("no credit left")))
    with pytest.raises(ModelError, match="no credit"):
        await session.runs.estimate("evol-instruct", sample=1)


def test_an_estimate_multiplies_what_it_knows():
    # A thousand attempts, like one that asked three models, and one that the first answer ended.
    known = [
        Requested("teacher", Usage(100, 50), 2.0, 500),
        Requested("answerer", Usage(60, 200), 4.0, 500),
        Requested("judge", Usage(150, 2), 1.0, 500),
        Requested("teacher", Usage(100, 50), 2.0, 500),
    ]
    model, judge = ModelSettings(model="large"), ModelSettings(model="small")
    models = {"teacher": model, "answerer": model, "judge": judge}
    prices = {"teacher": Price(1.0, 2.0), "answerer": Price(1.0, 2.0), "judge": Price(0.5, 0.5)}

    def estimate(models=models, prices=prices):
        return told(known, 1000, 10, models, prices, sampled=2, assumptions=())

    found = estimate()
    assert (found.attempts, found.requests) == (1000, 2000)
    assert (found.prompt_tokens, found.completion_tokens) == (205_000, 151_000)
    assert found.usd == pytest.approx(500 * (260 * 1.0 + 300 * 2.0 + 152 * 0.5) / 1_000_000)
    assert found.seconds == pytest.approx(1000 * 4.5 / 10)
    unpriced = estimate(prices=prices | {"judge": None})
    assert (unpriced.usd, unpriced.unpriced) == (None, ("small",))
    # 1,500 requests for the larger model at 60 a minute take 25 minutes, at two endpoints half of that.
    slow = replace(model, rpm=60)
    assert estimate({"teacher": slow, "answerer": slow, "judge": judge}).seconds == pytest.approx(1500)
    both = replace(slow, endpoints=("http://127.0.0.1:2/v1",))
    assert estimate({"teacher": both, "answerer": both, "judge": judge}).seconds == pytest.approx(750)
    few = replace(judge, tpm=1000)
    assert estimate(models | {"judge": few}).seconds == pytest.approx(500 * 152 * 60 / 1000)


async def test_difficulty_is_counted_by_round_and_starts_with_the_seeds(make):
    session = await make(evolve={"rounds": 3, "concurrency": 2})
    tally = await session.runs.tally("evol-instruct")
    await watch(session.runs.run("evol-instruct", Control()), tally.see)
    again = await session.runs.difficulty("evol-instruct")
    assert again == tally.difficulty
    assert [one.tasks for one in again.values()] == [3, 3, 3, 3]
    lengths = [again[number].length for number in range(4)]
    assert lengths == sorted(lengths)
    # What the person rejects no longer counts.
    session.rows.reject(made(session)[-1].id)
    assert (await session.runs.difficulty("evol-instruct"))[3].tasks == 2


async def test_an_event_tells_the_row_the_store_gave_it(make):
    session = await make()
    for event in await drain(session.runs.run("evol-instruct", Control())):
        if isinstance(event, Ended):
            assert session.rows.get(event.row_ids[0]).row == event.result.rows[0].row


async def test_a_cap_in_money_needs_a_price(make):
    session = await make(model={"base_url": "https://models.example/v1", "model": "odd"}, budget={"usd": 1})
    session.endpoints.models = None
    with pytest.raises(UsageError, match="price of odd"):
        await drain(session.runs.run("evol-instruct", Control()))
