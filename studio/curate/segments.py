"""Segments of a long context: the documents or paragraphs whose order carries no meaning.

Follows the set-up of Lost in the Middle (arXiv 2307.03172): labelled documents such as "Document [1](Title: …)"
change places while the labels stay in ascending order. Where order does carry meaning (steps, stories, turns
of a dialogue, headings), there are no segments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from studio.curate.order_marks import continues, is_ordered

PARAGRAPHS = 3
"""So many paragraphs at least make segments where there are no labels."""

_HAN_DIGITS = "一二三四五六七八九"
_DIGITS = rf"\d{{1,3}}|[{_HAN_DIGITS}十]{{1,3}}"
_LEAD = r"[ \t　]*"
_DECORATION = r"(?:#{1,6}[ \t]+|\*\*)?"
_NOUNS = (
    "document|doc|passage|paragraph|context|source|article|reference|excerpt|snippet|evidence|text"
    "|文档|文件|文章|段落|资料|材料|文献|来源|片段|参考资料|参考文献|背景资料|阅读材料"
)
_NAMED = re.compile(
    rf"{_LEAD}(?P<label>{_DECORATION}(?P<family>{_NOUNS})[ \t]*#?"
    rf"(?:[\[【(（][ \t]*(?P<number>{_DIGITS})[ \t]*[\]】)）]|(?P<bare>{_DIGITS})(?=[ \t]*(?:[:：(（*]|$)))"
    r"(?:\*\*)?(?:[ \t]*[:：])?(?:\*\*)?)",
    re.IGNORECASE,
)
_BRACKETED = re.compile(
    rf"{_LEAD}(?P<label>(?P<family>[\[【])[ \t]*(?P<number>{_DIGITS})(?P<bare>)[ \t]*[\]】](?![:：]))"
)
_QUESTION = re.compile(
    rf"{_LEAD}{_DECORATION}"
    r"(?:(?:question|query|q|task|instructions?|answer|a|options|choices|问题|提问|问|任务|要求|指令|回答|答案|答|选项)"
    r"[ \t]*\d*(?:\*\*)?[ \t]*[:：]"
    r"|(?:based on|answer the|using (?:only )?the|according to the)\b"
    r"|请(?:问|回答|根据|结合|依据)|根据(?:以上|上述|上面))",
    re.IGNORECASE,
)
_OPTION = re.compile(rf"{_LEAD}[(（]?[A-Ha-h][.．、)）][ \t]*\S")
_FENCE = re.compile(r"[ ]{0,3}(`{3,}|~{3,})")


@dataclass(frozen=True, slots=True)
class Segments:
    """A text taken apart: prefix, then label, body, separator by turns, then suffix.

    labels: "Document [1]" and the like, "" for paragraphs; they never move. bodies: what moves. order: for each
    place, the place its body had in the text as it was recognised.
    """

    prefix: str
    labels: tuple[str, ...]
    bodies: tuple[str, ...]
    separators: tuple[str, ...]
    suffix: str
    order: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.bodies)

    def join(self) -> str:
        """The whole text; exactly the recognised one when nothing moved."""
        blocks = zip(self.labels, self.bodies, (*self.separators, ""), strict=True)
        return self.prefix + "".join(label + body + gap for label, body, gap in blocks) + self.suffix

    def moved(self, places: Sequence[int]) -> Segments:
        """The same with the body of place `places[i]` at place i.

        Raises ValueError when `places` is no permutation of all places.
        """
        if sorted(places) != list(range(len(self))):
            raise ValueError(f"not a permutation of {len(self)} places: {places}")
        return replace(
            self,
            bodies=tuple(self.bodies[place] for place in places),
            order=tuple(self.order[place] for place in places),
        )


def segment(text: str) -> Segments | None:
    """The segments of `text`, or None where there are none that may change places.

    Labelled documents (two or more, numbered in sequence from 0 or 1), else three or more paragraphs between
    blank lines. A question or options after them are suffix, what leads up to them is prefix. Fenced code is never
    cut.
    """
    lines = _lines(text)
    labels = _labels(lines, _NAMED) or _labels(lines, _BRACKETED)
    return _labelled(text, lines, labels) if labels else _paragraphs(text, lines)


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    text: str
    fenced: bool

    @property
    def blank(self) -> bool:
        return not self.fenced and not self.text.strip()

    @property
    def asks(self) -> bool:
        """Whether the line begins a question, a task or options."""
        return not self.fenced and bool(_QUESTION.match(self.text) or _OPTION.match(self.text))


@dataclass(frozen=True, slots=True)
class _Span:
    """A label (empty for paragraphs) and its body, as offsets in the text."""

    start: int
    body: int
    end: int


@dataclass(frozen=True, slots=True)
class _Label:
    family: str
    number: int
    start: int
    end: int


def _lines(text: str) -> list[_Line]:
    lines: list[_Line] = []
    fence = ""
    start = 0
    for part in re.findall(r"[^\n]*\n|[^\n]+", text):
        found = _FENCE.match(part)
        mark = found[1] if found else ""
        lines.append(_Line(start, part, bool(fence or mark)))
        if not fence:
            fence = mark
        elif mark.startswith(fence) and part.strip() == mark:
            fence = ""
        start += len(part)
    return lines


def _labels(lines: list[_Line], pattern: re.Pattern[str]) -> list[_Label]:
    """The labels at the beginnings of lines, of the family that comes first."""
    labels = []
    for line in lines:
        match = None if line.fenced else pattern.match(line.text.rstrip("\r\n"))
        if match:
            number = _number(match["number"] or match["bare"])
            start, end = match.span("label")
            labels.append(_Label(match["family"].casefold(), number, line.start + start, line.start + end))
    return [label for label in labels if label.family == labels[0].family]


def _number(digits: str) -> int:
    """The value of "12" or "十二" (Han numerals up to 99); -1 for what is no number, such as "十十"."""
    if digits.isdecimal():
        return int(digits)
    tens, ten, ones = digits.partition("十")
    if not ten:
        return _HAN_DIGITS.index(digits) + 1 if len(digits) == 1 else -1
    if len(tens) > 1 or len(ones) > 1 or "十" in ones:
        return -1
    return 10 * (_HAN_DIGITS.index(tens) + 1 if tens else 1) + (_HAN_DIGITS.index(ones) + 1 if ones else 0)


def _labelled(text: str, lines: list[_Line], labels: list[_Label]) -> Segments | None:
    numbers = [label.number for label in labels]
    in_sequence = numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    if len(labels) < 2 or numbers[0] not in (0, 1) or not in_sequence:
        return None
    ends = [label.start for label in labels[1:]]
    inner = [
        _Span(label.start, label.end, _trimmed(text, label.end, end)) for label, end in zip(labels, ends, strict=False)
    ]
    several_blocks = any(line.blank and span.body <= line.start < span.end for line in lines for span in inner)
    last = labels[-1]
    end = _end_of_last(text, lines, last, several_blocks)
    spans = [*inner, _Span(last.start, last.end, _trimmed(text, last.end, end))]
    if continues([text[span.body : span.end].lstrip(":：") for span in spans]):
        return None
    return _cut(text, spans)


def _end_of_last(text: str, lines: list[_Line], last: _Label, several_blocks: bool) -> int:
    """Where the last document ends: at the question, or at a blank line if the others have none inside.

    Where documents hold blank lines themselves, a last block that is a question still does not belong to one.
    """
    after = [line for line in lines if line.start > last.start]
    for line in after:
        if line.asks or (line.blank and not several_blocks and text[last.end : line.start].strip()):
            return line.start
    written = len(text.rstrip())
    blanks = [line.start for line in after if line.blank and line.start < written]
    if blanks and text[:written].endswith(("?", "？")) and text[last.end : blanks[-1]].strip():
        return blanks[-1]
    return len(text)


def _paragraphs(text: str, lines: list[_Line]) -> Segments | None:
    blocks = list(_blocks(lines))
    while blocks and (_source(blocks[0]).rstrip().endswith((":", "：")) or blocks[0][0].asks):
        blocks.pop(0)
    asking = [number for number, block in enumerate(blocks) if any(line.asks for line in block)]
    if asking:
        blocks = blocks[: asking[0]]
    elif blocks and _source(blocks[-1]).rstrip().endswith(("?", "？")):
        blocks.pop()
    sources = [_source(block) for block in blocks]
    prose = [line.text for block in blocks for line in block if not line.fenced]
    if len(blocks) < PARAGRAPHS or is_ordered(prose, sources):
        return None
    starts = [block[0].start for block in blocks]
    return _cut(
        text,
        [_Span(start, start, start + len(source.rstrip())) for start, source in zip(starts, sources, strict=True)],
    )


def _blocks(lines: list[_Line]) -> Iterator[list[_Line]]:
    block: list[_Line] = []
    for line in lines:
        if not line.blank:
            block.append(line)
        elif block:
            yield block
            block = []
    if block:
        yield block


def _source(block: list[_Line]) -> str:
    return "".join(line.text for line in block)


def _trimmed(text: str, start: int, end: int) -> int:
    """The offset after the last character of `text[start:end]` that is not white space, at least `start`."""
    return start + len(text[start:end].rstrip())


def _cut(text: str, spans: list[_Span]) -> Segments:
    return Segments(
        prefix=text[: spans[0].start],
        labels=tuple(text[span.start : span.body] for span in spans),
        bodies=tuple(text[span.body : span.end] for span in spans),
        separators=tuple(text[span.end : after.start] for span, after in pairwise(spans)),
        suffix=text[spans[-1].end :],
        order=tuple(range(len(spans))),
    )
