"""The studio.toml of a new project: derived, and the same text as ever."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated

import msgspec
import pytest
from msgspec import Meta

from studio import settings
from studio.settings.commented import commented, toml

GOLDEN = Path(__file__).with_name("studio.toml").read_text("utf-8")


class FollowupSettings(msgspec.Struct, frozen=True):
    """[followup]"""

    limit: Annotated[int, Meta(ge=0, description="rows at most; 0: all", extra={"far": True})] = 0
    tone: str = "plain"


def test_it_is_byte_for_byte_what_it_was():
    assert commented({"project": {"name": "seeds 种子"}}) == GOLDEN


def test_it_documents_the_defaults():
    """Every commented line of studio.toml, with its comment sign taken away, is the built-in default."""
    text = re.sub(r"^# (?=[a-z_]+ = )(?!accept)", "", commented({"project": {"name": ""}}), flags=re.MULTILINE)
    found = tomllib.loads(text)
    found["model"]["base_url"] = ""
    for section, values in found.items():
        if section != "keys":
            default = getattr(settings.Settings(), section)
            assert {name: getattr(default, name) for name in values} == {
                name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
            }


def test_its_examples_are_settings_that_hold():
    text = re.sub(r"^#   (?=[a-z_]+ = |\[)", "", GOLDEN, flags=re.MULTILINE)
    found = msgspec.convert(tomllib.loads(text), settings.Settings)
    assert found.evolve.weights == {"in_breadth": 2}
    assert found.self_instruct.presence_penalty == 2.0
    assert found.position.pattern == r"^Note (?P<number>\d+):"
    assert found.prices["my-model"].cached == 0.1
    assert found.rules["no-todo"].fields == ("output", "chosen")
    assert found.exports["chat"]["types"] == ["sft"]


def test_what_is_chosen_stands_there_without_a_comment_sign():
    text = commented({"project": {"name": "p"}, "evolve": {"limit": 16, "concurrency": 2}})
    assert "\nlimit = 16              # at most so many evolutions in all; 0: no limit\n" in text
    found = tomllib.loads(text)
    assert found["evolve"] == {"limit": 16, "concurrency": 2}
    assert "concurrency" not in found["embeddings"]


def test_a_further_method_has_its_section_among_the_methods():
    text = commented({}, settings.with_sections({"followup": FollowupSettings}))
    ours = '[followup]\n# limit = 0             # rows at most; 0: all\n# tone = "plain"\n\n'
    assert text.replace(ours, "") == commented({})
    assert text.index("[prices.") < text.index("[followup]") < text.index("[dedup]")


@pytest.mark.parametrize("value", ["", 'a "b" \\ c', "种子\x7f\n", 0.25, 3, True, ["a", "b"]])
def test_values_come_back(value):
    assert tomllib.loads(f"value = {toml(value)}")["value"] == value
