from __future__ import annotations

import asyncio
from types import SimpleNamespace

import msgspec
import pytest

from studio.errors import BudgetError, ModelError, UsageError
from studio.llm.budget import Budget
from studio.llm.chat import Request
from studio.llm.choice import Models, choose_model, is_small
from studio.llm.prices import load
from studio.settings import BudgetSettings, ModelSettings, RoleSettings, Settings
from tests.llm.test_ledger import Shelf
from tests.support.chat_server import ChatServer

REMOTE = "https://llm.example/v1"
TEACHER = ModelSettings(base_url=REMOTE, model="big")


def asked(model: str, number: int = 0) -> Request:
    return Request(model, (("user", f"Describe harbour {number}."),))


def roles_of(models: Models, shelf: Shelf | None = None, caps: BudgetSettings | None = None):
    names = ("teacher", "answerer", "judge")
    return SimpleNamespace(**models.roles(names, shelf or Shelf(), Budget(caps or BudgetSettings()), load({})))


def test_without_settings_the_embedded_model_is_everybody():
    roles = roles_of(Models(Settings(), 4))
    assert roles.teacher is roles.answerer is roles.judge
    assert is_small(roles.teacher)


async def test_only_the_embedded_models_prompts_can_be_measured():
    embedded = Models(Settings(), 4)
    ruler = embedded.ruler("teacher")
    assert ruler is not None
    assert ruler.context == 2048
    assert ruler is embedded.ruler("judge")
    assert Models(Settings(model=TEACHER), 4).ruler("teacher") is None


@pytest.mark.parametrize(
    ("judge", "model"),
    [
        (RoleSettings(), "big"),
        (RoleSettings(model="big"), "big"),
        (RoleSettings(model="small"), "small"),
        (RoleSettings(base_url="https://other.example/v1", model="big"), "big"),
        (RoleSettings(endpoints=("https://second.example/v1",)), "big"),
    ],
)
def test_a_role_of_its_own_has_a_pool_of_its_own(judge, model):
    models = Models(Settings(model=TEACHER, judge=judge), 4)
    roles = roles_of(models)
    assert roles.teacher is roles.answerer
    assert roles.judge.model == model
    shared = judge in (RoleSettings(), RoleSettings(model="big"))
    assert (roles.judge is roles.teacher) is (models.pool("judge") is models.pool("teacher")) is shared


@pytest.mark.parametrize(
    ("model", "judge", "says"),
    [
        (TEACHER, RoleSettings(base_url="https://other.example/v1"), "Which model of https://other.* is the judge"),
        (ModelSettings(), RoleSettings(model="small"), "Where is the judge small"),
        (ModelSettings(base_url=REMOTE), RoleSettings(), "Which model of https://llm.example/v1 shall answer"),
    ],
)  # fmt: skip
def test_half_a_model_is_refused_before_anything_is_asked(model, judge, says):
    with pytest.raises(UsageError, match=says):
        roles_of(Models(Settings(model=model, judge=judge), 4))


def test_a_key_goes_to_no_other_endpoint_than_its_own(monkeypatch):
    monkeypatch.delenv("DEEPSEEK_API_KEY", raising=False)
    teacher = msgspec.structs.replace(TEACHER, api_key_env="BIG_KEY", rpm=60)
    elsewhere = RoleSettings(base_url="https://api.deepseek.com/v1", model="deepseek-chat")
    settings = Settings(model=teacher, judge=elsewhere, answerer=RoleSettings(model="small"))
    assert settings.model_for("judge").api_key_env == ""
    assert settings.model_for("judge").rpm == settings.model_for("answerer").rpm == 0
    assert settings.model_for("answerer").api_key_env == "BIG_KEY"
    assert settings.model_for("teacher") is teacher
    with pytest.raises(ModelError, match="DEEPSEEK_API_KEY is not set"):
        Models(settings, 4).pool("judge")


def test_several_endpoints_share_the_work_and_each_is_there_once():
    chat = choose_model(msgspec.structs.replace(TEACHER, endpoints=(REMOTE, "https://second.example/v1")))
    assert len(chat.state()) == 2


def test_the_patience_of_the_settings_is_the_clients():
    chat = choose_model(msgspec.structs.replace(TEACHER, first_token=1.0, silence=2.0, total=3.0))
    limits = chat._places[0].model._timeouts
    assert (limits.first_token, limits.silence, limits.total) == (1.0, 2.0, 3.0)


def test_a_cap_in_money_on_an_unknown_price_is_refused_before_the_start():
    models = Models(Settings(model=TEACHER), 4)
    with pytest.raises(UsageError, match="price of big is not known"):
        roles_of(models, caps=BudgetSettings(usd=1))
    assert roles_of(models, caps=BudgetSettings(tokens=1))


async def test_a_chain_replays_past_the_budget_and_counts_every_role():
    async with ChatServer() as server:
        there = ModelSettings(base_url=server.url, model="teacher-large")
        models = Models(Settings(model=there, judge=RoleSettings(model="teacher-small")), 4)
        shelf = Shelf()
        for replayed in (False, True):
            roles = roles_of(models, shelf, BudgetSettings(requests=2, usd=1))
            assert (await roles.teacher.reply(asked("teacher-large"))).replayed is replayed
            assert (await roles.judge.reply(asked("teacher-small"))).replayed is replayed
            assert (await roles.answerer.reply(asked("teacher-large"))).replayed
        await roles.teacher.reply(asked("teacher-large", 1))
        await roles.judge.reply(asked("teacher-small", 1))
        with pytest.raises(BudgetError, match="2 requests"):
            await roles.teacher.reply(asked("teacher-large", 2))
        await models.close()
        assert len(server.asked) == 4
        assert {request.body["model"] for request in server.asked} == {"teacher-large", "teacher-small"}


async def test_other_settings_count_from_the_next_request_on():
    async with ChatServer(latency=0.02) as first, ChatServer() as second:
        before = Settings(model=ModelSettings(base_url=first.url, model="m"))
        models = Models(before, 2)
        roles = roles_of(models)
        pool = models.pool("teacher")
        asking = asyncio.gather(*(roles.teacher.reply(asked("m", number)) for number in range(8)))
        await asyncio.sleep(0.01)
        models.change(before, 6)
        assert models.pool("teacher") is pool
        await asking
        assert first.most_at_once == 6
        models.change(Settings(model=ModelSettings(base_url=second.url, model="m")), 6)
        await roles_of(models).teacher.reply(asked("m", 9))
        assert len(second.asked) == 1
        await models.close()
