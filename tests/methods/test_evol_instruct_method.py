"""Evol-Instruct as a method: what it plans, what an attempt starts from, asks and comes to, driven by hand."""

from __future__ import annotations

import time

import pytest

from studio.alpaca.rows import Sft
from studio.errors import RefusedError, StudioError, UsageError
from studio.methods import evol_instruct
from studio.methods.asking import Said, Sampling, Task
from studio.methods.evol_instruct.method import EvolInstruct, again, in_order
from studio.methods.evol_instruct.prompts import FILES, OPERATIONS
from studio.settings import EvolveSettings
from tests.support.method_engine import RUN, Project, Start, driven

SEEDS = {"en": "Sort the fruits by weight.", "zh": "按重量给水果排序。"}
EVOLVED = {"en": "Sort five fruits by weight and say why.", "zh": "按重量给五种水果排序，并说明理由。"}
ANSWER = {"en": "The melon comes first and the fig comes last.", "zh": "西瓜排在最前，无花果排在最后。"}
every_language = pytest.mark.parametrize("language", ["en", "zh"])


def project_of(*texts, input=""):
    project = Project([])
    for text in texts or (SEEDS["en"],):
        project.add(Sft(text, input, "Done."), status="accepted", seed=True, generated=False)
    return project


def start_of(project, profile="standard", **settings):
    return Start(EvolInstruct(), project, None, EvolveSettings(**settings), profile=profile)


def task_of(root=1, round=1, **more):
    return Task((round, root), row=root, round=round, **more)


def attempt(answers, language="en", project=None, task=None, profile="standard", input="", **settings):
    """What an attempt asks, and the row it makes."""
    start = start_of(project or project_of(SEEDS[language], input=input), profile, **settings)
    asks, result = driven(start.method.attempt(task or task_of(), start), answers)
    [made] = result.rows
    return asks, made


def evolve(project, root, round, text, **fields):
    """A row that the run has made of a seed task."""
    lineage = {"run": RUN, "root": root, "round": round, "parent": root, "operation": "deepening"}
    return project.add(Sft(text, "", "Done."), **(lineage | fields))


# -- the plan --------------------------------------------------------------------------------------


def test_every_seed_task_is_planned_in_every_round_and_waits_for_its_own_round_before():
    start = start_of(project_of(*(f"Sort fruit {n}." for n in range(5))), rounds=3)
    tasks = list(start.method.tasks(start))
    assert sorted(task.key for task in tasks) == [(round, root) for round in (1, 2, 3) for root in range(1, 6)]
    assert [task.round for task in tasks] == [1] * 5 + [2] * 5 + [3] * 5
    assert all(task.after == ((task.round - 1, task.row) if task.round > 1 else None) for task in tasks)
    assert all(task.key == (task.round, task.row) for task in tasks)
    orders = [[task.row for task in tasks if task.round == round] for round in (1, 2, 3)]
    assert len(set(map(tuple, orders))) > 1
    assert [task.key for task in start.method.tasks(start)] == [task.key for task in tasks]


def test_a_limit_takes_the_first_of_the_plan_and_leaves_none_without_its_round_before():
    start = start_of(project_of(*(f"Sort fruit {n}." for n in range(5))), rounds=3)
    whole = [task.key for task in start.method.tasks(start)]
    for limit in (1, 5, 7, 14, 15, 99):
        start.change(limit=limit)
        tasks = list(start.method.tasks(start))
        assert [task.key for task in tasks] == whole[:limit]
        assert {task.after for task in tasks} <= {None, *whole[:limit]}
        done = set(whole[:3])
        assert start.method.total(start, done.__contains__) == (len(tasks), min(3, limit))


def test_only_seed_tasks_in_the_language_asked_for_are_planned():
    start = start_of(project_of(SEEDS["en"], SEEDS["zh"], "Name a nut."), rounds=1, language="en")
    assert {task.row for task in start.method.tasks(start)} == {1, 3}
    start.change(language="zh")
    assert {task.row for task in start.method.tasks(start)} == {2}
    start.change(language="all")
    assert {task.row for task in start.method.tasks(start)} == {1, 2, 3}


def test_what_came_into_the_pool_or_went_out_of_it_counts_from_the_next_plan_on():
    project = project_of("Sort the fruits.", "Name a nut.")
    start = start_of(project, rounds=1)
    project.add(Sft("Name a berry.", "", ""), status="pending", seed=True, generated=False)
    project.decide(1, status="rejected")
    assert {task.row for task in start.method.tasks(start)} == {2, 3}


