"""A loopback server that speaks the OpenAI chat-completions format and misbehaves on demand.

In a test:           async with ChatServer([Fault("429", retry_after="2")]) as server: ... server.url ...
As a process:        python tests/support/chat_server.py --port-file F [--latency S] [--log F]

Without faults it answers like a teacher for Evol-Instruct; see teach().
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

MODELS = ("teacher-small", "teacher-large")

Kind = Literal[
    "ok", "status", "429", "500", "hang", "hang-mid", "drip", "cut", "drop", "malformed", "wrong-schema",
    "no-choices", "length", "html", "error-200", "no-done",
]  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """How one request is answered.

    status: any other status, with code and text in its body. drip: one word each pause seconds. cut: the
    stream ends in order but without finish_reason (a body without streaming: half of it). drop: the connection
    breaks before any answer. no-done: the stream stays open after finish_reason. text: replaces the teacher's.
    """

    kind: Kind = "ok"
    retry_after: str | None = None
    status: int = 400
    code: str = ""
    text: str | None = None
    pause: float = 0.05


Script = Sequence[Fault] | Callable[[int, dict[str, Any]], Fault]
"""Faults for the first requests, or what decides from the request's number (from 0) and body."""


@dataclass(frozen=True)
class Asked:
    """One request as the server saw it. hash: of the body without the streaming fields."""

    number: int
    hash: str
    kind: str
    stream: bool
    body: dict[str, Any]
    headers: dict[str, str]
    at: float


@dataclass
class ChatServer:
    """The server. latency: seconds before each answer. key: the only one accepted, None for any."""

    script: Script = ()
    latency: float = 0.0
    key: str | None = None
    log: Path | None = None
    asked: list[Asked] = field(default_factory=list)
    most_at_once: int = 0
    _at_once: int = 0
    _connections: set[asyncio.Task[Any]] = field(default_factory=set)
    _server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The base_url of a client."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    @property
    def counts(self) -> Counter[str]:
        """How often each body was asked, by hash."""
        return Counter(request.hash for request in self.asked)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        assert connection is not None
        self._connections.add(connection)
        try:
            while True:
                line, *head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (h.partition(":") for h in head)}
                content = await reader.readexactly(int(headers.get("content-length", "0")))
                method, path, _ = line.split(" ", 2)
                if method == "GET" and path.endswith("/models"):
                    listing = {"object": "list", "data": [{"id": name, "object": "model"} for name in MODELS]}
                    await _send(writer, 200, json.dumps(listing))
                else:
                    await self._answer(json.loads(content), headers, writer)
                if line.endswith("HTTP/1.0"):
                    return
        except (asyncio.IncompleteReadError, ConnectionError, _GoneError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self._connections.discard(connection)

    async def _answer(self, body: dict[str, Any], headers: dict[str, str], writer: asyncio.StreamWriter) -> None:
        number = len(self.asked)
        if callable(self.script):
            fault = self.script(number, body)
        else:
            fault = self.script[number] if number < len(self.script) else Fault()
        if self.key is not None and headers.get("authorization") != f"Bearer {self.key}":
            fault = Fault("status", status=401, text=f"Incorrect API key: {headers.get('authorization')}")
        self._note(Asked(number, body_hash(body), fault.kind, bool(body.get("stream")), body, headers, time.time()))
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await asyncio.sleep(self.latency)
            await _perform(fault, body, writer)
        finally:
            self._at_once -= 1

    def _note(self, request: Asked) -> None:
        self.asked.append(request)
        if self.log is not None:
            seen = {"n": request.number, "hash": request.hash, "kind": request.kind, "stream": request.stream}
            seen |= {"model": request.body.get("model"), "at": request.at}
            with self.log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(seen) + "\n")


def body_hash(body: dict[str, Any]) -> str:
    """16 hex digits for a request, the same with and without streaming."""
    kept = {name: value for name, value in body.items() if name not in ("stream", "stream_options")}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]


class _GoneError(Exception):
    """The server ends the connection on purpose."""


