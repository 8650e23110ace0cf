"""Guards: what says that segments must stay where they are, because their order means something.

Steps, time, turns of a dialogue, letters, code, outlines, and words that lean on what came before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, get_args

from studio.curate.segments import tasks, timelines
from studio.curate.segments.numerals import CIRCLED, DAYS, HAN, HAN_DAYS, MONTHS

Code = Literal[
    "steps",
    "chronology",
    "ranking",
    "code",
    "dialogue",
    "letter",
    "outline",
    "leaning",
    "cross-reference",
    "names-place",
    "parallel",
    "unclear-reference",
    "unsteady",
    "no-question",
    "undesirable",
    "variant",
    "varied",
]
CODES: tuple[Code, ...] = get_args(Code)

MEANINGS: dict[Code, str] = {
    "steps": "numbered steps or parts: their order is what they say",
    "chronology": "told in the order of time",
    "ranking": "a ranked list",
    "code": "code, whose lines cannot change places",
    "dialogue": "turns of a dialogue",
    "letter": "a letter has a beginning and an end",
    "outline": "parts with a place of their own, such as an introduction or a question",
    "leaning": "a segment takes up the one before it",
    "cross-reference": "a segment speaks of another one",
    "names-place": "the text names a segment by its place",
    "parallel": "the answer goes through the segments in their order",
    "unclear-reference": "it is not certain which segment a number means",
    "unsteady": "in the new order it would be uncertain where this segment begins and ends",
    "no-question": "no question that could stand elsewhere",
    "variant": "a variant of another row stands where it was made for",
    "varied": "variants of it stand elsewhere already",
    "undesirable": "an answer that is marked as undesirable is not to teach where to look",
}
"""What each guard has seen, in words."""


class Guard(NamedTuple):
    """Why a row's segments stay as they are. evidence: the words it rests on."""

    code: Code
    evidence: str

    def __str__(self) -> str:
        return f"{MEANINGS[self.code]}: {self.evidence!r}"


