"""Which segment is gold, the one that holds the answer (Lost in the Middle, arXiv 2307.03172), by rule.

Every rule says how sure it is, from 0 to 1, and on what it rests. A segment's place has no part in it: the same
segments in another order give the same gold one.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from rapidfuzz import fuzz

from studio.alpaca.stored import GoldBy as By
from studio.curate.segments.segment import Segments
from studio.text.tokens import CJK, tokenize

EVIDENCE = 5
"""So many keys are named as evidence at most."""
NO_RULE = 0.5
"""What a rule is sure of at most where it can only suggest: below the threshold of anybody who has one."""

_CJK = re.compile(f"[{CJK}]")
_COMMON_WORDS = """
a about after all also an and any are as at be because been before but by can could did do does each for from had has
have he her here him his how i if in into is it its just may me more most my no not now of on one only or other our out
over own she so some such than that the their them then there these they this those through to too under until up very
was we were what when where whether which while who whom whose why will with would yes you your according answer based
passage document paragraph text context
的 了 是 在 和 有 不 就 都 而 及 与 着 或 也 很 到 说 要 去 你 会 我 他 她 它 们 这 那 其 被 把 从 对 为 以 于
中 上 下 个 用 吗 呢 吧 啊 之 此 所 还 又 将 来 后 前 里 得
"""
_COMMON = frozenset(_COMMON_WORDS.split())
_VERDICTS = "yes no true false none unknown positive negative neutral both neither correct wrong"
_SAYS_NOTHING = frozenset(_VERDICTS.split(" "))
# Whole answers that judge, and quote nothing. A single letter names an option.
_JUDGES = re.compile(
    r"[(（\[]?[a-z][)）\].．、]?"
    r"|(?:不|没)?(?:是|对|能|会|可以|应该|一定|确定|知道|清楚|同意|符合|属于|相关|有|行|好|要|需要|存在|矛盾|包含|支持)(?:的|了)?"
    r"|[没无否错真假对]|(?:正|错|准)确的?|错误的?|错了|(?:正|负|反|侧|中)[面性]的?|中立的?|积极的?|消极的?"
    r"|(?:都|全|皆)(?:是|不是|有|没有|对|不对)的?|两者(?:都|皆)(?:是|不是|有|没有)"
    r"|(?:无法|不能|难以)(?:确定|判断|回答|得知|知道)|(?:文中|原文|文档)?(?:没有|并?未|不曾)(?:提及|提到|说明|给出|记载)|未知|不详"
    r"|(?:it )?(?:cannot|can't|can not) (?:be )?(?:determined|answered|say|tell|known)"
    r"|not (?:mentioned|stated|given|sure)"
    r"|(?:it )?depends|maybe|perhaps|probably|possibly|unclear|uncertain|entailment|contradiction|supported|refuted",
    re.IGNORECASE,
)
_OPTION = re.compile(r"\s*[(（]?[A-Ha-h](?:[.．、)）]|[:：])\s*(?=\S)")
_DENIES = re.compile(
    r"\b(?:not|no|never|nothing|nobody|none|neither|nor|without|cannot|unlike)\b|n['’]t\b|没|未|不|无|并非|否",
    re.IGNORECASE,
)
# An answer of so many tokens may stand in a segment word for word.
_LONGEST_SPAN = 24
# How like a sentence of a segment must be, by rapidfuzz's partial_ratio, before likeness says something.
_LIKE = 70.0
# Who is as sure as that need not look for a second sign.
_SURE = 0.8


class Gold(NamedTuple):
    """The place of the gold segment, None where none stands out. confidence: 0 to 1. evidence: in words."""

    place: int | None
    confidence: float
    by: By
    evidence: str


NOBODY = Gold(None, 0.0, "", "nothing in the answer points to one segment")


def find_gold(segments: Segments, question: str, answer: str, cited: Sequence[int] = ()) -> Gold:
    """What the rules say, the surest first: citations, the answer word for word, what it shares with each segment.

    cited: the places that the answer names by their labels, each as often as it does. Where the answer says nothing,
    the question suggests one, at most with NO_RULE.
    """
    if cited:
        return _doubted(_cited(segments, cited), segments, question, answer)
    answer = _OPTION.sub("", answer, count=1)
    written = answer.strip()
    folded = written.casefold().rstrip(".。!！ ")
    asked = _Asked(segments, question)
    if _JUDGES.fullmatch(folded):
        return _suggested(asked)
    if folded and len(folded) <= 200:
        quick = _verbatim(segments, folded, written, asked)
        if quick is not None:
            return quick
    tokens = tokenize(answer)
    found = _span(asked, tokens, written) or _overlap(segments, asked, tokens, answer)
    return found if found is not None else _suggested(asked)


class _Asked:
    """The question, and what it shares with each segment; worked out when it is needed."""

    def __init__(self, segments: Segments, question: str) -> None:
        self._segments = segments
        self._question = question

    @cached_property
    def bodies(self) -> list[str]:
        """The segments, folded."""
        return _folded(self._segments.bodies)

    @cached_property
    def keys(self) -> list[str]:
        """The question's rare words."""
        return _keys(tokenize(self._question))

    @cached_property
    def weights(self) -> _Weights:
        """What of the question some segments have and others have not."""
        return _weights(self.bodies, self.keys)

    def touches(self, place: int) -> bool | None:
        """Whether it has anything to do with that segment more than with all; None if with no segment."""
        return _score(self.weights, place) > 0 if self.weights else None


