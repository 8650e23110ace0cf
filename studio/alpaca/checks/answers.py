"""Rules about answers: refusals, phrases about being a model, cut endings, echoes, the wrong language."""

from __future__ import annotations

import re
from fractions import Fraction

from studio.alpaca.checks.rule import PROMPTED, Finding, Findings, Rule, Texts, good_answers, prompts, prose
from studio.alpaca.rows import Preference, Pretrain, Row
from studio.text.rouge import exceeds
from studio.text.tokens import HAN, normalise, tokenize

# -- refusals and boilerplate -----------------------------------------------------------------------

_REFUSING = (
    "assist|help|provide|comply|fulfill?|answer|generate|create|write|complete|discuss|support|engage|offer|give|share|"
    "access|browse|view|see|open|listen|respond|continue|perform|carry out|do (?:that|this)|tell you|show you|"
    "participate|condone|promote|encourage|produce"
)
_REFUSAL = re.compile(
    r"\W{0,3}(?:"
    r"(?:(?:(?:i['’]m|i am)(?: really| very| so)? sorry|sorry|i apologi[sz]e|my apologies|unfortunately|regrettably)"
    r"[^.!?\n]{0,30}?[,.:;!—-]?\s+(?:but\s+)?)?"
    r"(?:as an? [^.,\n]{0,40},\s+)?"
    r"i(?:['’]m| am)?(?: currently| simply)? (?:cannot|can['’]?t|can not|won['’]t|will not|unable to|not able to|"
    rf"not allowed to|not programmed to|do not have the ability to|don['’]t have the ability to)(?: \w+ly)?"
    rf" (?:{_REFUSING})\b"
    r"|(?:(?:i['’]m|i am)(?: really| very| so)? sorry|sorry|unfortunately),?\s+(?:but\s+)?i do(?:n['’]t| not) have"
    r" (?:direct |real-time )?access\b"
    r"|i(?:['’]m afraid i)? (?:must|have to) (?:respectfully |politely )?decline\b"
    r"|(?:我?(?:很|非常|十分|真|深表|感到)?(?:抱歉|对不起|不好意思|遗憾)[，,。！!]?\s*)(?:但(?:是)?)?"
    r"(?:作为[^，,。\n]{0,24}[，,])?(?:(?:对于?)?(?:这个|该|您的|你的|此)(?:问题|请求|要求|任务)[，,]?)?"
    r"(?:我)?(?:目前|暂时|现在)?"
    r"(?:还)?(?:无法|不能|不可以|没有办法|没法|不会|没有能力)"
    r"|我(?:目前|暂时|现在)?(?:无法|不能|没有办法|没法|没有能力)(?:直接)?(?:为您|为你|帮您|帮你|向您|向你|给您|给你)?"
    r"(?:提供|帮助|协助|回答|完成|满足|访问|生成|继续|执行|处理|讨论|参与|查看|浏览|预测|打开|播放))",
    re.IGNORECASE,
)
_REFUSAL_STARTS = frozenset("ISUMRAisumra抱对很非十真深感不遗我作 \n“\"'*")


def _refusal(row: Row, texts: Texts) -> Findings:
    for field, text in good_answers(row, texts):
        if text[0] in _REFUSAL_STARTS and (hit := _REFUSAL.match(text)):
            yield Finding(field, "the answer refuses: the trainer would learn to refuse this prompt", hit.span())


_SELF = re.compile(
    r"\bas an? (?:AI|artificial intelligence|large language model|language model)"
    r"(?: (?:language model|language|model|assistant|chatbot|system|program))*(?: \([^)]{0,20}\))?(?:,| I\b)"
    r"|\bI(?:['’]m| am) (?:just |only |merely )?an? (?:AI|artificial intelligence)?\s?(?:large )?language model\b"
    r"|\b(?:my|the) knowledge cut-?off\b|\bas of my last (?:knowledge )?(?:update|training)\b"
    r"|[作身]为(?:一个|一名|一款|一种|个)?(?:大型)?(?:AI|人工智能|语言模型|大语言模型)(?:语言模型|模型|助手|助理|程序|系统)?[，,我]"
    r"|我(?:只|仅仅)?是(?:一个|一名|一款|一种|个)?(?:AI|人工智能)?(?:大型|大)?语言模型|我的知识截止|截至我的知识"
    r"|我(?:只|仅仅)?是(?:一个|一名|一款|一种|个)?(?:AI|人工智能)(?:模型|助手|助理|程序)[，,][^。\n]{0,8}(?:无法|不能|没有)",
    re.IGNORECASE,
)


