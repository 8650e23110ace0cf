"""Nouns by which people call segments: those of labels and citations, and those of the line above a list."""

from __future__ import annotations

import re

ITEM = "item"
"""The noun of entries in a numbered list: what people call them is anybody's choice."""

FAMILIES: tuple[tuple[str, ...], ...] = (
    ("document", "doc", "文档", "文件"),
    ("passage", "excerpt", "snippet", "segment", "片段"),
    ("paragraph", "para", "段落"),
    ("article", "文章"),
    ("source", "reference", "ref", "citation", "文献", "参考文献", "来源"),
    ("material", "资料", "材料", "参考资料", "背景资料", "阅读材料"),
    ("evidence",),
    ("context",),
    ("text", "文本"),
    ("section",),
    ("example", "sample", "demonstration", "shot", "示例", "样例", "范例", "例子", "例"),
    (ITEM, "point", "entry", "option", "fact", "review", "comment", "statement", "claim", "bullet"),
)
"""Nouns that mean the same, the first one stands for all."""
NOUNS = {noun: one[0] for one in FAMILIES for noun in one}
"""Each of them, and the first one of its family."""
PARTS = ("paragraph", "text", "excerpt", "段落", "片段")
"""Nouns of what may be parts of one text, and then lean on each other."""
# What labels that are bare numbers in brackets may be called.
_OF_BRACKETS = ("document", "passage", "source", "material", "context", "text", "evidence")


def family(noun: str) -> str:
    """What stands for a noun and those that mean the same."""
    return NOUNS.get(noun, noun)


def families_of(noun: str) -> tuple[str, ...]:
    """The families by which segments may be called whose labels have this noun, "" for brackets alone."""
    return (family(noun),) if noun else _OF_BRACKETS


def forms_of(noun: str) -> tuple[str, ...]:
    """Every noun by which such segments may be called."""
    families = families_of(noun)
    return tuple(known for known, first in NOUNS.items() if first in families) or (noun,)


_ENDS = re.compile(
    r"[:：,，(（\[{]|\b(?:about|on|of|for|from|in|with|that|which|to|by|regarding|concerning|below|and|or)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Za-z]+")
# Words on s that call nothing, or nothing in particular.
_PLAIN = "this does various lists kinds types sets pieces parts numbers"
_NO_PLURALS = frozenset(_PLAIN.split())


def lead_nouns(lead: str) -> tuple[str, ...]:
    """What a line calls the entries that follow on it, in the singular: review for "Here are customer reviews:"."""
    for part in _ENDS.split(lead.lower()):
        for word in reversed(_WORD.findall(part)):
            if len(word) > 3 and word[-1] == "s" and word[-2] != "s" and word not in _NO_PLURALS:
                return (singular(word),)
    return ()


def singular(word: str) -> str:
    """The singular of a regular English plural in lower case; another word as it is."""
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith(("ches", "shes", "xes", "sses")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word
