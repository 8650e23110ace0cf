"""The task pool of Self-Instruct: who is shown, who is only compared with, who leaves and returns."""

from __future__ import annotations

import pytest
from studio.jobs.self_instruct_recipe import INPUT_FIRST
from studio.store.draws import BOOTSTRAP, UNANSWERED

from studio.alpaca.rows import Sft
from studio.errors import StudioError
from studio.jobs import task_pool
from studio.store.project import DATABASE_FILE
from studio.store.rows import Generated
from tests.support.projects import bring_in, new_project

ROPE, KNOT, ZH = "Describe the rope of the ferry.", "Compare seven knots by their speed.", "比较七种绳结的快慢。"


@pytest.fixture
async def session(tmp_path):
    session = new_project(tmp_path / "p")
    await bring_in(session, tmp_path / "s.jsonl", [{"instruction": ROPE}, {"instruction": ZH}], seed=True)
    yield session
    await session.close()


def load(session, spoken="en", threshold=0.7):
    return task_pool.load(session.folder / DATABASE_FILE, spoken, threshold)


def make(session, instruction, operation=BOOTSTRAP, rule=None, parent=None, place=0):
    variant = session.project.rows.last_id() * 8
    row = Generated("sft", Sft(instruction), 1, None, 1, parent, operation, (), rule, rule, variant + place)
    with session.project.database.transaction():
        return session.project.rows.add_generated(row)


def renew(session, pool, *ids):
    pool.renew(session.project.rows, session.project.database, [range(row_id, row_id + 1) for row_id in ids])


async def test_only_tasks_of_the_language_are_shown_and_all_are_compared_with(session):
    english, chinese = make(session, KNOT), make(session, "说明怎样打结。")
    evolved = make(session, "Sort the oars of the boat by weight.", operation="deepening")
    pool = load(session)
    assert (pool.human, pool.machine, dict(pool.others)) == ([1], [english], {"zh": 1})
    assert [row in pool.novelty for row in (1, 2, english, chinese, evolved)] == [True] * 5
    assert (load(session, "zh").human, load(session, "zh").machine) == ([2], [chinese])


@pytest.mark.parametrize(
    ("operation", "rule", "counts"),
    [
        (BOOTSTRAP, "near-duplicate", False),
        (BOOTSTRAP, "blacklisted", False),
        (BOOTSTRAP, UNANSWERED, True),
        (INPUT_FIRST, None, True),
        (INPUT_FIRST, "no-output", True),
        (INPUT_FIRST, "conflicting-outputs", True),
        (INPUT_FIRST, "by-hand", False),
        (INPUT_FIRST, "near-duplicate", False),
        ("self-instruct/alpaca", None, True),
        ("self-instruct/alpaca", "no-output", False),
        ("deepening", "no-gain", False),
    ],
)
async def test_which_generated_rows_count(session, operation, rule, counts):
    row_id = make(session, KNOT, operation, rule)
    pool = load(session)
    assert (row_id in pool.novelty) == counts
    assert pool.machine == ([row_id] if counts else [])


async def test_further_instances_of_a_task_are_in_the_pool_with_the_first(session):
    first = make(session, KNOT, INPUT_FIRST)
    make(session, KNOT, INPUT_FIRST, parent=first, place=1)
    assert load(session).machine == [first]


async def test_what_the_person_does_counts_at_the_next_look(session):
    row_id = make(session, KNOT, INPUT_FIRST)
    pool = load(session)
    session.rows.reject(row_id)
    renew(session, pool, row_id)
    assert pool.novelty.check(KNOT).novel
    assert pool.machine == []
    session.rows.restore([row_id])
    renew(session, pool, row_id)
    assert not pool.novelty.check(KNOT).novel
    assert pool.machine == [row_id]
    session.rows.set_seed(row_id, True)
    renew(session, pool, row_id)
    assert (pool.human, pool.machine) == ([1, row_id], [])
    session.rows.edit(1, Sft("Plan a week of sailing."))
    renew(session, pool, 1)
    assert pool.novelty.check(ROPE).novel
    pool.renew(session.project.rows, session.project.database, [range(1, 1000)])
    assert (pool.human, len(pool.novelty)) == ([1, row_id], 3)


async def test_the_language_of_most_seeds_is_chosen_the_first_of_equals(session, tmp_path):
    assert load(session, None).language == "en"
    await bring_in(session, tmp_path / "t.jsonl", [{"instruction": "说明怎样打结。"}], seed=True)
    assert load(session, None).language == "zh"
    for row_id in (2, 3):
        session.rows.set_seed(row_id, False)
    with pytest.raises(StudioError, match="'zh'"):
        load(session, "zh")
