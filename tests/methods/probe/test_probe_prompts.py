from __future__ import annotations

import re
from importlib.resources import files

import pytest

from studio.errors import StudioError
from studio.methods.probe.prompts import FIELDS, FILES, NAMES

LANGUAGES = ("en", "zh")
PROFILES = ("standard", "small")


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
    assert all(template.fields == FIELDS for template in prompts.templates.values())


def test_every_set_has_a_digest_of_its_own():
    assert len({FILES.load(language, profile).digest for language in LANGUAGES for profile in PROFILES}) == 4


def test_an_own_file_changes_only_what_it_has():
    text = '[small.kv]\nsystem = ""\nexamples = []\nprompt = "{context} -> {asked}?"\n'
    mine, theirs = FILES.own(text, "mine.toml", "en", "small"), FILES.load("en", "small")
    assert mine.templates["kv"].prompt == "{context} -> {asked}?"
    assert mine.templates["documents"] == theirs.templates["documents"]
    assert FILES.own(text, "mine.toml", "en", "standard").templates == FILES.load("en", "standard").templates
    assert mine.digest != theirs.digest


def test_broken_files_are_named_with_the_place():
    text = shipped("en")
    assert "mine.toml" in broken("[standard\n")
    assert "`small`" in broken(text[: text.index("[small.kv]")])
    assert "`temperature`" in broken(text.replace("[small.kv]", "[small.kv]\ntemperature = 1"))
    assert "`standard.kv.prompt`" in broken(text.replace('Key: "{asked}"', 'Key: "{key}"', 1))
    assert "`promt`" in broken(text.replace("prompt = ", "promt = ", 1))
    assert "`prompt`" in broken(re.sub(r'prompt = """.*?"""', "", text, count=1, flags=re.DOTALL))
