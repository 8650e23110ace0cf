"""The Evol-Instruct prompt files and how they become chat messages."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.errors import StudioError
from studio.methods.evol_instruct.prompts import FILES, IN_DEPTH, NAMES, OPERATIONS
from studio.methods.templates import Language, Profile, PromptSet, Template

LANGUAGES: tuple[Language, ...] = ("en", "zh")
PROFILES: tuple[Profile, ...] = ("standard", "small")
every_set = pytest.mark.parametrize(
    "prompts", [FILES.load(language, profile) for language in LANGUAGES for profile in PROFILES], ids=str
)


def shipped(language: Language) -> str:
    return files("studio.methods.prompts").joinpath(f"evol_instruct.{language}.toml").read_text("utf-8")


def broken(text: str) -> StudioError:
    with pytest.raises(StudioError) as caught:
        FILES.parse(text, "mine.toml", "en")
    assert "mine.toml" in caught.value.message
    return caught.value


class TestMessages:
    def test_system_examples_and_prompt_become_turns(self):
        template = Template("Be brief.", (("Task: a", "b"), ("Task: c", "d")), "Task: {instruction}")
        assert template.messages(instruction="画一条线") == [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Task: a"},
            {"role": "assistant", "content": "b"},
            {"role": "user", "content": "Task: c"},
            {"role": "assistant", "content": "d"},
            {"role": "user", "content": "Task: 画一条线"},
        ]

    def test_no_system_turn_when_there_is_none(self):
        assert Template("", (), "{instruction}").messages(instruction="x") == [{"role": "user", "content": "x"}]

    def test_field_names_inside_field_text_stay_text(self):
        messages = Template("", (), "{first}|{second}").messages(first="{second}", second="{first}")
        assert messages[-1]["content"] == "{second}|{first}"

    @given(first=st.text(), second=st.text())
    def test_any_field_text_arrives_unchanged(self, first: str, second: str):
        messages = Template("", (), "<{first}>{second}</>").messages(first=first, second=second)
        assert messages == [{"role": "user", "content": f"<{first}>{second}</>"}]

    def test_braces_that_are_no_field_stay(self):
        template = Template("", (("{instruction}", '{"a": 1}'),), '{"b": {}} {instruction}')
        assert [turn["content"] for turn in template.messages(instruction="x")] == [
            "{instruction}",
            '{"a": 1}',
            '{"b": {}} x',
        ]

    @pytest.mark.parametrize("fields", [{}, {"first": "a"}, {"instruction": "a", "second": "b"}])
    def test_wrong_fields_are_refused(self, fields: dict[str, str]):
        with pytest.raises(TypeError, match="instruction"):
            Template("", (), "{instruction}").messages(**fields)


class TestShippedPrompts:
    @every_set
    def test_every_template_is_there_and_takes_its_fields(self, prompts: PromptSet):
        assert tuple(prompts.templates) == NAMES
        assert {name: template.fields for name, template in prompts.templates.items()} == {
            name: {"first", "second"} if name == "judge" else {"instruction"} for name in NAMES
        }

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_a_standard_prompt_is_one_turn_that_holds_its_own_method(self, language: Language):
        templates = FILES.load(language, "standard").templates
        prompts = [
            template.messages(instruction="{method}")[0]["content"]
            for template in map(templates.get, IN_DEPTH)
            if template
        ]
        assert len(set(prompts)) == len(IN_DEPTH)
        assert all(prompt.count("{method}") == 1 for prompt in prompts)

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_small_prompts_show_at_least_three_worked_examples_in_the_shape_of_the_prompt(self, language: Language):
        for name, template in FILES.load(language, "small").templates.items():
            shape = re.sub(r"\\\{[a-z]+\\\}", "(?s:.+)", re.escape(template.prompt))
            assert len(template.examples) >= 3, name
            assert "\n" not in template.system, name
            assert all(re.fullmatch(shape, question) for question, _ in template.examples), name

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_small_judge_examples_end_with_both_verdicts(self, language: Language):
        replies = [reply for _, reply in FILES.load(language, "small").templates["judge"].examples]
        assert {reply.splitlines()[-1] for reply in replies} == {"Equal", "Not Equal"}

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_small_operations_label_the_task_they_write(self, language: Language):
        templates = FILES.load(language, "small").templates
        replies = [reply for name in OPERATIONS for _, reply in templates[name].examples]
        assert all(re.match(r"(Harder|Specific|New) task: ", reply) for reply in replies)

    def test_a_prompt_set_is_read_once(self):
        assert FILES.load("zh", "small") is FILES.load("zh", "small")


class TestDigest:
    def test_four_sets_have_four_digests(self):
        digests = {FILES.load(language, profile).digest for language in LANGUAGES for profile in PROFILES}
        assert len(digests) == 4
        assert all(re.fullmatch(r"[0-9a-f]{16}", digest) for digest in digests)

    def test_it_follows_the_words_not_the_layout_of_the_file(self):
        text = shipped("en")
        again = FILES.parse("# a comment\n" + text, "mine.toml", "en")["small"].digest
        changed = FILES.parse(text.replace("Plan a holiday", "Plan a journey"), "mine.toml", "en")["small"].digest
        assert again == FILES.load("en", "small").digest != changed


MINE = """
[standard.deepening]
prompt = "Ask for more depth:\\n{instruction}"

