"""The rules about what a text says: each on what it must find, and on what only looks like it."""

from __future__ import annotations

import pytest

from studio.alpaca.checks import RULES, STRUCTURE, checker, custom_rules, fix
from studio.alpaca.rows import Kto, Multimodal, Preference, Pretrain, Sft, texts
from studio.errors import UsageError
from studio.settings import RuleSettings

check = checker(RULES)
LONG = "The tide comes in twice a day. It leaves the pier dry by noon. Every boat waits for it, and so do the gulls. "
LONG_ZH = "潮水每天涨两次。中午码头就露出来了。每条船都在等它，海鸥也在等它，等到太阳落山，大家才慢慢回家。"
ZH_TASK = "请说明潮汐水车的工作原理。"
FENCE = "```"


def answer(output, instruction="Tell me more.", **changes):
    return Sft(instruction=instruction, output=output, **changes)


@pytest.mark.parametrize(
    ("row", "code", "marked"),
    [
        (Pretrain(text="a\x00b\x07"), "control-character", "\x00"),
        (answer("Yes\u200b."), "control-character", "\u200b"),
        (answer("It\x92s here."), "control-character", "\x92"),
        (answer("A cafÃ© by the sea."), "mojibake", "Ã©"),
        (answer("It is the boatâ€™s turn."), "mojibake", "â€™"),
        (answer("Â\xa0One."), "mojibake", "Â\xa0"),
        (answer("å¤§å®¶å¥½ï¼"), "mojibake", "å¤§å®¶å¥½"),
        (answer("God's\ufffdWindow"), "mojibake", "\ufffd"),
        (answer("ï¿½ is all that is left."), "mojibake", "ï¿½"),
        (answer("他说锟斤拷，没有人懂。"), "mojibake", "锟斤"),
        (answer("结果是烫烫烫烫"), "mojibake", "烫烫烫烫"),
        (answer("浣犲ソ锛屼笘鐣"), "mojibake", "锛"),
        (answer("The mill<br/>stands still."), "html-tag", "<br/>"),
        (answer('See <a href="x">the mill</a>.'), "html-tag", '<a href="x">'),
        (Pretrain(text="first</p>second"), "html-tag", "</p>"),
        (answer("Salt &amp; pepper."), "html-entity", "&amp;"),
        (answer("don&#39;t"), "html-entity", "&#39;"),
        (answer("I'm sorry, but I cannot assist with that."), "refusal", None),
        (answer("Sorry, I can’t help with this request."), "refusal", None),
        (answer("I am unable to provide medical advice."), "refusal", None),
        (answer("很抱歉，我无法回答这个问题。"), "refusal", None),
        (answer("对不起，作为一个人工智能，我不能提供医疗建议。"), "refusal", None),
        (answer("我无法为您提供这方面的信息。"), "refusal", None),
        (answer("As an AI language model, I like tea."), "boilerplate", "As an AI language model,"),
        (answer("Well, as an AI I have none."), "boilerplate", "as an AI I"),
        (answer("I'm a large language model, so no."), "boilerplate", "I'm a large language model"),
        (answer("作为一个人工智能，我没有口味。"), "boilerplate", "作为一个人工智能，"),
        (answer("作为AI语言模型，我没有口味。"), "boilerplate", "作为AI语言模型，"),
        (answer(LONG + "The keeper counts the boats and the"), "truncated", None),
        (answer(LONG + "The keeper counts the boats one by one"), "truncated", None),
        (answer(LONG_ZH + "守塔人数着船，"), "truncated", None),
        (answer(LONG_ZH + "守塔人一条一条地数着船"), "truncated", None),
        (answer(f"Run this:\n{FENCE}python\nprint(1)\n"), "truncated", FENCE),
        (answer("Explain how a tide mill works. It fills.", "Explain how a tide mill works."), "prompt-copied", None),
        (answer(f"“{ZH_TASK}”它靠潮水。", ZH_TASK), "prompt-copied", ZH_TASK),
        (answer("The mill stands by the sea.", "Shorten.", input="The mill stands by the sea"), "prompt-copied", None),
        (answer(LONG, "请讲讲码头边的潮水是怎么一回事。"), "language-mismatch", None),
        (answer(LONG_ZH, "Tell me about the tide at the pier."), "language-mismatch", None),
        (answer("Write to mara.lindqvist@posteo.se today."), "email", "mara.lindqvist@posteo.se"),
        (answer("请写信到wanglei1987@163.com。"), "email", "wanglei1987@163.com"),
        (answer("Call (212) 736-5000."), "phone", "(212) 736-5000"),
        (answer("Ring +44 20 7946 0321 at noon."), "phone", "+44 20 7946 0321"),
        (answer("请拨打 139 1762 4403。"), "phone", "139 1762 4403"),
        (answer("手机：+86 13917624403。"), "phone", "+86 13917624403"),
        (answer("身份证号是11010519491231002X。"), "identity-number", "11010519491231002X"),
        (answer("key = sk-9fK2mQ7xWz4LpT8vYb3Nc6Rd"), "secret-key", "sk-9fK2mQ7xWz4LpT8vYb3Nc6Rd"),
        (Pretrain(text="id AKIA4T7QX2MZ9LKW3VBN and on"), "secret-key", "AKIA4T7QX2MZ9LKW3VBN"),
        (answer("-----BEGIN RSA PRIVATE KEY-----\nMIIEow"), "secret-key", "-----BEGIN RSA PRIVATE KEY-----"),
        (answer("用 LTAI5tFkqLmNopQrStUvWxYz 登录。"), "secret-key", "LTAI5tFkqLmNopQrStUvWxYz"),
        (answer("总机 010-62751234，找老周。"), "phone", "010-62751234"),
        (answer("I cannot fulfill this request."), "refusal", None),
        (answer("Sorry, I don't have access to the sea."), "refusal", None),
        (answer("I must respectfully decline."), "refusal", "I must respectfully decline"),
        (answer("我很抱歉，但我不能协助。"), "refusal", None),
        (answer("抱歉，这个问题我无法回答。"), "refusal", None),
        (answer("我是一个AI助手，我没有口味。"), "boilerplate", "我是一个AI助手，我没有"),
        (answer("身为人工智能，我没有口味。"), "boilerplate", "身为人工智能，"),
        (answer("A soft\xadhyphen."), "control-character", "\xad"),
        (answer("Left\u2066 and right."), "control-character", "\u2066"),
        (answer("锘縤s a mark."), "mojibake", "锘"),
        (answer("请解释潮汐的成因。", "请解释潮汐的成因。"), "prompt-copied", "请解释潮汐的成因。"),
    ],
)
def test_finds_it_and_marks_where(row, code, marked):
    [issue] = [issue for issue in check(row) if issue.code == code]
    assert issue.severity == "warning"
    if marked is not None:
        start, end = issue.span
        assert dict(texts(row))[issue.field][start:end] == marked


