"""What holds for every test."""

from __future__ import annotations

import signal

import pytest
from hypothesis import settings

# Machines are noisy: no test fails for the time it took. Each run draws other examples.
settings.register_profile("studio", deadline=None, max_examples=40)
settings.load_profile("studio")


def pytest_configure() -> None:
    """Ctrl+C reaches what the tests start, also where the tests run in the background of a shell, which ignores it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """The whole suite on four workers, since tests wait more than they compute; chosen tests without any."""
    return 4 if config.args == config.getini("testpaths") and config.option.markexpr != "slow" else 0
