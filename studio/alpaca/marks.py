"""Marks in a text that the trainer does not read as text: media placeholders and control tokens."""

from __future__ import annotations

import re

MEDIA: tuple[str, ...] = ("image", "video", "audio")
"""The kinds of media. LLaMA-Factory's placeholder is <kind>, its column the plural."""

# A short tag such as <s> or <pad> is also plain HTML or XML, so a rule built on this can only warn.
_CONTROL = re.compile(
    r"<\|[A-Za-z][\w .\-]{0,40}\|>"  # ChatML, Llama 3, Qwen, GPT
    r"|<｜[^<>｜\n]{1,40}｜>"  # DeepSeek
    r"|</?s>|<(?:bos|eos|pad|unk)>"  # SentencePiece
    r"|<(?:start|end)_of_turn>"  # Gemma
    r"|\[/?INST\]|<</?SYS>>"  # Llama 2, Mistral
    r"|\[(?:/?(?:AVAILABLE_TOOLS|TOOL_RESULTS|SYSTEM_PROMPT)|TOOL_CALLS)\]"  # Mistral
    r"|\[gMASK\]|\[(?:BOS|EOS|PAD|UNK|CLS|SEP|MASK)\]"  # GLM, BERT
    r"|\[\|(?:Human|AI|System)\|\]|<eo[has]>|<reserved_\d+>|<unused\d+>"  # BlueLM, InternLM, Baichuan, Gemma
)
_OPENING = re.compile(r"[<\[]+")


def control_tokens(text: str) -> tuple[str, ...]:
    """The chat-template tokens written out in the text, each once, in order of appearance."""
    if "<" not in text and "[" not in text:
        return ()
    return tuple(dict.fromkeys(_CONTROL.findall(text)))


def first_control_token(text: str) -> tuple[int, int] | None:
    """Where the first of them starts and ends; None when there is none."""
    found = _CONTROL.search(text)
    return found.span() if found else None


def break_control_tokens(text: str) -> str:
    """The text with a space after each control token's opening bracket, so no tokenizer takes it for one."""
    return _CONTROL.sub(lambda token: _OPENING.sub(lambda opening: f"{opening[0]} ", token[0], count=1), text)


def break_placeholders(text: str) -> str:
    """The text with a space inside each media placeholder, so that it stands for itself."""
    for kind in MEDIA:
        text = text.replace(f"<{kind}>", f"< {kind}>")
    return text
