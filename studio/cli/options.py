"""Options that are settings: their types, bounds, choices and words are those of the declaration.

`studio --help` needs none of that, so an option reads its setting when somebody asks for its command's options.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

from studio.cli.calls import Amount

if TYPE_CHECKING:
    from msgspec import Struct

    from studio.settings.declared import Setting

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])
_Choices = Callable[[tuple[str, ...]], tuple[str, ...]]


class Decorator(Protocol):
    """What stands above a command."""

    def __call__(self, command: _Decorated, /) -> _Decorated: ...


class Command(click.Command):
    """A command of which some options are settings."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """All its parameters, the settings among them read."""
        for one in self.params:
            if isinstance(one, SettingOption):
                one.read()
        return super().get_params(ctx)


class SettingOption(click.Option):
    """The option of a setting; only what it is called is known until it is read."""

    def __init__(
        self, flags: list[str], *, section: str, setting: str, kind: type[Struct] | None, choices: _Choices, own: Any
    ) -> None:
        super().__init__(flags)
        self.section, self.setting = section, setting
        self._flags, self._kind, self._choices, self._own = flags, kind, choices, own
        self._read = False

    def read(self) -> None:
        """Take type, choices and words from the declaration, but for what is the option's own."""
        if self._read:
            return
        from studio.settings.declared import declared, sections
        from studio.settings.whole import Settings

        kind = self._kind or sections(Settings)[self.section].kind
        assert kind is not None  # a section without a Struct has no options
        setting = declared(kind)[self.setting]
        setting = setting._replace(choices=self._choices(setting.choices))
        flags = self._flags
        if setting.kind == "yes":
            flags = [*flags[:-1], f"{flags[-1]}/--no-{flags[-1].removeprefix('--')}"]
        super().__init__(flags, **{**_attributes(setting), **self._own})
        self._read = True


def option(
    section: str,
    setting: str,
    flag: str = "",
    *,
    kind: type[Struct] | None = None,
    choices: _Choices = tuple,
    **own: Any,
) -> Decorator:
    """The option of one setting. flag: what it is called, where that is not the setting's name.

    kind: what declares the section, if it is none of the house's. choices: of the declared ones those it has. own: what
    click.option shall be told otherwise.
    """
    flag = flag or f"--{setting.replace('_', '-')}"
    return click.option(flag, cls=SettingOption, section=section, setting=setting, kind=kind, choices=choices, own=own)


def options(section: str, *settings: str, kind: type[Struct] | None = None) -> Decorator:
    """The options of these settings, in this order."""
    return together(*(option(section, setting, kind=kind) for setting in settings))


def together(*decorators: Decorator) -> Decorator:
    """Several options as one decorator, the first of them first."""

    def decorated(command: _Decorated) -> _Decorated:
        for one in reversed(decorators):
            command = one(command)
        return command

    return decorated


def flags_of(given: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What the running command was given for its settings, section by section; what was not given is None or ()."""
    found: dict[str, dict[str, Any]] = {}
    for one in click.get_current_context().command.params:
        if isinstance(one, SettingOption) and one.name in given:
            found.setdefault(one.section, {})[one.setting] = given[one.name]
    return found


class _Folder(click.Path):
    """A folder, as it is found from everywhere."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = str(super().convert(value, param, ctx))
        return str(Path(found).absolute()) if found else found


def _attributes(one: Setting) -> dict[str, Any]:
    from studio.settings.declared import sentence

    attributes: dict[str, Any] = {"help": sentence(one), "default": None, "multiple": one.many}
    if one.kind == "yes":
        return attributes
    return {**attributes, "type": _type(one)}


def _type(one: Setting) -> Any:
    if one.choices:
        return click.Choice(one.choices)
    bounded = one.least is not None or one.most is not None
    match one.kind:
        case "whole":
            return click.IntRange(_whole(one.least), _whole(one.most)) if bounded else int
        case "number":
            return Amount(one.least, one.most, min_open=one.above) if bounded else float
        case "folder":
            return _Folder(file_okay=False)
    return str


def _whole(bound: float | None) -> int | None:
    return None if bound is None else int(bound)
