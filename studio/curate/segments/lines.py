"""A text as lines and blocks: what every kind of segment is looked for in. Fenced code is never taken apart."""

from __future__ import annotations

import re
from functools import cached_property
from typing import NamedTuple

LEAD = r"[ \t　]*"
"""Blanks at the beginning of a line, the wide one of Chinese paragraphs among them."""

_QUESTION = re.compile(
    rf"{LEAD}(?:#{{1,6}}[ \t]+|\*\*)?"
    r"(?:(?:question|query|q|task|instructions?|answer|a|options|choices|问题|提问|问|任务|要求|指令|回答|答案|答|选项)"
    r"[ \t]*\d*(?:\*\*)?[ \t]*[:：]"
    r"|(?:based on|answer the|using (?:only )?the|according to the)\b"
    r"|请(?:问|回答|根据|结合|依据)|根据(?:以上|上述|上面))",
    re.IGNORECASE,
)
_OPTION = re.compile(rf"{LEAD}[(（]?[A-Ha-h][.．、)）][ \t]*\S")
_FENCE = re.compile(r"[ ]{0,3}(`{3,}|~{3,})")
_PARTS = re.compile(r"[^\n]*\n|[^\n]+")

# Marks may be followed by quotes, and by a remark in brackets.
_ENDS_ASKING = re.compile(r"[?？][\s\"'”’」』)）*]*(?:[(（][^()（）\n]{0,60}[)）][\s\"'”’*]*)?\Z")


def is_question(text: str) -> bool:
    """Whether a text ends with a question."""
    at = max(text.rfind("?"), text.rfind("？"))
    return at >= 0 and _ENDS_ASKING.match(text, at) is not None


class Line(NamedTuple):
    """A line with its break. start: its offset. fenced: it belongs to fenced code, the fence itself too."""

    start: int
    text: str
    fenced: bool = False

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def blank(self) -> bool:
        return not self.fenced and not self.text.strip()

    @property
    def asks(self) -> bool:
        """Whether the line begins a question, a task or options."""
        return not self.fenced and bool(_QUESTION.match(self.text) or _OPTION.match(self.text))

    @property
    def option(self) -> bool:
        """Whether the line is one of several to choose from: "A. …"."""
        return not self.fenced and bool(_OPTION.match(self.text))

    @property
    def questions(self) -> bool:
        """Whether the line ends with a question."""
        return not self.fenced and is_question(self.text)


class Block(NamedTuple):
    """Lines without a blank one among them."""

    lines: list[Line]

    @property
    def start(self) -> int:
        return self.lines[0].start

    @property
    def end(self) -> int:
        return self.lines[-1].end

    @property
    def text(self) -> str:
        return "".join([line.text for line in self.lines])


class Source:
    """A text that one kind of segment after the other is looked for in.

    asked: what is asked about it stands elsewhere, so that its last words need not be a request.
    """

    def __init__(self, text: str, *, asked: bool = False) -> None:
        self.text = text
        self.asked = asked

    @cached_property
    def fences(self) -> bool:
        """Whether there may be fenced code."""
        return "```" in self.text or "~~~" in self.text

    @cached_property
    def lines(self) -> list[Line]:
        """Every line; only "\n" breaks one."""
        return self._from(0)

    @cached_property
    def beginnings(self) -> list[int]:
        """Where every line begins that is neither empty nor fenced code."""
        if self.fences:
            return [line.start for line in self.lines if not line.fenced]
        text = self.text
        found = [0]
        at = text.find("\n") + 1
        while at:
            # Nothing begins on an empty line.
            if text[at : at + 1] != "\n":
                found.append(at)
            at = text.find("\n", at) + 1
        return found

    def lines_after(self, start: int) -> list[Line]:
        """The lines that begin behind start, which is on none of fenced code."""
        if self.fences:
            return [line for line in self.lines if line.start > start]
        at = self.text.find("\n", start) + 1
        return self._from(at) if at else []

    def _from(self, start: int) -> list[Line]:
        lines: list[Line] = []
        fence = ""
        for part in _PARTS.findall(self.text, start):
            mark = ""
            if self.fences:
                found = _FENCE.match(part)
                mark = found[1] if found else ""
            lines.append(Line(start, part, bool(fence or mark)))
            if not fence:
                fence = mark
            elif mark.startswith(fence) and part.strip() == mark:
                fence = ""
            start += len(part)
        return lines

    @cached_property
    def blocks(self) -> list[Block]:
        """Runs of lines between blank ones."""
        blocks: list[Block] = []
        block: list[Line] = []
        for line in self.lines:
            if not line.blank:
                block.append(line)
            elif block:
                blocks.append(Block(block))
                block = []
        if block:
            blocks.append(Block(block))
        return blocks

    def lead(self, start: int) -> str:
        """The last line above an offset that says anything."""
        return self.text[:start].rstrip().rpartition("\n")[2]

    def trimmed(self, start: int, end: int) -> int:
        """The offset behind the last character of text[start:end] that is no white space, at least start."""
        return start + len(self.text[start:end].rstrip())
