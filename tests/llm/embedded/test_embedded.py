from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from studio.errors import ModelError, PassingError
from studio.llm.chat import Request
from studio.llm.embedded import model as embedded
from studio.llm.embedded import server as embedded_server
from studio.llm.embedded import weights
from studio.llm.embedded.model import Embedded, available
from studio.llm.openai_chat import OpenAIChat
from tests.support.chat_server import ChatServer, Fault

ASKED = Request(Embedded.model, (("user", "Name three fruits."),), temperature=0.0, max_tokens=16)


@pytest.fixture
def stub(tmp_path):
    """Writes a child that stands in for the server: it notes its start, then runs the given lines."""

    def write(*lines: str) -> tuple[str, ...]:
        script = tmp_path / "child.py"
        start = f"""
            import json, os, sys
            with open({str(tmp_path / "starts")!r}, "a") as file:
                file.write(json.dumps([sys.argv[1:], os.environ["STUDIO_EMBEDDED_KEY"], os.getpid()]) + chr(10))
        """
        script.write_text(textwrap.dedent(start) + "\n".join(lines), encoding="utf-8")
        return (sys.executable, str(script))

    return write


def starts(folder: Path) -> list[tuple[list[str], str, int]]:
    return [json.loads(line) for line in (folder / "starts").read_text().splitlines()]


def serving(url: str) -> tuple[str, ...]:
    said = json.dumps({"url": url.removesuffix("/v1")})
    return ("print('chatter of a native library', flush=True)", f"print({said!r}, flush=True)", "sys.stdin.read()")


