"""The checks: one function a rule, one table of rules.

An error is something the trainer would choke on, drop, or learn wrongly from without a word; a warning is
worth a look. Where a rule has a repair it is safe to apply to every row of its code: it never removes a word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from studio.alpaca.checks.answers import ANSWERS
from studio.alpaca.checks.content import CONTENT
from studio.alpaca.checks.custom import custom_rules
from studio.alpaca.checks.media import MEDIA_RULES, MediaFile, media_problems
from studio.alpaca.checks.privacy import PRIVACY
from studio.alpaca.checks.repair import FieldChange, changes
from studio.alpaca.checks.rule import Entry, Finding, Issue, Rule, Severity, Span, signs_of
from studio.alpaca.checks.structure import STRUCTURE
from studio.alpaca.rows import Row, texts

__all__ = [
    "FIELD_TYPE",
    "FIXES",
    "MEDIA_RULES",
    "RULES",
    "STRUCTURE",
    "UNREADABLE",
    "Entry",
    "FieldChange",
    "Finding",
    "Issue",
    "MediaFile",
    "Rule",
    "Severity",
    "Span",
    "changes",
    "checker",
    "custom_rules",
    "fix",
    "media_problems",
]

RULES: tuple[Rule, ...] = (*STRUCTURE, *CONTENT, *ANSWERS, *PRIVACY)
"""Every rule there is, in the order issues are listed."""

UNREADABLE = Entry("unreadable", "error", "A line or element that is no JSON object.")
FIELD_TYPE = Entry("field-type", "error", "A field is missing, or of another type than its column.")
"""Codes for objects of a file that are no rows at all; a project holds only rows."""

FIXES: tuple[str, ...] = tuple(rule.code for rule in (*CONTENT, *STRUCTURE) if rule.repair)
"""Every code with an automatic fix, in the order to apply them: an issue that one fix uncovers, a later fix mends."""

_BY_CODE = {rule.code: rule for rule in RULES}


def checker(rules: Iterable[Rule]) -> Callable[[Row], list[Issue]]:
    """A function that gives all issues of a row by these rules, in their order."""
    rules = tuple(rules)
    wanted = 0
    for rule in rules:
        wanted |= rule.signs
    # Which rules to try depends on the row's type and signs alone; few of the combinations ever occur.
    tried: dict[tuple[type[Row], int], tuple[Rule, ...]] = {}

    def check(row: Row) -> list[Issue]:
        found = texts(row)
        signs = signs_of(found) & wanted if wanted else 0
        key = type(row), signs
        if key not in tried:
            tried[key] = tuple(
                rule for rule in rules if type(row) in rule.types and (not rule.signs or rule.signs & signs)
            )
        return [
            Issue(
                rule.code,
                rule.severity,
                finding.field,
                finding.message,
                rule.repair is not None and rule.repair(row) != row,
                finding.span,
            )
            for rule in tried[key]
            for finding in rule.find(row, found)
        ]

    return check


def fix(row: Row, code: str) -> Row | None:
    """The row with each issue of this code mended where that is possible; None when nothing changes."""
    rule = _BY_CODE.get(code)
    if rule is None or rule.repair is None or type(row) not in rule.types:
        return None
    mended = rule.repair(row)
    return None if mended == row else mended
