"""The ledger of paid replies: what was answered once is never asked again."""

from __future__ import annotations

import asyncio
from typing import Protocol

from msgspec.structs import replace

from studio.llm.chat import ChatModel, OnText, Reply, Request
from studio.text.tokens import as_utf8


class ReplyStore(Protocol):
    """Where replies are kept, by the key of their request."""

    def find(self, key: str) -> bytes | None:
        """The encoded reply, or None when the request was never answered."""

    def keep(self, key: str, request: bytes, reply: bytes) -> None:
        """Keep a reply. It outlives this process when this returns."""

    def sync(self) -> None:
        """Have all that was kept outlive a loss of power too. Called in another thread."""


class _Question:
    """A request in flight, and everybody who waits for it."""

    task: asyncio.Task[Reply]

    def __init__(self, *, streams: bool) -> None:
        self.streams = streams
        self.said: list[str] = []
        self.listeners: list[OnText] = []
        self.waiters = 0

    def hear(self, text: str) -> None:
        self.said.append(text)
        for listener in self.listeners:
            listener(text)

    def join(self, listener: OnText) -> None:
        if self.said:
            listener("".join(self.said))
        self.listeners.append(listener)


class _Keeping:
    """Keeps replies, and lets those that arrive while others are being synced share the next sync.

    A sync to disk takes 0.1 to 10 ms; in a thread it keeps neither the screens nor other answers waiting.
    """

    def __init__(self, store: ReplyStore) -> None:
        self._store = store
        self._next: asyncio.Future[None] | None = None
        self._syncing = False

    async def keep(self, key: str, request: bytes, reply: bytes) -> None:
        """Keep a reply; it is durable when this returns, and outlives us from the first moment on."""
        self._store.keep(key, request, reply)
        synced = self._next
        if synced is None:
            synced = self._next = asyncio.get_running_loop().create_future()
            # The failure reaches those who wait; when all of them have left, nobody need hear it.
            synced.add_done_callback(lambda one: one.exception())
            if not self._syncing:
                self._sync(synced)
        await asyncio.shield(synced)

    def _sync(self, waiting: asyncio.Future[None]) -> None:
        self._next, self._syncing = None, True
        synced = asyncio.get_running_loop().run_in_executor(None, self._store.sync)
        synced.add_done_callback(lambda synced: self._synced(waiting, synced))

    def _synced(self, waiting: asyncio.Future[None], synced: asyncio.Future[None]) -> None:
        self._syncing = False
        if (error := synced.exception()) is not None:
            waiting.set_exception(error)
        else:
            waiting.set_result(None)
        if self._next is not None:
            self._sync(self._next)


class LedgerChat:
    """A chat model that replays stored replies and keeps each new one before anybody reads it.

    Requests with the same key in flight at once are asked once; all but the first waiter get the reply
    marked as replayed. A waiter that is cancelled leaves the others undisturbed; when the last one is, the
    request is dropped. A reply that has arrived is kept whatever happens to its waiters.
    """

    def __init__(self, inner: ChatModel, store: ReplyStore) -> None:
        self._inner = inner
        self._store = store
        self._keeping = _Keeping(store)
        self._open: dict[str, _Question] = {}

    @property
    def name(self) -> str:
        """The inner model's name."""
        return self._inner.name

    @property
    def model(self) -> str:
        """The inner model's id."""
        return self._inner.model

    async def reply(self, request: Request, on_text: OnText | None = None) -> Reply:
        """The stored reply (on_text gets it whole), else the inner model's, kept in the store.

        Raises what the inner model and the store raise; a failure is not kept.
        """
        key = request.key()
        question = self._open.get(key)
        if question is not None:
            return replace(await self._wait(key, question, on_text), replayed=True)
        stored = self._store.find(key)
        if stored is not None:
            reply = replace(Reply.decode(stored), replayed=True)
            if on_text is not None:
                on_text(reply.text)
            return reply
        question = self._ask(key, request, streams=on_text is not None)
        return await self._wait(key, question, on_text)

    async def close(self) -> None:
        """Drop what is in flight, close the inner model."""
        tasks = [question.task for question in self._open.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._inner.close()

    def _ask(self, key: str, request: Request, *, streams: bool) -> _Question:
        question = self._open[key] = _Question(streams=streams)
        question.task = asyncio.create_task(self._answer(key, request, question))
        # A failure whose waiters have all left has nobody to hear it; reading it keeps asyncio from
        # reporting it as lost.
        question.task.add_done_callback(lambda task: task.cancelled() or task.exception())
        return question

    async def _answer(self, key: str, request: Request, question: _Question) -> Reply:
        try:
            said = await self._inner.reply(request, question.hear if question.streams else None)
            # Servers cut text in the middle of a surrogate pair; what cannot be written could not be kept.
            reply = replace(said, text=as_utf8(said.text), thinking=as_utf8(said.thinking))
            await self._keeping.keep(key, request.encode(), reply.encode())
            return reply
        finally:
            self._forget(key, question)

    async def _wait(self, key: str, question: _Question, on_text: OnText | None) -> Reply:
        question.waiters += 1
        if on_text is not None and question.streams:
            question.join(on_text)
        try:
            reply = await asyncio.shield(question.task)
        finally:
            question.waiters -= 1
            if on_text in question.listeners:
                question.listeners.remove(on_text)
            if not question.waiters and not question.task.done():
                self._forget(key, question)
                question.task.cancel()
        if on_text is not None and not question.streams:
            on_text(reply.text)
        return reply

    def _forget(self, key: str, question: _Question) -> None:
        if self._open.get(key) is question:
            del self._open[key]
