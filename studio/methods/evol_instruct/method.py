"""Evol-Instruct (WizardLM, arXiv 2304.12244) as a method: every seed task is rewritten once a round.

    (round, root)   rewrite what the run has made of a seed task so far, answer it, have a judge compare it

The plan takes every seed task in every round, each round in an order of its own; order and operations depend on
(seed, round, task) only. What an attempt starts from is asked of the store when it begins: what a person rejected or
edited meanwhile counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from studio.alpaca.lengths import estimate_tokens
from studio.alpaca.rows import Sft, prompt_text
from studio.alpaca.stored import StoredRow
from studio.errors import StudioError, UsageError
from studio.methods import evol_instruct
from studio.methods.asking import Ask, Attempt, Key, Made, Method, Result, Run, Said, Sampling, Task, cut
from studio.methods.evol_instruct import EQUAL, RULES, Elimination
from studio.methods.evol_instruct.prompts import FILES, OPERATIONS
from studio.methods.templates import Profile
from studio.settings import EvolveSettings, Operation
from studio.text.tokens import Language, language

STEPS = {"teacher": "evolving", "answerer": "answering", "judge": "judging"}
"""What each role is asked for, in the order of an attempt's requests."""

# Tells apart the samples of one question in the rounds of a task.
_ROUNDS = 1_000
# Tokens of an answer, of what an evolution adds, and of a verdict, where nothing is known yet.
_ANSWER: Mapping[Profile, int] = {"standard": 300, "small": 120}
_GROWTH, _VERDICT = 40, 8
_LANGUAGES: tuple[Language, ...] = ("en", "zh")
# A model of 135M parameters wanders off at the authors' temperature of 1 and never stops by itself.
_SMALL: Mapping[str, Mapping[Language, Sampling]] = {
    "teacher": {"en": Sampling(0.7, 0.95, 120), "zh": Sampling(0.2, 0.95, 120)},
    "answerer": dict.fromkeys(_LANGUAGES, Sampling(0.2, 0.95, 200)),
    "judge": dict.fromkeys(_LANGUAGES, Sampling(0.0, 1.0, 24)),
}


class Parent(NamedTuple):
    """What an attempt starts from: a row's id and the text that evolves. input: what is only handed on."""

    id: int
    text: str
    input: str = ""


def parent_of(stored: StoredRow, profile: Profile) -> Parent:
    """A row as the task to evolve: instruction and input as one text, as the authors' code joins them.

    A small model drops or answers an input that it is shown, so there only the instruction evolves.
    """
    if profile == "small" and isinstance(stored.row, Sft) and stored.row.instruction.strip():
        return Parent(stored.id, stored.row.instruction, stored.row.input)
    return Parent(stored.id, prompt_text(stored.row))


def in_order(seed: int, roots: Sequence[int], rounds: int, limit: int) -> Iterator[tuple[int, list[int]]]:
    """(round, its tasks in a seeded order); the first limit of them all (0: no limit)."""
    left = limit or rounds * len(roots)
    for number in range(1, rounds + 1):
        ordered = sorted(roots, key=lambda root: evol_instruct.order(seed, number, root))[:left]
        left -= len(ordered)
        yield number, ordered


def again(stored: StoredRow, parent: int, operation: str, variant: int) -> Task:
    """The task that evolves a row's parent once more, beside the plan's."""
    root, round = stored.root or 0, stored.round or 0
    return Task((round, root), data=parent, row=root, round=round, operation=operation, variant=variant)


class _Pool:
    """The seed tasks that evolve, and how many rows of the run are not rejected."""

    def __init__(self, run: Run) -> None:
        self.kept = sum(not one.rejected for one in run.look.of_run())
        self.look_over(run)
        if not self.roots:
            spoken = run.settings.language
            raise StudioError(
                "The task pool is empty: no row is a seed task" + (f" in {spoken!r}." if spoken != "all" else "."),
                title="Nothing to evolve",
                hint="Import seeds (studio import DIR FILE --seed), or mark rows as seeds in Seeds.",
            )

    def look_over(self, run: Run) -> None:
        """Look at what is in the pool now."""
        roots, spoken = list(run.look.seeds()), run.settings.language
        if spoken != "all":
            roots = [one.id for one in run.look.rows.page(roots) if language(prompt_text(one.row)) == spoken]
        self.roots = roots


