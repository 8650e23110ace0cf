"""The registry of commands: what is declared once holds everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.errors import UsageError
from studio.tui import commands
from studio.tui.app import StudioApp, stage_screen
from studio.tui.commands import COMMANDS, STAGES

# Legacy encodings, prefixes of tmux and screen, flow control, keys a terminal keeps for itself.
NEVER = {"ctrl+b", "ctrl+a", "ctrl+enter", "shift+enter", "ctrl+m", "ctrl+i", "ctrl+h", "ctrl+s", "ctrl+q", "ctrl+c"}
NEVER |= {"ctrl+z", "ctrl+left_square_bracket", "f11", "f12"}


def test_ids_are_unique():
    ids = [command.id for command in COMMANDS]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("stage", STAGES)
def test_one_key_does_one_thing_in_a_stage(stage):
    keys = [key for command in commands.of_stage(stage, {}) for key in commands.keys_of(command.keys)]
    assert sorted(keys) == sorted(set(keys))


def test_no_key_is_one_that_terminals_swallow():
    keys = {key for command in COMMANDS for key in commands.keys_of(command.keys)}
    assert not keys & NEVER
    assert not [key for key in keys if key.startswith(("alt+", "ctrl+shift+"))]


@pytest.mark.parametrize("stage", STAGES)
def test_every_command_can_be_run(stage, session):
    screen = stage_screen(stage, session)
    for command in commands.of_stage(stage, {}):
        name = f"command_{command.id.replace('-', '_')}"
        assert any(hasattr(one, name) for one in (*screen.parts, screen, StudioApp)), command.id


@pytest.mark.parametrize("stage", STAGES)
def test_what_a_screen_has_it_holds(stage, session):
    """Screens inherit at most two levels: the stage, and for some a view of rows."""
    ours = [kind for kind in type(stage_screen(stage, session)).__mro__ if kind.__module__.startswith("studio.")]
    assert len(ours) <= 3


def test_every_method_of_a_command_is_a_command():
    known = {f"command_{command.id.replace('-', '_')}" for command in COMMANDS}
    assert {name for name in dir(StudioApp) if name.startswith("command_")} <= known


def test_the_readme_has_the_table_of_keys():
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    table = readme.split("<!-- keys -->")[1].split("<!-- /keys -->")[0]
    assert table.strip() == commands.key_table()


def test_a_key_given_to_another_command_is_taken_from_its_owner():
    seeds = {command.id: command.keys for command in commands.of_stage("seeds", {"accept": "y", "top": "0, home"})}
    assert seeds["accept"] == "y"
    assert seeds["copy"] == ""
    assert seeds["top"] == "0, home"


def test_a_key_for_two_commands_is_refused():
    with pytest.raises(UsageError, match=r"z would be both accept and reject"):
        commands.check_keys({"accept": "z", "reject": "z"})


def test_keys_of_two_stages_may_be_the_same():
    commands.check_keys({"find": "z", "write": "z"})


def test_an_unknown_command_is_refused_with_the_nearest():
    with pytest.raises(UsageError) as caught:
        commands.check_keys({"acept": "z"})
    assert caught.value.hint == "Did you mean 'accept'?"
