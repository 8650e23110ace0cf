"""The position probe against a model that forgets the middle: the curve it must find, faults, stops, replays."""

from __future__ import annotations

import json
from functools import partial

import pytest
from msgspec.structs import replace

from studio.errors import LockedError, ModelError, PassingError, RefusedError, StudioError, UsageError
from studio.jobs.events import AttemptFailed, Ended, LaneStarted, Planned
from studio.jobs.runs import lanes
from studio.jobs.runs.control import Control
from studio.llm.chat import Reply, Usage
from studio.llm.embedded import model as embedded
from studio.methods.probe import tasks, weights_by_decile
from studio.methods.probe.verdict import judge
from studio.session import Session
from studio.session.runs.probe_tally import ProbeTally
from studio.session.runs.probing import ProbeBegun, ProbeEnded
from tests.support.chat_server import PASSING, ChatServer, Fault, flaky
from tests.support.fake_chat import FakeChat, taught, use
from tests.support.probes import place
from tests.support.projects import drain, new_project, watch


class Ruler:
    """Counts a token a character, and notes that it was asked."""

    def __init__(self, context):
        self.context = context
        self.counted = 0

    async def count(self, messages):
        self.counted += 1
        return sum(len(content) for _, content in messages)


@pytest.fixture
async def make(tmp_path):
    """A function that makes a project, or opens it again, whose model is a fake."""
    opened = []

    def make(chat=None, name="p", ruler=None, model=None, **probing):
        flags = {"probe": {"keys": 15, "samples": 8} | probing, "model": model or {}}
        folder = tmp_path / name
        if folder.exists():
            session = Session.open(folder, flags=flags, must_write=True)
        else:
            session = new_project(folder, **flags)
        if chat is not None:
            use(session, chat, ruler=ruler)
        opened.append(session)
        return session

    yield make
    for session in opened:
        await session.close()


async def run(session, control=None):
    tally = ProbeTally()
    await watch(session.runs.probe(control or Control()), tally.see)
    return tally


def counts(probe):
    return [(point.index, point.right, point.asked) for point in probe.curve.points]


FORGETFUL = [(0, 8, 8), (3, 8, 8), (7, 0, 8), (10, 8, 8), (14, 8, 8)]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("task", ["kv", "documents"])
async def test_a_model_that_forgets_the_middle_has_a_u_curve(make, task, language):
    session = make(FakeChat(), task=task, documents=15, language=language)
    tally = await run(session)
    found = session.runs.newest_probe()
    assert counts(found) == FORGETFUL
    assert judge(found.curve).shape == "u"
    weights = weights_by_decile(found.curve)
    assert weights[4] > 4 * weights[0]
    assert weights[5] > 4 * weights[9]
    assert (found.model, found.ended, tally.through) == ("fake", True, True)
    assert (tally.questions, tally.all_answered, tally.right, tally.failed) == (40, 40, 32, 0)
    assert tally.curve == found.curve
    assert session.runs.spent.requests == 40 == session.rows.stats()["replies"]


async def test_events_come_in_order_and_are_kept_before_they_are_told(make, tmp_path):
    session, told = make(FakeChat(), samples=2), []
    async for event in session.runs.probe(Control()):
        told.append(event)
        if isinstance(event, Ended):
            reader = Session.open(tmp_path / "p", read_only=True)
            (kept,) = reader.runs.probes()
            assert kept.curve.asked == sum(isinstance(one, Ended) for one in told)
            assert reader.rows.stats()["replies"] >= kept.curve.asked
            await reader.close()
    assert isinstance(told[0], ProbeBegun)
    assert told[0].model == "fake"
    assert told[0].before == []
    assert [event for event in told if isinstance(event, Planned)] == [Planned(10, 0)]
    assert told[-1] == ProbeEnded(session.runs.newest_probe())
    probed = [event for event in told if isinstance(event, Ended)]
    assert {one.task.key for one in probed} == {(s, i) for s in range(2) for i in (0, 3, 7, 10, 14)}
    setup = told[0].setup
    asked = {(one.sample, one.index): one for sample in range(2) for one in tasks.of_sample(setup, sample)}
    for one in probed:
        [reply] = one.replies
        said = Reply.decode(session.project.replies.find(reply)).text
        assert one.result.value == {"right": asked[one.task.key].answer in said}
    assert not any(one.replayed for one in probed)
    started = [event for event in told if isinstance(event, LaneStarted)]
    assert {one.step for one in started} == {"probing"}


