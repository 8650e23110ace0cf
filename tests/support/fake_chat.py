"""A scripted chat model in this process: no network, no waiting unless told."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from studio.llm.budget import Budgeted
from studio.llm.chat import OnText, Reply, Request, Usage
from studio.llm.ledger import LedgerChat
from studio.llm.prices import FREE
from tests.support.chat_server import teach

Scripted = Callable[[Request], str | Reply | Exception]
"""From a request to the answer's text, a whole reply, or the error to raise."""


def taught(request: Request) -> str:
    """What the loopback server's teacher would say."""
    return teach([{"role": role, "content": content} for role, content in request.messages])


class FakeChat:
    """A ChatModel that answers by a function of the request and remembers what it was asked.

    delay: seconds before each answer, or a function of the request. asked: every request, in order. answered:
    those that got a reply. closed: how often close() was called.
    """

    def __init__(
        self,
        script: Scripted = taught,
        *,
        delay: float | Callable[[Request], float] = 0.0,
        name: str = "fake",
    ) -> None:
        self.name = name
        self.model = name
        self.asked: list[Request] = []
        self.answered: list[Request] = []
        self.closed = 0
        self._script = script
        self._delay = delay

    async def reply(self, request: Request, on_text: OnText | None = None) -> Reply:
        self.asked.append(request)
        delay = self._delay(request) if callable(self._delay) else self._delay
        await asyncio.sleep(delay)
        answer = self._script(request)
        if isinstance(answer, Exception):
            raise answer
        reply = answer if isinstance(answer, Reply) else self._reply(request, answer, delay)
        if on_text is not None:
            for piece in re.findall(r"\S+\s*|\s+", reply.text):
                on_text(piece)
                await asyncio.sleep(0)
        self.answered.append(request)
        return reply

    async def close(self) -> None:
        self.closed += 1

    def _reply(self, request: Request, text: str, seconds: float) -> Reply:
        asked = sum(len(content.split()) for _, content in request.messages)
        return Reply(text, "stop", Usage(asked, len(text.split())), self.model, seconds)


class FakeModels:
    """The models of a session: one fake for every role, or others for answers and verdicts."""

    def __init__(self, teacher, answerer=None, judge=None, ruler=None) -> None:
        self.chats = (teacher, answerer or teacher, judge or teacher)
        self._ruler = ruler

    def change(self, settings, concurrency) -> None:
        pass

    def roles(self, roles, store, budget, prices):
        chains = {id(chat): LedgerChat(Budgeted(chat, budget, FREE), store) for chat in self.chats}
        places = {"answerer": 1, "judge": 2}
        return {role: chains[id(self.chats[places.get(role, 0)])] for role in roles}

    def ruler(self, role):
        return self._ruler

    async def close(self) -> None:
        for chat in set(self.chats):
            await chat.close()


def use(session, chat, **roles) -> None:
    """Have a session ask this chat."""
    session.endpoints.models = FakeModels(chat, **roles)
