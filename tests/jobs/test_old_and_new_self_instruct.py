"""Self-Instruct as a job of its own and as a method ask the same and make the same; goes when the job goes."""

from __future__ import annotations

import random

import msgspec
import pytest
from msgspec.structs import replace

from studio.alpaca.rows import Sft
from studio.errors import RefusedError
from studio.jobs import self_instruct_estimate
from studio.jobs.recipes import estimated_tokens
from studio.jobs.runs.control import Control
from studio.jobs.self_instruct_events import Listed, PoolLoaded
from studio.jobs.self_instruct_plan import Plan
from studio.jobs.self_instruct_recipe import Course
from studio.jobs.self_instruct_tally import InstructionTally
from studio.jobs.task_pool import load
from studio.llm.chat import Reply, Usage
from studio.methods.asking import Said
from studio.methods.self_instruct.method import SelfInstruct
from studio.store.draws import Draws
from studio.store.filters import Filter
from studio.store.project import DATABASE_FILE
from tests.support.fake_chat import FakeChat, taught, use
from tests.support.method_engine import Project, Start, request_of
from tests.support.projects import bring_in, new_project, watch
from tests.support.tasks import fresh
from tests.support.teacher import digits

EN = [{"instruction": fresh(False, digits(f"seed {n}")), "output": "Done."} for n in range(20)]
ZH = [{"instruction": fresh(True, digits(f"seed {n}")), "input": "甲", "output": "完成。"} for n in range(20)]
MORE = {
    "blacklist": ["ramel"],
    "allowed": ["MAP", "地图"],
    "thinking_room": 500,
    "temperature": 0.9,
    "top_p": 0.8,
    "max_tokens": 800,
    "presence_penalty": 0.0,
    "seed": 7,
    "batch": 3,
    "threshold": 0.4,
}


@pytest.fixture
async def make(tmp_path):
    """A function that makes a project for the old job and the same one for the new method."""
    opened = []

    async def make(seeds=EN, script=taught, name="fake", **chosen):
        session = new_project(tmp_path / f"p{len(opened)}", self_instruct={"target": 40, "concurrency": 1} | chosen)
        await bring_in(session, tmp_path / f"{len(opened)}.jsonl", seeds, seed=True)
        chat = FakeChat(script, name=name)
        use(session, chat)
        opened.append(session)
        return session, chat, Project(session.rows.page(range(1, session.rows.last_id() + 1)))

    yield make
    for session in opened:
        await session.close()


async def run_old(session):
    tally = InstructionTally()
    await watch(session.self_instruct(Control()), tally.see)
    return tally


def rows_of(stored):
    names = ("id", "row", "status", "rule", "evidence", "operation", "round", "variant", "parent", "root")
    return [[getattr(one, name) for name in names] for one in stored]


def old_rows(session):
    return rows_of(session.rows.each(Filter(generated=True)))


def record_of(start):
    """What the old tally tells, from what the new results count."""
    counts = start.counts

    def by_rule(name):
        return {key.partition(":")[2]: n for key, n in counts.items() if key.startswith(f"{name}:")}

    fruitless = {}
    for _, _, result in start.events:
        if result and result.rule and not result.left:
            fruitless[result.rule] = fruitless.get(result.rule, 0) + 1
    without = by_rule("without-instance")
    answered = counts.get("standing", 0) + sum(without.values()) + counts.get("overtaken", 0)
    return {
        "made_before": start.method.total(start, None)[1],
        "target": start.method.total(start, None)[0],
        "replies": counts.get("replies", 0),
        "fruitless": fruitless,
        "instructions": counts.get("instructions", 0),
        "eliminated": by_rule("eliminated"),
        "new": counts.get("new", 0),
        "answered": answered,
        "waiting": start.state.unanswered + counts.get("new", 0) - answered,
        "accepted": counts.get("standing", 0),
        "without_instance": without,
        "overtaken": counts.get("overtaken", 0),
        "classification": counts.get("classification", 0),
        "instances": counts.get("instances", 0),
        "dropped": by_rule("dropped"),
        "ran_dry": start.state.dry(start),
    }


def start_of(session, project, chat, **more):
    return Start(SelfInstruct(), project, chat, session.settings.self_instruct, **more)


def misbehaving(request):
    """Lists and instances that are cut, filtered, empty or not in the form."""
    kind = next(digits(request.key())) % 8
    if kind < 4:
        return taught(request)
    text = taught(request)
    return [
        Reply(text, "length", Usage(5, 9), "fake", 0.0),
        Reply(text, "content_filter", Usage(5, 9), "fake", 0.0),
        Reply("", "stop", Usage(5, 0), "fake", 0.0),
        Reply("I would rather not.", "stop", Usage(5, 4), "fake", 0.0),
    ][kind - 4]


