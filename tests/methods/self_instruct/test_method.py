"""Self-Instruct as a method: what it rests on and what it does not, how far it goes, what the person does meanwhile."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

import pytest

from studio.alpaca.rows import Sft
from studio.errors import BudgetError, ModelError, PassingError, RefusedError, StudioError
from studio.jobs.events import Ended
from studio.jobs.runs.tally import RunTally
from studio.llm.chat import Reply, Usage
from studio.methods.asking import Task
from studio.methods.self_instruct import progress
from studio.methods.self_instruct.lineage import DECIDED, UNANSWERED
from studio.methods.self_instruct.method import SelfInstruct
from studio.settings import SelfInstructSettings
from tests.support.fake_chat import taught
from tests.support.method_engine import RUN, Killed, Project, Start
from tests.support.tasks import fresh
from tests.support.teacher import digits

SEEDS = {language: [fresh(language == "zh", digits(f"seed {n}")) for n in range(20)] for language in ("en", "zh")}
SETTINGS = SelfInstructSettings(target=40)
CASES = [
    pytest.param(language, variant, id=f"{language}-{variant}")
    for language in ("en", "zh")
    for variant in ("paper", "alpaca")
]


def new_project(language="en"):
    project = Project([])
    for text in SEEDS[language]:
        project.add(Sft(text, "", "Done."), status="accepted", seed=True, generated=False)
    return project


def start(project, chat=taught, *, lanes=1, luck=None, method=None, **chosen):
    told = {name: chosen.pop(name) for name in set(chosen) & set(SelfInstructSettings.__struct_fields__)}
    settings = SelfInstructSettings(**({"target": 40} | told))
    return Start(method or SelfInstruct(), project, chat, settings, lanes=lanes, luck=luck, **chosen)


def rows(project):
    """Every row by request and place, its evidence with places for ids; ids depend on who answered first."""
    places = {one.id: f"{one.round}/{one.variant}" for one in project.made()}

    def told(evidence):
        return re.sub(r"#(\d+)", lambda found: "#" + places.get(int(found[1]), found[1]), evidence or "")

    return {
        (one.round, one.variant): (
            one.row, one.status, one.rule, Counter(told(one.evidence).split()), one.operation, places.get(one.parent)
        )
        for one in project.made()
    }  # fmt: skip


def shows(project):
    """What every request that was read has shown, as the rows' places."""
    places = {one.id: (one.round, one.variant) for one in project.made()}
    return {
        key: [(places.get(one["row"], one["row"]), one["instruction"]) for one in brief]
        for key, brief in project.briefs.items()
        if key[0] == "list" and key in project.values
    }


def by_rule(start, name):
    return {key.partition(":")[2]: n for key, n in start.counts.items() if key.startswith(f"{name}:")}


def whole(language, variant, **chosen):
    project = new_project(language)
    start(project, variant=variant, **chosen).run()
    return project


def lists(*replies):
    """A script that says these when asked for instructions, then nothing new, and one instance of each."""
    left = list(replies)

    def script(request):
        last = request.messages[-1][1]
        if re.search(r"\n\d+\.\Z", last):
            return left.pop(0) if left else "Write a poem."
        return "No" if "classification task" in last else "Output: It is done."

    return script


# -- the order of things ---------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "variant"), CASES)
def test_neither_lanes_nor_who_answers_first_change_what_is_made(language, variant):
    one = whole(language, variant)
    for lanes in (2, 8, 64):
        other = new_project(language)
        start(other, variant=variant, lanes=lanes, luck=Random(lanes)).run()
        assert rows(other) == rows(one)
        assert shows(other) == shows(one)
        assert {key: value for key, value in other.values.items() if key[0] == "list"} == {
            key: value for key, value in one.values.items() if key[0] == "list"
        }
        assert max(Counter(request.key() for request in other.asked).values()) == 1


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("language", "variant"), CASES)
def test_a_run_that_is_killed_anywhere_goes_on_as_if_it_had_not_been(language, variant, seed):
    luck, project, killed = Random(seed), new_project(language), 0
    target, most = (40, 40) if variant == "paper" else (200, 8)
    while True:
        chosen = {"lanes": luck.choice((1, 3, 16)), "kill_at": luck.randrange(1, most)}
        try:
            start(project, variant=variant, target=target, luck=luck, **chosen).run()
            break
        except Killed:
            killed += 1
    assert killed >= 2
    assert max(Counter(request.key() for request in project.asked).values()) == 1
    undisturbed = whole(language, variant, target=target)
    assert rows(project) == rows(undisturbed)
    assert shows(project) == shows(undisturbed)