async def _perform(fault: Fault, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    kind = fault.kind
    text = fault.text if fault.text is not None else teach(body["messages"])
    if kind in ("429", "500", "status"):
        status = fault.status if kind == "status" else int(kind)
        error = {"message": fault.text or f"planned {status}", "type": "planned", "code": fault.code or None}
        extra = {"Retry-After": fault.retry_after} if fault.retry_after else {}
        return await _send(writer, status, json.dumps({"error": error}), extra)
    if kind == "hang":
        await asyncio.sleep(3600)
    if kind == "drop":
        raise _GoneError
    plain = {
        "malformed": '{"choices": [{"message": {"content": "half',
        "wrong-schema": json.dumps({"choices": [{"message": "not an object", "delta": 7}]}),
        "html": "<!doctype html><title>Sign in</title>",
        "error-200": json.dumps({"error": {"message": "overloaded upstream"}}),
        "no-choices": json.dumps({"choices": [], "model": body["model"]}),
    }.get(kind)
    if body.get("stream") and kind not in ("html", "no-choices"):
        return await _stream(fault, body, text, plain, writer)
    if plain is not None:
        return await _send(writer, 200, plain, {"Content-Type": "text/html"} if kind == "html" else {})
    content = json.dumps(completion(body, text, "length" if kind == "length" else "stop"), ensure_ascii=False)
    if kind not in ("drip", "cut", "hang-mid"):
        return await _send(writer, 200, content)
    raw = content.encode()
    writer.write(_head(200, {"Content-Length": str(len(raw)), "Content-Type": "application/json"}))
    if kind == "drip":
        for byte in raw:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(fault.pause)
        return None
    writer.write(raw[: len(raw) // 2])
    await writer.drain()
    if kind == "hang-mid":
        await asyncio.sleep(3600)
    raise _GoneError


async def _stream(
    fault: Fault, body: dict[str, Any], text: str, plain: str | None, writer: asyncio.StreamWriter
) -> None:
    writer.write(_head(200, {"Transfer-Encoding": "chunked", "Content-Type": "text/event-stream"}))
    if plain is not None:
        _event(writer, plain)
        return await _end(writer)
    _event(writer, _chunk(body, {"role": "assistant", "content": ""}))
    words = re.findall(r"\S+\s*|\s+", text)
    for number, word in enumerate(words):
        if number == len(words) // 2 and fault.kind in ("hang-mid", "cut"):
            await writer.drain()
            if fault.kind == "hang-mid":
                await asyncio.sleep(3600)
            return await _end(writer)
        _event(writer, _chunk(body, {"content": word}))
        if fault.kind == "drip":
            await writer.drain()
            await asyncio.sleep(fault.pause)
    _event(writer, _chunk(body, {}, "length" if fault.kind == "length" else "stop"))
    if fault.kind == "no-done":
        await writer.drain()
        await asyncio.sleep(3600)
    usage = completion(body, text, "stop")["usage"]
    _event(writer, json.dumps({"choices": [], "model": body["model"], "usage": usage}))
    _event(writer, "[DONE]")
    await _end(writer)


def completion(body: dict[str, Any], text: str, finish_reason: str) -> dict[str, Any]:
    """A whole chat.completion object. Tokens are counted as words."""
    asked = sum(len(message["content"].split()) for message in body["messages"])
    said = len(text.split())
    return {
        "id": "chatcmpl-0",
        "object": "chat.completion",
        "model": body["model"],
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish_reason}],
        "usage": {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said},
    }


def _chunk(body: dict[str, Any], delta: dict[str, str], finish_reason: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    chunk = {"object": "chat.completion.chunk", "model": body["model"], "choices": [choice]}
    return json.dumps(chunk, ensure_ascii=False)


def _event(writer: asyncio.StreamWriter, payload: str) -> None:
    raw = f"data: {payload}\n\n".encode()
    writer.write(f"{len(raw):x}\r\n".encode() + raw + b"\r\n")


async def _end(writer: asyncio.StreamWriter) -> None:
    writer.write(b"0\r\n\r\n")
    await writer.drain()


def _head(status: int, headers: dict[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Planned\r\n{lines}\r\n".encode()


async def _send(writer: asyncio.StreamWriter, status: int, body: str, extra: dict[str, str] | None = None) -> None:
    raw = body.encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(raw))} | (extra or {})
    writer.write(_head(status, headers) + raw)
    await writer.drain()


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
    longer. Anything else: some 30 words, or for some 10 % a refusal. Chinese is answered in Chinese.
    """
    digits = _digits(json.dumps(messages, sort_keys=True))
    luck = next(digits) * 256 + next(digits)
    last = messages[-1]["content"]
    frame = " ".join(message["content"] for message in messages if message["role"] == "system") + last
    if "Not Equal" in frame:
        return "Equal" if luck % 100 < 15 else "Not Equal"
    given = found.group(1) if (found := _GIVEN.search(last)) else last.strip()
    chinese = len(_CJK.findall(given)) * 4 > len(given)
    pool = _WORDS_ZH if chinese else _WORDS_EN
    words = [pool[next(digits) % len(pool)] for _ in range(26)]
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


def _digits(text: str) -> Iterator[int]:
    seed = text.encode()
    while True:
        seed = hashlib.sha256(seed).digest()
        yield from seed


async def _run(arguments: argparse.Namespace) -> None:
    async with ChatServer(latency=arguments.latency, log=arguments.log) as server:
        beside = arguments.port_file.with_suffix(".part")
        beside.write_text(server.url.split(":")[2].split("/")[0], encoding="ascii")
        beside.replace(arguments.port_file)
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port-file", type=Path, required=True, help="where the port is written when it is ready")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--log", type=Path, help="JSON lines of the requests, each written before its answer")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(parser.parse_args()))