def _boilerplate(row: Row, texts: Texts) -> Findings:
    for field, text in good_answers(row, texts):
        # Nearly every answer is told by these tests, at a fraction of the cost of the expression.
        if (
            "AI" in text
            or "nguage model" in text
            or "artificial intell" in text
            or "knowledge" in text
            or "人工智能" in text
            or "语言模型" in text
            or "的知识" in text
        ) and (hit := _SELF.search(text)):
            yield Finding(field, f'"{hit[0]}" is what a chat model says of itself', hit.span())


# -- cut endings ------------------------------------------------------------------------------------

_CUT_WORD = re.compile(
    r"(?<![\w'’-])(?:the|a|an|of|and|or|to|with|for|from|that|which|because|is|are|was|were|be|by|as|but|if|into|their|"
    r"its|your|our|than|when|while)$"
)
_CUT_HAN = re.compile(r"(?:[，、（《“]|以及|并且|但是|因为|所以|或者|而且|例如|比如)$")
_CUT_MARK = frozenset(",(，、（《“")
_LIST_LINE = re.compile(r"\s*(?:[-*•·#>|]|\(?[\dA-Za-z一二三四五六七八九十]{1,3}[.)、．:：）]|第.{1,3}[步条章])")
_CODE_LINE = re.compile(r"[{};=<>\\]|\b(?:def|return|import|SELECT|FROM|print)\b|\w\(")
_LONG = 30
"""Tokens an answer must have before its ending is looked at: short ones are names, titles, labels."""


def _truncated(row: Row, texts: Texts) -> Findings:
    for field, text in good_answers(row, texts):
        if "```" in text and text.count("```") % 2:
            start = text.rindex("```")
            yield Finding(field, "a code fence has no partner", (start, start + 3))
            continue
        end = text.rstrip()
        if len(end) < _LONG or not (end[-1].isalpha() or end[-1] in _CUT_MARK):
            continue
        line = end[end.rfind("\n") + 1 :]
        if said := _cut(end, line):
            yield Finding(field, said, (len(end) - min(len(line), 20), len(end)))


def _cut(text: str, line: str) -> str:
    """Why the text seems to stop in the middle, or "". line: its last line."""
    if _CODE_LINE.search(line) or "`" in line or len(tokenize(text)) < _LONG:
        return ""
    if hit := _CUT_WORD.search(line) or _CUT_HAN.search(line):
        return f'ends with "{hit[0]}", in the middle of a sentence'
    if line[-1] in _CUT_MARK:
        return f'ends with "{line[-1]}", in the middle of a sentence'
    # Prose has sentences that end; a last one that does not, on a line that had some, was most likely cut.
    if _LIST_LINE.match(line):
        return ""
    ended = [match.end() for match in _SENTENCE_END.finditer(line)]
    if len(ended) < 2 or any(mark in (last := line[ended[-1] :]) for mark in "#：:@"):
        return ""  # hashtags and signatures end without a stop
    if len(tokenize(last)) >= 4:
        return "the last sentence has no end"
    return ""


_SENTENCE_END = re.compile(r"(?<=[a-z]{2})[.!?][\"”’)]?\s+(?=[A-Z])|[。！？][”」』）]?")


# -- echoes and look-alikes -------------------------------------------------------------------------

_ECHO = 24
"""Characters, a Han character counting for two, from which a repeated prompt is no coincidence."""
_SAME = 12
"""The same for an answer that is the prompt and nothing else."""
_HEAD = 40
"""Characters within which a repeated prompt begins: quotation marks or a heading may come before it."""


def _prompt_copied(row: Row, texts: Texts) -> Findings:
    assert not isinstance(row, Pretrain)
    answers = ("chosen", "rejected") if isinstance(row, Preference) else ("output",)
    for name in answers:
        answer: str = getattr(row, name)
        if len(answer) > 5 and answer.strip() == row.instruction.strip() and _weight(answer) >= _SAME:
            yield Finding(name, "the answer is the instruction, word for word", (0, len(answer)))
            continue
        head = answer[:_HEAD]
        for prompt, whole in ((row.instruction, False), (row.input, True)):
            if len(prompt) > 11 and prompt.strip()[:8] in head and (span := _copied(answer, prompt.strip(), whole)):
                said = "the answer is the input, word for word" if whole else "the answer begins with the instruction"
                yield Finding(name, said, span)
                break


