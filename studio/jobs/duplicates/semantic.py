"""Semantic neighbours as a job: vectors of the rows' texts, what is missing paid for and kept, then every close pair.

    settings = session_settings.embeddings_at()
    vectors = Vectors(project.database, space_of(settings))
    embedder = choose_embedder(session_settings, vectors, budget, prices)
    find_neighbours(path, rows, settings, threshold, embedder, Control(concurrency=settings.concurrency))

The vectors of a request are in the project before the event that tells of them; running again asks for what is missing.
A request that is refused is asked again in halves, until it is known which text is to blame: the others have theirs.
For one new text: embed it unless its key is there already, take its row by `Vectors.matrix`, call `semantic.nearest`.
"""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Callable, Generator, Iterable
from contextlib import aclosing, closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from studio.curate.duplicates.semantic import blocks, checked, neighbours
from studio.errors import ModelError, PassingError, RefusedError
from studio.jobs.duplicates.semantic_events import LeftOut, NeighboursEnded, NeighboursFound, TextsPlanned, VectorsKept
from studio.jobs.duplicates.semantic_plan import Batch, Batches, Corpus, Texts, space_of
from studio.jobs.events import Event, Events, LaneStarted, Progressed, Retried
from studio.jobs.runs import lanes
from studio.jobs.runs.control import Control
from studio.jobs.runs.lanes import Lane
from studio.jobs.threads import in_thread
from studio.llm.budget import due_for
from studio.llm.chat import Usage
from studio.llm.embedding.embedder import Embedder, Paid
from studio.llm.embedding.embeddings import TooManyError
from studio.llm.retry import with_retries
from studio.settings import EmbeddingsSettings
from studio.store.database import Database
from studio.store.reader import Reader
from studio.store.vectors import Vectors

if TYPE_CHECKING:
    from studio.jobs.duplicates.semantic_events import Ids, Scores

_FEW, _MANY = 3, 50
"""How many texts in a row may be refused before the first answer, and after it. When more are, the texts are not to
blame and the job ends."""

Rows = Callable[[Reader], Iterable[tuple[int, str]]]
"""The rows to compare, as (id, text), read in another thread; of rows with equal texts, the first stands for all."""


async def find_neighbours(
    path: Path, rows: Rows, settings: EmbeddingsSettings, threshold: float, embedder: Embedder, control: Control
) -> AsyncGenerator[Event, None]:
    """Progressed and TextsPlanned; LaneStarted, VectorsKept, Retried, AttemptFailed and Paused while vectors are asked
    for; LeftOut where there is anything to tell; then NeighboursFound with Progressed, and NeighboursEnded.

    path: of the project database. settings: as `Settings.embeddings_at` gives them. A control that stops ends the job
    before the search; what was answered is kept. Raises what `lanes.run` and the store raise, and UsageError for a
    threshold outside 0 to 1 (before anything is asked).
    """
    checked(threshold)
    corpus = Corpus(settings)
    async with aclosing(in_thread(_read(path, rows, settings, corpus))) as events:
        async for event in events:
            yield event
    total = len(corpus.missing)
    yield TextsPlanned(
        rows=corpus.rows,
        texts=len(corpus.keys),
        missing=total,
        tokens=corpus.tokens,
        usd=due_for(Usage(corpus.tokens), embedder.price).usd,
        blank=corpus.blank,
        cut=tuple(sorted(corpus.cut)),
        cutoff=settings.cutoff,
    )
    plan = Batches(corpus.missing, settings.batch, embedder.tokens)
    if total:
        async with aclosing(_embed(plan, embedder, control)) as events:
            async for event in events:
                yield event
                if isinstance(event, VectorsKept):
                    yield Progressed(plan.answered, total, "texts embedded")
    if control.stopping:
        return
    if reasons := _left_out(corpus, plan):
        yield LeftOut(reasons)
    async with aclosing(in_thread(_search(path, settings, corpus, threshold))) as events:
        async for event in events:
            yield event


def _read(path: Path, rows: Rows, settings: EmbeddingsSettings, corpus: Corpus) -> Generator[Event, None, None]:
    with closing(Database(path, writable=False)) as database:
        database.connection.execute("BEGIN")
        known = Vectors(database, space_of(settings))
        yield from corpus.read(rows(Reader(database)), known)


