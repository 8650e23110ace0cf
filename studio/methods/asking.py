"""What a method is: a pure description of what is asked of chat models, and of what becomes of the answers.

A method says which tasks there are and makes an attempt at each. An attempt is a generator: it yields what it asks, is
sent what was said, and returns what became of it. The engine (`studio.jobs.runs`) does all the rest: the order, the
lanes, the ledger, what a run may cost, storing, resuming, counting, estimating.

    def attempt(self, task, run):
        said = yield Ask("teacher", "asking", (("user", task.data),))
        return Result((Made(Sft(task.data, output=said.text), self.name, parent=task.row),))
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol, TypeAlias

import msgspec

from studio.alpaca.rows import Row, RowType
from studio.alpaca.stored import StoredRow
from studio.methods.prompt_files import PromptFiles
from studio.methods.templates import Language, Profile, PromptSet

Key: TypeAlias = tuple[int | str, ...]
"""What a task is known by: unique in a run, and the same in every start of it."""

Message: TypeAlias = tuple[str, str]
"""(role, content); role is "system", "user" or "assistant"."""


class Sampling(msgspec.Struct, frozen=True, omit_defaults=True):
    """How an answer is sampled, in the words of the OpenAI API; None: the endpoint's own. max_tokens: of the answer."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    response_format: dict[str, Any] | None = None


class Ask(NamedTuple):
    """One request to a chat model.

    role: who is asked, one of the method's roles. step: what for, in a word that the screens show ("evolving").
    messages: the conversation so far. about: what the lane shows of it. likely, length: an answer as it may come, and
    its tokens; estimates go by them. sample: which of several answers to the same question this one is. operation: the
    attempt's, where it was drawn and the task does not say it.
    """

    role: str
    step: str
    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    about: str = ""
    likely: str = ""
    length: int = 0
    sample: int = 0
    operation: str = ""


class Said(NamedTuple):
    """An answer. finish: "stop", "length" (cut by max_tokens), "content_filter" or what else the endpoint says.

    thinking: the thoughts, "" when there were none. tokens: of the answer. by: the model's name, for errors.
    """

    text: str
    finish: str = "stop"
    thinking: str = ""
    tokens: int = 0
    by: str = ""


class Task(NamedTuple):
    """One thing to do: an attempt is made at it.

    data: whatever the attempt needs, of the method's own type. after: the key of a task that must have ended before.
    turn: the result is folded in the order in which such tasks were given out. brief: what a later start cannot work
    out again, as a JSON value (`Run.note` writes it down). row: the row it is about. round, operation: as the lanes
    show them. variant: above 0 for a task done once more beside the plan (a re-roll).
    """

    key: Key
    data: Any = None
    after: Key | None = None
    turn: bool = False
    brief: Any = None
    row: int | None = None
    round: int = 0
    operation: str = ""
    variant: int = 0


class Made(NamedTuple):
    """A row that an attempt made; rejected where a rule says so, with the evidence.

    parent: the row it was made of, root: the seed task it grew from. thinking: the thoughts behind its output, kept as
    the settings say; whole: its output is one whole reply, so that they may be joined to it. completes: the id of a row
    that was stored before and becomes this one.
    """

    row: Row
    operation: str
    type: RowType = "sft"
    rule: str | None = None
    evidence: str | None = None
    parent: int | None = None
    root: int | None = None
    round: int = 0
    variant: int = 0
    thinking: str = ""
    whole: bool = False
    completes: int = 0


class Score(NamedTuple):
    """A score of a row, by its name, with the reason."""

    row: int
    name: str
    value: float
    reason: str = ""


class Change(NamedTuple):
    """Fields of a row that exists, set only while it still has that body (as JSON text). A person can undo it."""

    row: int
    body: str
    fields: Mapping[str, Any]


class Result(NamedTuple):
    """What became of an attempt.

    value: kept with the task's key, as a JSON value; a later start finds it there. counts: of the funnel. rule,
    evidence: why the whole attempt brought nothing. left: it was not done after all (its row is gone, or was decided
    meanwhile): nothing is kept, and it may come again.
    """

    rows: tuple[Made, ...] = ()
    scores: tuple[Score, ...] = ()
    changes: tuple[Change, ...] = ()
    value: Any = {}  # noqa: RUF012 - a JSON value, never changed
    counts: Mapping[str, int] = {}
    rule: str | None = None
    evidence: str | None = None
    left: bool = False


