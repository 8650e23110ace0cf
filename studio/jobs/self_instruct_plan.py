"""What a run of Self-Instruct asks next, and in which order replies are read.

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
from collections.abc import Callable

import msgspec

from studio.alpaca.rows import Sft
from studio.jobs import task_pool
from studio.jobs.events import Planned
from studio.jobs.runs.lanes import Outcome
from studio.jobs.self_instruct_events import Answered, Listed
from studio.jobs.self_instruct_recipe import Course, nothing_to_show
from studio.jobs.task_pool import TaskPool
from studio.llm.chat import Reply
from studio.methods.self_instruct import alpaca_variant, bootstrap
from studio.settings import SelfInstructSettings
from studio.store.database import Database
from studio.store.draws import UNANSWERED, Draw, Draws
from studio.store.rows import Rows

BARREN = 20
"""Replies on end that may bring nothing new before a run gives up: it would pay for ever."""
_FIRST_YIELD = {"paper": 5, "alpaca": 10}
"""New instructions expected of a reply before any was read."""


class Listing(msgspec.Struct, frozen=True):
    """An attempt: ask for instructions."""

    draw: Draw


class Reading(msgspec.Struct, frozen=True):
    """An attempt: read replies whose turn has come, and which nobody reads because those before them failed."""


class Answering(msgspec.Struct, frozen=True, order=True):
    """An attempt: ask for instances of a new instruction. Ordered as the instructions came."""

    request: int
    variant: int
    row: int
    instruction: str


Attempt = Listing | Reading | Answering


class Heard(msgspec.Struct, frozen=True):
    """A reply that waits for its turn. key: in the ledger."""

    draw: Draw
    reply: Reply
    key: str


class Plan:
    """The attempts of one start of a run, as lanes.Attempts."""

    def __init__(
        self,
        database: Database,
        run: int,
        settings: SelfInstructSettings,
        course: Course,
        pool: TaskPool,
        touched: Callable[[], list[range]],
        lanes: Callable[[], int],
    ) -> None:
        """touched: the rows that somebody has touched since it was called last. lanes: how many there are."""
        self.run = run
        self.course = course
        self.pool = pool
        self.draws = Draws(database)
        self.rows = Rows(database)
        self._database = database
        self._settings = settings
        self._touched = touched
        self._lanes = lanes
        self._made = self.draws.made(run)
        self._last = self.draws.last(run)
        self._draws = [(draw.request, draw) for draw in self.draws.to_read(run)]
        # Numbers of requests whose replies are still to be read; those that have come; those being asked.
        self._turns = [request for request, _ in self._draws]
        self._heard: dict[int, Heard] = {}
        self._asking: set[int] = set()
        self.reading = False
        # Rows that attempts of this start have begun with, also those that failed.
        self._begun: set[int] = set()
        self._tasks = self._open_tasks()
        self.unanswered = len(self._tasks)
        self._answering = 0
        # However often nothing came: a start tries again, because the pool may be another.
        self._barren = min(self.draws.barren(run), BARREN - 1)
        self._read = self._new = self._added = 0
        self.planned = Planned(settings.target, self._made)

    @property
    def dry(self) -> int:
        """Replies on end that brought nothing new, when there are so many that the run has given up; else 0."""
        return self._barren if self._barren >= BARREN and self._made < self._settings.target else 0

    def change(self, settings: SelfInstructSettings) -> Planned:
        """Go by another target, limit or batch."""
        self._settings = settings
        self.planned = Planned(settings.target, self._made)
        return self.planned

    def take(self) -> Attempt | None:
        if self._is_turn() and not self.reading:
            return Reading()
        # New instructions are asked for while lanes still have others to answer, so that none falls idle.
        if len(self._tasks) <= self._lanes() and (draw := self._next_draw()) is not None:
            self._asking.add(draw.request)
            return Listing(draw)
        if self._tasks and self._wanted(self._answering):
            self._answering += 1
            task = heapq.heappop(self._tasks)
            self._begun.add(task.row)
            return task
        return None

    def ended(self, attempt: Attempt, outcome: Outcome) -> None:
        match attempt:
            case Listing(draw):
                self._asking.discard(draw.request)
                # Its reply may have come before it was taken back.
                waits = draw.request in self._turns and draw.request not in self._heard
                if waits and outcome == "returned":
                    heapq.heappush(self._draws, (draw.request, draw))
                elif waits:
                    # Left for the next start; the replies after it are read without it.
                    self._turns.remove(draw.request)
                    heapq.heapify(self._turns)
            case Answering():
                self._answering -= 1
                if outcome == "returned":
                    self._begun.remove(attempt.row)
                    heapq.heappush(self._tasks, attempt)
            case Reading():
                pass

    # -- reading in turn -----------------------------------------------------------------------------

    def hold(self, heard: Heard) -> None:
        """A reply came."""
        self._heard[heard.draw.request] = heard

    def in_turn(self) -> Heard | None:
        """The reply to be read next, None while it has not come, or when no more are wanted."""
        return self._heard[self._turns[0]] if self._is_turn() else None

    def listed(self, event: Listed) -> None:
        """A reply has been read, and what it brought is in the store."""
        heapq.heappop(self._turns)
        del self._heard[event.request]
        new = [one for one in event.candidates if one.rule in (None, UNANSWERED)]
        self._barren = 0 if new else self._barren + 1
        self._added += len(event.candidates)
        self._read += 1
        self._new += len(new)
        for one in new:
            if one.rule is None:
                self._made += 1
            elif (task := self._task_of(one.row_id)) is not None:
                heapq.heappush(self._tasks, task)

    def answered(self, event: Answered) -> None:
        """Instances of an instruction are in the store."""
        self._made += bool(event.row_ids)
        self._added += max(0, len(event.row_ids) - 1)

    def _is_turn(self) -> bool:
        return bool(self._turns) and self._turns[0] in self._heard and self._wanted(self._outstanding)

    def _open_tasks(self) -> list[Answering]:
        """What the store has to be answered, as a heap."""
        ids = [row_id for row_id in self.draws.unanswered(self.run) if row_id not in self._begun]
        return sorted(task for row_id in ids if (task := self._task_of(row_id)) is not None)

    def _task_of(self, row_id: int) -> Answering | None:
        stored = self.rows.get(row_id)
        if stored is None or stored.round is None or not isinstance(stored.row, Sft):
            return None
        return Answering(stored.round, stored.variant, row_id, stored.row.instruction)

    # -- drawing ---------------------------------------------------------------------------------------

    @property
    def _paper(self) -> bool:
        return self.course.recipe.variant == "paper"

    @property
    def _outstanding(self) -> int:
        """New instructions that may yet stand."""
        return len(self._tasks) + self._answering

    def _wanted(self, outstanding: float) -> bool:
        """Whether the target is not reached even if so many more instructions stand."""
        return self._made + outstanding < self._settings.target

    def _next_draw(self) -> Draw | None:
        """A request to be asked now, None while none may."""
        expected = 0.0
        # The request that all others wait for is asked for anyway; it is here again when it was taken back.
        if not self._draws or self._draws[0][0] != self._turns[0]:
            if len(self._heard) > 2 * self._lanes():
                return None
            # Paid ahead of being read, so no more than are likely to be wanted.
            each = max(1.0, self._new / self._read) if self._read else _FIRST_YIELD[self.course.recipe.variant]
            expected = each * (len(self._asking) + len(self._heard))
        if not self._wanted(self._outstanding + expected):
            return None
        if not self._draws and not (self._paper and self._turns):
            self._begin_batch()
        return heapq.heappop(self._draws)[1] if self._draws else None

    def _begin_batch(self) -> None:
        """Draw what the next requests show, and write it down."""
        first, last = self._last + 1, self._last + self.course.recipe.batch
        if self._settings.limit:
            last = min(last, self._settings.limit)
        if self._barren >= BARREN or last < first:
            return
        touched = self._touched()
        # Mostly they are our own.
        if sum(map(len, touched)) > self._added:
            self.pool.renew(self.rows, self._database, touched)
            self._made = self.draws.made(self.run)
            self._tasks = self._open_tasks()
        self._added = 0
        if not self.pool.human:
            raise nothing_to_show(self.pool.language)
        fresh = [self._draw(request) for request in range(first, last + 1)]
        with self._database.transaction(durable=False):
            self.draws.add(self.run, fresh)
        self._last = last
        for draw in fresh:
            heapq.heappush(self._draws, (draw.request, draw))
            heapq.heappush(self._turns, draw.request)

    def _draw(self, request: int) -> Draw:
        human, machine, seed = self.pool.human, self.pool.machine, self.course.recipe.seed
        if self._paper:
            ids = bootstrap.draw(human, machine, seed=seed, request=request - 1)
        else:
            ids = alpaca_variant.draw(human, seed=seed, request=request - 1)
        return Draw(request, task_pool.shown(self.rows, ids, whole=not self._paper))
