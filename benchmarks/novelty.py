"""The ROUGE-L filter against its limits: `python benchmarks/novelty.py [ROWS ...]` (default 1,000 10,000 100,000).

A pool of generated instructions, English and Chinese, grows by candidates, of which a fifth are edits of pool rows.
Prints processor milliseconds a candidate (checked, and added when novel, the evidence of rejected ones included),
those of finding the ten nearest of every candidate, and how many times as long `rouge_score` takes, which Self-Instruct
and Alpaca use. Its time is scaled from 1,000 rows, and only English is compared, because it finds no words in Chinese.
Where it is not installed (`pip install rouge_score`), the peer is its algorithm in plain Python: the whole LCS table.
"""

from __future__ import annotations

import itertools
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator

from studio.curate.selecting.novelty import NoveltyIndex
from studio.text.tokens import tokenize

LIMITS = {10_000: 0.2, 100_000: 2.0}
CANDIDATES = 1000
FASTER = 4000
_FRAMES = {
    "en": (
        *("Write a {} about", "Given a list of", "Explain to a child why the", "Suggest three ways to", "Generate a"),
        *("What is the difference between", "Put the following sentence into", "Make a plan for"),
    ),
    "zh": (
        *("请写一首关于", "给出一个列表，", "请向孩子解释为什么", "提出三种方法来", "生成一个"),
        *("请说明以下两者的区别：", "把下面的句子改写成", "制定一份计划："),
    ),
}


def instructions(language: str, seed: int = 7) -> Iterator[str]:
    """Instructions without end: a frame and words by Zipf's law, 4 to 60 of them; one in five edits an earlier one."""
    luck = random.Random(seed)
    gap = " " if language == "en" else ""
    if language == "en":
        syllables = ["".join(pair) for pair in itertools.product("bdfgklmnprstvz", "aeiou")]
        words = ["the", "a", "of", "to", "and", "in", "is", "for", "that", "with", "on", "as", "by", "at", "from"]
        words += ["".join(luck.choices(syllables, k=luck.randint(1, 4))) for _ in range(20_000)]
    else:
        words = [chr(code) for code in luck.sample(range(0x4E00, 0x9FA0), 3000)]
    weights = list(itertools.accumulate(1 / (rank + 2.7) for rank in range(len(words))))
    earlier: list[str] = []
    while True:
        if earlier and luck.random() < 0.2:
            tokens = luck.choice(earlier).split() if gap else list(luck.choice(earlier))
            for _ in range(luck.randint(1, max(1, len(tokens) // 4))):
                tokens[luck.randrange(len(tokens))] = luck.choices(words, cum_weights=weights)[0]
            text = gap.join(tokens)
        else:
            length = min(60, max(4, int(luck.lognormvariate(2.7 if gap else 3.1, 0.5))))
            text = luck.choice(_FRAMES[language]) + gap + gap.join(luck.choices(words, cum_weights=weights, k=length))
        earlier.append(text)
        yield text


def peer() -> tuple[str, Callable[[str, str], float]]:
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError:
        return "plain Python LCS (rouge_score is not installed)", plain
    scorer = RougeScorer(["rougeL"], use_stemmer=False)
    return "rouge_score", lambda known, text: scorer.score(known, text)["rougeL"].fmeasure


def plain(known: str, text: str) -> float:
    left, right = tokenize(known), tokenize(text)
    table = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i, token in enumerate(left, start=1):
        for j, other in enumerate(right, start=1):
            table[i][j] = table[i - 1][j - 1] + 1 if token == other else max(table[i - 1][j], table[i][j - 1])
    return 2 * table[-1][-1] / (len(left) + len(right))


def milliseconds(work: Callable[[], object], times: int) -> float:
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000 / times


def measure(language: str, rows: int, name: str, score: Callable[[str, str], float]) -> None:
    texts = instructions(language)
    pool = list(itertools.islice(texts, rows))
    candidates = list(itertools.islice(texts, CANDIDATES))
    index = NoveltyIndex()

    def fill() -> None:
        for row, text in enumerate(pool):
            index.add(row, text)

    filling = milliseconds(fill, rows)
    nearest = milliseconds(lambda: [index.nearest(text) for text in candidates], CANDIDATES)
    rejected = 0

    def generate() -> None:
        nonlocal rejected
        for row, text in enumerate(candidates, start=rows):
            if index.check(text).novel:
                index.add(row, text)
            else:
                rejected += 1

    ours = milliseconds(generate, CANDIDATES)
    wanted = f", wanted {LIMITS[rows]}" if rows in LIMITS else ""
    print(f"{language} {rows:>9,} {ours:>8.3f} ms a candidate, {rejected / CANDIDATES:.0%} rejected{wanted}")
    print(f"{'':12} {nearest:>8.3f} ms the ten nearest; {filling:.3f} ms to add a row")
    if language == "en":
        sample = random.Random(1).sample(pool, 1000)
        theirs = milliseconds(lambda: [score(known, candidates[0]) for known in sample], 1) * rows / 1000
        wanted = f", wanted {FASTER:,}" if rows == 10_000 else ""
        print(f"{'':12} {theirs:>8,.0f} ms {name}: {theirs / ours:,.0f} times ours{wanted}")


def main() -> None:
    name, score = peer()
    for rows in [int(word) for word in sys.argv[1:]] or [1000, 10_000, 100_000]:
        for language in ("en", "zh"):
            measure(language, rows, name, score)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


if __name__ == "__main__":
    main()
