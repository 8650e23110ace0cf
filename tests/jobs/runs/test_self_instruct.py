"""A run of Self-Instruct with a fake teacher: what it asks, what becomes of each answer, what it does not rest on."""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace

from studio.errors import BudgetError, LockedError, ModelError, StudioError, UsageError
from studio.jobs.events import Ended, GaveUp, LaneStarted, LaneText, Paused, Planned, RunBegun
from studio.jobs.runs.control import Control
from studio.jobs.runs.tally import RunTally
from studio.llm.chat import Reply, Usage
from studio.methods import registry
from studio.methods.self_instruct import progress
from studio.methods.self_instruct.instructions import check_instruction
from studio.methods.self_instruct.lineage import BOOTSTRAP, UNANSWERED
from studio.session import Session
from studio.settings import BudgetSettings
from studio.store.filters import Filter
from studio.text.rouge import rouge_l
from studio.text.tokens import tokenize
from tests.support.fake_chat import FakeChat, taught, use
from tests.support.projects import bring_in, drain, kept, new_project, recount, watch
from tests.support.tasks import fresh
from tests.support.teacher import digits

EN = [{"instruction": fresh(False, digits(f"seed {n}")), "output": "Done."} for n in range(20)]
ZH = [{"instruction": fresh(True, digits(f"seed {n}")), "output": "完成。"} for n in range(20)]


@pytest.fixture
async def make(tmp_path):
    """A function that makes a project with seed tasks, whose model is a fake."""
    opened = []

    async def make(name="p", chat=None, seeds=EN, **chosen):
        session = new_project(tmp_path / name, self_instruct={"target": 25, "concurrency": 3} | chosen)
        await bring_in(session, tmp_path / f"{name}.jsonl", seeds, seed=True)
        use(session, chat or FakeChat())
        opened.append(session)
        return session

    yield make
    for session in opened:
        await session.close()


def made(session):
    return list(session.rows.each(Filter(generated=True)))


def results(session):
    """Every row by request and place; ids, and so the evidence that names them, depend on who answered first."""
    return {(row.round, row.variant): (row.row, row.status, row.rule, row.operation) for row in made(session)}


def shows(session):
    """What every request of the project's run showed, as the rows' places."""
    places = {row.id: (row.round, row.variant) for row in made(session)}
    return {
        row.round: [(places.get(task["row"], task["row"]), task["instruction"]) for task in session.runs.shown(row)]
        for row in made(session)
    }


def is_list(event):
    """Whether a reply to a request for instructions was read."""
    return isinstance(event, Ended) and event.task.key[0] == "list"


def choose(session, **chosen):
    settings = session.settings
    session.project.settings = replace(settings, self_instruct=replace(settings.self_instruct, **chosen))


def waiting(session):
    """Instructions whose instances are still to come, those among them that the person has brought back."""
    return [row for row in made(session) if row.operation == BOOTSTRAP and row.rule in (None, UNANSWERED)]


async def run(session, control=None):
    tally, before = RunTally(registry.get("self-instruct")), len(waiting(session))
    await watch(session.runs.run("self-instruct", control or Control()), tally.see)
    counts, without = tally.counts, tally.by_rule("without-instance").total()
    assert counts["instructions"] == tally.by_rule("eliminated").total() + counts["new"]
    left = before + counts["new"] - counts["standing"] - without - counts["overtaken"]
    assert left == len(waiting(session)) == sum(row.rule == UNANSWERED for row in made(session))
    assert session.rows.stats()["generated"]["pending"] >= counts["standing"]
    assert tally.accepted == counts["instances"] >= counts["standing"]
    assert kept(session) == recount(session)
    return tally


def lists(*replies):
    """A script that says these when asked for instructions, then nothing new, and one instance of each."""
    left = list(replies)

    def script(request):
        last = request.messages[-1][1]
        if re.search(r"\n\d+\.\Z", last):
            return left.pop(0) if left else "Write a poem."
        if "classification task" in last:
            return "No"
        return "Output: It is done."

    return script


# -- the golden flow -------------------------------------------------------------------------------


