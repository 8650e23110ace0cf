"""Where rows come from, in the words of a card: whom a run asked, by every layout of its recipe."""

from __future__ import annotations

import pytest

from studio.alpaca.rows import Sft
from studio.jobs.files.selection import origin_of
from studio.jobs.runs.control import Control
from studio.session import Session
from studio.store.rows import Generated
from tests.support.fake_chat import FakeChat, use
from tests.support.projects import bring_in, drain, new_project

NOW = '{"method":"m","roles":{"teacher":{"model":"t","own":{},"profile":"small"}},"settings":{},"thinking":"drop"}'
EVOL = '{"roles":{"answerer":{"model":"a"},"judge":{"model":"j"},"teacher":{"model":"t","profile":"small"}},"seed":42}'
INSTRUCT = '{"answerer":{"model":"a"},"seed":42,"teacher":{"model":"t","prompts":"7e0a"},"thinking":"keep"}'
UNNAMED = '{"roles":{"teacher":{"model":""}}}'


@pytest.fixture
async def session(tmp_path):
    session = new_project(tmp_path / "p")
    yield session
    await session.close()


@pytest.mark.parametrize(
    ("recipe", "by"),
    [
        (NOW, " by t"),
        (EVOL, " by t"),
        (INSTRUCT, " by t"),
        (UNNAMED, " by a model without a name"),
        ('{"seed":1,"strategy":"tail"}', ""),
        ("{}", ""),
        ("[]", ""),
        ("no recipe", ""),
        ('{"roles":{"teacher":{"model":7}}}', ""),
    ],
)
async def test_the_teacher_is_named_whatever_the_layout_of_the_recipe(session, recipe, by):
    with session.project.database.transaction():
        run = session.project.runs.open("method", "digest", recipe)
        made = session.project.rows.add_generated(Generated("sft", Sft("a", output="b"), run, None, 1, None, "op", ()))
    assert origin_of(session.project, session.rows.get(made)) == f"method{by}, run 1"


async def test_rows_of_two_answers_are_not_written_by_hand(session, tmp_path):
    [brought] = await bring_in(session, tmp_path / "s.jsonl", [{"instruction": "a", "output": "b"}])
    written, other = session.rows.add(Sft("a", output="c")), session.rows.add(Sft("a", output="d"))
    made = session.review.pair_up(written, other)
    origins = [origin_of(session.project, session.rows.get(one)) for one in (brought, written, made)]
    assert origins == ["file s.jsonl", "written by hand", "made of two rows"]


async def test_the_card_names_the_model_of_each_run_and_every_source(tmp_path):
    session = new_project(tmp_path / "p", evolve={"rounds": 1}, model={"base_url": "http://x", "model": "teacher-a"})
    await bring_in(session, tmp_path / "s.jsonl", [{"instruction": "Name three old boats.", "output": "a"}], seed=True)
    use(session, FakeChat(name="teacher-a"))
    await drain(session.runs.run("evol-instruct", Control()))
    session.review.pair_up(session.rows.add(Sft("x", output="c")), session.rows.add(Sft("x", output="d")))
    session.rows.add(Sft("y", output="c"))
    await session.close()
    session = Session.open(tmp_path / "p", read_only=True)
    await drain(session.files.export(tmp_path / "out"))
    await session.close()
    card = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert "evol-instruct by teacher-a, run 1" in card
    assert "without a name" not in card
    assert "| made of two rows | 1 |" in card
    assert "| written by hand | 1 |" in card
