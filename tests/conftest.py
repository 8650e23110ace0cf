"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# Machines are noisy: no test fails for the time it took.
settings.register_profile("studio", deadline=None)
settings.load_profile("studio")
