"""Rules about characters: what a crawl, a wrong encoding or a web page left in a text."""

from __future__ import annotations

import html
import re

from studio.alpaca.checks.rule import (
    AMPERSAND,
    ANGLE,
    CONTROL,
    EVERY,
    GARBLED,
    Finding,
    Findings,
    Rule,
    Texts,
    in_texts,
    prompts,
    prose,
)
from studio.alpaca.rows import Row, map_texts, texts

# -- control and invisible characters ---------------------------------------------------------------

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u200b\u202a-\u202e\u2060\u2066-\u2069\ufeff]")


_ESCAPED = {"\x07": "\\a", "\x08": "\\b", "\x0b": "\\v", "\x0c": "\\f"}


def _meant(hit: re.Match[str]) -> str:
    """The text that a stray character stands for.

    A control character such as a form feed before a letter was the \\f of a LaTeX word such as \\frac, read as an
    escape; C1 codes are the punctuation of Windows code page 1252.
    """
    char = hit[0]
    if char in _ESCAPED and hit.string[hit.end() : hit.end() + 1].isalpha():
        return _ESCAPED[char]
    if char in "\x0b\x0c\x85":
        return "\n"
    if "\x80" <= char <= "\x9f":
        return char.encode("latin-1").decode("cp1252", "ignore")
    return ""


def _control_character(row: Row, found: Texts) -> Findings:
    for field, text in found:
        if hit := _CONTROLS.search(text):
            count = len(_CONTROLS.findall(text))
            more = f" and {count - 1} more" if count > 1 else ""
            said = f"holds the invisible character U+{ord(hit[0]):04X}{more}"
            yield Finding(field, said, hit.span())


def _drop_controls(text: str) -> str:
    if not _CONTROLS.search(text):
        return text
    # Garbled text holds C1 codes too; they are needed to restore it.
    return _CONTROLS.sub(_meant, _LATIN.sub(_decoded, text))


# -- text read in a wrong encoding ------------------------------------------------------------------

_TAIL = "[\x80-\xbf€‚ƒ„†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"
"""The second and later bytes of a UTF-8 character, as Latin-1 and code page 1252 show them."""
# Quotes and three dots may rightly follow a capital A with tilde.
_LATIN = re.compile(
    "â€[\x80-\xbf™œ˜¦¢“”–—šž\u009d]?"  # typographic quotes and dashes
    "|ï»¿|ï¿½|ðŸ[\x80-\xbf‘’“”•–—˜™š›œžŸ€‚ƒ„…†‡ˆ‰Š‹ŒŽ]{2}"
    "|â[\x80-\x9f][\x80-\xbf]|[ÂÃ][\x80-\xbf]|Ã[€‚ƒ„†‡ˆ‰Š‹ŒŽ•–—˜™š›œžŸ]"  # accented letters
    f"|(?:[ä-é]{_TAIL}{{2}}){{2,}}"  # Chinese, two characters or more
)
_LOST = re.compile("\ufffd|锟斤|烫{3,}|屯{3,}")
"""What is left where bytes could not be read: replacement characters, and the fill of unset memory."""
_GBK = re.compile("锛|銆|锘|鐨勬|涓€")
"""UTF-8 punctuation, a byte-order mark and common words read as GBK; the single characters are all but unknown."""


def _garbled(text: str) -> re.Match[str] | None:
    return _LATIN.search(text) or _LOST.search(text) or _GBK.search(text)


def _mojibake(row: Row, found: Texts) -> Findings:
    for field, text in found:
        if not text.isascii() and (hit := _garbled(text)):
            yield Finding(field, f'"{hit[0][:12]}" looks like text read in a wrong encoding', hit.span())


def _decoded(hit: re.Match[str]) -> str:
    """The characters whose UTF-8 bytes these are; the hit itself where they are none."""
    try:
        return b"".join(_byte(char) for char in hit[0]).decode("utf-8")
    except UnicodeError:
        return hit[0]


def _byte(char: str) -> bytes:
    return char.encode("latin-1" if char < "\u0100" else "cp1252")


def _restored(text: str) -> str:
    """The text as it was written where the bytes still tell; unchanged where they do not."""
    if text.isascii() or not _garbled(text):
        return text
    if _GBK.search(text):
        try:
            return text.encode("gb18030").decode("utf-8")
        except UnicodeError:
            return text
    return _LATIN.sub(_decoded, text)