def _doubted(gold: Gold, segments: Segments, question: str, answer: str) -> Gold:
    """A citation, less sure of it where the answer denies something or its own words are those of another segment.

    "Document 2 does not say when" cites a segment that is not gold.
    """
    if gold.place is None or gold.confidence <= NO_RULE:
        return gold
    asked = _Asked(segments, question)
    words = [token for token in tokenize(answer) if not (token.isdecimal() and len(token) < 3)]
    other = _overlap(segments, asked, words, answer)
    if other is not None and other.place is not None and other.confidence > 0:
        if other.place == gold.place:
            return gold
        if other.confidence >= NO_RULE:
            return gold._replace(confidence=NO_RULE, evidence=f"{gold.evidence}; its words are those of another")
    if _DENIES.search(answer):
        return gold._replace(confidence=NO_RULE, evidence=f"{gold.evidence}, and denies something")
    return gold


def _cited(segments: Segments, cited: Sequence[int]) -> Gold:
    counts = Counter(cited).most_common(2)
    names = ", ".join(
        f"{_label(segments, place)} {_times(times)}" if times > 1 else _label(segments, place)
        for place, times in sorted(Counter(cited).items(), key=lambda one: -one[1])[:EVIDENCE]
    )
    if len(counts) == 1:
        return Gold(counts[0][0], 0.95, "citation", f"the answer cites {names}")
    if counts[0][1] == counts[1][1]:
        return Gold(None, 0.0, "citation", f"the answer cites several alike: {names}")
    share = counts[0][1] / len(cited)
    return Gold(counts[0][0], round(0.6 * share, 2), "citation", f"the answer cites several: {names}")


def _label(segments: Segments, place: int) -> str:
    return segments.labels[place].strip(" \t\n:：*#.") or str(place + 1)


def _times(times: int) -> str:
    return "twice" if times == 2 else f"{times} times"


def _verbatim(segments: Segments, folded: str, written: str, asked: _Asked) -> Gold | None:
    """The answer as it is written, whole words, in one segment only; None leaves it to a closer look."""
    where = [place for place, body in enumerate(segments.bodies) if holds(body.casefold(), folded)]
    if len(where) != 1:
        return None
    tokens = tokenize(folded)
    if all(token in _COMMON or token in _SAYS_NOTHING for token in tokens):
        return None
    return _by_span(where[0], tokens, written, asked)


