"""A model as the judge of gold segments: who is asked, what is kept, what a failure costs."""

from __future__ import annotations

import re

import msgspec
import pytest

from studio.errors import ModelError, RefusedError
from studio.jobs.events import AttemptFailed, Ended, Planned
from studio.jobs.placement.originals import known_gold
from studio.jobs.runs.control import Control
from studio.llm.chat import Reply, Usage
from tests.support.fake_chat import FakeChat, use
from tests.support.projects import bring_in, contents, drain, new_project
from tests.support.segmented import row, rows

UNSURE = [{**one, "output": "Nobody knows."} for one in rows(6)]


def second(request):
    """Names the second passage and quotes it."""
    quote = re.search(r"^\[2\] (.*)$", request.messages[-1][1], re.MULTILINE)[1].split(") ")[-1]
    if "段落" in request.messages[-1][1] or any("段落" in content for _, content in request.messages):
        return f"段落：2\n把握：90\n引文：{quote}"
    return f"Passage: 2\nConfidence: 90\nQuote: {quote}"


@pytest.fixture
async def make(tmp_path):
    opened = []

    async def make(objects, chat=None, **position):
        session = new_project(tmp_path / f"p{len(opened)}", position={"concurrency": 2, **position})
        await bring_in(session, tmp_path / "rows.jsonl", objects)
        use(session, chat or FakeChat(second))
        opened.append(session)
        return session

    yield make
    for session in opened:
        await session.close()


async def judge(session, **how):
    return await drain(session.runs.judge_gold(Control(), **how))


async def test_the_judge_is_asked_where_no_rule_is_sure_and_the_rows_can_be_placed(make):
    chat = FakeChat(second)
    session = await make(UNSURE, chat)
    assert (await drain(session.placing.place()))[-1].rows == 0
    events = await judge(session)
    assert next(event for event in events if isinstance(event, Planned)).attempts == 6
    judged = [event for event in events if isinstance(event, Ended)]
    assert {(event.result.value["place"], event.result.value["confidence"]) for event in judged} == {(1, 0.9)}
    for stored in session.rows.page(range(1, 7)):
        gold = known_gold(stored)
        assert (gold.place, gold.by, gold.confidence) == (1, "judge", 0.9)
        assert gold.evidence.startswith('the judge quotes "')
    assert {request.model for request in chat.asked} == {"fake"}
    assert {request.temperature for request in chat.asked} == {0.0}
    # English rows are asked about in English, Chinese ones in Chinese.
    assert sum("问题：" in request.messages[-1][1] for request in chat.asked) == 3
    placed = (await drain(session.placing.place(msgspec.structs.replace(session.settings.position, strategy="tail"))))[
        -1
    ]
    assert placed.rows == 6
    assert {stored.gold for stored in session.rows.page(range(1, 7))} == {4}


async def test_what_is_known_is_not_asked_about(make):
    guarded = {**UNSURE[0], "instruction": "What does the first document say?"}
    chat = FakeChat(second)
    session = await make([row(1, 5, 2), guarded, UNSURE[0], UNSURE[2], UNSURE[4]], chat)
    session.placing.mark_gold(3, 0)
    await judge(session)
    assert len(chat.asked) == 2
    # A second run asks about nothing: all are judged.
    await judge(session)
    assert len(chat.asked) == 2
    assert session.rows.get(3).gold_why is None


async def test_one_verdict_is_one_undoable_step_with_the_others_of_its_run(make):
    session = await make(UNSURE)
    before = contents(session)
    await judge(session)
    assert session.journal.undo()[0] == "the judge's gold of 6 rows"
    assert contents(session) == before
    session.journal.redo()
    assert {stored.gold for stored in session.rows.page(range(1, 7))} == {1}


async def test_replies_are_paid_once(make):
    chat = FakeChat(second)
    session = await make(UNSURE, chat)
    await judge(session)
    session.journal.undo()
    events = await judge(session)
    assert len(chat.asked) == 6
    assert all(event.replayed for event in events if isinstance(event, Ended))
    assert session.rows.stats()["replies"] == 6


async def test_a_verdict_for_none_is_kept_and_the_row_stays_unsure(make):
    session = await make(UNSURE[:2], FakeChat(lambda request: "Passage: 0\nConfidence: 99\nQuote: none"))
    await judge(session)
    gold = known_gold(session.rows.get(1))
    assert (gold.place, gold.by) == (None, "judge")
    assert session.placing.survey_entry(1).state(0.6) == "unsure"
    assert (await drain(session.placing.place()))[-1].rows == 0