async def test_every_question_is_asked_once_with_its_answer_where_it_belongs(make):
    chat = FakeChat()
    session = make(chat, positions=3)
    await run(session)
    places = [place([{"content": content} for _, content in request.messages]) for request in chat.asked]
    assert places == [0, 7, 14] * 8
    assert len({request.key() for request in chat.asked}) == 24
    assert {(request.temperature, request.max_tokens, request.stop) for request in chat.asked} == {(0.0, 100, ())}


async def test_probing_again_asks_nothing_and_finds_the_same(make):
    first = make(FakeChat())
    await run(first)
    found, replies = first.runs.newest_probe(), first.rows.stats()["replies"]
    await first.close()
    chat = FakeChat(lambda request: RefusedError("nobody may ask"))
    again = make(chat)
    tally = await run(again)
    assert chat.asked == []
    assert (tally.replayed, tally.failed, again.runs.spent.requests) == (40, 0, 0)
    assert again.runs.newest_probe() == found
    assert len(again.runs.probes()) == 1
    assert again.rows.stats()["replies"] == replies


@pytest.mark.parametrize("concurrency", [1, 3, 64])
async def test_how_many_at_once_changes_nothing(make, concurrency):
    chat = FakeChat(delay=lambda request: (hash(request.messages) % 7) / 2000)
    session = make(chat, concurrency=concurrency)
    await run(session)
    assert counts(session.runs.newest_probe()) == FORGETFUL


async def test_more_samples_pay_for_the_new_ones_only(make):
    session = make(FakeChat(), samples=3)
    await run(session)
    await session.close()
    chat = FakeChat()
    more = make(chat)
    tally = await run(more)
    assert (len(chat.asked), tally.replayed, tally.all_answered) == (25, 15, 40)
    assert [one.setup.samples for one in more.runs.probes()] == [8, 3]


async def test_a_stopped_probe_is_kept_unfinished_and_goes_on(make):
    chat, control, seen = FakeChat(), Control(), []
    session = make(chat, concurrency=2)
    async for event in session.runs.probe(control):
        seen.append(event)
        if sum(isinstance(one, Ended) for one in seen) == 9:
            control.stop()
    assert not any(isinstance(one, ProbeEnded) for one in seen)
    (stopped,) = session.runs.probes()
    assert not stopped.ended
    assert 9 <= stopped.curve.asked <= 11
    assert session.runs.newest_probe() is None
    asked = len(chat.asked)
    tally = await run(session)
    assert len(chat.asked) == 40
    assert tally.replayed == asked
    assert counts(session.runs.newest_probe("fake")) == FORGETFUL


async def test_the_newest_probe_of_a_model_is_the_one_that_ended_last(make):
    one, other = FakeChat(), FakeChat(name="other")
    for chat, samples in ((one, 1), (other, 1), (one, 2), (one, 1)):
        session = make(chat, samples=samples)
        await run(session)
        await session.close()
    session = make(one)
    assert [(found.model, found.setup.samples) for found in session.runs.probes()] == [
        ("fake", 1),
        ("fake", 2),
        ("other", 1),
    ]
    assert session.runs.newest_probe().setup.samples == 1
    assert session.runs.newest_probe("other").model == "other"
    assert session.runs.newest_probe("nobody") is None


# -- what goes wrong ------------------------------------------------------------------------------


async def test_what_fails_for_good_is_counted_and_asked_again_by_the_next_start(make, no_waiting):
    broken = [True]

    def script(request):
        at = place([{"content": content} for _, content in request.messages])
        return PassingError("the line is down") if broken[0] and at == 3 else taught(request)

    session = make(FakeChat(script))
    tally = await run(session)
    assert (tally.all_answered, tally.failed) == (32, 8)
    assert tally.failures == {"the line is down": 8}
    # A position without any answer: the probe is not over.
    assert session.runs.newest_probe() is None
    broken[0] = False
    again = await run(session)
    assert (again.replayed, again.failed) == (32, 0)
    assert counts(session.runs.newest_probe()) == FORGETFUL


async def test_a_question_that_is_refused_costs_its_place_in_the_curve_and_no_more(make):
    refused = []

    def script(request):
        if len(refused) < 1 and place([{"content": content} for _, content in request.messages]) == 10:
            refused.append(request)
            return RefusedError("the filter")
        return taught(request)

    session = make(FakeChat(script))
    events = await drain(session.runs.probe(Control()))
    assert [event.message for event in events if isinstance(event, AttemptFailed)] == ["the filter"]
    assert counts(session.runs.newest_probe())[3] == (10, 7, 7)