@pytest.mark.parametrize(
    ("spoken", "message"),
    [
        ("all", "The task pool is empty: no row is a seed task."),
        ("zh", "The task pool is empty: no row is a seed task in 'zh'."),
    ],
)
def test_an_empty_pool_is_an_error_that_says_what_to_do(spoken, message):
    project = Project([]) if spoken == "all" else project_of(SEEDS["en"])
    with pytest.raises(StudioError) as caught:
        start_of(project, language=spoken)
    assert (caught.value.message, caught.value.title) == (message, "Nothing to evolve")
    assert "--seed" in caught.value.hint


def test_a_target_counts_rows_that_are_not_rejected_and_what_is_being_asked():
    project = project_of("Sort the fruits.", "Name a nut.")
    evolve(project, 1, 1, "Sort five fruits.")
    evolve(project, 2, 1, "Name two nuts.", status="rejected", rule="no-gain")
    start = start_of(project, target=3)
    assert start.method.goes_on(start)
    start.flying = {(2, 1)}
    assert start.method.goes_on(start)
    start.flying = {(2, 1), (2, 2)}
    assert not start.method.goes_on(start)
    start.change(target=0)
    assert start.method.goes_on(start)


def test_a_row_that_passes_counts_for_the_target_and_an_eliminated_one_does_not():
    start = start_of(project_of(), target=1)
    passing = [EVOLVED["en"], ANSWER["en"], "Not Equal"]
    for answers, goes_on in ((["Rewrite the given prompt."], True), (passing, False)):
        _, result = driven(start.method.attempt(task_of(), start), answers)
        assert start.method.fold(start, task_of(), result, 2) == result
        assert start.method.goes_on(start) is goes_on


def test_a_large_plan_is_laid_out_without_a_look_at_its_rows():
    class Seeds:
        def seeds(self):
            return range(1, 50_001)

    start = start_of(project_of(), rounds=4)
    start.look = Seeds()
    begun = time.process_time()
    assert sum(1 for _ in start.method.tasks(start)) == 200_000
    # Twenty times what it takes on a machine that has nothing else to do.
    assert time.process_time() - begun < 6


# -- what it is known by ---------------------------------------------------------------------------


def identity(**settings):
    start = start_of(project_of(), **settings)
    return start.method.identity(start)


def test_operations_and_weights_that_mean_the_same_are_the_same_run():
    usual = {"operations": (), "weights": {}}
    assert identity() == identity(operations=OPERATIONS[::-1]) == identity(weights={"deepening": 1.0}) == usual
    alone = identity(operations=("deepening",))
    assert alone == identity(weights={name: 0.0 for name in OPERATIONS if name != "deepening"})
    assert alone["weights"] == {name: float(name == "deepening") for name in OPERATIONS}
    assert alone != identity(weights={"deepening": 2.0})


@pytest.mark.parametrize(
    "settings",
    [{"weights": dict.fromkeys(OPERATIONS, 0.0)}, {"operations": ("deepening",), "weights": {"deepening": 0}}],
)
def test_weights_that_leave_nothing_to_draw_are_refused(settings):
    with pytest.raises(UsageError, match="No operation of Evol-Instruct is left to draw") as caught:
        identity(**settings)
    assert "weight above 0" in caught.value.hint


# -- what an attempt starts from -------------------------------------------------------------------


def test_an_attempt_starts_from_what_the_run_has_made_of_its_task_so_far():
    project = project_of("Sort the fruits.", "Name a nut.")
    evolve(project, 1, 1, "Sort five fruits.")
    evolve(project, 1, 2, "Sort six fruits.", status="rejected", rule="no-gain")
    evolve(project, 2, 1, "Name two nuts.")
    start = start_of(project)
    passing = [EVOLVED["en"], ANSWER["en"], "Not Equal"]
    for round, parent, text in ((1, 1, "Sort the fruits."), (2, 3, "Sort five fruits."), (3, 3, "Sort five fruits.")):
        asks, result = driven(start.method.attempt(task_of(1, round), start), passing)
        [made] = result.rows
        assert (made.parent, made.root, made.round, made.variant, made.type) == (parent, 1, round, 0, "sft")
        assert asks[0].about == text


def test_what_a_person_edited_meanwhile_is_what_evolves():
    project = project_of()
    start = start_of(project)
    project.decide(1, row=Sft("Name a berry.", "", ""))
    asks, _ = driven(start.method.attempt(task_of(), start), ["Rewrite the given prompt."])
    assert asks[0].about == "Name a berry."


