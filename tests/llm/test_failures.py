from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.errors import PassingError
from studio.llm import failures
from studio.llm.failures import Endpoint, Refusal, clean, refused, retry_after

HERE = Endpoint("https://llm.example/v1", "EXAMPLE_KEY")
NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": format_datetime(NOW + timedelta(seconds=90), usegmt=True)}, 90.0),
        ({"retry-after": format_datetime(NOW - timedelta(seconds=90), usegmt=True)}, 0.0),
    ],
)
def test_retry_after_in_every_form(headers, seconds):
    assert retry_after(headers, NOW.timestamp) == seconds


@pytest.mark.parametrize(
    ("status", "code", "words", "passing", "says"),
    [
        (401, "", "Incorrect API key provided", False, "EXAMPLE_KEY"),
        (402, "", "Insufficient Balance", False, "credit"),
        (403, "", "Country not supported", False, "Country not supported"),
        (400, "", "Model Not Exist", False, "has no model m"),
        (404, "model_not_found", "The model `m` does not exist", False, "has no model m"),
        (400, "context_length_exceeded", "This model's maximum context length is 8192 tokens", False, "longer"),
        (400, "", "Range of input length should be [1, 30720]", False, "longer"),
        (400, "", "the request exceeds the available context size", False, "longer"),
        (413, "", "Prompt is too long", False, "longer"),
        (422, "", "temperature: should be <= 2", False, "temperature"),
        (400, "", "Invalid response_format", False, "refused"),
        (429, "rate_limit_exceeded", "Slow down", True, "rate"),
        (429, "insufficient_quota", "You exceeded your current quota", False, "credit"),
        (400, "Arrearage", "Access denied", False, "credit"),
        (408, "", "", True, "trouble"),
        (500, "", "", True, "trouble"),
        (503, "", "loading model", True, "loading model"),
        (529, "", "overloaded", True, "overloaded"),
        (302, "", "", False, "302"),
    ],
)
def test_what_each_status_means(status, code, words, passing, says):
    error = refused(HERE, Refusal(status, code, words, None), "m")
    assert isinstance(error, PassingError) is passing
    assert says in str(error)
    assert error.hint or passing
    assert HERE.url in str(error) or "longer" in says


def test_an_unknown_model_is_answered_with_what_there_is():
    error = refused(HERE, Refusal(404, "", "nope", None), "m", [f"model-{number}" for number in range(9)])
    listed = ", ".join(f"model-{number}" for number in range(8))
    assert error.hint == f"It offers: {listed} and more."


def test_a_404_for_a_model_that_is_offered_blames_the_address():
    error = refused(HERE, Refusal(404, "", "no such page", None), "m", ["m"])
    assert "/v1" in error.hint
    assert "no such page" in error.message


def test_an_endpoint_without_a_key_says_where_to_name_one():
    error = refused(Endpoint("http://127.0.0.1:8000/v1", ""), Refusal(401, "", "", None), "m")
    assert "wants a key" in error.message
    assert "api_key_env" in error.hint


def test_an_untrusted_certificate_is_not_asked_again():
    error = failures.unreachable(HERE, "[SSL: CERTIFICATE_VERIFY_FAILED] self-signed", made=False)
    assert not isinstance(error, PassingError)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("no\n  such\tmodel", "no such model"),
        ("key hunter2 is bad", "key [key] is bad"),
        ("Incorrect API key provided: sk-ab12***************wxyz.", "Incorrect API key provided: [key]"),
        ("Authorization: Bearer abc.def-ghi was refused", "Authorization: [key] was refused"),
        ("x" * 400, "x" * 299 + "…"),
    ],
)
def test_words_from_outside_are_cleaned(said, shown):
    assert clean(said, ["hunter2"]) == shown


@given(st.text(), st.text(), st.integers(0, 400))
def test_no_secret_survives_cleaning(before, after, filler):
    key = "canary-0123456789"
    cleaned = clean("y" * filler + before + key + after, [key])
    assert key not in cleaned
    assert len(cleaned) <= failures.LONGEST_WORDS
