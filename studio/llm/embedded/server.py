"""The child process that runs the embedded model. The parent's side is studio/llm/embedded/model.py.

    STUDIO_EMBEDDED_KEY=... python -P server.py --model PATH [--threads N] [--slots N]
    [--context-per-slot N]

It serves llama.cpp's OpenAI-compatible endpoint on a free loopback port, writes one JSON line with its
"url" (or an "error") to stdout, and ends when stdin does. Run by its path and free of imports from the
studio, so that the child loads nothing but the model's library.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import signal
import sys
import threading
from typing import Any

KEY_VARIABLE = "STUDIO_EMBEDDED_KEY"
MODEL_ID = "smollm2-135m-instruct-q4_1"

_PR_SET_PDEATHSIG = 1
# llama.cpp keeps old prompts in memory, by default up to 8 GiB of them.
_PROMPT_CACHE_MIB = 128


def main(arguments: list[str] | None = None) -> int:
    """Serve until the parent goes. Returns the exit code when serving could not start."""
    options = _parser().parse_args(arguments)
    key = os.environ.pop(KEY_VARIABLE, "")
    if not key:
        return _fail(f"{KEY_VARIABLE} is not set")
    _end_with_parent()
    with contextlib.suppress(OSError, AttributeError):
        os.nice(10)  # The screens paint first.
    watch = threading.Thread(target=_wait_for_parent, daemon=True)
    watch.start()
    try:
        server = _serve(options, key)
    except Exception as error:  # Whatever the native library raises, the parent wants one line.
        return _fail(f"{type(error).__name__}: {error}")
    _say({"url": server.listening_address})
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Nobody reads on: chatter would fill the pipe and block.
    watch.join()
    return 0


def _serve(options: argparse.Namespace, key: str) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = options.model
    params.model_alias = [MODEL_ID]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [key]
    params.n_parallel = options.slots
    params.n_ctx = options.context_per_slot * options.slots
    params.cpuparams.n_threads = options.threads
    params.cpuparams_batch.n_threads = options.threads
    params.n_gpu_layers = 0
    params.cache_ram_mib = _PROMPT_CACHE_MIB
    params.endpoint_slots = False
    params.ui = False
    params.warmup = False
    params.verbosity = -1
    return xllamacpp.Server(params)


def _end_with_parent() -> None:
    """Have Linux kill this process when the parent's thread that started it ends, however it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _wait_for_parent() -> None:
    # Nothing is ever written to stdin; it ends when the parent closes it or dies. The native threads are
    # not waited for: they hold nothing that needs saving.
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    os._exit(0)


def _say(line: dict[str, str]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _fail(reason: str) -> int:
    _say({"error": reason})
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="The embedded model's server.")
    parser.add_argument("--model", required=True, help="the GGUF file")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--slots", type=int, default=4, help="requests answered at once")
    parser.add_argument("--context-per-slot", type=int, default=2048, help="tokens")
    return parser


if __name__ == "__main__":
    sys.exit(main())
