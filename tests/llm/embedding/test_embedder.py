"""Between a job and an embedding model: kept before anybody goes on, within the budget, at the endpoint's pace."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from studio.curate.duplicates.semantic import unit
from studio.errors import BudgetError, PassingError, StudioError, UsageError
from studio.llm.budget import Budget, Spent
from studio.llm.chat import Usage
from studio.llm.choice import choose_embedder
from studio.llm.embedding.embedder import Embedder
from studio.llm.embedding.embeddings import Embedded, TooManyError
from studio.llm.limits import Limits
from studio.llm.prices import FREE, Price, load
from studio.settings import BudgetSettings, EmbeddingsSettings, ModelSettings, Settings
from tests.support.chat_server import ChatServer
from tests.support.fake_embeddings import FakeEmbeddings, answer_to
from tests.support.vectors import vector
from tests.support.virtual_time import run

PRICE = Price(input=2.0, output=0.0)
TEXTS = {b"one": "Name a harbour.", b"two": "说出一个港口。", b"three": "Explain tides."}


class Shelf:
    """A VectorStore in memory. moments: how many vectors had been kept at each sync."""

    def __init__(self) -> None:
        self.kept: dict[bytes, list[float]] = {}
        self.moments: list[int] = []

    def keep(self, keys, vectors) -> None:
        assert vectors.dtype == np.float16
        self.kept |= dict(zip(keys, vectors.tolist(), strict=True))

    def sync(self) -> None:
        self.moments.append(len(self.kept))


def embedder(model, shelf=None, caps=None, price=PRICE, limits=None, **more) -> Embedder:
    return Embedder(model, limits or Limits(4), Budget(caps or BudgetSettings()), price, shelf or Shelf(), **more)


async def test_vectors_are_kept_at_length_one_and_synced_before_anybody_goes_on():
    shelf = Shelf()
    paid = await embedder(FakeEmbeddings(), shelf).embed(TEXTS)
    assert (paid.kept, paid.without, paid.usage) == (3, (), Usage(3 + 1 + 2))
    assert shelf.moments == [3]
    expected = unit(np.array([vector(text) for text in TEXTS.values()]))
    assert list(shelf.kept.items()) == list(zip(TEXTS, expected.tolist(), strict=True))


@pytest.mark.parametrize("hole", [np.nan, np.inf, 0.0])
async def test_texts_whose_vectors_have_no_direction_are_told_and_not_kept(hole):
    def script(texts):
        answer = answer_to(texts)
        answer.vectors[1] = hole
        return answer

    shelf = Shelf()
    paid = await embedder(FakeEmbeddings(script), shelf).embed(TEXTS)
    assert (paid.kept, paid.without) == (2, (b"two",))
    assert list(shelf.kept) == [b"one", b"three"]


async def test_an_answer_without_one_direction_keeps_nothing():
    shelf = Shelf()
    empty = FakeEmbeddings(lambda texts: Embedded(np.zeros((len(texts), 4)), Usage(), "m", 0.1))
    assert (await embedder(empty, shelf).embed(TEXTS)).without == tuple(TEXTS)
    assert shelf.kept == {}


@pytest.mark.parametrize("step", ["keep", "sync"])
async def test_a_store_that_cannot_keep_lets_nobody_go_on(step):
    def full(*_):
        raise StudioError("The disk is full.")

    shelf = Shelf()
    setattr(shelf, step, full)
    with pytest.raises(StudioError, match="full"):
        await embedder(FakeEmbeddings(), shelf).embed(TEXTS)


async def test_an_answer_that_has_arrived_is_kept_though_its_waiter_is_cancelled_at_that_moment():
    def script(_):
        waiter.cancel()

    shelf = Shelf()
    waiter = asyncio.create_task(embedder(FakeEmbeddings(script), shelf).embed(TEXTS))
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert len(shelf.kept) == 3


async def test_what_it_costs_is_counted_as_the_endpoint_counts_and_else_estimated():
    budget = Budget(BudgetSettings(), clock=lambda: 0.0)
    fake = FakeEmbeddings(lambda texts: answer_to(texts, tokens=500_000))
    await Embedder(fake, Limits(4), budget, PRICE, Shelf()).embed(TEXTS)
    assert budget.spent == Spent(1, 500_000, pytest.approx(1.0), 0.0)
    silent = Embedder(FakeEmbeddings(lambda texts: answer_to(texts, tokens=0)), Limits(4), budget, PRICE, Shelf())
    paid = await silent.embed(TEXTS)
    assert paid.usage.prompt_tokens == sum(silent.tokens(text) for text in TEXTS.values()) > 12
    assert budget.spent.tokens == 500_000 + paid.usage.prompt_tokens


async def test_a_cap_ends_it_before_the_next_request():
    fake = FakeEmbeddings(lambda texts: answer_to(texts, tokens=600))
    asking = embedder(fake, caps=BudgetSettings(tokens=1000))
    await asking.embed(TEXTS)
    await asking.embed(TEXTS)
    with pytest.raises(BudgetError, match="1,000 tokens are used"):
        await asking.embed(TEXTS)
    assert len(fake.asked) == 2


async def test_what_was_perhaps_charged_counts_and_what_was_refused_does_not():
    budget = Budget(BudgetSettings(), clock=lambda: 0.0)
    errors = [PassingError("cut", paid=True), PassingError("busy"), TooManyError("many", 2)]
    asking = Embedder(FakeEmbeddings(lambda _: errors.pop(0)), Limits(4), budget, PRICE, Shelf())
    for spent in (0, 1, 1):
        with pytest.raises(StudioError):
            await asking.embed(TEXTS)
        expected = sum(asking.tokens(text) for text in TEXTS.values())
        assert budget.spent.tokens == expected, spent


def test_a_cap_in_dollars_needs_a_price():
    with pytest.raises(UsageError, match=r"price of fake is not known, so the cap of \$1.00"):
        embedder(FakeEmbeddings(), caps=BudgetSettings(usd=1.0), price=None)
    embedder(FakeEmbeddings(), caps=BudgetSettings(usd=1.0), price=FREE)


def test_the_prefix_counts_for_each_text():
    assert embedder(FakeEmbeddings(), prefix_tokens=7).tokens("") == embedder(FakeEmbeddings()).tokens("") + 7


def test_requests_go_at_the_pace_of_the_limits():
    async def go():
        moments = []
        fake = FakeEmbeddings(lambda _: moments.append(asyncio.get_running_loop().time()))
        asking = embedder(fake, limits=Limits(4, rpm=60), clock=asyncio.get_running_loop().time)
        await asyncio.gather(*(asking.embed(TEXTS) for _ in range(3)))
        assert moments == pytest.approx([0.0, 1.0, 2.0])

    run(go())


# -- which one the settings mean -----------------------------------------------------------------


def choose(caps=None, **given):
    settings = Settings(
        model=ModelSettings(base_url="https://llm.example/v1", api_key_env="HARBOUR_KEY"),
        embeddings=EmbeddingsSettings(**given),
        budget=caps or BudgetSettings(),
    )
    return choose_embedder(settings, Shelf(), Budget(settings.budget), load({}))


async def test_the_settings_reach_the_endpoint_and_the_store(monkeypatch):
    monkeypatch.setenv("HARBOUR_KEY", "sk-harbour")
    async with ChatServer(key="sk-harbour") as server:
        settings = Settings(
            model=ModelSettings(base_url=server.url, api_key_env="HARBOUR_KEY"),
            embeddings=EmbeddingsSettings(model="m", dimensions=16, prefix="query: "),
        )
        shelf = Shelf()
        chosen = choose_embedder(settings, shelf, Budget(settings.budget), load({}))
        assert (await chosen.embed(TEXTS)).kept == 3
        await chosen.close()
    assert server.asked[0].body["input"][0] == "query: Name a harbour."
    assert {len(numbers) for numbers in shelf.kept.values()} == {16}
    assert chosen.price == FREE, "it runs on this machine"


def test_a_known_price_is_found_and_an_unknown_one_is_no_price(monkeypatch):
    monkeypatch.setenv("HARBOUR_KEY", "sk-harbour")
    assert choose(model="text-embedding-3-small").price.input == 0.02
    assert choose(model="own-embed").price is None
    with pytest.raises(UsageError, match="own-embed"):
        choose(BudgetSettings(usd=1.0), model="own-embed")


def test_a_key_goes_to_no_endpoint_it_was_not_made_for(monkeypatch):
    monkeypatch.setenv("HARBOUR_KEY", "sk-harbour")
    elsewhere = choose(model="m", base_url="https://other.example/v1")
    assert elsewhere._inner._access.endpoint.key_name == ""
    assert choose(model="m")._inner._access.endpoint.key_name == "HARBOUR_KEY"
