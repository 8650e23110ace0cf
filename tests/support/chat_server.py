"""A loopback server that speaks the OpenAI formats for chat completions and embeddings, and misbehaves on demand.

In a test:           async with ChatServer([Fault("429", retry_after="2")]) as server: ... server.url ...
As a process:        python tests/support/chat_server.py --port-file F [--latency S] [--log F] [--token-rate N]
                     [--flaky SHARE]

Without faults it answers like a teacher for Evol-Instruct, see teacher.py, and with vectors, see vectors.py.
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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

if __package__:
    from tests.support import vectors
    from tests.support.teacher import digits, teach
else:  # Run by its path.
    import vectors
    from teacher import digits, teach

Thinks = Literal["reasoning_content", "reasoning", "think", "thinking", "unclosed", "closing"]
"""How a model gives its thoughts: in a field of that name, in tags of that name, opened only, or closed only."""

MODELS = ("teacher-small", "teacher-large")

Kind = Literal[
    "ok", "status", "429", "500", "hang", "hang-mid", "drip", "cut", "drop", "malformed", "wrong-schema",
    "no-choices", "length", "html", "error-200", "no-done",
    # Of vectors alone.
    "fewer", "narrow", "uneven", "nan", "zeros", "shuffled", "misnumbered", "unnumbered", "no-base64",
]  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """How one request is answered.

    status: any other status, with code and text in its body. drip: one word each pause seconds. cut: the
    stream ends in order but without finish_reason (a body without streaming: half of it). drop: the connection
    breaks before any answer. no-done: the stream stays open after finish_reason. text: replaces the teacher's.
    raw: the whole body of a status. thinking: what it thinks before the text. headers: more of them. Of vectors, fewer:
    one is missing. narrow, uneven: with too few numbers, all or the last. nan, zeros: the first has no direction.
    shuffled: the last comes first. misnumbered, unnumbered: by indexes that cannot be, without any.
    """

    kind: Kind = "ok"
    retry_after: str | None = None
    status: int = 400
    code: str = ""
    text: str | None = None
    raw: str | None = None
    pause: float = 0.05
    thinking: str = ""
    thinks: Thinks = "think"
    headers: tuple[tuple[str, str], ...] = ()


FILTERED = Fault(
    "status",
    status=400,
    code="content_filter",
    text="The response was filtered due to the prompt triggering our content management policy.",
)
TOO_LONG = Fault(
    "status",
    status=400,
    code="context_length_exceeded",
    text="This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.",
)
PASSING: tuple[Fault, ...] = (
    Fault("429", retry_after="0"),
    Fault("429", retry_after="0.05"),
    Fault("500"),
    Fault("drop"),
    Fault("cut"),
    Fault("malformed"),
    Fault("wrong-schema"),
    Fault("no-choices"),
    Fault("error-200"),
)
"""Faults after which asking again helps, and that take no time."""


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


def flaky(share: float, faults: Sequence[Fault] = PASSING) -> Script:
    """A script by which about that share of the requests meets a fault the first time it is asked, and only then."""
    seen: set[str] = set()

    def decide(_: int, body: dict[str, Any]) -> Fault:
        name = body_hash(body)
        luck = digits(name)
        lucky = (next(luck) * 256 + next(luck)) / 65_536 >= share
        if lucky or name in seen:
            return Fault()
        seen.add(name)
        return faults[next(luck) % len(faults)]

    return decide


@dataclass
class ChatServer:
    """The server. latency: seconds before each answer. key: the only one accepted, None for any. at_once: more requests
    than that at the same time get 429 (with retry_after, if given), 0 for any number. token_rate: words a second of a
    streamed answer, 0 for all at once. base64: whether vectors come so when they are asked for so, come as numbers all
    the same, or whether asking is refused. most_texts: in a request for vectors, 0 for any number. broken: what a text
    has in it that gets a vector of NaN.
    """

    script: Script = ()
    latency: float = 0.0
    key: str | None = None
    at_once: int = 0
    retry_after: str | None = None
    token_rate: float = 0.0
    log: Path | None = None
    base64: Literal["given", "ignored", "refused"] = "given"
    most_texts: int = 0
    broken: str = ""
    asked: list[Asked] = field(default_factory=list)
    most_at_once: int = 0
    _at_once: int = 0
    _connections: set[asyncio.Task[Any]] = field(default_factory=set)
    _server: asyncio.Server | None = None
    _port: int = 0

    @property
    def url(self) -> str:
        """The base_url of a client."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def counts(self) -> Counter[str]:
        """How often each body was asked, by hash."""
        return Counter(request.hash for request in self.asked)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen, after a stop() on the same port again."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Break every connection and refuse new ones, as a server that is restarted does."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections)
        await server.wait_closed()

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
                    await self._answer(path, json.loads(content), headers, writer)
                if line.endswith("HTTP/1.0"):
                    return
        except (asyncio.IncompleteReadError, ConnectionError, _GoneError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self._connections.discard(connection)

    async def _answer(
        self, path: str, body: dict[str, Any], headers: dict[str, str], writer: asyncio.StreamWriter
    ) -> None:
        number = len(self.asked)
        if callable(self.script):
            fault = self.script(number, body)
        else:
            fault = self.script[number] if number < len(self.script) else Fault()
        if self.key is not None and headers.get("authorization") != f"Bearer {self.key}":
            fault = Fault("status", status=401, text=f"Incorrect API key: {headers.get('authorization')}")
        if self.at_once and self._at_once >= self.at_once:
            fault = Fault("429", retry_after=self.retry_after)
        if path.endswith("/embeddings") and fault.kind == "ok":
            fault = self._refusal(body) or fault
        self._note(Asked(number, body_hash(body), fault.kind, bool(body.get("stream")), body, headers, time.time()))
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await asyncio.sleep(self.latency)
            if path.endswith("/embeddings"):
                await _perform_vectors(fault, body, writer, self)
            else:
                await _perform(fault, body, writer, self.token_rate)
        finally:
            self._at_once -= 1

    def _refusal(self, body: dict[str, Any]) -> Fault | None:
        """Why a request for vectors is refused, in the words of DashScope and of older vLLM."""
        if self.most_texts and len(body["input"]) > self.most_texts:
            said = (
                f"Value error, batch size is invalid, it should not be larger than {self.most_texts}.: input.contents"
            )
            return Fault("status", status=400, code="InvalidParameter", text=said)
        if self.base64 == "refused" and body.get("encoding_format") == "base64":
            return Fault("status", status=400, text="base64 encoding is not currently supported")
        return None

    def _note(self, request: Asked) -> None:
        self.asked.append(request)
        if self.log is not None:
            seen = {"n": request.number, "hash": request.hash, "kind": request.kind, "stream": request.stream}
            seen |= {"model": request.body.get("model"), "at": request.at, "input": request.body.get("input")}
            with self.log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(seen) + "\n")


