"""Placing over a project: even, repeatable, undone to the byte, and never over what somebody changed meanwhile."""

from __future__ import annotations

import re
from collections import Counter

import msgspec
import pytest
from msgspec.structs import replace as replaced

from studio.curate.placing.deciles import histogram
from studio.curate.placing.plans import decode, restored
from studio.curate.segments.guards import MEANINGS
from studio.errors import ProjectError, UsageError
from studio.jobs import processes
from studio.jobs.placement.events import Placed, PlacementLaidOut, RowsPlaced, SegmentsSurveyed
from studio.jobs.placement.rows import UNSURE
from studio.jobs.placement.survey import BATCH
from studio.jobs.runs.control import Control
from studio.methods.self_instruct import pool as pools
from studio.settings import PositionSettings
from studio.store.filters import Filter
from studio.store.look import ProjectLook
from tests.support.fake_chat import FakeChat, use
from tests.support.projects import bring_in, contents, drain, kept, new_project, recount
from tests.support.segmented import golds, row, rows


@pytest.fixture
async def make(tmp_path):
    opened = []

    async def make(objects, probe=None, **position):
        session = new_project(tmp_path / f"p{len(opened)}", position=position, probe=probe or {})
        await bring_in(session, tmp_path / "rows.jsonl", objects)
        opened.append(session)
        return session

    yield make
    for session in opened:
        await session.close()


async def place(session, only=None, **settings):
    """Place, and what was said at the end."""
    chosen = msgspec.structs.replace(session.settings.position, **settings)
    events = await drain(session.placing.place(chosen, only))
    assert isinstance(events[-1], Placed)
    return events[-1]


async def survey(session):
    return (await drain(session.placing.survey_segments()))[-1].survey


# -- even ------------------------------------------------------------------------------------------


async def test_balanced_is_exactly_uniform_over_rows_of_different_size(make):
    session = await make(rows(150, (5, 10, 20)))
    placed = await place(session)
    assert placed.before == [150] + [0] * 9
    assert placed.after == [15] * 10
    assert histogram(golds(session).values()) == [15] * 10
    assert placed.words[0].startswith("lopsided")
    assert placed.words[1].startswith("even enough")


@pytest.mark.parametrize("weights", [(1.0,) * 9, (0.0,) * 10, (float("inf"), *(1.0,) * 9)])
async def test_weights_that_say_nothing_are_refused(make, weights):
    session = await make(rows(2))
    with pytest.raises(UsageError, match="weights is"):
        await place(session, strategy="inverse", weights=weights)


async def test_a_row_that_there_is_not_is_an_error(make):
    session = await make(rows(2))
    with pytest.raises(UsageError, match="There is no row #9"):
        await drain(session.placing.place(only=[1, 9]))


async def test_rows_that_would_be_refused_take_no_places(make):
    # Half of the rows ask nothing, so their question cannot be moved.
    mute = [{**one, "instruction": ""} for one in rows(40, (10,))]
    session = await make([*rows(40, (10,)), *mute], question="both")
    placed = await place(session)
    assert sum(left.rows for left in placed.left.values()) == 40
    # Those that stay stand at the head, the others where they are least.
    assert placed.after == histogram(golds(session).values())
    assert placed.after[0] == 40
    assert sorted(placed.after[1:]) == [4, 4, 4, 4, 4, 5, 5, 5, 5]


async def test_inverse_goes_by_its_weights(make):
    session = await make(rows(60, (10,)))
    placed = await place(session, strategy="inverse", weights=(0, 0, 1, 1, 2, 2, 0, 0, 0, 0))
    assert placed.after == [0, 0, 10, 10, 20, 20, 0, 0, 0, 0]


async def test_inverse_goes_by_the_newest_probe(make):
    session = await make(rows(200, (10,)), probe={"keys": 15, "samples": 8})
    with pytest.raises(UsageError, match="has not been measured"):
        await place(session, strategy="inverse")
    use(session, FakeChat())  # It forgets the middle.
    await drain(session.runs.probe(Control()))
    placed = await place(session, strategy="inverse")
    head, *_, tail = placed.after
    assert min(placed.after[4:6]) > 4 * max(head, tail)
    assert min(placed.after) > 0


@pytest.mark.parametrize(("strategy", "places"), [("head", {0}), ("middle", {3}), ("tail", {5}), ("edges", {0, 5})])
async def test_the_plain_strategies(make, strategy, places):
    session = await make(rows(10, (6,), gold=2))
    await place(session, strategy=strategy)
    assert {place for place, _ in golds(session).values()} == places


