"""What tokens cost: the shipped table, the person's own over it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from studio.errors import UsageError
from studio.llm.chat import Usage
from studio.llm.endpoints import is_local
from studio.settings import PriceSettings
from studio.settings.sources import user_file

Price = PriceSettings
"""USD for a million tokens."""

FREE = Price(0.0, 0.0)

_SHIPPED = Path(__file__).with_name("prices.toml")
_MILLION = 1_000_000
# What may follow a known id in the id of one of its versions: gpt-4o-mini-2024-07-18, qwen-plus@eu, llama3:8b.
_SEAMS = "-@:"


class Prices(msgspec.Struct, frozen=True):
    """Prices by model id. own: those the person wrote, which take the place of shipped ones, and hold for a model
    served from this machine too (it may be a relay).
    """

    shipped: Mapping[str, Price]
    own: Mapping[str, Price]

    def price(self, base_url: str, model: str) -> Price | None:
        """The price of a model at an endpoint, None when nobody knows it: whoever asks has to say so.

        The exact id first, then the longest known id it begins with. Nothing on this machine or in its private network
        costs anything, nor does the embedded model (base_url "").
        """
        if model in self.own:
            return self.own[model]
        if not base_url or is_local(base_url):
            return FREE
        return find({**self.shipped, **self.own}, model)


def find(table: Mapping[str, Price], model: str) -> Price | None:
    """The price of the longest id in the table that the model's id is, or begins with."""
    known = [name for name in table if model == name or (model.startswith(name) and model[len(name)] in _SEAMS)]
    return table[max(known, key=len)] if known else None


def cost(price: Price, usage: Usage) -> float:
    """USD for so many tokens."""
    fresh = usage.prompt_tokens - usage.cached_tokens
    cached = price.input if price.cached is None else price.cached
    return (fresh * price.input + usage.cached_tokens * cached + usage.completion_tokens * price.output) / _MILLION


def load(project: Mapping[str, Price], own_file: Path | None = None) -> Prices:
    """The shipped table; over it the person's prices.toml beside config.toml; over both [prices] of the settings.

    Raises UsageError, with the file's name, when prices.toml is no such table.
    """
    file = own_file or user_file().with_name("prices.toml")
    return Prices(_read(_SHIPPED), {**(_read(file) if file.is_file() else {}), **project})


def _read(file: Path) -> dict[str, Price]:
    try:
        return msgspec.convert(tomllib.loads(file.read_text("utf-8")), dict[str, Price])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise UsageError(
            f"{file} is not a table of prices: {error}.", hint='A line is: "my-model" = { input = 0.5, output = 1.5 }'
        ) from None
