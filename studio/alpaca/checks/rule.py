"""The parts of a check: the finding, the issue, the rule, and the signs that say which rules can apply."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple, TypeAlias

from studio.alpaca.rows import Kto, Multimodal, Preference, Pretrain, Row, Sft, map_texts

Severity = Literal["error", "warning"]
Span: TypeAlias = tuple[int, int]
"""Start and end of a finding in the text of its field, in characters; end is exclusive."""
Texts: TypeAlias = Sequence[tuple[str, str]]
"""The row's non-empty texts with their field paths, as `rows.texts` gives them."""


class Finding(NamedTuple):
    """What a rule says. field: a path like "history[0][1]". span: where in its text, None for all of it."""

    field: str
    message: str
    span: Span | None = None


Findings: TypeAlias = Iterator[Finding]


class Issue(NamedTuple):
    """One finding of a row. fix: `fix(row, code)` would mend it. span: where in the field, None for all of it.

    waived: the reason a person let it pass; "" while it stands.
    """

    code: str
    severity: Severity
    field: str
    message: str
    fix: bool = False
    span: Span | None = None
    waived: str = ""


class Entry(NamedTuple):
    """A line of the table of checks: what a code means, and whether there is an automatic fix for some of its rows."""

    code: str
    severity: Severity
    meaning: str
    fixable: bool = False


class Rule(NamedTuple):
    """A check that is told from the row alone.

    types: the row types it looks at. find: the findings in a row.
    repair: the row mended, or the row as it was where nothing can be done.
    signs: bits of `signs_of`; the rule is tried only on rows that show one of them, 0 for every row.
    """

    code: str
    severity: Severity
    meaning: str
    types: tuple[type[Row], ...]
    find: Callable[[Row, Texts], Findings]
    repair: Callable[[Row], Row] | None = None
    signs: int = 0

    @property
    def entry(self) -> Entry:
        return Entry(self.code, self.severity, self.meaning, self.repair is not None)


ANSWERED = (Sft, Multimodal, Kto)
PROMPTED = (Sft, Preference, Multimodal, Kto)
TEXT_ONLY = (Sft, Preference, Kto)
EVERY = (Pretrain, *PROMPTED)

ANGLE, BRACKET, AMPERSAND, AT, DIGITS, MANY_DIGITS, KEY, CONTROL, GARBLED = (1 << bit for bit in range(9))
"""Signs: a "<", a "[", a "&", an "@", seven digits or more, seventeen or more, a run as long as a key,
a control or invisible character, a character that garbled text is full of."""

_DIGITS = b"0123456789"
_CONTROLS = bytes([*range(9), 11, 12, *range(14, 32), 127])
_LATIN_LEADS = b"\xc2\xc3"
"""First UTF-8 bytes of U+0080 to U+00FF."""
_TOLD_BY_ONE_BYTE = _DIGITS + _CONTROLS + _LATIN_LEADS + b"<[&@"
_PLAIN = bytes(code for code in range(256) if code not in _TOLD_BY_ONE_BYTE)
_UNBROKEN = bytes(97 if code < 128 and (chr(code).isalnum() or chr(code) in "-_") else 32 for code in range(256))
_KEY_LENGTH = b"a" * 20
_DIRECTIONS = "\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069"
"""Invisible marks of direction, and the word joiner."""


def signs_of(texts: Texts) -> int:
    """Which signs the texts show, told in a few passes over their bytes: most rows show none."""
    joined = "\n".join([text for _, text in texts])
    raw = joined.encode("utf-8", "surrogatepass")
    odd = raw.translate(None, _PLAIN)
    signs = 0
    if not joined.isascii():
        # One test a character: for a single character `in` is a scan of memory, an alternation is not.
        if "\ufffd" in joined or "锟" in joined or "烫" in joined or "屯" in joined:
            signs |= GARBLED
        if "锛" in joined or "銆" in joined or "锘" in joined:
            signs |= GARBLED
        if "\ufeff" in joined or "\u200b" in joined or any(map(joined.__contains__, _DIRECTIONS)):
            signs |= CONTROL
    if b"PRIVATE KEY" in raw:
        signs |= KEY
    if not odd:
        return signs
    rare = odd.translate(None, _DIGITS)
    digits = len(odd) - len(rare)
    if digits >= 7:
        signs |= DIGITS | (digits >= 17) * MANY_DIGITS
    if digits and _KEY_LENGTH in raw.translate(_UNBROKEN):
        signs |= KEY
    if rare:
        signs |= (b"<" in rare) * ANGLE | (b"[" in rare) * BRACKET | (b"&" in rare) * AMPERSAND | (b"@" in rare) * AT
        latin_free = rare.translate(None, _LATIN_LEADS)
        if len(rare) != len(latin_free):
            signs |= GARBLED | CONTROL
        if latin_free.translate(None, b"<[&@"):
            signs |= CONTROL
    return signs


def in_texts(change: Callable[[str], str], *skipped: str) -> Callable[[Row], Row]:
    """A repair that changes every text of the row on its own, those of skipped columns excepted."""
    return lambda row: map_texts(row, change, skipped)


def prompts(row: Row) -> tuple[str, ...]:
    """What the row asks with, in the fields a task is written in; nothing for a pretrain row."""
    if isinstance(row, Pretrain):
        return ()
    return row.instruction, row.input, row.system


def good_answers(row: Row, texts: Texts) -> list[tuple[str, str]]:
    """The answers the row teaches: not the rejected one, nor an undesirable output, which may well be poor."""
    wanted = "chosen" if isinstance(row, Preference) else "output"
    if isinstance(row, Kto) and not row.kto_tag:
        wanted = ""
    if isinstance(row, Pretrain) or not row.history:
        return [(wanted, answer)] if wanted and (answer := getattr(row, wanted)) else []
    return [one for one in texts if one[0] == wanted or one[0].endswith("][1]")]


_CODE_SPAN = re.compile(r"```.*?(?:```|\Z)|``.+?``|`[^`\n]+`|\$\$.+?\$\$", re.DOTALL)


def prose(text: str) -> str:
    """The text with its code spans blanked out, every character of the rest in its place."""
    if "`" not in text and "$" not in text:
        return text
    return _CODE_SPAN.sub(lambda span: " " * len(span[0]), text)
