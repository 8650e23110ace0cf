"""The registry: which methods there are. The commands, the Evolve stage and the settings derive from it.

A method of ours is a line here. An installed package brings one through the entry point group `studio.methods`:

    [project.entry-points."studio.methods"]
    followup = "studio_followup:Followup"
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from studio.errors import StudioError, UsageError

if TYPE_CHECKING:
    import msgspec

    from studio.methods.asking import Method

GROUP = "studio.methods"


class Entry(NamedTuple):
    """A method that has not been imported. place: its module and class. does: what its command does, in a sentence.

    stage: where a person starts it.
    """

    name: str
    place: str
    does: str
    stage: Literal["evolve", "position"] = "evolve"


# The order in which the Evolve stage lists them. Text only: `studio --help` imports none of them.
SHIPPED: tuple[Entry, ...] = (
    Entry(
        "evol-instruct", "studio.methods.evol_instruct.method:EvolInstruct", "Evolve the seed tasks (Evol-Instruct)."
    ),
    Entry(
        "self-instruct",
        "studio.methods.self_instruct.method:SelfInstruct",
        "Make new tasks like the seed tasks (Self-Instruct).",
    ),
    Entry(
        "probe",
        "studio.methods.probe.method:Probe",
        "Measure how well a model reads head, middle and tail of its input.",
        "position",
    ),
    Entry(
        "gold-judge",
        "studio.methods.gold_judge:GoldJudge",
        "Ask a model which segment holds the answer.",
        "position",
    ),
)


@cache
def entries() -> Mapping[str, Entry]:
    """Every method by its name, ours first, then those of installed packages."""
    found = {entry.name: entry for entry in SHIPPED}
    if not _is_anything_installed():
        return found
    from importlib.metadata import entry_points

    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        found.setdefault(point.name, Entry(point.name, point.value, f"A method of {point.module.partition('.')[0]}."))
    return found


def _is_anything_installed() -> bool:
    """Whether a package may bring a method. `studio --help` asks, and importlib.metadata takes a third of its time."""
    for place in sys.path:
        with suppress(OSError):  # A place that cannot be read has no packages for us.
            for file in Path(place or ".").glob("*-info/entry_points.txt"):
                if GROUP in file.read_text("utf-8", "replace"):
                    return True
    return False


@cache
def get(name: str) -> Method:
    """The method of that name. Raises UsageError for an unknown one, StudioError for one that cannot be imported."""
    entry = entries().get(name)
    if entry is None:
        raise UsageError(f"There is no method {name!r}.", hint=f"Known: {', '.join(entries())}.")
    from studio.methods.asking import Method

    module, _, attribute = entry.place.partition(":")
    try:
        made = getattr(import_module(module), attribute)()
    except Exception as error:
        raise StudioError(
            f"The method {name!r} of {module} cannot be used: {type(error).__name__}: {error}.",
            hint=f"Update the package that brings {module}, or uninstall it.",
        ) from error
    if not isinstance(made, Method):
        raise StudioError(
            f"{entry.place} is no method: it does not derive from studio.methods.asking.Method.",
            hint="Mend the entry point of that package, or uninstall it.",
        )
    return made


@cache
def sections() -> Mapping[str, type[msgspec.Struct]]:
    """The sections of settings that installed packages bring, by name, and those of roles that ours do not have."""
    from studio.settings import RoleSettings

    found: dict[str, type[msgspec.Struct]] = {}
    for name in entries().keys() - {entry.name for entry in SHIPPED}:
        with suppress(StudioError):  # Said when somebody asks for that method.
            method = get(name)
            found[method.section] = method.settings
            found |= {role: RoleSettings for role in method.roles if role != "teacher"}
    return dict(sorted(found.items()))