async def test_an_answer_that_a_filter_cut_is_no_wrong_answer(make):
    def script(request):
        cut = place([{"content": content} for _, content in request.messages]) == 0
        return Reply("The", "content_filter", Usage(9, 1), "fake", 0.1) if cut else taught(request)

    session = make(FakeChat(script), samples=2)
    tally = await run(session)
    assert (tally.all_answered, tally.failed) == (8, 2)
    assert counts(session.runs.probes()[0])[:2] == [(0, 0, 0), (3, 2, 2)]


async def test_what_dooms_every_request_ends_it_and_keeps_what_was_answered(make):
    answered = []

    def script(request):
        answered.append(request)
        return ModelError("no credit left") if len(answered) > 12 else taught(request)

    session = make(FakeChat(script), concurrency=1)
    with pytest.raises(ModelError, match="no credit"):
        await run(session)
    (found,) = session.runs.probes()
    assert (found.ended, found.curve.asked) == (False, 12)


async def test_a_budget_ends_it(make):
    session = make(FakeChat())
    session.project.settings = type(session.settings)(
        probe=session.settings.probe, budget=type(session.settings.budget)(requests=7)
    )
    with pytest.raises(StudioError, match="7 requests are made"):
        await run(session)
    assert session.runs.probes()[0].curve.asked == 7


async def test_a_model_that_only_thinks_is_told_to_get_more_room(make):
    thought = Reply("", "length", Usage(10, 100), "fake", 0.1, thinking="hmm")
    session = make(FakeChat(lambda request: thought))
    with pytest.raises(ModelError, match="thought for 100 tokens and said nothing") as caught:
        await run(session)
    assert "--thinking-room" in caught.value.hint
    await session.close()
    chat = FakeChat()
    roomy = make(chat, thinking_room=900)
    await run(roomy)
    assert {request.max_tokens for request in chat.asked} == {1000}


async def test_a_project_opened_for_reading_is_not_probed(make, tmp_path):
    await make(FakeChat()).close()
    session = Session.open(tmp_path / "p", read_only=True)
    use(session, FakeChat())
    with pytest.raises(LockedError):
        await run(session)
    await session.close()


