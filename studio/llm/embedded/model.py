"""The embedded model: SmolLM2-135M-Instruct on llama.cpp, in a child process that ends with us."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import secrets
import signal
import sys
from pathlib import Path

import msgspec

from studio.errors import ModelError, PassingError
from studio.llm.chat import Message, OnText, Reply, Request
from studio.llm.embedded import server as embedded_server
from studio.llm.embedded import weights
from studio.llm.embedded.server import KEY_VARIABLE, MODEL_ID
from studio.llm.openai_chat import OpenAIChat, Timeouts

_START_SECONDS = 120.0
_END_SECONDS = 2.0
# Two slow cores answer one request after the other; patience costs nothing here.
_TIMEOUTS = Timeouts(connect=10.0, first_token=900.0, silence=300.0, total=1800.0)


def available() -> str | None:
    """None when the embedded model can be started, else one line: what is missing and how to get it."""
    if importlib.util.find_spec("xllamacpp") is None:
        return f"The embedded model needs xllamacpp. {weights.INSTALL_HINT}"
    if weights.find() is None:
        return "The embedded model's weights are not here yet. Run: studio model fetch"
    return None


class Embedded:
    """A chat model that starts its server with the first reply, once more after a crash, and ends it with
    close().

    model_path: a GGUF file instead of the fetched weights. threads: 0 for the cores less one, at most 8. slots:
    requests answered at once. context_per_slot: tokens of prompt and answer together (it is a `chat.Ruler`). Use it
    from one event loop, and from the thread that lives longest: on Linux the child ends with the thread that started
    it.
    """

    name = "SmolLM2-135M-Instruct (embedded)"
    model = MODEL_ID

    def __init__(
        self,
        model_path: Path | None = None,
        *,
        threads: int = 0,
        slots: int = 4,
        context_per_slot: int = 2048,
        command: tuple[str, ...] | None = None,
    ) -> None:
        self.context = context_per_slot
        self._model_path = model_path
        self._options = (
            f"--threads={threads or _spare_cores()}",
            f"--slots={slots}",
            f"--context-per-slot={context_per_slot}",
        )
        # -P: a file in the current folder must not take the place of a library.
        self._command = command or (sys.executable, "-P", str(Path(embedded_server.__file__)))
        self._starting = asyncio.Lock()
        self._child: asyncio.subprocess.Process | None = None
        self._chat: OpenAIChat | None = None
        self._crashes = 0

    async def start(self) -> None:
        """Start the server unless it runs; reply() does this by itself.

        Raises ModelError when something is missing, it cannot start, or it crashed twice without an answer
        in between.
        """
        await self._started()

    async def reply(self, request: Request, on_text: OnText | None = None) -> Reply:
        """The model's answer. Raises PassingError when the server crashed: asking again starts it anew."""
        chat = await self._started()
        try:
            reply = await chat.reply(request, on_text)
        except PassingError:
            if await self._ended(chat) is None:
                raise
            raise PassingError("The embedded model crashed while it answered; it will be started again.") from None
        self._crashes = 0
        return reply

    async def count(self, messages: tuple[Message, ...]) -> int:
        """Tokens of the messages as a prompt, exactly. Starts the server; raises what start() raises."""
        return await (await self._started()).count(messages)

    async def close(self) -> None:
        """End the server. A later reply starts it again."""
        child, chat = self._child, self._chat
        self._child = self._chat = None
        if chat is not None:
            await chat.close()
        if child is not None:
            await _end(child)

    async def _started(self) -> OpenAIChat:
        async with self._starting:
            if self._child is not None and self._child.returncode is not None:
                self._crashes += 1
                ended = self._child.returncode
                await self.close()
                if self._crashes > 1:
                    raise ModelError(
                        f"The embedded model crashed twice ({_how(ended)}).",
                        hint="Choose another model in studio.toml, or run: studio doctor",
                    )
            if self._chat is None:
                self._chat = await self._launch()
            return self._chat

    async def _launch(self) -> OpenAIChat:
        path = self._model_path or _fetched()
        key = secrets.token_urlsafe(24)
        child = await asyncio.create_subprocess_exec(
            *self._command,
            f"--model={path}",
            *self._options,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=os.environ | {KEY_VARIABLE: key},
            start_new_session=True,  # Ctrl-C is for the studio, which may want the answers in flight.
        )
        try:
            async with asyncio.timeout(_START_SECONDS):
                url = await _url(child)
        except BaseException as error:
            await _end(child)
            if isinstance(error, TimeoutError):
                raise ModelError(f"The embedded model did not start within {_START_SECONDS:g} s.") from None
            raise
        self._child = child
        # llama.cpp's server closes connections that it has just offered to keep: one request in twenty met that.
        return OpenAIChat(url + "/v1", MODEL_ID, api_key=key, timeouts=_TIMEOUTS, keep_alive=False)

    async def _ended(self, chat: OpenAIChat) -> int | None:
        """The exit code of the server behind chat, None while it runs. It waits 0.2 s for a crash to show."""
        child = self._child
        if child is None or self._chat is not chat:
            return 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await child.wait()
        return child.returncode


class _Line(msgspec.Struct):
    url: str = ""
    error: str = ""


async def _url(child: asyncio.subprocess.Process) -> str:
    """The address in the child's first JSON line; other lines are the native library's chatter."""
    assert child.stdout is not None
    async for raw in child.stdout:
        with contextlib.suppress(msgspec.DecodeError):
            line = msgspec.json.decode(raw, type=_Line)
            if line.url:
                return line.url
            raise ModelError(f"The embedded model cannot start: {line.error[:300]}.", hint="Run: studio doctor")
    raise ModelError(
        f"The embedded model cannot start ({_how(await child.wait())}).",
        hint="Run: studio doctor, or choose another model in studio.toml.",
    )


async def _end(child: asyncio.subprocess.Process) -> None:
    assert child.stdin is not None
    child.stdin.close()
    try:
        async with asyncio.timeout(_END_SECONDS):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()


def _spare_cores() -> int:
    # llama.cpp's threads wait for each other by spinning: one too many on a busy machine makes it ten times slower.
    return max(1, min(8, (os.cpu_count() or 2) - 1))


def _how(returncode: int) -> str:
    if returncode >= 0:
        return f"exit code {returncode}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-returncode).name
    return f"signal {-returncode}"


def _fetched() -> Path:
    reason = available()
    path = weights.find()
    if reason is not None or path is None:
        what, _, cure = (reason or "").partition(". ")
        raise ModelError(f"{what}.", hint=cure)
    return path