async def test_the_same_seed_gives_the_same_bytes_and_another_one_others(make):
    first, second, third = [await make(rows(40, (5, 7))) for _ in range(3)]
    for session, seed in ((first, 3), (second, 3), (third, 4)):
        await place(session, seed=seed)
    assert contents(first) == contents(second) != contents(third)


@pytest.mark.parametrize("options", [{}, {"variants": 2, "distractors": 1, "pattern": r"^Document \[(?P<number>\d+)"}])
async def test_several_processes_do_what_one_does(make, monkeypatch, options):
    alone, together = await make(rows(650), **options), await make(rows(650), **options)
    monkeypatch.setattr(processes.os, "cpu_count", lambda: 1)
    placed = await place(alone)
    monkeypatch.setattr(processes.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(processes, "HERE", 0)
    assert await place(together) == placed
    assert contents(together) == contents(alone)


async def test_a_look_at_some_rows_is_what_comes_of_them(make):
    session = await make(rows(60, (5, 8, 10)))
    only = frozenset(range(1, 25))
    surveyed = await drain(session.placing.survey_segments())
    looked = await drain(session.placing.foresee(surveyed[-1].survey, session.settings.position, only))
    placed = [event for event in await drain(session.placing.place(only=only)) if isinstance(event, Placed)][-1]
    assert (looked[-1].before, looked[-1].after) == (placed.before, placed.after)
    assert (looked[-1].moving, looked[-1].states["sure"]) == (placed.rows, 24)


async def test_more_rows_than_a_batch_are_one_step(make):
    session = await make(rows(450))
    before = contents(session)
    events = await drain(session.placing.place())
    assert sum(len(event.placements) for event in events if isinstance(event, RowsPlaced)) == events[-1].rows > 300
    assert max(len(event.placements) for event in events if isinstance(event, RowsPlaced)) <= BATCH
    told, row_id = session.journal.undo()
    assert told == "place 450 rows (balanced)"
    assert row_id is not None
    assert contents(session) == before
    session.journal.redo()
    assert contents(session) != before


# -- undo and plans --------------------------------------------------------------------------------


async def test_every_placed_row_remembers_its_plan_and_can_be_put_back(make):
    session = await make(rows(30, (5, 9)))
    originals = {stored.id: stored.row for stored in session.rows.page(range(1, 31))}
    await place(session, question="both", locate_first=True, distractors=1)
    for stored in session.rows.page(range(1, 31)):
        plan = decode(stored.placement)
        assert (plan.strategy, plan.question, plan.locate_first, len(plan.distractors)) == ("balanced", "both", True, 1)
        assert restored(stored.row, plan) == originals[stored.id]
    session.journal.undo()
    assert {stored.id: stored.row for stored in session.rows.page(range(1, 31))} == originals
    assert all(stored.placement is None for stored in session.rows.page(range(1, 31)))
    assert kept(session) == recount(session)


async def test_a_placed_row_is_placed_anew_from_its_original(make):
    one, other = await make(rows(20, (5,), gold=2)), await make(rows(20, (5,), gold=2))
    await place(one, strategy="shuffle", seed=9, locate_first=True)
    await place(one, strategy="tail")
    await place(other, strategy="tail")
    assert contents(one) == contents(other)
    assert (await place(one, strategy="tail")).rows == 0
    placed = await place(one, strategy="original")
    assert placed.rows == 20
    fresh = await make(rows(20, (5,), gold=2))
    assert contents(one) == contents(fresh)
    assert all(stored.placement is None for stored in one.rows.page(range(1, 21)))


async def test_a_row_edited_since_is_its_own_original(make):
    session = await make([row(1, 5, 2), row(2, 5, 2)])
    await place(session, strategy="tail")
    edited = msgspec.structs.replace(session.rows.get(1).row, system="Be brief.")
    session.rows.edit(1, edited)
    await place(session, strategy="original")
    assert session.rows.get(1).row == edited
    assert golds(session) == {1: (4, 5), 2: (2, 5)}


async def test_a_mark_goes_with_its_segment_when_the_row_is_edited(make):
    session = await make(rows(2, (5,)))
    session.placing.mark_gold(1, 3)
    before = session.rows.get(1).row
    first, rest = before.input.split("\n\n", 1)
    for number in range(2, 6):
        rest = rest.replace(f"[{number}]", f"[{number - 1}]")
    session.rows.edit(1, replaced(before, input=rest))
    assert session.rows.get(1).gold == 2
    session.rows.edit(1, replaced(before, input=first))
    assert session.rows.get(1).gold is None
    session.journal.undo()
    session.journal.undo()
    session.rows.edit(1, replaced(before, input=before.input.replace("built", "raised")))
    assert session.rows.get(1).gold is None
    session.journal.undo()
    session.rows.edit(1, replaced(before, output="Nobody knows."))
    assert session.rows.get(1).gold == 3


async def test_gold_marked_by_hand_moves_along(make):
    session = await make([row(1, 5, 2)])
    session.placing.mark_gold(1, 0)
    text = session.rows.get(1).row.input.split("\n\n")[0].partition("]")[2]
    await place(session, strategy="tail")
    assert session.rows.get(1).gold == 4
    assert session.rows.get(1).row.input.split("\n\n")[4].endswith(text)
    await place(session, strategy="head")
    assert session.rows.get(1).gold == 0
    session.journal.undo()
    session.journal.undo()
    assert session.rows.get(1).gold == 0


# -- who stays -------------------------------------------------------------------------------------


async def test_rows_stay_with_their_reason_and_evidence(make):
    first = row(1, 5, 2)
    session = await make([
        first,
        {**row(2, 5, 2), "instruction": "What does the first document say?"},
        {**row(3, 5, 2), "output": "Nobody knows."},
        {"instruction": "How?", "input": "1. Boil.\n2. Pour.\n3. Wait.", "output": "Boil, pour"},
        {"instruction": "Say hello.", "output": "Hello"},
        {**row(6, 5, 2), "output": "Yes", "instruction": "Is it so?"},
    ])  # fmt: skip
    placed = await place(session)
    left = {reason: (one.rows, one.row, one.evidence) for reason, one in placed.left.items()}
    assert left == {
        "the text names a segment by its place": (1, 2, "first document"),
        UNSURE: (1, 3, left[UNSURE][2]),
        "numbered steps or parts: their order is what they say": (1, 4, "1. Boil."),
        "no gold segment: mark one, or let the judge look": (1, 6, "nothing in the answer points to one segment"),
    }
    found = await survey(session)
    assert [(entry.row_id, entry.state(0.6)) for entry in map(found.at, range(len(found)))] == [
        (1, "sure"), (2, "left"), (3, "unsure"), (4, "left"), (6, "unsure"),
    ]  # fmt: skip


async def test_what_stays_counts_for_the_others(make):
    stays = [{**one, "instruction": "What does the last document say?"} for one in rows(10)]
    session = await make([*stays, *rows(40)])
    placed = await place(session)
    assert placed.after == [10, 0, 10, 0, 0, 10, 0, 10, 0, 10]
    assert {place for place, _ in list(golds(session).values())[10:]} == {1, 2, 3, 4}


async def test_a_threshold_of_ones_own_lets_unsure_rows_through(make):
    session = await make([row(1, 5, 2)])
    assert (await place(session, sure=0.98, strategy="head")).rows == 0
    assert (await place(session, sure=0.5, strategy="head")).rows == 1


async def test_shuffle_needs_no_gold_and_constraints_take_turns(make):
    poem = {"instruction": "Write a poem. Use four lines. Do not rhyme. Mention a fox.", "output": "A fox went by."}
    session = await make([{**row(1, 5, 2), "output": "Nobody knows."}, *[poem] * 6])
    assert (await place(session, strategy="shuffle", seed=3)).rows > 0
    await place(session, strategy="original")
    await place(session)
    begun = Counter(stored.row.instruction.rstrip(".").split(". ")[1] for stored in session.rows.page(range(2, 8)))
    assert begun == {"Use four lines": 2, "Do not rhyme": 2, "Mention a fox": 2}


async def test_only_some_rows_are_placed(make):
    session = await make(rows(20))
    placed = await place(session, only=[3, 5], strategy="tail")
    assert placed.rows == 2
    assert [row_id for row_id, (place, _) in golds(session).items() if place == 4] == [3, 5]
    assert placed.after == [18] + [0] * 8 + [2]
    events = await drain(session.placing.place(msgspec.structs.replace(session.settings.position, strategy="head"), [3],
                                       standing=[(0, 5)] * 19))  # fmt: skip
    assert events[-1].rows == 1
    assert events[-1].after == [20] + [0] * 9


async def test_a_dry_run_changes_nothing_and_foretells_all(make):
    session = await make(rows(30))
    before = contents(session)
    foretold = await drain(session.placing.place(dry_run=True))
    assert contents(session) == before
    assert "place" not in {group.command for group in session.journal.history()}
    done = await drain(session.placing.place())
    assert [event for event in foretold if isinstance(event, RowsPlaced | Placed | PlacementLaidOut)] == [
        event for event in done if isinstance(event, RowsPlaced | Placed | PlacementLaidOut)
    ]
    laid_out = next(event for event in done if isinstance(event, PlacementLaidOut))
    assert (laid_out.before, laid_out.after) == (done[-1].before, done[-1].after)


# -- meanwhile -------------------------------------------------------------------------------------


async def test_what_is_decided_meanwhile_is_not_overwritten(make):
    session = await make(rows(250))
    edited = msgspec.structs.replace(session.rows.get(240).row, output="edited meanwhile")
    async for event in session.placing.place(msgspec.structs.replace(session.settings.position, strategy="tail")):
        if isinstance(event, PlacementLaidOut):
            session.rows.edit(240, edited)
            session.rows.reject(245)
    assert session.rows.get(240).row == edited
    assert session.rows.get(245).status == "rejected"
    assert golds(session)[239] == (4, 5)
    assert golds(session)[250] == (4, 5)


async def test_who_undoes_it_while_it_runs_ends_it(make):
    session = await make(rows(350))
    before = contents(session)
    batches = 0
    async for event in session.placing.place(msgspec.structs.replace(session.settings.position, strategy="tail")):
        if isinstance(event, RowsPlaced):
            batches += 1
            session.journal.undo()
    assert batches == 1
    assert contents(session) == before


# -- variants --------------------------------------------------------------------------------------


async def test_variants_are_new_rows_with_their_lineage(make):
    session = await make(rows(12, (5,), gold=2))
    before = contents(session)
    placed = await place(session, variants=4)
    assert (placed.rows, placed.variants) == (0, 48)
    # Rows and variants together stand everywhere equally often.
    assert placed.after == [12, 0, 12, 0, 0, 12, 0, 12, 0, 12] == histogram(golds(session).values())
    assert {row_id: value for row_id, value in contents(session).items() if row_id <= 12} == before
    made = list(session.rows.each(Filter(generated=True)))
    assert {(one.status, one.operation, one.root) for one in made} == {("pending", "placement", None)}
    assert Counter(one.parent for one in made) == dict.fromkeys(range(1, 13), 4)
    assert len({one.row for one in made}) == 48
    assert [one.id for one in session.rows.lineage(made[0].id)] == [made[0].parent, made[0].id]
    assert session.rows.origin(made[0]) == f"placement of #{made[0].parent}, variant 1, gold at 1 of 5"
    for one in made:
        plan = decode(one.placement)
        assert restored(one.row, plan) == session.rows.get(one.parent).row
    assert kept(session) == recount(session)


async def test_variants_are_made_once_and_undoing_them_rejects_them(make):
    session = await make(rows(6))
    await place(session, variants=2)
    assert (await place(session, variants=2)).variants == 0
    told = session.journal.undo()[0]
    assert told == "make 2 variants of 6 rows (balanced)"
    made = list(session.rows.each(Filter(generated=True)))
    assert {(one.status, one.rule, one.evidence) for one in made} == {("rejected", "by-hand", "you took it back")}
    session.journal.redo()
    assert {one.status for one in session.rows.each(Filter(generated=True))} == {"pending"}
    assert kept(session) == recount(session)


async def test_rows_and_their_variants_stay_where_they_stand_afterwards(make):
    session = await make(rows(6))
    await place(session, variants=2)
    before = contents(session)
    placed = await place(session, strategy="tail")
    assert {reason: one.rows for reason, one in placed.left.items()} == {
        MEANINGS["varied"]: 6, MEANINGS["variant"]: 12,
    }  # fmt: skip
    assert contents(session) == before
    found = await survey(session)
    assert Counter(found.at(index).guard for index in range(len(found))) == {"varied": 6, "variant": 12}
    for one in list(session.rows.each(Filter(generated=True))):
        session.rows.reject(one.id)
    assert (await place(session, strategy="tail")).rows == 6


async def test_variants_of_every_strategy_that_can_vary(make):
    session = await make(rows(4, (5,), gold=2))
    assert (await place(session, strategy="edges", variants=3)).variants == 8
    other = await make(rows(4, (5,), gold=2))
    assert (await place(other, strategy="shuffle", variants=3, locate_first=True)).variants == 12
    made = list(other.rows.each(Filter(generated=True)))
    assert len({one.row.input for one in made}) == 12
    assert all(one.row.output.startswith(("The answer is in", "答案在")) for one in made)
    with pytest.raises(UsageError, match="same order"):
        await place(other, strategy="head", variants=2)


async def test_variants_are_no_tasks_of_the_pool(make, tmp_path):
    session = await make(rows(4))
    session.rows.set_seed(1, True)
    await place(session, variants=2)
    pool = pools.load(ProjectLook(session.project.database, 0, list), None, 0.7)
    assert (list(pool.human), list(pool.machine), len(pool._members)) == ([1], [], 1)


# -- distractors -----------------------------------------------------------------------------------


async def test_distractors_hold_no_answer_and_labels_count_on(make):
    session = await make(rows(30))
    originals = {stored.id: stored.row.input for stored in session.rows.page(range(1, 31))}
    placed = await place(session, distractors=3)
    stands = golds(session)
    for stored in session.rows.page(range(1, 31)):
        plan = decode(stored.placement)
        parts = stored.row.input.split("\n\n")
        mark = "文档[{}]" if parts[0].startswith("文档") else "Document [{}]"
        assert all(part.startswith(mark.format(n)) for n, part in enumerate(parts, start=1))
        assert stands[stored.id] == (plan.gold, 8)
        drawn = [at for at, original in enumerate(plan.order) if original < 0]
        assert len(drawn) == 3
        for at, source in zip(drawn, plan.distractors, strict=True):
            body = parts[at].partition("]")[2]
            assert source != stored.id
            assert body in originals[source]
            assert not set(re.findall(r"\d{4}", stored.row.output)) & set(re.findall(r"\d{4}", body))
    assert max(placed.after) - min(n for n in placed.after if n) <= 1


# -- one row ---------------------------------------------------------------------------------------


async def test_one_row_is_moved_by_hand(make):
    session = await make([row(1, 5, 2)])
    before = session.rows.get(1)
    assert session.placing.place_one(1, 0)
    assert golds(session) == {1: (0, 5)}
    assert not session.placing.place_one(1, 0)
    session.placing.place_one(1, 9)
    assert golds(session) == {1: (4, 5)}
    assert session.placing.place_one(1, 2)
    assert session.rows.get(1) == before  # Back where it was, it has no plan any more.
    assert session.journal.undo()[0] == "place #1 (middle, gold at 3 of 5)"


async def test_a_move_by_hand_keeps_what_was_done_to_question_and_output(make):
    session = await make([row(1, 5, 2)])
    await place(session, strategy="tail", question="both", locate_first=True)
    session.placing.place_one(1, 0)
    stored = session.rows.get(1)
    assert stored.row.output.startswith("The answer is in Document [1].\n")
    assert stored.row.input.endswith(stored.row.instruction)


async def test_what_cannot_be_moved_by_hand_says_why(make):
    session = await make([
        {**row(1, 5, 2), "output": "Nobody knows."},
        {**row(2, 5, 2), "instruction": "What does the first document say?"},
        {"instruction": "Say hello.", "output": "Hello"},
        row(4, 5, 2), row(5, 5, 1), row(6, 5, 1),
    ])  # fmt: skip
    session.placing.mark_gold(1, None)
    for row_id, said in ((2, "names a segment by its place"), (3, "no segments")):
        with pytest.raises(ProjectError, match=said):
            session.placing.place_one(row_id, 0)
    await place(session, only=[4], distractors=1)
    with pytest.raises(ProjectError, match="distractors"):
        session.placing.place_one(4, 0)


# -- the survey ------------------------------------------------------------------------------------


async def test_the_survey_knows_where_gold_stands_in_placed_rows(make):
    session = await make(rows(20, (5, 8)))
    await place(session, distractors=2, locate_first=True)
    found = await survey(session)
    expected = golds(session)
    assert {entry.row_id: (entry.gold, entry.segments) for entry in map(found.at, range(len(found)))} == expected
    assert all(entry.placed for entry in map(found.at, range(len(found))))
    for row_id in (3, 4):
        assert session.placing.survey_entry(row_id) == found.at(row_id - 1)


async def test_a_survey_of_some_rows_and_its_changes(make):
    session = await make(rows(10))
    some = (await drain(session.placing.survey_segments([2, 4, 99])))[-1].survey
    assert list(some.ids) == [2, 4]
    found = await survey(session)
    found.replace(2, None)
    found.replace(4, found.at(found.index_of(4))._replace(gold=3))
    found.replace(2, some.at(0))
    assert list(found.ids) == list(range(1, 11))
    assert [found.at(index).gold for index in range(4)] == [0, 0, 0, 3]
    assert found.index_of(99) is None
    found.replace(99, None)
    assert len(found) == 10


async def test_a_long_survey_shows_its_beginning_early(make):
    session = await make(rows(230, (3,)))
    told = [event for event in await drain(session.placing.survey_segments()) if isinstance(event, SegmentsSurveyed)]
    assert [event.whole for event in told] == [False, True]
    assert told[0].survey is told[1].survey


def test_the_settings_have_their_defaults():
    assert PositionSettings().strategy == "balanced"
    assert PositionSettings().sure == 0.6
