"""What a run is known by: everything that decides what it makes, save the rows it begins with and how far it goes.

    {"method": "evol-instruct", "roles": {"judge": {"model": "m", "own": {}, "profile": "standard"}, ...},
     "settings": {"operations": [], "temperature": 0.6, "weights": {}}, "thinking": "drop"}

Settings that nobody has changed are not in it, so that a new setting leaves older runs what they are; prompts only
where they are the person's own, so that a better word in a shipped one does not begin every run afresh.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Meta

from studio.methods.templates import Language, Profile


class Asked(msgspec.Struct, frozen=True):
    """Who is asked in a role. own: digests of the prompts that are the person's own, by language."""

    model: str
    profile: Profile
    own: dict[Language, str] = {}


def recipe(method: str, roles: Mapping[str, Asked], settings: Mapping[str, Any], thinking: str) -> str:
    """Canonical JSON: equal recipes give equal text. settings: as `told` gives them."""
    whole = {"method": method, "roles": dict(roles), "settings": dict(settings), "thinking": thinking}
    return msgspec.json.encode(whole, order="sorted").decode()


def digest(recipe: str) -> str:
    """32 hex digits (BLAKE2b) that a run is found by."""
    return hashlib.blake2b(recipe.encode(), digest_size=16).hexdigest()


def told(settings: msgspec.Struct, over: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a section that a person has changed, and over them what the method says (`Method.identity`).

    Those declared `far` do not count: they say how far a run goes and how fast, not what it makes.
    """
    counted = _counted(type(settings))
    values = {name: getattr(settings, name) for name in counted}
    return {name: value for name, value in values.items() if value != counted[name]} | dict(over)


@cache
def _counted(section: type[msgspec.Struct]) -> dict[str, Any]:
    """The settings of a section that decide what is made, with their defaults."""
    return {
        field.name: field.default if field.default_factory is NODEFAULT else field.default_factory()
        for field in msgspec.structs.fields(section)
        if not _is_far(field.type)
    }


def _is_far(annotation: Any) -> bool:
    said = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
    return any((meta.extra or {}).get("far", False) for meta in said if isinstance(meta, Meta))
