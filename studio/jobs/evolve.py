"""Evol-Instruct as a job: lanes work through a plan of attempts, refilling as answers come in.

An attempt is one task in one round. The plan is a function of the settings and the pool: every round
takes every task in a seeded order, and the operation of an attempt depends on (seed, round, task) only.
So a run that was killed goes on where it stopped, and the ledger gives back what was paid for.
A failed evolution puts the parent back for the next round; a good one is the next round's parent.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncGenerator, Iterator, Sequence

import msgspec

from studio.alpaca.rows import Sft
from studio.errors import PassingError
from studio.jobs.events import AttemptFailed, Event, Evolved, LaneStarted, LaneText, Planned, Retried
from studio.llm.chat import ChatModel, Reply, Request
from studio.llm.retry import with_retries
from studio.methods import evol_instruct, templates
from studio.methods.evol_instruct import Elimination
from studio.methods.templates import Language, Profile
from studio.store.rows import Generated
from studio.text.tokens import language


class Sampling(msgspec.Struct, frozen=True):
    """How one kind of request is sampled; max_tokens bounds the answer."""

    temperature: float
    top_p: float
    max_tokens: int


class Recipe(msgspec.Struct, frozen=True):
    """Everything that decides what a run produces. Its digest is the run's identity."""

    model: str
    profile: Profile
    seed: int
    evolving: dict[Language, Sampling]
    answering: Sampling
    judging: Sampling
    prompts: tuple[str, ...]


class Task(msgspec.Struct, frozen=True):
    """A task of the pool as far as it has come: text of its head, and the round that made it (0: the seed).

    input: data the task goes with that is not rewritten, only handed on.
    """

    root: int
    text: str
    input: str = ""
    round: int = 0


class Attempt(msgspec.Struct, frozen=True):
    """One task in one round."""

    root: int
    round: int


class Plan(msgspec.Struct, frozen=True):
    """attempts still to make, in order, over the pool; total counts those made by earlier starts too."""

    recipe: Recipe
    run: int
    pool: dict[int, Task]
    attempts: tuple[Attempt, ...]
    total: int
    concurrency: int


class Control:
    """How a person steers a running job. streaming: somebody looks at the lanes."""

    def __init__(self, *, streaming: bool = False) -> None:
        self.streaming = streaming
        self.stopping = False
        self._going = asyncio.Event()
        self._going.set()

    @property
    def paused(self) -> bool:
        return not self._going.is_set()

    def pause(self) -> None:
        self._going.clear()

    def resume(self) -> None:
        self._going.set()

    def stop(self) -> None:
        """No new attempts; those in flight end and are kept."""
        self.stopping = True
        self._going.set()

    async def may_go_on(self) -> bool:
        await self._going.wait()
        return not self.stopping


def plan_attempts(seed: int, roots: Sequence[int], rounds: int, limit: int) -> list[Attempt]:
    """Round by round, every task of the pool in a seeded order; the first limit of them (0: all)."""
    attempts: list[Attempt] = []
    for number in range(1, rounds + 1):
        attempts += [
            Attempt(root, number) for root in sorted(roots, key=lambda root: evol_instruct.order(seed, number, root))
        ]
    return attempts[:limit] if limit else attempts


async def evolve(plan: Plan, model: ChatModel, control: Control) -> AsyncGenerator[Event, None]:
    """Planned, then LaneStarted, LaneText, Retried, Evolved and AttemptFailed until the plan is done.

    Raises ModelError when the endpoint refuses in a way that asking again cannot cure; what was answered by
    then has been reported and is kept.
    """
    yield Planned(plan.total, plan.total - len(plan.attempts))
    events: asyncio.Queue[Event | None] = asyncio.Queue()
    work = _Work(plan, model, control, events)
    lanes = [asyncio.create_task(work.lane(number)) for number in range(min(plan.concurrency, len(plan.attempts)))]
    ending = asyncio.create_task(_announce_end(lanes, events))
    try:
        while (event := await events.get()) is not None:
            yield event
        await ending
    finally:
        for task in (*lanes, ending):
            task.cancel()
        await asyncio.gather(*lanes, ending, return_exceptions=True)


async def _announce_end(lanes: list[asyncio.Task[None]], events: asyncio.Queue[Event | None]) -> None:
    """Put None behind the last event; the first refusal of a lane ends the others and is raised here."""
    try:
        await asyncio.gather(*lanes)
    finally:
        events.put_nowait(None)


