"""The client of embeddings against the loopback server: every way an answer comes, every way it goes wrong."""

from __future__ import annotations

import asyncio
import logging
import traceback

import numpy as np
import pytest

from studio.errors import ModelError, PassingError, RefusedError
from studio.llm.embedding.embeddings import OpenAIEmbeddings, TooManyError
from studio.llm.openai_chat import Timeouts
from tests.support.chat_server import FILTERED, TOO_LONG, ChatServer, Fault
from tests.support.vectors import WIDTH, vector

CANARY = "sk-canary-2b8e61f4d0"
QUICK = Timeouts(connect=1.0, total=0.5)
TEXTS = ["Name three harbours.", "说出三个港口。", "Name three harbors!", "线分隔\u2028符号\x85 and \U0001f6a2"]


@pytest.fixture
async def asking():
    """A server, and a model that asks it."""
    async with ChatServer() as server:
        model = OpenAIEmbeddings(server.url, "harbour-embed", timeouts=QUICK)
        yield server, model
        await model.close()


def expected(texts, width=WIDTH):
    return np.array([vector(text, width) for text in texts])


async def test_vectors_come_with_their_usage_and_model(asking):
    server, model = asking
    found = await model.embed(TEXTS)
    assert found.vectors == pytest.approx(expected(TEXTS), rel=1e-6)
    assert found.usage.prompt_tokens == sum(len(text.split()) for text in TEXTS)
    assert found.usage.completion_tokens == 0
    assert found.model == "harbour-embed"
    assert 0 < found.seconds < 5
    assert server.asked[0].body == {"model": "harbour-embed", "input": TEXTS, "encoding_format": "base64"}


async def test_alike_texts_are_near_each_other_in_both_languages(asking):
    _, model = asking
    texts = ["Name three harbours of the north.", "Name three harbors of the north", "Explain how a kiln is fired."]
    texts += ["写一首关于秋天大海的短诗。", "写一首关于秋天大海的诗。", "解释一下陶窑是怎样烧制的。"]
    vectors = (await model.embed(texts)).vectors
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    near = vectors @ vectors.T
    assert min(near[0, 1], near[3, 4]) > 0.85 > 0.4 > max(near[0, 2], near[3, 5], near[0, 3])


@pytest.mark.parametrize("way", ["given", "ignored", "refused"])
async def test_numbers_are_the_same_in_base64_and_in_lists(asking, way):
    server, model = asking
    server.base64 = way
    for _ in range(3):
        assert (await model.embed(TEXTS)).vectors == pytest.approx(expected(TEXTS), rel=1e-6)
    formats = [request.body.get("encoding_format") for request in server.asked]
    # An endpoint that refuses base64 is asked so once, and never again.
    assert formats == {"refused": ["base64", None, None, None]}.get(way, ["base64"] * 3)


async def test_requests_at_once_that_all_learn_that_base64_is_refused(asking):
    server, model = asking
    server.base64, server.latency = "refused", 0.02
    found = await asyncio.gather(*(model.embed([text]) for text in TEXTS))
    assert np.concatenate([one.vectors for one in found]) == pytest.approx(expected(TEXTS), rel=1e-6)


@pytest.mark.parametrize("kind", ["shuffled", "unnumbered"])
async def test_vectors_are_told_apart_by_their_numbers_and_else_by_their_order(asking, kind):
    server, model = asking
    server.script = [Fault(kind)]
    assert (await model.embed(TEXTS)).vectors == pytest.approx(expected(TEXTS), rel=1e-6)