Attempt: TypeAlias = Generator["Ask | tuple[Ask, ...]", Any, Result]
"""It yields an Ask and is sent a Said, or a tuple of Asks and is sent a tuple of Saids in the same order.

A request that will never be answered raises RefusedError at the yield; an attempt that catches it goes on.
"""


class Step(NamedTuple):
    """One level of a funnel.

    sign: "accept" or "reject" for what passed and what did not, "fail" for what was not answered, "" for others. rules:
    what took rows away here, by rule.
    """

    name: str
    n: int
    sign: str = ""
    rules: Mapping[str, int] = {}


class Seen(Protocol):
    """What a run has been counted to, for its funnel. counts: the method's own (`Result.counts`)."""

    accepted: int
    failed: int
    eliminated: Counter[str]
    fruitless: Counter[str]
    counts: Counter[str]

    @property
    def asked(self) -> int: ...

    @property
    def answered(self) -> int: ...

    def by_rule(self, name: str) -> Counter[str]:
        """The method's counts of the form "name:RULE", by rule."""


class Answer(NamedTuple):
    """What is kept of a task of a run. value: None while it is still to be asked (only its brief was noted)."""

    key: Key
    brief: Any
    value: Any


class OfRun(NamedTuple):
    """A row that a run has made, without its content."""

    id: int
    parent: int | None
    root: int | None
    round: int
    variant: int
    operation: str
    rejected: bool
    rule: str | None


class StoredRows(Protocol):
    """Rows of the project by their ids."""

    def get(self, row_id: int, /) -> StoredRow | None: ...

    def page(self, ids: Sequence[int], /) -> list[StoredRow]:
        """The rows with these ids, in the order of ids; unknown ids are left out."""


class Look(Protocol):
    """What a method sees of the project, and of what its run has made so far. run: its id, 0 before it is stored."""

    run: int

    @property
    def rows(self) -> StoredRows: ...

    def accepted(self, type: RowType) -> Sequence[int]:
        """The ids of the accepted rows of a type, ascending."""

    def seeds(self) -> Sequence[int]:
        """The ids of the seed tasks that are not rejected, ascending."""

    def tasks_among(self, ids: range) -> Sequence[int]:
        """Of these ids, those of seed tasks and of generated rows (type sft, any status), ascending."""

    def of_run(self) -> Sequence[OfRun]:
        """The rows that the run has made, in the order of their ids."""

    def head(self, root: int, before: int) -> StoredRow | None:
        """The run's last row of a seed task of an earlier round that is not rejected, or None."""

    def answers(self) -> Sequence[Answer]:
        """What is kept of the run's tasks, in the order in which they were written down."""

    def touched(self) -> list[range]:
        """The rows that a person or a job has touched since this was called last."""


class Run(Protocol):
    """One start of a run, as its method sees it.

    settings: of the method's section, as they are now. flying: the keys that are being asked; returned: those that were
    taken back, and come again before all others; held: those whose result waits for its turn; turns: the keys of turn
    tasks whose results are still to be folded, in order. lanes: how many attempts there may be at once.
    """

    @property
    def id(self) -> int: ...
    @property
    def state(self) -> Any: ...
    @property
    def settings(self) -> Any: ...
    @property
    def look(self) -> Look: ...
    @property
    def lanes(self) -> int: ...
    @property
    def flying(self) -> frozenset[Key] | set[Key]: ...
    @property
    def returned(self) -> frozenset[Key] | set[Key]: ...
    @property
    def held(self) -> Mapping[Key, Any]: ...
    @property
    def turns(self) -> Sequence[Key]: ...

    def profile(self, role: str) -> Profile:
        """For which kind of model the role's prompts are."""

    def prompts(self, role: str, language: Language) -> PromptSet:
        """The method's prompts for a role, shipped or the person's own."""

    def note(self, tasks: Iterable[Task]) -> None:
        """Write the briefs of tasks down, all in one transaction, before the first of them is asked."""