@pytest.mark.parametrize("gone", [{"status": "rejected"}, {"seed": False}])
@pytest.mark.parametrize("round", [1, 2])
def test_a_task_whose_seed_is_none_any_more_is_left(gone, round):
    project = project_of()
    start = start_of(project)
    evolve(project, 1, 1, "Sort five fruits.")
    project.decide(1, **gone)
    asks, result = driven(start.method.attempt(task_of(1, round), start), [])
    assert not asks
    assert result.left
    assert not result.rows


def test_a_task_of_a_row_that_there_is_not_is_left():
    start = start_of(project_of())
    for task in (task_of(99), task_of(1, data=99, operation="deepening", variant=1)):
        _, result = driven(start.method.attempt(task, start), [])
        assert result.left


def test_a_row_made_once_more_has_the_parent_and_the_operation_it_is_told():
    project = project_of()
    first = evolve(project, 1, 1, "Sort five fruits.")
    second = evolve(project, 1, 2, "Sort six fruits.", parent=first)
    start = start_of(project)
    task = again(project.rows[second], first, "in_breadth", 3)
    assert (task.key, task.row, task.round, task.variant) == ((2, 1), 1, 2, 3)
    asks, result = driven(start.method.attempt(task, start), [EVOLVED["en"], ANSWER["en"], "Not Equal"])
    [made] = result.rows
    lineage = (made.parent, made.root, made.round, made.variant, made.operation)
    assert lineage == (first, 1, 2, 3, "in_breadth")
    assert {ask.operation for ask in asks} == {"in_breadth"}
    turns = FILES.load("en", "standard").templates["in_breadth"].messages(instruction="Sort five fruits.")
    assert asks[0].messages == tuple((turn["role"], turn["content"]) for turn in turns)
    # The engine tells the samples of variants apart.
    assert [ask.sample for ask in asks] == [42_002, 0, 0]


def test_a_seed_that_was_rejected_does_not_keep_its_rows_from_being_made_once_more():
    project = project_of()
    row = evolve(project, 1, 1, "Sort five fruits.")
    start = start_of(project)
    project.decide(1, status="rejected")
    task = again(project.rows[row], 1, "deepening", 1)
    asks, _ = driven(start.method.attempt(task, start), ["Rewrite the given prompt."])
    assert asks[0].about == SEEDS["en"]


# -- what it asks ----------------------------------------------------------------------------------


@every_language
def test_a_task_is_rewritten_answered_and_compared_in_its_own_language(language):
    said = [EVOLVED[language], f" {ANSWER[language]}\n", "Not Equal"]
    asks, made = attempt(said, language)
    parent, evolved, prompts = SEEDS[language], EVOLVED[language], FILES.load(language, "standard")
    assert [(ask.role, ask.step, ask.about) for ask in asks] == [
        ("teacher", "evolving", parent), ("answerer", "answering", evolved), ("judge", "judging", evolved)
    ]  # fmt: skip
    assert [ask.messages for ask in asks] == [
        evol_instruct.evolving_messages(prompts, made.operation, parent),
        evol_instruct.answering_messages(prompts, evolved),
        evol_instruct.judging_messages(prompts, parent, evolved),
    ]
    assert made.row == Sft(evolved, "", ANSWER[language])
    assert (made.rule, made.evidence, made.whole) == (None, None, True)


def test_the_operation_is_drawn_for_the_task_and_said_with_every_request():
    for seed, round in ((42, 1), (42, 2), (7, 1)):
        asks, made = attempt([EVOLVED["en"], ANSWER["en"], "Not Equal"], task=task_of(1, round), seed=seed)
        assert made.operation == evol_instruct.operation(seed, round, 1)
        assert {ask.operation for ask in asks} == {made.operation}
        assert [ask.sample for ask in asks] == [seed * 1_000 + round, 0, 0]
    _, made = attempt(["Rewrite the given prompt."], operations=("concretizing",))
    assert made.operation == "concretizing"


def test_the_sampling_is_that_of_the_settings_and_the_judge_leaves_nothing_to_chance():
    said = [EVOLVED["en"], ANSWER["en"], "Not Equal"]
    asks, _ = attempt(said, temperature=0.6, top_p=0.5, max_tokens=77)
    assert [ask.sampling for ask in asks] == [Sampling(0.6, 0.5, 77), Sampling(0.6, 0.5, 77), Sampling(0.0, 1.0, 77)]


