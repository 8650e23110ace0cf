"""Options that are settings: what the declaration says is what the command line takes and tells."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated, Literal

import click
import pytest
from click.testing import CliRunner
from msgspec import Meta, Struct

from studio.cli.main import cli
from studio.cli.options import Command, SettingOption, flags_of, option, options
from studio.settings import Settings
from studio.settings.declared import declared, sections, sentence
from studio.settings.kinds import Folder


class SampleSettings(Struct, frozen=True):
    """[sample]"""

    size: Annotated[int, Meta(ge=1, le=9, description="how many")] = 3
    share: Annotated[float, Meta(gt=0, description="of all")] = 0.5
    order: Annotated[Literal["up", "down", "across"], Meta(description="up, or another")] = "up"
    loud: Annotated[bool, Meta(description="in capitals")] = False
    prompts: Annotated[Folder, Meta(description="where they are")] = ""
    words: tuple[Literal["b", "a"], ...] = ()


@click.command(cls=Command)
@options("sample", "size", "share", "order", "loud", "prompts", "words", kind=SampleSettings)
@option("answerer", "model", "--answer-model", help="Another model.")
@option("dedup", "keep", "--apply", choices=lambda rules: ("none", *rules), default="none", show_default=True)
@click.option("--other", is_flag=True)
def sample(apply, other, **given):
    click.echo(repr((apply, flags_of(given))))


def run(*words):
    return CliRunner().invoke(sample, words)


def test_help_is_what_the_declaration_says():
    lines = [line.split() for line in run("--help").stdout.splitlines()]
    for told in (
        "--size INTEGER RANGE How many. [1<=x<=9]",
        "--share FLOAT RANGE Of all. [x>0]",
        "--order [up|down|across] up, or another.",
        "--loud / --no-loud In capitals.",
        "--prompts DIRECTORY Where they are.",
        "--words [b|a]",
        "--answer-model TEXT Another model.",
    ):
        assert told.split() in lines


def test_what_is_given_comes_section_by_section_and_what_is_not_is_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    nothing = dict.fromkeys(("size", "share", "order", "loud", "prompts")) | {"words": ()}
    assert run().stdout.strip() == repr(("none", {"sample": nothing, "answerer": {"model": None}}))
    words = ("--size", "4", "--no-loud", "--prompts", "p", "--words", "a", "--words", "b", "--apply", "longest")
    given = {"size": 4, "loud": False, "prompts": str(tmp_path / "p"), "words": ("a", "b")}
    assert run(*words).stdout.strip() == repr(("longest", {"sample": nothing | given, "answerer": {"model": None}}))


@pytest.mark.parametrize(
    "words", [("--size", "0"), ("--size", "10"), ("--share", "0"), ("--share", "nan"), ("--order", "left")]
)
def test_bounds_and_choices_are_those_of_the_declaration(words):
    assert run(*words).exit_code == 2


def test_every_option_that_is_a_setting_has_words_and_a_setting():
    found = 0
    for command in cli.commands.values():
        with click.Context(command) as context:
            for one in command.get_params(context):
                if isinstance(one, SettingOption):
                    setting = declared(sections(Settings)[one.section].kind)[one.setting]
                    assert one.help, (command.name, one.name)
                    assert one.help == sentence(setting) or (one.section, one.setting) in {
                        ("answerer", "model"),
                        ("judge", "model"),
                    }
                    found += 1
    assert found > 50


def test_help_of_the_studio_reads_no_setting():
    code = "import sys; from studio.__main__ import run; run(['--help']); print('studio.settings' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert told.stdout.splitlines()[-1] == "False"
