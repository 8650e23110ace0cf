"""Which attempts a start of a run still has to make, and in which order their results are folded.

What is done is passed over, so a run that was stopped or killed goes on where it was. A task that follows another
waits until that one's result is kept; when an attempt failed, those that follow it are left for the next start, for
they would build on what is not there yet. Results of tasks with a turn are held until it is theirs.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from typing import NamedTuple

from studio.jobs.events import Planned
from studio.jobs.runs.course import Course, Heard
from studio.jobs.runs.lanes import Outcome
from studio.methods.asking import Key, Task


class Reading(NamedTuple):
    """An attempt that asks nothing: fold what is held and whose turn has come."""


_Numbered = tuple[int, Task]


class Plan:
    """The attempts of one start, as lanes.Attempts. announce: told when the plan changes.

    done: keys that earlier starts have done. moved: the last entry of the journal, for knowing that somebody has
    changed something.
    """

    def __init__(
        self, course: Course, done: set[Key], announce: Callable[[Planned], None], moved: Callable[[], object]
    ) -> None:
        self._course, self._method = course, course.method
        self._announce, self._moved = announce, moved
        self._before = frozenset(done)
        # Done or given up; left for the next start.
        self._over = set(done)
        self._blocked: set[Key] = set()
        # What has begun and is not over, by its number: the order in which tasks were given out.
        self._begun: dict[Key, int] = {}
        self._returned: list[_Numbered] = []
        self._number = 0
        self.reading = False
        self._lay_out()
        self.planned = Planned(*self._method.total(course, self._before.__contains__))

    # -- for the lanes -----------------------------------------------------------------------------

    def take(self) -> Task | Reading | None:
        if not self.reading and self.in_turn() is not None:
            return Reading()
        if not self._method.goes_on(self._course):
            return None
        numbered = self._next()
        if numbered is None:
            return None
        number, task = numbered
        self._course.flying.add(task.key)
        if task.turn and task.key not in self._begun:
            self._course.turns.append(task.key)
        self._begun[task.key] = number
        return task

    def ended(self, attempt: Task | Reading, outcome: Outcome) -> None:
        if isinstance(attempt, Reading):
            return
        key = attempt.key
        self._course.flying.discard(key)
        if key in self._over or key in self._course.held:
            return
        if outcome == "returned":
            heapq.heappush(self._returned, (self._begun[key], attempt))
            self._course.returned.add(key)
            return
        del self._begun[key]
        if attempt.turn:
            self._course.turns.remove(key)
        if outcome == "failed":
            self._leave(key)
        else:
            self._over.add(key)
            self._release(key)

    # -- what has come of it -----------------------------------------------------------------------

    def hold(self, heard: Heard) -> None:
        """A result came that waits for its turn."""
        self._course.held[heard.task.key] = heard

    def in_turn(self) -> Heard | None:
        """The result to be folded next; None while it has not come, or when no more are wanted."""
        turns, held = self._course.turns, self._course.held
        heard = held.get(turns[0]) if turns else None
        return heard if heard is not None and self._method.reads(self._course) else None

    def kept(self, task: Task, *, left: bool = False) -> None:
        """A result has been folded and is in the store; left: it was not done after all."""
        if task.turn:
            self._course.turns.remove(task.key)
            del self._course.held[task.key]
        self._begun.pop(task.key, None)
        self._over.add(task.key)
        self._release(task.key)
        if left:
            self.renew(always=False)

    def renew(self, *, always: bool = True) -> None:
        """Lay out the tasks anew: settings have changed, or somebody has changed rows. What has begun stays.

        always: say the plan again even if its numbers are the same.
        """
        self._lay_out()
        planned = Planned(*self._method.total(self._course, self._before.__contains__))
        if always or planned != self.planned:
            self._announce(planned)
        self.planned = planned

    # -- the order -----------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self._tasks: Iterator[Task | None] = self._method.tasks(self._course)
        # What waits for a task that is not over, by that one's key; and what need not wait any more.
        self._behind: dict[Key, list[_Numbered]] = {}
        self._ready: list[_Numbered] = []
        self._waiting: set[Key] = set()
        self._seen = self._moved()

    def _next(self) -> _Numbered | None:
        """The next task that may begin, with its number."""
        if self._returned:
            number, task = heapq.heappop(self._returned)
            self._course.returned.discard(task.key)
            return number, task
        if self._ready:
            number, task = heapq.heappop(self._ready)
            self._waiting.discard(task.key)
            return number, task
        while True:
            try:
                given = next(self._tasks)
            except StopIteration:
                if self._seen == self._moved():
                    return None
                self.renew(always=False)
                continue
            if given is None:
                return None
            if self._is_known(given.key):
                continue
            self._number += 1
            if given.after is None or not self._is_known(given.after) or given.after in self._over:
                return self._number, given
            if given.after in self._blocked:
                self._blocked.add(given.key)
            else:
                self._waiting.add(given.key)
                self._behind.setdefault(given.after, []).append((self._number, given))

    def _is_known(self, key: Key) -> bool:
        return key in self._over or key in self._begun or key in self._waiting or key in self._blocked

    def _release(self, key: Key) -> None:
        for numbered in self._behind.pop(key, ()):
            heapq.heappush(self._ready, numbered)

    def _leave(self, key: Key) -> None:
        """Leave a task, and all that follows it, for the next start."""
        left = [key]
        while left:
            one = left.pop()
            self._blocked.add(one)
            self._waiting.discard(one)
            left += [task.key for _, task in self._behind.pop(one, ())]
