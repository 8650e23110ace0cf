"""Rows with references whose meaning is known, and a checker that resolves them by itself.

It shares nothing with studio/curate: it reads labels off the text line by line, and takes each reference for the text
that stands under the label with its number.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from hypothesis import strategies as st

from studio.alpaca.rows import Kto, Preference, Sft

_HAN = "零一二三四五六七八九十"
_TOKENS_EN = ("Kora", "Velt", "Drum", "Osis", "Pell", "Quay", "Runo", "Sarn", "Tovi", "Ulma", "Wend", "Yarr")
_TOKENS_ZH = ("青石", "白露", "墨岩", "半坡", "云坪", "老仓", "听风", "观云", "映雪", "知秋", "晒书", "望江")


class Style(NamedTuple):
    """How labels and references look. label and references: with {n}; reading: a label, its number as a group."""

    label: str
    references: tuple[str, ...]
    reading: str
    first: int = 1
    chinese: bool = False
    han: bool = False


STYLES = (
    Style(
        "Document [{n}]",
        ("Document [{n}]", "document {n}", "[{n}]", "documents {n} and {m}", "no evidence [{n}]", "fact[{n}][{m}]"),
        r"^Document \[(\d+)\]",
    ),
    Style("Passage {n}:", ("Passage {n}", "passage [{n}]", "[{n}, {m}]", "passages {n}, {m}"), r"^Passage (\d+):"),
    Style("[{n}]", ("[{n}]", "document {n}", "source [{n}]", "[{n}][{m}]"), r"^\[(\d+)\]"),
    Style("Source {n}:", ("Source {n}", "source [{n}]"), r"^Source (\d+):", first=0),
    Style('<memo id="{n}">', ("memo {n}", "Memo [{n}]"), r'^<memo id="(\d+)">'),
    Style(
        "文档[{n}]", ("文档[{n}]", "文档{n}", "【{n}】", "文档{n}和{m}", "第{n}号文档"), r"^文档\[(\d+)\]", chinese=True
    ),
    Style("材料{n}：", ("材料{n}", "材料{n}和材料{m}"), r"^材料([一二三四五六七八九十]+)：", chinese=True, han=True),
    Style("【{n}】", ("【{n}】", "[{n}]", "文档{n}"), r"^【(\d+)】", chinese=True),
)
_SAYING = re.compile(r"(?<=<<)(.*?)(?=>>)", re.DOTALL)


class Case(NamedTuple):
    """A row, and what each of its references means, by field and in order: tokens of segments."""

    row: Sft | Preference | Kto
    meant: dict[str, list[list[str]]]
    style: Style
    tokens: list[str]


def written(style: Style, place: int) -> str:
    number = place + style.first
    if not style.han:
        return str(number)
    return _HAN[number] if number <= 10 else f"十{_HAN[number - 10]}"


@st.composite
def cases(draw):
    """Rows of 2 to 12 segments with references in every text around them. << and >> stand around what refers."""
    style = draw(st.sampled_from(STYLES))
    count = draw(st.integers(2, 12))
    tokens = draw(st.permutations(_TOKENS_ZH if style.chinese else _TOKENS_EN))[:count]
    closing = "</memo>" if style.label.startswith("<") else ""
    words = "{token}的灯每夜点亮{years}年。" if style.chinese else " The lamp of {token} burned for {years} years."
    gap = draw(st.sampled_from(["\n", "\n\n"]))
    segments = gap.join(
        style.label.replace("{n}", written(style, place))
        + words.format(token=token, years=draw(st.integers(100, 999)))
        + closing
        for place, token in enumerate(tokens)
    )
    meant: dict[str, list[list[str]]] = {}

    def saying(field):
        """A text with up to three references, their meanings noted."""
        parts = ["说" if style.chinese else "It is said"]
        for _ in range(draw(st.integers(0, 3))):
            form = draw(st.sampled_from(style.references))
            n, m = draw(st.integers(0, count - 1)), draw(st.integers(0, count - 1))
            told = form.replace("{n}", written(style, n)).replace("{m}", written(style, m))
            meant.setdefault(field, []).append([tokens[n]] + ([tokens[m]] if "{m}" in form else []))
            parts.append(f" <<{told}>> ")
        return "".join(parts) + ("。" if style.chinese else ".")

    kind = draw(st.sampled_from(["sft", "preference", "kto"]))
    common = {
        "instruction": saying("instruction"),
        "input": segments,
        "system": saying("system"),
        "history": ((saying("history[0][0]"), saying("history[0][1]")),),
    }
    if kind == "preference":
        row = Preference(**common, chosen=saying("chosen"), rejected=saying("rejected"))
    elif kind == "kto":
        row = Kto(**common, output=saying("output"), kto_tag=True)
    else:
        row = Sft(**common, output=saying("output"))
    return Case(row, meant, style, list(tokens))


def by_number(case: Case, row) -> dict[str, str]:
    """The text under each label of a row's input, by the label's number as it is written."""
    found: dict[str, str] = {}
    number = None
    for line in row.input.split("\n"):
        if label := re.match(case.style.reading, line):
            number = label[1]
        if number is not None:
            found[number] = found.get(number, "") + line
    return found


def wrong_references(case: Case, row) -> list[str]:
    """What in the row does not mean what it meant: one line for each, [] when all is right."""
    texts = by_number(case, row)
    wrong = []
    for field, meanings in case.meant.items():
        said = _SAYING.findall(_text(row, field))
        if len(said) != len(meanings):
            wrong.append(f"{field} has {len(said)} references and not {len(meanings)}")
        for told, tokens in zip(said, meanings, strict=False):
            numbers = re.findall(r"\d+" if not case.style.han else r"[一二三四五六七八九十]+", told)
            for number, token in zip(numbers, tokens, strict=True):
                if token not in texts.get(number, ""):
                    wrong.append(f"{field}: {told!r} meant {token}, and now it is {texts.get(number)!r}")
    return wrong


def _text(row, field: str) -> str:
    found = re.fullmatch(r"history\[(\d)\]\[(\d)\]", field)
    return row.history[int(found[1])][int(found[2])] if found else getattr(row, field)