def holds(text: str, words: str) -> bool:
    """Whether `words` stands in `text`, and not as a part of longer words. Both are case-folded."""
    at = text.find(words)
    while at >= 0:
        end = at + len(words)
        before, after = text[at - 1 : at] if at else "", text[end : end + 1]
        if not (before.isalnum() and _joins(before, words[0])) and not (after.isalnum() and _joins(words[-1], after)):
            return True
        at = text.find(words, at + 1)
    return False


def _joins(left: str, right: str) -> bool:
    """Whether two characters would belong to one word."""
    return left.isalnum() and right.isalnum() and not (_CJK.match(left) or _CJK.match(right))


def answer_keys(answer: str) -> list[str]:
    """The rare words, numbers and pairs of characters of an answer: by them a segment is told to hold it."""
    return [key for key in _keys(tokenize(answer)) if key not in _SAYS_NOTHING]


_WIDE = re.compile("[０-９Ａ-Ｚａ-ｚ]")


def _folded(texts: Sequence[str]) -> list[str]:
    """Texts as answers are looked for in them: case-folded, letters and digits of full width made plain ones."""
    if _WIDE.search("".join(texts)):
        texts = [unicodedata.normalize("NFKC", text) for text in texts]
    return [text.casefold() for text in texts]


def _by_span(place: int, tokens: list[str], written: str, asked: _Asked) -> Gold:
    """Sure of it, unless it is a single word or number that may stand there by chance.

    Then it depends on whether the question has to do with the segment at all.
    """
    words = [token for token in tokens if token not in _COMMON and token not in _SAYS_NOTHING]
    evidence = f"the answer stands only there: {_shortened(written)}"
    letters = sum(1 for word in words if _CJK.match(word))
    digits = max((len(word) for word in words if word.isdecimal()), default=0)
    # Chinese has no blanks; so many characters are rarely one word that stands somewhere by chance. Nor is a year.
    if len(words) - letters + letters / 1.5 >= 2 or digits > 3:
        return Gold(place, 0.97, "span", evidence)
    touched = asked.touches(place)
    if touched or (touched is None and digits > 2):
        return Gold(place, 0.97 if touched and (digits > 2 or letters > 1) else 0.85, "span", evidence)
    return Gold(place, NO_RULE, "span", evidence)


def _shortened(words: str) -> str:
    return words if len(words) <= 60 else f"{words[:59]}…"


def _keys(tokens: list[str]) -> list[str]:
    """Uncommon words, and pairs of neighbouring CJK characters that are both uncommon, each once, in order."""
    found = [token for token in tokens if token not in _COMMON and not _CJK.match(token)]
    if len(found) < len(tokens):
        found += [
            left + right
            for left, right in pairwise(tokens)
            if left not in _COMMON and right not in _COMMON and _CJK.match(left) and _CJK.match(right)
        ]
    return list(dict.fromkeys(found))


def _span(asked: _Asked, tokens: list[str], written: str) -> Gold | None:
    """A short answer that stands word for word in one segment, or in several of which the question prefers one."""
    bodies = asked.bodies
    saying = [token for token in tokens if token not in _COMMON and token not in _SAYS_NOTHING]
    if not saying or len(tokens) > _LONGEST_SPAN:
        return None
    where = [place for place, body in enumerate(bodies) if holds(body, saying[0]) and _spaced(tokens) in _line(body)]
    if len(where) == 1:
        return _by_span(where[0], tokens, written, asked)
    if not where or len(where) == len(bodies):
        return None
    weights = asked.weights
    shared = sorted(((_score(weights, place), place) for place in where), reverse=True)
    (best, place), (second, _) = shared[0], shared[1]
    if best <= second:
        return Gold(None, 0.0, "span", f"the answer stands in {len(where)} segments: {_shortened(written)}")
    confidence = round(0.75 * (best - second) / best * (1 - 0.5 ** (best - second)), 2)
    evidence = f"the answer stands in {len(where)} segments; the question points to this one: {_shortened(written)}"
    return Gold(place, confidence, "span", evidence)