async def test_a_quotation_that_is_not_there_only_suggests(make):
    session = await make(UNSURE[:1], FakeChat(lambda request: "Passage: 2\nConfidence: 99\nQuote: I made this up"))
    await judge(session)
    assert session.placing.survey_entry(1).gold == 1
    assert session.placing.survey_entry(1).state(0.6) == "unsure"


async def test_only_these_rows_and_a_threshold_of_ones_own(make):
    chat = FakeChat(second)
    session = await make([row(1, 5, 2), *UNSURE], chat)
    await judge(session, only=[2, 3])
    assert len(chat.asked) == 2
    await judge(session, sure=0.99)
    assert len(chat.asked) == 7  # The row of which a rule was sure too; those judged before not again.


async def test_a_failure_costs_its_own_row_and_a_bad_key_ends_the_run(make):
    def refuses_one(request):
        return RefusedError("too long") if "(case 0)" in request.messages[-1][1] else second(request)

    session = await make(UNSURE, FakeChat(refuses_one))
    events = await judge(session)
    assert [event.message for event in events if isinstance(event, AttemptFailed)] == ["too long"]
    assert sum(isinstance(event, Ended) for event in events) == 5
    assert session.rows.get(1).gold_why is None
    broken = await make(UNSURE, FakeChat(lambda request: ModelError("the key is wrong")))
    with pytest.raises(ModelError, match="the key is wrong"):
        await judge(broken)


async def test_what_is_decided_meanwhile_stands(make):
    session = await make(UNSURE, FakeChat(second, delay=0.01))
    edited = msgspec.structs.replace(session.rows.get(6).row, system="Be brief.")
    async for event in session.runs.judge_gold(Control()):
        if isinstance(event, Planned):
            session.placing.mark_gold(5, 3)
        if isinstance(event, Ended) and event.task.row == 1:
            session.rows.edit(6, edited)
    assert session.rows.get(5).gold == 3
    assert session.rows.get(5).gold_why is None
    assert session.rows.get(6).row == edited


async def test_undoing_it_while_it_runs_ends_it(make):
    session = await make(UNSURE)
    judged = 0
    async for event in session.runs.judge_gold(Control()):
        if isinstance(event, Ended):
            judged += 1
            session.journal.undo()
    assert judged == 1
    assert {stored.gold for stored in session.rows.page(range(1, 7))} == {None}


async def test_own_prompts_of_the_project_are_used(make):
    session = await make(UNSURE[:1], prompts="mine")
    folder = session.folder / "mine"
    folder.mkdir()
    text = '[standard.judge]\nsystem = ""\nexamples = []\nprompt = "MINE {segments} {question} {answer}"'
    (folder / "gold_judge.en.toml").write_text(text, "utf-8")
    chat = FakeChat(lambda request: "Passage: 1")
    use(session, chat)
    await judge(session)
    assert chat.asked[0].messages[-1][1].startswith("MINE [1] Document [1]")


async def test_a_reply_that_was_cut_is_read_as_far_as_it_goes(make):
    session = await make(UNSURE[:1], FakeChat(lambda request: Reply("Passage: 3", "length", Usage(9, 9), "fake", 0.1)))
    await judge(session)
    assert session.placing.survey_entry(1).gold == 2
    assert session.placing.survey_entry(1).state(0.6) == "unsure"


async def test_a_row_that_is_rejected_meanwhile_is_not_asked_about(make):
    chat = FakeChat(second)
    session = await make(UNSURE, chat, concurrency=1)
    left = []
    async for event in session.runs.judge_gold(Control()):
        if isinstance(event, Planned):
            session.rows.reject(3)
            session.rows.reject(6)
        if isinstance(event, Ended) and event.result.left:
            left.append(event.task.row)
    assert left == [3, 6]
    assert len(chat.asked) == 4
    assert not any("(case 2)" in request.messages[-1][1] for request in chat.asked)
    assert [stored.id for stored in session.rows.page(range(1, 7)) if stored.gold is None] == [3, 6]
    # It was left, not judged: once it counts again, it is asked about.
    session.rows.accept(3)
    await judge(session)
    assert len(chat.asked) == 5
    assert session.rows.get(3).gold == 1


async def test_a_row_that_has_no_segments_any_more_is_left(make):
    chat = FakeChat(second)
    session = await make(UNSURE[:2], chat, concurrency=1)
    plain = msgspec.structs.replace(session.rows.get(2).row, input="One sentence.")
    events = []
    async for event in session.runs.judge_gold(Control()):
        events.append(event)
        if isinstance(event, Planned):
            session.rows.edit(2, plain)
    assert [event.task.row for event in events if isinstance(event, Ended) and event.result.left] == [2]
    assert len(chat.asked) == 1
    assert session.rows.get(2).gold_why is None
