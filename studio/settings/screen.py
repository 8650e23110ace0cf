"""[project] and [screen]"""

from typing import Annotated, Literal

from msgspec import Meta, Struct


class ProjectSettings(Struct, frozen=True):
    """[project]"""

    name: str = ""


class ScreenSettings(Struct, frozen=True):
    """[screen]"""

    theme: Annotated[
        str,
        Meta(
            description='"" remembers what you picked in the palette',
            extra={"help": "a theme by its name, for this time"},
        ),
    ] = ""
    mouse: Annotated[bool, Meta(description="over SSH a mouse costs traffic; the keyboard does everything")] = False
    color: Annotated[
        Literal["auto", "truecolor", "256", "16", "none"],
        Meta(description="truecolor, 256, 16 or none where the terminal is guessed wrong"),
    ] = "auto"
