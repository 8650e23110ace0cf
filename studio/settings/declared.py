"""What the Structs declare about sections and settings, as plain values.

A setting is a field `Annotated[type, Meta(description=, ge=, le=, examples=, extra=)] = default`. description is its
comment in studio.toml. examples[0] stands there as an example, behind two blanks, where the default says nothing. extra
may have:
  help   what the command line says instead of the description
  label  its name in a form; without one it is in none
  far    it is no part of a run's identity: how far it goes, how fast, where files are
  kind   what a text stands for: "address" or "folder"
  above  lines over it in studio.toml
  shown  what stands there in place of the default
  block  comments are aligned anew from here on
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from msgspec import NODEFAULT, Meta, Struct, structs

Kind = Literal["whole", "number", "yes", "text", "address", "folder"]
_KINDS: Mapping[Any, Kind] = {int: "whole", float: "number", bool: "yes", str: "text"}


class Setting(NamedTuple):
    """One setting. kind, choices, least and most are of each value where there are many.

    above: least itself is too little. many: any number of them. keys: by which names a table has them; () for none.
    """

    name: str
    kind: Kind
    default: Any
    description: str = ""
    help: str = ""
    label: str = ""
    far: bool = False
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    above: bool = False
    many: bool = False
    keys: tuple[str, ...] = ()
    example: Any = None
    extra: Mapping[str, Any] = {}


class Section(NamedTuple):
    """One section. kind: what declares its settings, None where any name will do. named: it holds named tables."""

    name: str
    kind: type[Struct] | None
    named: bool
    description: str
    example: Mapping[str, Any]


@cache
def sections(whole: type[Struct]) -> dict[str, Section]:
    """The sections of all settings, by name, in their order."""
    return {field.name: _section(field) for field in structs.fields(whole)}


@cache
def declared(kind: type[Struct]) -> dict[str, Setting]:
    """The settings of a section, by name, in their order."""
    return {field.name: _setting(field) for field in structs.fields(kind)}


def sentence(one: Setting) -> str:
    """What the command line says of a setting."""
    text = one.help
    if text and text.split()[0].rstrip(",:;") not in one.choices:
        text = text[0].upper() + text[1:]
    return f"{text}." if text and not text.endswith(".") else text


def _section(field: structs.FieldInfo) -> Section:
    said = _Said(field.type)
    table = get_origin(said.type) is dict
    kind = said.extra.get("of", get_args(said.type)[1] if table else said.type)
    known = isinstance(kind, type) and issubclass(kind, Struct)
    return Section(field.name, kind if known else None, table and known, said.description, said.example or {})


def _setting(field: structs.FieldInfo) -> Setting:
    said = _Said(field.type)
    default = field.default if field.default_factory is NODEFAULT else field.default_factory()
    return Setting(
        name=field.name,
        kind=said.extra.get("kind", _KINDS.get(said.type, "text")),
        default=default,
        description=said.description,
        help=said.extra.get("help", said.description),
        label=said.extra.get("label", ""),
        far=said.extra.get("far", False),
        choices=said.choices,
        least=said.least,
        most=said.most,
        above=said.above,
        many=said.many,
        keys=said.keys,
        example=said.example,
        extra=said.extra,
    )


class _Said:
    """What an annotation says, the outer part of it before the inner."""

    def __init__(self, annotation: Any) -> None:
        self.type: Any = annotation
        self.description = ""
        self.example: Any = None
        self.extra: dict[str, Any] = {}
        self.choices: tuple[str, ...] = ()
        self.keys: tuple[str, ...] = ()
        self.least: float | None = None
        self.most: float | None = None
        self.above = self.many = False
        self._take(annotation)

    def _take(self, annotation: Any) -> None:
        origin, parts = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            for meta in reversed(parts[1:]):
                self._note(meta)
            self._take(parts[0])
        elif origin in (Union, types.UnionType):
            self._take(next(part for part in parts if part is not type(None)))
        elif origin is Literal:
            # As written: msgspec.inspect would sort them.
            self.choices, self.type = parts, str
        elif origin in (tuple, list):
            self.many = True
            self._take(parts[0])
        elif origin is dict and get_origin(parts[0]) is Literal:
            self.keys = get_args(parts[0])
            self._take(parts[1])
        else:
            self.type = annotation

    def _note(self, meta: Meta) -> None:
        self.description = self.description or meta.description or ""
        self.example = self.example or (meta.examples or [None])[0]
        self.extra = {**(meta.extra or {}), **self.extra}
        if self.least is None:
            self.above = meta.gt is not None
            self.least = meta.gt if self.above else meta.ge
        self.most = meta.le if self.most is None else self.most
