"""Settings typed over in place: what they become, what is refused and how it is cured, what is remembered."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from studio.errors import UsageError
from studio.methods import registry
from studio.settings import BudgetSettings, EvolveSettings, ModelSettings, RoleSettings, Settings
from studio.tui import method_settings

FORM = method_settings.choices(registry.get("evol-instruct"), registry.get("self-instruct"))

FILES = Settings(
    model=ModelSettings("https://api.openai.com/v1", "gpt-4o-mini", "MY_KEY", ("https://b.example/v1",), rpm=60),
    judge=RoleSettings(model="gpt-4o"),
    evolve=EvolveSettings(rounds=3, operations=("deepening", "in_breadth"), weights={"deepening": 2.5}),
    budget=BudgetSettings(usd=4.5),
)


def typed(**over):
    return method_settings.texts(FORM, FILES) | {name.replace("__", "."): text for name, text in over.items()}


def test_what_nobody_typed_over_stays_as_the_files_say():
    assert method_settings.chosen(FORM, FILES, method_settings.texts(FORM, FILES)) == FILES


def test_the_texts_are_what_the_settings_mean():
    said = method_settings.texts(FORM, FILES)
    assert (said["evolve.rounds"], said["budget.usd"], said["evolve.weights.deepening"]) == ("3", "4.5", "2.5")
    assert (said["evolve.weights.in_breadth"], said["evolve.weights.concretizing"]) == ("1", "0")


def test_numbers_and_weights_become_settings():
    new = method_settings.chosen(
        FORM,
        FILES,
        typed(evolve__rounds=" 5 ", evolve__temperature="0.3", evolve__weights__concretizing="1", budget__usd="0"),
    )
    assert new.evolve.rounds == 5
    assert new.evolve.temperature == 0.3
    assert new.budget.usd == 0
    assert new.evolve.operations == ()
    assert new.evolve.weights["concretizing"] == 1
    assert new.evolve.weights["deepening"] == 2.5
    assert new.evolve.weights["complicate_input"] == 0


def test_a_key_and_limits_do_not_follow_to_another_address():
    new = method_settings.chosen(FORM, FILES, typed(model__base_url="http://127.0.0.1:8000/v1", model__model="qwen"))
    assert new.model == replace(
        FILES.model, base_url="http://127.0.0.1:8000/v1", model="qwen", api_key_env="", endpoints=(), rpm=0
    )


@pytest.mark.parametrize(
    ("name", "text", "cure"),
    [
        ("evolve.rounds", "0", "at least 1"),
        ("evolve.rounds", "many", "whole number"),
        ("evolve.concurrency", "2000", "at most 1024"),
        ("evolve.temperature", "nan", "a number"),
        ("evolve.limit", "1.5", "whole number"),
        ("budget.usd", "-1", "at least 0"),
        ("model.base_url", "localhost:8000", "http://"),
        ("model.model", "", "Fill in its model"),
        ("model.base_url", "", "Fill in the teacher's base_url"),
        ("judge.base_url", "", None),
        ("answerer.base_url", "http://127.0.0.1:1/v1", "Add model"),
    ],
)
def test_what_cannot_be_is_told_with_its_cure(name, text, cure):
    given = method_settings.texts(FORM, FILES) | {name: text}
    if cure is None:
        assert method_settings.chosen(FORM, FILES, given) == FILES
        return
    with pytest.raises(UsageError) as caught:
        method_settings.chosen(FORM, FILES, given)
    assert cure in str(caught.value)


def test_some_operation_must_be_left():
    none = {
        f"evolve__weights__{name.rpartition('.')[2]}": "0"
        for name in method_settings.texts(FORM, FILES)
        if name.startswith("evolve.weights.")
    }
    with pytest.raises(UsageError, match="No operation"):
        method_settings.chosen(FORM, FILES, typed(**none))


def test_what_was_chosen_is_remembered_until_the_files_say_something_else():
    kept = method_settings.to_remember(FORM, FILES, typed(evolve__rounds="6", evolve__limit="40"))
    assert kept == {"evolve.rounds": ["3", "6"], "evolve.limit": ["0", "40"]}
    assert method_settings.remembered(FORM, FILES, kept) == typed(evolve__rounds="6", evolve__limit="40")
    edited = replace(FILES, evolve=replace(FILES.evolve, rounds=2))
    assert method_settings.chosen(FORM, edited, method_settings.remembered(FORM, edited, kept)).evolve.rounds == 2
    assert method_settings.chosen(FORM, edited, method_settings.remembered(FORM, edited, kept)).evolve.limit == 40


@pytest.mark.parametrize("kept", [None, [], {"evolve.colour": ["1", "2"]}])
def test_what_is_remembered_may_be_of_another_version(kept):
    assert method_settings.remembered(FORM, FILES, kept) == method_settings.texts(FORM, FILES)


def test_every_setting_has_a_name_that_fits():
    assert all(len(choice.label) < 28 for choice in FORM)