async def _embed(plan: Batches, embedder: Embedder, control: Control) -> AsyncGenerator[Event, None]:
    async def work(lane: Lane, batch: Batch) -> None:
        await _settle(lane, batch, plan, embedder)

    attempts: lanes.Attempts[Batch] = plan
    async with aclosing(lanes.run(attempts, work, control)) as events:
        async for event in events:
            yield event


async def _settle(lane: Lane, batch: Batch, plan: Batches, embedder: Embedder) -> None:
    """Ask until each text of a batch has its vector, or a refusal of its own."""
    parts = [batch.left.copy()]
    while parts:
        part = parts.pop()
        if len(part) > plan.most:
            parts += _split(part, plan.most)
            continue
        try:
            paid = await _ask(lane, part, embedder)
        except TooManyError as error:
            plan.most = min(plan.most, error.most)
            parts.append(part)
        except RefusedError as error:
            if len(part) > 1:
                parts += _split(part, -(-len(part) // 2))
                continue
            plan.refuse(part, str(error))
            batch.settle(part)
            _give_up(plan, embedder)
        else:
            plan.answer(paid.kept)
            plan.refuse(paid.without, f"{embedder.name} gives a vector without a direction for this text.")
            batch.settle(part)
            if paid.kept:
                tokens = paid.usage.prompt_tokens
                await lane.hand_over(VectorsKept(lane.number, paid.kept, tokens, paid.seconds))
            _give_up(plan, embedder)


async def _ask(lane: Lane, part: Texts, embedder: Embedder) -> Paid:
    """One part's vectors, tried again where that may help."""
    await lane.turn()
    lane.say(LaneStarted(lane.number, "embedding", f"{len(part)} texts"))

    def on_retry(_tries: int, seconds: float, error: PassingError) -> None:
        lane.say(Retried(lane.number, str(error), seconds))

    return await with_retries(
        lambda: embedder.embed(part), rng=random.Random(next(iter(part)).hex()), on_retry=on_retry
    )


def _split(part: Texts, most: int) -> list[Texts]:
    """In parts of so many texts, the first one last: it is taken next."""
    items = iter(part.items())
    return [dict(islice(items, most)) for _ in range(0, len(part), most)][::-1]


def _give_up(plan: Batches, embedder: Embedder) -> None:
    """Raise ModelError when the endpoint refuses whatever it is asked."""
    if plan.on_end > (_MANY if plan.answered else _FEW):
        last = next(reversed(plan.refused.values()))
        raise ModelError(f"{embedder.name} has made no vector of {plan.on_end} texts on end. The last time: {last}")


def _left_out(corpus: Corpus, plan: Batches) -> dict[int, str]:
    reasons = dict(corpus.unreadable)
    reasons |= {row: plan.refused[key] for row, key in corpus.rows_of(plan.refused)}
    reasons |= {row: "The endpoint did not answer this time." for row, _ in corpus.rows_of(plan.failed)}
    return dict(sorted(reasons.items()))


def _search(path: Path, settings: EmbeddingsSettings, corpus: Corpus, threshold: float) -> Events:
    import numpy as np

    with closing(Database(path, writable=False)) as database:
        vectors = Vectors(database, space_of(settings))
        places = [place for place, key in enumerate(corpus.keys) if key in vectors]
        matrix = vectors.matrix([corpus.keys[place] for place in places])
    ids = np.frombuffer(corpus.firsts, np.int64) if corpus.firsts else np.empty(0, np.int64)
    pairs = len(corpus.repeated)
    if pairs:
        again, of = np.array(corpus.repeated, np.int64).T
        yield _found(ids[of], again, np.ones(pairs))
    ids = ids[places]
    whole = blocks(len(ids))
    for number, (left, right, score) in enumerate(neighbours(matrix, threshold), start=1):
        if len(score):
            pairs += len(score)
            yield _found(ids[left], ids[right], score)
        yield Progressed(len(ids) * number // whole, len(ids), "rows compared")
    yield NeighboursEnded(len(ids) + len(corpus.repeated), pairs)


def _found(one: Ids, other: Ids, score: Scores) -> NeighboursFound:
    import numpy as np

    return NeighboursFound(np.minimum(one, other), np.maximum(one, other), score)
