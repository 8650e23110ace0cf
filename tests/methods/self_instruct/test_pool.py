"""The task pool of Self-Instruct: who is shown, who is only compared with, who leaves and returns."""

from __future__ import annotations

import pytest

from studio.alpaca.rows import Sft
from studio.errors import StudioError, UsageError
from studio.methods.self_instruct import pool as task_pool
from studio.methods.self_instruct.lineage import BOOTSTRAP, INPUT_FIRST, UNANSWERED
from tests.support.method_engine import RUN, Look, Project

ROPE, KNOT, ZH = "Describe the rope of the ferry.", "Compare seven knots by their speed.", "比较七种绳结的快慢。"


@pytest.fixture
def project():
    project = Project([])
    for text in (ROPE, ZH):
        project.add(Sft(text), status="accepted", seed=True, generated=False)
    return project


def load(project, spoken="en", threshold=0.7):
    return task_pool.load(Look(project), spoken, threshold)


def make(project, instruction, operation=BOOTSTRAP, rule=None, parent=None):
    status = "rejected" if rule else "pending"
    return project.add(Sft(instruction), run=RUN, round=1, operation=operation, rule=rule, parent=parent, status=status)


def renew(project, pool, *ids):
    pool.renew(Look(project), [range(row_id, row_id + 1) for row_id in ids])


def test_only_tasks_of_the_language_are_shown_and_all_are_compared_with(project):
    english, chinese = make(project, KNOT), make(project, "说明怎样打结。")
    evolved = make(project, "Sort the oars of the boat by weight.", operation="deepening")
    pool = load(project)
    assert (pool.human, pool.machine, dict(pool.others)) == ([1], [english], {"zh": 1})
    assert [row in pool.novelty for row in (1, 2, english, chinese, evolved)] == [True] * 5
    assert (load(project, "zh").human, load(project, "zh").machine) == ([2], [chinese])


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
        ("placement", None, False),
    ],
)
def test_which_generated_rows_count(project, operation, rule, counts):
    row_id = make(project, KNOT, operation, rule)
    pool = load(project)
    assert (row_id in pool.novelty) == counts
    assert pool.machine == ([row_id] if counts else [])


def test_further_instances_of_a_task_are_in_the_pool_with_the_first(project):
    first = make(project, KNOT, INPUT_FIRST)
    make(project, KNOT, INPUT_FIRST, parent=first)
    assert load(project).machine == [first]


def test_what_the_person_does_counts_at_the_next_look(project):
    row_id = make(project, KNOT, INPUT_FIRST)
    pool = load(project)
    project.decide(row_id, status="rejected", rule="by-hand")
    renew(project, pool, row_id)
    assert pool.novelty.check(KNOT).novel
    assert pool.machine == []
    project.decide(row_id, status="pending", rule=None)
    renew(project, pool, row_id)
    assert not pool.novelty.check(KNOT).novel
    assert pool.machine == [row_id]
    project.decide(row_id, seed=True)
    renew(project, pool, row_id)
    assert (pool.human, pool.machine) == ([1, row_id], [])
    project.decide(1, row=Sft("Plan a week of sailing."))
    renew(project, pool, 1)
    assert pool.novelty.check(ROPE).novel
    pool.renew(Look(project), [range(1, 1000)])
    assert (pool.human, len(pool.novelty)) == ([1, row_id], 3)


def test_the_language_of_most_seeds_is_chosen_the_first_of_equals(project):
    assert load(project, None).language == task_pool.language_of_most(Look(project)) == "en"
    third = project.add(Sft("说明怎样打结。"), status="accepted", seed=True, generated=False)
    assert load(project, None).language == task_pool.language_of_most(Look(project)) == "zh"
    for row_id in (2, third):
        project.decide(row_id, seed=False)
    with pytest.raises(StudioError, match="'zh'"):
        load(project, "zh")
    project.decide(1, status="rejected")
    for wanted in (lambda: load(project, None), lambda: task_pool.language_of_most(Look(project))):
        with pytest.raises(StudioError, match="no row is a seed task"):
            wanted()


def test_a_threshold_lies_between_0_and_1(project):
    with pytest.raises(UsageError):
        load(project, "en", 1.5)
