"""What a run is known by."""

from __future__ import annotations

from typing import Annotated

import pytest
from msgspec import Meta, Struct

from studio.methods.identity import Asked, digest, recipe, told

Count = Annotated[int, Meta(ge=0)]
Places = Annotated[int, Meta(ge=1, extra={"far": True})]


class Section(Struct, frozen=True):
    target: Annotated[Count, Meta(description="rows", extra={"label": "target", "far": True})] = 0
    places: Places = 4
    folder: Annotated[str | None, Meta(extra={"far": True})] = None
    seed: Annotated[int, Meta(description="another one asks anew", extra={"help": "which"})] = 42
    warmth: float = 1.0
    words: tuple[str, ...] = ()
    weights: Annotated[dict[str, float], Meta(extra={"far": False})] = {}


def test_the_settings_that_a_person_has_changed_are_told():
    assert told(Section(), {}) == {}
    assert told(Section(seed=42, warmth=1, words=(), weights={}), {}) == {}
    assert told(Section(seed=7, words=("a",), weights={"b": 2.0}), {}) == {
        "seed": 7, "words": ("a",), "weights": {"b": 2.0}
    }  # fmt: skip


def test_what_is_far_is_not_told():
    assert told(Section(target=9, places=2, folder="mine"), {}) == {}


def test_what_the_method_says_stands_over_the_settings():
    assert told(Section(seed=7, words=("a",)), {"words": [], "language": "zh"}) == {
        "seed": 7, "words": [], "language": "zh"
    }  # fmt: skip


def test_a_setting_without_a_default_is_told():
    class Needing(Struct):
        name: str
        seed: int = 1

    assert told(Needing("x"), {}) == {"name": "x"}


def test_equal_recipes_give_equal_text_in_whatever_order():
    teacher, judge = Asked("t", "standard"), Asked("模", "small", {"zh": "2", "en": "1"})
    one = recipe("m", {"teacher": teacher, "judge": judge}, {"b": (1, 2), "a": 0.5}, "keep")
    other = recipe("m", {"judge": judge, "teacher": teacher}, {"a": 0.5, "b": [1, 2]}, "keep")
    assert (
        one
        == other
        == (
            '{"method":"m","roles":{"judge":{"model":"模","own":{"en":"1","zh":"2"},"profile":"small"},'
            '"teacher":{"model":"t","own":{},"profile":"standard"}},"settings":{"a":0.5,"b":[1,2]},"thinking":"keep"}'
        )
    )


@pytest.mark.parametrize(
    "other",
    [
        ("n", {"teacher": Asked("t", "standard")}, {"a": 1}, "drop"),
        ("m", {"teacher": Asked("u", "standard")}, {"a": 1}, "drop"),
        ("m", {"teacher": Asked("t", "small")}, {"a": 1}, "drop"),
        ("m", {"teacher": Asked("t", "standard", {"en": "1"})}, {"a": 1}, "drop"),
        ("m", {"teacher": Asked("t", "standard")}, {}, "drop"),
        ("m", {"teacher": Asked("t", "standard")}, {"a": 1}, "keep"),
    ],
)
def test_whatever_decides_the_result_makes_another_digest(other):
    assert digest(recipe("m", {"teacher": Asked("t", "standard")}, {"a": 1}, "drop")) != digest(recipe(*other))


def test_the_digest_of_a_known_recipe():
    """A change here would have every run of every project begin afresh."""
    roles = dict.fromkeys(("teacher", "answerer", "judge"), Asked("fake", "standard"))
    settings = told(Section(warmth=1.0), {"temperature": 0.6, "operations": [], "weights": {}})
    assert digest(recipe("evol-instruct", roles, settings, "drop")) == "dcf8bc88ef59e105e0fd5a1351a2010e"
