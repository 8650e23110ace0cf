"""What a model thought, kept apart from what it answered. Pure.

Models say their thoughts in <think> or <thinking> tags before the answer. Where the chat template already opened the
tag (DeepSeek-R1, QwQ), only the closing one is in the text. Tags in the middle of an answer are the answer's own.
"""

from __future__ import annotations

import re

import msgspec

_OPENING = ("<think>", "<thinking>")
_OPEN = re.compile(r"\s*<(think|thinking)>")
_CLOSE = re.compile(r"</(?:think|thinking)>")
# Inside a sentence the tag is a word of the answer; thoughts end with it on a line of its own, or end a line.
_LONE_CLOSE = re.compile(r"^[ \t]*</(?:think|thinking)>|</(?:think|thinking)>(?=\s*\Z|[ \t]*\n)", re.MULTILINE)
_LONE_CLOSE_SO_FAR = re.compile(r"^[ \t]*</(?:think|thinking)>|</(?:think|thinking)>(?=[ \t]*\n)", re.MULTILINE)
_LONGEST_CLOSE = len("</thinking>")


class Parts(msgspec.Struct, frozen=True):
    """A text taken apart. implied: its thoughts had a closing tag only."""

    thinking: str
    answer: str
    implied: bool = False


def split(text: str) -> Parts:
    """The thoughts at the beginning of a text, without their tags, and the rest.

    Thoughts that are never closed (cut by length) leave an empty answer. Without thoughts the text is unchanged.
    """
    thoughts: list[str] = []
    rest, implied = text, False
    if _OPEN.match(text) is None:
        closed = _LONE_CLOSE.search(text)
        if closed is None or _opened(text[: closed.start()]):
            return Parts("", text)
        thoughts.append(text[: closed.start()])
        rest, implied = text[closed.end() :].lstrip(), True
    while opened := _OPEN.match(rest):
        closed = _CLOSE.search(rest, opened.end())
        thoughts.append(rest[opened.end() : closed.start() if closed else None])
        rest = rest[closed.end() :].lstrip() if closed else ""
    return Parts(join(thoughts), rest, implied)


def attach(thinking: str, answer: str) -> str:
    """Thoughts and answer as one text, in the form LLaMA-Factory's reasoning templates train on."""
    return f"<think>\n{thinking}\n</think>\n\n{answer}" if thinking else answer


def join(thoughts: list[str]) -> str:
    """Several thoughts as one, empty ones left out."""
    return "\n\n".join(stripped for thought in thoughts if (stripped := thought.strip()))


class Listener:
    """Lets through the answer of a text that arrives in pieces, and holds its thoughts back.

    implied: this endpoint opens the thoughts unsaid, so everything is held until they are closed. What was let through
    and flush() together are split(text).answer, unless the thoughts turn out to be implied unannounced.
    """

    def __init__(self, *, implied: bool = False) -> None:
        self._close = _LONE_CLOSE_SO_FAR if implied else None
        self._held = ""
        self._thought = False
        self._answering = False

    def hear(self, piece: str) -> str:
        """The text of the answer that this piece makes known."""
        if self._answering:
            return piece
        self._held += piece
        if self._close is not _CLOSE and (opened := _OPEN.match(self._held)):
            self._held, self._close = self._held[opened.end() :], _CLOSE
        if self._close is not None:
            return self._wait_for_end(self._close)
        begun = self._held.lstrip()
        if not begun or any(tag.startswith(begun) for tag in _OPENING):
            return ""
        self._answering = True
        return begun if self._thought else self._held

    def flush(self, answer: str) -> str:
        """The rest of the answer when the text has ended; answer: the whole answer."""
        return "" if self._answering else answer

    def _wait_for_end(self, close: re.Pattern[str]) -> str:
        closed = close.search(self._held) if "</" in self._held else None
        if closed is None:
            if close is _CLOSE:
                self._held = self._held[-_LONGEST_CLOSE:]
            return ""
        if close is not _CLOSE and _opened(self._held[: closed.start()]):
            self._answering = True
            return self._held
        after, self._held, self._close, self._thought = self._held[closed.end() :], "", None, True
        return self.hear(after)


def _opened(text: str) -> bool:
    """Whether an opening tag stands somewhere in a text: then a closing one after it is the answer's own."""
    return any(tag in text for tag in _OPENING)
