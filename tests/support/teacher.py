"""What the fake models say: a function of the messages alone."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence

if __package__:
    from tests.support import probes, tasks
else:  # The server is run by its path.
    import probes
    import tasks

_REWRITING = re.compile(
    r"#(given|rewritten|created) prompt#|rewrite a task|write a new task|改写|新的?任务|新的?指令|#[^#\n]*提示#",
    re.IGNORECASE,
)
_GIVEN = re.compile(r"#[^#\n]{2,20}#\s*[:：]\s*\n(.+?)\s*\n#[^#\n]{2,20}#\s*[:：]\s*$", re.DOTALL)
_CJK = re.compile(r"[\u4e00-\u9fff]")
_SORRY_EN, _SORRY_ZH = "Sorry, I cannot answer that.", "抱歉，我无法回答这个问题。"
_WORDS_EN = re.findall(
    r"\w+",
    "harbour lantern orchard compass glacier violin meadow turbine pottery monsoon archive saffron beacon tundra "
    "mosaic ferry quartz almanac canyon loom estuary kiln plateau sundial",
)
_WORDS_ZH = re.findall(
    r"\w+", "港口 灯塔 果园 罗盘 冰川 提琴 草甸 水车 陶器 季风 档案 藏红花 信标 苔原 拼图 渡船 石英 年历 峡谷 织机"
)


def teach(messages: Sequence[dict[str, str]]) -> str:
    """What the teacher answers: a function of the messages alone.

    Judge prompts (Equal / Not Equal): "Equal" for some 15 %. Rewriting prompts: the given instruction, made
    longer. Prompts of Self-Instruct: see tasks.py, of the probe: see probes.py. Anything else: some 30 words, or for
    some 10 % a refusal. Chinese is answered in Chinese.
    """
    if (said := probes.answer(messages)) is not None:
        return said
    drawn = digits(json.dumps(messages, sort_keys=True))
    luck = next(drawn) * 256 + next(drawn)
    if (said := tasks.answer(messages, drawn)) is not None:
        return said
    last = messages[-1]["content"]
    frame = " ".join(message["content"] for message in messages if message["role"] == "system") + last
    if "Not Equal" in frame:
        return "Equal" if luck % 100 < 15 else "Not Equal"
    given = found.group(1) if (found := _GIVEN.search(last)) else last.strip()
    chinese = len(_CJK.findall(given)) * 4 > len(given)
    pool = _WORDS_ZH if chinese else _WORDS_EN
    words = [pool[next(drawn) % len(pool)] for _ in range(26)]
    if _REWRITING.search(frame):
        kept = given[-600:]
        if chinese:
            return f"{kept}请以{words[0]}和{words[1]}为例，分三步说明理由，并比较{words[2]}与{words[3]}的不同之处。"
        return (
            f"{kept} Use the example of a {words[0]} near a {words[1]}, explain the reasons in three steps, "
            f"and compare the {words[2]} with the {words[3]}."
        )
    if luck % 100 < 10:
        return _SORRY_ZH if chinese else _SORRY_EN
    if chinese:
        return f"简单地说，答案与{'、'.join(words[:8])}有关。首先看{words[8]}，然后看{words[9]}，最后得出结论。"
    return (
        f"In short, the {words[0]} comes first, and then the rest: {', '.join(words[1:20])}. That settles the matter."
    )


def digits(text: str) -> Iterator[int]:
    """Endless bytes that depend on the text alone."""
    seed = text.encode()
    while True:
        seed = hashlib.sha256(seed).digest()
        yield from seed
