"""What a run is known by: everything that decides what it makes, save the rows it begins with and how far it goes.

    {"method": "evol-instruct", "roles": {"judge": {"model": "m", "own": {}, "profile": "standard"}, ...},
     "settings": {"operations": [], "temperature": 0.6, "weights": {}}, "thinking": "drop"}

Settings that nobody has changed are not in it, so that a new setting leaves older runs what they are; prompts only
where they are the person's own, so that a better word in a shipped one does not begin every run afresh.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from studio.methods.templates import Language, Profile
from studio.settings.declared import declared


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
    counted = {name: one.default for name, one in declared(type(settings)).items() if not one.far}
    values = {name: getattr(settings, name) for name in counted}
    return {name: value for name, value in values.items() if value != counted[name]} | dict(over)
