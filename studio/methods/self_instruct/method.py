"""Self-Instruct and its Alpaca variant, as a method: new tasks in the manner of the pool's.

A request for instructions is one request. An instruction that is new takes two more, whether it is a classification
task and then its instances; in the Alpaca variant it came with them.

    ("list", n)             a request for instructions, n from 1; value: {"new": n, "rule", "evidence": of the whole}
    ("answer", n, variant)  the instances of the instruction that request n brought at that place

What its results count, beside what the engine does (rows made, rejected and fruitless by rule):

    replies                 replies to requests for instructions that were read, also those that brought nothing
    instructions, new       candidates in them, and those that are new
    eliminated:RULE         candidates that are not
    standing, instances     instructions that got an instance or came with one, and rows with them
    without-instance:RULE   instructions that got none
    classification          answered instructions that are classification tasks
    dropped:RULE            instances that are not kept
    overtaken               instructions that the person decided about before their answer came; their result is left

So instructions = new + eliminated, and of the new ones (with `Progress.unanswered` of earlier starts) standing +
without-instance + overtaken are answered and the others wait.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from studio.alpaca.rows import Sft
from studio.alpaca.stored import StoredRow
from studio.methods.asking import Attempt, Key, Made, Method, Result, Run, Seen, Step, Task
from studio.methods.self_instruct import classification, pool
from studio.methods.self_instruct.candidates import (
    filters_of,
    judged,
    read_instances,
    read_instructions,
    read_tasks,
)
from studio.methods.self_instruct.expectations import assumptions, expected
from studio.methods.self_instruct.lineage import BOOTSTRAP, DECIDED, METHOD, REASONS, UNANSWERED
from studio.methods.self_instruct.progress import Progress
from studio.methods.self_instruct.prompts import FILES
from studio.methods.self_instruct.requests import answering, classifying, listing, listing_parameters, told, whole
from studio.methods.self_instruct.rules import RULES
from studio.methods.templates import Language
from studio.settings import SelfInstructSettings


class SelfInstruct(Method):
    """Self-Instruct (arXiv 2212.10560), and Alpaca's variant of it with whole tasks in one request."""

    name = METHOD
    title = "Self-Instruct"
    needs, makes, unit = "seed tasks", "new tasks in their manner", "instructions"
    section, settings, prompts = "self_instruct", SelfInstructSettings, FILES
    roles = ("teacher", "answerer")
    rules: ClassVar[Mapping[str, str]] = dict((*RULES.items(), *REASONS.items()))
    fixed = ("variant", "threshold")
    steps = ("listing", "classifying", "answering")
    doing, progress = "writing tasks", "standing"

    def identity(self, run: Run) -> Mapping[str, Any]:
        """The language, and the parameters of requests for instructions, whether the paper's or the person's."""
        said = listing_parameters(run.settings)
        return {
            "language": _spoken(run),
            "temperature": float(said.temperature),
            "top_p": float(said.top_p),
            "max_tokens": said.max_tokens,
            "presence_penalty": float(said.presence_penalty),
        }

    def speaks(self, run: Run) -> tuple[Language, ...]:
        return (_spoken(run),)

    def open(self, run: Run) -> Progress:
        """The task pool, and how far the run is. Raises StudioError when there is no seed task to begin with."""
        chosen: SelfInstructSettings = run.settings
        spoken = None if chosen.language == "auto" else chosen.language
        return Progress(pool.load(run.look, spoken, chosen.threshold), run)

    def total(self, run: Run, done: object) -> tuple[int, int]:
        """The target, and how many instructions of earlier starts stand."""
        return run.settings.target, _state(run).made_before

    def tasks(self, run: Run) -> Iterator[Task | None]:
        """Requests for instructions, and for the instances of those that are new, as they come; it never ends."""
        state = _state(run)
        while True:
            yield state.next(run)

    def goes_on(self, run: Run) -> bool:
        return _state(run).goes_on(run)

    def reads(self, run: Run) -> bool:
        return _state(run).reads(run)

    def attempt(self, task: Task, run: Run) -> Attempt:
        """Ask for instructions, or for the instances of one."""
        return self._list(task, run) if task.key[0] == "list" else self._answer(task, run)

    def fold(self, run: Run, task: Task, result: Result, first: int) -> Result:
        """The candidates of a reply, judged in turn; or the instances of an instruction that still waits for them."""
        return _listed(run, task, result, first) if task.key[0] == "list" else _answered(run, task, result)

    def foreseen(self, run: Run) -> Iterable[tuple[Task, float]]:
        """Some requests as they may go, weighted so that they come to the target. See `assumes`."""
        return expected(run, _state(run))

    def assumes(self, run: Run) -> tuple[str, ...]:
        return assumptions(run.settings)

    def shown_by(self, stored: StoredRow) -> Key | None:
        return ("list", stored.round or 0)

    def says(self, run: Run) -> tuple[str, ...]:
        """The language, the pool, what is left out of it, what waits."""
        state = _state(run)
        waits = f"; {state.unanswered} instructions of before wait for their instances" if state.unanswered else ""
        pool = f"{state.human} seed tasks, {state.machine} machine-made{waits}"
        others = (
            f"{n} seed tasks in {other} are left out: --language {other} makes tasks like those"
            for other, n in state.others.items()
        )
        return (f"language {state.language}; the task pool: {pool}", *others)

    def gave_up(self, run: Run) -> str:
        """What to do when the last replies brought nothing new."""
        dry = _state(run).dry(run)
        if not dry:
            return ""
        return (
            f"The last {dry} replies brought nothing new, so the run has given up. Add seed tasks, take a larger model "
            "or a higher temperature; start it again to try once more."
        )

    def funnel(self, seen: Seen) -> list[Step]:
        """From replies to instances."""
        counts = seen.counts
        eliminated, without, dropped = map(seen.by_rule, ("eliminated", "without-instance", "dropped"))
        return [
            Step("replies", counts["replies"]),
            *([Step("brought nothing", seen.fruitless.total(), "reject", seen.fruitless)] if seen.fruitless else []),
            Step("instructions", counts["instructions"]),
            Step("eliminated", eliminated.total(), "reject", eliminated),
            Step("new", counts["new"]),
            Step("without instance", without.total(), "reject", without),
            Step("passed", counts["standing"], "accept"),
            Step("rows", counts["instances"]),
            Step("instances dropped", dropped.total(), "", dropped),
            *([Step("decided meanwhile", counts["overtaken"])] if counts["overtaken"] else []),
            Step("failed", seen.failed, "fail"),
        ]

    def _list(self, task: Task, run: Run) -> Attempt:
        request, shown = int(task.key[1]), told(task.brief)
        said = yield from listing(run, request, shown, _state(run).language)
        if run.settings.variant == "alpaca":
            return read_tasks(said.text, request, whole(said))
        return read_instructions(said.text, request, len(shown), whole(said))

    def _answer(self, task: Task, run: Run) -> Attempt:
        _, request, variant = map(int, (0, *task.key[1:]))
        text: str = task.data
        if task.row is not None and not _waits(run.look.rows.get(task.row), text):
            return _overtaken(Result())
        spoken = _state(run).language
        said = yield from classifying(run, text, spoken)
        labels = classification.read(said.text)
        said = yield from answering(run, text, spoken, is_classification=labels)
        return read_instances(
            said.text, task.row or 0, request, variant, text, said.thinking, whole(said), labels=labels
        )