def gone(pid: int) -> bool:
    """Whether a process is no more, or only waits to be buried."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True


async def test_it_starts_once_with_the_first_replies_and_ends_with_close(tmp_path, stub):
    async with ChatServer() as server:
        command = stub(*serving(server.url))
        model = Embedded(tmp_path / "model.gguf", slots=3, context_per_slot=512, threads=1, command=command)
        pieces: list[str] = []
        replies = await asyncio.gather(model.reply(ASKED), model.reply(ASKED, pieces.append))
        await model.close()
    assert replies[0].text == replies[1].text == "".join(pieces)
    ((arguments, key, pid),) = starts(tmp_path)
    assert arguments == [f"--model={tmp_path / 'model.gguf'}", "--threads=1", "--slots=3", "--context-per-slot=512"]
    assert key not in " ".join(arguments)
    assert {request.headers["authorization"] for request in server.asked} == {f"Bearer {key}"}
    assert gone(pid)


async def test_it_starts_to_count_and_tells_the_context_of_a_slot(tmp_path, stub):
    async with ChatServer([Fault("status", status=200, raw='{"input_tokens": 12}')]) as server:
        model = Embedded(tmp_path / "model.gguf", context_per_slot=512, command=stub(*serving(server.url)))
        assert (model.context, await model.count(ASKED.messages)) == (512, 12)
        assert (await model.reply(ASKED)).text
        await model.close()
    assert len(starts(tmp_path)) == 1


async def test_each_start_has_a_key_of_its_own_and_a_closed_one_starts_again(tmp_path, stub):
    async with ChatServer() as server:
        model = Embedded(tmp_path / "model.gguf", command=stub(*serving(server.url)))
        for _ in range(2):
            await model.reply(ASKED)
            await model.close()
    keys = {key for _, key, _ in starts(tmp_path)}
    assert len(keys) == 2
    assert min(map(len, keys)) >= 32


async def test_a_crash_is_passing_once_and_final_the_second_time(tmp_path, stub):
    def crash(*_: object) -> Fault:
        os.kill(starts(tmp_path)[-1][2], signal.SIGKILL)
        return Fault("drop")

    async with ChatServer(crash) as server:
        model = Embedded(tmp_path / "model.gguf", command=stub(*serving(server.url)))
        for _ in range(2):
            with pytest.raises(PassingError, match="crashed"):
                await model.reply(ASKED)
        with pytest.raises(ModelError, match=r"twice \(SIGKILL\)") as caught:
            await model.reply(ASKED)
        await model.close()
    assert not isinstance(caught.value, PassingError)
    assert len(starts(tmp_path)) == 2


async def test_an_answer_after_a_crash_forgives_it(tmp_path, stub):
    def crash(number: int, _: object) -> Fault:
        if number % 2 == 0:
            os.kill(starts(tmp_path)[-1][2], signal.SIGKILL)
            return Fault("drop")
        return Fault()

    async with ChatServer(crash) as server:
        model = Embedded(tmp_path / "model.gguf", command=stub(*serving(server.url)))
        for _ in range(3):
            with pytest.raises(PassingError, match="crashed"):
                await model.reply(ASKED)
            assert (await model.reply(ASKED)).text
        await model.close()


async def test_trouble_without_a_crash_is_passed_on(tmp_path, stub):
    async with ChatServer([Fault("500")]) as server:
        model = Embedded(tmp_path / "model.gguf", command=stub(*serving(server.url)))
        with pytest.raises(PassingError, match="500"):
            await model.reply(ASKED)
        assert (await model.reply(ASKED)).text
        await model.close()
    assert len(starts(tmp_path)) == 1


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["print(json.dumps({'error': 'no such architecture'}), flush=True)"], "no such architecture"),
        (["os._exit(3)"], "exit code 3"),
        (["os.kill(os.getpid(), 11)"], "SIGSEGV"),
    ],
)
async def test_a_server_that_cannot_start_says_why(tmp_path, stub, lines, says):
    model = Embedded(tmp_path / "model.gguf", command=stub(*lines))
    with pytest.raises(ModelError, match=says) as caught:
        await model.start()
    assert caught.value.hint
    assert all(gone(pid) for _, _, pid in starts(tmp_path))
    await model.close()


async def test_a_start_that_is_cancelled_leaves_no_child(tmp_path, stub):
    model = Embedded(tmp_path / "model.gguf", command=stub("sys.stdin.read()"))
    starting = asyncio.create_task(model.start())
    async with asyncio.timeout(10):
        while not (tmp_path / "starts").exists() or not starts(tmp_path):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert gone(starts(tmp_path)[0][2])


async def test_missing_weights_are_one_line_with_the_cure(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDIO_CACHE", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    assert available() == "The embedded model's weights are not here yet. Run: studio model fetch"
    with pytest.raises(ModelError) as caught:
        await Embedded().start()
    assert str(caught.value) == available()
    assert caught.value.hint == "Run: studio model fetch"


async def test_a_missing_library_is_one_line_with_the_cure(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert available() == 'The embedded model needs xllamacpp. Run: pip install "dataset-studio[local]"'
    with pytest.raises(ModelError) as caught:
        await Embedded().start()
    assert caught.value.hint == weights.INSTALL_HINT


def test_asking_whether_it_is_available_imports_no_native_library():
    code = "import sys; from studio.llm.embedded import model; model.available(); print('xllamacpp' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_server_refuses_to_run_without_a_key(monkeypatch, capsys):
    monkeypatch.delenv("STUDIO_EMBEDDED_KEY", raising=False)
    assert embedded_server.main(["--model=x"]) == 1
    assert "STUDIO_EMBEDDED_KEY" in json.loads(capsys.readouterr().out)["error"]


async def test_the_real_server_says_that_a_file_is_no_model(tmp_path):
    pytest.importorskip("xllamacpp")
    (tmp_path / "model.gguf").write_bytes(b"not a model")
    with pytest.raises(ModelError, match="cannot start"):
        await Embedded(tmp_path / "model.gguf").start()


@pytest.fixture(scope="module")
def real_weights() -> Path:
    pytest.importorskip("xllamacpp")
    return weights.find() or weights.fetch(lambda *_: None)


@pytest.mark.slow
async def test_the_real_model_answers_streams_and_knows_its_limits(real_weights):
    model = Embedded(real_weights)
    try:
        reply = await model.reply(ASKED)
        assert reply.text.strip()
        assert await model.count(ASKED.messages) == reply.usage.prompt_tokens
        assert reply.finish_reason in ("stop", "length")
        assert 0 < reply.usage.completion_tokens <= 16
        assert reply.model == embedded.MODEL_ID
        pieces: list[str] = []
        streamed = await model.reply(ASKED, pieces.append)
        assert "".join(pieces) == streamed.text
        assert len(pieces) > 3
        with pytest.raises(ModelError, match="longer than the context"):
            await model.reply(Request(Embedded.model, (("user", "word " * 3000),)))
        chat = model._chat
        assert chat is not None
        stranger = OpenAIChat(chat._access._base_url, Embedded.model)
        with pytest.raises(ModelError, match="401"):
            await stranger.reply(ASKED)
        await stranger.close()
    finally:
        await model.close()


@pytest.mark.slow
def test_the_real_server_ends_when_its_parent_is_killed(real_weights):
    code = f"""
        import asyncio, pathlib, sys
        from studio.llm.embedded.model import Embedded

        async def run():
            model = Embedded(pathlib.Path({str(real_weights)!r}))
            await model.start()
            print(model._child.pid, flush=True)
            await asyncio.sleep(600)

        asyncio.run(run())
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert not gone(child)
        parent.kill()
    deadline = time.monotonic() + 5
    while not gone(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert gone(child)
