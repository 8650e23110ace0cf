"""Where settings are written, and what happens when a name there is wrong.

Later places win: built-in defaults, the user's ``config.toml``, the project's ``studio.toml``,
``STUDIO_<SECTION>_<NAME>`` variables, flags. The program reads these files and never rewrites them.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import platformdirs

from studio.errors import UsageError
from studio.settings import NAMED, Settings, converted, nearest


def load(
    files: tuple[Path, ...],
    environment: Mapping[str, str] = os.environ,
    flags: Mapping[str, Mapping[str, Any]] | None = None,
) -> Settings:
    """Settings from files (later wins), then the environment, then flags.

    flags maps section to {name: value}; a value of None means "not given".
    Raises UsageError naming the file, the setting and the nearest known name.
    """
    merged: dict[str, dict[str, Any]] = {}
    for file in files:
        if file.is_file():
            for section, values in _tables(file).items():
                merged.setdefault(section, {}).update(_known(section, values, str(file)))
    for section, values in _from_environment(environment).items():
        merged.setdefault(section, {}).update(values)
    for section, given in (flags or {}).items():
        chosen = {name: value for name, value in given.items() if value is not None}
        merged.setdefault(section, {}).update(chosen)
    settings = converted(merged, Settings)
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


def _known(section: str, values: dict[str, Any], where: str) -> dict[str, Any]:
    """values, once section and every name in it are known."""
    sections = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    if section not in sections:
        raise UsageError(f"{where}: there is no section [{section}].", hint=nearest(section, sections))
    if section == "keys":
        return values
    if section not in NAMED:
        return _known_names(section, values, sections[section], where)
    for name, one in values.items():
        if not isinstance(one, dict):
            raise UsageError(f"{where}: [{section}] holds tables: [{section}.{name}].", hint="See its comments.")
        _known_names(f"{section}.{name}", one, NAMED[section], where)
    return values


def _known_names(section: str, values: dict[str, Any], kind: Any, where: str) -> dict[str, Any]:
    names = [field.name for field in msgspec.structs.fields(kind)]
    for name in values:
        if name not in names:
            raise UsageError(f"{where}: [{section}] has no setting {name!r}.", hint=nearest(name, names))
    return values


def _from_environment(environment: Mapping[str, str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for section in msgspec.structs.fields(Settings):
        if section.name in ("keys", *NAMED):
            continue
        for field in msgspec.structs.fields(section.type):
            value = environment.get(f"STUDIO_{section.name}_{field.name}".upper())
            if value is not None:
                found.setdefault(section.name, {})[field.name] = value
    return found
