"""A model's own tokenizer, from the tokenizer.json that comes with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from studio.errors import UsageError


def token_counter(path: Path) -> Callable[[str], int]:
    """Tokens of a text by the tokenizer.json at path, chat template aside. Raises UsageError when it is none."""
    if not path.is_file():
        raise UsageError(
            f"[check] tokenizer: there is no file {path}.",
            hint="Give the path of a model's tokenizer.json, or leave it empty for an estimate.",
        )
    # 20 ms to import, and nearly nobody sets it.
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:
        # The binding raises Exception itself for whatever it cannot parse.
        raise UsageError(f"[check] tokenizer: {path} is no tokenizer.json: {error}.") from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)
