"""What endpoints really send when they refuse vectors, and which kind of error each becomes.

The bodies are those of issues and documentation of the named servers, cut to what matters.
"""

from __future__ import annotations

import json

import pytest

from studio.errors import ModelError, PassingError, RefusedError
from studio.llm.embedding.embeddings import OpenAIEmbeddings, TooManyError
from tests.support.chat_server import ChatServer, Fault

MODEL = "Qwen3-Embedding-0.6B"


def usual(message: str, kind: str | None = "invalid_request_error", code: str | int | None = None) -> dict[str, object]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def vllm(message: str, code: int = 400) -> dict[str, object]:
    return {"object": "error", "message": message, "type": "BadRequestError", "param": None, "code": code}


def tei(message: str, kind: str = "Validation") -> dict[str, object]:
    return {"error": message, "error_type": kind}


NO_EMBEDDINGS = [
    ("fastapi: no such path", 404, {"detail": "Not Found"}),
    ("go: no such path", 404, "404 page not found"),
    ("express: no such path", 404, "<!doctype html><pre>Cannot POST /v1/embeddings</pre>"),
    ("a relay for chat", 404, usual("The requested endpoint (POST /v1/embeddings) was not found.")),
    ("another method", 405, {"detail": "Method Not Allowed"}),
    (
        "llama.cpp without the option",
        501,
        usual("This server does not support embeddings. Start it with `--embeddings`", "not_supported_error", 501),
    ),
    (
        "llama.cpp without pooling",
        400,
        usual("Pooling type 'none' is not OAI compatible. Please use a different pooling type", code=400),
    ),
    ("vllm: a chat model", 400, vllm("The model does not support Embeddings API")),
    ("ollama: a chat model", 400, usual("this model does not support embeddings", "api_error")),
]
EVERY_TEXT = [
    ("openai key", 401, usual("Incorrect API key provided: sk-ab***yz.", code="invalid_api_key")),
    ("openai model", 404, usual(f"The model `{MODEL}` does not exist", code="model_not_found")),
    ("ollama model", 404, usual(f'model "{MODEL}" not found, try pulling it first', "api_error")),
    ("azure deployment", 404, {"error": {"code": "DeploymentNotFound", "message": "The deployment does not exist"}}),
    ("openai credit", 429, usual("You exceeded your current quota, check your billing.", code="insufficient_quota")),
    (
        "vllm dimensions",
        400,
        vllm(
            f'Model "{MODEL}" does not support matryoshka representation, changing output dimensions will lead to '
            "poor results."
        ),
    ),
    ("older vllm dimensions", 400, vllm("dimensions is currently not supported")),
    ("openai dimensions", 400, usual("This model does not support specifying dimensions.")),
    ("openai too large", 400, usual("Invalid value for 'dimensions' = 9999. Must be less than or equal to 1536.")),
]
ONE_TEXT = [
    (
        "openai length",
        400,
        usual(
            "This model's maximum context length is 8192 tokens, however you requested 10000 tokens (10000 in your "
            "prompt; 0 for the completion). Please reduce your prompt; or completion length."
        ),
    ),
    (
        "vllm length",
        400,
        vllm(
            "This model's maximum context length is 512 tokens. However, you requested 700 tokens in the input for "
            "embedding generation. Please reduce the length of the input."
        ),
    ),
    ("dashscope length", 400, usual("Range of input length should be [1, 8192]", "InvalidParameter")),
    ("ollama length", 400, usual("the input length exceeds the context length", "api_error")),
    (
        "llama.cpp physical batch",
        500,
        usual(
            "input (1603 tokens) is too large to process. increase the physical batch size (current batch size: 512)",
            "server_error",
            500,
        ),
    ),
    ("tei length", 413, tei("`inputs` must have less than 512 tokens. Given: 700")),
    ("openai empty", 400, usual("'$.input' is invalid. Please check the API reference.")),
    ("ollama NaN", 500, usual("failed to encode response: json: unsupported value: NaN", "api_error")),
    ("dashscope content", 400, usual("Input data may contain inappropriate content.", "data_inspection_failed")),
]
TOO_MANY = [
    (
        "dashscope",
        400,
        usual(
            "<400> InternalError.Algo.InvalidParameter: Value error, batch size is invalid, it should not be larger "
            "than 10.: input.contents",
            "InvalidParameter",
        ),
        10,
    ),
    ("tei", 422, tei("batch size 64 > maximum allowed batch size 32"), 32),
    ("siliconflow", 413, {"code": 20042, "message": "input batch size 64 > maximum allowed batch size 16"}, 16),
    (
        "openai texts",
        400,
        usual("Invalid 'input': array too long. Expected an array with maximum length 48, but got one with 64."),
        48,
    ),
    ("gemini", 400, usual("* BatchEmbedContentsRequest.requests: at most 50 requests can be in one batch"), 50),
    (
        "openai tokens",
        400,
        usual("Requested 312000 tokens, max 300000 tokens per request", "max_tokens_per_request"),
        32,
    ),
    ("a number that makes no sense", 400, usual("batch size is invalid, it should not be larger than 99."), 32),
]
MAY_PASS = [
    ("openai rate", 429, usual("Rate limit reached for text-embedding-3-small on tokens per min (TPM).", "tokens")),
    ("dashscope tokens", 429, usual("Allocated quota exceeded, please increase it.", code="insufficient_quota")),
    ("tei is full", 429, tei("Model is overloaded", "Overloaded")),
    ("llama.cpp loads", 503, usual("Loading model", "unavailable_error", 503)),
    ("a proxy", 502, {"detail": "Bad Gateway"}),
]