def test_a_start_after_the_last_one_asks_nothing():
    project = whole("en", "paper")
    asked = len(project.asked)
    again = start(project).run()
    assert len(project.asked) == asked
    assert again.method.total(again, None) == (40, 40)
    assert again.events == []


@pytest.mark.parametrize("kind", [PassingError, RefusedError])
@pytest.mark.parametrize("lanes", [1, 3, 16])
@pytest.mark.parametrize(("language", "variant"), CASES)
def test_what_failed_is_left_for_the_next_start_at_any_number_of_lanes(language, variant, lanes, kind):
    """A request fails whatever the lanes: also after the start that mends it, the rows are the same."""

    def failing(request):
        return kind("no") if next(digits(request.key())) % 5 == 0 else taught(request)

    project, one = new_project(language), new_project(language)
    for broken in (failing, taught):
        for each, many in ((project, lanes), (one, 1)):
            start(each, broken, variant=variant, lanes=many, luck=Random(lanes)).run()
        assert rows(project) == rows(one)
    assert max(Counter(request.key() for request in project.asked).values()) <= 2


def test_failures_do_not_keep_a_run_from_its_target():
    def failing(request):
        return PassingError("no") if next(digits(request.key())) % 3 == 0 else taught(request)

    ended = start(new_project(), failing, lanes=8, luck=Random(1)).run()
    assert ended.counts["standing"] == 40
    assert {what for what, _, _ in ended.events} == {"kept", "failed"}


@pytest.mark.parametrize("every", [2, 5, 11])
@pytest.mark.parametrize("lanes", [1, 2, 8, 64])
@pytest.mark.parametrize(("language", "variant"), CASES)
def test_what_is_taken_back_in_a_pause_is_asked_again_and_changes_nothing(language, variant, lanes, every):
    credit = [every]

    def script(request):
        credit[0] -= 1
        return ModelError("no credit") if credit[0] < 0 else taught(request)

    def resumed():
        credit[0] = every

    project = new_project(language)
    chosen = {"lanes": lanes, "luck": Random(every), "attended": True, "resumed": resumed}
    start(project, script, variant=variant, **chosen).run()
    assert credit != [every]
    assert rows(project) == rows(whole(language, variant))
    assert {request.key() for request in project.asked} == set(project.ledger)


def all_new(request):
    """Seven new instructions to each request for some, and one instance of each."""
    if request.max_tokens != 1024:
        return "No" if request.max_tokens == 3 else "Output: It is done."
    drawn = digits(request.key())
    return "\n".join(f"{number}. {fresh(False, drawn)}" for number in range(9, 16))


@pytest.mark.parametrize("target", [18, 20])
def test_what_is_taken_back_may_yet_stand_so_no_further_reply_is_read(target):
    """A reply that was asked ahead is held beyond the target, and stays so in a pause."""
    credit, held = [30], []

    def script(request):
        credit[0] -= 1
        return ModelError("no credit") if credit[0] < 0 else all_new(request)

    def resumed():
        credit[0] = 30
        held.append(len(run.held))

    project, one = new_project(), new_project()
    run = start(project, script, target=target, lanes=32, luck=Random(target), attended=True, resumed=resumed)
    run.run()
    start(one, all_new, target=target).run()
    assert max(held) > 0
    assert rows(project) == rows(one)


@pytest.mark.parametrize("variant", ["paper", "alpaca"])
def test_a_cap_ends_it_and_the_next_start_goes_on(variant):
    project, starts = new_project(), 0
    while True:
        left = [9]

        def capped(request, left=left):
            left[0] -= 1
            return BudgetError("enough") if left[0] < 0 else taught(request)

        starts += 1
        try:
            start(project, capped, variant=variant, lanes=3, luck=Random(starts), target=60).run()
            break
        except BudgetError:
            continue
    assert starts > (3 if variant == "paper" else 0)
    assert rows(project) == rows(whole("en", variant, target=60))