@pytest.mark.parametrize(("language", "temperature"), [("en", 0.7), ("zh", 0.2)])
def test_a_small_model_has_a_sampling_of_its_own(language, temperature):
    said = [EVOLVED[language], ANSWER[language], "Not Equal"]
    asks, _ = attempt(said, language, profile="small", temperature=2.0, max_tokens=9)
    assert [ask.sampling for ask in asks] == [
        Sampling(temperature, 0.95, 120), Sampling(0.2, 0.95, 200), Sampling(0.0, 1.0, 24)
    ]  # fmt: skip


def test_every_role_has_the_prompts_and_the_sampling_of_its_own_model():
    profile = {"teacher": "small", "answerer": "standard", "judge": "small"}
    asks, _ = attempt([EVOLVED["en"], ANSWER["en"], "Not Equal"], profile=profile)
    assert [len(ask.messages) > 1 for ask in asks] == [True, False, True]
    assert [ask.sampling.max_tokens for ask in asks] == [120, 2048, 24]


def test_instruction_and_input_evolve_as_one_text():
    asks, made = attempt([EVOLVED["en"], ANSWER["en"], "Not Equal"], input="pear, fig")
    assert asks[0].about == f"{SEEDS['en']}\npear, fig"
    assert made.row.input == ""


def test_a_small_model_evolves_the_instruction_alone_and_the_input_is_handed_on():
    asks, made = attempt(["Harder task: Sort five.", ANSWER["en"], "Not Equal"], input="pear, fig", profile="small")
    assert asks[0].about == SEEDS["en"]
    assert "pear, fig" not in asks[0].messages[-1][1]
    assert "Sort five.\npear, fig" in asks[1].messages[-1][1]
    assert made.row == Sft("Sort five.", "pear, fig", ANSWER["en"])


def test_settings_that_change_count_from_the_next_request_on():
    start = start_of(project_of(), max_tokens=50)
    made = start.method.attempt(task_of(), start)
    assert next(made).sampling.max_tokens == 50
    start.change(max_tokens=70)
    assert made.send(Said(EVOLVED["en"])).sampling.max_tokens == 70
    start.change(short_answer=2)
    assert made.send(Said("Sorry, I cannot.")).role == "judge"


# -- what becomes of it ----------------------------------------------------------------------------


LONG = " ".join(["pear"] * 90)
ENDINGS = [
    (["Rewrite the given prompt."], "copied-prompt", "contains 'given prompt'"),
    (["#改写后的指令#：排序"], "copied-prompt", "contains '#改写后的指令'"),
    ([""], "no-gain", "the model returned no instruction"),
    (["…!"], "no-gain", "the model returned no instruction"),
    ([" SORT the fruits  by weight. "], "no-gain", "word for word its parent"),
    ([EVOLVED["en"], "Sorry, I cannot."], "hard-to-answer", "'sorry' in an answer of 3 words"),
    ([EVOLVED["en"], "抱歉，我无法回答。"], "hard-to-answer", "'抱歉' in an answer of 7 characters"),
    ([EVOLVED["en"], ""], "only-stop-words", "the whole answer: ''"),
    ([EVOLVED["en"], "The of, and."], "only-stop-words", "the whole answer: 'The of, and.'"),
    ([EVOLVED["en"], ANSWER["en"], "Equal"], "no-gain", "the judge said 'Equal'"),
    ([EVOLVED["en"], ANSWER["en"], "They ask the same.\n**相同**"], "no-gain", "the judge said "),
    ([EVOLVED["en"], ANSWER["en"], "Not Equal"], None, None),
    ([EVOLVED["en"], ANSWER["en"], "I cannot tell."], None, None),
    ([EVOLVED["en"], ANSWER["en"], ""], None, None),
    ([EVOLVED["en"], f"Sorry, {LONG}", "Not Equal"], None, None),
]


@pytest.mark.parametrize(("answers", "rule", "evidence"), ENDINGS)
def test_a_rule_that_eliminates_ends_the_attempt_and_says_on_what_evidence(answers, rule, evidence):
    asks, made = attempt(answers)
    assert len(asks) == len(answers)
    assert made.rule == rule
    assert made.evidence == evidence if evidence is None else made.evidence.startswith(evidence)
    assert rule is None or rule in EvolInstruct.rules
    # What was said stands beside the reason.
    assert made.row.instruction == evol_instruct.read_evolved(answers[0])
    assert made.row.output == (answers[1].strip() if len(answers) > 1 else "")