def refusing(request):
    """Some requests are never answered."""
    return RefusedError("no") if next(digits(request.key())) % 8 == 0 else taught(request)


@pytest.mark.parametrize("script", [taught, misbehaving, refusing])
@pytest.mark.parametrize("seeds", [EN, ZH, EN[:5] + ZH[:6], EN[:1]], ids=["en", "zh", "both", "one"])
@pytest.mark.parametrize("variant", ["paper", "alpaca"])
async def test_at_one_lane_everything_is_the_same(make, variant, seeds, script):
    session, old, project = await make(seeds, script, variant=variant, target=60)
    tally = await run_old(session)
    start = start_of(session, project, script).run()
    assert project.asked == old.asked
    assert rows_of(project.made()) == old_rows(session)
    record = tally.record()
    assert record_of(start) == {name: record[name] for name in record_of(start)}
    assert tally.standing >= 10


@pytest.mark.parametrize("model", ["fake", "smollm2-135m-instruct-q4_1"])
@pytest.mark.parametrize("variant", ["paper", "alpaca"])
async def test_with_settings_of_ones_own_and_a_small_model(make, variant, model):
    session, old, project = await make(EN, name=model, variant=variant, **MORE)
    await run_old(session)
    profile = "standard" if model == "fake" else "small"
    start_of(session, project, taught, profile=profile).run()
    assert [replace(one, model=model) for one in project.asked] == old.asked
    assert rows_of(project.made()) == old_rows(session)


@pytest.mark.parametrize("lanes", [2, 7, 64])
@pytest.mark.parametrize("variant", ["paper", "alpaca"])
async def test_at_many_lanes_the_rows_are_the_same(make, variant, lanes):
    session, old, project = await make(variant=variant, concurrency=lanes, target=70)
    luck = random.Random(lanes)
    old._delay = lambda _: luck.random() / 300
    await run_old(session)
    start_of(session, project, taught, lanes=lanes, luck=luck).run()
    assert sorted(places(project.made())) == sorted(places(session.rows.each(Filter(generated=True))))
    answers = [{one.key() for one in asked if one.temperature == 0.0} for asked in (project.asked, old.asked)]
    assert answers[0] == answers[1]


def places(stored):
    """Rows without ids, and without the evidence that names them."""
    return [(one.round, one.variant, repr(one.row), one.status, one.rule or "", one.operation) for one in stored]


@pytest.mark.parametrize("variant", ["paper", "alpaca"])
async def test_one_goes_on_where_it_was_with_another_target(make, variant):
    session, old, project = await make(variant=variant, target=15)
    for target in (15, 16, 50):
        session.settings = replace(
            session.settings, self_instruct=replace(session.settings.self_instruct, target=target, limit=target)
        )
        tally = await run_old(session)
        start = start_of(session, project, taught).run()
        record = tally.record()
        assert record_of(start) == {name: record[name] for name in record_of(start)}
    assert project.asked == old.asked
    assert rows_of(project.made()) == old_rows(session)


async def test_the_old_briefs_and_the_new_ones_are_the_same(make):
    session, _, project = await make(variant="alpaca", target=50)
    await run_old(session)
    start_of(session, project, taught).run()
    found = session._project.database.connection.execute("SELECT request, shown, ended FROM draws ORDER BY request")
    assert [
        (key[1], msgspec.json.encode(brief).decode(), key in project.values) for key, brief in project.briefs.items()
    ] == [(request, shown, bool(ended)) for request, shown, ended in found]


async def test_a_run_of_the_old_job_is_gone_on_with_by_the_new_method(make):
    session, _, _ = await make(target=20)
    whole, _, _ = await make(target=60)
    await run_old(session)
    whole.settings = session.settings
    whole.settings = replace(session.settings, self_instruct=replace(session.settings.self_instruct, target=60))
    await run_old(whole)
    project = Project(session.rows.page(range(1, session.rows.last_id() + 1)))
    draws = Draws(session._project.database)
    for request in range(1, draws.last(1) + 1):
        draw = draws.get(1, request)
        key = ("list", request)
        project.briefs[key] = msgspec.to_builtins(draw.shown)
        if draw.reply:
            mine = [one for one in project.made() if one.round == request and one.parent is None]
            new = sum(one.status != "rejected" or one.rule == "unanswered" or "first" in one.operation for one in mine)
            project.values[key] = {"new": new, "rule": draw.rule, "evidence": draw.evidence}
    for one in project.made():
        if one.parent is None and "first" in one.operation:
            project.values["answer", one.round, one.variant] = {}
    start = start_of(whole, project, taught)
    assert start.method.total(start, None) == (60, 20)
    start.run()
    assert sorted(places(project.made())) == sorted(places(whole.rows.each(Filter(generated=True))))


