"""Tasks in a text: whether it asks for anything, and which lines begin like a request."""

from __future__ import annotations

import re

from studio.curate.segments.lines import LEAD

_VERBS = (
    "please|kindly|summari[sz]e|summary of|write|explain|translate|list|tell|answer|give|compare|contrast|describe"
    "|classify|categori[sz]e|identify|find|extract|choose|select|pick|name|determine|decide|generate|create|compose"
    "|draft|rewrite|rephrase|paraphrase|correct|convert|evaluate|analy[sz]e|discuss|provide|say|read|sort|calculate"
    "|compute|solve|suggest|recommend|predict|verify|output|respond|reply|return|make|draw|complete|continue|simplify"
    "|shorten|condense|formulate|use|using|report|point out|turn|mention|judge|infer|quote|cite|look|consider|imagine"
    "|your (?:task|job|goal|answer)|you (?:must|should|will|have to)"
    "|(?:i|we) (?:want|need|would like)|(?:can|could|would|will) you|based on|according to|from th(?:is|ese|e)"
)
_ASKED = "what|which|who|whom|whose|when|where|why|how"
_动词 = (
    "请|总结|概括|归纳|概述|简述|写|翻译|译[成为]|列[出举]|说[明出说]|解释|描述|比较|对比|分析|判断|判定|回答|告诉|给出|找出|指出|选[择出]"
    "|提取|摘[录要]|改写|续写|润色|分类|归类|生成|创作|编写|撰写|设计|计算|评[价估]|阅读|根据|依据|结合|推荐|预测|纠正|修改|转[换成为]|排序"
    "|试[着用述]|帮[我忙]|把[这以上下]|将[这以上下]|用(?:一|两|几|自己|英|中|以|这|上|下)|以下哪|你的任务|你(?:需要|应该|要)|我(?:想|需要|要)"
)
_TASK = re.compile(
    rf"{LEAD}(?:#{{1,6}}[ \t]+|\*\*)?(?:(?:now|then|finally)\b,?[ ])?"
    rf"(?:(?:{_VERBS})\b(?!['’:：]|[ ]?[=(])|(?:{_ASKED})\b(?!['’:：,])|{_动词})",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!。！；;:：,，\n])[\s\"“(（]*")
_OPEN = re.compile(r"[?？]|什么|哪[个些里种位年一]|是谁|谁[的是]|几[个位年月次种]|多少|为何|是否|怎[么样]|如何|吗\W*$")


# Such as "Answer:", "Short answer:" or 你的回答：.
_CUE = re.compile(r"[^\n:：?？]{1,30}[:：](?:\*\*)?\s*")


def is_cue(line: str) -> bool:
    """Whether a last line is one from which the model goes on."""
    return _CUE.fullmatch(line) is not None


def is_task(line: str) -> bool:
    """Whether a line begins like a request: "Summarise …", "Which …", "请…", "写…"."""
    return _TASK.match(line) is not None


def asks(text: str) -> bool:
    """Whether anything in a text is a question or a request."""
    return bool(_OPEN.search(text)) or any(_TASK.match(text, at) for at in _beginnings(text))


def _beginnings(text: str) -> list[int]:
    """Where its sentences and clauses begin."""
    return [0, *[found.end() for found in _SENTENCE.finditer(text)]]