def body_hash(body: dict[str, Any]) -> str:
    """16 hex digits for a request, the same with and without streaming."""
    kept = {name: value for name, value in body.items() if name not in ("stream", "stream_options")}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]


class _GoneError(Exception):
    """The server ends the connection on purpose."""


async def _fail(fault: Fault, writer: asyncio.StreamWriter) -> bool:
    """Do what a fault does before any answer; whether that was all."""
    kind, extra = fault.kind, dict(fault.headers)
    if kind in ("429", "500", "status"):
        status = fault.status if kind == "status" else int(kind)
        error = {"message": fault.text or f"planned {status}", "type": "planned", "code": fault.code or None}
        if fault.retry_after:
            extra["Retry-After"] = fault.retry_after
        await _send(writer, status, fault.raw or json.dumps({"error": error}), extra)
        return True
    if kind == "hang":
        await asyncio.sleep(3600)
    if kind == "drop":
        raise _GoneError
    return False


async def _perform_vectors(
    fault: Fault, body: dict[str, Any], writer: asyncio.StreamWriter, server: ChatServer
) -> None:
    if await _fail(fault, writer):
        return
    plain = {
        "malformed": '{"data": [{"embedding": [0.1, ',
        "wrong-schema": json.dumps({"data": [{"embedding": {"values": [1.0]}, "index": 0}]}),
        "html": "<!doctype html><title>Sign in</title>",
        "error-200": json.dumps({"error": {"message": fault.text or "overloaded upstream"}}),
        "no-choices": json.dumps({"data": [], "model": body["model"]}),
    }.get(fault.kind)
    if plain is not None:
        return await _send(writer, 200, plain, {"Content-Type": "text/html"} if fault.kind == "html" else {})
    as_base64 = body.get("encoding_format") == "base64" and server.base64 == "given"
    found = vectors.listing(body, fault.kind, as_base64=as_base64, broken=server.broken)
    await _send_whole(fault, json.dumps(found, ensure_ascii=False), writer)