async def test_from_seed_tasks_to_rows(make):
    chat = FakeChat(
        lists("name four tools of a ropemaker.\n10. Draw a rope.\n11. Sort the ropes by their age and strength.")
    )
    session = await make(chat=chat, target=2, concurrency=1)
    events = await drain(session.runs.run("self-instruct", Control()))
    says = ("language en; the task pool: 20 seed tasks, 0 machine-made",)
    assert events[:2] == [RunBegun("self-instruct", 1, "fake", says), Planned(2, 0)]
    assert [event.step for event in events if isinstance(event, LaneStarted)] == [
        "listing", *["classifying", "answering"] * 2
    ]  # fmt: skip
    first, drawn, sorted_ = made(session)
    assert (first.row.instruction, first.row.input, first.row.output) == (
        "Name four tools of a ropemaker.", "", "It is done.",
    )  # fmt: skip
    assert [row.status for row in (first, drawn, sorted_)] == ["pending", "rejected", "pending"]
    assert (drawn.rule, drawn.evidence, drawn.operation) == (
        "too-short", "3 words, at least 4", "self-instruct/bootstrap",
    )  # fmt: skip
    assert (first.operation, first.round, first.variant, first.parent) == ("self-instruct/input-first", 1, 0, None)
    assert len(session.rows.exchanges(first)) == 3
    assert len(session.rows.exchanges(drawn)) == 1
    assert session.rows.origin(first) == "self-instruct/input-first, request 1, by fake"
    shown = session.runs.shown(first)
    assert shown == session.runs.shown(drawn)
    assert len(shown) == 8
    assert {task["row"] for task in shown} <= set(range(1, 21))
    for number, task in enumerate(shown, start=1):
        assert f"\n{number}. {task['instruction']}" in chat.asked[0].messages[-1][1]


async def test_the_requests_have_the_papers_parameters(make):
    chat = FakeChat()
    session = await make(chat=chat, target=8)
    await run(session)
    listing, *others = sorted(chat.asked, key=lambda request: -request.temperature)
    assert (listing.temperature, listing.top_p, listing.max_tokens, listing.presence_penalty) == (0.7, 0.5, 1024, 2.0)
    assert listing.stop == ("\n16.",)
    assert listing.frequency_penalty is None
    classifying = [request for request in others if request.max_tokens == 3]
    answering = [request for request in others if request.max_tokens in (300, 350)]
    assert classifying
    assert {(one.temperature, one.presence_penalty) for one in classifying} == {(0.0, None)}
    assert {(one.temperature, one.presence_penalty) for one in answering} == {(0.0, 1.5)}


async def test_the_persons_parameters_stand_over_them(make):
    chat = FakeChat()
    session = await make(
        chat=chat, target=3, temperature=0.2, top_p=1.0, max_tokens=77, presence_penalty=0.0, thinking_room=1000
    )
    await run(session)
    first = chat.asked[0]
    assert (first.temperature, first.top_p, first.max_tokens, first.presence_penalty) == (0.2, 1.0, 1077, None)
    assert {request.max_tokens for request in chat.asked} <= {1077, 1003, 1300, 1350}


async def test_a_classification_task_is_answered_output_first(make):
    def script(request):
        text = lists("tell whether the rope is old or new.\n10. Describe the oldest rope of the harbour.")(request)
        last = request.messages[-1][1]
        if "classification task" in last:
            return "Yes" if "whether" in last else "No"
        if "Class label" in request.messages[0][1]:
            return "Class label: old\nInput: It is grey.\nClass label: new\nInput: It is white."
        return text

    session = await make(chat=FakeChat(script), target=2, limit=1)
    tally = await run(session)
    old, described, new = made(session)
    assert [(row.row.input, row.row.output) for row in (old, new)] == [("It is grey.", "old"), ("It is white.", "new")]
    assert {row.operation for row in (old, new)} == {"self-instruct/output-first"}
    assert (new.parent, new.variant, new.row.instruction) == (old.id, 1, old.row.instruction)
    assert described.operation == "self-instruct/input-first"
    assert [tally.counts[name] for name in ("standing", "instances", "classification")] == [2, 3, 1]