@pytest.mark.parametrize(
    "row",
    [
        Pretrain(text="Tabs\tand\r\nlines are text. Ça va, São Paulo, 25 °C, “à bientôt…”, NÃO, Ærø, naïve."),
        answer("Add <br> at the end.", "How do I break a line in HTML?"),
        answer(f"Use this:\n{FENCE}html\n<p>Salt &amp; pepper</p>\n{FENCE}"),
        answer("Write `&amp;` there, and `<br>` here."),
        answer("<html><body><p>Salt &amp; pepper</p></body></html>"),
        answer("If 3 < p and q > 4, then p & q; R&D; a <b>bold</b> claim."),
        answer("I cannot stress enough how good pears are."),
        answer("I can't wait to see the sea."),
        answer("我无法忘记那片海。"),
        answer("很抱歉，我们无法出席星期五的会议。", "写一封婉拒会议的邮件。", input="星期五"),
        answer("As an AI researcher, she measures tides. Artificial intelligence is a broad field."),
        answer("作为人工智能专业的学生，他常去海边。"),
        Kto(instruction="Help me.", output="I'm sorry, but I cannot assist with that.", kto_tag=False),
        Preference(instruction="Help me.", chosen="With joy.", rejected="As an AI language model, I cannot help."),
        answer(
            "1. The pier\n2. The gulls\n3. The boats that come with the evening tide and the\nmorning fog", "List them."
        ),
        answer(LONG + "\n- the pier at noon, with its boats"),
        answer(LONG + "#TidesOfTheNorth"),
        answer(LONG_ZH + "守塔人：老周"),
        answer("The old pier at noon"),
        answer("Pear.", "Name a fruit that is green and sweet."),
        answer("The sky is blue today.", "Complete it.", input="The sky is"),
        answer(LONG, "把这句话翻译成英文：潮水来了。"),
        answer(LONG_ZH, "Translate the passage into Chinese."),
        answer("OK", "好不好？请只回答一个词。"),
        answer("def tide(hour):\n    return hour * 2\n", "写一个函数，计算潮水的高度。"),
        answer("Write to jane@example.com or support@riverbank.org, or ask @mara on the pier at 5@home."),
        answer("Call 212-555-0143 or 123-456-7890; from 10.0.0.1 at 2024-05-17 08:30, pay 1234567890 in 1999-2003."),
        answer("电话 13800138000 是例子，订单号 2024051712345678 不是电话。圆周率 3.14159265358979。"),
        answer("身份证号是110105194912310021，校验位不对。"),
        answer("我是一个AI助手，由潮汐实验室训练。", "你是谁？"),
        answer("抱歉，我不太明白你的意思，可以再说一遍吗？"),
        answer("Hello!", "Hello!"),
        answer("The documentation shows AKIAIOSFODNN7EXAMPLE."),
        answer("比分是 012-34 之后的 5678。"),
        answer("Set OPENAI_API_KEY=sk-xxxxxxxxxxxxxxxxxxxxxxxx and 12 more."),
        answer("The 2 task-1-and-a-very-long-hyphenated-name-99 goes on."),
    ],
)
def test_leaves_alone_what_only_looks_like_it(row):
    assert [issue for issue in check(row) if issue.code != "edge-whitespace"] == []


