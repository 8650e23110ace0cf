"""The settings of a method's runs that the Evolve screen changes in place: as texts to type over, and back.

studio.toml is not touched. What was chosen is remembered beside what the files said then: whoever changes the file
afterwards has said it last.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from studio.errors import UsageError
from studio.methods.asking import Method
from studio.settings import BudgetSettings, ModelSettings, RoleSettings, Settings
from studio.settings.lines import Line, lines, text, values

Texts = Mapping[str, str]
Form = tuple[Line, ...]
"""The lines of a form: each is named section.setting, one of a table (an operation's weight) section.setting.KEY."""


def choices(*methods: Method) -> Form:
    """The form of a method, or of several: their own settings, what they may cost, their models."""
    roles = dict.fromkeys(role for method in methods for role in method.roles if role != "teacher")
    return (
        *(line for method in methods for line in sorted(lines(method.settings, section=method.section), key=_place)),
        *lines(BudgetSettings, section="budget"),
        *lines(ModelSettings, section="model", before="teacher: "),
        *(line for role in roles for line in lines(RoleSettings, section=role, before=f"{role}: ")),
    )


def _place(line: Line) -> int:
    """How far a run goes stands first, then how fast, then by what, then what is a table."""
    if line.setting.name == "concurrency":
        return 1
    return 3 if line.setting.keys else 0 if line.setting.far else 2


def texts(form: Form, settings: Settings) -> dict[str, str]:
    """What the settings say, as texts by name."""
    return {line.name: _text(settings, line.name) for line in form}


def chosen(form: Form, files: Settings, typed: Texts) -> Settings:
    """What the files say with what was typed over it. Raises UsageError that names the line and its cure."""
    read = values(form, typed)
    sections: dict[str, dict[str, Any]] = {}
    for name, value in read.items():
        if typed[name] == _text(files, name):
            continue
        section, setting, key = _parts(name)
        given = sections.setdefault(section, {})
        if key:
            table = {line.name: read[line.name] for line in form if line.name.startswith(f"{section}.{setting}.")}
            given |= _table(section, setting, {name.rpartition(".")[2]: value for name, value in table.items()})
        else:
            given[setting] = value
    changed = files
    for section, given in sections.items():
        held = getattr(files, section)
        if isinstance(held, ModelSettings | RoleSettings) and "base_url" in given:
            # A key, more endpoints and limits belong to the address they were written for.
            given = {"api_key_env": "", "endpoints": (), "rpm": 0, "tpm": 0, **given}
        changed = replace(changed, **{section: replace(held, **given)})
    _check_models(changed)
    return changed


def to_remember(form: Form, files: Settings, typed: Texts) -> dict[str, list[str]]:
    """What was typed that differs from the files, each beside what they said."""
    said = texts(form, files)
    return {name: [said[name], last] for name, last in typed.items() if last != said[name]}


def remembered(form: Form, files: Settings, kept: Any) -> dict[str, str]:
    """The texts of the files with what is remembered over them; what has changed in the files since counts."""
    said = texts(form, files)
    known = kept.items() if isinstance(kept, dict) else ()
    return said | {name: last for name, (before, last) in known if said.get(name) == before}


def _parts(name: str) -> tuple[str, str, str]:
    section, _, rest = name.partition(".")
    setting, _, key = rest.partition(".")
    return section, setting, key


def _table(section: str, setting: str, table: dict[str, float]) -> dict[str, Any]:
    """Weights that were typed: which operations are drawn is told by them alone."""
    if not any(table.values()):
        raise UsageError("No operation is left to draw.", hint="Give one of them a weight above 0.")
    return {setting: table, "operations": ()} if (section, setting) == ("evolve", "weights") else {setting: table}


def _text(settings: Settings, name: str) -> str:
    section, setting, key = _parts(name)
    held = getattr(settings, section)
    if not key:
        return text(getattr(held, setting))
    drawn = not getattr(held, "operations", ()) or key in held.operations
    return text(float(getattr(held, setting).get(key, 1.0)) if drawn else 0.0)


def _check_models(settings: Settings) -> None:
    if settings.model.model and not settings.model.base_url:
        raise UsageError(
            f"Where is the model {settings.model.model}?",
            hint="Fill in the teacher's base_url, or empty its model: then the embedded one answers.",
        )
    for role in ("teacher", *settings.roles):
        said = settings.model_for(role)
        if said.base_url and not said.model:
            raise UsageError(f"Which model of {said.base_url} is the {role}?", hint="Fill in its model.")
