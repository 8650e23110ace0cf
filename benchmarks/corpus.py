"""Instructions with known near-duplicates, for measuring how well and how fast they are found.

Words are drawn by Zipf's law from an invented vocabulary, 10 to 120 of them (median 21). A quarter of the bases fills
one of 8 templates, which makes them alike without being duplicates; a fifth of all rows is an edit of a base, by one of
8 kinds. Rows are shuffled. The truth is that of the edits: bases are independent of each other.
"""

from __future__ import annotations

import itertools
import random
from typing import NamedTuple

import numpy as np

_ONSETS = (*"bdfgklmnprstvz", "br", "cl", "dr", "gr", "pl", "st", "tr")
_VOWELS = ("a", "e", "i", "o", "u", "ai", "ou")
_CODAS = ("", "n", "r", "s", "l", "m")
_TEMPLATES = {
    "en": (
        "Write a short story about {} in which {} meets {} and nobody is harmed in the end, told in the past tense",
        "Explain to a ten year old child what {} has to do with {} and why {} matters, with an example from a kitchen",
        "Given the following table of {} work out how many {} there are for each {} and show every step of it clearly",
        "Translate the sentence about {} into plain words that {} and {} can understand, and keep its tone as it is",
        "You are an assistant of {} who answers questions about {} politely and within {} sentences, or says so if not",
        "Compare {} with {} and say which of them you would choose for {} and why, in a table with three columns",
        "List five reasons why {} should not be kept near {} in a house with {}, the most important one first",
        "Summarise the article on {} below in three bullet points for readers of {} who know {}, without any numbers",
    ),
    "zh": (
        "请写一个关于{}的短篇故事，其中{}遇到了{}，最后没有人受到伤害，用过去的口吻来讲",
        "请向一个十岁的孩子解释{}和{}有什么关系，以及为什么{}很重要，举一个厨房里的例子",
        "根据下面关于{}的表格，计算每个{}有多少{}，写出计算的每一步，并保留两位小数",
        "把关于{}的句子翻译成{}和{}都能看懂的简单话，保持原来的语气，不要省略内容",
        "你是{}的助手，请在{}句话之内有礼貌地回答关于{}的问题，如果不知道答案就直说",
        "比较{}和{}，说明为了{}你会选择哪一个以及为什么，并列一个三栏的表格",
        "列出五条理由，说明{}为什么不应该放在有{}的{}旁边，按重要程度排列",
        "用三个要点为了解{}的{}读者概括下面关于{}的文章，省略所有的数字",
    ),
}
TEMPLATED, EDITED = 0.25, 0.2
_FUNCTION_WORDS = 300
"""The most frequent words fill no slot of a template: slots hold names and things."""


class Corpus(NamedTuple):
    """texts, and for each the number of its base: rows of one base are duplicates, no others."""

    texts: list[str]
    bases: list[int]


def corpus(n: int, language: str = "en", seed: int = 7) -> Corpus:
    """n rows; the same arguments give the same rows."""
    luck = random.Random(f"{seed}/{language}")
    words = _words(language, luck)
    bases = _bases(n - int(n * EDITED), words, language, luck)
    gap = " " if language == "en" else ""
    rows = [(gap.join(base), number) for number, base in enumerate(bases)]
    for _ in range(int(n * EDITED)):
        number = luck.randrange(len(bases))
        rows.append((_edit(list(bases[number]), words, gap, luck), number))
    luck.shuffle(rows)
    return Corpus([text for text, _ in rows], [number for _, number in rows])


def templated(n: int, seed: int = 7) -> list[str]:
    """One template with n fillings of a rare and a common slot: all rows are alike and hardly any is a duplicate."""
    luck = random.Random(seed)
    words = _words("en", luck)
    frame = "Rewrite the note about {} for the {} board so that it stays polite and fits on a single printed page"
    return [frame.format(words[5000 + number % 50_000], words[luck.randrange(50)]) for number in range(n)]


def repeated(n: int, seed: int = 7) -> list[str]:
    """n rows that are near-duplicates of each other: a long frame with one slot."""
    luck = random.Random(seed)
    words = _words("en", luck)
    frame = " ".join(words[luck.randrange(2000)] for _ in range(90))
    return [f"{frame} {words[3000 + number]}" for number in range(n)]


def _words(language: str, luck: random.Random) -> list[str]:
    """The vocabulary, the most frequent first."""
    if language == "zh":
        return [chr(code) for code in luck.sample(range(0x4E00, 0x9FA5), 5000)]
    syllables = ["".join(parts) for parts in itertools.product(_ONSETS, _VOWELS, _CODAS)]
    made: dict[str, None] = {}
    while len(made) < 60_000:
        length = 1 + (len(made) > 300) + (len(made) > 8000)
        made["".join(luck.choice(syllables) for _ in range(length))] = None
    return list(made)


def _bases(n: int, words: list[str], language: str, luck: random.Random) -> list[list[str]]:
    """n lists of words."""
    generator = np.random.default_rng(luck.randrange(1 << 32))
    share = 1 / (np.arange(len(words)) + 2.7)
    upto = np.cumsum(share / share.sum())
    lengths = np.clip(np.exp(generator.normal(np.log(21), 0.6, n)), 10, 120).astype(int)
    drawn = np.minimum(np.searchsorted(upto, generator.random(int(lengths.sum()))), len(words) - 1).tolist()
    templates = [
        template.replace("，", "").replace(",", "").replace(";", "").split("{}") for template in _TEMPLATES[language]
    ]
    content = words[_FUNCTION_WORDS:]
    found, at = [], 0
    for length in lengths.tolist():
        own = [words[rank] for rank in drawn[at : at + length]]
        at += length
        if luck.random() < TEMPLATED:
            parts = luck.choice(templates)
            # Names of one word, and more of two; in Chinese of two and four characters.
            sizes = [(1 if luck.random() < 0.25 else 2) * (1 if language == "en" else 2) for _ in parts[1:]]
            cuts = [*(luck.choices(content, k=size) for size in sizes), []]
            own = [word for part, fill in zip(parts, cuts, strict=True) for word in (*_split(part, language), *fill)]
        found.append(own)
    return found


def _split(part: str, language: str) -> list[str]:
    return part.split() if language == "en" else list(part)


def _edit(words: list[str], vocabulary: list[str], gap: str, luck: random.Random) -> str:
    """The words edited in one of 8 ways, as a text."""
    at = luck.randrange(len(words))
    other = vocabulary[min(int(luck.paretovariate(0.6)) * 3, len(vocabulary) - 1)]
    match luck.randrange(8):
        case 0:
            word = words[at]
            cut = luck.randrange(max(1, len(word)))
            words[at] = word[:cut] + luck.choice("aeiou" if gap else "的一是在不") + word[cut + 1 :]
        case 1:
            del words[at]
        case 2:
            words.insert(at, other)
        case 3:
            words[at] = other
        case 4 if at:
            words[at - 1], words[at] = words[at], words[at - 1]
        case 5:
            words = ["Please" if gap else "请", *words, "Thanks" if gap else "谢谢"]
        case 6:
            return gap.join(words).upper().replace(gap or "。", gap + gap) + ("!!" if gap else "！！")
        case _:
            words = [*words[: max(8, len(words) - 2)], "etc" if gap else "等"]
    return gap.join(words)