class Method:
    """A method: a base class, of which one overrides what it needs.

    name: as in commands and lineage. title, needs, makes: for a person, in a few words. doing: what it does, in one or
    two words ("evolving"). unit: what its plan counts ("seed tasks"). progress: of a method whose plan is open-ended,
    the count that tells how much of it is done; "" where each task is a step. deepens: its rows descend from seed tasks
    in rounds, so that difficulty by round is worth a look. section: of studio.toml; settings: what that holds. roles:
    who is asked. steps: what the replies behind a row were asked for, in their order. rules: why rows are rejected, by
    rule. fixed: settings that a started run keeps; steered: whether it follows its settings while it runs. keeps:
    whether an answer is kept by its task's key; not so where the rows themselves tell what is left to do.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    needs: ClassVar[str]
    makes: ClassVar[str]
    doing: ClassVar[str] = "asking"
    unit: ClassVar[str] = "tasks"
    progress: ClassVar[str] = ""
    deepens: ClassVar[bool] = False
    section: ClassVar[str]
    settings: ClassVar[type[msgspec.Struct]]
    prompts: ClassVar[PromptFiles[Any]]
    roles: ClassVar[tuple[str, ...]] = ("teacher",)
    steps: ClassVar[tuple[str, ...]] = ()
    rules: ClassVar[Mapping[str, str]] = {}
    fixed: ClassVar[tuple[str, ...]] = ()
    steered: ClassVar[bool] = True
    keeps: ClassVar[bool] = True

    def identity(self, run: Run) -> Mapping[str, Any]:
        """What decides the result and is not told by the settings alone; it stands beside them, or over them."""
        return {}

    def speaks(self, run: Run) -> tuple[Language, ...]:
        """The languages whose prompts the run uses: own ones in another language do not decide what it makes."""
        return ("en", "zh")

    def open(self, run: Run) -> Any:
        """The state of a start, from the store; called in a thread. Raises StudioError when there is nothing to do."""
        return None

    def tasks(self, run: Run) -> Iterator[Task | None]:
        """The tasks of the run, also those that are done; None: nothing now, ask again when something has ended."""
        raise NotImplementedError

    def attempt(self, task: Task, run: Run) -> Attempt:
        """One attempt at a task."""
        raise NotImplementedError

    def fold(self, run: Run, task: Task, result: Result, first: int) -> Result:
        """The result as it is kept, seen beside those before it. first: the id that its first new row will get.

        Called for every result, in the transaction that stores it; where tasks have a turn, in their order.
        """
        return result

    def shown_by(self, stored: StoredRow) -> Key | None:
        """The task whose brief lists the rows that a model was shown when it made this one; None when none does."""
        return None

    def goes_on(self, run: Run) -> bool:
        """Whether another task may begin: not so when a target is reached."""
        return True

    def reads(self, run: Run) -> bool:
        """Whether the next result in turn is still wanted."""
        return True

    def says(self, run: Run) -> tuple[str, ...]:
        """What a person should know as the run begins, in lines."""
        return ()

    def gave_up(self, run: Run) -> str:
        """Why the run came to its end before it was done, in sentences; "" when it did not."""
        return ""

    def funnel(self, seen: Seen) -> list[Step]:
        """What a run came to, from what was asked to what passed."""
        return [
            Step("asked", seen.asked),
            Step("answered", seen.answered),
            *([Step("brought nothing", seen.fruitless.total(), "reject", seen.fruitless)] if seen.fruitless else []),
            Step("passed", seen.accepted, "accept"),
            Step("eliminated", seen.eliminated.total(), "reject", seen.eliminated),
            Step("failed", seen.failed, "fail"),
        ]

    def total(self, run: Run, done: Callable[[Key], bool]) -> tuple[int, int]:
        """How many tasks there are, and how many of them are done."""
        keys = [task.key for task in self.tasks(run) if task is not None]
        return len(keys), sum(map(done, keys))

    def assumes(self, run: Run) -> tuple[str, ...]:
        """What an estimate assumes of this method's answers, in sentences without a full stop."""
        return ()

    def foreseen(self, run: Run) -> Iterable[tuple[Task, float]]:
        """The tasks that an estimate counts, each with its weight."""
        return ((task, 1.0) for task in self.tasks(run) if task is not None)


def cut(said: Said) -> str | None:
    """Why a reply is not whole, in words; None when it is."""
    if said.finish == "length":
        return f"the model stopped after {said.tokens} tokens"
    if said.finish == "content_filter":
        return "the endpoint's content filter cut the text"
    return None