def cases(table):
    return pytest.mark.parametrize("case", [case[1:] for case in table], ids=[case[0] for case in table])


async def failure(status: int, body: object) -> ModelError:
    raw = body if isinstance(body, str) else json.dumps(body)
    async with ChatServer([Fault("status", status=status, raw=raw)]) as server:
        model = OpenAIEmbeddings(server.url, MODEL, dimensions=64)
        with pytest.raises(ModelError) as caught:
            await model.embed([f"Name harbour {number}." for number in range(64)])
        await model.close()
    assert caught.value.hint or isinstance(caught.value, PassingError)
    assert "[model]" not in caught.value.hint
    return caught.value


@cases(NO_EMBEDDINGS)
async def test_an_endpoint_or_model_without_embeddings_is_told_from_one_without_the_model(case):
    error = await failure(*case)
    assert type(error) is ModelError
    assert "has no /embeddings" in error.message or "makes no embeddings" in error.message
    assert "[embeddings]" in error.hint


async def test_an_endpoint_that_says_so_as_a_success_is_heard_too():
    async with ChatServer([Fault("error-200", text="Unexpected endpoint or method. (POST /v1/embeddings)")]) as server:
        model = OpenAIEmbeddings(server.url, MODEL)
        with pytest.raises(ModelError, match="makes no embeddings: Unexpected endpoint") as caught:
            await model.embed(["Name a harbour."])
        await model.close()
    assert not isinstance(caught.value, PassingError)


@cases(EVERY_TEXT)
async def test_what_is_wrong_with_every_request_ends_the_job(case):
    error = await failure(*case)
    assert type(error) is ModelError
    assert "embeddings there" not in error.message or "has no model" in error.message
    if "imension" in json.dumps(case[1]):
        assert "Change dimensions" in error.hint


async def test_a_model_that_is_not_there_is_told_with_those_that_are():
    error = await failure(404, usual(f"The model `{MODEL}` does not exist", code="model_not_found"))
    assert f"has no model {MODEL} (404)" in error.message
    assert "teacher-small" in error.hint


@cases(ONE_TEXT)
async def test_what_is_wrong_with_a_text_leaves_the_others_alone(case):
    error = await failure(*case)
    assert type(error) is RefusedError


@cases(TOO_MANY)
async def test_too_many_texts_tell_how_many_go(case):
    error = await failure(*case[:2])
    assert type(error) is TooManyError
    assert error.most == case[2]


@cases(MAY_PASS)
async def test_what_may_pass_is_asked_again(case):
    error = await failure(*case)
    assert type(error) is PassingError
    assert error.limited is (case[0] == 429)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "base64 encoding is not currently supported"),
        (422, "Unsupported value for encoding_format"),
        (500, "litellm.UnsupportedParamsError: ollama does not support parameters: {'encoding_format': 'base64'}"),
    ],
)
async def test_an_endpoint_without_base64_is_asked_for_numbers_at_once(status, words):
    def script(_number, body):
        return Fault("status", status=status, text=words) if "encoding_format" in body else Fault()

    async with ChatServer(script) as server:
        model = OpenAIEmbeddings(server.url, MODEL)
        assert len((await model.embed(["Name a harbour."])).vectors) == 1
        await model.close()
        assert len(server.asked) == 2
