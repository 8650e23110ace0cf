"""Recipes of schema 9, told as those of schema 10: what a run is known by since all methods have one engine.

The old ones held everything that was asked, such as the sampling of each role; the new ones what a person has set:

    {"method": "evol-instruct", "roles": {"judge": {"model": "m", "own": {}, "profile": "standard"}, ...},
     "settings": {"operations": [], "temperature": 0.6, "weights": {}}, "thinking": "drop"}

An old recipe has several new ones where settings differ that it did not tell apart: a temperature that is the paper's
may be written down or not. The first one is the plainest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec

Language = Literal["en", "zh"]
Profile = Literal["standard", "small"]

# Digests of the prompts that the studio brought: by method, of (en standard, en small, zh standard, zh small).
_SHIPPED = {
    "evol-instruct": ("915dd2b6094d6e9c", "fed72f205e122b48", "7ee9eca3c0cafe0f", "daac54e2e10c2397"),
    "self-instruct": ("289c7009f12bf936", "2feb56d8b6d7404a", "7e0a645f45d5bb5f", "c77c72bb7a407b9c"),
    "probe": ("c635812eba7dcff6", "9ea4bdfae3caa2c0", "0ca2a8731406ef60", "5a49b5903a3f9dd9"),
}
_PLACES = {("en", "standard"): 0, ("en", "small"): 1, ("zh", "standard"): 2, ("zh", "small"): 3}

# The settings that nobody has changed.
_EVOLVE: dict[str, Any] = {
    "seed": 42, "short_answer": 80, "temperature": 1.0, "top_p": 0.95, "max_tokens": 2048
}  # fmt: skip
_SELF_INSTRUCT: dict[str, Any] = {
    "variant": "paper", "seed": 42, "batch": 5, "threshold": 0.7, "blacklist": (), "allowed": (), "thinking_room": 0
}  # fmt: skip
_LISTING: dict[str, dict[str, float]] = {
    "paper": {"temperature": 0.7, "top_p": 0.5, "max_tokens": 1024, "presence_penalty": 2.0},
    "alpaca": {"temperature": 1.0, "top_p": 1.0, "max_tokens": 3072, "presence_penalty": 0.0},
}
_PROBE: dict[str, Any] = {
    "task": "kv", "documents": 10, "positions": 5, "samples": 20, "language": "en", "seed": 42, "thinking_room": 0
}  # fmt: skip
_KEYS = {"standard": 75, "small": 25}
_PROBED_TOKENS = 100
_THINKING = ("drop", "keep", "attach")

Settings: TypeAlias = dict[str, Any]


class _Sampling(msgspec.Struct):
    temperature: float
    top_p: float
    max_tokens: int


class _EvolAsked(msgspec.Struct):
    model: str
    profile: Profile
    sampling: dict[Language, _Sampling]
    prompts: dict[Language, str]


class _Evol(msgspec.Struct):
    seed: int
    roles: dict[str, _EvolAsked]
    weights: dict[str, float] = {}
    short_answer: int = 80
    thinking: str = "drop"


class _Parameters(NamedTuple):
    temperature: float
    top_p: float
    max_tokens: int
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    stop: tuple[str, ...] = ()
    chat_stop: tuple[str, ...] = ()


class _InstructAsked(msgspec.Struct):
    model: str
    profile: Profile
    prompts: str


class _Instruct(msgspec.Struct):
    variant: Literal["paper", "alpaca"]
    language: Language
    seed: int
    batch: int
    threshold: float
    teacher: _InstructAsked
    answerer: _InstructAsked
    listing: _Parameters
    added: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    room: int = 0
    thinking: str = "drop"


class _Setup(msgspec.Struct):
    task: Literal["kv", "documents"]
    size: int
    positions: int
    samples: int
    language: Language
    seed: int


class _Probe(msgspec.Struct):
    model: str
    profile: Profile
    prompts: str
    setup: _Setup
    max_tokens: int


def digest(recipe: str) -> str:
    """What a recipe is found by."""
    return hashlib.blake2b(recipe.encode(), digest_size=16).hexdigest()


def told_anew(method: str, recipe: str) -> list[str]:
    """The recipes of schema 10 that a recipe of schema 9 stands for; none when it is no recipe of a chat model's."""
    tell = {"evol-instruct": _evol_instruct, "self-instruct": _self_instruct, "probe": _probe}.get(method)
    try:
        return [] if tell is None else list(tell(recipe))
    except msgspec.MsgspecError:
        return []


