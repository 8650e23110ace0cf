"""Probing a model: which positions of its input it reads well, and what was found before."""

from __future__ import annotations

import heapq
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import msgspec
import orjson

from studio.errors import StudioError
from studio.jobs.events import Event
from studio.session.project import OpenProject
from studio.session.runs.methods import MethodRuns
from studio.store.answers import Answers
from studio.store.runs import Run

if TYPE_CHECKING:
    from studio.jobs.runs.control import Control
    from studio.jobs.runs.course import Course
    from studio.jobs.runs.estimate import Estimate
    from studio.llm.chat import Message, Request
    from studio.methods.asking import Key
    from studio.methods.probe.curve import Curve
    from studio.methods.probe.tasks import Setup

METHOD = "probe"
_MEASURED = 200
"""Prompts of which the tokens are counted, the longest in characters."""


class Probe(msgspec.Struct, frozen=True):
    """One probe. at: when it was begun. ended: whether all that was to be asked has been, save what was refused or
    failed; the curve says how much was answered.
    """

    id: int
    model: str
    setup: Setup
    at: str
    ended: bool
    curve: Curve


class ProbeBegun(Event, frozen=True):
    """A probe begins. model: who is asked, as the endpoint calls it. room: tokens that the longest prompt that is left
    to ask takes and tokens it may take, None where nobody knows. before: what was answered before, as (index, right).
    """

    model: str
    setup: Setup
    room: tuple[int, int] | None
    before: list[tuple[int, bool]]


class ProbeEnded(Event, frozen=True):
    """All has been asked; probe: as it is kept now."""

    probe: Probe


class Foretold(msgspec.Struct, frozen=True):
    """A probe that has not been asked. room: as in `ProbeBegun`."""

    model: str
    setup: Setup
    estimate: Estimate
    room: tuple[int, int] | None


class Probing:
    """An open project to probe models in."""

    def __init__(self, project: OpenProject, methods: MethodRuns) -> None:
        self._project, self._methods = project, methods

    async def probe(self, control: Control) -> AsyncGenerator[Event, None]:
        """Ask the model of [model] what [probe] says, and keep which answers were right.

        ProbeBegun, then what a run of a method says, and ProbeEnded once each position has an answer. Raises
        UsageError, before anything is asked, when the prompts do not fit the model's context.
        """
        self._project.must_write()
        course, budget = await self._methods.opened(METHOD, control)
        room = await self._room(course)
        before = _answers(self._project, course.id)
        yield ProbeBegun(course.models["teacher"].model, course.state, room, before)
        async with aclosing(self._methods.go_on(course, control, budget)) as events:
            async for event in events:
                yield event
        run = self._project.runs.get(course.id)
        found = None if run is None else self._read(run)
        assert found is not None
        stopped = control.stopping and found.curve.asked < course.state.questions
        if not stopped and all(point.asked for point in found.curve.points):
            with self._project.database.transaction():
                self._project.runs.end(course.id)
            yield ProbeEnded(msgspec.structs.replace(found, ended=True))

    async def estimate(self) -> Foretold:
        """What `probe` would take with the settings as they are, answered questions left out; nothing is asked.

        Raises UsageError when the prompts do not fit the model's context.
        """
        from studio.jobs.runs.control import Control

        course, _ = await self._methods.opened(METHOD, Control(), spends=False)
        room = await self._room(course)
        left = {key for key, _ in self._unanswered(course)}
        done = {task.key for task in course.method.tasks(course) if task is not None} - left
        return Foretold(course.models["teacher"].model, course.state, self._methods.foretold(course, done=done), room)

    def all(self) -> list[Probe]:
        """Every probe: those that ended, newest first, then those that were stopped, newest first."""
        return [found for run in self._project.runs.all(METHOD) if (found := self._read(run)) is not None]

    def newest(self, model: str | None = None) -> Probe | None:
        """The probe that ended last, of this model (as its endpoint calls it) or of any."""
        run = self._project.runs.newest(METHOD, model)
        return None if run is None else self._read(run)

    def newest_curve(self) -> Curve | None:
        """What the probe that ended last found."""
        probe = self.newest()
        return None if probe is None else probe.curve

    def _read(self, run: Run) -> Probe | None:
        from studio.methods.probe.curve import counted
        from studio.methods.probe.method import setup_told

        try:
            recipe: dict[str, Any] = orjson.loads(run.settings)
            asked = recipe["roles"]["teacher"]
            setup = setup_told(recipe["settings"], asked["profile"])
        except (orjson.JSONDecodeError, KeyError, TypeError, StudioError):
            return None  # A recipe that nobody can read; its answers stay.
        curve = counted(setup.size, setup.indices, _answers(self._project, run.id))
        return Probe(run.id, asked["model"], setup, run.started_at, run.ended is not None, curve)

    async def _room(self, course: Course) -> tuple[int, int] | None:
        """Tokens of the longest prompt that is left to ask, and tokens it may have. Raises UsageError."""
        from studio.methods.probe import tasks
        from studio.methods.probe.method import MAX_TOKENS, too_long

        given = course.settings.context
        ruler = self._methods.ruler("teacher") or (_Estimated(given) if given else None)
        if ruler is None:
            return None
        longest = heapq.nlargest(_MEASURED, (one.messages for _, one in self._unanswered(course)), key=_characters)
        if not longest:
            return None
        # The first of equally long ones would do, but a UUID of many letters has fewer tokens than one of many digits.
        taken = max([await ruler.count(messages) for messages in longest])
        setup, answer = course.state, MAX_TOKENS + course.settings.thinking_room
        if taken > ruler.context - answer:
            nothing = tasks.Question(0, 0, "", "", "")
            prompt = tasks.messages(course.prompts("teacher", setup.language), setup, nothing)
            empty, name = await ruler.count(prompt), course.models["teacher"].name
            raise too_long(setup, name, taken=taken, empty=empty, context=ruler.context, answer=answer)
        return taken, ruler.context - answer

    def _unanswered(self, course: Course) -> Iterator[tuple[Key, Request]]:
        """The questions that have no answer: none of this probe's, and none of another that asked the same."""
        from studio.jobs.runs.asking import request_of
        from studio.methods.asking import Ask

        done: set[Key] = Answers(self._project.database).done(course.id) if course.id else set()
        for task in course.method.tasks(course):
            if task is None or task.key in done:
                continue
            ask = next(course.method.attempt(task, course))
            assert isinstance(ask, Ask)
            request = request_of(ask, task, course)
            if self._project.replies.find(request.key()) is None:
                yield task.key, request


class _Estimated:
    """A ruler for a model whose context the person gave: the tokens are estimated."""

    def __init__(self, context: int) -> None:
        self.context = context

    async def count(self, messages: tuple[Message, ...]) -> int:
        from studio.jobs.runs.estimate import estimated_tokens

        return estimated_tokens(messages)


def _answers(project: OpenProject, run: int) -> list[tuple[int, bool]]:
    """What a probe's questions came to so far, as (index, right)."""
    found = Answers(project.database).of(run) if run else []
    return [(int(answer.key[1]), bool(answer.value["right"])) for answer in found if answer.value is not None]


def _characters(messages: Iterable[Message]) -> int:
    return sum(len(content) for _, content in messages)
