"""Few-shot example blocks: "Example 1 / Input / Output", "示例2", and pairs of input and output without a label."""

from __future__ import annotations

import re

from studio.curate.segments.lines import LEAD, Block, Source
from studio.curate.segments.numerals import PATTERN
from studio.curate.segments.segment import Span, cut
from studio.curate.segments.shapes import Found, endings
from studio.curate.segments.shapes.documents import in_sequence, labels_at, spans_of

_LABEL = re.compile(
    rf"{LEAD}(?P<label>(?:#{{1,6}}[ \t]+|\*\*)?[\[【(（]?"
    r"(?P<family>example|sample|demonstration|shot|示例|样例|范例|例子|例)"
    rf"[ \t]*#?[(（\[]?(?P<number>{PATTERN})(?P<bare>)[)）\]】]*(?:\*\*)?[ \t]*(?:[:：.．、]|\r?$)(?:\*\*)?)",
    re.IGNORECASE | re.MULTILINE,
)
_GIVEN = re.compile(
    rf"{LEAD}(?:\*\*)?(?:input|question|q|text|sentence|review|query|problem|输入|问题|问|文本|句子|评论|原文|题目)"
    r"(?:\*\*)?[ \t]*[:：]",
    re.IGNORECASE,
)
_ANSWERED = re.compile(
    rf"{LEAD}(?:\*\*)?(?:output|answer|a|label|sentiment|response|result|translation|summary"
    r"|输出|答案|回答|答|标签|情感|结果|译文|摘要|类别)(?:\*\*)?[ \t]*[:：][ \t]*(?P<rest>.*)",
    re.IGNORECASE,
)
_NOW = re.compile(
    rf"{LEAD}(?:now\b|your turn|请(?:完成|回答|处理|按照?|仿照|参照)|现在|下面轮到|轮到你)", re.IGNORECASE
)


def find(source: Source) -> Found | None:
    """Two or more examples, labelled and numbered in sequence, or pairs with a question after them that has no answer.

    What is to be answered in their manner is suffix.
    """
    labels = labels_at(source, _LABEL)
    naming = in_sequence(labels)
    if naming is None:
        return _pairs(source)
    spans, _ = endings.closed(source, spans_of(source, labels), asked=False)
    first, last = spans[0], spans[-1]
    if any(_GIVEN.match(line.text) for line in source.lines if first.body <= line.start < first.end):
        spans[-1] = last._replace(end=source.trimmed(last.body, _end(source, last.body)))
    return Found(cut(source, "examples", spans, naming))


def _end(source: Source, start: int) -> int:
    """Where the last example ends: behind its answer, before what is asked in its manner."""
    said = answered = False
    for line in source.lines:
        if line.start < start or line.fenced:
            continue
        if _NOW.match(line.text) or (answered and (line.blank or _GIVEN.match(line.text))):
            return line.start
        if found := _ANSWERED.match(line.text):
            said, answered = True, bool(found["rest"].strip())
        elif said and not line.blank:
            answered = True
    return len(source.text)


def _pairs(source: Source) -> Found | None:
    """Blocks of an input and its output, one after the other, then an input whose output is left open."""
    complete: list[Block] = []
    for block in source.blocks:
        state = _state(block)
        if state == "complete":
            complete.append(block)
        elif complete:
            if state != "open" or len(complete) < 2:
                return None
            spans = [Span(one.start, one.start, source.trimmed(one.start, one.end)) for one in complete]
            return Found(cut(source, "examples", spans))
    return None


def _state(block: Block) -> str:
    """complete: an input and its output; open: an input whose output is missing; "": no such block."""
    if any(line.fenced for line in block.lines) or not _GIVEN.match(block.lines[0].text):
        return ""
    answers = [found for line in block.lines[1:] if (found := _ANSWERED.match(line.text))]
    if not answers:
        return "open"
    last = answers[-1]
    after = block.text.rpartition(last[0])[2]
    return "complete" if last["rest"].strip() or after.strip() else "open"
