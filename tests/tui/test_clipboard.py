"""Where a copied text goes."""

from __future__ import annotations

import base64

from studio.tui import clipboard


class Screen:
    """An app that remembers what it was to copy."""

    copied = None

    def copy_to_clipboard(self, text):
        self.copied = text


def test_outside_tmux_the_terminal_gets_it():
    screen = Screen()
    assert clipboard.copy(screen, "潮汐") == "copied, if your terminal takes OSC 52"
    assert screen.copied == "潮汐"


def fake_tmux(folder, code):
    """A tmux that keeps what it is given."""
    tool = folder / "tmux"
    tool.write_text(f'#!/bin/sh\necho "$@" > {folder}/args\nbase64 > {folder}/text\nexit {code}\n', encoding="utf-8")
    tool.chmod(0o755)


def test_inside_tmux_its_buffer_gets_it(tmp_path, monkeypatch):
    fake_tmux(tmp_path, 0)
    monkeypatch.setenv("TMUX", "somewhere")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    screen = Screen()
    assert clipboard.copy(screen, "潮汐\x1b") == "copied to the tmux buffer, and to your terminal if it allows it"
    assert screen.copied is None
    assert (tmp_path / "args").read_text(encoding="utf-8").split() == ["load-buffer", "-w", "-"]
    assert base64.b64decode((tmp_path / "text").read_bytes()).decode() == "潮汐\x1b"


def test_a_tmux_that_refuses_leaves_the_terminal(tmp_path, monkeypatch):
    fake_tmux(tmp_path, 1)
    monkeypatch.setenv("TMUX", "somewhere")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    screen = Screen()
    clipboard.copy(screen, "tide")
    assert screen.copied == "tide"