class _Work:
    """What the lanes of one run share: the attempts left, and how far each task has come."""

    def __init__(self, plan: Plan, model: ChatModel, control: Control, events: asyncio.Queue[Event | None]) -> None:
        self._plan = plan
        self._model = model
        self._control = control
        self._events = events
        self._left: Iterator[Attempt] = iter(plan.attempts)
        self._heads = dict(plan.pool)
        # A task's next round needs its last one; tasks do not wait for each other.
        self._busy: dict[int, asyncio.Lock] = {attempt.root: asyncio.Lock() for attempt in plan.attempts}
        self._failed: set[int] = set()

    async def lane(self, number: int) -> None:
        while await self._control.may_go_on():
            attempt = next(self._left, None)
            if attempt is None:
                return
            async with self._busy[attempt.root]:
                if attempt.root in self._failed:
                    self._fail(number, attempt, "an earlier round of its task failed")
                else:
                    await self._attempt(number, attempt)

    async def _attempt(self, lane: int, attempt: Attempt) -> None:
        head = self._heads[attempt.root]
        try:
            await self._evolve(lane, attempt, head)
        except PassingError as error:
            # Its later rounds would start from a parent this run does not have yet.
            self._failed.add(attempt.root)
            self._fail(lane, attempt, str(error))

    def _fail(self, lane: int, attempt: Attempt, message: str) -> None:
        self._events.put_nowait(AttemptFailed(lane, attempt.root, attempt.round, message))

    async def _evolve(self, lane: int, attempt: Attempt, head: Task) -> None:
        recipe = self._plan.recipe
        operation = evol_instruct.operation(recipe.seed, attempt.round, attempt.root)
        spoken = language(head.text)
        prompts = templates.load(spoken, recipe.profile)
        ask = _Asking(self._model, self._control, self._events, lane, attempt, operation)
        # The sample number tells rounds and seeds apart: the same parent is asked anew, not replayed.
        sample = recipe.seed * 1000 + attempt.round
        evolving = evol_instruct.evolving_messages(prompts, operation, head.text)
        reply = await ask("evolving", evolving, recipe.evolving[spoken], head.text, sample)
        evolved, answer = evol_instruct.read_evolved(reply.text), ""
        eliminated = _cut(reply) or evol_instruct.check_instruction(evolved, head.text)
        if eliminated is None:
            asked = f"{evolved}\n{head.input}" if head.input else evolved
            reply = await ask("answering", evol_instruct.answering_messages(prompts, asked), recipe.answering, evolved)
            answer = reply.text.strip()
            eliminated = evol_instruct.check_answer(answer) or _cut(reply)
        if eliminated is None:
            judging = evol_instruct.judging_messages(prompts, head.text, evolved)
            reply = await ask("judging", judging, recipe.judging, evolved)
            eliminated = evol_instruct.check_judgement(reply.text)
        if eliminated is None:
            self._heads[attempt.root] = Task(attempt.root, evolved, head.input, attempt.round)
        self._report(ask, head, Sft(instruction=evolved, input=head.input, output=answer), eliminated)

    def _report(self, ask: _Asking, head: Task, row: Sft, eliminated: Elimination | None) -> None:
        made = Generated(
            type="sft",
            row=row,
            run=self._plan.run,
            root=ask.attempt.root,
            round=ask.attempt.round,
            parent_round=head.round,
            operation=ask.operation,
            replies=tuple(ask.keys),
            rule=eliminated.rule if eliminated else None,
            evidence=eliminated.evidence if eliminated else None,
        )
        self._events.put_nowait(Evolved(ask.lane, made, ask.tokens, ask.seconds, ask.replayed))


class _Asking:
    """The requests of one attempt: what they cost, which replies they rest on."""

    def __init__(
        self,
        model: ChatModel,
        control: Control,
        events: asyncio.Queue[Event | None],
        lane: int,
        attempt: Attempt,
        operation: str,
    ) -> None:
        self._model, self._control, self._events = model, control, events
        self.lane, self.attempt, self.operation = lane, attempt, operation
        self._jitter = random.Random(f"{attempt.root}/{attempt.round}")
        self.keys: list[str] = []
        self.tokens = 0
        self.seconds = 0.0
        self.replayed = True

    async def __call__(
        self, step: str, messages: tuple[tuple[str, str], ...], sampling: Sampling, shown: str, sample: int = 0
    ) -> Reply:
        request = Request(
            model=self._model.model,
            messages=messages,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_tokens=sampling.max_tokens,
            sample=sample,
        )
        self._events.put_nowait(
            LaneStarted(self.lane, self.attempt.root, self.attempt.round, self.operation, step, shown)
        )

        def on_text(text: str) -> None:
            self._events.put_nowait(LaneText(self.lane, text))

        def on_retry(_tries: int, seconds: float, error: PassingError) -> None:
            self._events.put_nowait(Retried(self.lane, str(error), seconds))

        reply = await with_retries(
            lambda: self._model.reply(request, on_text if self._control.streaming else None),
            rng=self._jitter,
            on_retry=on_retry,
        )
        self.keys.append(request.key())
        self.tokens += reply.usage.completion_tokens
        self.seconds += reply.seconds
        self.replayed = self.replayed and reply.replayed
        return reply


def _cut(reply: Reply) -> Elimination | None:
    if reply.finish_reason == "length":
        return Elimination("cut-short", f"the model stopped after {reply.usage.completion_tokens} tokens")
    return None


def digest(recipe: Recipe) -> str:
    """The run's key: the same recipe goes on with the same run."""
    return hashlib.blake2b(msgspec.json.encode(recipe, order="sorted"), digest_size=16).hexdigest()


def prompts_digests(profile: Profile) -> tuple[str, ...]:
    """Which prompts a recipe uses, in both languages."""
    return tuple(templates.load(spoken, profile).digest for spoken in ("en", "zh"))
