"""Rules a person writes: regular expressions over the fields of a row."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from studio.alpaca.checks.rule import EVERY, Finding, Findings, Rule, Severity, Texts
from studio.alpaca.rows import TYPES, Row
from studio.errors import UsageError


class CustomRule(NamedTuple):
    """A rule from the settings.

    pattern: a regular expression; a match anywhere in a field is a finding. fields: the columns it looks at
    (history stands for all of its turns), none for all. message: what to say, or the match itself.
    """

    pattern: str
    fields: tuple[str, ...] = ()
    severity: Severity = "warning"
    message: str = ""


_FIELDS = frozenset(name for shape in TYPES.values() for name in shape.__struct_fields__)
_NO_TEXT = frozenset({"images", "videos", "audios", "kto_tag"})


def custom_rules(patterns: Mapping[str, CustomRule], taken: Collection[str]) -> tuple[Rule, ...]:
    """The rules by code, in the given order, for `checker((*RULES, *custom))`.

    taken: codes that exist already. Raises UsageError that names the rule and what is wrong with it.
    """
    return tuple(_rule(code, custom, taken) for code, custom in patterns.items())


def _rule(code: str, custom: CustomRule, taken: Collection[str]) -> Rule:
    if code in taken:
        raise UsageError(f'The rule "{code}" exists already.', hint="Give yours another name.")
    if custom.severity not in ("error", "warning"):
        raise UsageError(f'Rule "{code}": severity is error or warning, not "{custom.severity}".')
    if unknown := [name for name in custom.fields if name not in _FIELDS - _NO_TEXT]:
        known = ", ".join(sorted(_FIELDS - _NO_TEXT))
        raise UsageError(f'Rule "{code}": no text field is called "{unknown[0]}".', hint=f"Fields: {known}.")
    try:
        pattern = re.compile(custom.pattern)
    except re.error as error:
        raise UsageError(f'Rule "{code}": the pattern is no regular expression: {error}.') from None
    if pattern.match(""):
        raise UsageError(f'Rule "{code}": the pattern matches the empty text, so it would match everything.')
    meaning = custom.message or f"Matches {custom.pattern}"
    meaning = meaning if meaning.endswith((".", "。")) else f"{meaning}."
    types = tuple(shape for shape in EVERY if not custom.fields or set(custom.fields) & set(shape.__struct_fields__))
    return Rule(code, custom.severity, meaning, types, _finder(pattern, frozenset(custom.fields), custom.message))


def _finder(pattern: re.Pattern[str], fields: Collection[str], message: str) -> Callable[[Row, Texts], Findings]:
    def find(row: Row, texts: Texts) -> Findings:
        for field, text in texts:
            if (not fields or field.partition("[")[0] in fields) and (hit := pattern.search(text)):
                yield Finding(field, message or f'"{hit[0][:40]}" matches the rule', hit.span())

    return find