def test_two_machine_made_tasks_are_shown_from_the_second_batch_on():
    project = whole("en", "paper", target=60)
    for (_, request), shown in shows(project).items():
        machine = [place for place, _ in shown if isinstance(place, tuple)]
        assert len(machine) == (0 if request <= 5 else 2)
        assert all((place[0] - 1) // 5 < (request - 1) // 5 for place in machine)


def test_a_batch_is_written_down_before_its_first_request_is_asked():
    project = new_project()
    with pytest.raises(Killed):
        start(project, kill_at=1).run()
    assert [key for key in project.briefs if key[0] == "list"] == [("list", n) for n in range(1, 6)]
    assert project.asked == []
    assert project.values == {}
    assert len(project.briefs["list", 1]) == 8
    assert set(project.briefs["list", 1][0]) == {"row", "instruction"}


# -- how far ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("lanes", [1, 8, 64])
@pytest.mark.parametrize("target", [1, 7, 30])
def test_the_target_is_reached_exactly_and_a_higher_one_goes_on(target, lanes):
    project = new_project()
    first = start(project, target=target, lanes=lanes, luck=Random(target)).run()
    assert first.counts["standing"] == target == first.state.made
    more = start(project, target=45, lanes=lanes, luck=Random(target)).run()
    assert (more.state.made_before, more.counts["standing"]) == (target, 45 - target)
    undisturbed = whole("en", "paper", target=45)
    assert rows(project) == rows(undisturbed)
    assert shows(project) == shows(undisturbed)


@pytest.mark.parametrize("then", [60, 15])
def test_the_target_may_be_raised_and_lowered_while_it_runs(then):
    project = new_project()

    def kept(task, result):
        if run.state.made == 10:
            run.change(target=then)

    run = start(project, target=20, lanes=4, luck=Random(then), kept=kept)
    run.run()
    assert (run.state.made, run.method.total(run, None)) == (then, (then, 0))
    if then == 60:
        assert rows(project) == rows(whole("en", "paper", target=60))


@pytest.mark.parametrize("lanes", [1, 16])
def test_the_limit_is_of_requests_for_instructions(lanes):
    project = new_project()
    assert start(project, limit=3, target=1000, lanes=lanes).run().counts["replies"] == 3
    assert max(one.round for one in project.made()) == 3
    assert start(project, limit=4, target=1000, lanes=lanes).run().counts["replies"] == 1


def test_new_instructions_that_the_target_leaves_over_wait_for_the_next_start():
    project = new_project()
    first = start(project, target=3).run()
    left = [one for one in project.made() if one.rule == UNANSWERED]
    assert {(one.status, one.row.output) for one in left} == {("rejected", "")}
    counts = first.counts
    assert counts["new"] - counts["standing"] - sum(by_rule(first, "without-instance").values()) == len(left) > 0
    again = start(project, target=3 + len(left))
    assert again.state.unanswered == len(left)
    again.run()
    assert next(key for what, key, _ in again.events)[0] == "answer"


def test_a_model_that_only_repeats_itself_is_given_up(monkeypatch):
    monkeypatch.setattr(progress, "BARREN", 7)
    project = new_project()
    ended = start(project, lambda _: "Write a poem.\n10. Write a song.").run()
    assert (ended.state.dry(ended), ended.counts["replies"], len(project.asked)) == (10, 10, 10)
    assert by_rule(ended, "eliminated") == {"too-short": 20}
    # A start tries once more: there may be other seed tasks.
    assert start(project, lambda _: "Write a poem.").run().counts["replies"] == 5


def test_a_run_that_found_something_is_not_dry():
    ended = start(new_project(), limit=2).run()
    assert ended.state.dry(ended) == 0


# -- the person meanwhile --------------------------------------------------------------------------


def decided(project, act, at=1):
    """A hook that acts once when reply number `at` has been read."""
    done = []

    def kept(task, result):
        if task.key == ("list", at) and not done:
            done.append(act(project))

    return kept


def waiting(project):
    return next(one.id for one in project.made() if one.rule == UNANSWERED)


def test_a_row_decided_before_it_is_asked_for_is_not_asked_for():
    project = new_project()
    act = decided(project, lambda p: p.decide(waiting(p), status="rejected", rule="by-hand"))
    ended = start(project, kept=act, limit=1).run()
    row = next(one for one in project.made() if one.rule == "by-hand")
    assert row.row.output == ""
    assert ended.counts["overtaken"] == 1
    assert not any(row.row.instruction in request.messages[-1][1] for request in project.asked)
    assert ("answer", 1, row.variant) not in project.values


def test_a_row_decided_while_it_is_asked_for_keeps_the_decision():
    project, victims = new_project(), []

    def script(request):
        if request.max_tokens == 3 and not victims:
            victims.append(waiting(project))
            project.decide(victims[0], status="rejected", rule="by-hand")
        return taught(request)

    ended = start(project, script, limit=1).run()
    left = [result for what, _, result in ended.events if what == "left"]
    assert [(result.rule, result.rows, result.counts["overtaken"]) for result in left] == [(DECIDED, (), 1)]
    assert project.rows[victims[0]].rule == "by-hand"
    asked = len(project.asked)
    # Brought back, it gets its instances; the ledger has them.
    project.decide(victims[0], status="pending", rule=None)
    again = start(project, limit=1)
    assert again.state.unanswered == 1
    again.run()
    assert len(project.asked) == asked
    assert project.rows[victims[0]].operation.endswith("-first")


def test_an_instruction_that_was_edited_is_asked_for_in_its_new_words_by_the_next_start():
    project = new_project()
    start(project, limit=1, target=1).run()
    row_id = waiting(project)
    project.decide(row_id, row=Sft("Name the oldest rope of the harbour."))
    start(project, limit=1).run()
    assert any("Name the oldest rope of the harbour." in request.messages[-1][1] for request in project.asked)
    assert project.rows[row_id].row.instruction == "Name the oldest rope of the harbour."


def test_what_a_filter_dropped_and_the_person_brings_back_is_answered():
    project = new_project()
    start(project, lists("Draw the long rope of the ferry."), limit=1).run()
    [dropped] = project.made()
    assert dropped.rule == "blacklisted"
    project.decide(dropped.id, status="pending", rule=None, evidence=None)
    again = start(project, lists(), limit=1).run()
    assert again.counts["standing"] == 1
    assert project.rows[dropped.id].row.output == "It is done."


def test_what_the_person_rejects_leaves_the_pool_and_what_they_restore_returns():
    same = "describe the rope that the old ferry is tied with."
    project = new_project()
    act = decided(project, lambda p: p.decide(p.made()[0].id, status="rejected", rule="by-hand"), at=1)
    start(project, lists(same, same), kept=act, limit=2, batch=1).run()
    first, second = project.made()
    assert (first.rule, second.rule) == ("by-hand", None)

    project = new_project()
    start(project, lists(same, same), limit=2, batch=1).run()
    assert [one.rule for one in project.made()] == [None, "near-duplicate"]


def test_seeds_added_meanwhile_are_shown_from_the_next_batch_on():
    project = new_project()
    for row_id in range(2, 21):
        project.decide(row_id, seed=False)

    def add(project):
        return [project.add(Sft(text), status="accepted", seed=True, generated=False) for text in SEEDS["en"][1:6]]

    added = []
    start(project, kept=decided(project, lambda p: added.extend(add(p))), target=50).run()
    found = {request: {place for place, _ in shown} for (_, request), shown in shows(project).items()}
    assert found[5] == {1}
    assert set(added) <= found[6]


def test_a_pool_that_lost_its_last_seed_is_one_clear_error():
    project = new_project()

    def unseed(project):
        for row_id in range(1, 21):
            project.decide(row_id, seed=False)

    with pytest.raises(StudioError, match="task pool is empty"):
        start(project, kept=decided(project, unseed), target=200).run()


# -- what is asked and read ------------------------------------------------------------------------


def test_an_instruction_without_an_instance_is_rejected_and_keeps_its_place_in_the_pool():
    text = "describe the rope of the ferry."
    script = lists(text, text)
    project = new_project()
    ended = start(project, lambda request: script(request).replace("Output: It is done.", "No."), limit=2, batch=1)
    ended.run()
    first, second = project.made()
    assert (first.status, first.rule, first.operation) == ("rejected", "unreadable", "self-instruct/input-first")
    assert (second.rule, second.operation) == ("near-duplicate", "self-instruct/bootstrap")
    assert by_rule(ended, "without-instance") == {"unreadable": 1}


def test_further_instances_are_rows_beside_the_first():
    def script(request):
        said = lists("tell whether the rope is old or new.")(request)
        if "classification task" in request.messages[-1][1]:
            return "Yes"
        labels = "Class label: old\nInput: It is grey.\nClass label: new\nInput: It is white."
        return labels if said.startswith("Output") else said

    project = new_project()
    ended = start(project, script, limit=1).run()
    old, new = project.made()
    assert [(one.row.input, one.row.output) for one in (old, new)] == [("It is grey.", "old"), ("It is white.", "new")]
    assert (new.parent, new.variant, new.round, new.operation) == (old.id, 1, 1, "self-instruct/output-first")
    assert {name: ended.counts[name] for name in ("standing", "instances", "classification")} == {
        "standing": 1, "instances": 2, "classification": 1
    }  # fmt: skip


def test_a_model_that_thinks_beyond_its_room_is_one_clear_error():
    with pytest.raises(ModelError, match=r"fake thought for 1024 tokens.*thinking_room"):
        start(new_project(), lambda _: Reply("", "length", Usage(9, 1024), "fake", 0.1, thinking="Hm")).run()


def test_thoughts_go_beside_instances_and_not_beside_lists():
    run = start(new_project(), lambda request: Reply(taught(request), "stop", Usage(), "fake", 0.0, thinking="Hm."))
    run.run()
    for _, key, result in run.events:
        assert {made.thinking for made in result.rows} <= ({"Hm."} if key[0] == "answer" else {""})
        assert not any(made.whole for made in result.rows)


def test_lists_keep_what_a_later_start_counts_by():
    project = whole("en", "paper")
    lists = {key: value for key, value in project.values.items() if key[0] == "list"}
    for (_, request), value in lists.items():
        mine = [one for one in project.made() if one.round == request and one.parent is None]
        new = sum(one.rule in (None, UNANSWERED) or one.operation.endswith("-first") for one in mine)
        assert value == {"new": new, "rule": None, "evidence": None}
    assert {key[0] for key in project.values} == {"list", "answer"}


def test_a_reply_that_brought_nothing_is_one_reply_of_the_funnel():
    cut = Reply("rope", "length", Usage(5, 1024), "fake", 0.0)
    ended = start(new_project(), lambda _: cut, limit=2).run()
    seen = RunTally(ended.method)
    for _, key, result in ended.events:
        seen.see(Ended(0, Task(key), result, (), (), (0, 0), 0.0, False))
    assert [(step.name, step.n, dict(step.rules)) for step in seen.funnel[:3]] == [
        ("replies", 2, {}), ("brought nothing", 2, {"cut-short": 2}), ("instructions", 0, {})
    ]  # fmt: skip
    assert (seen.record()["replies"], seen.dropped) == (2, {"cut-short": 2})


# -- what it is known by, what it may take ---------------------------------------------------------


def identity(project, **chosen):
    run = start(project, **chosen)
    told = run.method.identity(run)
    run.state = None
    assert run.method.identity(run) == told
    return told


def test_the_identity_resolves_the_language_and_the_papers_parameters():
    paper = {"language": "en", "temperature": 0.7, "top_p": 0.5, "max_tokens": 1024, "presence_penalty": 2.0}
    assert identity(new_project()) == identity(new_project(), temperature=0.7, language="en") == paper
    assert identity(new_project("zh"), temperature=1) == paper | {"language": "zh", "temperature": 1.0}
    assert identity(new_project(), variant="alpaca") == {
        "language": "en", "temperature": 1.0, "top_p": 1.0, "max_tokens": 3072, "presence_penalty": 0.0
    }  # fmt: skip


def test_the_language_of_a_run_stays_while_it_runs():
    project = new_project()
    for text in SEEDS["zh"][:5]:
        project.add(Sft(text), status="accepted", seed=True, generated=False)
    run = start(project)
    run.change(language="zh")
    run.run()
    assert run.method.identity(run)["language"] == "en"
    assert not any(re.search(r"[\u4e00-\u9fff]", one.row.instruction) for one in project.made())


@pytest.mark.parametrize(("variant", "requests"), [("paper", 100 / 94 * (20 + 2 * 105)), ("alpaca", 100 / 255 * 20)])
def test_what_is_foreseen_is_weighted_up_to_the_target(variant, requests):
    run = start(new_project(), variant=variant, target=100)
    found = list(run.method.foreseen(run))
    assert sum(weight * (2 if task.key[0] == "answer" else 1) for task, weight in found) == pytest.approx(requests)
    assert all(isinstance(task, Task) and task.key not in run.project.values for task, _ in found)
    assert len(run.method.assumes(run)) == (2 if variant == "paper" else 1)
    assert run.project.briefs == {}


def test_nothing_is_foreseen_beyond_the_target():
    run = start(whole("en", "paper"))
    assert sum(weight for _, weight in run.method.foreseen(run)) == 0


def test_a_run_that_gets_its_id_late_reads_what_is_kept_of_it():
    project = whole("en", "paper")
    run = start(project)
    run.state.catch_up(run)
    made = run.state.made
    assert (made, run.state.made_before) == (40, 40)
    assert all(one.run == RUN for one in project.made())
