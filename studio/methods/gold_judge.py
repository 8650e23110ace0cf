"""A model as the judge of which segment is gold, pure: what it is asked, and how its reply is read.

It is shown the segments under numbers of our own, whatever their labels are, with the question and its answer, and
names one with a quotation. A quotation that is not in the segment makes its verdict a suggestion only. The prompts are
data, gold_judge.en.toml and gold_judge.zh.toml in `studio/methods/prompts`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from studio.methods.prompt_files import PromptFiles
from studio.methods.templates import Profile, PromptSet, Template
from studio.text.tokens import normalise

NAME = "judge"
"""The one template of a prompt set."""
FIELDS = frozenset({"segments", "question", "answer"})
"""What its prompt must have open; it may have the count of the segments besides."""
SMALL_ROOM = 2400
"""Characters of all segments together that a small model is shown: its context is 2,048 tokens."""
SMALL_ROOM_ZH = 800
UNPROVED = 0.55
"""How sure a verdict is at most whose quotation is not in the segment."""
_MOST = 0.95
_UNSAID = 0.7


class Verdict(NamedTuple):
    """What the judge says: the place of the segment from 0, None for none of them; how sure, 0 to 1; in what words."""

    place: int | None
    confidence: float
    evidence: str


class _Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    judge: Template


class _PromptFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    standard: _Profile
    small: _Profile


def _read(content: _PromptFile) -> dict[Profile, dict[str, Template]]:
    return {"standard": {NAME: content.standard.judge}, "small": {NAME: content.small.judge}}


FILES = PromptFiles("gold_judge", _PromptFile, _read, {NAME: FIELDS}, {NAME: "count"})
"""gold_judge.en.toml and gold_judge.zh.toml."""


def messages(prompts: PromptSet, segments: Sequence[str], question: str, answer: str) -> tuple[tuple[str, str], ...]:
    """Ask which of the segments the answer rests on; (role, content) turns. A small model is shown shortened ones."""
    template = prompts.templates[NAME]
    if prompts.profile == "small":
        room = (SMALL_ROOM_ZH if prompts.language == "zh" else SMALL_ROOM) // len(segments)
        segments = [_shortened(segment, room) for segment in segments]
    fields = {
        "segments": "\n".join(f"[{number}] {' '.join(one.split())}" for number, one in enumerate(segments, start=1)),
        "count": str(len(segments)),
        "question": question.strip(),
        "answer": answer.strip(),
    }
    turns = template.messages(**{name: fields[name] for name in template.fields})
    return tuple((turn["role"], turn["content"]) for turn in turns)


_NUMBER = re.compile(
    r"(?:passage|segment|document|段落|片段|文档|编号|第)[\"'*\s]*(?:number|no\.?)?[\"'*\s]*[:：=]?[\s*\"'\[【]*(\d{1,3}|none|无|没有)",
    re.IGNORECASE,
)
_LONE = re.compile(r"^[\s*\[【(#]*(\d{1,3})\b", re.MULTILINE)
_CONFIDENCE = re.compile(
    r"(?:confidence|certainty|把握|置信度|确信度)[\"'*\s]*[:：=]?[\s*\"']*(\d{1,3}(?:\.\d+)?)", re.IGNORECASE
)
_QUOTE = re.compile(r"(?:quote|quotation|evidence|引文|原文|引用|依据)[\"'*\s]*[:：=]?\s*(.+)", re.IGNORECASE)
_MARKS = " \t\"'“”‘’「」『』*`,，。."


def read(reply: str, segments: Sequence[str]) -> Verdict:
    """The verdict in a reply: three lines, or JSON with those names. What names no segment is a verdict for none."""
    found = _NUMBER.search(reply) or _LONE.search(reply)
    number = int(found[1]) if found and found[1].isdecimal() else 0
    if not 1 <= number <= len(segments):
        return Verdict(None, 0.0, f"the judge names none: {_shortened(' '.join(reply.split()), 60)}")
    said = _CONFIDENCE.search(reply)
    confidence = _share(float(said[1])) if said else _UNSAID
    quoted = _QUOTE.search(reply)
    quote = quoted[1].strip(_MARKS + "}") if quoted else ""
    shown = f'the judge quotes "{_shortened(quote, 60)}"' if quote else "the judge quotes nothing"
    if quote and normalise(quote).strip(_MARKS) in normalise(segments[number - 1]):
        return Verdict(number - 1, round(min(confidence, _MOST), 2), shown)
    return Verdict(number - 1, round(min(confidence, UNPROVED), 2), f"{shown}, which is not there" if quote else shown)


def _share(said: float) -> float:
    """A confidence as a share, whether it was said as 0.9 or as 90."""
    return min(1.0, said if said <= 1 else said / 100)


def _shortened(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: max(0, room - 1)]}…"
