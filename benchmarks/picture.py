"""The README's picture, made by the app itself: the Evolve stage half-way through a run.

    python benchmarks/picture.py [FILE]      (sample_data/picture.svg by default)

The model is a scripted one, so that the picture is the same each time.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from studio.alpaca.rows import Sft
from studio.llm.chat import OnText, Reply, Request, Usage
from studio.session import Session
from studio.store.project import create
from studio.tui.app import StudioApp
from tests.support.fake_chat import use

# Seed task, what it evolves into, and the answer to that.
_TOLD = (
    (
        "Explain why bread dough rises.",
        "Explain why bread dough rises, and name two signs by which a baker without a clock can tell that it has "
        "risen for long enough.",
        "Yeast eats the sugars in the flour and gives off carbon dioxide, which the gluten holds in small bubbles. "
        "Press a floured finger into the dough: if the dent fills slowly, it is ready; if it stays, it has waited "
        "too long. A ready loaf also feels light for its size when the basket is tilted.",
    ),
    (
        "为什么冬天眼镜会起雾？",
        "为什么冬天从室外走进厨房时眼镜会起雾，而走进同样温暖的干燥机房却几乎不会？请用露点来说明。",
        "镜片很冷，贴近它的空气降到露点以下，水汽就凝成小水珠。厨房的空气潮湿，露点高；机房的空气干燥，露点低于镜片的温度，所以几乎看不到雾。",
    ),
    (
        "Write a polite reminder about an unpaid invoice.",
        "Write a polite reminder, of at most sixty words, to a customer of ten years about an invoice that is two "
        "weeks late, without using the word overdue.",
        "Dear Ms Adeyemi, thank you for ten years of orders. Our invoice 2214 was due two weeks ago and may have "
        "slipped through in the spring rush. Could you look whether it reached you? If anything in it is unclear, "
        "I am glad to call.",
    ),
    (
        "How many weeks are there in a year?",
        "How many whole weeks are there in a year, and on which weekday does a year end that began on a Tuesday?",
        "Sorry, I cannot answer that.",
    ),
    (
        "把“欲速则不达”译成英文。",
        "把“欲速则不达”译成英文两次：一次用于给工程师的检查清单，一次用于写给孩子的故事，并说明两处用词为何不同。",
        "清单：Rushed work is done twice. 故事：The hare that hurried had to hop all the way back. "
        "清单要短而确定，让人照做；故事要有形象，孩子才记得住。",
    ),
    (
        "List the parts of a bicycle.",
        "List the parts of a bicycle that wear out within five years of daily use in the rain, with the cheapest "
        "sign of wear for each.",
        "Chain: a ruler shows twelve links longer than 305 mm. Brake pads: the grooves are gone. Tyres: threads show. "
        "Cables: the lever no longer springs back. Bottom bracket: the crank knocks when pushed sideways.",
    ),
    (
        "What is a lighthouse for?",
        "A town wants to switch off its lighthouse because every ship has satellite navigation. Weigh three reasons "
        "for keeping it lit, and say which of them still holds for a fishing boat whose electronics have failed.",
        "Satellites may be jammed, charts may be old, and a light needs no receiver. Only the last still holds for a "
        "boat without power: its crew sees the light with their own eyes and can count the flashes.",
    ),
    (
        "写一个函数，判断一个数是不是质数。",
        "写一个 Python 函数，判断一个不超过十亿的整数是不是质数；只试除到平方根，跳过偶数，"
        "并用三个容易出错的输入说明为什么这样写是对的。",
        "质数没有一到自身之间的因数，而因数成对出现，所以试除到平方根就够了。"
        "容易出错的输入是 1（不是质数）、2（唯一的偶质数）和 49（平方根恰好整除）。",
    ),
    (
        "Suggest a name for a cafe.",
        "Suggest five names for a cafe in a disused signal box beside a railway line, each with a reason that a "
        "sign painter could understand, and none with a pun on trains.",
        "The Last Lever, after the one that was never removed; Platform None; The Green Lamp, which is still there; "
        "Twelve Past, for the first train; and The Box, which is what everybody calls it already.",
    ),
    (
        "Describe the water cycle.",
        "Describe the water cycle from the point of view of one drop that takes nine days from a wheat field to the "
        "sea, naming at each step what made it move.",
        "The sun lifts me from a wheat leaf, a cold front drops me on a hill, gravity pulls me into a brook, the brook "
        "hurries me to the river, and on the ninth day the tide takes me in.",
    ),
)
_STREAMING = 4


class Teller:
    """A model that knows these answers by heart; it never ends the last rewrites."""

    name = model = "teacher-large"

    def __init__(self) -> None:
        self._rewrites = 0
        self.waiting = 0

    async def reply(self, request: Request, on_text: OnText | None = None) -> Reply:
        asked = request.messages[-1][1]
        text, ends = self._text(asked)
        said = text if ends else text[: (44 if text.isascii() else 22) + 5 * self.waiting]
        if on_text is not None:
            on_text(said)
        if not ends:
            self.waiting += 1
            await asyncio.Event().wait()
        return Reply(said, "stop", Usage(len(asked) // 4, len(said) // 4), self.model, 1.2)

    def _text(self, asked: str) -> tuple[str, bool]:
        if re.search(r"Not Equal", asked):
            return "Not Equal", True
        for _, evolved, answer in _TOLD:
            if evolved in asked:
                return answer, True
        evolved = next(evolved for seed, evolved, _ in _TOLD if seed in asked)
        self._rewrites += 1
        return evolved, self._rewrites <= len(_TOLD) - _STREAMING

    async def close(self) -> None:
        """Nothing is open."""


async def picture(folder: Path) -> str:
    """The screen as SVG."""
    create(folder)
    session = Session.open(folder, flags={"project": {"name": "harbour-tales"}, "evolve": {"rounds": 1, "seed": 5}})
    teller = Teller()
    use(session, teller)
    for seed, _, _ in _TOLD:
        session.rows.add(Sft(instruction=seed), seed=True)
    app = StudioApp(session)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("2", "s")
        while teller.waiting < _STREAMING:
            await pilot.pause(0.05)
        await pilot.pause(1.5)
        await pilot.press("j", "a", "k")
        await pilot.pause(0.5)
        svg = app.export_screenshot(title="studio harbour-tales", simplify=True)
    await session.close()
    # The class names that Rich makes up differ from run to run.
    # The picture asks nobody for a font: any monospaced one will do.
    return re.sub(r"terminal-\d+", "terminal", re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL))


def main() -> None:
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "sample_data" / "picture.svg"
    with tempfile.TemporaryDirectory() as folder:
        file.write_text(asyncio.run(picture(Path(folder) / "project")), encoding="utf-8")


if __name__ == "__main__":
    main()
