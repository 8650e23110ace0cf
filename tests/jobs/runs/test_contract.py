"""What every method must keep to, whatever it asks: one contract, each method a line of it, in English and Chinese.

Stopped anywhere and started again it makes the same rows and repeats nothing that was answered; the number of lanes
changes nothing; the estimate counts what a run then asks; caps hold; whatever fails, it ends, with a reason; and every
row says where it came from.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections import Counter
from collections.abc import Mapping
from contextlib import aclosing
from types import MappingProxyType
from typing import NamedTuple

import pytest

from studio.errors import BudgetError, ModelError, PassingError, RefusedError, StudioError
from studio.jobs.events import AttemptFailed, Ended, Paused, Planned
from studio.jobs.runs.control import Control
from studio.llm.chat import Reply, Usage
from studio.methods import registry
from studio.session import Session
from studio.store.filters import Filter
from tests.support.fake_chat import FakeChat, taught, use
from tests.support.packages import installed, written
from tests.support.projects import bring_in, drain, new_project

SEEDS = {
    "en": [
        "Name three fruits that keep well in winter.",
        "Explain why the sea is salty.",
        "Sort these words by length: pear, fig, plum.",
        "Write a polite note to a neighbour about noise.",
        "Describe how a bicycle pump works.",
    ],
    "zh": [
        "写一首关于雨的短诗。",
        "给新邻居写一封欢迎信。",
        "说明如何给自行车补胎。",
        "列出三种适合冬天保存的水果。",
        "解释海水为什么是咸的。",
    ],
}


pytestmark = pytest.mark.usefixtures("no_waiting")


class Case(NamedTuple):
    """A method under the contract. flags: settings by section.

    rows: it makes rows. seed: what is imported are seed tasks.
    """

    method: str
    flags: Mapping[str, Mapping[str, object]] = MappingProxyType({})
    rows: bool = True
    seed: bool = True

    def __str__(self):
        return "-".join([self.method, *(str(value) for values in self.flags.values() for value in values.values())])


CASES = [
    Case("followup", seed=False),
    Case("evol-instruct", {"evolve": {"rounds": 2}}),
    Case("probe", {"probe": {"keys": 8, "positions": 3, "samples": 3}}, rows=False),
    Case("self-instruct", {"self_instruct": {"target": 20}}),
    Case("self-instruct", {"self_instruct": {"target": 60, "variant": "alpaca"}}),
]


@pytest.fixture(scope="module", autouse=True)
def toy(tmp_path_factory):
    with installed(written(tmp_path_factory.mktemp("site"))):
        yield


@pytest.fixture(params=CASES, ids=str)
def case(request):
    return request.param


@pytest.fixture(params=["en", "zh"])
def language(request):
    return request.param


@pytest.fixture
async def make(tmp_path, case, language):
    """A function that makes a project for the case, whose model is a fake."""
    opened = []

    async def make(name, chat, **more):
        session = new_project(tmp_path / name, **_merged(case.flags, more))
        rows = [{"instruction": text, "output": f"{text[:12]}: 1, 2, 3."} for text in SEEDS[language]]
        await bring_in(session, tmp_path / f"{name}.jsonl", rows, seed=case.seed)
        use(session, chat)
        opened.append(session)
        return session

    yield make
    for session in opened:
        await session.close()


async def reopened(session, case, chat, **more):
    """The same project, as another process would find it."""
    folder = session.folder
    await session.close()
    again = Session.open(folder, flags=_merged(case.flags, more), must_write=True)
    use(again, chat)
    return again


def _merged(*flags):
    merged = {}
    for one in flags:
        for section, values in one.items():
            merged[section] = merged.get(section, {}) | values
    return merged


def section(case):
    return registry.get(case.method).section


def outcome(session, case):
    """What a run has come to, but for ids: they go by the order in which answers came."""
    rows = Counter(
        (row.type, repr(row.row), row.status, row.rule, row.operation, row.round, row.variant, row.score)
        for row in session.rows.each(Filter(generated=True))
    )
    [run] = session.project.runs.all(case.method)[:1] or [None]
    kept = session.runs.answers(run.id) if run else []
    # What is only noted depends on how far was asked ahead.
    values = {answer.key: answer.value for answer in kept if answer.value is not None}
    golds = [(row.gold, row.gold_why) for row in session.rows.each(Filter(generated=False))]
    return rows, values, golds


async def run(session, case, control=None, stop_after=None):
    """Run it to its end, or drop it once so many requests were answered."""
    events = []
    chat = session.endpoints.models.chats[0]
    async with aclosing(session.runs.run(case.method, control or Control())) as said:
        async for event in said:
            events.append(event)
            if stop_after is not None and len(chat.answered) >= stop_after:
                break
    return events


def uneven(request):
    """A delay that depends on the request alone."""
    return hashlib.sha256(repr(request.messages).encode()).digest()[0] / 100_000


async def test_the_number_of_lanes_changes_nothing(make, case):
    one = await make("one", FakeChat(), **{section(case): {"concurrency": 1}})
    await run(one, case)
    expected = outcome(one, case)
    assert any(expected)
    for many in (8, 64):
        other = await make(f"at{many}", FakeChat(delay=uneven), **{section(case): {"concurrency": many}})
        await run(other, case)
        assert outcome(other, case) == expected


@pytest.mark.parametrize("lanes_at_once", [1, 8])
async def test_stopped_anywhere_it_goes_on_and_repeats_nothing(make, case, lanes_at_once):
    whole = await make("whole", chat := FakeChat())
    await run(whole, case)
    expected, requests = outcome(whole, case), len(chat.answered)
    for cut in sorted({1, 2, 3, requests // 2, requests - 1} - {0}):
        chat = FakeChat(delay=uneven)
        more = {section(case): {"concurrency": lanes_at_once}}
        session = await make(f"cut{cut}", chat, **more)
        await run(session, case, stop_after=cut)
        session = await reopened(session, case, chat, **more)
        await run(session, case)
        assert outcome(session, case) == expected
        asked = Counter(request.key() for request in chat.answered)
        assert asked.most_common(1)[0][1] == 1, f"after {cut} requests something was asked again"
        await session.close()


async def test_the_estimate_counts_what_a_run_asks(make, case):
    session = await make("p", chat := FakeChat(_likely))
    foretold = await session.runs.estimate(case.method)
    assert not chat.asked
    await run(session, case)
    if not registry.get(case.method).progress:
        assert foretold.requests == len(chat.asked)
    else:
        assert foretold.requests > 0
        assert any("%" in said for said in foretold.assumptions)
    assert foretold.assumptions


async def test_a_cap_is_exact_and_the_run_goes_on_when_it_is_raised(make, case):
    whole = await make("whole", FakeChat())
    await run(whole, case)
    session = await make("p", chat := FakeChat(), budget={"requests": 2})
    with pytest.raises(BudgetError):
        await run(session, case)
    assert len(chat.asked) == 2
    session = await reopened(session, case, chat)
    await run(session, case)
    assert outcome(session, case) == outcome(whole, case)
    await session.close()


async def test_a_cap_pauses_a_run_that_somebody_watches(make, case):
    session = await make("p", chat := FakeChat(), budget={"requests": 2})
    control = Control(attended=True)
    paused = []
    async with aclosing(session.runs.run(case.method, control)) as events:
        async for event in events:
            if isinstance(event, Paused):
                paused.append(event.reason)
                session.runs.change_settings(_with_budget(session.settings, 0))
                control.resume()
    assert len(paused) == 1
    assert len(chat.asked) > 2


def _with_budget(settings, requests):
    from msgspec.structs import replace

    return replace(settings, budget=replace(settings.budget, requests=requests))


FAILURES = {
    "refused": lambda: RefusedError("The endpoint refuses this."),
    "passing": lambda: PassingError("busy"),
    "doomed": lambda: ModelError("The key is wrong."),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_it_ends_with_a_reason_when_everything_fails(make, case, failure):
    def fail(_request):
        return FAILURES[failure]()

    session = await make("p", FakeChat(fail))
    before = outcome(session, case)
    reasons = []
    try:
        reasons += [event.message for event in await run(session, case) if isinstance(event, AttemptFailed)]
    except StudioError as error:
        reasons.append(str(error))
    assert reasons
    assert outcome(session, case)[::2] == before[::2]


@pytest.mark.parametrize("at_once", [1, 3, 16])
async def test_what_fails_is_asked_again_by_the_next_start(make, case, at_once):
    whole = await make("whole", FakeChat())
    await run(whole, case)
    broken = True

    def sometimes(request):
        luck = hashlib.sha256(repr(request.messages).encode()).digest()[1]
        return PassingError("busy") if broken and luck % 5 == 0 else taught(request)

    more = {section(case): {"concurrency": at_once}}
    session = await make("p", FakeChat(sometimes, delay=uneven), **more)
    with contextlib.suppress(ModelError):
        await run(session, case)
    broken = False
    for _ in range(3):
        await run(session, case)
    if not registry.get(case.method).progress:
        assert outcome(session, case) == outcome(whole, case)


SHAPES = {
    "empty": ("", "stop"),
    "blank": (" \n\t ", "stop"),
    "cut": ("and then they", "length"),
    "filtered": ("", "content_filter"),
    "odd end": ("yes", "some_new_reason"),
    "long": ("word " * 20_000, "stop"),
    "json": ('{"a": [1, 2, {"b": null}]}', "stop"),
    "markup": ("[bold]\x1b[31m\u202e#1.\n\n2)\ud7ff", "stop"),
    "only thought": ("", "length"),
    "surrogate": ("half \ud83d a sign", "stop"),
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_every_shape_of_reply_ends_and_loses_nothing(make, case, shape):
    text, finish = SHAPES[shape]

    def odd(request):
        return Reply(text, finish, Usage(3, 2), "fake", 0.0, thinking="hm" if shape == "only thought" else "")

    session = await make("p", chat := FakeChat(odd), budget={"requests": 400})
    with contextlib.suppress(StudioError):
        events = await run(session, case)
        assert any(isinstance(event, Planned) for event in events)
    assert len(chat.asked) <= 400
    for row in session.rows.each(Filter(generated=True)):
        assert row.status == "pending" or row.rule in registry.get(case.method).rules


async def test_every_row_says_where_it_came_from(make, case):
    session = await make("p", chat := FakeChat())
    events = await run(session, case)
    asked = {request.key() for request in chat.answered}
    ended = [event for event in events if isinstance(event, Ended)]
    assert ended
    assert {key for event in ended for key in event.replies} <= asked
    known = {row_id for event in ended for row_id in event.row_ids}
    made = list(session.rows.each(Filter(generated=True)))
    assert bool(made) == case.rows
    for row in made:
        assert row.id in known
        assert row.run
        assert set((row.replies or "").split()) <= asked
        assert (row.status == "rejected") == bool(row.rule and row.evidence)
        assert row.parent is None or session.rows.get(row.parent) is not None
        assert session.rows.lineage(row.id)[-1].id == row.id


async def test_another_start_with_the_same_settings_is_the_same_run(make, case):
    session = await make("p", chat := FakeChat())
    await run(session, case)
    runs, requests = session.project.runs.all(case.method), len(chat.asked)
    await drain(session.runs.run(case.method, Control()))
    assert session.project.runs.all(case.method) == runs
    assert len(chat.asked) == requests


def _likely(request):
    """Answers that no rule drops, so that every attempt asks all it may."""
    said = taught(request)
    return said if said not in ("Equal",) and "Sorry" not in said and "抱歉" not in said else "Not Equal"