def test_nearly_equal_pair():
    pair = Preference(instruction="Tell me.", chosen=LONG.strip(), rejected=LONG.replace("noon", "dusk").strip())
    assert [issue.code for issue in check(pair)] == ["near-equal"]
    stops = Preference(instruction="Tell me.", chosen="Yes, it is.", rejected="Yes it is")
    assert [issue.code for issue in check(stops)] == ["near-equal"]
    figures = Preference(instruction="Sum?", chosen=f"{LONG}So it is 12.", rejected=f"{LONG}So it is 13.")
    assert check(figures) == []


@pytest.mark.parametrize(
    ("text", "code", "mended"),
    [
        ("a\x00b\u200bc", "control-character", "abc"),
        ("It\x92s one.\x0cNext", "control-character", "It’s one.\\fNext"),
        ("\\(\x0crac{1}{2} \x08eta\\)", "control-character", "\\(\\frac{1}{2} \\beta\\)"),
        ("one\x0b\ntwo\x85three", "control-character", "one\n\ntwo\nthree"),
        ("â\x80\x94 a dash", "control-character", "— a dash"),
        ("A cafÃ© isnâ€™t å¤§å®¶.", "mojibake", "A café isn’t 大家."),
        ("浣犲ソ锛屾槬澶", "mojibake", None),
        ("锟斤拷", "mojibake", None),
        ("cafÃ© \ufffd", "mojibake", None),
        ("don&amp;#39;t &lt; it", "html-entity", "don't < it"),
        ("<br> stays", "html-tag", None),
    ],
)
def test_fix(text, code, mended):
    assert fix(Pretrain(text=text), code) == (None if mended is None else Pretrain(text=mended))


def test_chinese_read_as_gbk_comes_back():
    garbled = "鹅卵石，沙滩，晚风！".encode().decode("gb18030")
    row = Pretrain(text=garbled)
    assert "mojibake" in {issue.code for issue in check(row)}
    assert fix(row, "mojibake") == Pretrain(text="鹅卵石，沙滩，晚风！")


def test_fix_of_entities_keeps_code():
    row = Sft(instruction="Look.", output="Salt &amp; pepper.", input="`&amp;` stays")
    assert fix(row, "html-entity") == Sft(instruction="Look.", output="Salt & pepper.", input=row.input)


CUSTOM = {
    "brand": RuleSettings(r"(?i)acme", ("output", "history"), "error", "names the company"),
    "todo": RuleSettings(r"TODO|待办"),
}


def test_custom_rules_are_rules_like_any():
    rules = custom_rules(CUSTOM, {rule.code for rule in RULES})
    looked = checker((*RULES, *rules))(
        Multimodal(instruction="Ask Acme.", output="By ACME. 待办", history=(("acme", "fine"),))
    )
    found = [(issue.code, issue.severity, issue.field, issue.message, issue.span, issue.fix) for issue in looked]
    assert found == [
        ("brand", "error", "output", "names the company", (3, 7), False),
        ("brand", "error", "history[0][0]", "names the company", (0, 4), False),
        ("todo", "warning", "output", '"待办" matches the rule', (9, 11), False),
    ]
    assert checker(rules)(Pretrain(text="Acme")) == []


@pytest.mark.parametrize(
    ("code", "rule", "said"),
    [
        ("refusal", RuleSettings("x"), r"\[rules.refusal\]: there is a check of that name already"),
        ("mine", RuleSettings("("), r"\[rules.mine\]: pattern is no regular expression"),
        ("mine", RuleSettings("x*"), r"\[rules.mine\]: pattern matches the empty text"),
        ("mine", RuleSettings("x", ("images",)), r'\[rules.mine\]: fields names "images", which is no text'),
    ],
)
def test_custom_rules_that_cannot_be(code, rule, said):
    with pytest.raises(UsageError, match=said):
        custom_rules({code: rule}, {rule.code for rule in RULES})


def test_structural_rules_come_first_and_alone():
    assert RULES[: len(STRUCTURE)] == STRUCTURE
    assert checker(STRUCTURE)(answer("As an AI, I feel nothing.")) == []
