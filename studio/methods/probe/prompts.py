"""The prompt files of the probe: probe.en.toml and probe.zh.toml in `studio/methods/prompts`.

Each holds a template for both tasks and both profiles. The question comes last, as in the paper's plain prompts.
"""

from __future__ import annotations

from studio.methods.prompt_files import plain

NAMES = ("kv", "documents")
"""Every template of a prompt set, by task."""

FIELDS = frozenset({"context", "asked"})
"""What each must have: the pairs or documents, and the key or question."""


FILES = plain("probe", dict.fromkeys(NAMES, FIELDS))
"""probe.en.toml and probe.zh.toml."""