_STEP = re.compile(
    r"[ \t　]*(?:#{1,6}[ \t]+|\*\*|[-*+][ \t]+)?(?:"
    rf"\d{{1,3}}(?:[.)．][ \t]|、)|[(（]\d{{1,2}}[)）]|[{CIRCLED}]|[{HAN}十]{{1,3}}、|[ivx]{{1,4}}[.)][ \t]"
    rf"|第[ \t]*[{HAN}十百\d]+[ \t]*(?:步|阶段|环节|章|节|回|幕|天|日|周|年|轮|部分)|步骤[ \t]*[{HAN}十\d]"
    r"|(?:step|day|week|year|chapter|part|scene|act|phase|stage|round|turn)[ \t]+(?:\d+|one|two|three|[ivx]+)\b"
    r")",
    re.IGNORECASE,
)
_SEQUEL = re.compile(
    r"\s*(?:(?:first(?:ly)?|second(?:ly)?|third(?:ly)?|then|next|finally|lastly|later|afterwards?|meanwhile|subsequently"
    r"|eventually)\b[ ,]|(?:after that|the next|the following (?:day|week|month|year|morning)|first of all)\b"
    r"|首先|其次|再次|然后|接着|随后|接下来|紧接着|最后(?!一?[句段行条个])|后来|之后|此后|不久|次日|翌日|第二[天日年])",
    re.IGNORECASE,
)
_CONNECTIVE = re.compile(
    r"\s*(?:(?:however|therefore|thus|hence|moreover|furthermore|consequently|nevertheless|likewise|similarly|instead)\b"
    r"|(?:in addition|in conclusion|in contrast|in summary|as a result|on the other hand|for example|to sum up)\b"
    r"|但是?[，,\w]|然而|因此|所以|此外|另外|同时|总之|综上|例如|相反|由此|这样一来|与此同时)",
    re.IGNORECASE,
)
# A paragraph that begins so is about something the one before has named.
_PRONOUN = re.compile(
    r"\s*(?:(?:he|she|it|they|this|these|those|such|his|her|its|their|both|the (?:former|latter|same))\b(?!['’]s\b)"
    r"|[他她它](?:们)?|这(?!里)|那(?![么些]时)|此(?!外|后)|该|其(?![他次实余中])|前者|后者|上述|前述|以上)",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\s*(?:(?:(?:in|on|by|during|since|around|at|before|after|from|until|towards?)[ ]+)?(?:the[ ]+)?"
    r"(?:next[ ]+|same[ ]+|early[ ]+|late[ ]+|spring of[ ]+|summer of[ ]+|autumn of[ ]+|winter of[ ]+)?"
    rf"(?:(?:{MONTHS}|{DAYS}|morning|afternoon|evening|noon|midday|midnight|dawn|dusk|nightfall|sunrise|sunset)\b"
    r"|[12]\d{3}s?\b)"
    rf"|\d{{1,2}}:\d{{2}}|公元|[12]\d{{3}}[ ]?年|\d{{1,2}}月|(?:周|星期)[{HAN_DAYS}]"
    rf"|(?:清早|清晨|早上|早晨|上午|中午|正午|午后|下午|傍晚|黄昏|晚上|夜里|夜晚|半夜|凌晨|入夜|天亮|第[{HAN}]天))",
    re.IGNORECASE,
)
_LETTER = re.compile(
    r"\s*(?:(?:dear|hi|hello|sincerely|(?:best|kind|warm) (?:regards|wishes)|regards|yours)\b"
    r"|尊敬的|亲爱的|[您你]好|此致|敬礼|祝好)",
    re.IGNORECASE,
)
_SPEAKER = re.compile(r"\s*(?:\*\*)?([^\W\d_][\w .]{0,20})(?:\*\*)?[:：](?!//)")
_CODE = re.compile(
    r" {4}|\t|.*[;{}]\s*$"
    # An assignment, a call, the head of a block; a query; what is typed at a prompt.
    r"|[A-Za-z_][\w.]*(?:\[[^\]\n]*\])?[ ]*(?:[-+*/%|&]|//|\*\*|<<|>>|:)?=[ ]*[^=\s]"
    r"|[A-Za-z_][\w.]*\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)[ ]*;?\s*$"
    r"|(?:def|class|if|elif|for|while|with|async|fn|func|function)\b[^\n]*[:{]\s*$|(?:else|try|finally):"
    r"|import [\w.]+(?: as \w+)?\s*$|from [\w.]+ import\b"
    r"|(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE|DROP|ALTER|FROM|WHERE|GROUP BY|ORDER BY)[ ]"
    r"|(?:\$ [a-z]|>>> |#!/)"
    r"|(?:sudo|cd|ls|mkdir|rm|cp|mv|git|pip3?|npm|apt|apt-get|docker|curl|chmod)[ ][-\w./~\"'$]+[^.]*$"
)
_QUOTED = re.compile(r"\s*(?:[“\"「『]|[—–―]{1,2}[ ]?\w)")
_OUTLINE = re.compile(
    r"[#\s*]*(?:introduction|preface|abstract|background|overview|conclusions?|summary|references|appendix|instructions?"
    r"|inputs?|outputs?|questions?|contexts?|tasks?|answers?|responses?|requirements?|examples?|format|notes?|role|profile"
    r"|skills|rules|workflow|引言|前言|序言|摘要|背景|概述|概要|结论|总结|小结|参考文献|附录|指令|说明|输入|输出|问题|上下文|任务"
    r"|回答|答案|要求|示例|例子|格式|注意事项|角色|技能|规则|流程)[\s:：*#]*$",
    re.IGNORECASE,
)
_ORDERED_LEAD = re.compile(
    r"\b(?:steps?|procedure|process|sequence|in (?:this|the following|that) order|order of|timeline|schedule|itinerary"
    r"|agenda|recipe|method|directions|how to|workflow|chronolog\w+|history of|follow these)\b"
    r"|步骤|流程|顺序|先后|依次|时间线|时间表|日程|行程|议程|做法|方法如下|经过|过程",
    re.IGNORECASE,
)
_RANKED_LEAD = re.compile(
    r"\b(?:rank\w*|top[ -](?:\d+|ten|five|three)|best to worst|worst to best|most to least|least to most|descending"
    r"|ascending|from (?:largest|smallest|highest|lowest|oldest|newest|most|least|best|worst)\b|leaderboard|podium)\b"
    r"|排名|排行|名次|从[大小高低多少好坏新旧早晚]到|降序|升序|由[大小高低多少]到",
    re.IGNORECASE,
)

# What is called so is a collection and no sequence.
_COLLECTION = re.compile(
    r"\b(?:facts|notes|reviews|comments|opinions|statements|sentences|claims|passages|texts|documents|excerpts|snippets"
    r"|titles|headlines|quotes|quotations|messages|emails|entries|candidates|options|choices|items|products|examples"
    r"|findings|observations|sources|search results|records|complaints|answers|questions|words|names|customers|tweets"
    r"|posts|ads|adverts|descriptions|context|knowledge)\b"
    r"|事实|笔记|评论|点评|意见|说法|陈述|句子|段落|文本|标题|引文|留言|邮件|条目|候选|选项|商品|产品|例子|发现|资料|材料|文档|文章|上下文|记录|投诉|词语|名单|简介",
    re.IGNORECASE,
)
# What stands before a colon without speaking.
_FIELD_NAMES = "title source text content author date url name topic 标题 题目 来源 内容 作者 正文 日期 名称 主题"
_FIELDS = frozenset(_FIELD_NAMES.split())


def is_step(line: str) -> bool:
    """Whether the line begins like a step, a list number or a chapter: "1. ", "第一步", "Step 2", "①"."""
    return _STEP.match(line) is not None


def prose_guard(lines: Sequence[str], paragraphs: Sequence[str]) -> Guard | None:
    """What keeps paragraphs of prose in their order. lines: all of their lines outside fenced code."""
    for line in lines:
        if found := _STEP.match(line):
            return Guard("steps", _shown(found[0]))
        if found := _CODE.match(line):
            return Guard("code", _shown(line))
    for paragraph in (paragraphs[0], paragraphs[-1]):
        if found := _LETTER.match(paragraph):
            return Guard("letter", _shown(found[0]))
    return leaning(paragraphs) or told_in_time(paragraphs) or dialogue(paragraphs)


def leaning(segments: Sequence[str]) -> Guard | None:
    """Whether one of the segments after the first takes up the tale: "Then", "However", "随后", "它"."""
    for pattern in (_SEQUEL, _CONNECTIVE, _PRONOUN):
        for segment in segments[1:]:
            if found := pattern.match(segment):
                return Guard("leaning", _shown(found[0]))
    return None


def sequel(segments: Iterable[str]) -> Guard | None:
    """Whether one of the segments says of itself that it comes after another: "Then", "Finally", "随后"."""
    for segment in segments:
        if found := _SEQUEL.match(segment):
            return Guard("leaning", _shown(found[0]))
    return None


def told_in_time(segments: Sequence[str]) -> Guard | None:
    """Whether several of the segments begin with a time."""
    return _several(_TIME, segments, "chronology")


def dialogue(segments: Sequence[str]) -> Guard | None:
    """Whether several of the segments begin with who speaks, or with what is spoken."""
    return _several(_SPEAKER, segments, "dialogue") or _several(_QUOTED, segments, "dialogue")


def conversation(segments: Sequence[str]) -> Guard | None:
    """Whether somebody speaks, and speaks again after another: turns, and not a list of "name: fact"."""
    heard: list[str] = []
    for segment in segments:
        opening = segment[:40]
        if (":" in opening or "：" in opening) and (found := _SPEAKER.match(segment)):
            who = found[1].strip().casefold()
            if who in _FIELDS:
                return None
            if who in heard and heard[-1] != who:
                return Guard("dialogue", _shown(found[0]))
            heard.append(who)
    return None


def in_order(segments: Sequence[str]) -> Guard | None:
    """Whether every segment begins like a step, or with a time, and these follow each other."""
    if all(map(is_step, segments)):
        return Guard("steps", _shown(segments[0]))
    return Guard("chronology", _shown(segments[0])) if timelines.each_begins(segments) else None


def outline(titles: Sequence[str]) -> Guard | None:
    """Whether one of the titles has a place of its own: an introduction, a question, step 2; or all are times."""
    if timelines.each_titled(titles):
        return Guard("chronology", ", ".join(_shown(title) for title in titles[:2]))
    for title in titles:
        if _OUTLINE.match(title):
            return Guard("outline", _shown(title))
        if _STEP.match(title.lstrip("#")):
            return Guard("steps", _shown(title))
    return None


def ordered_lead(line: str) -> Guard | None:
    """Whether a line announces steps, a time table or a ranking."""
    if found := _ORDERED_LEAD.search(line):
        return Guard("steps", _shown(found[0]))
    if found := _RANKED_LEAD.search(line):
        return Guard("ranking", _shown(found[0]))
    return None


def announced(lead: str) -> Guard | None:
    """Whether the line above segments says that they are steps, a time table or a ranking.

    A request, or a line that calls them passages and the like, says what they are about.
    """
    guard = ordered_lead(lead)
    return None if guard is None or is_collection(lead) or tasks.asks(lead) else guard


def is_collection(line: str) -> bool:
    """Whether a line calls what follows it things that stand side by side."""
    return _COLLECTION.search(line) is not None


def _several(pattern: re.Pattern[str], segments: Sequence[str], code: Code) -> Guard | None:
    found = [hit for segment in segments if (hit := pattern.match(segment))]
    return Guard(code, ", ".join(_shown(hit[0]) for hit in found[:2])) if len(found) >= 2 else None


def _shown(words: str) -> str:
    return " ".join(words.split())[:40]