async def test_two_machine_made_tasks_are_shown_from_the_second_batch_on(make):
    session = await make(target=60)
    await run(session)
    for request, shown in shows(session).items():
        machine = [place for place, _ in shown if isinstance(place, tuple)]
        assert len(machine) == (0 if request <= 5 else 2)
        # What one batch brought is shown to the next, and to no request of its own.
        assert all((place[0] - 1) // 5 < (request - 1) // 5 for place in machine)


async def test_text_streams_only_when_somebody_looks(make):
    session = await make(target=3)
    assert any(
        isinstance(event, LaneText) for event in await drain(session.runs.run("self-instruct", Control(streaming=True)))
    )
    choose(session, target=6)
    assert not any(isinstance(event, LaneText) for event in await drain(session.runs.run("self-instruct", Control())))


# -- the order of things ---------------------------------------------------------------------------


@pytest.mark.parametrize("variant", ["paper", "alpaca"])
@pytest.mark.parametrize("concurrency", [1, 2, 7, 64])
async def test_neither_lanes_nor_who_answers_first_change_what_is_made(make, concurrency, variant):
    luck = random.Random(concurrency)
    late = FakeChat(delay=lambda _: luck.random() / 200)
    one = await make("one", concurrency=1, target=40, variant=variant)
    other = await make("other", late, concurrency=concurrency, target=40, variant=variant)
    await run(one)
    await run(other)
    assert results(one) == results(other)
    assert shows(one) == shows(other)


async def test_another_seed_shows_other_tasks(make):
    one, other = await make("one", seed=1), await make("other", seed=2)
    await run(one)
    await run(other)
    assert shows(one)[1] != shows(other)[1]


@pytest.mark.parametrize("seeds", [EN, ZH])
async def test_what_is_new_is_decided_as_by_comparing_with_everything(make, seeds):
    session = await make(target=120, concurrency=16, seeds=seeds)
    tally = await run(session)
    assert tally.by_rule("eliminated")["near-duplicate"] >= 5
    filters = {row.rule for row in made(session)} - {"near-duplicate", None, UNANSWERED}
    assert {"blacklisted", "too-short", "asks-for-a-program", "starts-with-punctuation"} <= filters
    pool = [tokenize(one["instruction"]) for one in seeds]
    for row in sorted(made(session), key=lambda row: (row.round, row.variant)):
        if row.parent is not None or check_instruction(row.row.instruction) is not None:
            continue
        words = tokenize(row.row.instruction)
        best = max(rouge_l(words, other) for other in pool)
        repeats = row.rule == "near-duplicate"
        assert repeats == (best > 0.7)
        if repeats:
            assert f"ROUGE-L {best:.3f} with #" in row.evidence
            assert "mean 0." in row.evidence
            assert 1 <= row.evidence.count("#") - 1 <= 10
        else:
            pool.append(words)


async def test_a_batch_waits_for_the_one_before_it_and_lanes_answer_meanwhile(make):
    chat = FakeChat(delay=0.001)
    session = await make(chat=chat, target=80, concurrency=4)
    listing, in_flight, most = 0, Counter(), 0
    async for event in session.runs.run("self-instruct", Control()):
        if isinstance(event, LaneStarted):
            in_flight[event.lane] = event.step
            listing += event.step == "listing"
            most = max(most, len(in_flight))
            if event.step == "listing" and event.round % 5 == 1 and event.round > 1:
                assert not [other for other in in_flight.values() if other == "listing"][1:]
        elif isinstance(event, Ended):
            in_flight.pop(event.lane, None)
    assert most == 4
    assert listing > 10


async def test_the_worked_examples_of_the_prompt_are_nothing_new(make):
    chat = FakeChat(lists("What is a glacier?\n10. Tell a joke about ropes and their makers."))
    chat.model = "smollm2-135m-instruct-q4_1"
    session = await make(chat=chat, target=1)
    await run(session)
    first, second = made(session)
    assert (first.rule, second.rule) == ("near-duplicate", None)
    assert "an example of the prompt, 'What is a glacier?'" in first.evidence


# -- how far ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [1, 7, 30])
async def test_the_target_is_reached_exactly_and_a_higher_one_goes_on(make, target):
    session, whole = await make(target=target, concurrency=8), await make("whole", target=45)
    tally = await run(session)
    assert (tally.attempts, tally.ended, tally.counts["standing"]) == (target, target, target)
    again = await run(session)
    assert (again.done_before, again.counts["replies"], again.answered) == (target, 0, 0)
    choose(session, target=45)
    more = await run(session)
    assert (more.done_before, more.counts["standing"]) == (target, 45 - target)
    await run(whole)
    assert results(session) == results(whole)
    assert shows(session) == shows(whole)


async def test_new_instructions_that_the_target_leaves_over_are_rejected_as_unanswered(make):
    session = await make(target=3)
    counts = (await run(session)).counts
    left = [row for row in made(session) if row.rule == UNANSWERED]
    without = sum(n for name, n in counts.items() if name.startswith("without-instance:"))
    assert counts["new"] - counts["standing"] - without == len(left) > 0
    assert {(row.status, row.row.output) for row in left} == {("rejected", "")}


async def test_the_limit_is_of_requests_for_instructions(make):
    session = await make(limit=3, target=1000)
    tally = await run(session)
    assert tally.counts["replies"] == 3
    assert max(row.round for row in made(session)) == 3
    choose(session, limit=4)
    assert (await run(session)).counts["replies"] == 1


async def test_a_budget_ends_it_and_the_next_start_goes_on(make):
    session, whole = await make(target=20), await make("whole", target=20)
    await run(whole)
    session.project.settings = replace(session.settings, budget=BudgetSettings(requests=9))
    starts = 0
    while True:
        starts += 1
        try:
            await run(session)
            break
        except BudgetError:
            continue
    assert starts > 3
    assert results(session) == results(whole)


async def test_a_model_that_only_repeats_itself_is_given_up(make, monkeypatch):
    monkeypatch.setattr(progress, "BARREN", 7)
    chat = FakeChat(lambda _: "Write a poem.\n10. Write a song.")
    session = await make(chat=chat, target=10)
    *_, last = await drain(session.runs.run("self-instruct", Control()))
    assert isinstance(last, GaveUp)
    assert last.reason.startswith("The last 10 replies brought nothing new, so the run has given up.")
    assert len(chat.asked) == 10
    # A start tries once more: there may be other seed tasks.
    again = await run(session)
    assert again.counts["replies"] == 5
    assert again.gave_up.startswith("The last 11 replies brought nothing new")


async def test_stopping_ends_what_is_in_flight_and_nothing_new(make):
    session, whole = await make(chat=FakeChat(delay=0.002), target=40), await make("whole", target=40)
    control = Control()
    tally = RunTally(registry.get("self-instruct"))
    async for event in session.runs.run("self-instruct", control):
        tally.see(event)
        if isinstance(event, Ended) and event.task.key[0] == "answer":
            control.stop()
    assert 1 <= tally.counts["standing"] <= 4
    assert session.rows.stats()["replies"] == len(session.endpoints.models.chats[0].answered)
    await run(session)
    await run(whole)
    assert results(session) == results(whole)


@pytest.mark.parametrize("variant", ["paper", "alpaca"])
async def test_a_run_cut_off_at_any_answer_goes_on_as_if_it_had_not_been(make, variant):
    whole = await make("whole", target=30, variant=variant)
    await run(whole)
    session = await make(target=30, variant=variant)
    asked = Counter()
    for pause in (0.004, 0.02, 0.04, 0.05, 0.09):
        chat = FakeChat(delay=0.002)
        use(session, chat)
        task = asyncio.create_task(drain(session.runs.run("self-instruct", Control())))
        await asyncio.sleep(pause)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        asked.update(request.key() for request in chat.answered)
    chat = FakeChat()
    use(session, chat)
    await run(session)
    asked.update(request.key() for request in chat.answered)
    assert set(asked.values()) == {1}
    assert results(session) == results(whole)
    assert shows(session) == shows(whole)


# -- the person meanwhile --------------------------------------------------------------------------


async def test_what_the_person_rejects_leaves_the_pool_and_what_they_restore_returns(make):
    same = "describe the rope that the old ferry is tied with."
    other = "Compare seven knots by how quickly they come undone."
    chat = FakeChat(lists(f"{same}\n10. {other}", *["Write a poem."] * 4, same, same))
    session = await make(chat=chat, target=9, limit=7, concurrency=1, batch=5)
    async for event in session.runs.run("self-instruct", Control()):
        if isinstance(event, Ended) and event.task.key[:2] == ("answer", 1) and event.task.data.startswith("Describe"):
            session.rows.reject(event.task.row)
    first, *_ = made(session)
    again = [row for row in made(session) if row.row.instruction == first.row.instruction]
    assert [row.rule for row in again] == ["by-hand", None, "near-duplicate"]
    assert f"with #{again[1].id}" in again[2].evidence


async def test_what_the_person_brings_back_is_answered_by_the_next_start(make):
    chat = FakeChat(lists("describe the rope of the ferry.\n10. Draw the ferry and its rope, please."))
    session = await make(chat=chat, target=2, limit=1)
    await run(session)
    first, drawn = made(session)
    assert (first.status, drawn.rule) == ("pending", "blacklisted")
    session.rows.restore([drawn.id])
    tally = await run(session)
    assert (tally.done_before, tally.counts["standing"]) == (1, 1)
    answered = session.rows.get(drawn.id)
    assert (answered.status, answered.row.output) == ("pending", "It is done.")
    assert answered.operation == "self-instruct/input-first"


async def test_what_was_rejected_while_it_waits_is_not_asked_for(make):
    chat = FakeChat(lists("describe the rope of the ferry.\n10. Compare seven knots by how quickly they come undone."))
    session = await make(chat=chat, target=2, limit=1, concurrency=1)
    async for event in session.runs.run("self-instruct", Control()):
        if is_list(event):
            session.rows.reject(event.row_ids[1])
    assert [row.rule for row in made(session)] == [None, "by-hand"]


async def test_seeds_added_meanwhile_are_shown_from_the_next_batch_on(make):
    from studio.alpaca.rows import Sft

    session = await make(seeds=EN[:1], target=50)
    added = []
    async for event in session.runs.run("self-instruct", Control()):
        if is_list(event) and not added:
            added += [session.rows.add(Sft(one["instruction"], "", "Done."), seed=True) for one in EN[1:6]]
    shown = {request: [place for place, _ in tasks] for request, tasks in shows(session).items()}
    assert shown[5] == [1]
    assert set(added) <= set(shown[6])


async def test_a_run_goes_on_with_other_settings_but_not_with_another_threshold(make):
    chat = FakeChat()
    session = await make(chat=chat, concurrency=1, target=60)
    changed = replace(session.settings, self_instruct=replace(session.settings.self_instruct, temperature=0.3))
    seen = 0
    async for event in session.runs.run("self-instruct", Control()):
        seen += is_list(event)
        if is_list(event) and seen == 2:
            session.runs.change_settings(changed)
            with pytest.raises(UsageError, match="keeps its variant and threshold"):
                session.runs.change_settings(
                    replace(changed, self_instruct=replace(changed.self_instruct, threshold=0.5))
                )
    assert {request.temperature for request in chat.asked} == {0.7, 0.3, 0.0}
    assert len({row.run for row in made(session)}) == 1


# -- what goes wrong -------------------------------------------------------------------------------


async def test_a_list_cut_by_its_limit_brings_nothing_and_says_so(make):
    def script(request):
        return Reply(taught(request), "length", Usage(5, 1024), "fake", 0.0)

    session = await make(chat=FakeChat(script), limit=2)
    (first, second) = [
        event.result for event in await drain(session.runs.run("self-instruct", Control())) if is_list(event)
    ]
    # Only what goes beyond the 15th task is cut: the list was whole.
    assert (first.rule, second.rule) == ("cut-short", "cut-short")
    assert made(session) == []


async def test_an_instruction_without_an_instance_is_rejected_and_keeps_its_place_in_the_pool(make):
    text = "describe the rope of the ferry."
    script = lists(text, text)

    def nothing(request):
        said = script(request)
        return "I do not know." if said.startswith("Output") else said

    session = await make(chat=FakeChat(nothing), limit=2, concurrency=1, batch=1)
    tally = await run(session)
    first, second = made(session)
    assert (first.status, first.rule, first.row.output) == ("rejected", "no-output", "") or first.rule == "unreadable"
    assert (second.rule, second.operation) == ("near-duplicate", "self-instruct/bootstrap")
    assert tally.by_rule("without-instance").total() == 1


@pytest.mark.parametrize("variant", ["paper", "alpaca"])
async def test_the_request_that_all_others_wait_for_may_be_taken_back(make, variant):
    """It fails last, when more replies wait for it than are held."""
    failed = []

    def script(request):
        if request.sample % 1_000_000 == 1 and not failed:
            failed.append(request)
            return ModelError("no credit left")
        return taught(request)

    chat = FakeChat(script, delay=lambda request: 0.05 if request.sample % 1_000_000 == 1 and not failed else 0.0)
    chosen = {"target": 120, "variant": variant, "batch": 15, "concurrency": 2}
    session, whole = await make(chat=chat, **chosen), await make("whole", **chosen)
    control, tally = Control(attended=True), RunTally(registry.get("self-instruct"))
    async for event in session.runs.run("self-instruct", control):
        tally.see(event)
        if isinstance(event, Paused):
            control.resume()
    assert failed
    await run(whole)
    assert results(session) == results(whole)


async def test_a_model_that_thinks_beyond_its_room_is_one_clear_error(make):
    session = await make(chat=FakeChat(lambda _: Reply("", "length", Usage(9, 1024), "fake", 0.1, thinking="Hm")))
    with pytest.raises(ModelError, match="thinking_room"):
        await run(session)


async def test_thoughts_are_kept_beside_the_row_when_the_settings_say_so(make):
    def script(request):
        return Reply(taught(request), "stop", Usage(), "fake", 0.0, thinking="Hm.")

    session = await make(chat=FakeChat(script), target=1)
    session.project.settings = replace(session.settings, model=replace(session.settings.model, thinking="keep"))
    await run(session)
    assert next(row for row in made(session) if row.status == "pending").extras == b'{"thinking":"Hm."}'


@pytest.mark.parametrize(("seeds", "chosen"), [([], {}), (EN, {"language": "zh"})])
async def test_without_seeds_there_is_nothing_to_begin_with(make, seeds, chosen):
    session = await make(seeds=seeds, **chosen)
    with pytest.raises(StudioError, match="task pool is empty"):
        await run(session)


async def test_a_reader_makes_nothing(make, tmp_path):
    await make()
    viewer = Session.open(tmp_path / "p")
    with pytest.raises(LockedError):
        await drain(viewer.runs.run("self-instruct", Control()))
    await viewer.close()


# -- languages, lists of one's own, the Alpaca variant ---------------------------------------------


@pytest.mark.parametrize(("language", "spoken"), [("auto", "zh"), ("en", "en"), ("zh", "zh")])
async def test_a_run_has_one_language_that_of_most_seeds_unless_told(make, language, spoken):
    chat = FakeChat()
    session = await make(chat=chat, seeds=EN[:9] + ZH[:10], language=language, target=12)
    (begun, *_) = await drain(session.runs.run("self-instruct", Control()))
    other = {"zh": "en", "en": "zh"}[spoken]
    seeds = {"en": 9, "zh": 10}
    assert begun.says == (
        f"language {spoken}; the task pool: {seeds[spoken]} seed tasks, 0 machine-made",
        f"{seeds[other]} seed tasks in {other} are left out: --language {other} makes tasks like those",
    )
    han = [bool(re.search(r"[\u4e00-\u9fff]", row.row.instruction)) for row in made(session)]
    assert set(han) == {spoken == "zh"}


async def test_words_of_ones_own_on_the_blacklist_and_off_it(make):
    reply = "sort the ropes by how much they weigh.\n10. Read the map of the harbour to me.\n11. Draw a long rope."
    session = await make(chat=FakeChat(lists(reply)), limit=1, blacklist=["weigh"], allowed=["MAP"])
    await run(session)
    assert [(row.rule, row.evidence) for row in made(session)] == [
        ("blacklisted", "contains 'weigh'"), (None, None), ("blacklisted", "contains 'draw'")
    ]  # fmt: skip


async def test_the_alpaca_variant_makes_whole_tasks_in_one_request(make):
    chat = FakeChat()
    session = await make(chat=chat, variant="alpaca", target=30)
    tally = await run(session)
    assert 30 <= tally.counts["standing"] < 30 + 17
    assert {request.max_tokens for request in chat.asked} == {3072}
    assert len(chat.asked) <= 5
    assert {row.operation for row in made(session)} == {"self-instruct/alpaca"}
    assert tally.by_rule("eliminated")["no-output"] > 0
    for shown in shows(session).values():
        assert len(shown) == 3
        assert all(isinstance(place, int) for place, _ in shown)


class Forgetful(FakeChat):
    """A fake that remembers nothing."""

    async def reply(self, request, on_text=None):
        answer = await super().reply(request, on_text)
        self.asked.clear()
        self.answered.clear()
        return answer


def resident():
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.slow
async def test_memory_does_not_grow_with_what_was_read(make):
    """Ten thousand candidates: beyond the pool itself nothing stays."""
    session = await make(chat=Forgetful(), target=6500, concurrency=32)
    tally = RunTally(registry.get("self-instruct"))
    sizes = {}
    async for event in session.runs.run("self-instruct", Control()):
        tally.see(event)
        if is_list(event) and event.task.key[1] % 100 == 0:
            sizes[tally.counts["new"]] = resident()
    assert tally.counts["instructions"] >= 9000
    # The pool takes some 700 bytes a task; the first thousands fill what is allocated once.
    (few, least), *_, (many, most) = sorted(sizes.items())[len(sizes) // 3 :]
    assert (most - least) / (many - few) < 2000
