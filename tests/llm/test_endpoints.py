from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest

from studio.llm.endpoints import PRESETS, Preset, Running, find_local, is_loopback, preset_for
from tests.support.chat_server import MODELS, ChatServer


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:8000/v1", True),
        ("http://127.8.9.1/v1", True),
        ("http://localhost:11434/v1", True),
        ("http://[::1]:8080/v1", True),
        ("http://192.168.0.7:8000/v1", False),
        ("https://api.openai.com/v1", False),
        ("http://localhost.example.com/v1", False),
        ("http://127.0.0.1.example.com/v1", False),
        ("nonsense", False),
    ],
)
def test_what_counts_as_this_machine(url, local):
    assert is_loopback(url) is local


def test_presets_send_keys_over_https_only():
    assert all(preset.base_url.startswith("https://") for preset in PRESETS if preset.api_key_env)
    assert len({preset.name for preset in PRESETS}) == len(PRESETS)


def test_a_preset_is_known_by_host_and_port():
    found = preset_for("https://api.deepseek.com/beta")
    assert found is not None
    assert found.api_key_env == "DEEPSEEK_API_KEY"
    assert preset_for("https://api.deepseek.com.example/v1") is None
    assert preset_for("http://127.0.0.1:4321/v1") is None


@contextlib.asynccontextmanager
async def answering(raw: bytes, together: asyncio.Barrier):
    """A port that sends raw to whoever connects, once all of them are asked, and then keeps quiet."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.BrokenBarrierError):
            await together.wait()
            writer.write(raw)
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


async def test_only_local_endpoints_that_answer_are_found():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
    together = asyncio.Barrier(3)
    async with (
        ChatServer() as server,
        answering(b"", together) as silent,
        answering(b"SSH-2.0-OpenSSH\r\n\r\n", together) as other,
        answering(b"HTTP/1.1 200 OK\r\n\r\n{}", together) as endless,
    ):
        running = Preset("vllm", server.url)
        others = [Preset(url, url) for url in (closed, silent, other, endless, "https://api.openai.com/v1")]
        found = await find_local(1.0, [*others, running])
        assert together.n_waiting == 0, "one was asked after the other"
    assert found == [Running(running, MODELS)]
