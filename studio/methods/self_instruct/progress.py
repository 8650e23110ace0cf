"""How far a run of Self-Instruct is, and what it asks next.

    draw      a batch of requests shows the pool as it stood when the batch began; written down before it is asked
    ask       the requests of a batch at once, replies in any order
    read      in the order of the requests, because what is new depends on what came before
    answer    instances of new instructions, while the next batch is asked: they take nothing from the pool and add
              nothing to it, so nobody waits for them

So the rows of a run depend neither on the number of lanes nor on which answer comes first, and a run that was killed
makes those it would have made. A batch waits until the one before it has been read, as in the paper; while it waits,
lanes answer. The Alpaca variant shows seed tasks only, so its requests wait for nothing.

The target cuts the run at the same place however fast it goes: instructions are answered, and replies read, in
order, one only if it is wanted even should all those before it stand. So a run with the target N has N instructions
that stand; in the Alpaca variant, whose replies are read whole, those of the reply that reaches it.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec

from studio.alpaca.rows import Sft
from studio.methods.asking import Key, Made, OfRun, Run, Task
from studio.methods.self_instruct.candidates import WorkedExamples
from studio.methods.self_instruct.lineage import BOOTSTRAP, METHOD, UNANSWERED
from studio.methods.self_instruct.pool import TaskPool, nothing_to_show
from studio.methods.self_instruct.requests import brief, draw
from studio.methods.templates import Language, PromptSet
from studio.settings import SelfInstructSettings

BARREN = 20
"""Replies on end that may bring nothing new before a run gives up: it would pay for ever."""
_FIRST_YIELD = {"paper": 5, "alpaca": 10}
"""New instructions expected of a reply before any was read."""


class _Waiting(msgspec.Struct, frozen=True, order=True):
    """A new instruction whose instances are still to be asked for. Ordered as the instructions came."""

    request: int
    variant: int
    row: int
    instruction: str

    @property
    def key(self) -> Key:
        return ("answer", self.request, self.variant)


class Progress:
    """The state of one start. unanswered: new instructions of earlier starts that waited when it began."""

    def __init__(self, pool: TaskPool, run: Run) -> None:
        """The run's own part is what the store has of it."""
        self.pool = pool
        self._run = -1
        self.catch_up(run)

    def catch_up(self, run: Run) -> None:
        """Read what the store has of the run, unless that was done."""
        if self._run == run.id:
            return
        self._run = run.id
        # Requests whose replies are still to be read and that were not given out: (number, brief), in order.
        self._draws: deque[tuple[int, Any]] = deque()
        self._last = self._barren = 0
        self._recall(run)
        # Keys of instructions that this start has given out to be answered; of those, the ones not folded yet.
        self._tried: set[Key] = set()
        self._begun: set[Key] = set()
        # Of this start: replies read, new instructions in them, instructions that came to stand.
        self._read = self._new = self._standing = 0
        # Rows that the run itself has added since it last looked at what was touched.
        self._added = 0
        self._look_over(run)
        self.unanswered = len(self._open)
        self._worked: WorkedExamples | None = None

    # -- for screens -----------------------------------------------------------------------------------

    @property
    def language(self) -> Language:
        return self.pool.language

    @property
    def human(self) -> int:
        """Seed tasks that requests may show."""
        return len(self.pool.human)

    @property
    def machine(self) -> int:
        """Tasks made by a method that requests may show."""
        return len(self.pool.machine)

    @property
    def others(self) -> Mapping[Language, int]:
        """Seed tasks in other languages, which no request shows."""
        return self.pool.others

    @property
    def made(self) -> int:
        """Instructions of the run that stand with an instance."""
        return self._made

    @property
    def made_before(self) -> int:
        """Of those, the ones of earlier starts."""
        return self._made - self._standing

    @property
    def last(self) -> int:
        """The number of the last request that was drawn, 0 before the first."""
        return self._last

    def dry(self, run: Run) -> int:
        """Replies on end that brought nothing new, when there are so many that the run has given up; else 0."""
        return self._barren if self._barren >= BARREN and self._made < run.settings.target else 0

    def worked(self, prompts: PromptSet, threshold: float) -> WorkedExamples:
        """The examples of the teacher's prompt."""
        if self._worked is None or self._worked.prompts is not prompts:
            self._worked = WorkedExamples(prompts, threshold)
        return self._worked

    # -- what is asked next ----------------------------------------------------------------------------

    def goes_on(self, run: Run) -> bool:
        """Whether another attempt may begin: the target is not reached should all those being answered stand."""
        return self._wanted(run, self._answering(run.flying))

    def reads(self, run: Run) -> bool:
        """Whether the next reply is wanted, should every new instruction before it stand."""
        return self._wanted(run, self._outstanding(run))

    def next(self, run: Run) -> Task | None:
        """What may begin now, None while nothing may. What was taken back is not asked for again here."""
        # New instructions are asked for while lanes still have others to answer, so that none falls idle.
        if len(self._open) <= run.lanes and (task := self._listing(run)) is not None:
            return task
        if not self._open or not self.goes_on(run):
            return None
        one = heapq.heappop(self._open)
        self._tried.add(one.key)
        self._begun.add(one.key)
        return Task(one.key, one.instruction, row=one.row, round=one.request, operation=METHOD)

    # -- what has come of it ---------------------------------------------------------------------------

    def listed(self, request: int, first: int, made: Iterable[Made]) -> int:
        """A reply has been read and judged. first: the id of its first row. Returns how many instructions are new."""
        new = 0
        for row_id, one in enumerate(made, start=first):
            self._added += 1
            if one.rule not in (None, UNANSWERED) or not isinstance(one.row, Sft):
                continue
            new += 1
            if one.rule is None:
                self._stand()
            else:
                heapq.heappush(self._open, _Waiting(request, one.variant, row_id, one.row.instruction))
        self._read += 1
        self._new += new
        self._barren = 0 if new else self._barren + 1
        return new

    def answered(self, key: Key, rows: int, *, stands: bool) -> None:
        """Instances of an instruction are in the store, so many rows; or nothing came of it after all."""
        self._begun.discard(key)
        self._added += max(0, rows - 1)
        if stands:
            self._stand()

    def _stand(self) -> None:
        self._made += 1
        self._standing += 1

    # -- how much is under way -------------------------------------------------------------------------

    def _wanted(self, run: Run, outstanding: float) -> bool:
        """Whether the target is not reached even if so many more instructions stand."""
        return bool(self._made + outstanding < run.settings.target)

    def _answering(self, keys: Collection[Key]) -> int:
        """How many of these are instructions that may come to stand. Those that failed are in nobody's hands."""
        return sum(key in self._begun for key in keys)

    def _outstanding(self, run: Run) -> int:
        """New instructions that may yet stand."""
        return len(self._open) + self._answering(run.flying) + self._answering(run.returned)

    # -- drawing ---------------------------------------------------------------------------------------

    def _listing(self, run: Run) -> Task | None:
        """A request for instructions to be asked now, None while none may."""
        settings: SelfInstructSettings = run.settings
        expected = 0.0
        # The request that all others wait for is asked for anyway.
        if not self._draws or run.turns:
            if len(run.held) > 2 * run.lanes:
                return None
            # Paid ahead of being read, so no more than are likely to be wanted.
            each = max(1.0, self._new / self._read) if self._read else _FIRST_YIELD[settings.variant]
            asking = sum(key[0] == "list" for key in run.flying)
            expected = each * (asking + len(run.held))
        if not self._wanted(run, self._outstanding(run) + expected):
            return None
        if not self._draws and not (settings.variant == "paper" and run.turns):
            self._begin_batch(run)
        return _listing_task(*self._draws.popleft()) if self._draws else None

    def _begin_batch(self, run: Run) -> None:
        """Draw what the next requests show, and write it down."""
        settings: SelfInstructSettings = run.settings
        first, last = self._last + 1, self._last + settings.batch
        if settings.limit:
            last = min(last, settings.limit)
        if self._barren >= BARREN or last < first:
            return
        touched = run.look.touched()
        # Mostly they are our own.
        if sum(map(len, touched)) > self._added:
            self.pool.renew(run.look, touched)
            self._look_over(run)
        self._added = 0
        if not self.pool.human:
            raise nothing_to_show(self.language)
        fresh = [
            (request, brief(draw(settings, run.look.rows, self.pool, request))) for request in range(first, last + 1)
        ]
        run.note(_listing_task(*one) for one in fresh)
        self._last = last
        self._draws.extend(fresh)

    # -- the store -------------------------------------------------------------------------------------

    def _recall(self, run: Run) -> None:
        """What the store has of the run's requests for instructions."""
        read: dict[int, int] = {}
        for answer in run.look.answers():
            if answer.key[0] != "list":
                continue
            request = int(answer.key[1])
            self._last = max(self._last, request)
            if answer.value is None:
                self._draws.append((request, answer.brief))
            else:
                read[request] = answer.value["new"]
        self._draws = deque(sorted(self._draws, key=lambda one: one[0]))
        fruitful = max((request for request, new in read.items() if new), default=0)
        # However often nothing came: a start tries again, because the pool may be another.
        self._barren = min(sum(request > fruitful for request in read), BARREN - 1)

    def _look_over(self, run: Run) -> None:
        """What the store has of the run's instructions: how many stand, which are still to be answered.

        What the person has brought back although a filter dropped it is among these.
        """
        found = [one for one in run.look.of_run() if one.parent is None or one.operation == BOOTSTRAP]
        self._made = sum(not one.rejected and one.operation != BOOTSTRAP for one in found)
        waiting = [one for one in found if _waits(one) and ("answer", one.round, one.variant) not in self._tried]
        rows = {stored.id: stored.row for stored in run.look.rows.page([one.id for one in waiting])}
        self._open = sorted(
            _Waiting(one.round, one.variant, one.id, row.instruction)
            for one in waiting
            if isinstance(row := rows.get(one.id), Sft)
        )


def _waits(one: OfRun) -> bool:
    return one.operation == BOOTSTRAP and (not one.rejected or one.rule == UNANSWERED)


def _listing_task(request: int, shown: Any) -> Task:
    return Task(("list", request), turn=True, brief=shown, round=request, operation=METHOD)
