"""The commented studio.toml of a new project: every default, each with what it means."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from studio.settings.declared import Section, Setting, declared, sections
from studio.settings.whole import Settings

Values = Mapping[str, Any]
_Line = tuple[str, str]
"""A line of TOML behind its comment sign, and the comment on it."""

_HEAD = """\
# Settings of this project. The studio wrote this file once and never changes it again; it is yours.
# Every line that starts with "# " and a name shows a default: take the "# " away to change it.
"""
_COLUMN = 24
"""Where comments begin; further on, where one line of a block reaches beyond."""


def commented(chosen: Mapping[str, Values], whole: type[Settings] = Settings) -> str:
    """The text of studio.toml. chosen: what it says itself, section by section."""
    parts, explained = [_HEAD], set[type[Struct] | None]()
    for section in _in_order(whole):
        lines = [f"# {line}" for line in section.description.splitlines()]
        if section.named:
            lines += _examples(section, comments=section.kind not in explained)
        else:
            told = _settings(section, chosen.get(section.name, {}), comments=section.kind not in explained)
            lines = [f"[{section.name}]", *lines, *told]
        explained.add(section.kind)
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def toml(value: Any) -> str:
    """A value in TOML. JSON's escapes are TOML's, which forbids DEL besides; a text that is not UTF-8 is shown so."""
    match value:
        case str():
            return json.dumps(value.encode(errors="replace").decode(), ensure_ascii=False).replace("\x7f", "\\u007f")
        case bool():
            return "true" if value else "false"
        case tuple() | list():
            return f"[{', '.join(map(toml, value))}]"
        case 0:
            return "0"
    return str(value)


def _in_order(whole: type[Settings]) -> Iterator[Section]:
    """The sections, those that the table of the house does not have (of further methods) behind the prices."""
    known, all_ = sections(Settings), sections(whole)
    for name in known:
        yield all_[name]
        if name == "prices":
            yield from (section for name, section in all_.items() if name not in known)


def _settings(section: Section, chosen: Values, *, comments: bool) -> Iterator[str]:
    if section.kind is None:
        yield from (f"# {name} = {toml(value)}" for name, value in section.example.items())
        return
    block: list[_Line] = []
    # A table ends its section.
    for one in sorted(declared(section.kind).values(), key=lambda one: bool(one.keys)):
        above = one.extra.get("above", "").splitlines()
        if one.extra.get("block") or above:
            yield from _aligned(block)
            block = []
        yield from (f"# {line}" for line in above)
        comment = one.description if comments else ""
        if one.name in chosen:
            block.append((f"{one.name} = {toml(chosen[one.name])}", comment))
        elif one.keys:
            block.append((f"#   [{section.name}.{one.name}]", comment))
            block += [(f"#   {name} = {toml(value)}", "") for name, value in (one.example or {}).items()]
        else:
            block.append((f"# {_shown(one)}", comment))
    yield from _aligned(block)


def _shown(one: Setting) -> str:
    if one.example is None:
        return f"{one.name} = {toml(one.extra.get('shown', one.default))}"
    literal = isinstance(one.example, str) and "\\" in one.example
    return f"  {one.name} = " + (f"'{one.example}'" if literal else toml(one.example))


def _examples(section: Section, *, comments: bool) -> Iterator[str]:
    assert section.kind is not None  # named tables are declared
    known = declared(section.kind)
    for name, values in section.example.items():
        yield f"#   [{section.name}.{name}]"
        block = [(f"#   {key} = {toml(value)}", known[key].description * comments) for key, value in values.items()]
        yield from _aligned(block, _COLUMN + 2)


def _aligned(block: Iterable[_Line], column: int = _COLUMN) -> Iterator[str]:
    """The lines with their comments in one column."""
    widest = max((len(line) for line, comment in block if comment), default=0)
    column = column if widest < column else widest + 3
    for line, comment in block:
        yield f"{line:{column}}# {comment}" if comment else line