[small.judge]
system = "Compare."
examples = [["First: a\\nSecond: b", "Not Equal"]]
prompt = "First: {first}\\nSecond: {second}"
"""


class TestOwnFiles:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_each_table_takes_the_place_of_the_shipped_one_and_no_other(self, language: Language):
        for profile, changed in (("standard", "deepening"), ("small", "judge")):
            mine, shipped = FILES.own(MINE, "mine.toml", language, profile), FILES.load(language, profile)
            differing = {name for name in NAMES if mine.templates[name] != shipped.templates[name]}
            assert differing == {changed}
            assert mine.digest != shipped.digest

    def test_a_frame_of_ones_own_goes_around_every_shipped_method(self):
        mine = FILES.own('[standard]\nframe = "{method}|{instruction}"', "mine.toml", "zh", "standard")
        for name in IN_DEPTH:
            assert mine.templates[name].messages(instruction="x")[0]["content"].endswith("|x")
        assert mine.templates["judge"] == FILES.load("zh", "standard").templates["judge"]

    def test_an_empty_file_changes_nothing(self):
        assert FILES.own("", "mine.toml", "en", "small").digest == FILES.load("en", "small").digest

    @pytest.mark.parametrize(
        ("text", "named"),
        [
            ('[standard.deepening]\nprompt = "no field"', "standard.deepening.prompt"),
            ('[standard.deepening]\nprompt = "{instruction} {tone}"', "tone"),
            ('[standard.deepening]\nmethod = "a"\nprompt = "{instruction}"', "either a method or a prompt"),
            ('[standard.judge]\nmethod = "a"', "`standard.judge` needs a prompt"),
            ('[standard.depening]\nmethod = "a"', "depening"),
            ("[large]", "large"),
            ("standard = 1", "standard"),
            ("[standard", "mine.toml"),
        ],
    )
    def test_what_is_wrong_is_named(self, text: str, named: str):
        with pytest.raises(StudioError) as caught:
            FILES.own(text, "mine.toml", "en", "standard")
        assert "mine.toml" in caught.value.message
        assert named in caught.value.message


class TestBrokenFiles:
    def test_toml_that_does_not_parse(self):
        assert broken("[standard\n").hint

    def test_a_missing_key_is_named(self):
        text = shipped("en")
        start = text.index("[small.judge]")
        assert "`judge` - at `$.small`" in broken(text[:start]).message

    def test_an_unknown_key_is_named(self):
        text = shipped("en").replace("[small.judge]", '[small.judge]\ntemperature = "0"')
        error = broken(text)
        assert "`temperature`" in error.message
        assert "$.small.judge" in error.message

    @pytest.mark.parametrize(
        ("before", "after", "key"),
        [
            ('prompt = "Task: {instruction}"', 'prompt = "Task: instruction"', "`small.add_constraints.prompt`"),
            ("- {method}\n", "", "`standard.frame`"),
            ("{second}\n\nDo not", "{third}\n\nDo not", "`standard.judge.prompt`"),
        ],
    )
    def test_a_prompt_with_the_wrong_fields_is_named(self, before: str, after: str, key: str):
        text = shipped("en")
        assert before in text
        assert key in broken(text.replace(before, after)).message