@pytest.mark.parametrize("what", ["reject", "edit", "restore", "seed", "unseed"])
async def test_what_the_person_does_meanwhile_counts_for_both(make, what):
    session, old, project = await make(target=40)
    done = []

    def act(row_id, old_or_new):
        change = {
            "reject": {"status": "rejected", "rule": "by-hand", "evidence": "you rejected it"},
            "edit": {"row": Sft("Name the seven seas and their depths.", "", "There are seven.")},
            "restore": {"status": "pending", "rule": None, "evidence": None},
            "seed": {"seed": True},
            "unseed": {"seed": False},
        }[what]
        if old_or_new == "new":
            project.decide(row_id, **change)
            return
        match what:
            case "reject":
                session.reject(row_id)
            case "edit":
                session.edit(row_id, change["row"])
            case "restore":
                session.restore([row_id])
            case _:
                session.set_seed(row_id, what == "seed")

    def victim(rows):
        wanted = {
            "restore": lambda one: one.generated and one.rule == "near-duplicate",
            "seed": lambda one: one.generated and one.status == "pending",
            "unseed": lambda one: one.seed,
        }.get(what, lambda one: one.generated and one.rule == "unanswered")
        return next((one.id for one in rows if wanted(one)), None)

    tally = InstructionTally()
    async for event in session.self_instruct(Control()):
        tally.see(event)
        if isinstance(event, Listed) and not done and event.request >= 3:
            row_id = victim(session.rows.page(range(1, session.rows.last_id() + 1)))
            if row_id:
                done.append(row_id)
                act(row_id, "old")
    did = []

    def kept(task, result):
        if task.key[0] == "list" and not did and task.key[1] >= 3:
            row_id = victim(project.rows.values())
            if row_id:
                did.append(row_id)
                act(row_id, "new")

    start = start_of(session, project, taught, kept=kept).run()
    assert done == did != []
    assert rows_of(project.made()) == old_rows(session)
    record = tally.record()
    names = set(record_of(start)) - ({"classification", "dropped", "waiting"} if what in ("edit", "reject") else set())
    assert {name: record_of(start)[name] for name in names} == {name: record[name] for name in names}
    if what not in ("edit", "reject"):
        assert project.asked == old.asked


@pytest.mark.parametrize("variant", ["paper", "alpaca"])
async def test_what_is_loaded_and_what_is_expected(make, variant):
    session, _, _ = await make(EN + ZH[:4], variant=variant)
    [loaded] = [event async for event in session.self_instruct(Control()) if isinstance(event, PoolLoaded)]
    start = start_of(session, Project(session.rows.page(range(1, 25))), taught)
    state = start.state
    assert PoolLoaded(state.language, state.human, state.machine, dict(state.others), state.unanswered) == loaded
    roles = session._roles(session.settings, session._budget(session.settings))
    pool = load(session.folder / DATABASE_FILE, None, 0.7)
    course = Course(session.settings, "en", roles, session.folder)
    assert Plan(session._project.database, 0, session.settings.self_instruct, course, pool, list, lambda: 1).dry == 0
    pool.machine = []
    known, _, assumptions = self_instruct_estimate.assumed(session.rows, pool, course, 1)
    assert start.method.assumes(start) == tuple(said for said in assumptions if "in a second" not in said)
    share = session.settings.self_instruct.target / len(known)
    tokens, requests = 0.0, 0.0
    for task, weight in start.method.foreseen(start):
        attempt = start.method.attempt(task, start)
        asks = [next(attempt)]
        try:
            while True:
                asks.append(attempt.send(Said(asks[-1].likely)))
        except StopIteration:
            pass
        requests += weight * len(asks)
        tokens += weight * sum(estimated_tokens(request_of(ask, task).messages) + ask.length for ask in asks)
    old = [one for attempt in known for one in attempt]
    assert requests == pytest.approx(share * len(old))
    assert tokens == pytest.approx(
        share * sum(one.usage.prompt_tokens + one.usage.completion_tokens for one in old), rel=0.01
    )