def _copied(answer: str, prompt: str, whole: bool) -> tuple[int, int] | None:
    """Where the answer repeats the prompt at its beginning; whole: and says nothing else."""
    start = answer.find(prompt, 0, len(prompt) + _HEAD)
    if start < 0 or _weight(prompt) < _ECHO or answer[:start].strip(' \n*#"“>'):
        return None
    end = start + len(prompt)
    return None if whole and answer[end:].strip(' \n.。*"”') else (start, end)


def _weight(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace")) * 2 // 3


_NEAR = Fraction(95, 100)
_NEAR_TOKENS = 20


def _near_equal(row: Row, texts: Texts) -> Findings:
    assert isinstance(row, Preference)
    chosen, rejected = row.chosen, row.rejected
    if not chosen.strip() or not len(chosen) * 0.8 < len(rejected) < len(chosen) * 1.25:
        return
    left, right = tokenize(chosen), tokenize(rejected)
    if left == right:
        if left and normalise(chosen) != normalise(rejected):
            yield Finding("rejected", "chosen and rejected differ in punctuation alone")
    elif (
        min(len(left), len(right)) >= _NEAR_TOKENS
        # A different figure can be the very point of the pair.
        and [word for word in left if word.isnumeric()] == [word for word in right if word.isnumeric()]
        and exceeds(left, right, _NEAR)
    ):
        yield Finding("rejected", "chosen and rejected are nearly the same (ROUGE-L above 0.95)")


# -- language ---------------------------------------------------------------------------------------

_HAN = re.compile(f"[{HAN}]")
_NAMES_LANGUAGE = re.compile(
    r"\b(?:chinese|mandarin|cantonese|translat\w*|english|japanese|language|pinyin|characters?)\b"
    r"|英|译|语言|外语|双语|汉语|中文|拼音|字母|缩写|代码|程序|函数|编程|脚本|命令|正则|算法|网址|链接|公式|单词|品牌|曲|歌|数据库|查询|标签|格式",
    re.IGNORECASE,
)
_WORD = re.compile(r"(?<![\w/@.])[A-Za-z]{2,}(?![\w/@])")
_CODE = re.compile(r"[{}<>\\;=]|\w\(|```|https?:")
_WORDS_TO_TELL = 12


def _language(row: Row, texts: Texts) -> Findings:
    assert not isinstance(row, Pretrain)
    prompt = row.instruction + row.input
    name = "chosen" if isinstance(row, Preference) else "output"
    answer: str = getattr(row, name)
    if prompt.isascii() and answer.isascii():
        return
    asked = _HAN.search(prompt) is not None
    if asked == (_HAN.search(answer) is not None) or any(_NAMES_LANGUAGE.search(text) for text in prompts(row)):
        return
    if asked:
        plain = prose(answer)
        latin = len(_WORD.findall(plain))
        mostly_han = 4 * len(_HAN.findall(prompt)) >= 3 * len(tokenize(prompt))
        if mostly_han and latin >= _WORDS_TO_TELL and not _CODE.search(plain):
            yield Finding(name, "the prompt is Chinese, the answer has no Chinese character")
    elif len(_WORD.findall(prompt)) >= 4 and 2 * len(_HAN.findall(answer)) >= max(
        _WORDS_TO_TELL, len(tokenize(answer))
    ):
        yield Finding(name, "the prompt has no Chinese character, the answer is Chinese")


ANSWERS: tuple[Rule, ...] = (
    Rule("near-equal", "warning", "Chosen and rejected say nearly the same.", (Preference,), _near_equal),
    Rule("refusal", "warning", "The answer refuses to help.", PROMPTED, _refusal),
    Rule("boilerplate", "warning", "The answer talks about being a chat model.", PROMPTED, _boilerplate),
    Rule("truncated", "warning", "The answer seems to stop in the middle.", PROMPTED, _truncated),
    Rule("prompt-copied", "warning", "The answer repeats the prompt.", PROMPTED, _prompt_copied),
    Rule("language-mismatch", "warning", "Prompt and answer are in different languages.", PROMPTED, _language),
)
