"""What the fake models say to the prompts of Self-Instruct: a function of the messages alone.

Lists of new tasks, of which some are near-duplicates of those shown, have words of the blacklist, are too short, ask
for a program or begin with a sign; whole tasks for the Alpaca variant; yes and no; instances, good and bad.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_LISTING = re.compile(r"(?:^|\n)(\d+)\.\Z")
_WHOLE = re.compile(r"###\n(\d+)\. (Instruction|指令):\Z")
_ENTRY = re.compile(r"^\d+\. (.+)$", re.MULTILINE)
_TASK = re.compile(r"^(?:Task: |任务：)(.+)", re.DOTALL)
_CLASSIFICATION = re.compile(r"\n(?:Is it a classification task\?|Classification\?|这?是分类任务吗？)\Z")
_LABELS_FIRST = re.compile(r"class label|类别标签", re.IGNORECASE)
_EXAMPLES = re.compile(r"write examples|编写示例|的示例", re.IGNORECASE)

_BEGINNINGS = ("Explain", "Compare", "Describe", "List", "Summarise", "Rewrite", "Plan", "Invent", "Sort", "Estimate")
_ENDINGS = [
    "ra",
    "mel",
    "ton",
    "vi",
    "sor",
    "lun",
    "pek",
    "dri",
    "fos",
    "gan",
    "huri",
    "bel",
    "cap",
    "tov",
    "nis",
    "qua",
]
_HAN = "山水风云石火木金土日月星河海田林鸟鱼马牛米茶酒琴棋书信灯门窗桥路船车衣帽纸笔墨刀弓针线花草叶根果豆麦瓜桃梨"
_VERBS = ("说明", "比较", "描述", "列出", "概括", "改写", "计划", "设计", "排列", "估计")


def answer(messages: Sequence[dict[str, str]], drawn: Iterator[int]) -> str | None:
    """The reply to a prompt of Self-Instruct, None for another one."""
    last = messages[-1]["content"]
    system = " ".join(message["content"] for message in messages if message["role"] == "system")
    if found := _WHOLE.search(last):
        return _whole_tasks(int(found[1]), found[2] == "指令", drawn)
    if found := _LISTING.search(last):
        return _list(int(found[1]), _ENTRY.findall(last), drawn)
    if not (task := _TASK.match(last)):
        return None
    if _CLASSIFICATION.search(last):
        chinese = "：" in last[:4]
        return ("是" if chinese else "Yes") if next(drawn) % 4 == 0 else ("否" if chinese else "No")
    if _LABELS_FIRST.search(system):
        return _labels("：" in last[:4], drawn)
    return _examples(task[1], "：" in last[:4], drawn) if _EXAMPLES.search(system) else None


def _list(first: int, shown: list[str], drawn: Iterator[int]) -> str:
    chinese = any(re.search(r"[\u4e00-\u9fff]", task) for task in shown)
    tasks = [_instruction(shown, chinese, drawn) for _ in range(16 - first)]
    head, *others = [f"{number}. {task}" for number, task in enumerate(tasks, start=first)]
    return "\n".join([head.partition(". ")[2], *others])


def _instruction(shown: list[str], chinese: bool, drawn: Iterator[int]) -> str:
    luck = next(drawn) % 32
    told = fresh(chinese, drawn)
    if luck < 4 and shown:
        return shown[next(drawn) % len(shown)]
    if luck == 4:
        return f"画一张图片，{told}" if chinese else f"{told[:-1]} and draw a map of it."
    if luck == 5:
        return "写诗。" if chinese else "Write a poem."
    if luck == 6:
        return f"编写一个程序，{told}" if chinese else f"Write a program: {told}"
    if luck == 7:
        return f"#{told}"
    return told


def fresh(chinese: bool, drawn: Iterator[int]) -> str:
    """An instruction that is like no other."""
    if chinese:
        words = ["".join(_HAN[next(drawn) % len(_HAN)] for _ in range(2)) for _ in range(5)]
        return f"{_VERBS[next(drawn) % 10]}{words[0]}与{words[1]}的{words[2]}，兼谈{words[3]}和{words[4]}。"
    words = ["".join(_ENDINGS[next(drawn) % 16] for _ in range(3)) for _ in range(7)]
    return f"{_BEGINNINGS[next(drawn) % 10]} {' '.join(words)}."


def _labels(chinese: bool, drawn: Iterator[int]) -> str:
    label, given = ("类别标签：", "输入：") if chinese else ("Class label: ", "Input: ")
    names = ("好评", "差评") if chinese else ("good", "bad")
    return "\n".join(f"{label}{name}\n{given}{fresh(chinese, drawn)}" for name in names)


def _examples(task: str, chinese: bool, drawn: Iterator[int]) -> str:
    example, given, output = ("示例 ", "输入：", "输出：") if chinese else ("Example ", "Input: ", "Output: ")
    kind = next(drawn) % 16
    if kind == 0:
        return fresh(chinese, drawn)  # No label at all.
    if kind == 1:
        return f"{output}{'如下：' if chinese else 'as follows:'}"
    if kind == 2:
        same = fresh(chinese, drawn)
        return f"{example}1\n{given}{same}\n{output}A1\n{example}2\n{given}{same}\n{output}A2"
    if kind < 8:
        return f"{output}{fresh(chinese, drawn)}"
    instances = [(fresh(chinese, drawn), fresh(chinese, drawn)) for _ in range(1 + kind % 3)]
    if kind == 8:
        instances[0] = (instances[0][1], instances[0][1])
    return "\n".join(
        f"{example}{number}\n{given}{one}\n{output}{other}" for number, (one, other) in enumerate(instances, start=1)
    )


def _whole_tasks(first: int, chinese: bool, drawn: Iterator[int]) -> str:
    instruction, given, output = ("指令", "输入", "输出") if chinese else ("Instruction", "Input", "Output")
    parts = []
    told: list[str] = []
    for number in range(first, 21):
        told.append(_instruction(told, chinese, drawn))
        text = "<noinput>" if next(drawn) % 2 else fresh(chinese, drawn)
        result = "" if next(drawn) % 16 == 0 else fresh(chinese, drawn)
        label = "" if number == first else f"###\n{number}. {instruction}: "
        parts.append(f"{label}{told[-1]}\n{number}. {given}:\n{text}\n{number}. {output}:\n{result}")
    return "\n".join(parts)
