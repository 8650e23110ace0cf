"""What a person does while a run of Evol-Instruct goes on: review, other settings, another operation."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from studio.alpaca.rows import Sft
from studio.errors import BudgetError, ModelError, ProjectError, UsageError
from studio.jobs.events import Ended, Paused, Planned, RunBegun
from studio.jobs.runs.control import Control
from studio.jobs.runs.tally import RunTally
from studio.methods import registry
from studio.session import Session
from studio.settings import BudgetSettings, EvolveSettings
from studio.store.filters import Filter
from tests.support.fake_chat import FakeChat, taught, use
from tests.support.projects import bring_in, drain, kept, new_project, recount, watch

SEEDS = [{"instruction": f"Describe tool {n} of a carpenter."} for n in range(4)] + [
    {"instruction": f"说说木匠的第{n}件工具。"} for n in range(4)
]


def good(request):
    """Answers that no rule eliminates."""
    text = taught(request)
    if text == "Equal":
        return "Not Equal"
    return "A plane smooths the board." if "Sorry" in text or "抱歉" in text else text


@pytest.fixture
async def make(tmp_path):
    opened = []

    async def make(name="p", chat=None, seeds=SEEDS, **evolving):
        session = new_project(tmp_path / name, evolve={"rounds": 2, "concurrency": 2} | evolving)
        await bring_in(session, tmp_path / f"{name}.jsonl", seeds, seed=True)
        use(session, chat or FakeChat(good))
        opened.append(session)
        return session

    yield make
    for session in opened:
        await session.close()


def reopened(folder, chat=None, **flags):
    session = Session.open(folder, flags=flags, must_write=True)
    use(session, chat or FakeChat(good))
    return session


def made(session):
    return list(session.rows.each(Filter(generated=True)))


def evolving(settings, **changes):
    return replace(settings, evolve=replace(settings.evolve, **changes))


async def steer(session, once, control=None):
    """Run, and call once(event) after the first row that came in."""
    done = []
    async for event in session.runs.run("evol-instruct", control or Control()):
        if isinstance(event, Ended) and not done:
            done.append(event)
            once(event)


# -- review while it runs --------------------------------------------------------------------------


async def test_what_was_rejected_meanwhile_is_no_parent(make):
    session = await make(seeds=SEEDS[:1], rounds=3)
    await steer(session, lambda event: session.rows.reject(event.row_ids[0]))
    first, second, third = made(session)
    assert (first.parent, second.parent, third.parent) == (1, 1, second.id)


async def test_what_was_edited_meanwhile_evolves_as_edited(make):
    chat = FakeChat(good)
    session = await make(chat=chat, seeds=SEEDS[:1])
    await steer(session, lambda event: session.rows.edit(event.row_ids[0], Sft("Sharpen a chisel.", "", "On a stone.")))
    _, second = made(session)
    assert "Sharpen a chisel." in second.row.instruction
    assert second.parent == 2


async def test_a_row_promoted_to_seed_joins_the_pool_of_the_same_run(make):
    session = await make(seeds=SEEDS[:2], rounds=1)
    events = await drain_after_first(session, lambda event: session.rows.set_seed(event.row_ids[0], True))
    promoted = next(event.row_ids[0] for event in events if isinstance(event, Ended))
    assert sorted(row.root for row in made(session)) == [1, 2, promoted]
    assert [event for event in events if isinstance(event, Planned)] == [Planned(2, 0), Planned(3, 0)]


async def test_a_seed_rejected_meanwhile_evolves_no_further(make):
    session = await make(rounds=2, concurrency=1)
    events = await drain_after_first(session, lambda event: session.rows.reject(event.task.row))
    gone = next(event.task.row for event in events if isinstance(event, Ended))
    assert [row.round for row in made(session) if row.root == gone] == [1]
    assert len(made(session)) == 15


async def drain_after_first(session, once):
    events = []
    async for event in session.runs.run("evol-instruct", Control()):
        if isinstance(event, Ended) and not any(isinstance(one, Ended) for one in events):
            once(event)
        events.append(event)
    return events


# -- settings changed while it runs ----------------------------------------------------------------


async def test_settings_changed_while_it_runs_go_on_with_the_same_run_also_after_a_restart(make, tmp_path):
    session = await make(concurrency=1)
    warmer = evolving(session.settings, temperature=0.4)
    control = Control()
    async for event in session.runs.run("evol-instruct", control):
        if isinstance(event, Ended) and event.row_ids[0] == 12:
            session.runs.change_settings(warmer)
        if isinstance(event, Ended) and event.row_ids[0] == 14:
            control.stop()
    rows = made(session)
    asked = [session.rows.exchanges(row)[0].request.temperature for row in rows]
    assert asked == [1.0] * 4 + [0.4] * 2
    await session.close()
    for temperature in (1.0, 0.4):
        again = reopened(tmp_path / "p", evolve={"rounds": 2, "temperature": temperature, "limit": 7})
        (_, first, *_) = await drain(again.runs.run("evol-instruct", Control()))
        assert first.done in (6, 7)
        assert len({row.run for row in made(again)}) == 1
        await again.close()


async def test_a_fresh_start_with_other_settings_is_another_run(make):
    session = await make()
    await drain(session.runs.run("evol-instruct", Control()))
    session.project.settings = evolving(session.settings, temperature=0.4)
    await drain(session.runs.run("evol-instruct", Control()))
    assert len({row.run for row in made(session)}) == 2
    assert len(made(session)) == 32


async def test_more_rounds_and_other_operations_count_from_the_next_attempt_on(make):
    session = await make(rounds=1, concurrency=1, seeds=SEEDS[:3])
    changed = evolving(session.settings, rounds=3, operations=("deepening",))
    events = await drain_after_first(session, lambda _: session.runs.change_settings(changed))
    assert [event for event in events if isinstance(event, Planned)] == [Planned(3, 0), Planned(9, 0)]
    rows = made(session)
    assert len(rows) == 9
    assert {row.operation for row in rows[1:]} == {"deepening"}


async def test_lanes_are_added_while_it_runs(make):
    chat = FakeChat(good, delay=0.002)
    session = await make(chat=chat, concurrency=1)
    control = Control()
    lanes = set()
    async for event in session.runs.run("evol-instruct", control):
        if isinstance(event, Ended):
            lanes.add(event.lane)
            session.runs.change_settings(evolving(session.settings, concurrency=4))
    assert lanes == {0, 1, 2, 3}


async def test_settings_that_cannot_be_used_change_nothing(make):
    session = await make(concurrency=1)
    broken = evolving(session.settings, prompts="nowhere")

    def change(_):
        with pytest.raises(UsageError, match="nowhere"):
            session.runs.change_settings(broken)

    await steer(session, change)
    assert len(made(session)) == 16
    assert session.settings.evolve.prompts == ""


async def test_a_cap_pauses_and_raising_it_goes_on(make):
    session = await make()
    session.project.settings = replace(session.settings, budget=BudgetSettings(requests=10))
    control = Control(attended=True)
    tally = RunTally(registry.get("evol-instruct"))
    reasons = []
    async for event in session.runs.run("evol-instruct", control):
        tally.see(event)
        if isinstance(event, Paused):
            reasons.append(event.reason)
            assert session.rows.stats()["replies"] == 10
            session.runs.change_settings(replace(session.settings, budget=BudgetSettings()))
            control.resume()
    # A lane that met the cap just before it was raised may say so just after.
    assert len(set(reasons)) == 1
    assert "10 requests" in reasons[0]
    assert tally.accepted == tally.asked == 16
    assert session.rows.stats()["replies"] == 48


async def test_a_cap_ends_a_run_that_nobody_attends_and_the_next_goes_on(make):
    chat = FakeChat(good)
    session = await make(chat=chat)
    session.project.settings = replace(session.settings, budget=BudgetSettings(requests=10))
    with pytest.raises(BudgetError):
        await drain(session.runs.run("evol-instruct", Control()))
    assert len(chat.asked) == 10
    await drain_all_caps(session)
    assert len(made(session)) == 16
    assert len(chat.asked) == 48


async def drain_all_caps(session):
    for _ in range(9):
        try:
            await drain(session.runs.run("evol-instruct", Control()))
            return
        except BudgetError:
            pass


async def test_mended_credit_goes_on_where_it_paused(make):
    broke = [True]
    chat = FakeChat(lambda request: ModelError("no credit left") if broke[0] else good(request))
    session = await make(chat=chat)
    control = Control(attended=True)
    tally = RunTally(registry.get("evol-instruct"))
    async for event in session.runs.run("evol-instruct", control):
        tally.see(event)
        if isinstance(event, Paused):
            broke[0] = False
            control.resume()
    assert (tally.accepted, tally.failed) == (16, 0)


# -- how far ---------------------------------------------------------------------------------------


async def test_a_target_is_reached_exactly(make):
    session = await make(chat=FakeChat(taught), target=12, rounds=4, concurrency=3)
    tally = RunTally(registry.get("evol-instruct"))
    await watch(session.runs.run("evol-instruct", Control()), tally.see)
    assert tally.accepted == 12
    assert tally.eliminated
    assert [type(event) for event in await drain(session.runs.run("evol-instruct", Control()))] == [RunBegun, Planned]


@pytest.mark.parametrize(("language", "roots"), [("en", {1, 2, 3, 4}), ("zh", {5, 6, 7, 8})])
async def test_only_seeds_of_one_language(make, language, roots):
    session = await make(language=language, rounds=1)
    await drain(session.runs.run("evol-instruct", Control()))
    assert {row.root for row in made(session)} == roots


async def test_weights_say_how_often_an_operation_is_drawn(make):
    seeds = [{"instruction": f"Describe tool {n} of a carpenter."} for n in range(60)]
    session = await make(seeds=seeds, rounds=1, concurrency=8, weights={"deepening": 0, "in_breadth": 20})
    await drain(session.runs.run("evol-instruct", Control()))
    drawn = [row.operation for row in made(session)]
    assert "deepening" not in drawn
    assert drawn.count("in_breadth") > 40


async def test_no_operation_left_is_one_clear_error(make):
    session = await make(operations=["deepening"], weights={"deepening": 0})
    with pytest.raises(UsageError, match="No operation"):
        await drain(session.runs.run("evol-instruct", Control()))


def test_the_settings_know_the_operations_of_the_method():
    from studio.methods.evol_instruct.prompts import OPERATIONS

    assert EvolveSettings(operations=OPERATIONS, weights=dict.fromkeys(OPERATIONS, 1.0)).operations == OPERATIONS


# -- another operation -----------------------------------------------------------------------------


async def test_a_row_made_anew_stands_beside_the_first_and_grows_from_the_same_parent(make):
    chat = FakeChat(good)
    session = await make(chat=chat, seeds=SEEDS[:1], rounds=1)
    await drain(session.runs.run("evol-instruct", Control()))
    (first,) = made(session)
    *_, event = await drain(session.runs.reroll(first.id))
    again = session.rows.get(event.row_ids[0])
    assert (again.parent, again.root, again.round, again.run, again.variant) == (1, 1, 1, first.run, 1)
    assert again.operation != first.operation
    *_, event = await drain(session.runs.reroll(again.id, first.operation))
    third = session.rows.get(event.row_ids[0])
    assert (third.operation, third.variant) == (first.operation, 2)
    assert kept(session) == recount(session)
    # The plan goes on: the round is done, and the next starts from what was made last.
    session.project.settings = evolving(session.settings, rounds=2)
    await drain(session.runs.run("evol-instruct", Control()))
    assert [(row.round, row.parent) for row in made(session)] == [(1, 1), (1, 1), (1, 1), (2, third.id)]


async def test_six_times_anew_uses_each_operation_once(make):
    session = await make(seeds=SEEDS[:1], rounds=1)
    await drain(session.runs.run("evol-instruct", Control()))
    for _ in range(5):
        await drain(session.runs.reroll(2))
    assert len({row.operation for row in made(session)}) == 6


async def test_only_evolved_rows_are_made_anew(make):
    session = await make()
    with pytest.raises(ProjectError, match="#1 was not evolved"):
        await drain(session.runs.reroll(1))


async def test_a_row_is_made_anew_while_the_run_goes_on(make):
    session = await make(chat=FakeChat(good, delay=0.001))
    task = asyncio.create_task(drain(session.runs.run("evol-instruct", Control())))
    while not made(session):  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    assert len(made(session)) < 16
    await drain(session.runs.reroll(made(session)[0].id))
    await task
    assert len(made(session)) == 17