def _restore(row: Row) -> Row:
    mended = map_texts(row, _restored)
    return row if any(_garbled(text) for _, text in texts(mended)) else mended


# -- leftovers of web pages -------------------------------------------------------------------------

_ENTITY = re.compile(
    r"&(?:amp|lt|gt|quot|apos|nbsp|hellip|[lr][sd]quo|[mn]dash|middot|copy|#\d{2,5}|#x[\da-fA-F]{2,5});"
)
_TAG = re.compile(
    r"<(?:/?(?:p|div|span|font|center|td|tr|th|tbody|table|blockquote)|/a|/?br|/?hr|/?body|/?html)\s*/?>"
    r"|<(?:a|img|p|div|span|font|td|tr|table|iframe|script|style|link|meta)\s[^<>]{0,300}=[^<>]{0,300}>",
    re.IGNORECASE,
)
_ABOUT_MARKUP = re.compile(
    r"\b(?:x?html5?|xml|css|web ?(?:page|site|form)s?|markup|markdown|tags?|entit(?:y|ies)|escap\w+|dom|javascript"
    r"|jsx?|react|vue|php|svg|rss|bootstrap|jquery|angular|scrap\w+|crawl\w+|hyperlinks?|selenium|django|jinja|blade|razor"
    r"|url|element|attribute|template|regex|parse\w*|snippet|code|script|program\w*|function|latex|tables?)\b"
    r"|网页|网站|标签|前端|页面|超链接|实体|转义|标记|爬虫|代码|正则|表格|模板|解析",
    re.IGNORECASE,
)
_PAGE = re.compile(r"<!doctype|<\?xml|<html|</?(?:head|script|ul|li|h1|form|button|input)\b|^\s*<", re.IGNORECASE)


def _leftovers(pattern: re.Pattern[str], row: Row, found: Texts) -> list[tuple[str, re.Match[str]]]:
    """The first hit in the prose of each text, unless the row is about markup or the text is a page itself."""
    hits = [
        (field, hit)
        for field, text in found
        if ("<" in text or "&" in text) and (hit := pattern.search(prose(text))) and not _PAGE.search(text)
    ]
    if hits and any(_ABOUT_MARKUP.search(text) for text in prompts(row)):
        return []
    return hits


def _html_tag(row: Row, found: Texts) -> Findings:
    for field, hit in _leftovers(_TAG, row, found):
        yield Finding(field, f"{hit[0][:40]} looks left over from a web page", hit.span())


def _html_entity(row: Row, found: Texts) -> Findings:
    for field, hit in _leftovers(_ENTITY, row, found):
        yield Finding(field, f'{hit[0]} stands for "{html.unescape(hit[0])}"', hit.span())


def _unescape(row: Row) -> Row:
    fields = {field for field, _ in _leftovers(_ENTITY, row, texts(row))}
    if not fields:
        return row

    def plain(text: str) -> str:
        while (once := _ENTITY.sub(lambda hit: html.unescape(hit[0]), text)) != text:
            text = once
        return text

    flagged = {text for field, text in texts(row) if field in fields}
    mended = map_texts(row, lambda text: plain(text) if text in flagged else text)
    # A decoded "<" can open a code span or a page, or close one that hid another entity: then it is no clear case.
    return row if _leftovers(_ENTITY, mended, texts(mended)) else mended


CONTENT: tuple[Rule, ...] = (
    Rule(
        "control-character",
        "warning",
        "An invisible character. The fix removes it, or puts the sign it stands for.",
        EVERY,
        _control_character,
        in_texts(_drop_controls),
        CONTROL,
    ),
    Rule(
        "mojibake",
        "warning",
        "A text was read in a wrong encoding. The fix decodes it where nothing is lost.",
        EVERY,
        _mojibake,
        _restore,
        GARBLED,
    ),
    Rule("html-tag", "warning", "A tag left over from a web page.", EVERY, _html_tag, signs=ANGLE),
    Rule(
        "html-entity",
        "warning",
        "A character written as an HTML entity. The fix writes the character.",
        EVERY,
        _html_entity,
        _unescape,
        AMPERSAND,
    ),
)
