"""What endpoints really send when they refuse, and which kind of error each becomes.

The bodies are those of issues and documentation of the named servers, cut to what matters.
"""

from __future__ import annotations

import json

import pytest

from studio.errors import ModelError, PassingError, RefusedError
from studio.llm.chat import Request
from studio.llm.openai_chat import OpenAIChat
from tests.support.chat_server import ChatServer, Fault


def usual(message: str, kind: str | None, code: str | int | None, param: str | None = None) -> dict[str, object]:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def vllm(message: str, code: int = 400) -> dict[str, object]:
    return {"object": "error", "message": message, "type": "BadRequestError", "param": None, "code": code}


AZURE = {
    "error": {
        "message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": 400,
        "innererror": {"code": "ResponsibleAIPolicyViolation"},
    }
}
LLAMA_CPP = {
    "error": {
        "code": 400,
        "message": "request (4390 tokens) exceeds the available context size (4096 tokens), try increasing it",
        "type": "exceed_context_size_error",
        "n_prompt_tokens": 4390,
        "n_ctx": 4096,
    }
}

ONE_REQUEST = [
    (
        "openai context",
        400,
        usual(
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.",
            "invalid_request_error",
            "context_length_exceeded",
            "messages",
        ),
    ),
    (
        "openai one long text",
        400,
        usual(
            "Invalid 'messages[1].content': string too long.",
            "invalid_request_error",
            "string_above_max_length",
            "messages[1].content",
        ),
    ),
    (
        "openai usage policy",
        400,
        usual(
            "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
            "invalid_request_error",
            "invalid_prompt",
        ),
    ),
    ("azure content filter", 400, AZURE),
    (
        "dashscope content",
        400,
        usual("Input data may contain inappropriate content.", "data_inspection_failed", "data_inspection_failed"),
    ),
    (
        "dashscope length",
        400,
        usual("Range of input length should be [1, 30720]", "invalid_request_error", "invalid_parameter_error"),
    ),
    ("deepseek content", 400, usual("Content Exists Risk", "invalid_request_error", "invalid_request_error")),
    (
        "deepseek length",
        400,
        usual(
            "This model's maximum context length is 131072 tokens. However, you requested 131134 "
            "tokens (122942 in the messages, 8192 in the completion).",
            "invalid_request_error",
            "invalid_request_error",
        ),
    ),
    (
        "moonshot content",
        400,
        usual("The request was rejected because it was considered high risk", "content_filter", None),
    ),
    ("zhipu content", 400, usual("系统检测到输入或生成内容可能包含不安全或敏感内容", None, "1301")),
    (
        "openrouter moderation",
        403,
        usual("This model requires moderation and your input was flagged", None, 403),
    ),
    (
        "vllm length",
        400,
        vllm(
            "This model's maximum context length is 16384 tokens. However, you requested 122946 tokens "
            "(112946 in the messages, 10000 in the completion)."
        ),
    ),
    ("vllm no room left", 400, vllm("max_tokens must be at least 1, got -186.")),
    ("llama.cpp length", 400, LLAMA_CPP),
    ("llama.cpp length, older", 500, usual("Context size has been exceeded.", "server_error", 500)),
    ("a text nobody can read", 400, usual("Invalid unicode in messages", "invalid_request_error", None, "messages")),
    ("something else in a row", 422, {"detail": [{"msg": "field required"}]}),
]
EVERY_REQUEST = [
    ("openai key", 401, usual("Incorrect API key provided: sk-ab***yz.", "invalid_request_error", "invalid_api_key")),
    ("openai model", 404, usual("The model `m` does not exist", "invalid_request_error", "model_not_found")),
    (
        "openai credit",
        429,
        usual(
            "You exceeded your current quota, please check your plan and billing details.",
            "insufficient_quota",
            "insufficient_quota",
        ),
    ),
    (
        "openai temperature",
        400,
        usual(
            "Unsupported value: 'temperature' does not support 0.5 with this model.",
            "invalid_request_error",
            "unsupported_value",
            "temperature",
        ),
    ),
    (
        "openai max_tokens",
        400,
        usual(
            "Unsupported parameter: 'max_tokens' is not supported with this model.",
            "invalid_request_error",
            "unsupported_parameter",
            "max_tokens",
        ),
    ),
    (
        "azure deployment",
        404,
        {"error": {"code": "DeploymentNotFound", "message": "The deployment does not exist"}},
    ),
    (
        "dashscope arrears",
        400,
        usual("Access denied, please make sure your account is in good standing.", "Arrearage", "Arrearage"),
    ),
    (
        "dashscope free tier",
        403,
        usual(
            "The free tier of the model has been exhausted.",
            "AllocationQuota.FreeTierOnly",
            "AllocationQuota.FreeTierOnly",
        ),
    ),
    (
        "dashscope max_tokens",
        400,
        usual("Range of max_tokens should be [1, 8192]", "invalid_request_error", "invalid_parameter_error"),
    ),
    (
        "dashscope streams only",
        400,
        usual(
            "This model only support stream mode, please enable the stream parameter to access the model.",
            "invalid_request_error",
            "invalid_parameter_error",
        ),
    ),
    ("deepseek balance", 402, usual("Insufficient Balance", "unknown_error", "invalid_request_error")),
    ("deepseek model", 400, usual("Model Not Exist", "invalid_request_error", "invalid_request_error")),
    (
        "deepseek max_tokens",
        400,
        usual(
            "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]",
            "invalid_request_error",
            "invalid_request_error",
        ),
    ),
    (
        "vllm model",
        404,
        {
            "object": "error",
            "message": "The model `m` does not exist.",
            "type": "NotFoundError",
            "param": None,
            "code": 404,
        },
    ),
    ("vllm temperature", 400, vllm("temperature must be non-negative, got -1.0.")),
    ("ollama model", 404, usual('model "m" not found, try pulling it first', "api_error", None)),
    (
        "ollama memory",
        500,
        usual("model requires more system memory (5.6 GiB) than is available (3.1 GiB)", "api_error", None),
    ),
    ("llama.cpp key", 401, usual("Invalid API Key", "authentication_error", 401)),
    (
        "country",
        403,
        usual(
            "Country, region, or territory not supported", "request_forbidden", "unsupported_country_region_territory"
        ),
    ),
]
MAY_PASS = [
    (
        "openai rate",
        429,
        usual(
            "Rate limit reached for gpt-4o in organization on tokens per min (TPM): Limit 30000, Used 29500.",
            "tokens",
            "rate_limit_exceeded",
        ),
    ),
    (
        "dashscope tokens",
        429,
        usual(
            "Allocated quota exceeded, please increase your quota limit.", "insufficient_quota", "insufficient_quota"
        ),
    ),
    (
        "dashscope requests",
        429,
        usual("Requests rate limit exceeded, please try again later.", "limit_requests", "limit_requests"),
    ),
    (
        "azure rate",
        429,
        {
            "error": {
                "code": "429",
                "message": "Requests to the ChatCompletions Operation have exceeded "
                "the token rate limit of your current pricing tier. Please retry after 7 seconds.",
            }
        },
    ),
    ("llama.cpp loads", 503, usual("Loading model", "unavailable_error", 503)),
    ("vllm is gone", 500, vllm("EngineCore encountered an issue.", 500)),
    ("a proxy", 502, {"detail": "Bad Gateway"}),
]


