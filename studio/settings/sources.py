"""Where settings are written, and what happens when a name there is wrong.

Later places win: built-in defaults, the user's ``config.toml``, the project's ``studio.toml``,
``STUDIO_<SECTION>_<NAME>`` variables, flags. The program reads these files and never rewrites them.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import platformdirs

from studio.errors import UsageError
from studio.settings.declared import Section, declared, sections
from studio.settings.whole import Settings, converted, nearest


def load(
    files: tuple[Path, ...],
    environment: Mapping[str, str] = os.environ,
    flags: Mapping[str, Mapping[str, Any]] | None = None,
    whole: type[Settings] = Settings,
) -> Settings:
    """Settings from files (later wins), then the environment, then flags.

    flags maps section to {name: value}; a value of None means "not given". whole: the table of sections.
    Raises UsageError naming the file, the setting and the nearest known name.
    """
    table = sections(whole)
    merged: dict[str, dict[str, Any]] = {}
    for file in files:
        if file.is_file():
            for name, values in _tables(file).items():
                merged.setdefault(name, {}).update(_known(name, values, table, str(file)))
    for name, values in _from_environment(environment, table).items():
        merged.setdefault(name, {}).update(values)
    for name, given in (flags or {}).items():
        chosen = {key: value for key, value in given.items() if value is not None}
        merged.setdefault(name, {}).update(chosen)
    settings = converted(merged, whole)
    for name in settings.exports:
        settings.export_named(name)
    return settings


def user_file() -> Path:
    """The user's own settings file (it need not exist)."""
    given = os.environ.get("STUDIO_CONFIG_FILE")
    return Path(given) if given else Path(platformdirs.user_config_path("studio")) / "config.toml"


def _tables(file: Path) -> dict[str, dict[str, Any]]:
    try:
        parsed = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not valid TOML: {error}.", hint="Mend that line and start again.") from None
    for section, values in parsed.items():
        if not isinstance(values, dict):
            raise UsageError(
                f"{file}: {section!r} stands outside a section.", hint="Put it under [project], [model], ..."
            )
    return parsed


def _known(name: str, values: dict[str, Any], table: Mapping[str, Section], where: str) -> dict[str, Any]:
    """values, once section and every name in it are known."""
    section = table.get(name)
    if section is None:
        raise _unknown(name, table, where)
    if not section.named:
        return _known_names(name, values, section, where)
    for key, one in values.items():
        if not isinstance(one, dict):
            raise UsageError(f"{where}: [{name}] holds tables: [{name}.{key}].", hint="See its comments.")
        _known_names(f"{name}.{key}", one, section, where)
    return values


def _unknown(name: str, table: Mapping[str, Section], where: str) -> UsageError:
    """A section that nobody has: mistyped, or of a method that is not here."""
    if difflib.get_close_matches(name, list(table), n=1):
        return UsageError(f"{where}: there is no section [{name}].", hint=nearest(name, table))
    return UsageError(
        f"{where}: [{name}]: no installed method has this section.",
        hint=f"Install the package that brings it, or take it out. {nearest(name, table)}",
    )


def _known_names(label: str, values: dict[str, Any], section: Section, where: str) -> dict[str, Any]:
    names = values if section.kind is None else declared(section.kind)
    for name in values:
        if name not in names:
            raise UsageError(f"{where}: [{label}] has no setting {name!r}.", hint=nearest(name, names))
    return values


def _from_environment(environment: Mapping[str, str], table: Mapping[str, Section]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for section in table.values():
        if section.kind is None or section.named:
            continue
        for name in declared(section.kind):
            value = environment.get(f"STUDIO_{section.name}_{name}".upper())
            if value is not None:
                found.setdefault(section.name, {})[name] = value
    return found
