"""A preference row made of two rows: one prompt, and where it came from."""

from __future__ import annotations

import asyncio

import pytest

from studio.alpaca.rows import Kto, Preference, Sft
from studio.errors import ProjectError
from tests.support.projects import new_project, studio, studio_json

ASK = "Translate the sentence below into French"
ZH = "把下面的句子翻译成法语"


@pytest.fixture
async def session(tmp_path):
    session = new_project(tmp_path / "p")
    yield session
    await session.close()


def statuses(session, *rows):
    return [session.rows.get(row).status for row in rows]


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        (Sft(ASK, "The cat sleeps."), Sft(ASK, "The dog barks loudly."), "input"),
        (Sft(ZH, "猫在睡觉。"), Sft(ZH, "狗在大声叫。"), "input"),
        (Sft(ASK), Sft(f"{ASK} or Spanish"), "instruction"),
        (Sft(ZH), Sft(f"{ZH}或西班牙语"), "instruction"),
        (Sft(ASK, system="Be brief."), Sft(ASK, system="Be kind."), "system prompt"),
        (Sft(ASK, history=(("Hi", "Hello"),)), Sft(ASK, history=(("Hi", "Good day to you"),)), "history"),
        (Sft(ASK, history=(("Hi", "Hello"),)), Sft(ASK), "history"),
        (Sft("?!"), Sft("!!"), "instruction"),
        (Kto(instruction=ASK, kto_tag=True), Kto(instruction=ZH, kto_tag=False), "instruction"),
    ],
)
async def test_rows_that_are_asked_different_things_make_no_preference_pair(session, one, other, told):
    rows = session.rows.add(one), session.rows.add(other)
    with pytest.raises(ProjectError, match=f"different things: their {told} differs"):
        session.review.pair_up(*rows)
    assert statuses(session, *rows) == ["accepted", "accepted"]
    assert session.project.rows.last_id() == rows[1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Sft(ASK, "The cat sleeps.", "a"), Sft(f"{ASK}:", "the cat sleeps", "b")),
        (Sft(ZH, "猫在睡觉。", "a"), Sft(f"{ZH}：", "猫在睡觉", "b")),
        (Sft(f"{ASK}\nThe cat sleeps.", "", "a"), Sft(ASK, "The cat sleeps.", "b")),
        (
            Kto(instruction=ASK, output="a", kto_tag=True),
            Kto(instruction=ASK, output="b", kto_tag=False),
        ),
    ],
)
async def test_one_prompt_with_two_answers_makes_one(session, one, other):
    rows = session.rows.add(one), session.rows.add(other)
    made = session.rows.get(session.review.pair_up(*rows))
    assert made.row == Preference(one.instruction, one.input, "a", "b")
    assert statuses(session, *rows) == ["rejected", "rejected"]


def test_it_says_what_it_was_made_of(tmp_path, capsys):
    session = new_project(tmp_path / "p")
    chosen, rejected = session.rows.add(Sft(ASK, "", "a")), session.rows.add(Sft(ASK, "", "b"))
    made = session.rows.get(session.review.pair_up(chosen, rejected))
    assert session.rows.origin(made) == f"made of two rows, #{chosen} chosen over #{rejected}"
    assert [one.id for one in session.rows.lineage(made.id)] == [chosen, made.id]
    asyncio.run(session.close())
    _, told, _ = studio(capsys, "why", session.folder, made.id)
    assert f"#{made.id} chosen over #{rejected}" in told
    assert f"#{chosen} " in told
    _, (*_, record) = studio_json(capsys, "why", session.folder, made.id)
    assert (record["parent"], record["operation"]) == (chosen, f"chosen over #{rejected}")
    _, told, _ = studio(capsys, "why", session.folder, rejected)
    assert f"became the preference row #{made.id}" in told
