"""Making untrusted text safe to show: the one door between a dataset, a model's reply and the terminal.

Control bytes would drive the terminal (clipboard, title, cursor), bidi controls reorder what is read,
invisible characters break the column count. Each becomes one visible character; nothing is deleted, and
the row keeps its bytes: only what is shown goes through here.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from studio.text.tokens import is_selector

INVISIBLE = "·"
"""Stands for a character without a shape: bidi controls, joiners, selectors, line separators, tags."""
UNKNOWN = "\ufffd"
"""Stands for a C1 control, a lone surrogate, or a code point that is no character."""
NEWLINE = "⏎"
ELLIPSIS = "…"
_ON_ONE_LINE = {0x0A: NEWLINE, 0x09: " "}

_UNSURE = re.compile(r"[^\n\t -~]")
_SHAPELESS = frozenset({0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0, *range(0x1F3FB, 0x1F400)})
"""Fillers and emoji modifiers: letters, marks and symbols by category, of uncertain width on terminals."""
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)
"""Pairs of these make a flag on some terminals only, so they are shown as the letters they stand for."""
_WIDE_SINCE_UNICODE_16 = frozenset(
    {*range(0x2630, 0x2638), *range(0x268A, 0x2690), *range(0x4DC0, 0x4E00), *range(0x1D300, 0x1D377)}
)
"""Textual counts two columns for these; the tables of older Pythons still say one."""


class _Replacements(dict[int, int | str]):
    """A table for str.translate that works out a code point when it first meets it."""

    def __missing__(self, code: int) -> int | str:
        self[code] = shown = _replacement(code)
        return shown


def _replacement(code: int) -> int | str:
    if code in (0x09, 0x0A):
        return code
    if code < 0x20:
        return 0x2400 + code  # the control pictures ␀ to ␟
    if code == 0x7F:
        return "␡"
    category = unicodedata.category(chr(code))
    if category in ("Cc", "Cs", "Cn"):
        return UNKNOWN
    if category in ("Cf", "Zl", "Zp") or is_selector(code) or code in _SHAPELESS:
        return INVISIBLE
    if code in _FLAG_LETTERS:
        return ord("A") + _FLAG_LETTERS.index(code)
    return code


_REPLACEMENTS = _Replacements()


def visible(text: str) -> str:
    """`text` with every character a terminal would obey or hide replaced by a visible one; \\n and \\t stay.

    The result has as many characters as `text`, and applying this again changes nothing.
    """
    if _UNSURE.search(text) is None:
        return text
    return text.translate(_REPLACEMENTS)


def columns(text: str) -> int:
    """The terminal columns that one line of text made by `visible` takes: 2 for wide, 0 for combining."""
    return len(text) if text.isascii() else sum(map(_width, text))


def one_line(text: str, width: int | None = None) -> str:
    """`text` on one line: visible, line breaks as "⏎", tabs as a space.

    width: cut to at most so many terminal columns, the last one an ellipsis if anything was cut.
    """
    if width is None:
        return visible(text).translate(_ON_ONE_LINE)
    if width <= 0:
        return ""
    head = text[: width + 1]
    if head.isascii() and head.isprintable():
        return head if len(head) <= width else head[: width - 1] + ELLIPSIS
    taken = 0
    fitting = 0
    for position, char in enumerate(text):
        taken += _width_on_one_line(char)
        if taken > width:
            return one_line(text[:fitting]) + ELLIPSIS
        if taken < width:
            fitting = position + 1
    return one_line(text)


@lru_cache(maxsize=65536)
def _width_on_one_line(char: str) -> int:
    return _width(one_line(char))


@lru_cache(maxsize=65536)
def _width(char: str) -> int:
    if unicodedata.category(char)[0] == "M" or "\u1160" <= char <= "\u11ff" or "\ud7b0" <= char <= "\ud7fb":
        return 0  # marks, and the vowels and finals of Hangul, stand on the letter before
    wide = unicodedata.east_asian_width(char) in "WF" or ord(char) in _WIDE_SINCE_UNICODE_16
    return 2 if wide else 1