async def test_dimensions_and_a_prefix_are_sent_along():
    async with ChatServer() as server:
        model = OpenAIEmbeddings(server.url, "m", dimensions=24, prefix="查询: ")
        found = await model.embed(TEXTS)
        await model.close()
        assert found.vectors == pytest.approx(expected([f"查询: {text}" for text in TEXTS], 24), rel=1e-6)
        assert server.asked[0].body["dimensions"] == 24
        assert server.asked[0].body["input"][1] == "查询: 说出三个港口。"


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("429", "limits our rate (429): planned 429"),
        ("500", "has trouble (500)"),
        ("hang", "kept us waiting 0.5 s for the vectors"),
        ("hang-mid", "kept us waiting"),
        ("drip", "kept us waiting"),
        ("drop", "broke"),
        ("cut", "broke"),
        ("malformed", "not JSON"),
        ("wrong-schema", "not a list of embeddings (Expected"),
        ("html", "web page"),
        ("error-200", "overloaded upstream"),
        ("no-choices", "sent 0 vectors for 4 texts"),
        ("fewer", "sent 3 vectors for 4 texts"),
        ("uneven", f"different lengths ({WIDTH - 1} and {WIDTH})"),
        ("misnumbered", "which text is whose"),
        ("no-base64", "no base64 of 32-bit numbers"),
    ],
)
async def test_every_fault_that_may_pass_is_a_passing_error(asking, kind, says):
    server, model = asking
    server.script = [Fault(kind)]
    with pytest.raises(PassingError) as caught:
        await model.embed(TEXTS)
    assert says in caught.value.message
    assert server.url in caught.value.message
    assert caught.value.title == "Embeddings"
    assert len(server.asked) == 1, "no hidden retries"
    assert (await model.embed(TEXTS)).vectors.shape == (4, WIDTH), "the client is fine afterwards"


@pytest.mark.parametrize(
    ("kind", "paid"),
    [("429", False), ("500", False), ("html", False), ("hang", True), ("cut", True), ("drop", True), ("fewer", True)],
)
async def test_what_may_have_been_charged_is_told(asking, kind, paid):
    server, model = asking
    server.script = [Fault(kind)]
    with pytest.raises(PassingError) as caught:
        await model.embed(TEXTS)
    assert caught.value.paid is paid
    assert caught.value.limited is (kind == "429")


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("0.5", 0.5), (None, None)])
async def test_retry_after_reaches_the_caller(asking, header, seconds):
    server, model = asking
    server.script = [Fault("429", retry_after=header)]
    with pytest.raises(PassingError) as caught:
        await model.embed(TEXTS)
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize("way", ["given", "ignored"])
@pytest.mark.parametrize(("kind", "finite"), [("nan", False), ("zeros", True)])
async def test_a_vector_without_a_direction_is_passed_on_for_what_it_is(asking, kind, finite, way):
    server, model = asking
    server.base64, server.script = way, [Fault(kind)]
    vectors = (await model.embed(TEXTS)).vectors
    assert np.isfinite(vectors[0]).all() == finite
    assert vectors[1:] == pytest.approx(expected(TEXTS[1:]), rel=1e-6)


async def test_an_endpoint_that_ignores_the_dimensions_is_told_to_the_person():
    async with ChatServer([Fault("narrow")]) as server:
        model = OpenAIEmbeddings(server.url, "m", dimensions=48)
        with pytest.raises(ModelError, match="24 dimensions where 48 were asked for") as caught:
            await model.embed(TEXTS)
        await model.close()
    assert not isinstance(caught.value, PassingError | RefusedError)
    assert "dimensions = 0" in caught.value.hint


async def test_more_texts_than_an_endpoint_takes_say_how_many_it_does(asking):
    server, model = asking
    server.most_texts = 3
    with pytest.raises(TooManyError, match="refuses 4 texts in one request") as caught:
        await model.embed(TEXTS)
    assert caught.value.most == 3
    assert "batch = 3" in caught.value.hint
    assert len((await model.embed(TEXTS[:3])).vectors) == 3


@pytest.mark.parametrize("fault", [FILTERED, TOO_LONG])
async def test_a_request_that_is_refused_leaves_the_others_alone(asking, fault):
    server, model = asking
    server.script = [fault]
    with pytest.raises(RefusedError) as caught:
        await model.embed(TEXTS)
    assert "max_tokens" not in caught.value.hint
    assert len((await model.embed(TEXTS)).vectors) == 4


