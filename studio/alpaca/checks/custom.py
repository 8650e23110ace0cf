"""Rules a person writes: regular expressions over the fields of a row, in [rules.NAME] of studio.toml."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

from studio.alpaca.checks.rule import EVERY, Finding, Findings, Rule, Texts
from studio.alpaca.rows import TYPES, Row
from studio.errors import UsageError
from studio.settings import RuleSettings

_NO_TEXT = frozenset({"images", "videos", "audios", "kto_tag"})
_FIELDS = frozenset(name for shape in TYPES.values() for name in shape.__struct_fields__) - _NO_TEXT


def custom_rules(written: Mapping[str, RuleSettings], taken: Collection[str]) -> tuple[Rule, ...]:
    """The rules by code, in the given order, for `checker((*RULES, *custom))`.

    taken: codes that exist already. Raises UsageError that names the rule, the setting and what is wrong with it.
    """
    return tuple(_rule(code, settings, taken) for code, settings in written.items())


def _rule(code: str, written: RuleSettings, taken: Collection[str]) -> Rule:
    where = f"[rules.{code}]"
    if code in taken:
        raise UsageError(f"{where}: there is a check of that name already.", hint="Give yours another name.")
    if unknown := [name for name in written.fields if name not in _FIELDS]:
        known = ", ".join(sorted(_FIELDS))
        raise UsageError(f'{where}: fields names "{unknown[0]}", which is no text of a row.', hint=f"Fields: {known}.")
    try:
        pattern = re.compile(written.pattern)
    except re.error as error:
        raise UsageError(
            f"{where}: pattern is no regular expression: {error}.",
            hint="Single quotes in TOML leave backslashes alone: pattern = '\\d+'",
        ) from None
    if pattern.match(""):
        raise UsageError(f"{where}: pattern matches the empty text, so it would match everything.")
    meaning = (written.message or f"Matches {written.pattern}").rstrip(".。") + "."
    types = tuple(shape for shape in EVERY if not written.fields or set(written.fields) & set(shape.__struct_fields__))
    return Rule(code, written.severity, meaning, types, _finder(pattern, frozenset(written.fields), written.message))


def _finder(pattern: re.Pattern[str], fields: Collection[str], message: str) -> Callable[[Row, Texts], Findings]:
    def find(row: Row, texts: Texts) -> Findings:
        for field, text in texts:
            if (not fields or field.partition("[")[0] in fields) and (hit := pattern.search(text)):
                yield Finding(field, message or f'"{hit[0][:40]}" matches the rule', hit.span())

    return find
