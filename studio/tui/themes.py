"""Themes: TOML files shipped with the studio and the person's own, each 1:1 with textual.theme.Theme."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path

from textual.color import Color, ColorParseError
from textual.theme import Theme

from studio import shipped
from studio.settings.sources import user_file
from studio.tui.ink import INKS

DEFAULT = "ink"
WITHOUT_COLOUR = "terminal"
VARIABLES = (*INKS, "cursor-text", "cursor-background")
# Textual's own style sheet asks an ANSI theme for these two.
_ANSI = {"ansi-background": "ansi_default", "ansi-foreground": "ansi_default"}


def folders() -> list[Path]:
    """Where themes are looked for; a later theme of the same name wins."""
    return [shipped.folder("themes"), user_file().parent / "themes"]


def load(places: Iterable[Path]) -> tuple[dict[str, Theme], list[str]]:
    """Every theme that is right, by name, and one line about each file that is not."""
    themes: dict[str, Theme] = {}
    problems: list[str] = []
    for folder in places:
        for file in sorted(folder.glob("*.toml")):
            try:
                theme = parse(file.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                problems.append(f"{file.name}: {error}")
            else:
                themes[theme.name] = theme
    return themes, problems


def parse(text: str) -> Theme:
    """A theme from its TOML text. Raises ValueError that says what is wrong."""
    try:
        values = tomllib.loads(text)
        theme = Theme(**values)
    except TypeError as error:
        raise ValueError(str(error).removeprefix("Theme.__init__() ")) from None
    missing = [name for name in VARIABLES if name not in theme.variables]
    if missing:
        raise ValueError(f"[variables] lacks {', '.join(missing)}")
    for name in VARIABLES:
        try:
            Color.parse(theme.variables[name])
        except ColorParseError:
            raise ValueError(f"{name} = {theme.variables[name]!r} is no colour") from None
    if theme.ansi:
        theme.variables = _ANSI | theme.variables
    return theme