def _line(body: str) -> str:
    return _spaced(tokenize(body))


def _spaced(tokens: Sequence[str]) -> str:
    """Tokens between spaces, so that a substring of it is a run of whole tokens."""
    return f" {' '.join(tokens)} "


def _overlap(segments: Segments, asked: _Asked, tokens: list[str], answer: str) -> Gold | None:
    """The segment that shares most of the answer's rare words and numbers, by a margin."""
    bodies, known = asked.bodies, frozenset(asked.keys)
    weights = _weights(bodies, [key for key in _keys(tokens) if key not in known and key not in _SAYS_NOTHING])
    if not weights:
        return None
    scores = [_score(weights, place) for place in range(len(bodies))]
    best, second, place = _best(scores)
    if best <= second:
        return Gold(None, 0.0, "overlap", f"several segments share as much with the answer: {_listed(weights)}")
    margin = best - second
    confidence = 0.95 * (1 - 0.5**margin) * margin / best
    only = [key for key, (_, where) in weights.items() if where == (place,)]
    evidence = f"only there: {_listed(only)}" if only else f"it shares most with the answer: {_listed(weights)}"
    likeness = _likeness(segments, answer) if confidence < _SURE else None
    if likeness is not None and likeness[0] == place:
        # Two independent signs agree.
        confidence = 1 - (1 - confidence) * 0.5
        evidence += f"; {likeness[1]:.0f} % like a passage of it"
    others = sum(1 for score in scores if score > 0) - 1
    if second and others:
        evidence += f"; {others} more share some words"
    return Gold(place, round(min(confidence, 0.95), 2), "overlap", evidence)


def _likeness(segments: Segments, answer: str) -> tuple[int, float] | None:
    """The segment with the passage that the answer is most like, and how like in percent; None for none of them."""
    if not 12 <= len(answer) <= 600:
        return None
    scores = [fuzz.partial_ratio(answer, body, score_cutoff=_LIKE) for body in segments.bodies]
    best, second, place = _best(scores)
    return (place, best) if best >= second + 10 else None


def _suggested(asked: _Asked) -> Gold:
    """What the question shares with each segment: no more than a suggestion."""
    weights = asked.weights
    best, second, place = _best([_score(weights, place) for place in range(len(asked.bodies))])
    if best <= second:
        return NOBODY
    margin = best - second
    evidence = (
        f"only the question points there: {_listed(key for key, (_, where) in weights.items() if place in where)}"
    )
    return Gold(place, round(NO_RULE * (1 - 0.5**margin) * margin / best, 2), "question", evidence)


def _best(scores: Sequence[float]) -> tuple[float, float, int]:
    """The best score, the second best, and the place of the best."""
    place = max(range(len(scores)), key=scores.__getitem__)
    return scores[place], max((score for other, score in enumerate(scores) if other != place), default=0.0), place


_Weights = dict[str, tuple[float, tuple[int, ...]]]
"""Of each key, how much it tells and the segments that have it."""


def _weights(bodies: list[str], keys: Iterable[str]) -> _Weights:
    """A key that a single segment has weighs 1, one that all have 0, numbers half as much again."""
    whole = math.log(len(bodies)) or 1.0
    weights: _Weights = {}
    for key in keys:
        whole_words = not _CJK.match(key)
        where = tuple(
            [place for place, body in enumerate(bodies) if key in body and (not whole_words or holds(body, key))]
        )
        if 0 < len(where) < len(bodies):
            weight = math.log(len(bodies) / len(where)) / whole
            weights[key] = (weight * 1.5 if key.isdecimal() and len(key) > 1 else weight, where)
    return weights


def _score(weights: _Weights, place: int) -> float:
    return sum([weight for weight, where in weights.values() if place in where])


def _listed(keys: Iterable[str]) -> str:
    return ", ".join(list(keys)[:EVIDENCE])
