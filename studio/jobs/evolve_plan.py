"""Which attempts a run of Evol-Instruct still has to make: from the pool, the settings and what the store holds.

The plan takes every seed task in every round, each round in an order of its own; order and operations depend on
(seed, round, task) only. So a run that was stopped or killed goes on where it was, and the ledger gives back what was
paid for. What an attempt starts from is asked of the store when it begins: what a person rejected or edited
meanwhile counts.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence

import msgspec

from studio.alpaca.rows import Sft, prompt_text
from studio.errors import StudioError
from studio.jobs.events import Planned
from studio.jobs.evolve_recipe import Course
from studio.jobs.runs.lanes import Outcome
from studio.methods import evol_instruct
from studio.methods.templates import Profile
from studio.settings import EvolveSettings, Operation
from studio.store.filters import Filter
from studio.store.rows import Rows, StoredRow
from studio.text.tokens import language

METHOD = "evol-instruct"
POOL = Filter(seed=True, statuses=("accepted", "pending"), type="sft")
"""The rows that are seed tasks."""


class Task(msgspec.Struct, frozen=True):
    """What an attempt starts from: a row's id and the text that evolves. input: what the text is about, which is
    only handed on.
    """

    id: int
    text: str
    input: str = ""


class Attempt(msgspec.Struct, frozen=True):
    """One task in one round. variant: above 0 for one made beside the plan's."""

    root: int
    round: int
    parent: Task
    operation: Operation
    variant: int = 0


def task_of(stored: StoredRow, profile: Profile) -> Task:
    """A row as the task to evolve: instruction and input as one text, as the authors' code joins them.

    A small model drops or answers an input that it is shown, so there only the instruction evolves.
    """
    if profile == "small" and isinstance(stored.row, Sft) and stored.row.instruction.strip():
        return Task(stored.id, stored.row.instruction, stored.row.input)
    return Task(stored.id, prompt_text(stored.row))


def in_order(seed: int, roots: Sequence[int], rounds: int, limit: int) -> Iterator[tuple[int, list[int]]]:
    """(round, its tasks in a seeded order); the first limit of them all (0: no limit)."""
    left = limit or rounds * len(roots)
    for number in range(1, rounds + 1):
        ordered = sorted(roots, key=lambda root: evol_instruct.order(seed, number, root))[:left]
        left -= len(ordered)
        yield number, ordered


class Plan:
    """The attempts of one start of a run, as lanes.Attempts. announce: told when the plan changes.

    A task waits for its own last round and for no other's. When an attempt failed, its task's later rounds are left
    for the next start: they would grow from a parent that is not there yet.
    """

    def __init__(
        self, rows: Rows, run: int, settings: EvolveSettings, course: Course, announce: Callable[[Planned], None]
    ) -> None:
        """run: 0 for one that is not in the store yet. Raises StudioError without seed tasks."""
        self.run = run
        self.course = course
        self._rows = rows
        self._announce = announce
        self._settings = settings
        self._in_flight: dict[int, int] = {}
        self._given_up: set[tuple[int, int]] = set()
        self._blocked: set[int] = set()
        self._kept = rows.kept_of(run)
        self._before = rows.last_id()
        self.planned = self._lay_out()
        if not self.planned.attempts:
            raise StudioError(
                "The task pool is empty: no row is a seed task"
                + (f" in {settings.language!r}." if settings.language != "all" else "."),
                title="Nothing to evolve",
                hint="Import seeds (studio import DIR FILE --seed), or mark rows as seeds in Seeds.",
            )

    def change(self, settings: EvolveSettings) -> None:
        """Go by another seed, other rounds, limit, target or language."""
        self._settings = settings
        self._announce(self._lay_out())

    def kept(self) -> None:
        """A row came in that was not eliminated."""
        self._kept += 1

    def take(self) -> Attempt | None:
        target = self._settings.target
        if target and self._kept + len(self._in_flight) >= target:
            return None
        while (place := self._next()) is not None:
            round, root = place
            parent = self._parent(round, root)
            if parent is None:
                # Its seed was taken out of the pool meanwhile.
                self._announce(self._lay_out())
                continue
            self._in_flight[root] = round
            recipe = self.course.recipe
            drawn = evol_instruct.operation(recipe.seed, round, root, recipe.weights or evol_instruct.EQUAL)
            return Attempt(root, round, task_of(parent, recipe.roles["teacher"].profile), drawn)
        return None

    def ended(self, attempt: Attempt, outcome: Outcome) -> None:
        del self._in_flight[attempt.root]
        place = attempt.round, attempt.root
        if outcome == "returned":
            heapq.heappush(self._ready, place)
        elif outcome != "done":
            self._given_up.add(place)
            if outcome == "failed":
                self._blocked.add(attempt.root)
        for behind in self._behind.pop(attempt.root, ()):
            heapq.heappush(self._ready, behind)

    def _next(self) -> tuple[int, int] | None:
        """The first (round, task) of the plan that may begin."""
        while True:
            place = heapq.heappop(self._ready) if self._ready else next(self._places, None)
            if place is None:
                if self._rows.ids(POOL) == self._seeds:
                    return None
                # Somebody has added seeds.
                self._announce(self._lay_out())
            elif place[1] in self._in_flight:
                self._behind.setdefault(place[1], []).append(place)
            elif place[1] not in self._blocked:
                return place

    def _parent(self, round: int, root: int) -> StoredRow | None:
        """The task's last row that is not rejected, else its seed; None when that is no seed any more."""
        seed = self._rows.get(root)
        if seed is None or not seed.seed or seed.status == "rejected":
            return None
        return self._rows.head(self.run, root, round) or seed

    def _lay_out(self) -> Planned:
        """Lay out what is left over the pool as it is now."""
        settings = self._settings
        self._seeds = self._rows.ids(POOL)
        roots = [root for root in self._seeds if settings.language in ("all", self._language(root))]
        total = done = 0
        left: list[tuple[int, list[int]]] = []
        for round, ordered in in_order(settings.seed, roots, settings.rounds, settings.limit):
            made = self._rows.attempted(self.run, round)
            left.append((round, [root for root in ordered if root not in made and self._is_open(round, root)]))
            total += len(ordered)
            done += len(self._rows.attempted(self.run, round, self._before).intersection(ordered))
        self._ready: list[tuple[int, int]] = []
        self._behind: dict[int, list[tuple[int, int]]] = {}
        self._places = ((round, root) for round, todo in left for root in todo)
        self.planned = Planned(total, done)
        return self.planned

    def _is_open(self, round: int, root: int) -> bool:
        """Whether an attempt is neither in flight nor given up."""
        return self._in_flight.get(root) != round and (round, root) not in self._given_up

    def _language(self, root: int) -> str:
        stored = self._rows.get(root)
        return "" if stored is None else language(prompt_text(stored.row))
