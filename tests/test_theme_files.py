"""The themes that are shipped: Textual takes them, nothing is missing, and what they paint can be read."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from textual.app import App
from textual.color import Color
from textual.theme import Theme

FILES = sorted((Path(__file__).parents[1] / "themes").glob("*.toml"))
NAMED = ("primary", "secondary", "accent", "foreground", "success", "warning", "error")
GROUNDS = ("background", "surface", "panel")
KEYS = {"name", "dark", *NAMED, *GROUNDS, "boost", "luminosity_spread", "text_alpha", "ansi", "variables"}
PAINTED = ("accept", "reject", "pending", "duplicate", "gold", "muted", "inserted", "deleted", "cursor-text")
SEMANTIC = {*PAINTED, "cursor-background"}


def load(path: Path) -> Theme:
    return Theme(**tomllib.loads(path.read_text(encoding="utf-8")))


def luminance(color: Color) -> float:
    """Relative luminance, WCAG 2.2."""

    def linear(channel: int) -> float:
        share = channel / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    return 0.2126 * linear(color.r) + 0.7152 * linear(color.g) + 0.0722 * linear(color.b)


def contrast(text: str, ground: str) -> float:
    """Contrast ratio, WCAG 2.2: 1.0 to 21.0."""
    low, high = sorted(luminance(Color.parse(color)) for color in (text, ground))
    return (high + 0.05) / (low + 0.05)


def colors(theme: Theme) -> dict[str, str]:
    """Every colour the file gives, styles such as "bold" left out."""
    given = {name: getattr(theme, name) for name in (*NAMED, *GROUNDS, "boost")}
    return given | {name: text for name, text in theme.variables.items() if not name.endswith("-style")}


def unreadable(theme: Theme, least: dict[str, float], default: float) -> list[str]:
    """Texts below their least ratio on the theme's grounds and on its cursor."""
    texts = {name: getattr(theme, name) for name in NAMED} | {name: theme.variables[name] for name in PAINTED}
    grounds = {name: getattr(theme, name) for name in GROUNDS}
    grounds["cursor-background"] = theme.variables["cursor-background"]
    return [
        f"{name} on {ground}: {contrast(text, color):.2f}"
        for name, text in texts.items()
        for ground, color in grounds.items()
        if contrast(text, color) < least.get(name, default)
    ]


def test_the_contrast_formula_against_known_ratios() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_the_four_themes_are_there_and_named_like_their_files() -> None:
    assert {path.stem for path in FILES} == {"ink", "paper", "contrast", "terminal"}
    assert [load(path).name for path in FILES] == [path.stem for path in FILES]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_theme_gives_every_key_and_every_semantic_colour(path: Path) -> None:
    given = tomllib.loads(path.read_text(encoding="utf-8"))
    assert set(given) == KEYS
    assert set(given["variables"]) >= SEMANTIC


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_textual_understands_every_colour(path: Path) -> None:
    for color in colors(load(path)).values():
        Color.parse(color)  # raises ColorParseError


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_an_app_opens_with_a_theme(path: Path) -> None:
    theme = load(path)
    app: App[None] = App()
    app.register_theme(theme)
    app.theme = theme.name
    async with app.run_test():  # Textual's stylesheets fail here when a variable is missing
        assert {name: app.theme_variables[name] for name in SEMANTIC} == {
            name: theme.variables[name] for name in SEMANTIC
        }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_only_the_terminal_theme_uses_the_colours_of_the_terminal(path: Path) -> None:
    theme = load(path)
    assert theme.ansi is (path.stem == "terminal")
    start = "ansi_" if theme.ansi else "#"
    assert [name for name, color in colors(theme).items() if not color.startswith(start)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_dark_says_whether_the_background_is_darker_than_the_text(path: Path) -> None:
    theme = load(path)
    if theme.ansi:
        assert theme.background == theme.foreground == "ansi_default"
    else:
        text, ground = Color.parse(theme.foreground or ""), Color.parse(theme.background or "")
        assert theme.dark is (luminance(ground) < luminance(text))


@pytest.mark.parametrize("name", ["ink", "paper"])
def test_text_reads_on_every_ground(name: str) -> None:
    theme = next(load(path) for path in FILES if path.stem == name)
    assert unreadable(theme, {"muted": 3.0}, 4.5) == []


def test_the_high_contrast_theme_reaches_aaa_everywhere() -> None:
    theme = next(load(path) for path in FILES if path.stem == "contrast")
    assert unreadable(theme, {}, 7.0) == []


def test_the_terminal_theme_reads_without_colour() -> None:
    variables = next(load(path) for path in FILES if path.stem == "terminal").variables
    assert variables["muted"] == "ansi_default"
    assert "reverse" in variables["block-cursor-text-style"]
    assert variables["cursor-text"] != variables["cursor-background"]