async def test_a_text_that_is_no_text_is_not_sent(asking):
    server, model = asking
    with pytest.raises(RefusedError, match="UTF-8"):
        await model.embed(["fine", "half \ud83d a boat"])
    assert server.asked == []


async def test_the_headers_of_each_answer_are_told(asking):
    server, model = asking
    server.script = [Fault(headers=(("x-ratelimit-remaining-tokens", "17"),))]
    told = []
    model.on_headers = lambda headers: told.append(headers["x-ratelimit-remaining-tokens"])
    await model.embed(TEXTS)
    assert told == ["17"]


async def test_a_server_that_restarts_is_asked_again(asking):
    server, model = asking
    await model.embed(TEXTS)
    await server.stop()
    with pytest.raises(PassingError, match="No connection"):
        await model.embed(TEXTS)
    await server.start()
    assert len((await model.embed(TEXTS)).vectors) == 4


async def test_after_close_a_question_opens_a_new_client(asking):
    _, model = asking
    await model.embed(TEXTS)
    await model.close()
    await model.close()
    assert len((await model.embed(TEXTS)).vectors) == 4


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", status=401, text=f"Incorrect API key provided: {CANARY}"),
        Fault("status", status=403, text=f"Bearer {CANARY} may not"),
        Fault("status", status=400, code=CANARY, text="x" * 290 + CANARY),
        Fault("status", status=404, code="model_not_found", text=f"no model for {CANARY}"),
        Fault("status", status=400, text=f"{CANARY}: batch size is invalid, it should not be larger than 2."),
        Fault("status", status=400, text=f"dimensions of {CANARY}"),
        Fault("error-200", text=f"this server does not support embeddings for {CANARY}"),
        Fault("error-200", text=f"no {CANARY}"),
        Fault("429", text=f"slow down, {CANARY}"),
        Fault("500", text=f"headers: Authorization: Bearer {CANARY}"),
        Fault("drop"),
        Fault("malformed"),
        Fault("hang"),
    ],
)
async def test_the_key_is_in_no_error_trace_repr_or_log(monkeypatch, caplog, capfd, fault):
    monkeypatch.setenv("HARBOUR_KEY", CANARY)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody-else")
    caplog.set_level(logging.DEBUG)
    async with ChatServer([fault]) as server:
        model = OpenAIEmbeddings(server.url, "m", api_key_env="HARBOUR_KEY", timeouts=QUICK)
        with pytest.raises(ModelError) as caught:
            await model.embed(TEXTS)
        await model.close()
        assert server.asked[0].headers["authorization"] == f"Bearer {CANARY}"
        assert "sk-of-somebody-else" not in str(server.asked)
    error = caught.value
    seen = [str(error), repr(error), error.message, error.hint, repr(model), caplog.text, *capfd.readouterr()]
    seen += ["".join(traceback.format_exception(error)), repr(error.__context__), repr(error.__cause__)]
    for text in seen:
        assert CANARY not in text
        assert CANARY[:-3] not in text


@pytest.mark.parametrize(
    ("url", "variable", "value", "says"),
    [
        ("http://llm.example/v1", "HARBOUR_KEY", CANARY, "unencrypted"),
        ("https://llm.example/v1", "HARBOUR_KEY", "", "HARBOUR_KEY is not set"),
        (f"https://me:{CANARY}@llm.example/v1", "", "", "password"),
        ("llm.example/v1", "", "", "not an http address"),
    ],
)
def test_endpoints_that_cannot_be_asked_safely_are_refused(monkeypatch, url, variable, value, says):
    monkeypatch.setenv("HARBOUR_KEY", value)
    with pytest.raises(ModelError, match=says) as caught:
        OpenAIEmbeddings(url, "m", api_key_env=variable)
    assert CANARY not in str(caught.value)