@pytest.mark.parametrize("share", [0.3, 0.8])
async def test_an_endpoint_that_misbehaves_changes_nothing(make, monkeypatch, share):
    monkeypatch.setattr(lanes, "with_retries", partial(lanes.with_retries, base=0.01))
    async with ChatServer(flaky(share, [*PASSING, Fault("hang"), Fault("html")])) as server:
        patience = {"first_token": 0.3, "silence": 0.2, "total": 0.3}
        session = make(model={"base_url": server.url, "model": "teacher-small", **patience}, samples=4)
        tally = await run(session)
        assert tally.failed == 0
        assert counts(session.runs.newest_probe("teacher-small")) == [
            (index, right // 2, 4) for index, right, _ in FORGETFUL
        ]
        assert sum(request.kind == "ok" for request in server.asked) == 20 == session.rows.stats()["replies"]
        # Refusals for the rate are the pool's business and no retries.
        assert 0 < sum(tally.retries.values()) <= len(server.asked) - 20


# -- what fits -------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["kv", "documents"])
async def test_prompts_that_do_not_fit_are_refused_before_anything_is_asked(make, task):
    chat, ruler = FakeChat(), Ruler(2500)
    session = make(chat, ruler=ruler, task=task, keys=40, documents=40)
    with pytest.raises(UsageError) as caught:
        await run(session)
    assert chat.asked == []
    assert session.runs.probes() == []
    assert "Nothing was asked" in caught.value.message
    assert "fake holds 2,500 in all" in caught.value.message
    fitting = int(caught.value.hint.split()[-1])
    await session.close()
    smaller = make(chat, ruler=ruler, **{"task": task, "keys" if task == "kv" else "documents": fitting}, positions=3)
    events = await drain(smaller.runs.probe(Control()))
    taken, most = events[0].room
    assert (most, len(chat.asked)) == (2400, 24)
    assert taken == max(sum(len(content) for _, content in request.messages) for request in chat.asked) <= most
    # It is no needlessly small number either.
    assert taken > 0.75 * most


async def test_a_context_that_holds_next_to_nothing_gets_another_hint(make):
    session = make(FakeChat(), ruler=Ruler(300))
    with pytest.raises(UsageError) as caught:
        await run(session)
    assert caught.value.hint == "Choose a model with a longer context."


async def test_what_was_answered_is_not_measured_again(make):
    ruler = Ruler(10_000)
    session = make(FakeChat(), ruler=ruler)
    await run(session)
    assert ruler.counted == 40
    events = await drain(session.runs.probe(Control()))
    assert ruler.counted == 40
    assert events[0].room is None


async def test_a_context_given_by_the_person_is_held_against_an_estimate(make):
    chat = FakeChat()
    with pytest.raises(UsageError, match="holds 700 in all"):
        await run(make(chat, context=700))
    assert chat.asked == []


async def test_settings_that_make_no_curve_are_refused(make):
    with pytest.raises(UsageError, match="4 keys have no 5 positions"):
        await run(make(FakeChat(), keys=4))
    with pytest.raises(UsageError, match="at least 3 keys"):
        await run(make(FakeChat(), name="q", keys=2))


async def test_the_number_of_pairs_is_the_papers_unless_the_model_is_small(make):
    standard, small = FakeChat(), FakeChat()
    await run(make(standard, keys=0, samples=1))
    await run(make(small, name="q", keys=0, samples=1, model={"profile": "small"}))
    sizes = [request.messages[-1][1].count('": "') for request in (standard.asked[0], small.asked[0])]
    assert sizes == [75, 25]
    assert small.asked[0].stop == ("\n\n",)


async def test_own_prompts_are_asked_and_make_another_probe(make, tmp_path):
    session = make(FakeChat(), samples=1)
    await run(session)
    await session.close()
    (tmp_path / "mine").mkdir()
    prompt = {"system": "", "examples": [], "prompt": 'Mine: {context} Key: "{asked}"'}
    (tmp_path / "mine" / "probe.en.toml").write_text(
        "[standard.kv]\n" + "\n".join(f"{name} = {json.dumps(value)}" for name, value in prompt.items())
    )
    chat = FakeChat()
    session = make(chat, samples=1, prompts=str(tmp_path / "mine"))
    await run(session)
    assert chat.asked[0].messages[0][1].startswith("Mine: {")
    assert len(session.runs.probes()) == 2


async def test_an_estimate_asks_nothing_and_leaves_out_what_is_answered(make):
    chat = FakeChat()
    session = make(chat, samples=2)
    await run(session)
    await session.close()
    session = make(chat)
    found = await session.runs.estimate_probe()
    assert (found.estimate.attempts, found.estimate.requests, len(chat.asked)) == (30, 30, 10)
    assert found.setup.indices == (0, 3, 7, 10, 14)
    assert found.estimate.prompt_tokens > 30 * 15 * 40


@pytest.mark.slow
async def test_the_embedded_model_is_probed_and_its_context_is_kept_exactly(make):
    if reason := embedded.available():
        pytest.skip(reason)
    session = make(keys=5, positions=3, samples=1)
    events = await drain(session.runs.probe(Control()))
    probed = [event for event in events if isinstance(event, Ended)]
    assert events[0].room == (max(event.tokens[0] for event in probed), 2048 - 100)
    assert all(Reply.decode(session.project.replies.find(key)).text for event in probed for key in event.replies)
    assert [len(event.replies) for event in probed] == [1, 1, 1]
    found = session.runs.newest_probe(embedded.MODEL_ID)
    assert (found.curve.asked, found.ended) == (3, True)
    assert events[-1] == ProbeEnded(found)
    await session.close()
    again = make(keys=75)
    with pytest.raises(UsageError, match=r"75 keys take .* holds 2,048 in all") as caught:
        await run(again)
    fitting = int(caught.value.hint.split()[-1])
    await again.close()
    assert (await make(keys=fitting).runs.estimate_probe()).room[0] > 1700


async def test_a_probe_keeps_the_setup_and_the_model_it_began_with(tmp_path):
    """A curve is of one model and one setup, whatever is changed while it runs."""
    session = new_project(tmp_path / "steady", probe={"keys": 8, "positions": 3, "samples": 4, "concurrency": 1})
    use(session, FakeChat())
    answered = 0
    async for event in session.runs.probe(Control()):
        answered += isinstance(event, Ended)
        if answered == 3:
            probe = replace(session.settings.probe, keys=12, samples=5)
            session.runs.change_settings(replace(session.settings, probe=probe))
            use(session, FakeChat(name="other"))
    assert answered == 12
    (kept,) = session.runs.probes()
    assert (kept.model, kept.setup.size, kept.curve.asked, kept.ended) == ("fake", 8, 12, True)
    assert sum(isinstance(event, Ended) for event in await drain(session.runs.probe(Control()))) == 15
    assert [(one.model, one.setup.size) for one in session.runs.probes()] == [("other", 12), ("fake", 8)]
    await session.close()