async def failure(status: int, body: dict[str, object]) -> ModelError:
    async with ChatServer([Fault("status", status=status, raw=json.dumps(body))]) as server:
        chat = OpenAIChat(server.url, "m")
        with pytest.raises(ModelError) as caught:
            await chat.reply(Request("m", (("user", "Name a harbour."),), temperature=0.5, max_tokens=64))
        await chat.close()
    return caught.value


@pytest.mark.parametrize(("status", "body"), [case[1:] for case in ONE_REQUEST], ids=[case[0] for case in ONE_REQUEST])
async def test_what_is_wrong_with_one_request_leaves_the_others_alone(status, body):
    error = await failure(status, body)
    assert type(error) is RefusedError
    assert error.hint


@pytest.mark.parametrize(
    ("status", "body"), [case[1:] for case in EVERY_REQUEST], ids=[case[0] for case in EVERY_REQUEST]
)
async def test_what_is_wrong_with_every_request_ends_the_job(status, body):
    error = await failure(status, body)
    assert type(error) is ModelError
    assert error.hint


@pytest.mark.parametrize(("status", "body"), [case[1:] for case in MAY_PASS], ids=[case[0] for case in MAY_PASS])
async def test_what_may_pass_is_asked_again(status, body):
    error = await failure(status, body)
    assert type(error) is PassingError
    assert error.limited is (status == 429)
    assert not error.paid
