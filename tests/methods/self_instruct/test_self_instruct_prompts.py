from __future__ import annotations

import re
from importlib.resources import files

import pytest

from studio.errors import StudioError
from studio.methods.self_instruct.prompts import FIELDS, FILES, NAMES, OPTIONAL
from studio.methods.templates import Language, Profile

LANGUAGES: tuple[Language, ...] = ("en", "zh")
PROFILES: tuple[Profile, ...] = ("standard", "small")


def shipped(language):
    return files("studio.methods.prompts").joinpath(FILES.file_name(language)).read_text("utf-8")


def broken(text):
    with pytest.raises(StudioError) as caught:
        FILES.parse(text, "mine.toml", "en")
    assert "mine.toml" in caught.value.message
    assert caught.value.hint
    return caught.value.message


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("profile", PROFILES)
def test_every_template_is_there_and_takes_its_fields(language, profile):
    prompts = FILES.load(language, profile)
    assert (prompts.language, prompts.profile, tuple(prompts.templates)) == (language, profile, NAMES)
    for name, template in prompts.templates.items():
        assert FIELDS[name] <= template.fields <= FIELDS[name] | {OPTIONAL.get(name)}
        assert not any("{instruction}" in question for question, _ in template.examples)


def test_a_set_is_read_once_and_its_digest_is_its_own():
    sets = [FILES.load(language, profile) for language in LANGUAGES for profile in PROFILES]
    assert len({prompts.digest for prompts in sets}) == 4
    assert FILES.load("zh", "small") is sets[-1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_classification_demonstrations_are_different_tasks(language):
    examples = FILES.load(language, "standard").templates["classification"].examples
    assert len({question for question, _ in examples}) == 31


def test_an_own_file_changes_only_what_it_has():
    text = """
[demonstrations]
input_first = [["Name a bird.", "Output: A wren."]]
[small.bootstrap]
prompt = "Mine:\\n{tasks}\\n{first}."
"""
    mine, theirs = FILES.own(text, "mine.toml", "en", "small"), FILES.load("en", "small")
    assert mine.templates["bootstrap"].prompt.startswith("Mine:")
    assert mine.templates["bootstrap"].examples == ()
    assert mine.templates["input_first"].examples == (("Task: Name a bird.", "Output: A wren."),)
    assert mine.templates["classification"] == theirs.templates["classification"]
    other = FILES.own(text, "mine.toml", "en", "standard")
    assert other.templates["bootstrap"] == FILES.load("en", "standard").templates["bootstrap"]
    assert mine.digest != theirs.digest


def test_broken_files_are_named_with_the_place():
    text = shipped("en")
    assert "mine.toml" in broken("[standard\n")
    assert "`small`" in broken(text[: text.index("[small.bootstrap]")])
    assert "`temperature`" in broken(text.replace("[small.alpaca]", "[small.alpaca]\ntemperature = 1"))
    assert "`small.alpaca.prompt`" in broken(text.replace('prompt = "{tasks}"', 'prompt = "{task}"'))
    assert "`standard.bootstrap.prompt`" in broken(text.replace("up to number {last}", "up to number {count}"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_small_model_sees_lists_continued(language):
    for asked, reply in FILES.load(language, "small").templates["bootstrap"].examples:
        start = re.search(r"(\d+)\.\Z", asked)
        assert reply.startswith(start[0])