class EvolInstruct(Method):
    """Evol-Instruct, with the paper's six operations and four elimination rules."""

    name, title, doing, unit = "evol-instruct", "Evol-Instruct", "evolving", "evolutions"
    needs, makes = "seed tasks", "harder tasks with their answers, one a seed and round"
    section, settings, prompts = "evolve", EvolveSettings, FILES
    roles = ("teacher", "answerer", "judge")
    rules = RULES
    steps = tuple(STEPS.values())
    deepens = True

    def identity(self, run: Run) -> Mapping[str, Any]:
        return {"operations": (), "weights": weights_of(run.settings)}

    def open(self, run: Run) -> _Pool:
        return _Pool(run)

    def tasks(self, run: Run) -> Iterator[Task]:
        # At once, and not when the first is wanted: the plan is counted before.
        run.state.look_over(run)
        return (
            Task((round, root), after=(round - 1, root) if round > 1 else None, row=root, round=round)
            for round, root in _keys(run)
        )

    def total(self, run: Run, done: Callable[[Key], bool]) -> tuple[int, int]:
        keys = list(_keys(run))
        return len(keys), sum(map(done, keys))

    def goes_on(self, run: Run) -> bool:
        target: int = run.settings.target
        return not target or run.state.kept + len(run.flying) < target

    def assumes(self, run: Run) -> tuple[str, ...]:
        answer = _ANSWER[run.profile("answerer")]
        said = (
            "no attempt is eliminated before its three requests",
            f"an evolution adds {_GROWTH} tokens, an answer has {answer}, a verdict {_VERDICT}",
        )
        return (*said, "the target is not reached before the end of the plan") if run.settings.target else said

    def attempt(self, task: Task, run: Run) -> Attempt:
        """Rewrite the task, answer what came out, and have it compared with its parent, as far as no rule ends it."""
        stored = _start(task, run)
        if stored is None:
            return Result(left=True)
        parent, settings = parent_of(stored, run.profile("teacher")), run.settings
        drawn = evol_instruct.operation(settings.seed, task.round, task.row or 0, weights_of(settings) or EQUAL)
        attempt = _Attempt(run, task, parent, task.operation or drawn)
        row, why, thinking = yield from attempt.made()
        return Result(
            (
                Made(
                    row,
                    attempt.operation,
                    rule=why.rule if why else None,
                    evidence=why.evidence if why else None,
                    parent=parent.id,
                    root=task.row,
                    round=task.round,
                    variant=task.variant,
                    thinking=thinking,
                    whole=True,
                ),
            )
        )

    def fold(self, run: Run, task: Task, result: Result, first: int) -> Result:
        run.state.kept += sum(made.rule is None for made in result.rows)
        return result


class _Attempt:
    """The requests of one attempt."""

    def __init__(self, run: Run, task: Task, parent: Parent, operation: str) -> None:
        self._run, self._task, self._parent, self.operation = run, task, parent, operation
        self._spoken = language(parent.text)

    def made(self) -> Any:
        """The row, the rule that eliminates it, and what the answerer thought."""
        parent = self._parent
        prompts = self._run.prompts("teacher", self._spoken)
        turns = evol_instruct.evolving_messages(prompts, self.operation, parent.text)
        # Whatever passes the rules would do.
        likely = f"{parent.text} 1, 2, 3"
        said: Said = yield self._ask("teacher", turns, parent.text, likely, estimate_tokens(parent.text) + _GROWTH)
        evolved = evol_instruct.read_evolved(said.text)
        why = _cut(said) or evol_instruct.check_instruction(evolved, parent.text)
        row = Sft(instruction=evolved, input=parent.input, output="")
        if why is not None:
            return row, why, ""
        asked = f"{evolved}\n{parent.input}" if parent.input else evolved
        turns = evol_instruct.answering_messages(self._run.prompts("answerer", self._spoken), asked)
        said = yield self._ask("answerer", turns, evolved, "1, 2, 3", _ANSWER[self._run.profile("answerer")])
        row, thinking = Sft(instruction=evolved, input=parent.input, output=said.text.strip()), said.thinking
        why = evol_instruct.check_answer(said.text, self._run.settings.short_answer) or _cut(said)
        if why is not None:
            return row, why, thinking
        turns = evol_instruct.judging_messages(self._run.prompts("judge", self._spoken), parent.text, evolved)
        said = yield self._ask("judge", turns, evolved, "Not Equal", _VERDICT)
        return row, evol_instruct.check_judgement(said.text), thinking

    def _ask(self, role: str, turns: tuple[tuple[str, str], ...], about: str, likely: str, length: int) -> Ask:
        settings: EvolveSettings = self._run.settings
        sampling = sampling_of(role, self._run.profile(role), self._spoken, settings)
        sample = settings.seed * _ROUNDS + self._task.round if role == "teacher" else 0
        return Ask(role, STEPS[role], turns, sampling, about, likely, length, sample, self.operation)


def sampling_of(role: str, profile: Profile, spoken: Language, settings: EvolveSettings) -> Sampling:
    """How a role is sampled. One verdict is asked for, so it is sampled without chance; a model that thinks first needs
    room for that.
    """
    if profile == "small":
        return _SMALL[role][spoken]
    if role == "judge":
        return Sampling(0.0, 1.0, settings.max_tokens)
    return Sampling(settings.temperature, settings.top_p, settings.max_tokens)


def weights_of(settings: EvolveSettings) -> dict[Operation, float]:
    """The weights the settings mean; {} for the paper's. Raises UsageError when no operation is left to draw."""
    chosen = settings.operations or OPERATIONS
    weights = {name: settings.weights.get(name, 1.0) if name in chosen else 0.0 for name in OPERATIONS}
    if not any(weights.values()):
        raise UsageError(
            "No operation of Evol-Instruct is left to draw.", hint="Give one of [evolve] operations a weight above 0."
        )
    return {} if weights == EQUAL else weights


def _keys(run: Run) -> Iterator[tuple[int, int]]:
    settings: EvolveSettings = run.settings
    every = in_order(settings.seed, run.state.roots, settings.rounds, settings.limit)
    return ((round, root) for round, roots in every for root in roots)


def _start(task: Task, run: Run) -> StoredRow | None:
    """The row an attempt starts from: the task's last one that is not rejected, else its seed; None when that is no
    seed any more.
    """
    if task.variant:
        return run.look.rows.get(task.data)
    root = task.row or 0
    seed = run.look.rows.get(root)
    if seed is None or not seed.seed or seed.status == "rejected":
        return None
    return run.look.head(root, task.round) or seed


def _cut(said: Said) -> Elimination | None:
    why = cut(said)
    return Elimination("cut-short", why) if why else None
