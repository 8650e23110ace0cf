"""Semantic neighbours as a job: what is asked, what is kept, which pairs come, what is said of the rest."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from studio.curate.duplicates.semantic import unit
from studio.errors import BudgetError, ModelError, PassingError, ProjectError, RefusedError, UsageError
from studio.jobs.duplicates import semantic_plan
from studio.jobs.duplicates.semantic import find_neighbours
from studio.jobs.duplicates.semantic_events import LeftOut, NeighboursEnded, NeighboursFound, TextsPlanned, VectorsKept
from studio.jobs.duplicates.semantic_plan import space_of
from studio.jobs.events import AttemptFailed, Paused, Progressed, Retried
from studio.jobs.runs.control import Control
from studio.llm.budget import Budget
from studio.llm.embedding.embedder import Embedder
from studio.llm.embedding.embeddings import Embedded, TooManyError
from studio.llm.limits import Limits
from studio.llm.prices import Price
from studio.settings import BudgetSettings, EmbeddingsSettings
from studio.store.database import Database
from studio.store.vectors import Vectors
from tests.support.chat_server import ChatServer, Fault, flaky
from tests.support.fake_embeddings import FakeEmbeddings, answer_to
from tests.support.vectors import vector

ROWS = [
    (1, "Name three harbours of the north."),
    (2, "Name three harbors of the north"),
    (3, "Explain how a kiln is fired."),
    (5, "写一首关于秋天大海的短诗。"),
    (8, "写一首关于秋天大海的诗。"),
    (9, "解释一下陶窑是怎样烧制的。"),
]
MANY = [(number, f"Describe tool number {number} of a carpenter. 说说木匠的工具。") for number in range(1, 201)]
SETTINGS = EmbeddingsSettings(model="fake", batch=8)
PRICE = Price(input=2.0, output=0.0)


@pytest.fixture
def database(tmp_path):
    database = Database(tmp_path / "studio.db", writable=True)
    yield database
    database.close()


class Search:
    """One search over a database; what it said, by kind."""

    def __init__(self, database, model, *, settings=SETTINGS, caps=None, price=PRICE, control=None, limits=None):
        self.database, self.settings = database, settings
        self.budget = Budget(caps or BudgetSettings())
        self.vectors = Vectors(database, space_of(settings))
        self.embedder = Embedder(model, limits or Limits(8), self.budget, price, self.vectors)
        self.control = control or Control(concurrency=4)
        self.said = []

    def events(self, rows, threshold=0.85):
        return find_neighbours(
            self.database.path, lambda _: iter(rows), self.settings, threshold, self.embedder, self.control
        )

    async def run(self, rows, threshold=0.85):
        async for event in self.events(rows, threshold):
            self.said.append(event)
        return self

    def all(self, kind):
        return [event for event in self.said if isinstance(event, kind)]

    def one(self, kind):
        (event,) = self.all(kind)
        return event

    @property
    def pairs(self):
        found = {}
        for event in self.all(NeighboursFound):
            assert len(event.left)
            for left, right, score in zip(event.left.tolist(), event.right.tolist(), event.score.tolist(), strict=True):
                assert left < right
                assert (left, right) not in found
                found[left, right] = score
        return found


def expected(rows, threshold):
    """The pairs of comparing all, with the vectors the server makes."""
    matrix = unit(np.array([vector(text) for _, text in rows])).astype(np.float64)
    lengths = np.linalg.norm(matrix, axis=1)
    scores = matrix @ matrix.T / lengths / lengths[:, None]
    return {
        (rows[one][0], rows[other][0]): pytest.approx(scores[one, other])
        for one, other in combinations(range(len(rows)), 2)
        if scores[one, other] >= threshold
    }


async def test_the_close_pairs_in_both_languages(database):
    search = await Search(database, FakeEmbeddings()).run(ROWS)
    assert search.pairs == expected(ROWS, 0.85)
    assert search.pairs.keys() == {(1, 2), (5, 8)}
    assert search.one(NeighboursEnded) == NeighboursEnded(rows=6, pairs=2)
    planned = search.one(TextsPlanned)
    assert (planned.rows, planned.texts, planned.missing, planned.blank, planned.cut) == (6, 6, 6, 0, ())
    assert planned.usd == pytest.approx(planned.tokens * 2.0 / 1e6)
    assert not search.all(LeftOut)


async def test_each_text_is_asked_for_once_and_never_again(database):
    fake = FakeEmbeddings()
    first = await Search(database, fake).run(MANY, 0.6)
    assert len(fake.asked) == 25
    assert sorted(text for batch in fake.asked for text in batch) == sorted(text for _, text in MANY)
    assert sum(event.texts for event in first.all(VectorsKept)) == 200
    assert first.all(Progressed)[-1].done == 200
    again = await Search(database, fake).run(MANY, 0.6)
    assert len(fake.asked) == 25
    assert (again.one(TextsPlanned).missing, again.one(TextsPlanned).usd) == (0, 0.0)
    assert again.pairs == first.pairs == expected(MANY, 0.6)
    more = [*MANY, (300, "Name three harbours of the south.")]
    await Search(database, fake).run(more, 0.6)
    assert fake.asked[25:] == [["Name three harbours of the south."]]


async def test_other_dimensions_or_another_prefix_are_asked_for_anew(database):
    fake = FakeEmbeddings()
    for settings in (SETTINGS, EmbeddingsSettings(model="fake", prefix="query: "), EmbeddingsSettings(model="other")):
        await Search(database, fake, settings=settings).run(ROWS)
    assert sum(map(len, fake.asked)) == 18


async def test_vectors_are_on_disk_before_the_event_that_tells_of_them(database):
    search = Search(database, FakeEmbeddings())
    other = Database(database.path, writable=False)
    told = 0
    async for event in search.events(MANY):
        if isinstance(event, VectorsKept):
            told += event.texts
            assert len(Vectors(other, space_of(SETTINGS))) >= told
    other.close()
    assert told == 200


async def test_whoever_stops_at_the_plan_has_paid_nothing(database):
    fake = FakeEmbeddings()
    events = Search(database, fake).events(MANY)
    async for event in events:
        if isinstance(event, TextsPlanned):
            break
    await events.aclose()
    assert fake.asked == []


async def test_rows_with_the_same_text_are_paired_with_the_first_and_asked_for_once(database):
    fake = FakeEmbeddings()
    rows = [*ROWS, (20, ROWS[0][1]), (21, ROWS[0][1]), (22, ROWS[3][1])]
    search = await Search(database, fake).run(rows)
    assert sum(map(len, fake.asked)) == 6
    assert search.pairs.keys() == {(1, 2), (5, 8), (1, 20), (1, 21), (5, 22)}
    assert search.pairs[1, 20] == 1.0
    assert search.one(NeighboursEnded) == NeighboursEnded(rows=9, pairs=5)


async def test_the_lower_id_is_on_the_left_whatever_the_order_of_the_rows(database):
    search = await Search(database, FakeEmbeddings()).run([*ROWS, (30, ROWS[0][1])][::-1])
    assert search.pairs.keys() == {(2, 30), (5, 8), (1, 30)}, "30 came first and stands for 1"


async def test_blank_rows_take_no_part(database):
    fake = FakeEmbeddings()
    search = await Search(database, fake).run([(1, ""), (2, " \n\u3000"), (3, "Explain tides.")])
    assert search.one(TextsPlanned).blank == 2
    assert fake.asked == [["Explain tides."]]
    assert search.one(NeighboursEnded) == NeighboursEnded(rows=1, pairs=0)


async def test_no_rows_at_all(database):
    search = await Search(database, FakeEmbeddings()).run([])
    assert search.one(NeighboursEnded) == NeighboursEnded(rows=0, pairs=0)


async def test_long_texts_lose_their_end_at_a_length_that_is_told(database):
    fake = FakeEmbeddings()
    settings = EmbeddingsSettings(model="fake", cutoff=20, prefix="q: ")
    long, chinese = "harbour " * 40, "港口" * 40
    rows = [(1, long), (2, "short"), (3, chinese), (4, long + "another end"), (5, "a lighthouse")]
    search = await Search(database, fake, settings=settings).run(rows, 0.99)
    planned = search.one(TextsPlanned)
    assert (planned.cut, planned.cutoff, planned.texts) == ((1, 3, 4), 20, 4)
    asked = {text for batch in fake.asked for text in batch}
    assert asked == {long[:60], "short", chinese[:22], "a lighthouse"}
    assert search.pairs == {(1, 4): 1.0}, "compared by their beginnings, and the event says which rows"


async def test_batches_keep_to_the_setting_and_to_the_tokens(database, monkeypatch):
    monkeypatch.setattr(semantic_plan, "MOST_TOKENS", 100)
    fake = FakeEmbeddings()
    rows = [(1, "a" * 1000), *((number, "b" * number) for number in range(2, 60))]
    await Search(database, fake, settings=EmbeddingsSettings(model="fake", batch=10)).run(rows)
    assert fake.asked[0] == ["a" * 1000], "one that is too long by itself goes alone"
    sizes = [sum(Search(database, fake).embedder.tokens(text) for text in batch) for batch in fake.asked[1:]]
    assert max(sizes) <= 100
    assert max(map(len, fake.asked)) == 10


async def test_requests_at_once_are_those_of_the_control(database):
    fake = FakeEmbeddings(delay=0.005)
    await Search(database, fake, control=Control(concurrency=3)).run(MANY)
    assert fake.most_at_once == 3


async def test_a_refused_text_leaves_the_others_their_vectors(database):
    def script(texts):
        if any("kiln" in text or "陶窑" in text for text in texts):
            return RefusedError("The content filter refuses this.")
        return None

    search = await Search(database, FakeEmbeddings(script)).run([*MANY, *((500 + row, text) for row, text in ROWS)])
    assert search.one(LeftOut).reasons == dict.fromkeys([503, 509], "The content filter refuses this.")
    assert len(Vectors(database, space_of(SETTINGS))) == 204
    assert search.one(NeighboursEnded).rows == 204
    assert not search.all(AttemptFailed)


async def test_a_text_without_a_direction_is_left_out_and_told(database):
    async with ChatServer(broken="kiln") as server:
        search = Search(database, client(server))
        await search.run(ROWS)
        await search.embedder.close()
    ((row, reason),) = search.one(LeftOut).reasons.items()
    assert row == 3
    assert "without a direction" in reason
    assert search.pairs.keys() == {(1, 2), (5, 8)}


def client(server, **more):
    from studio.llm.embedding.embeddings import OpenAIEmbeddings

    return OpenAIEmbeddings(server.url, "fake", **more)


async def test_half_a_character_is_left_out_and_told(database):
    fake = FakeEmbeddings()
    search = await Search(database, fake).run([*ROWS, (40, "broken \ud800 text")])
    assert search.one(LeftOut).reasons == {40: "The text holds half a character, which cannot be sent."}
    assert search.pairs.keys() == {(1, 2), (5, 8)}


@pytest.mark.parametrize(
    "script",
    [
        lambda texts: RefusedError("Something is wrong with all of them."),
        lambda texts: Embedded(np.full((len(texts), 4), np.nan), answer_to(texts).usage, "fake", 0.1),
    ],
)
async def test_an_endpoint_that_makes_no_vector_of_anything_ends_the_job_soon(database, script):
    fake = FakeEmbeddings(script)
    with pytest.raises(ModelError, match=r"no vector of \d+ texts on end") as caught:
        await Search(database, fake, control=Control(concurrency=1)).run(MANY)
    assert not isinstance(caught.value, RefusedError | PassingError)
    assert len(fake.asked) < 12


async def test_an_endpoint_that_begins_to_refuse_everything_ends_the_job_before_each_text_was_tried(database):
    def script(texts):
        return RefusedError("Whatever.") if any(int(text.split()[3]) > 40 for text in texts) else None

    fake = FakeEmbeddings(script)
    rows = [(number, f"Describe tool number {number} of a carpenter.") for number in range(1, 1001)]
    with pytest.raises(ModelError, match="no vector of 51 texts on end"):
        await Search(database, fake, control=Control(concurrency=1)).run(rows)
    assert len(Vectors(database, space_of(SETTINGS))) == 40
    assert len(fake.asked) < 130


async def test_an_endpoint_that_takes_fewer_texts_is_asked_for_fewer(database):
    async with ChatServer(most_texts=3) as server:
        search = Search(database, client(server), control=Control(concurrency=1))
        await search.run(MANY)
        await search.embedder.close()
    sizes = [len(request.body["input"]) for request in server.asked]
    assert sizes[0] == 8, "it learns"
    assert max(sizes[1:]) == 3
    assert sum(size for size in sizes if size <= 3) == 200
    assert search.pairs == expected(MANY, 0.85)


async def test_faults_that_pass_cost_time_and_nothing_else(database):
    async with ChatServer(flaky(0.4)) as server:
        search = Search(database, client(server))
        await search.run(MANY, 0.6)
        await search.embedder.close()
    assert search.pairs == expected(MANY, 0.6)
    assert len({request.kind for request in server.asked}) > 3
    assert search.all(Retried)
    answered = Counter(text for request in server.asked if request.kind == "ok" for text in request.body["input"])
    assert answered == Counter(text for _, text in MANY), "each text was answered once"


async def test_an_endpoint_that_limits_the_rate_is_waited_for(database):
    async with ChatServer(latency=0.01, at_once=2, retry_after="0.03") as server:
        search = Search(database, client(server), control=Control(concurrency=6))
        await search.run(MANY)
        await search.embedder.close()
    assert len(Vectors(database, space_of(SETTINGS))) == 200
    assert sum(request.kind == "ok" for request in server.asked) == 25


def failing(*numbers, error):
    """A script that fails these requests, counted from 0."""
    asked = iter(range(10**6))
    return lambda _: error if next(asked) in numbers else None


@pytest.fixture
def impatient(monkeypatch):
    """Nothing is asked twice."""
    monkeypatch.setattr("studio.jobs.duplicates.semantic.with_retries", lambda call, **_: call())


async def test_a_request_that_is_never_answered_leaves_its_rows_out_this_time(database, impatient):
    fake = FakeEmbeddings(failing(2, error=PassingError("busy")))
    search = await Search(database, fake, control=Control(concurrency=1)).run(MANY)
    assert search.one(LeftOut).reasons == dict.fromkeys(range(17, 25), "The endpoint did not answer this time.")
    assert search.one(AttemptFailed).message == "busy"
    assert search.one(NeighboursEnded).rows == 192
    again = await Search(database, fake).run(MANY)
    assert (again.one(TextsPlanned).missing, again.all(LeftOut)) == (8, [])


async def test_what_dooms_every_request_ends_the_job_and_what_was_answered_is_kept(database):
    fake = FakeEmbeddings(failing(*range(10, 1000), error=ModelError("no credit")))
    search = Search(database, fake, control=Control(concurrency=2))
    with pytest.raises(ModelError, match="no credit"):
        await search.run(MANY)
    assert len(Vectors(database, space_of(SETTINGS))) == 80
    assert not search.all(NeighboursEnded)
    await Search(database, FakeEmbeddings()).run(MANY)
    assert len(Vectors(database, space_of(SETTINGS))) == 200


async def test_an_attended_job_pauses_and_goes_on_where_it_was(database):
    fake = FakeEmbeddings(failing(5, 6, error=ModelError("no credit")))
    control = Control(concurrency=2, attended=True)
    search = Search(database, fake, control=control)
    async for event in search.events(MANY):
        search.said.append(event)
        if isinstance(event, Paused):
            control.resume()
    assert search.all(Paused)
    assert len(Vectors(database, space_of(SETTINGS))) == 200
    assert not search.all(LeftOut)
    assert sorted(text for batch in fake.answered for text in batch) == sorted(text for _, text in MANY)


async def test_a_cap_of_the_budget_ends_it_and_what_was_paid_is_kept(database):
    fake = FakeEmbeddings()
    with pytest.raises(BudgetError, match="6 requests are made"):
        await Search(database, fake, caps=BudgetSettings(requests=6)).run(MANY)
    assert len(Vectors(database, space_of(SETTINGS))) == 48
    with pytest.raises(UsageError, match="price of fake"):
        Search(database, fake, caps=BudgetSettings(usd=1), price=None)


@pytest.mark.parametrize("ending", ["stop", "stop_now"])
async def test_a_stopped_job_keeps_what_was_answered_and_does_not_search(database, ending):
    control = Control(concurrency=2)
    search = Search(database, FakeEmbeddings(delay=0.002), control=control)
    async for event in search.events(MANY):
        search.said.append(event)
        if isinstance(event, VectorsKept):
            getattr(control, ending)()
    kept = len(Vectors(database, space_of(SETTINGS)))
    assert sum(event.texts for event in search.all(VectorsKept)) <= kept < 200
    assert not search.all(NeighboursEnded)
    fake = FakeEmbeddings()
    await Search(database, fake).run(MANY)
    assert sum(map(len, fake.asked)) == 200 - kept


async def test_a_consumer_that_leaves_keeps_what_was_answered(database):
    async def consume():
        with contextlib.suppress(asyncio.CancelledError):
            async with contextlib.aclosing(Search(database, FakeEmbeddings(delay=0.002)).events(MANY)) as events:
                async for event in events:
                    if isinstance(event, VectorsKept):
                        task.cancel()

    task = asyncio.create_task(consume())
    await task
    assert 0 < len(Vectors(database, space_of(SETTINGS))) < 200
    assert len(asyncio.all_tasks()) == 1


async def test_another_model_by_the_same_name_is_told_and_costs_nothing_that_was_kept(database):
    await Search(database, FakeEmbeddings()).run(ROWS)
    wider = FakeEmbeddings(lambda texts: Embedded(np.ones((len(texts), 7)), answer_to(texts).usage, "fake", 0.1))
    with pytest.raises(ProjectError, match="7 dimensions, and those kept have 96"):
        await Search(database, wider).run(MANY)
    assert len(Vectors(database, space_of(SETTINGS))) == 6


@pytest.mark.parametrize("threshold", [-0.5, 1.5])
async def test_a_wrong_threshold_is_told_before_anything_is_asked(database, threshold):
    fake = FakeEmbeddings()
    with pytest.raises(UsageError, match="between 0 and 1"):
        await Search(database, fake).run(ROWS, threshold)
    assert fake.asked == []


async def test_too_many_texts_for_one_are_halved_at_last(database):
    fake = FakeEmbeddings(lambda texts: TooManyError("too many", len(texts) // 2) if len(texts) > 1 else None)
    await Search(database, fake).run(ROWS)
    assert len(Vectors(database, space_of(SETTINGS))) == 6


async def test_answers_that_are_wrong_each_time_end_the_job(database, impatient):
    async with ChatServer(lambda *_: Fault("fewer")) as server:
        search = Search(database, client(server), control=Control(concurrency=2))
        with pytest.raises(ModelError, match="sent 7 vectors for 8 texts"):
            await search.run(MANY)
        await search.embedder.close()
    assert len(Vectors(database, space_of(SETTINGS))) == 0
