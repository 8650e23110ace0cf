"""The filters on a new instruction, in the order of the paper's code (Self-Instruct, bootstrap_instructions.py).

What the paper tests with English words and ASCII is tested here for Chinese as well: its white-space words and its
first ASCII letter would drop every Chinese instruction.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple

from studio.methods.self_instruct.rules import Rejection
from studio.methods.templates import Language
from studio.text.tokens import CJK, HAN, language, normalise, units

WORDS = (4, 150)
"""The fewest and the most words of an instruction, English by white space, as in the paper."""
UNITS = (6, 270)
"""The same for Chinese, in tokens: a Chinese word is written with about 1.8 characters."""

BLACKLIST: tuple[str, ...] = (
    *("image", "images", "graph", "graphs", "picture", "pictures", "file", "files", "map", "maps"),
    *("draw", "plot", "go to"),
    *("图片", "图像", "图象", "图表", "图形", "照片", "曲线图", "柱状图", "饼图", "折线图", "地图", "附件", "文件"),
    *("绘制", "绘图", "画图", "作图", "画出", "画一个", "画一张", "画一幅", "画一只"),
)
"""What a language model cannot see or make: the paper's words, and their Chinese counterparts."""
ALPACA_BLACKLIST: tuple[str, ...] = (
    *BLACKLIST,
    *("video", "audio", "music", "flowchart", "diagram", "视频", "音频", "音乐", "流程图", "示意图", "图解"),
)
"""With what the Alpaca variant adds."""
PROGRAM_OPENINGS: tuple[str, ...] = (
    "Write a program",
    *("写一个程序", "写个程序", "写一段程序", "编写程序", "编写一个程序", "编写一段程序"),
)
"""Beginnings that leave open whether the program or its result is wanted."""

# Chinese sentences begin with titles and quotations; English ones that do are dropped, as in the paper.
_CHINESE_OPENING = "《〈「『“‘"
_POLITE = re.compile(r"(?:请你?|麻烦你?|帮我)+")
_LATIN = re.compile(rf"[^\W\d_{CJK}]")
_IDEOGRAPH = re.compile(f"[{HAN}]")


class Filters(NamedTuple):
    """What a person can change about the filters.

    words: fewest and most words of an English instruction. units: the same for a Chinese one, in tokens. blacklist:
    words and phrases, whole words where the script has spaces; case does not matter. openings: beginnings that are
    refused. languages: whose letters an instruction may be written in.
    """

    words: tuple[int, int] = WORDS
    units: tuple[int, int] = UNITS
    blacklist: tuple[str, ...] = BLACKLIST
    openings: tuple[str, ...] = PROGRAM_OPENINGS
    languages: tuple[Language, ...] = ("en", "zh")


SELF_INSTRUCT = Filters()
ALPACA = Filters(blacklist=ALPACA_BLACKLIST)


def tidy(text: str) -> str:
    """An instruction on one line, its first letter a capital.

    The paper's code also makes all other letters small ("Python" becomes "python"), a slip of `str.capitalize`.
    """
    line = " ".join(text.split())
    return line[:1].upper() + line[1:]


def check_instruction(instruction: str, filters: Filters = SELF_INSTRUCT) -> Rejection | None:
    """The first filter that drops the tidied instruction, if any."""
    return (
        _length(instruction, filters)
        or _blacklisted(instruction, filters.blacklist)
        or _opening(instruction, filters.openings)
        or _first_character(instruction)
        or _script(instruction, filters.languages)
    )


def _length(instruction: str, filters: Filters) -> Rejection | None:
    if language(instruction) == "zh":
        length, (least, most), unit = units(instruction), filters.units, "characters and words"
    else:
        length, (least, most), unit = len(instruction.split()), filters.words, "words"
    if length < max(1, least):
        return Rejection("too-short", f"{length} {unit}, at least {least}")
    return Rejection("too-long", f"{length} {unit}, at most {most}") if length > most else None


def _blacklisted(instruction: str, blacklist: tuple[str, ...]) -> Rejection | None:
    found = _phrases(blacklist).search(normalise(instruction))
    return Rejection("blacklisted", f"contains {found[0]!r}") if found and found[0] else None


def _opening(instruction: str, openings: Collection[str]) -> Rejection | None:
    begins = _POLITE.sub("", normalise(instruction), count=1) if _POLITE.match(instruction) else normalise(instruction)
    found = next((opening for opening in openings if begins.startswith(normalise(opening))), None)
    return Rejection("asks-for-a-program", f"begins with {found!r}") if found else None


def _first_character(instruction: str) -> Rejection | None:
    first = instruction[0]
    if first in _CHINESE_OPENING and language(instruction) == "zh":
        return None
    if first in string.punctuation or unicodedata.category(first)[0] in "PS":
        return Rejection("starts-with-punctuation", f"begins with {first!r}")
    return None


def _script(instruction: str, languages: Collection[Language]) -> Rejection | None:
    """The paper drops instructions that begin with a non-ASCII letter, to drop other languages."""
    letters = [letter for letter in unicodedata.normalize("NFKC", instruction) if letter.isalpha()]
    other = [letter for letter in letters if not _belongs(letter, languages)]
    if not letters:
        return Rejection("other-script", "no letter at all")
    if 2 * len(other) < len(letters):
        return None
    return Rejection("other-script", f"{len(other)} of {len(letters)} letters, such as {other[0]!r}")


def _belongs(letter: str, languages: Collection[Language]) -> bool:
    # Chinese text has Latin words in it, so Latin letters belong to every language.
    if _IDEOGRAPH.match(letter):
        return "zh" in languages
    return letter.isascii() or unicodedata.name(letter, "").startswith("LATIN")


@lru_cache(maxsize=16)
def _phrases(blacklist: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(_phrase(phrase) for phrase in filter(None, map(normalise, blacklist))))


def _phrase(phrase: str) -> str:
    """The phrase, not inside a longer word: \\b would find no boundary between Latin letters and Chinese characters."""
    letter = rf"[^\W_{CJK}]"
    before = f"(?<!{letter})" if re.match(letter, phrase) else ""
    after = f"(?!{letter})" if re.search(rf"{letter}\Z", phrase) else ""
    return f"{before}{re.escape(phrase)}{after}"