def _listed(run: Run, task: Task, result: Result, first: int) -> Result:
    """The candidates with what became of each. Those before it are in the pool already."""
    state, settings = _state(run), run.settings
    filters = filters_of(settings, state.language)
    worked = state.worked(run.prompts("teacher", state.language), settings.threshold)
    rows: list[Made] = []
    for row_id, made in enumerate(result.rows, start=first):
        text = _instruction(made)
        if made.rule is None:
            why = judged(text, filters, worked, state.pool.novelty)
            if why is not None:
                made = made._replace(rule=why.rule, evidence=why.evidence)
            elif made.operation == BOOTSTRAP:
                made = made._replace(rule=UNANSWERED, evidence="new; its input and output are still to come")
        if made.rule in (None, UNANSWERED):
            state.pool.add(row_id, text)
        rows.append(made)
    new = state.listed(int(task.key[1]), first, rows)
    standing = sum(made.rule is None for made in rows)
    eliminated = Counter(f"eliminated:{made.rule}" for made in rows if made.rule not in (None, UNANSWERED))
    counts = {"replies": 1, "instructions": len(rows), "new": new, "standing": standing, "instances": standing}
    return result._replace(
        rows=tuple(rows),
        value={"new": new, "rule": result.rule, "evidence": result.evidence},
        counts=counts | eliminated,
    )


def _answered(run: Run, task: Task, result: Result) -> Result:
    """The instances, unless the person has decided about the row meanwhile."""
    if not result.left and not _waits(run.look.rows.get(task.row or 0), task.data):
        result = _overtaken(result)
    _state(run).answered(task.key, len(result.rows), stands=bool(result.rows) and result.rows[0].rule is None)
    return result


def _overtaken(result: Result) -> Result:
    """Nothing is kept; should the person bring the row back, it is asked for again, and the ledger has the answers."""
    counts = {name: n for name, n in result.counts.items() if name == "classification" or name.startswith("dropped:")}
    return Result(counts=counts | {"overtaken": 1}, rule=DECIDED, evidence="you decided about it meanwhile", left=True)


def _waits(stored: StoredRow | None, instruction: str) -> bool:
    """Whether a row still is to get the instances of this instruction."""
    return (
        stored is not None
        and stored.operation == BOOTSTRAP
        and (stored.status != "rejected" or stored.rule == UNANSWERED)
        and stored.row == Sft(instruction)
    )


def _instruction(made: Made) -> str:
    return made.row.instruction if isinstance(made.row, Sft) else ""


def _spoken(run: Run) -> Language:
    """The run's language; before it is opened, the one that it will have."""
    state: Progress | None = run.state
    chosen: SelfInstructSettings = run.settings
    if state is not None:
        return state.language
    return pool.language_of_most(run.look) if chosen.language == "auto" else chosen.language


def _state(run: Run) -> Progress:
    state: Progress = run.state
    state.catch_up(run)
    return state