@pytest.mark.parametrize(
    ("finish", "evidence"),
    [
        ("length", "the model stopped after 2048 tokens"),
        ("content_filter", "the endpoint's content filter cut the text"),
    ],
)
@pytest.mark.parametrize("cut", [0, 1])
def test_a_text_that_was_cut_is_eliminated(finish, evidence, cut):
    answers = [EVOLVED["en"], ANSWER["en"]][: cut + 1]
    answers[cut] = Said(answers[cut], finish, tokens=2048)
    asks, made = attempt(answers)
    assert len(asks) == cut + 1
    assert (made.rule, made.evidence) == ("cut-short", evidence)
    assert made.row.output == (ANSWER["en"] if cut else "")


def test_of_a_cut_text_the_cut_is_told_and_of_a_cut_answer_that_it_says_nothing():
    _, made = attempt([Said("Rewrite the given prompt.", "length", tokens=9)])
    assert made.rule == "cut-short"
    _, made = attempt([EVOLVED["en"], Said("Sorry, I", "content_filter")])
    assert made.rule == "hard-to-answer"


def test_a_verdict_that_was_cut_is_read_as_far_as_it_goes():
    _, made = attempt([EVOLVED["en"], ANSWER["en"], Said("Equal", "length", tokens=24)])
    assert made.rule == "no-gain"
    _, made = attempt([EVOLVED["en"], ANSWER["en"], Said("Not Equal", "content_filter")])
    assert made.rule is None


def test_how_short_an_apology_must_be_is_a_setting():
    answers = [EVOLVED["en"], "Sorry, nobody knows which of these two fruits is the heavier one.", "Not Equal"]
    assert attempt(answers[:2])[1].rule == "hard-to-answer"
    assert attempt(answers, short_answer=5)[1].rule is None


def test_the_thoughts_of_the_answer_go_with_the_row_and_are_no_part_of_it():
    thought = Said(ANSWER["en"], thinking="Sorry, let me think.")
    said = [Said(EVOLVED["en"], thinking="how?"), thought, Said("Not Equal", thinking="well")]
    _, made = attempt(said)
    assert (made.row.output, made.thinking, made.whole, made.rule) == (ANSWER["en"], "Sorry, let me think.", True, None)
    _, made = attempt([EVOLVED["en"], thought._replace(text="Sorry.")])
    assert (made.rule, made.thinking) == ("hard-to-answer", "Sorry, let me think.")
    _, made = attempt([Said("", thinking="how?")])
    assert made.thinking == ""


@pytest.mark.parametrize("answered", [0, 1, 2])
def test_a_refused_request_ends_the_attempt(answered):
    start = start_of(project_of())
    answers = [EVOLVED["en"], ANSWER["en"]][:answered]
    with pytest.raises(RefusedError, match="filtered"):
        driven(start.method.attempt(task_of(), start), [*answers, RefusedError("filtered")])


# -- what it may take ------------------------------------------------------------------------------


@every_language
@pytest.mark.parametrize(("profile", "answer"), [("standard", 300), ("small", 120)])
def test_likely_answers_take_an_attempt_to_its_end(language, profile, answer):
    start = start_of(project_of(SEEDS[language]), profile)
    asks, result = driven(start.method.attempt(task_of(), start))
    assert [ask.role for ask in asks] == ["teacher", "answerer", "judge"]
    assert result.rows[0].rule is None
    # An evolution adds 40 tokens to what it starts from.
    assert [ask.length for ask in asks] == [{"en": 7, "zh": 6}[language] + 40, answer, 8]
    assert any(str(answer) in told for told in start.method.assumes(start))


def test_rounds_are_in_order_and_each_has_an_order_of_its_own():
    rounds = list(in_order(42, range(1, 31), 3, 70))
    assert [(number, len(roots)) for number, roots in rounds] == [(1, 30), (2, 30), (3, 10)]
    assert rounds[0][1] != rounds[1][1]
    assert sorted(rounds[0][1]) == sorted(rounds[1][1])
    assert list(in_order(42, range(1, 31), 3, 0))[2][1][:10] == rounds[2][1]


def test_what_it_says_of_itself_is_whole():
    method = EvolInstruct()
    assert method.roles == ("teacher", "answerer", "judge")
    assert method.steps == ("evolving", "answering", "judging")
    assert method.settings is EvolveSettings
    assert set(method.rules) == {"no-gain", "hard-to-answer", "only-stop-words", "copied-prompt", "cut-short"}
