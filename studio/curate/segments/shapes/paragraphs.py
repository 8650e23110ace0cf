"""Paragraphs between blank lines, and the single sentences of an instruction that each bind the answer."""

from __future__ import annotations

import re

from studio.curate.segments import guards
from studio.curate.segments.guards import Guard
from studio.curate.segments.lines import Source
from studio.curate.segments.segment import Span, cut
from studio.curate.segments.shapes import Found
from studio.curate.segments.tasks import is_task

LEAST = 3
"""So many paragraphs at least make segments."""

_HEADING = re.compile(r"[ ]{0,3}#{1,6}[ \t]")


def find(source: Source) -> Found | None:
    """Three or more paragraphs. A question or options after them are suffix, what leads up to them is prefix."""
    blocks = list(source.blocks)
    while blocks and (
        blocks[0].text.rstrip().endswith((":", "："))
        or blocks[0].lines[0].asks
        or _HEADING.match(blocks[0].text)
        or (not source.asked and is_task(blocks[0].text))
    ):
        blocks.pop(0)
    asking = next((number for number, block in enumerate(blocks) if any(line.asks for line in block.lines)), None)
    if asking is not None:
        blocks = blocks[:asking]
    elif blocks and blocks[-1].lines[-1].questions:
        blocks.pop()
    elif not source.asked:
        while blocks and any(is_task(line.text) for line in (blocks[-1].lines[0], blocks[-1].lines[-1])):
            blocks.pop()
    if len(blocks) < LEAST:
        return None
    spans = [Span(block.start, block.start, source.trimmed(block.start, block.end)) for block in blocks]
    prose = [line.text for block in blocks for line in block.lines if not line.fenced]
    heading = next((line for line in prose if _HEADING.match(line)), None)
    guard = (
        Guard("outline", heading.strip()[:40]) if heading else guards.prose_guard(prose, [one.text for one in blocks])
    )
    return Found(cut(source, "paragraphs", spans), guard)


_SENTENCE = re.compile(r"[^\s.!?。！？；][^.!?。！？；\n]*(?:[.](?=\d)[^.!?。！？；\n]*)*[.!?。！？；]?[\"'”’）)]*")
_BINDING = re.compile(
    r"\b(?:must|should|shall|needs? to|at least|at most|no more than|no fewer than|fewer than|less than|exactly|do not"
    r"|don't|avoid|without|include|includes|mention|use|write|end|begin|start|finish|limit|keep|make sure|ensure|wrap"
    r"|give|put|highlight|repeat|answer|respond|your (?:answer|response|reply|entire))\b"
    r"|必须|应当|应该|需要|须|务必|不得|不要|不能|不可|不许|禁止|避免|至少|至多|最多|不超过|不少于|以内|以上|恰好|包含|包括|使用|采用|提到|提及"
    r"|以.{1,12}(?:开头|结尾|结束)|结尾|开头|控制在|字数|每段|分[成为]?.{1,3}[段点条]",
    re.IGNORECASE,
)
_POINTS_BACK = re.compile(
    r"(?:this|these|that|those|the (?:former|latter|above|previous|same)|it (?:must|should) (?:also|then)|but|so|and|or"
    r"|otherwise|also|then|after|finally|next|first|second|这|那|该|此|上述|前者|后者|否则|并且|而且|然后|最后|其次|首先|接着|另外|同时)",
    re.IGNORECASE,
)


def find_constraints(source: Source) -> Found | None:
    """The constraints of an instruction that stand as sentences, one behind the other: two or more at its end."""
    sentences = [found for found in _SENTENCE.finditer(source.text) if found[0].strip()]
    binding: list[re.Match[str]] = []
    for sentence in reversed(sentences[1:]):
        if not _BINDING.search(sentence[0]) or sentence[0].rstrip().endswith(("?", "？")):
            break
        binding.append(sentence)
    if len(binding) < 2 or any(line.fenced for line in source.lines):
        return None
    spans = [Span(found.start(), found.start(), found.end()) for found in reversed(binding)]
    last = source.text[spans[-1].start : spans[-1].end]
    if last.rstrip("\"'”’）)")[-1:] not in ".!。！；":
        # The last sentence has no full stop, so that it could not stand before another one.
        return None
    backwards = next(
        (found for span in spans if (found := _POINTS_BACK.match(source.text, span.start, span.end))), None
    )
    guard = Guard("leaning", backwards[0]) if backwards else None
    return Found(cut(source, "constraints", spans), guard)