async def _perform(fault: Fault, body: dict[str, Any], writer: asyncio.StreamWriter, token_rate: float) -> None:
    kind = fault.kind
    text = fault.text if fault.text is not None else teach(body["messages"])
    if await _fail(fault, writer):
        return None
    plain = {
        "malformed": '{"choices": [{"message": {"content": "half',
        "wrong-schema": json.dumps({"choices": [{"message": "not an object", "delta": 7}]}),
        "html": "<!doctype html><title>Sign in</title>",
        "error-200": json.dumps({"error": {"message": "overloaded upstream"}}),
        "no-choices": json.dumps({"choices": [], "model": body["model"]}),
    }.get(kind)
    if body.get("stream") and kind not in ("html", "no-choices"):
        return await _stream(fault, body, text, plain, writer, token_rate)
    if plain is not None:
        return await _send(writer, 200, plain, {"Content-Type": "text/html"} if kind == "html" else {})
    whole = completion(body, text, "length" if kind == "length" else "stop")
    fields, tagged = _thoughts(fault, text)
    whole["choices"][0]["message"] |= fields | {"content": tagged}
    return await _send_whole(fault, json.dumps(whole, ensure_ascii=False), writer)


async def _send_whole(fault: Fault, content: str, writer: asyncio.StreamWriter) -> None:
    """An answer that is not streamed: at once, drop by drop, or half of it."""
    kind = fault.kind
    if kind not in ("drip", "cut", "hang-mid"):
        return await _send(writer, 200, content, dict(fault.headers))
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


def _thoughts(fault: Fault, text: str) -> tuple[dict[str, str], str]:
    """The fields a message has besides its text, and the text with the thoughts that are in it."""
    thought, way = fault.thinking, fault.thinks
    if not thought:
        return {}, text
    if way in ("reasoning_content", "reasoning"):
        return {way: thought}, text
    tags = {"unclosed": ("<think>", ""), "closing": ("", "</think>")}.get(way, (f"<{way}>", f"</{way}>"))
    return {}, f"{tags[0]}\n{thought}\n{tags[1]}\n\n{text if tags[1] else ''}"


async def _stream(
    fault: Fault,
    body: dict[str, Any],
    text: str,
    plain: str | None,
    writer: asyncio.StreamWriter,
    token_rate: float,
) -> None:
    kept = {"Transfer-Encoding": "chunked", "Content-Type": "text/event-stream"} | dict(fault.headers)
    writer.write(_head(200, kept))
    if plain is not None:
        _event(writer, plain)
        return await _end(writer)
    _event(writer, _chunk(body, {"role": "assistant", "content": ""}))
    fields, text = _thoughts(fault, text)
    for name, thought in fields.items():
        for word in re.findall(r"\S+\s*|\s+", thought):
            _event(writer, _chunk(body, {name: word}))
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
        elif token_rate:
            await writer.drain()
            await asyncio.sleep(1 / token_rate)
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


async def _run(arguments: argparse.Namespace) -> None:
    script = flaky(arguments.flaky) if arguments.flaky else ()
    async with ChatServer(
        script, latency=arguments.latency, log=arguments.log, token_rate=arguments.token_rate
    ) as server:
        beside = arguments.port_file.with_suffix(".part")
        beside.write_text(server.url.split(":")[2].split("/")[0], encoding="ascii")
        beside.replace(arguments.port_file)
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port-file", type=Path, required=True, help="where the port is written when it is ready")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--token-rate", type=float, default=0.0, help="words a second of a streamed answer")
    parser.add_argument("--flaky", type=float, default=0.0, help="share of requests that fail the first time")
    parser.add_argument("--log", type=Path, help="JSON lines of the requests, each written before its answer")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(parser.parse_args()))
