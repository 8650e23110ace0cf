"""Settings as lines of a form: each a label and a text to type over, read back with an error that says what will do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from msgspec import Struct

from studio.errors import UsageError
from studio.settings.declared import Setting, declared


class Line(NamedTuple):
    """One line of a form. name: by which the form knows it."""

    name: str
    label: str
    setting: Setting

    def value(self, typed: str) -> Any:
        """What was typed, as a value; the beginning of a choice will do. Raises UsageError that names the line."""
        typed, one = typed.strip(), self.setting
        if one.many:
            return tuple(self._read(part) for part in typed.replace(",", " ").split())
        return None if one.default is None and not typed else self._read(typed)

    def _read(self, typed: str) -> Any:
        one = self.setting
        if one.choices:
            return self._chosen(typed)
        match one.kind:
            case "yes":
                if typed[:1].casefold() not in ("y", "n", "是", "否"):
                    raise self._refusal(typed, "yes or no")
                return typed[0].casefold() in "y是"
            case "whole" | "number":
                return self._number(typed)
            case "address" if typed and not _is_address(typed):
                hint = "Write one like http://127.0.0.1:8000/v1, or nothing."
                raise UsageError(f"{self.label}: {typed!r} is no address.", hint=hint)
        return typed

    def _chosen(self, typed: str) -> str:
        known = self.setting.choices
        for name in known:
            if typed and name.startswith(typed):
                return name
        raise self._refusal(typed, f"{', '.join(known[:-1])} or {known[-1]}")

    def _number(self, typed: str) -> float:
        one = self.setting
        try:
            value = int(typed) if one.kind == "whole" else float(typed)
        except ValueError:
            value = math.nan
        # A float may be nan, which is not above anything.
        least, most = (-1e15 if one.least is None else one.least), (1e15 if one.most is None else one.most)
        if not least <= value <= most or (one.above and value == least):
            bounds = [
                *([] if one.least is None else [f"{'above' if one.above else 'at least'} {one.least:g}"]),
                *([] if one.most is None else [f"at most {one.most:g}"]),
            ]
            kind = "a whole number" if one.kind == "whole" else "a number"
            raise self._refusal(typed, ", ".join([kind, " and ".join(bounds)] if bounds else [kind]))
        return value

    def _refusal(self, typed: str, wanted: str) -> UsageError:
        return UsageError(f"{self.label}: {typed!r} does not do.", hint=f"Write {wanted}.")


def lines(kind: type[Struct], *names: str, section: str = "", before: str = "") -> tuple[Line, ...]:
    """The lines of a section: of these settings, else of all that have a label. A table has one for each of its keys.

    section: stands before each name, with a dot. before: stands before each label.
    """
    known = declared(kind)
    found: list[Line] = []
    for one in [known[name] for name in names] or [one for one in known.values() if one.label]:
        name = f"{section}.{one.name}" if section else one.name
        label = f"{before}{one.label or one.name.replace('_', ' ')}"
        found += [Line(f"{name}.{key}", f"{label} {key}", one) for key in one.keys] or [Line(name, label, one)]
    return tuple(found)


def values(form: Sequence[Line], typed: Mapping[str, str]) -> dict[str, Any]:
    """What was typed, by name. Raises UsageError that names the line and its cure."""
    return {line.name: line.value(typed[line.name]) for line in form}


def text(value: Any) -> str:
    """A value as a text to type over."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case tuple() | list():
            return ",".join(map(text, value))
        case float():
            return f"{value:g}"
    return str(value)


def _is_address(typed: str) -> bool:
    try:
        parts = urlsplit(typed)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)
