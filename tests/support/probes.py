"""A model that reads the head and the tail of its input and forgets the middle: its answers to the position probe.

It knows nothing of the studio: it finds the pairs or documents in the prompt, and what is asked for among them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_PAIR = re.compile(r'"([0-9a-f-]{36})": "([0-9a-f-]{36})"')
_KEY = re.compile(r'(?:Key: |键：)"([0-9a-f-]{36})"')
_DOCUMENT = re.compile(r"(?:Document \[\d+\]\(Title: (.+?)\) |文档 \[\d+\]（标题：(.+?)）)(.+)")
_QUESTION = re.compile(r"(?:Question: |问题：)(.+)")


def answer(messages: Sequence[dict[str, str]]) -> str | None:
    """The value of the key, or the document that the question is about; another one's when it stands in the middle
    third. None for prompts that are no probe's.
    """
    prompt = messages[-1]["content"]
    if (key := _KEY.search(prompt)) and (pairs := _PAIR.findall(prompt)):
        index = [one for one, _ in pairs].index(key[1])
        return pairs[_read(index, len(pairs))][1]
    if (question := _QUESTION.search(prompt)) and (documents := _DOCUMENT.findall(prompt)):
        titles = [english or chinese for english, chinese, _ in documents]
        index = next(number for number, title in enumerate(titles) if _is_about(question[1], title))
        return documents[_read(index, len(documents))][2]
    return None


def place(messages: Sequence[dict[str, str]]) -> int:
    """At which place, from 0, stands what a kv prompt asks for."""
    prompt = messages[-1]["content"]
    key = _KEY.search(prompt)
    assert key
    return [one for one, _ in _PAIR.findall(prompt)].index(key[1])


def _read(index: int, size: int) -> int:
    forgotten = size / 3 <= index <= 2 * size / 3 - 1 / 3
    return (index + 1) % size if forgotten else index


def _is_about(question: str, title: str) -> bool:
    return title in question or title[0].lower() + title[1:] in question
