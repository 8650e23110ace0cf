"""Known OpenAI-compatible endpoints, and which of the local ones are running."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

import msgspec

_MOST_BYTES = 1_000_000


class Preset(msgspec.Struct, frozen=True):
    """An endpoint people use. api_key_env: the variable its key is usually in, "" when it wants none."""

    name: str
    base_url: str
    api_key_env: str = ""


PRESETS: tuple[Preset, ...] = (
    Preset("openai", "https://api.openai.com/v1", "OPENAI_API_KEY"),
    Preset("dashscope", "https://dashscope.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY"),
    Preset("deepseek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    Preset("vllm", "http://127.0.0.1:8000/v1"),
    Preset("ollama", "http://127.0.0.1:11434/v1"),
    Preset("lmstudio", "http://127.0.0.1:1234/v1"),
    Preset("llamacpp", "http://127.0.0.1:8080/v1"),
)


class Running(msgspec.Struct, frozen=True):
    """A local endpoint that answered, and the ids of the models it offers."""

    preset: Preset
    models: tuple[str, ...]


def is_loopback(base_url: str) -> bool:
    """Whether the URL's host is this machine."""
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def is_local(base_url: str) -> bool:
    """Whether the URL's host is this machine, or one in its private network."""
    try:
        return ipaddress.ip_address(urlsplit(base_url).hostname or "").is_private
    except ValueError:
        return is_loopback(base_url)


def preset_for(base_url: str) -> Preset | None:
    """The preset on the same host and port, so that a key is offered only to the endpoint it belongs to."""
    place = urlsplit(base_url).netloc
    return next((preset for preset in PRESETS if urlsplit(preset.base_url).netloc == place), None)


async def find_local(timeout: float = 0.3, presets: Iterable[Preset] = PRESETS) -> list[Running]:  # noqa: ASYNC109
    """The loopback presets that answer GET /v1/models within timeout seconds, asked all at once."""
    local = [preset for preset in presets if is_loopback(preset.base_url)]
    offers = await asyncio.gather(*(_offer(preset, timeout) for preset in local))
    return [Running(preset, models) for preset, models in zip(local, offers, strict=True) if models is not None]


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]


async def _offer(preset: Preset, seconds: float) -> tuple[str, ...] | None:
    try:
        async with asyncio.timeout(seconds):
            body = await _get(preset.base_url + "/models")
        return tuple(model.id for model in msgspec.json.decode(body, type=_Models).data)
    except (OSError, TimeoutError, ValueError, msgspec.DecodeError):
        return None


async def _get(url: str) -> bytes:
    """The body of a plain GET. HTTP/1.0, so that the answer is neither chunked nor kept alive."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    try:
        writer.write(f"GET {place.path} HTTP/1.0\r\nHost: {place.netloc}\r\nAccept: application/json\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if head.split(None, 2)[1:2] != [b"200"]:
            raise ValueError("not 200")
        body = bytearray()
        while piece := await reader.read(65_536):
            body += piece
            if len(body) > _MOST_BYTES:
                raise ValueError("too long")
        return bytes(body)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise ValueError("not HTTP") from error
    finally:
        writer.close()