def _evol_instruct(recipe: str) -> Iterator[str]:
    old = msgspec.json.decode(recipe, type=_Evol)
    said: Settings = {"seed": old.seed, "short_answer": old.short_answer}
    # The judge had only max_tokens from the settings, and a small model nothing: what they said is not known.
    for role, names in (
        ("judge", ("max_tokens",)),
        ("answerer", ("temperature", "top_p", "max_tokens")),
        ("teacher", ("temperature", "top_p", "max_tokens")),
    ):
        if role in old.roles and old.roles[role].profile == "standard":
            sampling = msgspec.structs.asdict(old.roles[role].sampling["en"])
            said |= {name: sampling[name] for name in names}
    roles = {
        role: _asked("evol-instruct", asked.model, asked.profile, asked.prompts) for role, asked in old.roles.items()
    }
    # Weights tell which operations are drawn at all.
    settings = _changed(said, _EVOLVE) | {"operations": [], "weights": old.weights}
    yield _encoded("evol-instruct", roles, settings, old.thinking)


def _self_instruct(recipe: str) -> Iterator[str]:
    old = msgspec.json.decode(recipe, type=_Instruct)
    said: Settings = {
        "variant": old.variant,
        "seed": old.seed,
        "batch": old.batch,
        "threshold": old.threshold,
        "blacklist": old.added,
        "allowed": old.allowed,
        "thinking_room": old.room,
    }
    roles = {
        role: _asked("self-instruct", asked.model, asked.profile, {old.language: asked.prompts})
        for role, asked in (("teacher", old.teacher), ("answerer", old.answerer))
    }
    settings = _changed(said, _SELF_INSTRUCT) | {"language": old.language}
    listing = {name: getattr(old.listing, name) for name in _LISTING[old.variant]}
    own = _changed(listing, _LISTING[old.variant])
    papers = [name for name in listing if name not in own]
    for n in range(len(papers) + 1):
        for written in combinations(papers, n):
            again = {name: listing[name] for name in written}
            yield _encoded("self-instruct", roles, settings | own | again, old.thinking)


def _probe(recipe: str) -> Iterator[str]:
    old = msgspec.json.decode(recipe, type=_Probe)
    setup = msgspec.structs.asdict(old.setup)
    size, room = setup.pop("size"), max(0, old.max_tokens - _PROBED_TOKENS)
    sized = {"keys" if old.setup.task == "kv" else "documents": size}
    settings = _changed(setup | sized | {"thinking_room": room}, _PROBE)
    roles = {"teacher": _asked("probe", old.model, old.profile, {old.setup.language: old.prompts})}
    usual = {name: value for name, value in settings.items() if name != "keys" or value != _KEYS[old.profile]}
    # What becomes of thoughts changed nothing in a probe.
    for thinking in _THINKING:
        yield _encoded("probe", roles, usual, thinking)
        if usual != settings:
            yield _encoded("probe", roles, settings, thinking)


def _asked(method: str, model: str, profile: Profile, prompts: Mapping[Language, str]) -> dict[str, Any]:
    """One role. own: digests of the prompts that are the person's, by language."""
    shipped = _SHIPPED[method]
    own = {language: one for language, one in prompts.items() if one != shipped[_PLACES[language, profile]]}
    return {"model": model, "profile": profile, "own": own}


def _changed(said: Settings, usual: Settings | dict[str, float]) -> Settings:
    return {name: value for name, value in said.items() if name not in usual or value != usual[name]}


def _encoded(method: str, roles: Mapping[str, Any], settings: Settings, thinking: str) -> str:
    whole = {"method": method, "roles": roles, "settings": settings, "thinking": thinking}
    return msgspec.json.encode(whole, order="sorted").decode()
