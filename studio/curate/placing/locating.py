"""Locate-first answers: the output first names the segment that holds the answer (PAM-QA, arXiv 2311.09198)."""

from __future__ import annotations

import re

from studio.curate.segments.segment import Kind, Segments
from studio.text.tokens import Language

_UNLABELLED: dict[Kind, tuple[str, str]] = {
    "paragraphs": ("paragraph {n} of {of}", "第{n}段（共{of}段）"),
    "bullets": ("entry {n} of {of} in the list", "列表的第{n}项（共{of}项）"),
    "numbered": ("entry {n} of {of} in the list", "列表的第{n}项（共{of}项）"),
    "json": ("element {n} of {of}", "第{n}个元素（共{of}个）"),
    "xml": ("element {n} of {of}", "第{n}个元素（共{of}个）"),
    "sections": ("section {n} of {of}", "第{n}节（共{of}节）"),
}
_OTHERWISE = ("segment {n} of {of}", "第{n}部分（共{of}部分）")
_AROUND_LABEL = " \t\r\n:：*#.．、"
_TITLE = re.compile(r"#{1,6}[ \t]+(.+)")
_LOCATES = re.compile(r"\s*(?:the (?:answer|relevant \w+) is in|答案在|相关内容在)", re.IGNORECASE)


def sentence(segments: Segments, place: int, language: Language) -> str:
    """What the output begins with, its line break included: "The answer is in Document [3]." or "答案在文档[3]中。" """
    named = _named(segments, place, language)
    return f"The answer is in {named}.\n" if language == "en" else f"答案在{named}中。\n"


def locates(output: str) -> bool:
    """Whether an output says where to look already."""
    return _LOCATES.match(output) is not None


def _named(segments: Segments, place: int, language: Language) -> str:
    label = segments.labels[place].strip(_AROUND_LABEL)
    if segments.naming is not None and segments.kind not in ("xml", "numbered", "constraints"):
        return label
    if segments.naming is not None and segments.kind == "xml":
        number = label.rpartition("=")[2].strip("\"'")
        return f"<{segments.naming.noun}> {number}"
    if title := _TITLE.match(segments.bodies[place]):
        words = title[1].strip(_AROUND_LABEL)
        return f'the section "{words}"' if language == "en" else f"“{words}”一节"
    wording = _UNLABELLED.get(segments.kind, _OTHERWISE)[language == "zh"]
    return wording.format(n=place + 1, of=len(segments))
