"""Tokens: words where a script has spaces, single characters where it has none.

`rouge_score` scores two identical Chinese sentences 0.0, because its tokenizer knows ASCII words only. This
one gives each Han character, kana and Hangul syllable a token of its own, so that lengths and likeness
mean the same in both languages.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from functools import lru_cache
from itertools import accumulate
from typing import Literal

Language = Literal["en", "zh"]

HAN = "\u2e80-\u2fdf\u3005\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Han characters with the extension planes, as the inside of a character class."""

CJK = HAN + "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uac00-\ud7a3\U0001aff0-\U0001b16f"
"""Characters that are a token each: Han, kana, Hangul syllables."""

_UNSEEN = re.compile(
    "[\xad\u061c\u180e\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f]"
    # A joiner of pictures makes another picture of them; one in a word nobody sees.
    "|(?<![\u2300-\u27bf\ufe0f\U0001f000-\U0001faff])\u200d"
)
_HAN = re.compile(f"[{HAN}]")
_WORD_IN_ASCII = re.compile("[0-9A-Za-z]+")
_NEITHER_WORD_NOR_SPACE = re.compile(r"[^\w\s\x00-\x7f]")
_WORDS_IN_ASCII = bytes.maketrans(
    bytes(range(256)),
    bytes(ord(chr(code).lower()) if code < 128 and chr(code).isalnum() else 32 for code in range(256)),
)


def tokenize(text: str) -> list[str]:
    """The tokens of `text` after NFKC and case folding: a CJK character each, words of letters and digits.

    Combining marks stay with their letter; punctuation, symbols and variation selectors are dropped.
    """
    if text.isascii():
        return text.encode("ascii").translate(_WORDS_IN_ASCII).decode("ascii").split()
    folded = fold(text)
    return _pattern(marks(folded)).findall(folded)


def units(text: str) -> int:
    """The length of `text` in tokens: the studio's measure of length in every language."""
    return len(tokenize(text))


def spans(text: str) -> list[tuple[int, int]]:
    """Where each token of `tokenize(text)` begins and ends in `text`, in characters of it.

    NFKC makes one character of several and several of one: a token takes all the characters it was made of, and
    tokens made of one character ("㍿" is four) all stand where it does.
    """
    if text.isascii():
        return [found.span() for found in _WORD_IN_ASCII.finditer(text)]
    folded = fold(text)
    found = [match.span() for match in _pattern(marks(folded)).finditer(folded)]
    if not found:
        return []
    for cut, fold_part in _CUTS:
        parts = cut(text)
        folds = list(map(fold_part, parts))
        if "".join(folds) == folded:
            break
    begins = list(accumulate(map(len, parts), initial=0))
    ends = list(accumulate(map(len, folds), initial=0))
    return [(begins[bisect_right(ends, begin) - 1], begins[bisect_left(ends, end)]) for begin, end in found]


def normalise(text: str) -> str:
    """`text` after NFKC and case folding, white space collapsed: equal results are exact duplicates."""
    return " ".join((text.lower() if text.isascii() else fold(text)).split())


def language(text: str) -> Language:
    """Whether prompts about `text` should be Chinese or English.

    Chinese when half of the tokens are Han characters, or a fifth and the text also begins with one:
    "用 Python 写排序" is Chinese, "What does 你好 mean?" is English.
    """
    han = len(_HAN.findall(text))
    if not han:
        return "en"
    tokens = tokenize(text)
    share = han / max(1, len(tokens))
    begins = bool(tokens) and _HAN.match(tokens[0]) is not None
    return "zh" if share >= 0.5 or (share >= 0.2 and begins) else "en"


def marks(text: str) -> str:
    """The combining marks in `text`, each once, without variation selectors (these only choose a glyph)."""
    if text.isascii():
        return ""
    rare = set(_NEITHER_WORD_NOR_SPACE.findall(text))
    return "".join(sorted(c for c in rare if unicodedata.category(c)[0] == "M" and not is_selector(ord(c))))


def is_selector(code: int) -> bool:
    """Whether the code point is a variation selector."""
    return 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF or 0x180B <= code <= 0x180F


def word(found_marks: str) -> str:
    """The regular expression of one CJK character or one word, for texts with these combining `marks`.

    The standard library's `re` has no class for marks, so those that occur are written into the expression.
    """
    letter = rf"[^\W_{CJK}]"
    if not found_marks:
        return f"[{CJK}]|{letter}+"
    inside = re.escape(found_marks)
    return f"[{CJK}][{inside}]*|{letter}(?:{letter}|[{inside}])*"


@lru_cache(maxsize=256)
def _pattern(found_marks: str) -> re.Pattern[str]:
    return re.compile(word(found_marks))


def fold(text: str) -> str:
    """`text` after NFKC and case folding, composed again; without characters that nobody sees, such as soft hyphens."""
    composed = _composed(_UNSEEN.sub("", text))
    folded = composed.casefold()
    # Case folding can undo the composition ("ǰ" becomes two code points).
    return composed if folded == composed else _composed(folded)


def _composed(text: str) -> str:
    # Asking first is a thousand times faster where the answer is yes, as for most Chinese.
    return text if unicodedata.is_normalized("NFKC", text) else unicodedata.normalize("NFKC", text)


# What may join the character before it under NFKC: marks, the vowels and finals of Hangul, half-width sound marks.
_JOINING = "\u1160-\u11ff\ud7b0-\ud7ff\uff9e\uff9f"


def _characters(text: str) -> list[str]:
    """The text cut into characters, each with the marks and the like behind it."""
    joining = f"[{_JOINING}{re.escape(marks(text))}]"
    return re.findall(f".{joining}*", text, re.DOTALL) if re.search(joining, text) else list(text)


def _words(text: str) -> list[str]:
    """The text cut behind white space, where nothing joins."""
    return re.findall(r"\S*\s*", text)


def _whole(text: str) -> list[str]:
    return [text]


_CUTS = ((_characters, lru_cache(maxsize=65536)(fold)), (_words, fold), (_whole, fold))
"""Ways to cut a text into parts that fold by themselves, the finest first; the last one always serves."""


def is_utf8(text: str) -> bool:
    """Whether a text can be written: it holds no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def as_utf8(text: str) -> str:
    """The text as it can be written: two halves of a surrogate pair become their character, one alone U+FFFD."""
    return text if is_utf8(text) else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
